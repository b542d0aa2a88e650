//! Requests that wait for their reply, in order.

use std::collections::VecDeque;

use crate::timeline::Recipient;

/// What a request was, as far as its reply matters to the state of the session.
#[derive(Debug)]
pub(super) enum Asked {
    /// Its reply changes nothing.
    Plain,
    /// EHLO or LHLO; with the transaction that it ends if it is accepted.
    Hello {
        capabilities: bool,
        ends: Option<usize>,
    },
    /// MAIL, with its transaction and the one that was open before.
    Mail {
        transaction: usize,
        before: Option<usize>,
    },
    /// RCPT number `recipient` of a transaction.
    Rcpt {
        transaction: usize,
        recipient: usize,
    },
    /// RCPT outside a transaction.
    StrayRcpt(Box<Recipient>),
    /// DATA.
    Data,
    /// The content of a transaction.
    Content { transaction: usize },
    /// The content once more: with LMTP each recipient has a reply of its own (RFC 2033 section 4.2).
    Again { transaction: usize },
    /// BDAT.
    Chunk,
    /// AUTH: number of the authentication.
    Auth(usize),
    /// STARTTLS.
    StartTls,
}

/// One request.
#[derive(Debug)]
pub(super) struct Request {
    /// Its exchange.
    pub(super) exchange: usize,
    /// The packet that carried its beginning.
    pub(super) packet: u64,
    /// What it was.
    pub(super) asked: Asked,
}

/// The queue.
#[derive(Debug, Default)]
pub(super) struct Pending {
    queue: VecDeque<Request>,
    /// How many of them are DATA.
    data: usize,
    /// Replies may be missing: the order alone does not pair any more.
    uncertain: bool,
    /// Requests may be missing: a reply may belong to one of them.
    incomplete: bool,
}

impl Pending {
    pub(super) fn push(&mut self, request: Request) {
        self.data += usize::from(matches!(request.asked, Asked::Data));
        self.queue.push_back(request);
    }

    /// The one request that waits; `None` where there is none or more than one.
    pub(super) fn only(&self) -> Option<&Request> {
        self.queue.front().filter(|_| self.queue.len() == 1)
    }

    /// The request that waits longest.
    pub(super) fn front(&self) -> Option<&Request> {
        self.queue.front()
    }

    /// Notes that server bytes are missing, and replies with them.
    pub(super) fn doubt(&mut self) {
        self.uncertain = !self.queue.is_empty();
    }

    /// Notes that client bytes are missing, and requests with them.
    pub(super) fn miss(&mut self) {
        self.incomplete = true;
    }

    /// Takes the request that a reply with `code` answers.
    ///
    /// In order, with two exceptions. 354 answers DATA and nothing else (RFC 5321 section 4.3.2), and 334 AUTH (RFC 4954
    /// section 4), so they overtake requests that were never answered. And after missing server bytes only a pairing that leaves no choice is made:
    /// the last request, where it was sent on its own, since the client had seen what came before. After missing client bytes
    /// 2yz does not answer DATA, but something that was lost.
    pub(super) fn answer(&mut self, code: u16) -> Option<Request> {
        let overtakes: Option<fn(&Asked) -> bool> = match code {
            354 if self.data > 0 => Some(|asked| matches!(asked, Asked::Data)),
            334 if self.queue.iter().any(|r| matches!(r.asked, Asked::Auth(_))) => {
                Some(|asked| matches!(asked, Asked::Auth(_)))
            }
            _ => None,
        };
        if let Some(is_meant) = overtakes {
            while !is_meant(&self.queue.front()?.asked) {
                self.queue.pop_front();
            }
        } else if self.uncertain {
            let last = self.queue.back()?;
            let before = self
                .queue
                .len()
                .checked_sub(2)
                .and_then(|at| self.queue.get(at));
            if before.is_some_and(|before| before.packet == last.packet) {
                return None;
            }
            let last = self.queue.pop_back();
            self.queue.clear();
            self.queue.extend(last);
        }
        let first = self.queue.front()?;
        if self.incomplete && code / 100 == 2 && matches!(first.asked, Asked::Data) {
            return None;
        }
        self.uncertain = false;
        self.incomplete = false;
        self.pop()
    }

    /// Takes the request that waits longest.
    pub(super) fn pop(&mut self) -> Option<Request> {
        let request = self.queue.pop_front()?;
        if matches!(request.asked, Asked::Data) {
            self.data = self.data.saturating_sub(1);
        }
        if self.queue.is_empty() {
            self.uncertain = false;
            self.data = 0;
        }
        Some(request)
    }

    /// Puts a request back that still waits.
    pub(super) fn put_back(&mut self, request: Request) {
        self.data += usize::from(matches!(request.asked, Asked::Data));
        self.queue.push_front(request);
    }

    /// Forgets all: what follows cannot be paired.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(requests: &[(usize, u64, bool)]) -> Pending {
        let mut pending = Pending::default();
        for &(exchange, packet, data) in requests {
            let asked = if data { Asked::Data } else { Asked::Plain };
            pending.push(Request {
                exchange,
                packet,
                asked,
            });
        }
        pending
    }

    #[test]
    fn a_354_finds_the_data_command_that_it_answers() {
        let mut pending = queue(&[(0, 1, false), (1, 1, true), (2, 1, false)]);
        assert_eq!(pending.answer(354).map(|r| r.exchange), Some(1));
        assert_eq!(pending.answer(354).map(|r| r.exchange), Some(2));
    }

    #[test]
    fn a_334_finds_the_auth_command_that_it_answers() {
        let mut pending = queue(&[(0, 1, false)]);
        pending.push(Request {
            exchange: 1,
            packet: 2,
            asked: Asked::Auth(0),
        });
        assert_eq!(pending.answer(334).map(|r| r.exchange), Some(1));
        assert!(pending.answer(250).is_none());
    }

    #[test]
    fn after_a_gap_a_reply_goes_to_the_last_lone_request_or_to_none() {
        let mut pending = queue(&[(0, 1, false), (1, 2, false)]);
        pending.doubt();
        assert_eq!(pending.answer(250).map(|r| r.exchange), Some(1));
        assert!(pending.queue.is_empty());

        let mut pending = queue(&[(0, 1, false), (1, 2, false), (2, 2, false)]);
        pending.doubt();
        assert!(pending.answer(250).is_none());
        assert_eq!(pending.queue.len(), 3);
    }
}

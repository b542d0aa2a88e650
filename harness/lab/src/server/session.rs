//! Where a session stands, and what a reply to a command changes.

use crate::scenario::{Command, Phase};

use super::auth::Exchange;
use super::custody::MOST_RECIPIENTS;

/// A mail transaction (RFC 5321 section 3.3).
#[derive(Clone, Debug, Default)]
pub(super) struct Transaction {
    /// The argument of MAIL, where somebody takes custody of messages.
    pub(super) from: Vec<u8>,
    /// Those of the accepted RCPT commands, likewise.
    pub(super) to: Vec<Vec<u8>>,
    /// Recipients that were accepted.
    pub(super) recipients: usize,
    /// Whether a chunk of the message came with BDAT: DATA is an error from then on (RFC 3030 section 2).
    pub(super) chunked: bool,
    /// Bytes of the message that came with BDAT.
    pub(super) size: u64,
}

/// What the server does after a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// It reads the next command.
    Command,
    /// It reads the next response of an AUTH exchange.
    Response,
    /// It reads message content.
    Content,
    /// It does the TLS handshake.
    Tls,
    /// It closes the connection.
    Close,
}

/// Whether the client may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// It has to say EHLO or HELO.
    New,
    /// It said so, and was accepted.
    Ready,
    /// The greeting was no 220: everything but QUIT is answered 503 (RFC 5321 section 3.1).
    Refused,
}

/// The state of one session.
#[derive(Debug)]
pub(super) struct Session {
    /// Whether the client may begin.
    pub(super) stage: Stage,
    /// TLS is up.
    pub(super) tls: bool,
    /// AUTH ended with 235.
    pub(super) authenticated: bool,
    /// What the client called itself, where somebody takes custody of messages.
    pub(super) helo: Vec<u8>,
    /// The open transaction.
    pub(super) transaction: Option<Transaction>,
    /// The AUTH exchange that is going on.
    pub(super) exchange: Option<Exchange>,
    /// Messages whose content was answered 2yz.
    pub(super) accepted: u32,
    /// The phase of the last step that had one.
    phase: Phase,
    counts: [u32; Command::COUNT],
}

impl Session {
    pub(super) fn new(tls: bool) -> Self {
        Self {
            stage: Stage::New,
            tls,
            authenticated: false,
            helo: Vec::new(),
            transaction: None,
            exchange: None,
            accepted: 0,
            phase: Phase::Greeting,
            counts: [0; Command::COUNT],
        }
    }

    /// Counts a step; says its phase, and which occurrence of the command it is, from 1.
    pub(super) fn enter(&mut self, command: Command) -> (Phase, u32) {
        self.phase = command.phase().unwrap_or(self.phase);
        let mut nth = 1;
        if let Some(count) = self.counts.get_mut(command.index()) {
            *count = count.saturating_add(1);
            nth = *count;
        }
        (self.phase, nth)
    }

    /// TLS came up: everything that was known from before is forgotten (RFC 3207 section 4.2).
    pub(super) fn secure(&mut self) {
        self.tls = true;
        self.stage = Stage::New;
        self.authenticated = false;
        self.helo.clear();
        self.transaction = None;
        self.exchange = None;
    }

    /// Remembers the argument of a command that was accepted, for whoever takes custody of the message.
    pub(super) fn remember(&mut self, command: Command, argument: &[u8]) {
        match (command, &mut self.transaction) {
            (Command::Ehlo | Command::Helo, _) => self.helo = argument.to_vec(),
            (Command::Mail, Some(transaction)) => transaction.from = argument.to_vec(),
            (Command::Rcpt, Some(transaction)) if transaction.to.len() < MOST_RECIPIENTS => {
                transaction.to.push(argument.to_vec());
            }
            _ => {}
        }
    }

    /// Draws the conclusion from what was really said, be it the default reply or a rule's. `last` tells whether a
    /// BDAT chunk was the last.
    ///
    /// The client acts on the reply that it got, so the server must too: a rule that answers DATA with 354 makes it
    /// read content, and one that answers 451 makes it go on reading commands. `None` is a reply without a code.
    pub(super) fn settle(&mut self, command: Command, code: Option<u16>, last: bool) -> Next {
        let class = code.map_or(0, |code| code / 100);
        let done = class == 2;
        match command {
            Command::Greeting if !done && code.is_some() => self.stage = Stage::Refused,
            Command::Ehlo | Command::Helo if done => {
                // A second EHLO acts as RSET as well (RFC 5321 section 4.1.4).
                self.stage = Stage::Ready;
                self.transaction = None;
            }
            Command::Mail if done => self.transaction = Some(Transaction::default()),
            Command::Rcpt if done => self.transaction.get_or_insert_default().recipients += 1,
            Command::Rset if done => self.transaction = None,
            Command::Data if class == 3 => return Next::Content,
            Command::Content => self.finish_message(done),
            Command::Bdat if last => self.finish_message(done),
            Command::Bdat if done => self.transaction.get_or_insert_default().chunked = true,
            Command::Auth | Command::AuthResponse => return self.settle_auth(code),
            Command::StartTls if code == Some(220) => return Next::Tls,
            Command::Quit if done => return Next::Close,
            _ => {}
        }
        Next::Command
    }

    fn finish_message(&mut self, done: bool) {
        self.transaction = None;
        self.accepted += u32::from(done);
    }

    fn settle_auth(&mut self, code: Option<u16>) -> Next {
        match code {
            Some(334) => {
                // A rule asks on where the default had ended: whatever comes is refused in the end.
                self.exchange.get_or_insert(Exchange::Exhausted);
                return Next::Response;
            }
            Some(200..=299) => {
                self.authenticated = true;
                self.exchange = None;
            }
            _ => self.exchange = None,
        }
        Next::Command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_decides_and_not_what_was_meant() {
        let mut session = Session::new(false);
        assert_eq!(
            session.settle(Command::Data, Some(354), false),
            Next::Content,
            "even out of order"
        );
        assert_eq!(
            session.settle(Command::Data, Some(250), false),
            Next::Command
        );
        assert_eq!(
            session.settle(Command::StartTls, Some(250), false),
            Next::Command
        );
        assert_eq!(
            session.settle(Command::StartTls, Some(220), false),
            Next::Tls
        );
        assert_eq!(
            session.settle(Command::Quit, Some(500), false),
            Next::Command
        );
        session.settle(Command::Mail, Some(250), false);
        session.settle(Command::Rcpt, Some(250), false);
        session.settle(Command::Rcpt, Some(450), false);
        assert_eq!(
            session
                .transaction
                .as_ref()
                .map(|transaction| transaction.recipients),
            Some(1)
        );
        session.settle(Command::Content, Some(451), false);
        assert_eq!((session.accepted, session.transaction.is_none()), (0, true));
    }

    #[test]
    fn a_step_without_a_phase_is_in_the_last_one() {
        let mut session = Session::new(false);
        assert_eq!(session.enter(Command::Rcpt), (Phase::Rcpt, 1));
        assert_eq!(session.enter(Command::Noop), (Phase::Rcpt, 1));
        assert_eq!(session.enter(Command::Rcpt), (Phase::Rcpt, 2));
    }

    #[test]
    fn tls_forgets_what_was_said_in_clear() {
        let mut session = Session::new(false);
        session.settle(Command::Ehlo, Some(250), false);
        session.settle(Command::Auth, Some(235), false);
        session.secure();
        assert!(session.tls && session.stage == Stage::New && !session.authenticated);
    }
}

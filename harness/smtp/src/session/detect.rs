//! What a conversation speaks, and who of the two is the client, told from its first lines.

use wire::{Arrival, Direction, Timestamp};

use super::command::{self, Likeness};
use super::lines::Splitter;
use super::log::side;
use super::reply;
use crate::timeline::Protocol;
use crate::tls;

/// How many bytes may pass before a decision is made with what there is.
const MOST_UNDECIDED: u64 = 256 << 10;
/// The codes of SMTP and its extensions. Inside a connection, where a line of text may begin with any number, only
/// these are taken for replies.
const CODES: [u16; 35] = [
    211, 214, 220, 221, 235, 250, 251, 252, 334, 354, 421, 432, 450, 451, 452, 454, 455, 458, 500,
    501, 502, 503, 504, 521, 523, 530, 534, 535, 538, 550, 551, 552, 553, 554, 555,
];

/// What the beginning of one direction looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// A reply, with its code and what its text names.
    Reply(u16, Named),
    /// A client line.
    Command(Likeness),
    /// A TLS record.
    Tls,
    /// A TLS record with a ClientHello.
    TlsClient,
    /// Something else.
    Other,
}

/// Which protocol a greeting names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    Smtp,
    Ftp,
    Nothing,
}

fn look(bytes: &[u8]) -> Look {
    if tls::is_ssl2_hello(bytes) {
        return Look::TlsClient;
    }
    if tls::is_record_start(bytes) {
        let client = bytes[0] == 22 && bytes.get(5) == Some(&1);
        return if client { Look::TlsClient } else { Look::Tls };
    }
    if let Some(code) = reply::code(bytes) {
        let text = bytes.to_ascii_uppercase();
        let holds = |word: &[u8]| text.windows(word.len()).any(|window| window == word);
        // SFTP and FTPS servers name themselves so too; Microsoft's SMTP server calls itself ESMTP.
        let named = match (holds(b"SMTP"), holds(b"FTP")) {
            (true, _) => Named::Smtp,
            (false, true) => Named::Ftp,
            (false, false) => Named::Nothing,
        };
        return Look::Reply(code, named);
    }
    match command::likeness(bytes) {
        Likeness::None => Look::Other,
        likeness => Look::Command(likeness),
    }
}

/// One direction.
#[derive(Debug, Default)]
struct Head {
    lines: Splitter,
    look: Option<Look>,
}

impl Head {
    /// Takes bytes. Where the beginning of the stream was not captured, lines that tell nothing are passed over.
    fn feed(&mut self, mut bytes: &[u8], midstream: bool) {
        while !bytes.is_empty() && self.look.is_none() {
            let (used, line) = self.lines.take(bytes, 0, Timestamp::default());
            bytes = &bytes[used..];
            if let Some(line) = line {
                self.judge(&line.bytes, midstream);
            } else if (self.lines.pending().len() >= 6
                && tls::is_record_start(self.lines.pending()))
                || tls::is_ssl2_hello(self.lines.pending())
            {
                let (pending, ..) = self.lines.surrender();
                self.look = Some(look(&pending));
            }
        }
    }

    fn judge(&mut self, line: &[u8], midstream: bool) {
        let found = look(line);
        let telling = match found {
            Look::Reply(code, _) => CODES.contains(&code),
            Look::Other => false,
            _ => true,
        };
        if telling || !midstream {
            self.look = Some(found);
        }
    }

    /// What there is will have to do; but a word that any text may hold is no command without its line end.
    fn finish(&mut self, midstream: bool) {
        let (pending, ..) = self.lines.surrender();
        if self.look.is_none() && !pending.is_empty() {
            self.judge(&pending, midstream);
            if self.look == Some(Look::Command(Likeness::Shared)) {
                self.look = Some(Look::Other);
            }
        }
    }
}

/// What was found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// What is spoken.
    pub(super) protocol: Protocol,
    /// The client of the capture is in truth the server.
    pub(super) swapped: bool,
}

/// Watches the beginning of a conversation.
#[derive(Debug)]
pub(super) struct Detector {
    midstream: bool,
    heads: [Head; 2],
    bytes: u64,
    heard: bool,
}

impl Detector {
    /// `midstream`: the capture starts inside the connection, so that lines may be torn and directions guessed.
    pub(super) fn new(midstream: bool) -> Self {
        Self {
            midstream,
            heads: Default::default(),
            bytes: 0,
            heard: false,
        }
    }

    /// Takes the next event; returns the verdict as soon as it is clear.
    pub(super) fn feed(&mut self, arrival: Arrival<'_>) -> Option<Verdict> {
        match arrival {
            Arrival::Data {
                direction, bytes, ..
            } => {
                self.heard = true;
                self.bytes += bytes.len() as u64;
                self.heads[side(direction)].feed(bytes, self.midstream);
            }
            Arrival::Gap { direction, .. } => {
                self.heard = true;
                self.heads[side(direction)].lines.surrender();
                // The first line that is whole again is as good as the first of all.
                self.midstream = true;
            }
            Arrival::Fin { .. } | Arrival::Reset { .. } => return None,
        }
        if self.bytes > MOST_UNDECIDED {
            Some(self.last())
        } else {
            self.verdict(false)
        }
    }

    /// The verdict on all there is.
    pub(super) fn last(&mut self) -> Verdict {
        if !self.heard {
            return Verdict {
                protocol: Protocol::Silent,
                swapped: false,
            };
        }
        for head in &mut self.heads {
            head.finish(self.midstream);
        }
        self.verdict(true).unwrap_or(Verdict {
            protocol: Protocol::Other,
            swapped: false,
        })
    }

    fn verdict(&self, last: bool) -> Option<Verdict> {
        let [mut client, mut server] = [self.heads[0].look, self.heads[1].look];
        let swapped = self.midstream && speaks_as_server(client, server);
        if swapped {
            std::mem::swap(&mut client, &mut server);
        }
        let protocol = spoken(client, server, last, self.midstream)?;
        Some(Verdict { protocol, swapped })
    }
}

/// Whether the two sides have to be exchanged.
fn speaks_as_server(client: Option<Look>, server: Option<Look>) -> bool {
    let replies = |look| matches!(look, Some(Look::Reply(..)));
    let commands = |look| {
        matches!(
            look,
            Some(Look::Command(Likeness::Smtp | Likeness::Shared) | Look::TlsClient)
        )
    };
    (replies(client) && !replies(server)) || (commands(server) && !commands(client))
}

fn spoken(
    client: Option<Look>,
    server: Option<Look>,
    last: bool,
    midstream: bool,
) -> Option<Protocol> {
    let yes = |smtp: bool| {
        if smtp {
            Protocol::Smtp
        } else {
            Protocol::Other
        }
    };
    let greets = match server {
        Some(Look::Reply(code, named)) => {
            named != Named::Ftp && (code == 220 || code / 100 > 3 || (midstream && code != 200))
        }
        _ => false,
    };
    match (client, server) {
        (Some(Look::Tls | Look::TlsClient), _) | (None, Some(Look::Tls | Look::TlsClient)) => {
            Some(Protocol::ImplicitTls)
        }
        (Some(Look::Command(Likeness::Smtp)), _) => Some(Protocol::Smtp),
        (Some(Look::Command(Likeness::Shared)), Some(Look::Reply(_, named))) => {
            Some(yes(named != Named::Ftp))
        }
        (Some(Look::Command(Likeness::Foreign)), Some(Look::Reply(_, named))) => {
            Some(yes(named == Named::Smtp))
        }
        (Some(_), Some(Look::Reply(..))) => Some(yes(greets)),
        (Some(_), Some(_)) => Some(Protocol::Other),
        (Some(Look::Command(Likeness::Shared)), None) => last.then_some(Protocol::Smtp),
        (None, _) => last.then(|| yes(greets)),
        (Some(_), None) => last.then_some(Protocol::Other),
    }
}

/// The direction that an event belongs to, after the two sides were exchanged.
pub(super) const fn turned(direction: Direction, swapped: bool) -> Direction {
    if swapped {
        direction.reverse()
    } else {
        direction
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::testing::dialogue;
    use super::*;

    fn verdict(turns: &[(&str, &str)], midstream: bool) -> Verdict {
        let turns: Vec<_> = turns
            .iter()
            .map(|(who, text)| (*who, text.as_bytes()))
            .collect();
        let mut detector = Detector::new(midstream);
        let found = dialogue(&turns)
            .events
            .iter()
            .find_map(|event| detector.feed(event.arrival()));
        found.unwrap_or_else(|| detector.last())
    }

    #[rstest]
    #[case(&[("S", "220 mx ESMTP\r\n"), ("C", "EHLO a\r\n")], Protocol::Smtp)]
    #[case(&[("S", "220 mx\r\n")], Protocol::Smtp)]
    #[case(&[("S", "554 no\r\n"), ("C", "QUIT\r\n")], Protocol::Smtp)]
    #[case(&[("S", "472 odd\r\n")], Protocol::Smtp)]
    #[case(&[("C", "QUIT\r\n")], Protocol::Smtp)]
    #[case(&[("C", "QUIT")], Protocol::Other)]
    #[case(&[("C", "EHLO a\r\n")], Protocol::Smtp)]
    #[case(&[("S", "220 mx\r\n"), ("C", "GET / HTTP/1.1\r\n")], Protocol::Smtp)]
    #[case(&[("S", "220 mx FTP\r\n"), ("C", "USER x\r\n")], Protocol::Other)]
    #[case(&[("S", "220 ready\r\n"), ("C", "USER x\r\n")], Protocol::Other)]
    #[case(&[("S", "220 FTP ready\r\n"), ("C", "QUIT\r\n")], Protocol::Other)]
    #[case(&[("S", "220 FTP ready\r\n")], Protocol::Other)]
    #[case(&[("S", "+OK\r\n"), ("C", "QUIT\r\n")], Protocol::Other)]
    #[case(&[("S", "* OK\r\n"), ("C", "a1 NOOP\r\n")], Protocol::Other)]
    #[case(&[("C", "GET / HTTP/1.1\r\n"), ("S", "HTTP/1.1 200 OK\r\n")], Protocol::Other)]
    #[case(&[("S", "200 news\r\n"), ("C", "GROUP x\r\n")], Protocol::Other)]
    #[case(&[("S", "220 mx\r\n"), ("C", "\x16\x03\x01\x00\x10\x01")], Protocol::ImplicitTls)]
    #[case(&[("C", "\x16\x03\x01\x00\x10\x01"), ("S", "402 what\r\n")], Protocol::ImplicitTls)]
    #[case(&[], Protocol::Silent)]
    fn tells_protocols_apart(#[case] turns: &[(&str, &str)], #[case] expected: Protocol) {
        let verdict = verdict(turns, false);
        assert_eq!(
            verdict,
            Verdict {
                protocol: expected,
                swapped: false
            }
        );
    }

    #[rstest]
    #[case(&[("C", "220 mx\r\n"), ("S", "EHLO a\r\n")], true)]
    #[case(&[("C", "250 ok\r\n"), ("S", "QUIT\r\n")], true)]
    #[case(&[("S", "a torn line\r\nMAIL FROM:<a>\r\n")], true)]
    #[case(&[("C", "torn\r\nRCPT TO:<a>\r\n"), ("S", "250 ok\r\n")], false)]
    #[case(&[("C", "123 Main Street\r\n"), ("S", "250 ok\r\n")], false)]
    fn finds_the_client_inside_a_connection(#[case] turns: &[(&str, &str)], #[case] swapped: bool) {
        let verdict = verdict(turns, true);
        assert_eq!(
            verdict,
            Verdict {
                protocol: Protocol::Smtp,
                swapped
            }
        );
    }
}

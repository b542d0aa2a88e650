//! The bytes that a piece of evidence points at, as far as they may be shown.
//!
//! What the transcript hides is hidden here, byte for byte: SASL responses, challenges that are open to guessing, message
//! bodies, what crossed under TLS, and any line in which a known secret stands. The place and the number of hidden bytes
//! stay visible, so that a reader finds them in the capture.

use std::cell::OnceCell;

use smtp::timeline::{Command, Event, EventKind, Reply, Terminator, Timeline};
use wire::{Direction, Span};

use crate::Given;
use crate::leaks::is_under_tls;
use crate::transcript::{self, Scrubber};

/// Most bytes of one excerpt.
pub const MAX_BYTES: u64 = 128;

/// What stands for a hidden byte, in the place of its two hexadecimal digits.
pub const HIDDEN: &str = "**";

/// Makes excerpts of one conversation.
pub struct Excerpts<'a> {
    timeline: &'a Timeline,
    scrubber: Scrubber,
    client: Places,
    server: Places,
    /// What may be shown of each event, once it was asked for: evidence points at the same ones again and again.
    shown: Vec<OnceCell<Vec<Option<u8>>>>,
}

/// The events of one direction by where they begin.
struct Places {
    /// Where one begins, how far it and those before it reach, and its index.
    events: Vec<(u64, u64, usize)>,
}

impl Places {
    fn of(timeline: &Timeline, direction: Direction) -> Self {
        let events = timeline.events.iter().enumerate();
        let mut events: Vec<_> = events
            .filter(|(_, event)| event.span.direction == direction && !event.span.is_empty())
            .map(|(index, event)| (event.span.start, event.span.end, index))
            .collect();
        events.sort_by_key(|(start, ..)| *start);
        let mut reached = 0;
        for (_, end, _) in &mut events {
            reached = reached.max(*end);
            *end = reached;
        }
        Self { events }
    }

    /// The events that hold any of these bytes, and perhaps some before them.
    fn near(&self, start: u64, end: u64) -> impl Iterator<Item = usize> {
        let first = self
            .events
            .partition_point(|(_, reached, _)| *reached <= start);
        self.events[first..]
            .iter()
            .take_while(move |(begin, ..)| *begin < end)
            .map(|(.., index)| *index)
    }
}

impl<'a> Excerpts<'a> {
    /// Of this conversation. What is known beforehand says which secrets to hide.
    pub fn new(timeline: &'a Timeline, given: &Given) -> Self {
        Self {
            timeline,
            scrubber: Scrubber::new(timeline, given),
            client: Places::of(timeline, Direction::Client),
            server: Places::of(timeline, Direction::Server),
            shown: vec![OnceCell::new(); timeline.events.len()],
        }
    }

    /// The bytes of `span` in hexadecimal, at most [`MAX_BYTES`] of them, with [`HIDDEN`] for each that may not be shown.
    pub fn hex(&self, span: Span) -> String {
        let end = span.end.min(span.start.saturating_add(MAX_BYTES));
        let length = usize::try_from(end.saturating_sub(span.start)).unwrap_or_default();
        let mut text = String::with_capacity(2 * length);
        let mut at = span.start;
        let places = match span.direction {
            Direction::Client => &self.client,
            Direction::Server => &self.server,
        };
        for index in places.near(span.start, end) {
            let event = &self.timeline.events[index];
            let (from, to) = (at.max(event.span.start), end.min(event.span.end));
            if event.span.end <= span.start {
                continue;
            }
            let known = self.shown[index].get_or_init(|| self.shown(event, index));
            // Bytes that no event holds are not known here.
            hide(&mut text, from.saturating_sub(at));
            for offset in from..to {
                let place = usize::try_from(offset - event.span.start).unwrap_or(usize::MAX);
                match known.get(place) {
                    Some(Some(byte)) => push_hex(&mut text, *byte),
                    _ => text.push_str(HIDDEN),
                }
            }
            at = to.max(at);
        }
        hide(&mut text, end.saturating_sub(at));
        text
    }

    /// The bytes of an event from its first on; `None` for one that is hidden, and nothing after the last that is known.
    fn shown(&self, event: &Event, index: usize) -> Vec<Option<u8>> {
        if is_under_tls(self.timeline, event.span) {
            return Vec::new();
        }
        let bytes = match &event.kind {
            EventKind::Command(command) => said(command),
            EventKind::Reply(reply) => self.replied(index, reply),
            EventKind::Content(transaction) => self.header(event, *transaction),
            _ => Vec::new(),
        };
        let plain: Vec<u8> = bytes.iter().map_while(|byte| *byte).collect();
        let text = String::from_utf8_lossy(&plain);
        if self.scrubber.scrub(&text) == text {
            bytes
        } else {
            Vec::new()
        }
    }

    fn replied(&self, index: usize, reply: &Reply) -> Vec<Option<u8>> {
        let hidden = reply.code == 334 && transcript::hides_challenge(self.timeline, index, reply);
        if hidden {
            return b"334 ".iter().copied().map(Some).collect();
        }
        let mut bytes = Vec::new();
        for (number, (line, span)) in reply.lines.iter().zip(&reply.spans).enumerate() {
            let last = number + 1 == reply.lines.len();
            let mut text = format!("{:03}", reply.code).into_bytes();
            let bare = span.len() <= 5 && line.is_empty();
            if !bare {
                text.push(if last { b' ' } else { b'-' });
            }
            text.extend_from_slice(line.as_bytes());
            let end: &[u8] = match span.len().checked_sub(text.len() as u64) {
                Some(2) => b"\r\n",
                Some(1) => b"\n",
                Some(0) => b"",
                // Not what was sent, byte for byte: a text that is no UTF-8, or an odd separator.
                _ => return bytes,
            };
            text.extend_from_slice(end);
            bytes.extend(text.into_iter().map(Some));
        }
        bytes
    }

    /// The header of a message, as far as it stands on the wire as it stands in the message.
    fn header(&self, event: &Event, transaction: usize) -> Vec<Option<u8>> {
        let data = self.timeline.transactions.get(transaction);
        let Some(content) = data
            .and_then(|one| one.data.as_ref())
            .map(|data| &data.content)
        else {
            return Vec::new();
        };
        let bytes = content.bytes();
        let end = memchr::memmem::find(bytes, b"\r\n\r\n").map_or(0, |at| at + 2);
        if content.span(0..1).start != event.span.start {
            return Vec::new();
        }
        let straight = content.run_end(0).min(end);
        bytes.iter().take(straight).copied().map(Some).collect()
    }
}

fn push_hex(text: &mut String, byte: u8) {
    for half in [byte >> 4, byte & 15] {
        text.extend(char::from_digit(half.into(), 16));
    }
}

fn hide(text: &mut String, count: u64) {
    for _ in 0..count.min(MAX_BYTES) {
        text.push_str(HIDDEN);
    }
}

/// The bytes of a command line. Of AUTH no more than the mechanism; of a line that is no known command nothing.
fn said(command: &Command) -> Vec<Option<u8>> {
    let visible = transcript::visible_octets(command);
    let mut bytes: Vec<_> = command
        .raw
        .iter()
        .take(visible)
        .copied()
        .map(Some)
        .collect();
    if visible == command.raw.len() {
        let end: &[u8] = match command.terminator {
            Terminator::CrLf => b"\r\n",
            Terminator::Lf => b"\n",
            Terminator::Missing => b"",
        };
        bytes.extend(end.iter().copied().map(Some));
    }
    bytes
}

#[cfg(test)]
mod tests {
    use smtp::Secret;
    use smtp::session::testing::dialogue;
    use wire::Direction;

    use super::*;

    fn excerpt(turns: &[(&str, &[u8])], given: &Given, span: Span) -> String {
        let timeline = smtp::session::read(&dialogue(turns));
        let text = Excerpts::new(&timeline, given).hex(span);
        let shown = text.as_bytes().chunks(2).map(|digits| match digits {
            b"**" => b'*',
            digits => hex::decode(digits).expect("two digits")[0],
        });
        String::from_utf8(shown.collect()).expect("text")
    }

    const TALK: [(&str, &[u8]); 14] = [
        ("S", b"220-mx\r\n220 go\r\n"),
        ("C", b"EHLO a\r\n"),
        ("S", b"250-mx\r\n250 AUTH PLAIN NTLM\r\n"),
        ("C", b"AUTH PLAIN AHVzZXIAc2VjcmV0\r\n"),
        ("S", b"235 ok\r\n"),
        ("C", b"MAIL FROM:<a@b>\r\n"),
        ("S", b"250 ok\r\n"),
        ("C", b"RCPT TO:<c@d>\r\n"),
        ("S", b"250 ok\r\n"),
        ("C", b"DATA\r\n"),
        ("S", b"354 go\r\n"),
        ("C", b"Subject: x\r\nTo: c@d\r\n\r\nsecret body\r\n.\r\n"),
        ("S", b"250 ok\r\n"),
        ("C", b"BOGUS line\r\n"),
    ];

    #[test]
    fn commands_and_replies_are_shown_and_secrets_are_not() {
        let client = |start, end| Span::new(Direction::Client, start, end);
        let none = Given::default();
        assert_eq!(excerpt(&TALK, &none, client(0, 8)), "EHLO a\r\n");
        assert_eq!(
            excerpt(&TALK, &none, client(8, 37)),
            "AUTH PLAIN*******************",
            "the initial response"
        );
        assert_eq!(
            excerpt(&TALK, &none, Span::new(Direction::Server, 0, 16)),
            "220-mx\r\n220 go\r\n"
        );
        let all = excerpt(&TALK, &none, client(0, 1000));
        assert!(
            all.contains("Subject: x\r\nTo: c@d\r\n")
                && !all.contains("secret")
                && !all.contains("BOGUS"),
            "{all}"
        );
        assert_eq!(all.len(), 128);
    }

    #[test]
    fn a_secret_in_the_wrong_place_is_hidden() {
        let given = Given {
            password: Some(Secret::new(*b"<c@d>")),
            ..Given::default()
        };
        let all = excerpt(&TALK, &given, Span::new(Direction::Client, 0, 100));
        assert!(!all.contains("<c@d>") && all.contains("MAIL FROM"), "{all}");
    }
}

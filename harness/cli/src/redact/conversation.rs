//! Which bytes of a conversation are secrets, and what stands there instead.
//!
//! The line is that of the transcripts of reports: what they show stays, what they hide is looked into and written over.

use std::ops::Range;

use smtp::Timeline;
use smtp::timeline::{Authentication, Command, Event, EventKind};
use wire::{Direction, Span};

use super::sasl::{self, blot};
use super::stream::Stream;
use super::{Names, Needle, Redaction, body};

/// What was taken out of one conversation.
#[derive(Default)]
pub(super) struct Taken {
    /// Secrets, to be looked for everywhere else.
    pub(super) needles: Vec<Needle>,
    /// How many places were written over.
    pub(super) places: usize,
}

/// Commands that cannot be a line of SASL that was sent too early.
const KNOWN: [&str; 20] = [
    "HELO", "EHLO", "LHLO", "MAIL", "RCPT", "DATA", "BDAT", "RSET", "NOOP", "QUIT", "VRFY", "EXPN",
    "HELP", "STARTTLS", "ETRN", "TURN", "ATRN", "SEND", "SOML", "SAML",
];

/// Writes over the secrets of a conversation.
pub(super) fn redact(
    timeline: &Timeline,
    streams: &mut [Stream; 2],
    what: Redaction,
    names: &Names,
) -> Taken {
    let mut work = Work {
        timeline,
        streams,
        names,
        taken: Taken::default(),
    };
    for authentication in &timeline.authentications {
        work.authentication(authentication);
    }
    for event in &timeline.events {
        if !under_tls(timeline, event.span) {
            work.event(event);
        }
    }
    work.preamble();
    if what.bodies {
        for (_, data) in timeline.messages() {
            if !under_tls(timeline, data.span) {
                work.taken.places += body::redact(data, work.streams);
            }
        }
    }
    work.taken
}

/// Whether bytes crossed under TLS: they are ciphertext, and stay.
pub(super) fn under_tls(timeline: &Timeline, span: Span) -> bool {
    timeline.tls.as_ref().is_some_and(|tls| tls.under_tls(span))
}

pub(super) const fn side(direction: Direction) -> usize {
    match direction {
        Direction::Client => 0,
        Direction::Server => 1,
    }
}

struct Work<'a> {
    timeline: &'a Timeline,
    streams: &'a mut [Stream; 2],
    names: &'a Names,
    taken: Taken,
}

impl Work<'_> {
    fn authentication(&mut self, authentication: &Authentication) {
        for span in &authentication.responses {
            self.response(authentication, *span);
        }
        let exchange = self.timeline.exchanges.get(authentication.exchange);
        let last = exchange.and_then(|exchange| exchange.reply);
        for index in authentication.challenges.iter().copied().chain(last) {
            self.challenge(authentication, index);
        }
    }

    fn response(&mut self, authentication: &Authentication, span: Span) {
        if under_tls(self.timeline, span) {
            return;
        }
        let Some(line) = self.streams[side(span.direction)].get(span.start..span.end) else {
            // A hole in it: no part of it can be decoded.
            self.blot(span);
            return;
        };
        let start = line.iter().take_while(|b| b.is_ascii_whitespace()).count();
        let text = line[start..].trim_ascii_end();
        let hide = |decoded: &mut Vec<u8>| self.names.hide(decoded);
        let done = sasl::response(&authentication.identity, span, text, &hide);
        if done.text != text {
            self.taken.places += 1;
            let at = span.start + start as u64;
            self.taken.needles.push(Needle::as_sent(text));
            self.streams[side(span.direction)].set(at, &done.text);
        }
        self.taken
            .needles
            .extend(done.readable.iter().map(|secret| Needle::readable(secret)));
    }

    fn challenge(&mut self, authentication: &Authentication, index: usize) {
        let Some(event) = self.timeline.events.get(index) else {
            return;
        };
        let EventKind::Reply(reply) = &event.kind else {
            return;
        };
        if under_tls(self.timeline, event.span) {
            return;
        }
        for span in &reply.spans {
            let stream = &mut self.streams[side(span.direction)];
            let Some(line) = stream.get(span.start..span.end) else {
                self.blot(*span);
                continue;
            };
            let Some(rest) = line.get(4..) else { continue };
            let text = rest.trim_ascii_end();
            let done = sasl::challenge(&authentication.identity, text);
            if done.text != text {
                self.taken.places += 1;
                self.taken.needles.push(Needle::as_sent(text));
                stream.set(span.start + 4, &done.text);
            }
        }
    }

    fn event(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Command(command) => self.command(event, command),
            EventKind::SaslResponse(_) => {
                let all = &self.timeline.authentications;
                let known = all.iter().flat_map(|one| &one.responses);
                let covered = known
                    .into_iter()
                    .any(|span| span.start < event.span.end && event.span.start < span.end);
                if !covered {
                    self.blot(event.span);
                }
            }
            EventKind::Unparsed(_) => self.blot(event.span),
            EventKind::Reply(_)
            | EventKind::Content(_)
            | EventKind::Tls
            | EventKind::Gap
            | EventKind::Fin
            | EventKind::Reset => {}
        }
    }

    fn command(&mut self, event: &Event, command: &Command) {
        let raw = command.raw.len() as u64;
        let span = event.span;
        let shown = if command.verb == "AUTH" {
            let word = command.argument.split_ascii_whitespace().next();
            let end = word.and_then(|word| {
                memchr::memmem::find(&command.raw, word.as_bytes()).map(|at| at + word.len())
            });
            end.unwrap_or(command.raw.len()) as u64
        } else if KNOWN.contains(&command.verb.as_str()) {
            return;
        } else {
            0
        };
        let rest = Span::new(span.direction, span.start + shown, span.start + raw);
        let all = &self.timeline.authentications;
        let done = all
            .iter()
            .flat_map(|one| &one.responses)
            .any(|span| span.start < rest.end && rest.start < span.end);
        if !done && !rest.is_empty() {
            self.blot(rest);
        }
    }

    /// Writes over all that could mean something.
    fn blot(&mut self, span: Span) {
        let stream = &mut self.streams[side(span.direction)];
        if let Some(old) = stream.get(span.start..span.end) {
            let needle = Needle::as_sent(old.trim_ascii());
            self.taken.needles.push(needle);
        }
        stream.each(span.start..span.end, blot);
        self.taken.places += 1;
    }

    /// What stands before SMTP where the connection leads through a proxy, which may ask for a password of its own.
    fn preamble(&mut self) {
        for direction in [Direction::Client, Direction::Server] {
            let first = self
                .timeline
                .events
                .iter()
                .filter(|event| event.span.direction == direction && !event.span.is_empty())
                .map(|event| event.span.start)
                .min();
            let stream = &mut self.streams[side(direction)];
            let Some(extent) = stream.extents().next() else {
                continue;
            };
            let end = first.unwrap_or(extent.end).min(extent.end);
            if extent.start >= end {
                continue;
            }
            let Some(mut bytes) = stream.get(extent.start..end) else {
                continue;
            };
            let secrets = preamble(&mut bytes);
            self.taken.places += secrets.len();
            self.taken
                .needles
                .extend(secrets.iter().map(|secret| Needle::readable(secret)));
            stream.set(extent.start, &bytes);
        }
    }
}

/// Writes over the credentials for a proxy, and gives back what stood there.
fn preamble(bytes: &mut [u8]) -> Vec<Vec<u8>> {
    let mut secrets = Vec::new();
    let mut take = |bytes: &mut [u8], range: Range<usize>| {
        if let Some(secret) = bytes.get_mut(range) {
            secrets.push(secret.to_vec());
            for byte in secret {
                *byte = blot(*byte);
            }
        }
    };
    if bytes.first() == Some(&5) {
        // Version, methods; then, for RFC 1929: version, name, password, each with its length.
        let name = 2 + bytes.get(1).map_or(0, |count| usize::from(*count)) + 1;
        let is_login = bytes.get(name - 1) == Some(&1);
        let length = bytes.get(name).map_or(0, |length| usize::from(*length));
        let password = name + 1 + length;
        if is_login && let Some(length) = bytes.get(password).map(|length| usize::from(*length)) {
            let start = password + 1;
            take(bytes, start..start.saturating_add(length));
        }
        return secrets;
    }
    let mut at = 0;
    while let Some(end) = memchr::memchr(b'\n', &bytes[at..]).map(|length| at + length) {
        let line = &bytes[at..end];
        if let Some(colon) = memchr::memchr(b':', line)
            && line[..colon]
                .to_ascii_lowercase()
                .ends_with(b"authorization")
        {
            let value = line[colon + 1..].trim_ascii_start();
            let scheme = memchr::memchr(b' ', value).map_or(0, |at| at + 1);
            let start = end - value.len() + scheme;
            let stop = end - usize::from(line.ends_with(b"\r"));
            take(bytes, start..stop.max(start));
        }
        at = end + 1;
    }
    secrets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_for_a_proxy_is_taken() {
        let mut bytes = b"\x05\x02\x00\x02\x01\x01u\x03pwd\x05\x01\x00\x03\x02mx\x00\x19".to_vec();
        assert_eq!(preamble(&mut bytes), [b"pwd".to_vec()]);
        assert_eq!(
            bytes,
            b"\x05\x02\x00\x02\x01\x01u\x03xxx\x05\x01\x00\x03\x02mx\x00\x19"
        );

        let mut bytes =
            b"CONNECT mx:25 HTTP/1.1\r\nProxy-Authorization: Basic dTpwd2Q=\r\n\r\n".to_vec();
        assert_eq!(preamble(&mut bytes), [b"dTpwd2Q=".to_vec()]);
        assert_eq!(
            bytes,
            b"CONNECT mx:25 HTTP/1.1\r\nProxy-Authorization: Basic xxxxxxx=\r\n\r\n"
        );
    }

    #[test]
    fn no_preamble_panics() {
        for length in 0..40 {
            for first in [4, 5, b'C'] {
                let mut bytes = vec![0xff; length];
                if let Some(byte) = bytes.first_mut() {
                    *byte = first;
                }
                preamble(&mut bytes);
                let mut bytes = b"Authorization:\n:\nauthorization: \r\n".to_vec();
                bytes.truncate(length);
                preamble(&mut bytes);
            }
        }
    }
}

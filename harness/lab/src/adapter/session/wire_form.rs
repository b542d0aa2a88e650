//! Message content as DATA carries it: dots stuffed, and its end marked (RFC 5321 sections 4.1.1.4 and 4.5.2).

use super::super::twin::{Twin, Twins};

/// What one buffer of a careless sender holds.
const BUFFER: usize = 4096;

/// The content as it goes over the wire. The message has CR LF line ends only, unless a twin wants others.
pub(super) fn wire_form(twins: &Twins, message: &[u8]) -> Vec<u8> {
    let mut out = if twins.has(Twin::StuffsByTheBuffer) {
        stuffed_by_the_buffer(message)
    } else {
        stuffed(twins, message)
    };
    if !out.is_empty() && !out.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
    if twins.has(Twin::ExtraLineEnd) {
        out.extend_from_slice(b"\r\n");
    }
    if twins.has(Twin::BareLineFeeds) {
        out = with_bare_line_feeds(&out);
    }
    out.extend_from_slice(b".\r\n");
    out
}

fn stuffed(twins: &Twins, message: &[u8]) -> Vec<u8> {
    let strict = twins.has(Twin::LineEndsAsTheyAre);
    let dots: &[u8] = match () {
        () if twins.has(Twin::DoesNotStuff) => b"",
        () if twins.has(Twin::StuffsTwice) => b"..",
        () => b".",
    };
    let mut out = Vec::with_capacity(message.len() + message.len() / 64 + 8);
    for line in message.split_inclusive(|&b| b == b'\n') {
        let begins = out.is_empty() || !strict || out.ends_with(b"\r\n");
        if begins && line.first() == Some(&b'.') {
            out.extend_from_slice(dots);
        }
        out.extend_from_slice(line);
    }
    out
}

/// Stuffs dots behind the line ends of each buffer, and does not see one that the buffer before ended with.
fn stuffed_by_the_buffer(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + message.len() / 64);
    for buffer in message.chunks(BUFFER) {
        let mut before = [0, 0];
        for &byte in buffer {
            if byte == b'.' && &before == b"\r\n" {
                out.push(b'.');
            }
            out.push(byte);
            before = [before[1], byte];
        }
    }
    out
}

/// The header as it is, and a body whose lines end with LF, but for the last.
fn with_bare_line_feeds(wire: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(wire.len());
    let mut in_body = false;
    let mut left = wire;
    while let Some(at) = left.windows(2).position(|pair| pair == b"\r\n") {
        let (line, rest) = left.split_at(at + 2);
        let bare = in_body && !rest.is_empty();
        out.extend_from_slice(line.strip_suffix(b"\r\n").unwrap_or(line));
        out.extend_from_slice(if bare { b"\n" } else { b"\r\n" });
        in_body |= at == 0;
        left = rest;
    }
    out.extend_from_slice(left);
    out
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn wire(twins: &[Twin], message: &str) -> String {
        String::from_utf8(wire_form(&Twins::from(twins), message.as_bytes())).unwrap()
    }

    #[rstest]
    #[case("", ".\r\n")]
    #[case("a\r\n", "a\r\n.\r\n")]
    #[case("a", "a\r\n.\r\n")]
    #[case(".\r\n..\r\na.b\r\n", "..\r\n...\r\na.b\r\n.\r\n")]
    fn dots_are_stuffed(#[case] message: &str, #[case] wire: &str) {
        assert_eq!(self::wire(&[], message), wire);
    }

    #[rstest]
    #[case(Twin::DoesNotStuff, ".a\r\n.\r\n", ".a\r\n.\r\n.\r\n")]
    #[case(Twin::StuffsTwice, ".a\r\n", "...a\r\n.\r\n")]
    #[case(Twin::ExtraLineEnd, "a\r\n", "a\r\n\r\n.\r\n")]
    #[case(
        Twin::BareLineFeeds,
        "A: b\r\n\r\nc\r\nd\r\n",
        "A: b\r\n\r\nc\nd\r\n.\r\n"
    )]
    #[case(Twin::LineEndsAsTheyAre, "a\n.\r\n.\r\n", "a\n.\r\n..\r\n.\r\n")]
    fn twins_do_not(#[case] twin: Twin, #[case] message: &str, #[case] expected: &str) {
        assert_eq!(wire(&[twin], message), expected);
    }

    #[test]
    fn a_buffer_may_end_before_a_dot() {
        let message = format!("{}\r\n.b\r\n.c\r\n", "a".repeat(BUFFER - 2));
        let sent = wire(&[Twin::StuffsByTheBuffer], &message);
        assert!(sent.ends_with("a\r\n.b\r\n..c\r\n.\r\n"));
    }
}

//! Message content as DATA carries it: dots stuffed, and its end marked (RFC 5321 sections 4.1.1.4 and 4.5.2).

use super::super::twin::{Twin, Twins};

/// How much is put into the wire form, and written, at a time.
const FILL: usize = 256 * 1024;
/// What one buffer of a careless sender holds.
const BUFFER: usize = 4096;

/// Whether a twin makes the wire form otherwise, or hurries through it.
pub(super) fn is_odd(twins: &Twins) -> bool {
    [
        Twin::StuffsByTheBuffer,
        Twin::ExtraLineEnd,
        Twin::BareLineFeeds,
        Twin::LineEndsAsTheyAre,
        Twin::DoesNotStuff,
        Twin::StuffsTwice,
        Twin::ImpatientWriter,
        Twin::LeavesEarly,
    ]
    .iter()
    .any(|&twin| twins.has(twin))
}

/// Content on its way into the wire form, a buffer at a time: a message of any length is in memory only once.
pub(super) struct Stuffed<'a> {
    /// What is left of the header and of the body.
    left: [&'a [u8]; 2],
    /// Whether the next octet begins a line.
    begins: bool,
    /// The last two octets of the message.
    tail: [u8; 2],
    octets: u64,
    ended: bool,
}

impl<'a> Stuffed<'a> {
    /// A message in two pieces, with CR LF line ends.
    pub(super) fn new(head: &'a [u8], body: &'a [u8]) -> Self {
        let mut last = body.iter().rev().chain(head.iter().rev()).copied();
        let tail = match (last.next(), last.next()) {
            // A message without an octet needs no line end.
            (None, _) => *b"\r\n",
            (Some(end), before) => [before.unwrap_or(0), end],
        };
        let mut this = Self {
            left: [head, body],
            begins: true,
            tail,
            octets: 0,
            ended: false,
        };
        this.octets = this.count();
        this
    }

    /// How many octets the wire form has, its end included.
    pub(super) fn octets(&self) -> u64 {
        self.octets
    }

    fn count(&self) -> u64 {
        let mut octets = self.end().len();
        let mut begins = true;
        for piece in self.left {
            octets += piece.len() + dots(piece, begins).count();
            begins = piece.last().map_or(begins, |&last| last == b'\n');
        }
        octets as u64
    }

    fn end(&self) -> &'static [u8] {
        if &self.tail == b"\r\n" {
            b".\r\n"
        } else {
            b"\r\n.\r\n"
        }
    }

    /// Puts the next octets into the buffer, in the place of what it holds. `false` where there are none.
    pub(super) fn fill(&mut self, buffer: &mut Vec<u8>) -> bool {
        buffer.clear();
        while buffer.len() < FILL {
            let Some(piece) = self.left.iter_mut().find(|piece| !piece.is_empty()) else {
                break;
            };
            let (now, rest) = piece.split_at(piece.len().min(FILL - buffer.len()));
            *piece = rest;
            let mut from = 0;
            for dot in dots(now, self.begins) {
                buffer.extend_from_slice(&now[from..dot]);
                buffer.push(b'.');
                from = dot;
            }
            buffer.extend_from_slice(&now[from..]);
            self.begins = now.ends_with(b"\n");
        }
        if buffer.len() < FILL && !self.ended {
            self.ended = true;
            buffer.extend_from_slice(self.end());
        }
        !buffer.is_empty()
    }
}

/// Content that comes piece by piece, on its way into the wire form. Its line ends are CR LF.
pub(super) struct Stuffing {
    /// Whether the next octet begins a line.
    begins: bool,
    /// The last octet.
    last: Option<u8>,
}

impl Stuffing {
    pub(super) const fn new() -> Self {
        Self {
            begins: true,
            last: None,
        }
    }

    /// Puts the wire form of the next piece behind what the buffer holds.
    pub(super) fn feed(&mut self, piece: &[u8], buffer: &mut Vec<u8>) {
        let mut from = 0;
        for dot in dots(piece, self.begins) {
            buffer.extend_from_slice(&piece[from..dot]);
            buffer.push(b'.');
            from = dot;
        }
        buffer.extend_from_slice(&piece[from..]);
        if let Some(&last) = piece.last() {
            self.last = Some(last);
            self.begins = last == b'\n';
        }
    }

    /// What ends it.
    pub(super) fn end(&self) -> &'static [u8] {
        match self.last {
            None | Some(b'\n') => b".\r\n",
            Some(_) => b"\r\n.\r\n",
        }
    }
}

/// Where lines begin with a dot.
fn dots(piece: &[u8], begins: bool) -> impl Iterator<Item = usize> {
    let first = begins && piece.first() == Some(&b'.');
    let later = memchr::memmem::find_iter(piece, b"\n.").map(|at| at + 1);
    first.then_some(0).into_iter().chain(later)
}

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

    /// All buffers together.
    fn streamed(head: &[u8], body: &[u8]) -> Vec<u8> {
        let mut content = Stuffed::new(head, body);
        let octets = content.octets();
        let (mut all, mut buffer) = (Vec::new(), Vec::new());
        while content.fill(&mut buffer) {
            all.extend_from_slice(&buffer);
        }
        assert_eq!(octets, all.len() as u64);
        all
    }

    #[test]
    fn a_dot_behind_the_end_of_a_buffer_is_stuffed() {
        for before in FILL - 4..FILL + 4 {
            let body = format!("{}\r\n..b\r\n.\r\n", "a".repeat(before));
            assert_eq!(
                streamed(b".h\r\n", body.as_bytes()),
                wire(&[], &format!(".h\r\n{body}")).as_bytes()
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn pieces_come_to_the_same(pieces in proptest::collection::vec("([a.]|\r\n){0,6}", 0..6)) {
            let whole = pieces.concat();
            let (mut stuffing, mut all) = (Stuffing::new(), Vec::new());
            for piece in &pieces {
                stuffing.feed(piece.as_bytes(), &mut all);
            }
            all.extend_from_slice(stuffing.end());
            proptest::prop_assert_eq!(all, wire(&[], &whole).into_bytes());
        }

        #[test]
        fn streamed_content_is_the_same(head in "[a.\r\n]{0,12}", body in "[a.\r\n]{0,40}") {
            proptest::prop_assert_eq!(
                streamed(head.as_bytes(), body.as_bytes()),
                wire(&[], &format!("{head}{body}")).into_bytes()
            );
        }
    }

    #[test]
    fn a_buffer_may_end_before_a_dot() {
        let message = format!("{}\r\n.b\r\n.c\r\n", "a".repeat(BUFFER - 2));
        let sent = wire(&[Twin::StuffsByTheBuffer], &message);
        assert!(sent.ends_with("a\r\n.b\r\n..c\r\n.\r\n"));
    }
}

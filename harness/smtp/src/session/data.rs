//! Message content after DATA: dot-unstuffing and the end of data (RFC 5321 sections 4.1.1.4 and 4.5.2).

use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::content::{Content, Form, Glance, Keep};

/// Where in a line the reader stands. Only CR LF ends a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// At the beginning of a line.
    Start,
    /// After a dot at the beginning of a line.
    Dot,
    /// After a dot and a CR at the beginning of a line.
    DotCr,
    /// Inside a line.
    Inside,
    /// Inside a line, after a CR.
    InsideCr,
}

/// What the strict reading does not call the end of data, but some servers do: a dot between line ends of any kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lax {
    /// Inside a line.
    No,
    /// After CR or LF, or at the beginning.
    Break,
    /// After a dot that followed a break.
    Dot,
    /// After such a dot and a CR.
    Cr,
    /// After such a dot and a line end: CR LF or LF.
    Ended,
}

/// A dot at the beginning of a line that bare CR or bare LF ended, or that one of them follows.
#[derive(Clone, Copy, Debug)]
struct OpenDot {
    offset: u64,
    /// The two bytes before it.
    before: [u8; 2],
    /// Whether a CR was seen behind it.
    cr: bool,
}

static LF_DOT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\n."));
static CR_DOT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\r."));

/// Reads content as it arrives.
#[derive(Debug)]
pub(super) struct Stuffed {
    content: Content,
    form: Form,
    at: At,
    lax: Lax,
    /// Stream offset of the dot that [`Lax::Dot`] and what follows it speak of.
    lax_dot: u64,
    /// Stream offset of the dot that [`At::Dot`] and [`At::DotCr`] speak of.
    dot: u64,
    /// The last two bytes.
    last: [u8; 2],
    /// A dot whose line end was not seen yet.
    open_dot: Option<OpenDot>,
}

impl Stuffed {
    /// At the first byte after the 354 reply.
    pub(super) fn new(keep: Keep) -> Self {
        Self {
            content: Content::with(keep),
            form: Form::default(),
            at: At::Start,
            lax: Lax::Break,
            lax_dot: 0,
            dot: 0,
            last: *b"\r\n",
            open_dot: None,
        }
    }

    /// The content so far.
    pub(super) const fn content(&self) -> &Content {
        &self.content
    }

    /// Takes bytes that stand at `offset`. Returns how many belong to the content, and whether it ends with them.
    pub(super) fn feed(&mut self, bytes: &[u8], offset: u64) -> (usize, bool) {
        let mut at = 0;
        let seen = Glance::at(bytes);
        self.settle_dot(bytes);
        if self.at == At::Inside && self.last[1] == b'\n' && bytes.first() == Some(&b'.') {
            self.judge_dot(self.last, 0, bytes, offset);
        }
        while let Some(&byte) = bytes.get(at) {
            let here = offset + at as u64;
            match self.at {
                At::Start if byte == b'.' => {
                    self.at = At::Dot;
                    self.dot = here;
                    at += 1;
                }
                At::Dot if byte == b'\r' => {
                    self.at = At::DotCr;
                    at += 1;
                }
                At::DotCr if byte == b'\n' => {
                    let used = &bytes[..=at];
                    // Nearly always nothing comes behind the end.
                    let all = used.len() == bytes.len();
                    let seen = if all { seen } else { Glance::at(used) };
                    self.examine(used, offset, &seen);
                    return (at + 1, true);
                }
                At::DotCr => {
                    self.form.lax_end(self.dot);
                    self.content.push(b"\r", self.dot + 1);
                    self.at = At::InsideCr;
                }
                At::InsideCr if byte == b'\n' => {
                    self.content.push(b"\n", here);
                    self.at = At::Start;
                    at += 1;
                }
                At::Start | At::Dot | At::Inside | At::InsideCr => {
                    if self.at == At::Dot && byte == b'\n' {
                        self.form.lax_end(self.dot);
                    }
                    let (run, next) = self.inside(bytes, at, offset, &seen);
                    self.content.push_seen(&bytes[at..at + run], here, &seen);
                    at += run;
                    self.at = next;
                }
            }
        }
        self.watch(bytes, offset);
        self.examine(bytes, offset, &seen);
        (bytes.len(), false)
    }

    /// How many bytes from `from` on stay inside the message as they are, up to the next line that begins with a dot, and
    /// where the reader stands behind them. Dots behind a bare LF are judged on the way.
    fn inside(&mut self, bytes: &[u8], from: usize, offset: u64, seen: &Glance) -> (usize, At) {
        let searched = if seen.dot { &bytes[from..] } else { &[] };
        for at in LF_DOT.find_iter(searched) {
            let lf = from + at;
            let before = if lf > 0 { bytes[lf - 1] } else { self.last[1] };
            if before == b'\r' && at > 0 {
                return (at + 1, At::Start);
            }
            self.judge_dot([before, b'\n'], lf + 1, bytes, offset);
        }
        let next = match &bytes[from..] {
            [.., b'\r', b'\n'] => At::Start,
            [.., b'\r'] => At::InsideCr,
            _ => At::Inside,
        };
        (bytes.len() - from, next)
    }

    /// Takes note of the form of the bytes of one call: line ends, bytes outside ASCII, and dots that a lax receiver
    /// would take for the end of data.
    fn examine(&mut self, bytes: &[u8], offset: u64, seen: &Glance) {
        let bare_cr = self.form.bare_cr;
        self.form.tally(self.last[1], bytes, seen);
        if self.form.bare_cr > bare_cr || self.last[1] == b'\r' {
            self.find_dots(&CR_DOT, bytes, offset);
        }
        let [.., last] = self.last;
        match bytes {
            [] => {}
            [only] => self.last = [last, *only],
            [.., before, end] => self.last = [*before, *end],
        }
    }

    fn find_dots(&mut self, finder: &Finder<'_>, bytes: &[u8], offset: u64) {
        let first = finder.needle()[0];
        if bytes.first() == Some(&b'.') && self.last[1] == first {
            self.judge_dot(self.last, 0, bytes, offset);
        }
        for at in finder.find_iter(bytes) {
            let before = match at.checked_sub(1) {
                Some(before) => bytes[before],
                None => self.last[1],
            };
            self.judge_dot([before, first], at + 1, bytes, offset);
        }
    }

    /// A dot at `at` that begins a line, behind `before`.
    fn judge_dot(&mut self, before: [u8; 2], at: usize, bytes: &[u8], offset: u64) {
        let dot = OpenDot {
            offset: offset + at as u64,
            before,
            cr: false,
        };
        self.open_dot = Some(dot);
        self.settle_dot(bytes.get(at + 1..).unwrap_or_default());
    }

    /// Decides on the open dot by the bytes behind it.
    fn settle_dot(&mut self, behind: &[u8]) {
        let Some(mut dot) = self.open_dot else { return };
        let (end, rest) = match (dot.cr, behind) {
            (_, []) => return,
            (false, [b'\r']) => {
                dot.cr = true;
                self.open_dot = Some(dot);
                return;
            }
            (false, [b'\r', next, ..]) | (true, [next, ..]) => (b'\r', *next == b'\n'),
            (false, [b'\n', ..]) => (b'\n', false),
            (false, _) => {
                self.open_dot = None;
                return;
            }
        };
        self.open_dot = None;
        let strict = &dot.before == b"\r\n" && end == b'\r' && rest;
        if !strict {
            self.form.lax_end(dot.offset);
        }
    }

    /// Follows the lax reading over the bytes of one call, of which only the last few can matter.
    fn watch(&mut self, bytes: &[u8], offset: u64) {
        let from = bytes.len().saturating_sub(8);
        if from > 0 {
            self.lax = if matches!(bytes[from - 1], b'\r' | b'\n') {
                Lax::Break
            } else {
                Lax::No
            };
        }
        for (at, &byte) in bytes.iter().enumerate().skip(from) {
            self.lax = match (self.lax, byte) {
                (Lax::Break | Lax::Cr | Lax::Ended, b'.') => {
                    self.lax_dot = offset + at as u64;
                    Lax::Dot
                }
                (Lax::Dot, b'\r') => Lax::Cr,
                (Lax::Dot | Lax::Cr, b'\n') => Lax::Ended,
                (_, b'\r' | b'\n') => Lax::Break,
                _ => Lax::No,
            };
        }
    }

    /// Notes that bytes are missing here. Where in a line the content goes on is not known.
    pub(super) fn gap(&mut self) {
        self.at = At::Inside;
        self.lax = Lax::Break;
    }

    /// Whether the content so far ends as a lax server takes for the end of data.
    pub(super) fn ends_laxly(&self) -> bool {
        matches!(self.lax, Lax::Cr | Lax::Ended)
    }

    /// The content, ended as [`Stuffed::ends_laxly`] says: without the line of the dot, and with dots unstuffed after
    /// bare LF too, since the server that ended it there takes bare LF for a line end.
    pub(super) fn into_lax_content(mut self) -> (Content, Form) {
        self.content.close();
        let mut lax = self.content.emptied();
        let bytes = self.content.bytes();
        let mut start = 0;
        while start < bytes.len() {
            let end =
                memchr::memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |at| start + at + 1);
            let bare = start > 1 && bytes[start - 2] != b'\r';
            let skip = usize::from(bare && bytes[start] == b'.');
            push_until(&self.content, start + skip..end, self.lax_dot, &mut lax);
            start = end;
        }
        (lax, self.form)
    }

    /// The content so far, and its form.
    pub(super) fn into_content(mut self) -> (Content, Form) {
        self.content.close();
        (self.content, self.form)
    }
}

/// Copies what stood before `limit` on the wire; only the last line can reach it.
fn push_until(from: &Content, range: std::ops::Range<usize>, limit: u64, to: &mut Content) {
    // A line that was cut in the middle is copied in the pieces that stood together.
    let mut start = range.start;
    while start < range.end {
        let place = from.span(start..start + 1).start;
        let end = from.run_end(start).min(range.end);
        let room = usize::try_from(limit.saturating_sub(place)).unwrap_or(usize::MAX);
        let kept = (end - start).min(room);
        to.push(&from.bytes()[start..start + kept], place);
        start = end;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    /// Feeds `wire` in pieces of `step` bytes; returns the content and how many bytes it took, if it ended.
    fn read(wire: &[u8], step: usize) -> (Stuffed, Option<usize>) {
        let mut stuffed = Stuffed::new(Keep::default());
        let mut taken = 0;
        for piece in wire.chunks(step) {
            let (used, ended) = stuffed.feed(piece, taken as u64);
            taken += used;
            if ended {
                return (stuffed, Some(taken));
            }
        }
        (stuffed, None)
    }

    #[rstest]
    #[case(b".\r\n", b"", 3)]
    #[case(b"\r\n.\r\n", b"\r\n", 5)]
    #[case(b"a\r\n.\r\nQUIT\r\n", b"a\r\n", 6)]
    #[case(b"..\r\n.\r\n", b".\r\n", 7)]
    #[case(b"a\r\n..b\r\n.c\r\n.\r\n", b"a\r\n.b\r\nc\r\n", 15)]
    #[case(b"a\n.\nb\r\n.\r\n", b"a\n.\nb\r\n", 10)]
    #[case(b"a\r.\rb\r\n.\r\n", b"a\r.\rb\r\n", 10)]
    #[case(b"a\r\n.\rb\r\n.\r\n", b"a\r\n\rb\r\n", 11)]
    #[case(b"a\r\n.\r\r\n.\r\n", b"a\r\n\r\r\n", 10)]
    #[case(b"a\r\r\n.\r\n", b"a\r\r\n", 7)]
    fn ends_at_the_strict_end_only(
        #[case] wire: &[u8],
        #[case] content: &[u8],
        #[case] taken: usize,
    ) {
        for step in 1..=wire.len() {
            let (stuffed, ended) = read(wire, step);
            assert_eq!(ended, Some(taken), "step {step}");
            assert_eq!(stuffed.into_content().0.bytes(), content, "step {step}");
        }
    }

    #[rstest]
    #[case(b"a\n.\n", b"a\n")]
    #[case(b"a\n.\r\n", b"a\n")]
    #[case(b"a\r\n.\n", b"a\r\n")]
    #[case(b"a\r.\r", b"a\r")]
    #[case(b".\n", b"")]
    #[case(b"a\n..b\n.\n", b"a\n.b\n")]
    fn knows_what_lax_servers_take_for_the_end(#[case] wire: &[u8], #[case] content: &[u8]) {
        for step in 1..=wire.len() {
            let (stuffed, ended) = read(wire, step);
            assert_eq!(ended, None);
            assert!(stuffed.ends_laxly(), "step {step}");
            assert_eq!(stuffed.into_lax_content().0.bytes(), content, "step {step}");
        }
    }

    #[rstest]
    #[case(b"a\n")]
    #[case(b"a\n.")]
    #[case(b"a.\n")]
    #[case(b"a\n.\nb\n")]
    #[case(b"a long enough line to leave the window\n.\nb")]
    fn is_not_fooled_by_other_tails(#[case] wire: &[u8]) {
        for step in 1..=wire.len() {
            assert!(!read(wire, step).0.ends_laxly(), "step {step}");
        }
    }

    #[rstest]
    #[case(b"a\n.\nb\r\n.\r\n", &[2])]
    #[case(b"a\n.\r\nb\r\n.\r\n", &[2])]
    #[case(b"a\r\n.\nb\r\n.\r\n", &[3])]
    #[case(b"a\r.\rb\r\n.\r\n", &[2])]
    #[case(b"a\r.\r\nb\r\n.\r\n", &[2])]
    #[case(b"a\r\n.\rb\r\n.\r\n", &[3])]
    #[case(b"a\r\n..\nb\n.c\n\r\n.\r\n", &[])]
    #[case(b".\r\n", &[])]
    fn finds_what_a_lax_receiver_would_end_at(#[case] wire: &[u8], #[case] dots: &[u64]) {
        for step in 1..=wire.len() {
            let (stuffed, ended) = read(wire, step);
            assert!(ended.is_some());
            assert_eq!(stuffed.into_content().1.lax_ends, dots, "step {step}");
        }
    }

    proptest! {
        #[test]
        fn stuffing_is_undone_with_places_kept(
            message in proptest::collection::vec(prop_oneof![Just(b'.'), Just(b'\r'), Just(b'\n'), Just(b'x')], 0..60),
            step in 1..8_usize,
        ) {
            let mut wire = Vec::new();
            let mut start = true;
            for (at, &byte) in message.iter().enumerate() {
                if start && byte == b'.' {
                    wire.push(b'.');
                }
                wire.push(byte);
                start = byte == b'\n' && at > 0 && message[at - 1] == b'\r';
            }
            // The sender adds a line end where the message has none.
            let mut expected = message.clone();
            if !start {
                wire.extend_from_slice(b"\r\n");
                expected.extend_from_slice(b"\r\n");
            }
            wire.extend_from_slice(b".\r\n");
            let (stuffed, ended) = read(&wire, step);
            prop_assert_eq!(ended, Some(wire.len()));
            let (content, _) = stuffed.into_content();
            prop_assert_eq!(content.bytes(), &expected[..]);
            for (at, &byte) in expected.iter().enumerate() {
                let span = content.span(at..at + 1);
                let place = usize::try_from(span.start).unwrap_or(usize::MAX);
                prop_assert_eq!(wire[place], byte);
            }
        }
    }
}

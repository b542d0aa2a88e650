//! Finding the end of message content, and the message in it.

use memchr::memchr;

/// Looks for the line that is a single dot (RFC 5321 section 4.1.1.4), over any cutting of the bytes.
///
/// Only CR LF . CR LF ends content. A bare LF before or after the dot does not, so that a client's mistake about line
/// ends cannot smuggle a second message in here.
#[derive(Clone, Copy, Debug)]
pub(super) struct EndOfData {
    state: State,
    size: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    LineStart,
    Text,
    Cr,
    Dot,
    DotCr,
    End,
}

impl EndOfData {
    pub(super) const fn new() -> Self {
        Self {
            state: State::LineStart,
            size: 0,
        }
    }

    /// Bytes of the message so far, without stuffed dots and without the ending line.
    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    /// Takes bytes up to the end of the content, or all, and hands on what is of the message among them: without stuffed
    /// dots, and without the ending line (RFC 5321 section 4.5.2). Says how many it took, and whether the end was among them.
    pub(super) fn feed(&mut self, bytes: &[u8], out: &mut dyn FnMut(&[u8])) -> (usize, bool) {
        let mut place = 0;
        // From where on bytes are still to be handed on.
        let mut from = 0;
        while let Some(byte) = bytes.get(place) {
            if self.state == State::Text {
                // Nothing but a CR matters now.
                let rest = bytes.get(place..).unwrap_or_default();
                let text = memchr(b'\r', rest).unwrap_or(rest.len());
                self.size += text as u64;
                place += text;
                if text > 0 {
                    continue;
                }
            }
            let before = self.state;
            self.step(*byte);
            match (before, self.state) {
                (_, State::Dot) => {
                    out(bytes.get(from..place).unwrap_or_default());
                    from = place + 1;
                }
                // It belongs to the ending line, or to the message: what comes next tells.
                (_, State::DotCr) => from = place + 1,
                (State::DotCr, State::End) => return (place + 1, true),
                (State::DotCr, _) => out(b"\r"),
                _ => {}
            }
            place += 1;
        }
        out(bytes.get(from..).unwrap_or_default());
        (bytes.len(), false)
    }

    fn step(&mut self, byte: u8) {
        let (state, counted) = match (self.state, byte) {
            (State::LineStart, b'.') => (State::Dot, 0),
            (State::Cr, b'\n') => (State::LineStart, 1),
            // The CR is counted only once it is known that it does not belong to the ending line.
            (State::Dot, b'\r') => (State::DotCr, 0),
            (State::DotCr, b'\n') => (State::End, 0),
            (State::DotCr, b'\r') => (State::Cr, 2),
            (State::DotCr, _) => (State::Text, 2),
            (_, b'\r') => (State::Cr, 1),
            _ => (State::Text, 1),
        };
        self.state = state;
        self.size += counted;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size_and_rest(bytes: &[u8]) -> Option<(u64, usize)> {
        let mut end = EndOfData::new();
        let (taken, found) = end.feed(bytes, &mut |_| {});
        found.then_some((end.size(), bytes.len() - taken))
    }

    #[test]
    fn the_message_ends_at_a_line_with_one_dot() {
        assert_eq!(size_and_rest(b".\r\n"), Some((0, 0)), "an empty message");
        assert_eq!(size_and_rest(b"a\r\n.\r\nQUIT"), Some((3, 4)));
        assert_eq!(
            size_and_rest(b"..\r\n...\r\n.\r\n"),
            Some((7, 0)),
            "stuffed dots are not counted"
        );
        assert_eq!(
            size_and_rest(b"a\r\n.\r\r\n.\r\n"),
            Some((6, 0)),
            "CR CR LF ends the line, the dot was stuffed"
        );
    }

    #[test]
    fn nothing_else_ends_it() {
        for smuggled in [
            &b"a\n.\n"[..],
            b"a\n.\r\n",
            b"a\r\n.\n",
            b"a\r.\r",
            b"a.\r\n",
            b"a\r\n.\r",
            b"a\r\n\0.\r\n",
        ] {
            assert_eq!(size_and_rest(smuggled), None, "{smuggled:?}");
        }
    }

    fn unstuffed(pieces: &[&[u8]]) -> Vec<u8> {
        let mut whole = Vec::new();
        let mut end = EndOfData::new();
        for piece in pieces {
            end.feed(piece, &mut |bytes| whole.extend_from_slice(bytes));
        }
        whole
    }

    #[test]
    fn dots_are_unstuffed_and_the_ending_line_is_left_out() {
        for (wire, message) in [
            (&b".\r\n"[..], &b""[..]),
            (b"a\r\n.\r\nQUIT", b"a\r\n"),
            (b"..\r\n...\r\n.a\r\n.\r\n", b".\r\n..\r\na\r\n"),
            (b"a\r\n.\r\r\n.\r\n", b"a\r\n\r\r\n"),
            (b"a\n.\nb.\r\n.\r\n", b"a\n.\nb.\r\n"),
        ] {
            assert_eq!(unstuffed(&[wire]), message, "{wire:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_unstuffed_is_as_long_as_what_was_counted(bytes in "[ab.\r\n]{0,40}", cut in 0usize..40) {
            let bytes = [bytes.as_bytes(), b"\r\n.\r\n"].concat();
            let mut end = EndOfData::new();
            let (taken, found) = end.feed(&bytes, &mut |_| {});
            proptest::prop_assert!(found);
            let taken = &bytes[..taken];
            let (left, right) = taken.split_at(cut.min(taken.len()));
            let message = unstuffed(&[left, right]);
            proptest::prop_assert_eq!(message.len() as u64, end.size());
            proptest::prop_assert_eq!(message, unstuffed(&[taken]));
        }
    }

    proptest::proptest! {
        #[test]
        fn cutting_changes_nothing(bytes in "[ab.\r\n]{0,40}", cut in 0usize..40) {
            let bytes = bytes.as_bytes();
            let cut = cut.min(bytes.len());
            let mut whole = EndOfData::new();
            let (taken, found) = whole.feed(bytes, &mut |_| {});
            let mut halves = EndOfData::new();
            let (first, found_first) = halves.feed(&bytes[..cut], &mut |_| {});
            let (second, found_second) = if found_first { (0, false) } else { halves.feed(&bytes[cut..], &mut |_| {}) };
            proptest::prop_assert_eq!((taken, found), (first + second, found_first || found_second));
            proptest::prop_assert_eq!(whole.size(), halves.size());
        }
    }
}

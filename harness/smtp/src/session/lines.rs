//! Bytes of one direction, cut into lines as they arrive.

use wire::Timestamp;

use crate::timeline::Terminator;

/// The longest line that is kept in one piece. RFC 4954 section 4 asks for 12,288 octets; the rest is leniency.
pub(super) const LONGEST_LINE: usize = 1 << 20;

/// How much room is kept for what comes next; more than most lines take.
const MOST_SPARE: usize = 1024;

/// Keeps the room of bytes that were dealt with, where there is none yet: what comes next then takes no memory anew.
pub(super) fn keep_room(mut bytes: Vec<u8>, room: &mut Vec<u8>) {
    if room.capacity() == 0 && bytes.capacity() <= MOST_SPARE {
        bytes.clear();
        *room = bytes;
    }
}

/// One line, or a piece of one that was too long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// The bytes without the line end.
    pub(super) bytes: Vec<u8>,
    /// Stream offset of the first byte.
    pub(super) start: u64,
    /// Stream offset after the line end.
    pub(super) end: u64,
    /// When the first byte was captured.
    pub(super) time: Timestamp,
    /// What ended it.
    pub(super) terminator: Terminator,
    /// Whether it continues a line that was cut for its length.
    pub(super) continued: bool,
}

impl Line {
    /// Stream offset after the last byte before the line end.
    pub(super) const fn text_end(&self) -> u64 {
        let terminator = match self.terminator {
            Terminator::CrLf => 2,
            Terminator::Lf => 1,
            Terminator::Missing => 0,
        };
        self.end.saturating_sub(terminator)
    }

    /// The bytes as they came, with the line end.
    pub(super) fn into_raw(self) -> Vec<u8> {
        let mut bytes = self.bytes;
        bytes.extend_from_slice(match self.terminator {
            Terminator::CrLf => b"\r\n",
            Terminator::Lf => b"\n",
            Terminator::Missing => b"",
        });
        bytes
    }
}

/// Collects the line in progress of one direction.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    buffer: Vec<u8>,
    start: u64,
    /// Stream offset after the last byte taken. Inside TLS the offsets between two records leave a hole.
    end: u64,
    time: Timestamp,
    cut: bool,
}

impl Splitter {
    /// Takes bytes from the front of `input`, which stands at `offset`, up to the end of the line. Returns how many
    /// were taken, and the line where it is finished.
    pub(super) fn take(
        &mut self,
        input: &[u8],
        offset: u64,
        time: Timestamp,
    ) -> (usize, Option<Line>) {
        if self.buffer.is_empty() {
            self.start = offset;
            self.time = time;
        }
        let room = LONGEST_LINE - self.buffer.len();
        let window = input.get(..room).unwrap_or(input);
        if let Some(at) = memchr::memchr(b'\n', window) {
            self.buffer.extend_from_slice(&window[..=at]);
            self.end = offset + at as u64 + 1;
            return (at + 1, Some(self.finish(true)));
        }
        self.buffer.extend_from_slice(window);
        self.end = offset + window.len() as u64;
        let line = (self.buffer.len() >= LONGEST_LINE).then(|| self.finish(false));
        if line.is_some() {
            self.cut = true;
        }
        (window.len(), line)
    }

    /// Takes back the room of a line that was dealt with, for the next one.
    pub(super) fn reuse(&mut self, line: Line) {
        keep_room(line.bytes, &mut self.buffer);
    }

    /// The line in progress, whose end will not come.
    pub(super) fn flush(&mut self) -> Option<Line> {
        if self.buffer.is_empty() {
            self.cut = false;
            return None;
        }
        Some(self.finish(false))
    }

    /// The bytes of the line in progress.
    pub(super) fn pending(&self) -> &[u8] {
        &self.buffer
    }

    /// Gives up the line in progress and returns its bytes as they came, with their offset and time.
    pub(super) fn surrender(&mut self) -> (Vec<u8>, u64, Timestamp) {
        self.cut = false;
        (std::mem::take(&mut self.buffer), self.start, self.time)
    }

    fn finish(&mut self, ended: bool) -> Line {
        let mut bytes = std::mem::take(&mut self.buffer);
        let mut terminator = Terminator::Missing;
        if ended {
            bytes.pop();
            terminator = Terminator::Lf;
            if bytes.last() == Some(&b'\r') {
                bytes.pop();
                terminator = Terminator::CrLf;
            }
        }
        let continued = std::mem::take(&mut self.cut);
        Line {
            bytes,
            start: self.start,
            end: self.end,
            time: self.time,
            terminator,
            continued,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(pieces: &[&[u8]]) -> Vec<Line> {
        let mut splitter = Splitter::default();
        let mut lines = Vec::new();
        let mut offset = 0;
        for piece in pieces {
            let mut rest = *piece;
            while !rest.is_empty() {
                let (used, line) = splitter.take(rest, offset, Timestamp::default());
                assert!(used > 0, "no progress at offset {offset}");
                offset += used as u64;
                rest = &rest[used..];
                lines.extend(line);
            }
        }
        lines.extend(splitter.flush());
        lines
    }

    #[test]
    fn keeps_each_kind_of_line_end_apart() {
        let lines = split(&[b"a\r\nb", b"\nc\r", b"\nd"]);
        let seen: Vec<_> = lines
            .iter()
            .map(|l| (l.bytes.as_slice(), l.start, l.end, l.terminator))
            .collect();
        assert_eq!(
            seen,
            [
                (b"a".as_slice(), 0, 3, Terminator::CrLf),
                (b"b", 3, 5, Terminator::Lf),
                (b"c", 5, 8, Terminator::CrLf),
                (b"d", 8, 9, Terminator::Missing),
            ]
        );
    }

    #[test]
    fn a_line_may_have_a_hole_in_its_offsets() {
        let mut splitter = Splitter::default();
        let (used, line) = splitter.take(b"EH", 10, Timestamp::default());
        assert_eq!((used, line), (2, None));
        let (_, line) = splitter.take(b"LO\r\nQ", 40, Timestamp::default());
        let line = line.expect("ended");
        assert_eq!(line.bytes, b"EHLO");
        assert_eq!((line.start, line.end), (10, 44));
        assert_eq!(line.text_end(), 42);
    }

    #[test]
    fn cuts_a_line_that_is_too_long_and_says_so() {
        let mut bytes = vec![b'x'; LONGEST_LINE + 3];
        bytes.extend_from_slice(b"\r\ny\r\n");
        let lines = split(&[&bytes]);
        assert_eq!(lines.len(), 3);
        assert_eq!(
            (lines[0].bytes.len(), lines[0].continued),
            (LONGEST_LINE, false)
        );
        assert_eq!((lines[1].bytes.len(), lines[1].continued), (3, true));
        assert_eq!(
            (lines[2].bytes.as_slice(), lines[2].continued),
            (b"y".as_slice(), false)
        );
    }
}

//! Message bytes with their places on the wire.

use std::ops::Range;

use wire::{Direction, Span};

/// Message bytes that know where on the wire they stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    bytes: Vec<u8>,
    /// Where runs of bytes begin: (offset in `bytes`, stream offset). Sorted, and starts at 0 when there are bytes.
    runs: Vec<(usize, u64)>,
}

impl Content {
    /// No bytes yet.
    pub const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            runs: Vec::new(),
        }
    }

    /// Appends bytes that stood at `stream_offset` of the client's stream.
    pub fn push(&mut self, bytes: &[u8], stream_offset: u64) {
        if bytes.is_empty() {
            return;
        }
        let here = self.bytes.len();
        let follows = self
            .runs
            .last()
            .is_some_and(|&(start, offset)| offset + (here - start) as u64 == stream_offset);
        if !follows {
            self.runs.push((here, stream_offset));
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// The message.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where `range` of [`Content::bytes`] stood on the wire. Stuffed dots inside it are part of the answer.
    pub fn span(&self, range: Range<usize>) -> Span {
        let at = |index: usize| {
            let run = self
                .runs
                .partition_point(|&(start, _)| start <= index)
                .saturating_sub(1);
            self.runs
                .get(run)
                .map_or(0, |&(start, offset)| offset + (index - start) as u64)
        };
        let start = at(range.start);
        let end = if range.is_empty() {
            start
        } else {
            at(range.end - 1) + 1
        };
        Span::new(Direction::Client, start, end)
    }
}

impl Default for Content {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removed_dot_shifts_what_follows_it() {
        // On the wire: `a\r\n..b\r\n`, from offset 10 on; the first dot of the second line is stuffing.
        let mut content = Content::new();
        content.push(b"a\r\n", 10);
        content.push(b".b\r\n", 14);
        assert_eq!(content.bytes(), b"a\r\n.b\r\n");
        assert_eq!(content.span(0..3), Span::new(Direction::Client, 10, 13));
        assert_eq!(content.span(3..5), Span::new(Direction::Client, 14, 16));
        assert_eq!(content.span(1..4), Span::new(Direction::Client, 11, 15));
        assert_eq!(content.span(4..4), Span::new(Direction::Client, 15, 15));
    }

    #[test]
    fn bytes_that_follow_each_other_are_one_run() {
        let mut content = Content::new();
        content.push(b"ab", 5);
        content.push(b"", 99);
        content.push(b"cd", 7);
        assert_eq!(content.runs, [(0, 5)]);
    }
}

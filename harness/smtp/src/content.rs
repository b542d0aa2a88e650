//! Message bytes with their places on the wire.
//!
//! Of a long message only what a reader of headers and structure needs is kept: see [`Keep`]. What was left out is told,
//! and never taken for missing from the capture.

mod form;
mod glance;
mod sieve;

use std::ops::Range;

use wire::{Direction, Span};

pub use self::form::Form;
pub(crate) use self::glance::Glance;
use self::sieve::Sieve;

/// How much of a message is kept, in bytes. Every header and every boundary line is kept; the bodies of parts are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Of the body of each part, from its beginning.
    pub leaf: usize,
    /// Of the body of a part that is CMS by its first bytes, from its beginning.
    pub cms: usize,
    /// Of the message in all. What lies beyond is not looked at.
    pub message: usize,
}

impl Default for Keep {
    /// Up to 64 MiB, whole.
    fn default() -> Self {
        Self {
            leaf: usize::MAX,
            cms: usize::MAX,
            message: 64 << 20,
        }
    }
}

impl Keep {
    /// For captures of any length: 1 KiB of each part, 256 KiB where it is CMS, 1 MiB in all.
    pub const LEAN: Self = Self {
        leaf: 1 << 10,
        cms: 256 << 10,
        message: 1 << 20,
    };
}

/// Message bytes that know where on the wire they stood.
#[derive(Clone, Debug)]
pub struct Content {
    bytes: Vec<u8>,
    /// Where runs of bytes begin: (offset in `bytes`, stream offset). Sorted, and starts at 0 when there are bytes.
    runs: Vec<(usize, u64)>,
    /// Stream ranges of what was not kept.
    elisions: Vec<Range<u64>>,
    /// How many bytes each of these held; stuffed dots are not among them.
    lengths: Vec<u64>,
    /// How many bytes were not kept.
    elided: u64,
    sieve: Sieve,
}

impl PartialEq for Content {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes && self.runs == other.runs && self.elided == other.elided
    }
}

impl Eq for Content {}

impl Content {
    /// No bytes yet; everything will be kept that [`Keep::default`] keeps.
    pub fn new() -> Self {
        Self::with(Keep::default())
    }

    /// No bytes yet.
    pub fn with(keep: Keep) -> Self {
        Self {
            bytes: Vec::new(),
            runs: Vec::new(),
            elisions: Vec::new(),
            lengths: Vec::new(),
            elided: 0,
            sieve: Sieve::new(keep),
        }
    }

    /// Appends bytes that stood at `stream_offset` of the client's stream, as far as they are to be kept.
    pub fn push(&mut self, bytes: &[u8], stream_offset: u64) {
        self.push_seen(bytes, stream_offset, &Glance::at(bytes));
    }

    /// The same, where `seen` tells of the bytes, or of more among which they are.
    pub(crate) fn push_seen(&mut self, bytes: &[u8], stream_offset: u64, seen: &Glance) {
        if !bytes.is_empty() {
            sieve::push(self, bytes, stream_offset, seen);
        }
    }

    /// Settles what the last bytes were, when no more will come.
    pub fn close(&mut self) {
        sieve::close(self);
    }

    /// The same message without a byte: what was left out stays told, and all that is pushed now is kept.
    pub(crate) fn emptied(&self) -> Self {
        Self {
            bytes: Vec::new(),
            runs: Vec::new(),
            elisions: self.elisions.clone(),
            lengths: self.lengths.clone(),
            elided: self.elided,
            sieve: Sieve::new(Keep::default()),
        }
    }

    /// Where the bytes end that stood together on the wire with the one at `index`.
    pub fn run_end(&self, index: usize) -> usize {
        let next = self.runs.partition_point(|&(start, _)| start <= index);
        self.runs
            .get(next)
            .map_or(self.bytes.len(), |&(start, _)| start)
    }

    fn keep(&mut self, bytes: &[u8], stream_offset: u64) {
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

    fn elide(&mut self, length: usize, stream_offset: u64) {
        if length == 0 {
            return;
        }
        self.elided += length as u64;
        let end = stream_offset + length as u64;
        match (self.elisions.last_mut(), self.lengths.last_mut()) {
            // A stuffed dot may stand between.
            (Some(last), Some(octets)) if stream_offset <= last.end + 1 => {
                last.end = end;
                *octets += length as u64;
            }
            _ => {
                self.elisions.push(stream_offset..end);
                self.lengths.push(length as u64);
            }
        }
    }

    /// Takes back the end of the last elision, from `stream_offset` on, since it is kept after all.
    fn unelide(&mut self, length: usize, stream_offset: u64) {
        if let (Some(last), Some(octets)) = (self.elisions.last_mut(), self.lengths.last_mut())
            && last.end == stream_offset + length as u64
        {
            last.end = stream_offset;
            *octets -= length as u64;
            self.elided -= length as u64;
        }
    }

    /// The message, as far as it was kept.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many bytes the message has, those that were not kept included.
    pub fn octets(&self) -> u64 {
        self.bytes.len() as u64 + self.elided
    }

    /// How many bytes of the message were not kept, from the ends of long parts.
    pub const fn elided(&self) -> u64 {
        self.elided
    }

    /// Where in the client's stream the bytes stood that were not kept.
    pub fn elisions(&self) -> &[Range<u64>] {
        &self.elisions
    }

    /// Whether the packet that carried the stream bytes `extent` carried any that were kept.
    pub fn holds_any(&self, extent: &Range<u64>) -> bool {
        let inside = |hole: &Range<u64>| hole.start <= extent.start && extent.end <= hole.end;
        let at = self.elisions.partition_point(|hole| hole.end < extent.end);
        !self.elisions.get(at).is_some_and(inside)
    }

    /// How much memory it takes.
    pub fn weight(&self) -> usize {
        self.bytes.capacity() + 16 * self.runs.capacity() + 24 * self.elisions.capacity()
    }

    /// Where `range` of [`Content::bytes`] stood on the wire. Stuffed dots and bytes that were not kept are part of the
    /// answer where they lie inside.
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

    /// How many bytes `range` of [`Content::bytes`] had in the message, those included that were not kept of the part
    /// which ends there.
    pub fn length(&self, range: Range<usize>) -> u64 {
        let kept = range.len() as u64;
        let span = self.span(range);
        let lost: u64 = self
            .elisions
            .iter()
            .zip(&self.lengths)
            .filter(|(hole, _)| hole.start >= span.start && hole.start <= span.end)
            .map(|(_, octets)| octets)
            .sum();
        kept + lost
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
    fn knows_which_packets_carried_what_was_kept() {
        let mut content = Content::with(Keep {
            leaf: 4,
            ..Keep::LEAN
        });
        content.push(b"A: b\r\n\r\n0123456789", 100);
        assert_eq!(content.bytes(), b"A: b\r\n\r\n0123");
        assert_eq!((content.elided(), content.octets()), (6, 18));
        assert_eq!(content.elisions().first(), Some(&(112..118)));
        assert!(content.holds_any(&(100..113)) && content.holds_any(&(111..112)));
        assert!(!content.holds_any(&(112..115)) && !content.holds_any(&(114..118)));
        assert_eq!(content.length(8..12), 10);
    }

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

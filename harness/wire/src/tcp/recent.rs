//! The last bytes of a stream, kept so that what is captured again can be compared with what was told.

use std::collections::VecDeque;
use std::ops::Range;

/// How many of the last bytes are kept. A retransmission repeats what was just in flight.
const MOST_KEPT: usize = 32 * 1024;

/// A stream of up to this many bytes gets no more room than it needs.
const SHORT: usize = 8 * 1024;

/// What a stream gets with its first bytes: a session without content takes no more on either side.
const LEAST: usize = 256;

/// How many of the last gaps are remembered.
const MOST_GAPS: usize = 16;

/// What a comparison with the recent bytes shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Comparison {
    /// A byte differs.
    pub(super) conflict: bool,
    /// Some bytes fall into a gap that was told.
    pub(super) late: bool,
}

/// The end of a stream.
#[derive(Debug, Default)]
pub(super) struct Recent {
    /// A ring of a power of two once it is full; before that it only grows.
    bytes: Vec<u8>,
    /// Stream offset after the last byte.
    end: u64,
    gaps: VecDeque<Range<u64>>,
}

impl Recent {
    /// Takes the next bytes of the stream.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let kept = bytes
            .get(bytes.len().saturating_sub(MOST_KEPT)..)
            .unwrap_or(bytes);
        let start = self.end + (bytes.len() - kept.len()) as u64;
        self.end += bytes.len() as u64;
        self.write(start, kept);
    }

    fn write(&mut self, start: u64, bytes: &[u8]) {
        let at = slot(start);
        let wanted = (at + bytes.len()).min(MOST_KEPT);
        if self.bytes.capacity() < wanted {
            // Doubled, since most streams are short; but one that is not soon fills the ring.
            let room = if wanted > SHORT {
                MOST_KEPT
            } else {
                wanted.next_power_of_two().max(LEAST)
            };
            self.bytes.reserve_exact(room - self.bytes.len());
        }
        if at == self.bytes.len() && at + bytes.len() == wanted {
            self.bytes.extend_from_slice(bytes);
            return;
        }
        if self.bytes.len() < wanted {
            self.bytes.resize(wanted, 0);
        }
        let first = bytes.len().min(MOST_KEPT - at);
        let (head, tail) = bytes.split_at(first);
        self.bytes[at..at + first].copy_from_slice(head);
        self.bytes[..tail.len()].copy_from_slice(tail);
    }

    /// Takes a gap of the stream.
    pub(super) fn gap(&mut self, length: u64) {
        let start = self.end;
        self.end = self.end.saturating_add(length);
        match self.gaps.back_mut() {
            Some(last) if last.end == start => last.end = self.end,
            _ => self.gaps.push_back(start..self.end),
        }
        if self.gaps.len() > MOST_GAPS {
            self.gaps.pop_front();
        }
        // What the ring holds of these offsets is of no account: the gap is looked up first.
        let wanted = usize::try_from(self.end).map_or(MOST_KEPT, |end| end.min(MOST_KEPT));
        if self.bytes.len() < wanted {
            self.bytes.resize(wanted, 0);
        }
    }

    /// Compares bytes that were captured again from `start` on. What was told too long ago is not compared.
    pub(super) fn compare(&self, start: u64, bytes: &[u8]) -> Comparison {
        let mut seen = Comparison::default();
        let oldest = self.end.saturating_sub(MOST_KEPT as u64);
        let skip = usize::try_from(oldest.saturating_sub(start)).unwrap_or(usize::MAX);
        let Some(mut left) = bytes.get(skip..) else {
            return seen;
        };
        let mut at = start.max(oldest);
        let end = self.end.min(at.saturating_add(left.len() as u64));
        while at < end {
            let gap = self.gaps.iter().find(|gap| gap.end > at);
            let (until, lost) = match gap {
                Some(gap) if gap.start <= at => (gap.end.min(end), true),
                Some(gap) => (gap.start.min(end), false),
                None => (end, false),
            };
            let length = usize::try_from(until - at).map_or(left.len(), |l| l.min(left.len()));
            let (now, rest) = left.split_at(length);
            if lost {
                seen.late = true;
            } else {
                seen.conflict |= !self.holds(at, now);
            }
            left = rest;
            at = until;
        }
        seen
    }

    fn holds(&self, start: u64, bytes: &[u8]) -> bool {
        let at = slot(start);
        let first = bytes.len().min(MOST_KEPT - at);
        let (head, tail) = bytes.split_at(first);
        self.bytes.get(at..at + first) == Some(head) && self.bytes.get(..tail.len()) == Some(tail)
    }

    /// How much memory it takes.
    pub(super) fn weight(&self) -> usize {
        self.bytes.capacity()
    }
}

fn slot(offset: u64) -> usize {
    usize::try_from(offset % MOST_KEPT as u64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tells_a_conflict_from_a_repetition() {
        let mut recent = Recent::default();
        recent.push(b"abcdef");
        recent.gap(4);
        recent.push(b"klm");
        let compare = |start, bytes: &[u8]| {
            let Comparison { conflict, late } = recent.compare(start, bytes);
            (conflict, late)
        };
        assert_eq!(compare(2, b"cdef"), (false, false));
        assert_eq!(compare(2, b"cdXf"), (true, false));
        assert_eq!(compare(4, b"efGHIJkl"), (false, true));
        assert_eq!(compare(4, b"efGHIJkX"), (true, true));
        assert_eq!(compare(11, b"lmno"), (false, false));
    }

    proptest! {
        #[test]
        fn the_last_bytes_are_compared_and_older_ones_are_not(
            pieces in proptest::collection::vec((1..9_000_usize, any::<u8>()), 1..20),
            back in 1..40_000_usize,
            flip in any::<bool>(),
        ) {
            let mut recent = Recent::default();
            let mut all = Vec::new();
            for (length, byte) in pieces {
                let piece: Vec<u8> = (0..length).map(|at| byte.wrapping_add((at % 251).to_le_bytes()[0])).collect();
                recent.push(&piece);
                all.extend(piece);
            }
            let start = all.len().saturating_sub(back);
            let mut again = all[start..].to_vec();
            prop_assert_eq!(recent.compare(start as u64, &again), Comparison::default());
            if flip {
                let oldest = all.len().saturating_sub(MOST_KEPT).saturating_sub(start);
                again[0] ^= 1;
                let seen = recent.compare(start as u64, &again);
                prop_assert_eq!(seen.conflict, oldest == 0);
            }
        }
    }
}

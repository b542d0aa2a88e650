//! The fragments of one datagram, each byte of it kept once.

use std::collections::BTreeMap;

/// What the books on one piece are taken to cost, in bytes.
const PIECE_COST: usize = 96;

/// Ranges of a datagram, in order and without overlap.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    /// By first byte.
    by_start: BTreeMap<usize, Piece>,
    /// One past the last byte of the datagram, once the last fragment was captured.
    end: Option<usize>,
    /// How many bytes of the datagram the pieces make up.
    covered: usize,
    /// How many of these were captured.
    captured: usize,
}

#[derive(Debug)]
struct Piece {
    /// What was captured of it; the snap length may have cut the rest.
    bytes: Vec<u8>,
    /// How long it is.
    length: usize,
}

/// Whether a fragment fits those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// It is new, or the same as before.
    Fits,
    /// It has other bytes where there were some already, or another end of the datagram.
    Contradiction,
}

impl Pieces {
    /// Adds a fragment of `length` bytes, of which `bytes` were captured. Where there are bytes already, these stay.
    pub(super) fn add(&mut self, start: u32, bytes: &[u8], length: usize, last: bool) -> Fit {
        let start = start as usize;
        let end = start + length;
        let seen = self
            .by_start
            .last_key_value()
            .map_or(0, |(start, piece)| start + piece.length);
        let fits = match self.end {
            Some(known) => end <= known && (!last || end == known),
            None => !last || seen <= end,
        };
        if !fits {
            return Fit::Contradiction;
        }
        if last {
            self.end = Some(end);
        }
        let mut fit = Fit::Fits;
        let mut free = Vec::new();
        let mut at = start;
        for (&known, piece) in self.by_start.range(self.first_at(start)..end) {
            let known_end = known + piece.length;
            if known_end <= start {
                continue;
            }
            if at < known {
                free.push(at..known);
            }
            if differ((start, bytes), (known, &piece.bytes)) {
                fit = Fit::Contradiction;
            }
            at = known_end;
        }
        if at < end {
            free.push(at..end);
        }
        for range in free {
            let captured = bytes
                .get(range.start - start..)
                .map(|rest| &rest[..rest.len().min(range.len())])
                .unwrap_or_default();
            self.covered += range.len();
            self.captured += captured.len();
            self.by_start.insert(
                range.start,
                Piece {
                    bytes: captured.to_vec(),
                    length: range.len(),
                },
            );
        }
        fit
    }

    /// Whether all of these bytes are there already, the same.
    pub(super) fn hold(&self, start: u32, bytes: &[u8]) -> bool {
        let start = start as usize;
        let end = start + bytes.len();
        let mut at = start;
        for (&known, piece) in self.by_start.range(self.first_at(start)..end) {
            if known > at || differ((start, bytes), (known, &piece.bytes)) {
                return false;
            }
            at = at.max(known + piece.length);
        }
        end <= at
    }

    /// Whether no byte of the datagram is outstanding.
    pub(super) fn is_whole(&self) -> bool {
        self.end == Some(self.covered)
    }

    /// Copies the datagram up to the first byte that was not captured; answers how many follow.
    pub(super) fn copy_to(&self, whole: &mut Vec<u8>) -> u64 {
        whole.clear();
        for piece in self.by_start.values() {
            whole.extend_from_slice(&piece.bytes);
            if piece.bytes.len() < piece.length {
                break;
            }
        }
        (self.covered - whole.len()) as u64
    }

    /// About how much memory this takes, in bytes.
    pub(super) fn cost(&self) -> usize {
        self.captured + self.by_start.len() * PIECE_COST
    }

    /// Where the piece begins that holds the byte `at`, or `at`.
    fn first_at(&self, at: usize) -> usize {
        self.by_start
            .range(..=at)
            .next_back()
            .map_or(at, |(start, _)| *start)
    }
}

/// Whether two runs of bytes, each with its place, have different bytes where both have some.
fn differ(one: (usize, &[u8]), other: (usize, &[u8])) -> bool {
    let start = one.0.max(other.0);
    let end = (one.0 + one.1.len()).min(other.0 + other.1.len());
    start < end && one.1[start - one.0..end - one.0] != other.1[start - other.0..end - other.0]
}

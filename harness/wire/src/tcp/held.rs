//! Bytes that arrived before those in front of them.

use std::collections::BTreeMap;

use super::output::At;

/// What a held chunk weighs besides its bytes, so that a flood of one-byte segments is bounded too.
const CHUNK_WEIGHT: usize = 96;

/// A run of one direction's stream.
#[derive(Clone, Copy, Debug)]
pub(super) enum Run<'a> {
    /// Captured bytes.
    Bytes(&'a [u8]),
    /// This many bytes that the snap length cut off.
    Missing(u64),
}

impl Run<'_> {
    pub(super) const fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Missing(length) => *length,
        }
    }

    /// The first `length` bytes, or as many as there are, and the rest.
    pub(super) fn split(self, length: u64) -> (Self, Self) {
        match self {
            Self::Bytes(bytes) => {
                let at =
                    usize::try_from(length).map_or(bytes.len(), |length| length.min(bytes.len()));
                let (first, rest) = bytes.split_at(at);
                (Self::Bytes(first), Self::Bytes(rest))
            }
            Self::Missing(all) => {
                let first = length.min(all);
                (Self::Missing(first), Self::Missing(all - first))
            }
        }
    }

    /// Whether both hold captured bytes at the same place that differ; `skip` bytes of `other` come before `self`.
    fn contradicts(self, other: &Chunk, skip: u64) -> bool {
        let (Self::Bytes(new), Content::Bytes(old), Ok(skip)) =
            (self, &other.content, usize::try_from(skip))
        else {
            return false;
        };
        old.get(skip..).is_some_and(|old| !old.starts_with(new))
    }
}

/// A held run with the packet that carried it.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) at: At,
    pub(super) content: Content,
}

/// See [`Run`].
#[derive(Debug)]
pub(super) enum Content {
    Bytes(Vec<u8>),
    Missing(u64),
}

impl Chunk {
    fn len(&self) -> u64 {
        match &self.content {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::Missing(length) => *length,
        }
    }

    fn weight(&self) -> usize {
        match &self.content {
            Content::Bytes(bytes) => bytes.len() + CHUNK_WEIGHT,
            Content::Missing(_) => CHUNK_WEIGHT,
        }
    }
}

/// Chunks by stream offset, never overlapping.
#[derive(Debug, Default)]
pub(super) struct Held {
    chunks: BTreeMap<u64, Chunk>,
    weight: usize,
}

impl Held {
    pub(super) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// How much memory the chunks take, roughly.
    pub(super) fn weight(&self) -> usize {
        self.weight
    }

    /// Offset of the first held byte.
    pub(super) fn start(&self) -> Option<u64> {
        self.chunks.first_key_value().map(|(start, _)| *start)
    }

    /// One past the last held byte.
    pub(super) fn end(&self) -> Option<u64> {
        self.chunks
            .last_key_value()
            .map(|(start, chunk)| start + chunk.len())
    }

    /// Takes out the chunk that starts at `offset`.
    pub(super) fn take(&mut self, offset: u64) -> Option<Chunk> {
        let chunk = self.chunks.remove(&offset)?;
        self.weight -= chunk.weight();
        Some(chunk)
    }

    /// Holds what of `run` is not held yet. Answers whether a byte already held differs from the new one; the old one
    /// stays.
    pub(super) fn insert(&mut self, mut start: u64, mut run: Run<'_>, at: At) -> bool {
        let mut conflict = false;
        while run.len() > 0 {
            let covering = self.chunks.range(..=start).next_back();
            if let Some((&held_start, chunk)) = covering
                && held_start + chunk.len() > start
            {
                let (seen, rest) = run.split(held_start + chunk.len() - start);
                conflict |= seen.contradicts(chunk, start - held_start);
                start += seen.len();
                run = rest;
                continue;
            }
            let free = self
                .chunks
                .range(start..)
                .next()
                .map_or(u64::MAX, |(next, _)| next - start);
            let (new, rest) = run.split(free);
            let content = match new {
                Run::Bytes(bytes) => Content::Bytes(bytes.to_vec()),
                Run::Missing(length) => Content::Missing(length),
            };
            let chunk = Chunk { at, content };
            self.weight += chunk.weight();
            self.chunks.insert(start, chunk);
            start += new.len();
            run = rest;
        }
        conflict
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    fn at(packet: u64) -> At {
        At {
            packet,
            time: Timestamp::default(),
        }
    }

    fn drain(mut held: Held) -> Vec<(u64, u64, String)> {
        let mut all = Vec::new();
        while let Some(start) = held.start() {
            let chunk = held.take(start).unwrap();
            let text = match chunk.content {
                Content::Bytes(bytes) => String::from_utf8(bytes).unwrap(),
                Content::Missing(length) => format!("-{length}"),
            };
            all.push((start, chunk.at.packet, text));
        }
        assert_eq!(held.weight(), 0);
        all
    }

    #[test]
    fn keeps_what_came_first() {
        let mut held = Held::default();
        assert!(!held.insert(10, Run::Bytes(b"abc"), at(1)));
        assert!(!held.insert(16, Run::Bytes(b"gh"), at(2)));
        assert!(!held.insert(8, Run::Bytes(b"yzabcdefghij"), at(3)));
        assert!(held.insert(12, Run::Bytes(b"X"), at(4)));
        assert_eq!(
            drain(held),
            [
                (8, 3, "yz".to_owned()),
                (10, 1, "abc".to_owned()),
                (13, 3, "def".to_owned()),
                (16, 2, "gh".to_owned()),
                (18, 3, "ij".to_owned()),
            ]
        );
    }

    #[test]
    fn missing_bytes_contradict_nothing() {
        let mut held = Held::default();
        assert!(!held.insert(0, Run::Missing(4), at(1)));
        assert!(!held.insert(2, Run::Bytes(b"cdef"), at(2)));
        assert!(!held.insert(5, Run::Missing(9), at(3)));
        assert_eq!(
            drain(held),
            [
                (0, 1, "-4".to_owned()),
                (4, 2, "ef".to_owned()),
                (6, 3, "-8".to_owned())
            ]
        );
    }
}

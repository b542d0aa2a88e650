//! What one side of a connection said, as it was and as it is to be.

use std::ops::Range;

use aho_corasick::AhoCorasick;
use wire::StreamEvent;

use super::token::MARK;

/// A run of bytes without a hole.
#[derive(Debug)]
struct Run {
    start: u64,
    old: Vec<u8>,
    new: Vec<u8>,
}

/// One direction of a connection.
#[derive(Debug, Default)]
pub(super) struct Stream {
    runs: Vec<Run>,
}

impl Stream {
    /// Takes the next bytes; events of one direction come in the order of the stream.
    pub(super) fn push(&mut self, event: &StreamEvent) {
        let StreamEvent::Data { offset, bytes, .. } = event else {
            return;
        };
        match self.runs.last_mut() {
            Some(run) if run.start + run.old.len() as u64 == *offset => {
                run.old.extend_from_slice(bytes);
                run.new.extend_from_slice(bytes);
            }
            _ => self.runs.push(Run {
                start: *offset,
                old: bytes.clone(),
                new: bytes.clone(),
            }),
        }
    }

    /// The bytes of a range as they stand now; `None` where one of them is not in the capture.
    pub(super) fn get(&self, range: Range<u64>) -> Option<Vec<u8>> {
        let run = self.run(range.start)?;
        let from = usize::try_from(range.start - run.start).ok()?;
        let to = usize::try_from(range.end.checked_sub(run.start)?).ok()?;
        run.new.get(from..to).map(<[u8]>::to_vec)
    }

    /// Writes over bytes from `start` on, as far as the capture has them.
    pub(super) fn set(&mut self, start: u64, bytes: &[u8]) {
        for (place, byte) in (start..).zip(bytes) {
            if let Some(own) = self.at(place) {
                *own = *byte;
            }
        }
    }

    /// Changes each byte of a range that the capture has.
    pub(super) fn each(&mut self, range: Range<u64>, change: impl Fn(u8) -> u8) {
        for place in range {
            if let Some(own) = self.at(place) {
                *own = change(*own);
            }
        }
    }

    /// Every range that the capture has.
    pub(super) fn extents(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        self.runs
            .iter()
            .map(|run| run.start..run.start + run.new.len() as u64)
    }

    /// Writes over every place where one of the patterns stands, and says how many there were.
    pub(super) fn replace(&mut self, patterns: &AhoCorasick, keep: Option<u64>) -> usize {
        let mut count = 0;
        for run in &mut self.runs {
            let places: Vec<Range<usize>> = patterns
                .find_iter(&run.new)
                .map(|found| found.range())
                .collect();
            for place in places {
                // What crossed under TLS is not what it looks like.
                if keep.is_some_and(|from| run.start + place.start as u64 >= from) {
                    continue;
                }
                run.new[place].fill(MARK);
                count += 1;
            }
        }
        count
    }

    /// What a byte is to become, where it is to become something else. What the stream does not have, as what came after
    /// its end, becomes zero.
    pub(super) fn change(&self, place: Option<u64>) -> Option<u8> {
        let known = place.and_then(|place| {
            let run = self.run(place)?;
            let at = usize::try_from(place - run.start).ok()?;
            Some((*run.old.get(at)?, *run.new.get(at)?))
        });
        match known {
            Some((old, new)) => (old != new).then_some(new),
            None => Some(0),
        }
    }

    /// Whether anything in a range is to become something else.
    pub(super) fn changes(&self, range: Range<u64>) -> bool {
        self.runs.iter().any(|run| {
            let end = run.start + run.old.len() as u64;
            let (from, to) = (range.start.max(run.start), range.end.min(end));
            let index = |place: u64| usize::try_from(place - run.start).unwrap_or(usize::MAX);
            from < to && run.old.get(index(from)..index(to)) != run.new.get(index(from)..index(to))
        })
    }

    fn run(&self, place: u64) -> Option<&Run> {
        let after = self.runs.partition_point(|run| run.start <= place);
        self.runs.get(after.checked_sub(1)?)
    }

    fn at(&mut self, place: u64) -> Option<&mut u8> {
        let after = self.runs.partition_point(|run| run.start <= place);
        let run = self.runs.get_mut(after.checked_sub(1)?)?;
        run.new.get_mut(usize::try_from(place - run.start).ok()?)
    }
}

//! A list of notes that a hostile capture cannot grow without end.

use std::collections::BTreeMap;
use std::fmt;

use crate::{Note, NoteKind};

/// How many notes of one kind are kept word by word.
const KEPT_PER_KIND: u64 = 32;

/// Collects notes. The first few of a kind are kept, the rest are counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct NoteLog {
    notes: Vec<Note>,
    counts: BTreeMap<NoteKind, u64>,
}

impl NoteLog {
    /// Adds a note; `detail` is one sentence for a person: lower case, no full stop.
    pub(crate) fn push(&mut self, kind: NoteKind, packet: Option<u64>, detail: fmt::Arguments<'_>) {
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        if *count <= KEPT_PER_KIND {
            self.notes.push(Note {
                kind,
                packet,
                detail: detail.to_string(),
            });
        }
    }

    /// The notes in the order in which they were made, then one line for each kind of which some were only counted.
    pub(crate) fn finish(mut self) -> Vec<Note> {
        for (kind, count) in self.counts {
            if let Some(more @ 1..) = count.checked_sub(KEPT_PER_KIND) {
                self.notes.push(Note {
                    kind,
                    packet: None,
                    detail: format!("{more} more notes of this kind ({kind:?}) are not listed"),
                });
            }
        }
        self.notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_first_and_counts_the_rest() {
        let mut log = NoteLog::default();
        for packet in 1..=KEPT_PER_KIND + 3 {
            log.push(NoteKind::Snapped, Some(packet), format_args!("cut"));
        }
        log.push(NoteKind::Fragment, Some(99), format_args!("fragment"));
        let notes = log.finish();
        assert_eq!(notes.len() as u64, KEPT_PER_KIND + 2);
        assert_eq!(notes[notes.len() - 2].kind, NoteKind::Fragment);
        assert_eq!(
            notes.last().unwrap().detail,
            "3 more notes of this kind (Snapped) are not listed"
        );
    }

    #[test]
    fn says_nothing_of_more_when_all_are_listed() {
        let mut log = NoteLog::default();
        for packet in 1..=KEPT_PER_KIND {
            log.push(NoteKind::Snapped, Some(packet), format_args!("cut"));
        }
        assert_eq!(log.finish().len() as u64, KEPT_PER_KIND);
    }
}

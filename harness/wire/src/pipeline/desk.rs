//! A lane with what is under way in it, for whoever works there.

use std::sync::mpsc::{SyncSender, TrySendError};

use super::Worker;
use super::batch::Batch;
use super::lane::{Lane, Made};

/// Of how many rounds the answers go to the caller together, so that its thread is not woken for each: it would take
/// the place of one that works.
const GROUP: usize = 8;

/// The same for the short rounds of [`FEW`] segments.
const GROUP_OF_SHORT: usize = 64;

/// How many segments are worked on where there are only some microseconds.
const SOME: usize = 4;

/// How many segments a round has where they are read in such a time.
pub(super) const FEW: usize = 8 * SOME;

/// What one lane made in some rounds that follow each other.
pub(super) type Group<P> = Vec<Made<P>>;

/// One lane.
pub(super) struct Desk<W: Worker> {
    lane: Lane<W>,
    /// What was begun and is not done with.
    begun: Option<Begun<W::Product>>,
    /// Answers to rounds, before they are handed in.
    group: Group<W::Product>,
    answers: SyncSender<Group<W::Product>>,
}

struct Begun<P> {
    batch: Batch,
    /// How many of its segments are done with.
    at: usize,
    made: Made<P>,
}

impl<W: Worker> Desk<W> {
    pub(super) const fn new(lane: Lane<W>, answers: SyncSender<Group<W::Product>>) -> Self {
        Self {
            lane,
            begun: None,
            group: Group::new(),
            answers,
        }
    }

    /// Works through what was begun, and then through a batch, if there is one. Says whether somebody still takes answers.
    pub(super) fn work(&mut self, next: impl FnOnce() -> Option<Batch>) -> bool {
        self.end_begun();
        let Some(batch) = next() else {
            return self.hand_in();
        };
        self.group.push(self.lane.work(&batch));
        (self.group.len() < GROUP && !batch.at_once) || self.hand_in()
    }

    /// Works on some segments, of the batch that was begun or of the next one, and waits for nothing. Says whether there
    /// were any that could be worked on: while nobody takes answers, no more are made.
    pub(super) fn work_a_little(&mut self, next: impl FnOnce() -> Option<Batch>) -> bool {
        if self.group.len() >= GROUP_OF_SHORT {
            self.try_to_hand_in();
        }
        if self.begun.is_none() && self.group.len() < 2 * GROUP_OF_SHORT {
            self.begun = next().map(|batch| Begun {
                batch,
                at: 0,
                made: Made::default(),
            });
        }
        let works = self.begun.is_some();
        self.work_on(SOME);
        works
    }

    fn end_begun(&mut self) {
        self.work_on(usize::MAX);
    }

    /// Works on the batch that was begun.
    fn work_on(&mut self, most: usize) {
        let Some(begun) = &mut self.begun else { return };
        let some = begun.at..begun.at.saturating_add(most);
        begun.at = some.end;
        let (made, over) = self.lane.work_on(&begun.batch, some);
        begun.made.join(made);
        if over && let Some(Begun { made, .. }) = self.begun.take() {
            self.group.push(made);
        }
    }

    /// What was begun is done with, and answers are handed in as far as there is room. Says whether some are left.
    pub(super) fn clear(&mut self) -> bool {
        self.end_begun();
        self.try_to_hand_in();
        !self.group.is_empty()
    }

    /// Hands in what there is, if there is room.
    pub(super) fn try_to_hand_in(&mut self) {
        if self.group.is_empty() {
            return;
        }
        if let Err(TrySendError::Full(group)) =
            self.answers.try_send(std::mem::take(&mut self.group))
        {
            self.group = group;
        }
    }

    /// Hands in what there is, and waits for room. The caller is gone only if it panicked; then this says so.
    fn hand_in(&mut self) -> bool {
        self.group.is_empty() || self.answers.send(std::mem::take(&mut self.group)).is_ok()
    }

    /// Ends all connections, and hands in what comes of it.
    pub(super) fn finish(mut self) {
        self.end_begun();
        self.group.push(self.lane.finish());
        let _ = self.answers.send(self.group);
    }
}

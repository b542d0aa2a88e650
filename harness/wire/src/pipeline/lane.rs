//! One lane: connections put together, and what a worker makes of them.

use std::ops::Range;

use super::Worker;
use super::batch::Batch;
use crate::tcp::{Bounds, Ended, Reassembler};

/// What was made in one round.
#[derive(Debug)]
pub(super) struct Made<P> {
    /// Each with where it stands in the order: the packet at which the connection was known to be over, and its first.
    pub(super) products: Vec<((u64, u64), P)>,
    /// Connections that ended.
    pub(super) ended: u64,
    /// Connections of which nothing was made.
    pub(super) passed_over: u64,
    /// Segments that came too late.
    pub(super) strays: u64,
    /// The last packet of the round.
    pub(super) until: u64,
}

impl<P> Default for Made<P> {
    fn default() -> Self {
        Self {
            products: Vec::new(),
            ended: 0,
            passed_over: 0,
            strays: 0,
            until: 0,
        }
    }
}

impl<P> Made<P> {
    pub(super) fn join(&mut self, other: Self) {
        self.products.extend(other.products);
        self.ended += other.ended;
        self.passed_over += other.passed_over;
        self.strays += other.strays;
        self.until = self.until.max(other.until);
    }

    pub(super) fn sort(&mut self) {
        self.products.sort_by_key(|(place, _)| *place);
    }
}

/// The lane.
pub(super) struct Lane<W: Worker> {
    worker: W,
    reassembler: Reassembler<W::Consumer>,
    until: u64,
}

impl<W: Worker> Lane<W> {
    pub(super) fn new(worker: W, bounds: Bounds) -> Self {
        Self {
            worker,
            reassembler: Reassembler::new(bounds),
            until: 0,
        }
    }

    /// Works through a batch.
    pub(super) fn work(&mut self, batch: &Batch) -> Made<W::Product> {
        self.work_on(batch, 0..usize::MAX).0
    }

    /// Works on some segments of a batch, which follow those of the call before. The second says whether the batch is done
    /// with.
    pub(super) fn work_on(
        &mut self,
        batch: &Batch,
        some: Range<usize>,
    ) -> (Made<W::Product>, bool) {
        if some.start == 0 {
            for secrets in &batch.secrets {
                self.worker.secrets(secrets);
            }
        }
        for segment in batch.segments(some.clone()) {
            self.reassembler.push_with(&segment, || self.worker.open());
        }
        let over = some.end >= batch.len();
        if over {
            let (packet, time) = batch.until;
            self.reassembler.tick(time, packet);
            self.until = packet;
        }
        let ended = self.reassembler.take_ended();
        let mut made = self.made(ended);
        made.until = self.until;
        (made, over)
    }

    /// Ends all connections.
    pub(super) fn finish(mut self) -> Made<W::Product> {
        let strays = self.reassembler.strays();
        let rest = std::mem::take(&mut self.reassembler).finish_all();
        let mut made = self.made(rest);
        made.strays = strays;
        made.until = self.until;
        made
    }

    fn made(&mut self, ended: Vec<Ended<W::Consumer>>) -> Made<W::Product> {
        let mut made = Made {
            ended: ended.len() as u64,
            ..Made::default()
        };
        for one in ended {
            let place = (one.ended_at, one.about.first_packet);
            match self.worker.close(one) {
                Some(product) => made.products.push((place, product)),
                None => made.passed_over += 1,
            }
        }
        made.sort();
        made
    }
}

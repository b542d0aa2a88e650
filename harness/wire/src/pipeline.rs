//! From captures to what is made of their connections, on one processor or several.
//!
//! Frames are read and taken apart as far as TCP by one thread at a time; the segments of a connection all go to the same
//! lane, so that lanes share nothing. What lanes make of connections that are over comes back in the order in which they
//! ended, the same on any number of lanes.

mod batch;
mod board;
mod crew;
mod desk;
mod lane;
mod producer;
mod spare;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use self::lane::{Lane, Made};
use self::producer::{MOST_SEGMENTS, Producer};

pub use self::spare::SpareTime;
use crate::source::{FileEnding, Sources};
use crate::tcp::{Bounds, Consumer, Ended};
use crate::{Error, Note};

/// What works in one lane.
pub trait Worker: Send {
    /// What takes the events of a connection.
    type Consumer: Consumer + Send;
    /// What is made of a connection.
    type Product: Send;

    /// Takes TLS secrets that a capture holds.
    fn secrets(&mut self, text: &str);

    /// A consumer for a connection that begins.
    fn open(&mut self) -> Self::Consumer;

    /// Makes something of a connection that is over, or nothing.
    fn close(&mut self, ended: Ended<Self::Consumer>) -> Option<Self::Product>;
}

/// How to go about it.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// How many lanes; with one, everything is done by the calling thread.
    pub lanes: usize,
    /// How much may be held in each lane.
    pub bounds: Bounds,
    /// Set from outside to end the reading early; what was read until then is finished in good order.
    pub stop: Arc<AtomicBool>,
    /// What can be watched from outside.
    pub progress: Arc<Progress>,
    /// What each thread of a lane does first; the calling thread, which does everything where there is one lane, does not.
    pub begin: Option<fn()>,
    /// The time of a thread that has something more urgent to do, too. The threads of lanes leave everything to it for as
    /// long as it lends some; it is not needed where there is one lane.
    pub spare: SpareTime,
}

/// How far reading has come.
#[derive(Debug, Default)]
pub struct Progress {
    /// Packets read.
    pub packets: AtomicU64,
    /// Connections ended.
    pub connections: AtomicU64,
    /// The packet up to which everything that was over has been delivered.
    pub delivered: AtomicU64,
}

/// What is known once everything was read.
#[derive(Debug, Default)]
pub struct Summary {
    /// What became of each capture, in the order in which they were named.
    pub files: Vec<FileEnding>,
    /// Remarks on frames.
    pub notes: Vec<Note>,
    /// Problems of reading that ended a capture early.
    pub problems: Vec<String>,
    /// Segments that came after the end of their connection.
    pub strays: u64,
    /// Connections of which nothing was made.
    pub passed_over: u64,
    /// Packets read.
    pub packets: u64,
}

impl Summary {
    /// The captures that could not be read at all.
    pub fn errors(&self) -> impl Iterator<Item = (&PathBuf, &Error)> {
        self.files
            .iter()
            .filter_map(|file| Some((&file.name, file.error.as_ref()?)))
    }
}

/// Reads all sources. `deliver` gets what the workers made, in the order in which connections ended.
pub fn run<W: Worker + 'static>(
    sources: Sources,
    settings: &Settings,
    make: impl Fn() -> W,
    mut deliver: impl FnMut(W::Product),
) -> Summary
where
    W::Product: 'static,
{
    let lanes = settings.lanes.max(1);
    let progress = Arc::clone(&settings.progress);
    let mut tally = Tally::default();
    let mut pass_on = |made: Made<W::Product>| {
        tally.strays += made.strays;
        tally.passed_over += made.passed_over;
        progress
            .connections
            .fetch_add(made.ended, Ordering::Relaxed);
        for (_, product) in made.products {
            deliver(product);
        }
        progress.delivered.store(made.until, Ordering::Relaxed);
    };
    let producer = Producer::new(sources, settings, lanes);
    let mut summary = if lanes == 1 {
        on_this_thread(producer, Lane::new(make(), settings.bounds), &mut pass_on)
    } else {
        let lanes = (0..lanes).map(|_| Lane::new(make(), settings.bounds));
        crew::run(producer, lanes.collect(), settings, &mut pass_on)
    };
    summary.strays = tally.strays;
    summary.passed_over = tally.passed_over;
    summary
}

#[derive(Default)]
struct Tally {
    strays: u64,
    passed_over: u64,
}

fn on_this_thread<W: Worker>(
    mut producer: Producer,
    mut lane: Lane<W>,
    pass_on: &mut impl FnMut(Made<W::Product>),
) -> Summary {
    loop {
        let round = producer.round(MOST_SEGMENTS);
        for batch in &round.batches {
            pass_on(lane.work(batch));
        }
        if round.last {
            pass_on(lane.finish());
            return producer.finish();
        }
    }
}

#[cfg(test)]
mod tests;

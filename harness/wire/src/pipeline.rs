//! From captures to what is made of their connections, on one processor or several.
//!
//! One thread reads frames and takes them apart as far as TCP; the segments of a connection all go to the same lane, so
//! that lanes share nothing. What lanes make of connections that are over comes back in the order in which they ended, the
//! same on any number of lanes.

mod batch;
mod lane;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use self::batch::{Batch, Batches};
use self::lane::{Lane, Made};
use crate::decode::Decoder;
use crate::source::{FileEnding, Next, Sources};
use crate::tcp::{Bounds, Consumer, Ended};
use crate::{Error, Note};

/// How many batches may wait for a lane, and how many answers for the caller.
const MOST_WAITING: usize = 6;

/// How many chunks of a file go into one round: enough for the lanes not to wait for each other.
const CHUNKS: u32 = 4;

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
}

/// How far reading has come.
#[derive(Debug, Default)]
pub struct Progress {
    /// Packets read.
    pub packets: AtomicU64,
    /// Connections ended.
    pub connections: AtomicU64,
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
pub fn run<W: Worker>(
    sources: Sources,
    settings: &Settings,
    make: impl Fn() -> W,
    mut deliver: impl FnMut(W::Product),
) -> Summary {
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
    };
    let mut summary = if lanes == 1 {
        let mut lane = Lane::new(make(), settings.bounds);
        let summary = read(sources, settings, 1, |_, batch| {
            pass_on(lane.work(&batch));
            true
        });
        pass_on(lane.finish());
        summary
    } else {
        on_threads(sources, settings, lanes, &make, &mut pass_on)
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

fn on_threads<W: Worker>(
    sources: Sources,
    settings: &Settings,
    lanes: usize,
    make: &impl Fn() -> W,
    pass_on: &mut impl FnMut(Made<W::Product>),
) -> Summary {
    std::thread::scope(|scope| {
        let mut inputs: Vec<SyncSender<Batch>> = Vec::new();
        let mut outputs: Vec<Receiver<Made<W::Product>>> = Vec::new();
        for _ in 0..lanes {
            let (input, batches) = sync_channel(MOST_WAITING);
            let (answers, output) = sync_channel(MOST_WAITING);
            inputs.push(input);
            outputs.push(output);
            let mut lane = Lane::new(make(), settings.bounds);
            scope.spawn(move || {
                for batch in batches {
                    if answers.send(lane.work(&batch)).is_err() {
                        return;
                    }
                }
                // The caller is gone only if it panicked.
                let _ = answers.send(lane.finish());
            });
        }
        let reader = scope.spawn(move || {
            read(sources, settings, lanes, |lane, batch| {
                inputs[lane].send(batch).is_ok()
            })
        });
        // Every lane answers every round, so that answers can be put in order round by round.
        loop {
            let round: Vec<_> = outputs.iter().map(Receiver::recv).collect();
            let mut all = Made::default();
            let mut open = false;
            for made in round.into_iter().flatten() {
                open = true;
                all.join(made);
            }
            if !open {
                break;
            }
            all.sort();
            pass_on(all);
        }
        reader
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Reads frames and sends their segments to the lanes. `send` answers whether to go on.
fn read(
    mut sources: Sources,
    settings: &Settings,
    lanes: usize,
    mut send: impl FnMut(usize, Batch) -> bool,
) -> Summary {
    let mut decoder = Decoder::default();
    let mut batches = Batches::new(lanes);
    let mut packets = 0;
    let mut chunks = 0;
    loop {
        let mut next = sources.next(false);
        // Before more is read where that may take its time, the lanes get what there is. A file does not keep them waiting.
        chunks += u32::from(next == Next::Read);
        let waits = next == Next::Read && (chunks >= CHUNKS || !sources.is_file());
        if waits || batches.are_full() {
            chunks = 0;
            let secrets = sources.take_secrets();
            let all_sent = batches.take(secrets).all(|(lane, batch)| send(lane, batch));
            settings.progress.packets.store(packets, Ordering::Relaxed);
            if !all_sent || settings.stop.load(Ordering::Relaxed) {
                break;
            }
        }
        if next == Next::Read {
            next = sources.next(true);
        }
        let Next::Frame(packet) = next else { break };
        packets = packet;
        let Some((frame, chunk)) = sources.frame() else {
            break;
        };
        batches.at(packet, frame.time);
        if let Some(segment) = decoder.segment(&frame) {
            batches.push(&segment, chunk);
        }
    }
    let secrets = sources.take_secrets();
    let _ = batches.take(secrets).all(|(lane, batch)| send(lane, batch));
    settings.progress.packets.store(packets, Ordering::Relaxed);
    let (files, problems) = sources.finish();
    Summary {
        files,
        notes: decoder.finish(),
        problems,
        packets,
        ..Summary::default()
    }
}

#[cfg(test)]
mod tests;

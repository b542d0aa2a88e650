//! Frames in, rounds of segments out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::batch::{Batch, Batches};
use super::{Progress, Settings, Summary};
use crate::decode::Decoder;
use crate::source::{Next, Sources};

/// How many bytes of a capture go into one round: enough for the lanes not to wait for each other, and few enough for the
/// processor's cache to hold them until they are worked through.
const BYTES: usize = 512 << 10;

/// How many segments go into one round at the most, where somebody has the time for all of them.
pub(super) const MOST_SEGMENTS: usize = 4096;

/// What was read in one go.
pub(super) struct Round {
    /// One for each lane.
    pub(super) batches: Vec<Batch>,
    /// Nothing comes after it.
    pub(super) last: bool,
    /// More can be read without waiting for it.
    pub(super) ready: bool,
    /// It lies in a file: reading it takes no time worth speaking of.
    pub(super) from_file: bool,
}

/// Reads frames and takes them apart.
pub(super) struct Producer {
    sources: Sources,
    decoder: Decoder,
    batches: Batches,
    packets: u64,
    /// The chunk is used up: the next round begins with reading.
    read_first: bool,
    stop: Arc<AtomicBool>,
    progress: Arc<Progress>,
}

impl Producer {
    pub(super) fn new(sources: Sources, settings: &Settings, lanes: usize) -> Self {
        Self {
            sources,
            decoder: Decoder::default(),
            batches: Batches::new(lanes),
            packets: 0,
            read_first: false,
            stop: Arc::clone(&settings.stop),
            progress: Arc::clone(&settings.progress),
        }
    }

    /// Reads on. Before more is read where that may take its time, the round ends, so that the lanes get what there is; a
    /// file does not keep them waiting. The round has no more than `most` segments.
    pub(super) fn round(&mut self, most: usize) -> Round {
        let mut bytes = 0;
        let last = loop {
            if self.stop.load(Ordering::Relaxed) {
                break true;
            }
            let next = self.sources.next(std::mem::take(&mut self.read_first));
            let Next::Frame(packet) = next else {
                if next == Next::End {
                    break true;
                }
                bytes += self.sources.portion();
                self.read_first = true;
                if bytes >= BYTES || !self.sources.is_ready() {
                    break false;
                }
                continue;
            };
            self.packets = packet;
            let Some((frame, chunk)) = self.sources.frame() else {
                break true;
            };
            self.batches.at(packet, frame.time);
            if let Some(segment) = self.decoder.segment(&frame) {
                self.batches.push(&segment, chunk);
            }
            if self.batches.len() >= most {
                break false;
            }
        };
        self.progress.packets.store(self.packets, Ordering::Relaxed);
        let secrets = self.sources.take_secrets();
        Round {
            batches: self.batches.take(secrets),
            last,
            ready: !self.read_first || self.sources.is_ready(),
            from_file: self.sources.is_file(),
        }
    }

    /// What is known at the end.
    pub(super) fn finish(self) -> Summary {
        let (files, problems) = self.sources.finish();
        Summary {
            files,
            notes: self.decoder.finish(),
            problems,
            packets: self.packets,
            ..Summary::default()
        }
    }
}

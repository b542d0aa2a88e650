//! Segments on their way to a lane.

use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::sync::Arc;

use crate::Timestamp;
use crate::segment::{Flags, Segment};
use crate::source::Chunk;

/// A segment whose payload lies in a chunk.
#[derive(Debug)]
struct Held {
    packet: u64,
    time: Timestamp,
    src: SocketAddr,
    dst: SocketAddr,
    seq: u32,
    ack: u32,
    flags: Flags,
    missing: u64,
    disputed: bool,
    /// Which chunk of the batch.
    chunk: usize,
    payload: Range<usize>,
}

/// Some segments, in the order of the capture, with the chunks that hold their payload.
#[derive(Debug, Default)]
pub(super) struct Batch {
    chunks: Vec<Arc<Chunk>>,
    segments: Vec<Held>,
    /// TLS secrets that were met before or among the segments.
    pub(super) secrets: Vec<Arc<str>>,
    /// The last packet of the round, of any lane, and its time.
    pub(super) until: (u64, Timestamp),
    /// What is made of it is not to wait for what is made of the next.
    pub(super) at_once: bool,
}

impl Batch {
    /// How many segments there are.
    pub(super) const fn len(&self) -> usize {
        self.segments.len()
    }

    /// Those of the segments that stand there.
    pub(super) fn segments(&self, some: Range<usize>) -> impl Iterator<Item = Segment<'_>> {
        let end = some.end.min(self.segments.len());
        let some = self.segments.get(some.start..end).unwrap_or_default();
        some.iter().map(|held| Segment {
            packet: held.packet,
            time: held.time,
            src: held.src,
            dst: held.dst,
            seq: held.seq,
            ack: held.ack,
            flags: held.flags,
            missing: held.missing,
            disputed: held.disputed,
            payload: self
                .chunks
                .get(held.chunk)
                .and_then(|chunk| chunk.bytes().get(held.payload.clone()))
                .unwrap_or_default(),
        })
    }

    fn push(&mut self, segment: &Segment<'_>, chunk: &Arc<Chunk>) {
        let (chunk, payload) = self.place(segment.payload, chunk);
        self.segments.push(Held {
            packet: segment.packet,
            time: segment.time,
            src: segment.src,
            dst: segment.dst,
            seq: segment.seq,
            ack: segment.ack,
            flags: segment.flags,
            missing: segment.missing,
            disputed: segment.disputed,
            chunk,
            payload,
        });
    }

    /// Where the payload lies: in the chunk, or, where it was put together out of IP fragments, in one of its own.
    fn place(&mut self, payload: &[u8], chunk: &Arc<Chunk>) -> (usize, Range<usize>) {
        if payload.is_empty() {
            return (0, 0..0);
        }
        let bytes = chunk.bytes();
        let start = payload.as_ptr().addr().checked_sub(bytes.as_ptr().addr());
        let inside = start
            .map(|start| start..start + payload.len())
            .filter(|range| range.end <= bytes.len());
        let Some(inside) = inside else {
            self.chunks.push(Arc::new(Chunk::lone(payload.to_vec())));
            return (self.chunks.len() - 1, 0..payload.len());
        };
        let known = self.chunks.iter().rposition(|one| Arc::ptr_eq(one, chunk));
        let index = known.unwrap_or_else(|| {
            self.chunks.push(Arc::clone(chunk));
            self.chunks.len() - 1
        });
        (index, inside)
    }
}

/// A batch for each lane.
#[derive(Debug)]
pub(super) struct Batches {
    lanes: Vec<Batch>,
    segments: usize,
    until: (u64, Timestamp),
}

impl Batches {
    pub(super) fn new(lanes: usize) -> Self {
        Self {
            lanes: (0..lanes).map(|_| Batch::default()).collect(),
            segments: 0,
            until: (0, Timestamp::default()),
        }
    }

    /// Tells which packet is being looked at.
    pub(super) fn at(&mut self, packet: u64, time: Timestamp) {
        self.until = (packet, self.until.1.max(time));
    }

    pub(super) fn push(&mut self, segment: &Segment<'_>, chunk: &Arc<Chunk>) {
        let lane = if self.lanes.len() == 1 {
            0
        } else {
            lane_of(segment, self.lanes.len())
        };
        self.lanes[lane].push(segment, chunk);
        self.segments += 1;
    }

    /// How many segments there are in all of them.
    pub(super) const fn len(&self) -> usize {
        self.segments
    }

    /// Takes the batches of this round; every lane gets one, so that the rounds of all lanes can be put together.
    pub(super) fn take(&mut self, secrets: Vec<String>) -> Vec<Batch> {
        self.segments = 0;
        let secrets: Vec<Arc<str>> = secrets.into_iter().map(Into::into).collect();
        let until = self.until;
        let one = |batch: &mut Batch| {
            // The next one will be about as long, and is not to grow for a little more.
            let length = batch.segments.len();
            let next = Batch {
                segments: Vec::with_capacity(length + length / 2),
                ..Batch::default()
            };
            let mut batch = std::mem::replace(batch, next);
            batch.secrets.clone_from(&secrets);
            batch.until = until;
            batch
        };
        self.lanes.iter_mut().map(one).collect()
    }
}

/// The same lane for both directions of a connection.
fn lane_of(segment: &Segment<'_>, lanes: usize) -> usize {
    let hash = mix(segment.src) ^ mix(segment.dst);
    usize::try_from((u128::from(hash) * lanes as u128) >> 64).unwrap_or_default()
}

fn mix(address: SocketAddr) -> u64 {
    let ip = match address.ip() {
        IpAddr::V4(ip) => u64::from(ip.to_bits()),
        IpAddr::V6(ip) => {
            let [high, low] = [ip.to_bits() >> 64, ip.to_bits() & u128::from(u64::MAX)];
            u64::try_from(high ^ low.rotate_left(17)).unwrap_or_default()
        }
    };
    // Multiplication by the golden ratio spreads neighbouring ports and addresses over all bits.
    (ip.rotate_left(16) ^ u64::from(address.port())).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

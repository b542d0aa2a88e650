//! Connections that are over, and what is remembered of them.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;

use foldhash::fast::RandomState;

use super::connection::STRAY_WINDOW;
use super::key::Key;
use crate::Timestamp;
use crate::conversation::About;
use crate::segment::{Flags, Segment};

/// How many ended connections are remembered.
const MOST_REMEMBERED: usize = 32 * 1024;

/// A connection that is over.
#[derive(Debug)]
pub struct Ended<C> {
    /// Number of the packet at which it was known to be over; `u64::MAX` where the capture ended before it.
    pub ended_at: u64,
    /// What is known of it beside its bytes.
    pub about: About,
    /// What took its events.
    pub consumer: C,
}

/// Enough of an ended connection to tell its strays from a new one between the same sockets.
#[derive(Debug)]
pub(super) struct Tombstone {
    pub(super) client: SocketAddr,
    /// Sequence number of the first byte of the client and of the server, where the SYN was captured.
    pub(super) first: [Option<u32>; 2],
    /// Sequence number after the last byte of each.
    pub(super) next: [Option<u32>; 2],
    pub(super) had_data: bool,
    /// When its last packet was captured. What comes again from before that is a copy of it.
    pub(super) until: Timestamp,
    /// The connection went on and was not followed: all that is not a new SYN belongs to it.
    pub(super) whole: bool,
}

impl Tombstone {
    /// Whether a segment between the same two sockets is a stray of the ended connection.
    fn owns(&self, segment: &Segment<'_>) -> bool {
        let side = usize::from(segment.src != self.client);
        if segment.flags.has(Flags::SYN) {
            let again = self.first[side] == Some(segment.seq.wrapping_add(1));
            return again && (self.whole || !self.had_data || segment.time <= self.until);
        }
        let near = |next: u32| {
            let distance = segment.seq.wrapping_sub(next).cast_signed().unsigned_abs();
            u64::from(distance) <= STRAY_WINDOW
        };
        self.whole || segment.payload.is_empty() || self.next[side].is_none_or(near)
    }
}

/// The tombstones, a bounded number of them.
#[derive(Debug, Default)]
pub(super) struct Graveyard {
    stones: HashMap<Key, Tombstone, RandomState>,
    order: VecDeque<Key>,
}

impl Graveyard {
    pub(super) fn bury(&mut self, key: Key, tombstone: Tombstone) {
        if self.stones.insert(key, tombstone).is_none() {
            self.order.push_back(key);
        }
        if self.order.len() > MOST_REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.stones.remove(&oldest);
        }
    }

    /// Whether the segment is a stray of an ended connection.
    pub(super) fn owns(&self, key: &Key, segment: &Segment<'_>) -> bool {
        !self.stones.is_empty()
            && self
                .stones
                .get(key)
                .is_some_and(|stone| stone.owns(segment))
    }
}

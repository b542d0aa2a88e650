//! TLS on a conversation: when it may begin, whether it did, and what was seen of it.

use std::sync::Arc;

use wire::{Direction, Span};

use super::log::side;
use crate::timeline::{Tls, TlsStart};
use crate::tls::{Follower, KeyLog, Plain};

/// Whether TLS may begin, whether it did, and what was seen of it.
#[derive(Debug, Default)]
pub(super) struct Encrypted {
    allowed: Option<TlsStart>,
    keys: Option<Arc<KeyLog>>,
    /// From the first byte of TLS on.
    follower: Option<Box<Follower>>,
    /// Where TLS begins: client, server.
    starts: [Option<u64>; 2],
    /// Whether something inside became readable.
    opened: bool,
}

impl Encrypted {
    /// With the key log that is to open what it can.
    pub(super) fn new(keys: Option<Arc<KeyLog>>) -> Self {
        Self {
            keys,
            ..Self::default()
        }
    }

    /// From here on a record at the beginning of a line begins TLS.
    pub(super) fn allow(&mut self, start: TlsStart) {
        if self.starts == [None; 2] {
            self.allowed = Some(start);
        }
    }

    /// Whether TLS may begin.
    pub(super) const fn is_allowed(&self) -> bool {
        self.allowed.is_some()
    }

    /// Whether TLS has begun in this direction.
    pub(super) const fn has_begun(&self, direction: Direction) -> bool {
        self.starts[side(direction)].is_some()
    }

    /// Takes note that something became readable. Whether it is the first.
    pub(super) fn open(&mut self) -> bool {
        !std::mem::replace(&mut self.opened, true)
    }

    /// Whether something became readable.
    pub(super) const fn is_opened(&self) -> bool {
        self.opened
    }

    /// Where nothing more can be opened in a direction, though the capture has it.
    pub(super) fn stopped(&self, direction: Direction) -> Option<u64> {
        self.follower.as_ref()?.stopped(direction)
    }

    /// Takes bytes of TLS. What a key log makes readable of it comes back.
    pub(super) fn feed(&mut self, direction: Direction, bytes: &[u8], offset: u64) -> Vec<Plain> {
        self.starts[side(direction)].get_or_insert(offset);
        let keys = &self.keys;
        let follower = self
            .follower
            .get_or_insert_with(|| Box::new(Follower::new(keys.clone())));
        follower.feed(direction, bytes, offset)
    }

    /// Takes note of missing bytes.
    pub(super) fn gap(&mut self, direction: Direction, length: u64) {
        if let Some(follower) = &mut self.follower {
            follower.gap(direction, length);
        }
    }

    /// How much memory is held, roughly.
    pub(super) fn weight(&self) -> usize {
        let follower = self.follower.as_ref();
        follower.map_or(0, |follower| size_of::<Follower>() + follower.weight())
    }

    /// What was seen, where TLS began; the streams end at `ends`.
    pub(super) fn finish(self, ends: [u64; 2]) -> Option<Tls> {
        let start = self.allowed?;
        let span = |direction| {
            let end = ends[side(direction)];
            Span::new(direction, self.starts[side(direction)].unwrap_or(end), end)
        };
        let (client, server) = (span(Direction::Client), span(Direction::Server));
        let seen = self.follower?.finish();
        Some(Tls {
            start,
            client,
            server,
            client_hello: seen.client_hello,
            server_hello: seen.server_hello,
            handshake: seen.handshake,
            established: seen.established,
            opened: seen.opened,
        })
    }
}

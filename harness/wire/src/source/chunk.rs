//! Chunks of a capture, and the pool that they come from and go back to.

use std::sync::{Arc, Mutex, Weak};

/// How many bytes are read at a time. Small enough for the processor's cache to hold a chunk from the reading of the
/// file to the reading of the mail.
pub(super) const CHUNK: usize = 256 << 10;

/// How many bytes of a capture that is still being written are read at a time. Whoever reads it may have something more
/// urgent to do, and is done with so many in a moment.
pub(super) const MOMENT: usize = 32 << 10;

/// Chunks that were used and will be used again.
#[derive(Debug, Default)]
pub struct Pool {
    free: Mutex<Vec<Vec<u8>>>,
}

impl Pool {
    /// How many unused chunks are kept.
    const MOST_FREE: usize = 64;

    /// A buffer with room for so many bytes. What it holds is of no account.
    pub(super) fn take(&self, room: usize) -> Vec<u8> {
        let free = self.free.lock().ok().and_then(|mut free| free.pop());
        let mut bytes = free.unwrap_or_default();
        if bytes.len() < room {
            bytes.resize(room, 0);
        }
        bytes
    }

    fn give_back(&self, bytes: Vec<u8>) {
        // One that had to grow for a very long record is not worth keeping.
        if bytes.len() > 4 * CHUNK || bytes.is_empty() {
            return;
        }
        if let Ok(mut free) = self.free.lock()
            && free.len() < Self::MOST_FREE
        {
            free.push(bytes);
        }
    }
}

/// Some bytes of a capture, read-only from here on.
#[derive(Debug)]
pub struct Chunk {
    /// A buffer of which only the beginning is in use, so that it need not be cleared before it is read into again.
    bytes: Vec<u8>,
    filled: usize,
    pool: Weak<Pool>,
}

impl Chunk {
    pub(super) fn new(bytes: Vec<u8>, filled: usize, pool: &Arc<Pool>) -> Self {
        Self {
            bytes,
            filled,
            pool: Arc::downgrade(pool),
        }
    }

    /// Bytes that belong to no pool.
    pub(crate) fn lone(bytes: Vec<u8>) -> Self {
        Self {
            filled: bytes.len(),
            bytes,
            pool: Weak::new(),
        }
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.filled).unwrap_or_default()
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.upgrade() {
            pool.give_back(std::mem::take(&mut self.bytes));
        }
    }
}

//! Where captures come from: files, compressed or not, streams, several of them as one in the order of time.
//!
//! Bytes are read into chunks of a bounded pool. Whoever still needs a chunk holds it; the last one gives it back.

mod chunk;
mod merged;
mod open;
mod single;

pub use chunk::{Chunk, Pool};
pub(crate) use merged::Next;
pub use merged::{FileEnding, Sources};
pub use open::{Origin, is_capture, unpacked};
pub use single::Stopped;

#[cfg(test)]
mod tests;

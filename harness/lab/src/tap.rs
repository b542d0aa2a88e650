//! The tap: what crosses the socket is recorded before any parser sees it, and becomes a capture file.
//!
//! A [`TapStream`] sits directly on the socket, under TLS. What it reads and writes goes to a [`Recorder`], which
//! several connections share and which writes the frames that stand for it. Clear bytes that TLS carries are not
//! recorded: the file holds the ciphertext, and the session keys beside it.

mod clock;
mod files;
mod line;
mod queue;
mod recorder;
mod sides;
mod stream;

#[cfg(test)]
mod tests;

pub use clock::Clock;
pub use files::Files;
pub use recorder::{Recorder, RecorderOptions, Shown};
pub use stream::{Tap, TapStream};

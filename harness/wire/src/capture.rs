//! A whole capture: from a file to its conversations.

use std::path::Path;

use crate::decode::Decoder;
use crate::read::{Frames, Truncation};
use crate::tcp::Reassembler;
use crate::{Conversation, Error, Note};

/// What a capture file holds.
#[derive(Clone, Debug, Default)]
pub struct Capture {
    /// Its TCP connections, in order of first packet.
    pub conversations: Vec<Conversation>,
    /// The number of the last packet read, counted as Wireshark counts; those that are not TCP are included.
    pub packets: u64,
    /// What was odd about the file and its frames; what concerns one connection stands in [`About::notes`](crate::About::notes).
    pub notes: Vec<Note>,
    /// Set where the file could not be read to its end. Everything before that place is here.
    pub truncated: Option<Truncation>,
}

impl Capture {
    /// Reads a pcap or pcapng file.
    ///
    /// # Errors
    /// [`Error::Io`] where the file cannot be read, and the errors of [`Capture::from_bytes`].
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes = std::fs::read(path).map_err(|source| Error::Io {
            path: path.to_owned(),
            source,
        })?;
        Self::from_named(path, &bytes)
    }

    /// Reads a capture that is already in memory; `name` stands for it in errors.
    ///
    /// # Errors
    /// [`Error::Empty`] without a byte, [`Error::NotACapture`] if it is something else, [`Error::Malformed`] if its header
    /// cannot be read.
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Self, Error> {
        Self::from_named(Path::new(name), bytes)
    }

    fn from_named(name: &Path, bytes: &[u8]) -> Result<Self, Error> {
        let mut frames = Frames::new(name, bytes)?;
        let mut decoder = Decoder::default();
        let mut reassembler = Reassembler::default();
        for frame in &mut frames {
            if let Some(segment) = decoder.segment(&frame) {
                reassembler.push(&segment);
            }
        }
        let ending = frames.finish();
        let mut notes = ending.notes;
        notes.extend(decoder.finish());
        Ok(Self {
            conversations: reassembler.finish(),
            packets: ending.packets,
            notes,
            truncated: ending.truncated,
        })
    }
}

//! One capture, frame by frame, out of chunks.

use std::io::{self, Read};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::chunk::{CHUNK, Chunk, MOMENT, Pool};
use super::open::Supply;
use crate::read::{Ending, Parser, Progress};
use crate::{Error, Frame, Timestamp};

/// The error of a reader that was told to stop: its capture ends here in good order, with the last whole packet.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("stopped from outside")]
pub struct Stopped;

impl Stopped {
    fn is(error: &io::Error) -> bool {
        let inner = error.get_ref();
        inner.is_some_and(<dyn std::error::Error + Send + Sync>::is::<Self>)
    }
}

/// A frame that lies in the current chunk.
#[derive(Clone, Debug)]
pub(crate) struct FrameAt {
    pub(crate) packet: u64,
    pub(crate) time: Timestamp,
    interface: u32,
    link_type: u16,
    wire_length: u64,
    range: Range<usize>,
}

/// What is to be read next.
#[derive(Debug)]
pub(super) enum Head {
    Frame(FrameAt),
    /// The chunk is used up: more has to be read first.
    Empty,
    End,
}

/// One capture.
pub(super) struct Single {
    name: PathBuf,
    reader: Box<dyn Read + Send>,
    parser: Parser,
    pool: Arc<Pool>,
    chunk: Arc<Chunk>,
    at: usize,
    needed: usize,
    last: bool,
    supply: Supply,
}

impl Single {
    pub(super) fn new(
        name: PathBuf,
        reader: Box<dyn Read + Send>,
        supply: Supply,
        pool: &Arc<Pool>,
    ) -> Self {
        Self {
            parser: Parser::new(&name),
            name,
            reader,
            chunk: Arc::new(Chunk::new(Vec::new(), 0, pool)),
            pool: Arc::clone(pool),
            at: 0,
            needed: 1,
            last: false,
            supply,
        }
    }

    /// The next frame of the current chunk.
    pub(super) fn next(&mut self) -> Result<Head, Error> {
        let bytes = self.chunk.bytes();
        let input = bytes.get(self.at..).unwrap_or_default();
        let (used, progress) = self.parser.next(input, self.last)?;
        let end = self.at + used;
        self.at = end;
        Ok(match progress {
            Progress::Frame(frame) => {
                let start = frame.bytes.as_ptr().addr() - bytes.as_ptr().addr();
                Head::Frame(FrameAt {
                    packet: frame.packet,
                    time: frame.time,
                    interface: frame.interface,
                    link_type: frame.link_type,
                    wire_length: frame.wire_length,
                    range: start..start + frame.bytes.len(),
                })
            }
            Progress::More(needed) if !self.last => {
                self.needed = needed;
                Head::Empty
            }
            Progress::More(_) | Progress::Done => Head::End,
        })
    }

    /// Reads the next chunk: what is left of the current one, and what comes behind it.
    ///
    /// An error of the reader (a damaged gzip stream, say) ends the capture like a cut file; its text is returned.
    pub(super) fn refill(&mut self) -> Option<String> {
        let rest = self.chunk.bytes().get(self.at..).unwrap_or_default();
        let room = self.portion().max(self.needed).max(rest.len() + 1);
        let mut bytes = self.pool.take(room);
        bytes[..rest.len()].copy_from_slice(rest);
        let mut filled = rest.len();
        let mut problem = None;
        loop {
            match self.reader.read(&mut bytes[filled..room]) {
                Ok(0) => self.last = true,
                Ok(read) => {
                    filled += read;
                    if filled < self.needed {
                        continue;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if Stopped::is(&error) => {
                    filled = 0;
                    self.last = true;
                }
                Err(error) => {
                    problem = Some(format!("{}: {error}", self.name.display()));
                    self.last = true;
                }
            }
            break;
        }
        self.chunk = Arc::new(Chunk::new(bytes, filled, &self.pool));
        self.at = 0;
        problem
    }

    pub(super) const fn is_file(&self) -> bool {
        matches!(self.supply, Supply::AtRest)
    }

    /// How many bytes are read at a time.
    pub(super) const fn portion(&self) -> usize {
        match self.supply {
            Supply::Growing(_) => MOMENT,
            Supply::AtRest | Supply::Unknown => CHUNK,
        }
    }

    /// Whether more can be read without waiting for it.
    pub(super) fn is_ready(&self) -> bool {
        match &self.supply {
            Supply::AtRest => true,
            Supply::Growing(ready) => ready.load(Ordering::Relaxed),
            Supply::Unknown => false,
        }
    }

    pub(super) fn chunk(&self) -> &Arc<Chunk> {
        &self.chunk
    }

    pub(super) fn frame(&self, at: &FrameAt) -> Frame<'_> {
        Frame {
            packet: at.packet,
            time: at.time,
            interface: at.interface,
            link_type: at.link_type,
            wire_length: at.wire_length,
            bytes: self.chunk.bytes().get(at.range.clone()).unwrap_or_default(),
        }
    }

    pub(super) fn secrets(&mut self) -> Vec<String> {
        self.parser.take_secrets()
    }

    pub(super) fn finish(self) -> Ending {
        self.parser.finish()
    }
}

//! Opening captures: by their first bytes, whatever they are called.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;

use crate::Error;

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// The largest window that a zstd stream may ask this reader to hold, as a power of two: 128 MiB is what `zstd --long`
/// needs, but a capture is compressed with far less.
const LARGEST_WINDOW: u32 = 25;

/// Where a capture comes from.
pub enum Origin {
    /// A file, plain or compressed with gzip or zstd.
    File(PathBuf),
    /// Something that is already open: standard input, or a live interface. It is read once, from where it stands.
    Stream {
        /// What to call it.
        name: PathBuf,
        /// Its bytes.
        reader: Box<dyn Read + Send>,
    },
    /// A capture that somebody still writes.
    Growing {
        /// What to call it.
        name: PathBuf,
        /// Its bytes. At what is its end for now it waits for more.
        reader: Box<dyn Read + Send>,
        /// Set by each read: whether the next one brings something without waiting.
        ready: Arc<AtomicBool>,
    },
}

/// When the bytes of a capture can be had.
#[derive(Debug)]
pub(super) enum Supply {
    /// All of them, at any time.
    AtRest,
    /// Without waiting where this is set.
    Growing(Arc<AtomicBool>),
    /// When they come.
    Unknown,
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Origin").field(&self.name()).finish()
    }
}

impl Origin {
    /// What to call it.
    pub fn name(&self) -> &Path {
        match self {
            Self::File(path) => path,
            Self::Stream { name, .. } | Self::Growing { name, .. } => name,
        }
    }

    /// How many bytes it has on the disk, where that is known.
    pub fn size(&self) -> Option<u64> {
        let Self::File(path) = self else { return None };
        let metadata = path.metadata().ok()?;
        metadata.is_file().then_some(metadata.len())
    }

    /// Whether its bytes lie on a disk: they can be read more than once, and without waiting for them. Those of a named
    /// pipe cannot.
    pub(super) fn is_at_rest(&self) -> bool {
        matches!(self, Self::File(path) if path.is_file())
    }

    /// When its bytes can be had.
    pub(super) fn supply(&self) -> Supply {
        match self {
            Self::File(_) if self.is_at_rest() => Supply::AtRest,
            Self::File(_) | Self::Stream { .. } => Supply::Unknown,
            Self::Growing { ready, .. } => Supply::Growing(Arc::clone(ready)),
        }
    }

    /// Its bytes, unpacked. `count` grows by what was read before unpacking.
    pub(super) fn open(self, count: &Arc<AtomicU64>) -> Result<Box<dyn Read + Send>, Error> {
        let name = self.name().to_owned();
        let io = |source| Error::Io {
            path: name.clone(),
            source,
        };
        let raw: Box<dyn Read + Send> = match self {
            Self::File(path) => Box::new(File::open(path).map_err(io)?),
            Self::Stream { reader, .. } | Self::Growing { reader, .. } => reader,
        };
        unpack(Box::new(Counted {
            inner: raw,
            count: Arc::clone(count),
        }))
        .map_err(io)
    }
}

/// All bytes of a capture file, unpacked, where there are no more than so many.
///
/// # Errors
///
/// The file cannot be read or unpacked, or there are more.
pub fn unpacked(path: &Path, most: u64) -> Result<Vec<u8>, Error> {
    let io = |source| Error::Io {
        path: path.to_owned(),
        source,
    };
    let reader = Origin::File(path.to_owned()).open(&Arc::default())?;
    let mut bytes = Vec::new();
    let read = reader.take(most.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(io)?;
    if bytes.len() as u64 > most {
        return Err(io(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it has more than {most} bytes; split it first (editcap -c)"),
        )));
    }
    Ok(bytes)
}

/// Undoes the compression that the first bytes show.
fn unpack(mut raw: Box<dyn Read + Send>) -> io::Result<Box<dyn Read + Send>> {
    let mut first = [0; 4];
    let mut length = 0;
    while length < first.len() {
        match raw.read(&mut first[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let whole = Prefixed {
        first,
        at: 0,
        length,
        inner: raw,
    };
    if first.starts_with(&GZIP) && length > 2 {
        return Ok(Box::new(MultiGzDecoder::new(whole)));
    }
    if first == ZSTD {
        let mut decoder = zstd::stream::read::Decoder::new(whole)?;
        decoder.window_log_max(LARGEST_WINDOW)?;
        return Ok(Box::new(decoder));
    }
    Ok(Box::new(whole))
}

/// Whether a file begins as a capture does, packed or not. Its content may still turn out to be something else.
pub fn is_capture(path: &Path) -> bool {
    let mut first = [0; 4];
    let Ok(mut file) = File::open(path) else {
        return false;
    };
    let read = file.read(&mut first).unwrap_or(0);
    first[..read].starts_with(&GZIP)
        || first == ZSTD
        || crate::read::is_capture_magic(&first[..read])
}

/// Counts the bytes that pass.
struct Counted {
    inner: Box<dyn Read + Send>,
    count: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// A stream of which the first bytes were read already.
struct Prefixed {
    first: [u8; 4],
    at: usize,
    length: usize,
    inner: Box<dyn Read + Send>,
}

impl Read for Prefixed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.length || buffer.is_empty() {
            return self.inner.read(buffer);
        }
        let left = &self.first[self.at..self.length];
        let given = left.len().min(buffer.len());
        buffer[..given].copy_from_slice(&left[..given]);
        self.at += given;
        Ok(given)
    }
}

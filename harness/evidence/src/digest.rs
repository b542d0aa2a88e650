//! The digest of a file, taken as it is written.
//!
//! Whoever writes has the bytes at hand. Taken by whoever reads them later, it would be a sixth of the work of a verdict.

use std::fs::File;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest as _, Sha256};

/// The SHA-256 of what a file was given so far. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Digest(Arc<Mutex<Sha256>>);

impl Digest {
    /// In hex.
    pub fn hex(&self) -> String {
        hex::encode(self.lock().clone().finalize())
    }

    fn lock(&self) -> MutexGuard<'_, Sha256> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A file that is written, with its digest.
pub(crate) struct Digested {
    file: File,
    digest: Digest,
}

impl Digested {
    /// A file that is empty, and the digest of what will be written to it.
    pub(crate) fn new(file: File) -> (Self, Digest) {
        let digest = Digest::default();
        let digested = Self {
            file,
            digest: digest.clone(),
        };
        (digested, digest)
    }
}

impl Write for Digested {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        // What the system did not take is not in the file.
        let taken = bytes.get(..written).unwrap_or(bytes);
        self.digest.lock().update(taken);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_that_of_what_stands_in_the_file() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let (mut written, digest) = Digested::new(file.reopen().expect("the file"));
        for piece in ["ab", "", "c"] {
            written.write_all(piece.as_bytes()).expect("room");
            let there = std::fs::read(file.path()).expect("the file");
            assert_eq!(digest.hex(), hex::encode(Sha256::digest(there)));
        }
    }
}

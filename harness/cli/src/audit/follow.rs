//! A capture that is still being written, read as it grows: what is judged is what stands in the file.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use lab::tap::Recorder;
use sha2::{Digest, Sha256};

/// How long to wait for the file to grow: at first, and at the most.
const SHORTEST: Duration = Duration::from_millis(4);
const LONGEST: Duration = Duration::from_millis(64);

/// Held by whoever writes the capture. Once it is dropped, the capture has its end.
#[derive(Debug)]
pub struct Writing(#[expect(dead_code, reason = "it is there to be dropped")] mpsc::Sender<()>);

/// The hash of a capture that was followed to its end.
#[derive(Clone, Debug, Default)]
pub struct Hash(Arc<OnceLock<String>>);

impl Hash {
    /// The SHA-256 in hex; empty before the end was read.
    pub fn hex(&self) -> String {
        self.0.get().cloned().unwrap_or_default()
    }
}

/// Reads a capture file while a recorder writes it.
pub struct Follow {
    file: File,
    recorder: Recorder,
    written: Receiver<()>,
    over: bool,
    digest: Sha256,
    hash: Hash,
    pause: Duration,
}

impl Follow {
    /// Begins to read at the beginning of the file. The other end is for the writer, who drops it once everything is in
    /// the file.
    ///
    /// # Errors
    ///
    /// The file cannot be opened.
    pub fn open(path: &Path, recorder: Recorder) -> io::Result<(Self, Writing)> {
        let (writing, written) = mpsc::channel();
        let follow = Self {
            file: File::open(path)?,
            recorder,
            written,
            over: false,
            digest: Sha256::new(),
            hash: Hash::default(),
            pause: SHORTEST,
        };
        Ok((follow, Writing(writing)))
    }

    /// Where the hash of the whole file will be.
    pub fn hash(&self) -> Hash {
        self.hash.clone()
    }

    /// Waits a little for the writer, who may have ended.
    fn wait(&mut self) {
        let told = self.written.recv_timeout(self.pause);
        self.over = told == Err(RecvTimeoutError::Disconnected);
        self.pause = (self.pause * 2).min(LONGEST);
    }
}

impl Read for Follow {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let mut waited = false;
        loop {
            let mut read = self.file.read(buffer)?;
            // Whoever asks for every frame at once gets in the writer's way: what is written without being asked for comes
            // first, in blocks.
            if read == 0 && waited && !self.over {
                self.recorder.flush();
                read = self.file.read(buffer)?;
            }
            if read > 0 {
                self.digest.update(&buffer[..read]);
                self.pause = SHORTEST;
                return Ok(read);
            }
            if self.over {
                let digest = self.digest.clone().finalize();
                let _ = self.hash.0.set(hex::encode(digest));
                return Ok(0);
            }
            self.wait();
            waited = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::thread;

    use lab::tap::RecorderOptions;

    use super::*;

    #[test]
    fn what_waits_in_memory_is_read_too_and_the_end_is_the_writers() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.pcapng");
        let options = RecorderOptions {
            held: 1 << 20,
            ..RecorderOptions::default()
        };
        let recorder = Recorder::create(&path, options).expect("a file");
        let (mut follow, writing) = Follow::open(&path, recorder.clone()).expect("a file");
        let hash = follow.hash();
        let address = SocketAddr::from(([127, 0, 0, 1], 25));
        let tap = recorder.open(address, address);
        let mut first = vec![0; 1 << 16];
        let mut length = follow.read(&mut first).expect("the header");
        length += follow.read(&mut first[length..]).expect("three frames");
        let writer = thread::spawn(move || {
            thread::sleep(3 * SHORTEST);
            drop(recorder.open(address, address));
            drop(tap);
            recorder.finish().expect("written");
            drop(writing);
        });
        assert_eq!(hash.hex(), "");
        let mut rest = Vec::new();
        follow.read_to_end(&mut rest).expect("an end");
        writer.join().expect("no panic");
        let whole = [&first[..length], &rest].concat();
        assert_eq!(whole, std::fs::read(&path).expect("a file"));
        assert!(!rest.is_empty());
        assert_eq!(hash.hex(), crate::road::sha256(&path).expect("a file"));
    }
}

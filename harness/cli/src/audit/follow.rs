//! A capture that is still being written, read as it grows, from file to file: what is judged is what stands in them.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use evidence::captures::Begun;
use evidence::digest::Digest;
use lab::tap::Recorder;
use wire::source::Origin;

/// How long to wait for the file to grow: at first, and at the most.
const SHORTEST: Duration = Duration::from_millis(4);
const LONGEST: Duration = Duration::from_millis(64);

/// Held by whoever writes the capture. Once it is dropped, the capture has its end.
#[derive(Debug)]
pub struct Writing(#[expect(dead_code, reason = "it is there to be dropped")] mpsc::Sender<()>);

/// A file of a capture, as far as it was followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Followed {
    /// Where it is, or was.
    pub path: PathBuf,
    /// The number of its first packet, counted through all files.
    pub first: u64,
    /// Its SHA-256 in hex; empty before its end was read.
    pub sha256: String,
}

/// The files of a capture that is followed, in order.
#[derive(Clone, Debug, Default)]
pub struct Files(Arc<Mutex<Vec<Followed>>>);

impl Files {
    /// Those so far.
    pub fn all(&self) -> Vec<Followed> {
        self.lock().clone()
    }

    fn begin(&self, begun: &Begun) {
        self.lock().push(Followed {
            path: begun.path.clone(),
            first: begun.first,
            sha256: String::new(),
        });
    }

    fn end(&self, digest: &Digest) {
        if let Some(last) = self.lock().last_mut() {
            last.sha256 = digest.hex();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Followed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the files of a capture one after the other while a recorder writes them.
pub struct Follow {
    file: File,
    next: Receiver<Begun>,
    /// The file behind the current one. It is gone on to once the current one was read to its end after this was known.
    after: Option<Begun>,
    recorder: Recorder,
    written: Receiver<()>,
    over: bool,
    /// Of what is in the file.
    digest: Digest,
    files: Files,
    pause: Duration,
    /// How much of the file was read.
    position: u64,
    /// The last read came to what was the end then. Where each message is written by itself, what comes next is little.
    caught_up: bool,
    /// Whether the next read brings something without waiting.
    ready: Arc<AtomicBool>,
}

impl Follow {
    /// Begins to read at the beginning of the first file; `next` brings the others. What this returns beside it is for the
    /// writer, who drops it once everything is in the files.
    pub fn begin(first: Begun, next: Receiver<Begun>, recorder: Recorder) -> (Self, Writing) {
        let (writing, written) = mpsc::channel();
        let files = Files::default();
        files.begin(&first);
        let follow = Self {
            file: first.file,
            next,
            after: None,
            recorder,
            written,
            over: false,
            digest: first.digest,
            files,
            pause: SHORTEST,
            position: 0,
            caught_up: false,
            ready: Arc::default(),
        };
        (follow, Writing(writing))
    }

    /// Where the files will be.
    pub fn files(&self) -> Files {
        self.files.clone()
    }

    /// Its bytes, as a capture of that name.
    pub fn into_origin(self, name: PathBuf) -> Origin {
        Origin::Growing {
            name,
            ready: Arc::clone(&self.ready),
            reader: Box::new(self),
        }
    }

    /// Goes on to the next file, where there is one and the current one is at its end. Says whether there is more to read.
    fn go_on(&mut self) -> bool {
        let Some(begun) = self.after.take() else {
            self.after = self.next.try_recv().ok();
            return self.after.is_some();
        };
        self.files.end(&self.digest);
        self.digest = begun.digest.clone();
        self.files.begin(&begun);
        self.file = begun.file;
        self.position = 0;
        true
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
        if std::mem::take(&mut self.caught_up) && !self.over {
            // Let some come together: looking at each little piece by itself costs more than judging it.
            self.over = self.written.recv_timeout(SHORTEST) == Err(RecvTimeoutError::Disconnected);
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
                self.pause = SHORTEST;
                self.position += read as u64;
                self.caught_up = read < buffer.len();
                let is_longer = |file: fs::Metadata| file.len() > self.position;
                let more = !self.caught_up && self.file.metadata().is_ok_and(is_longer);
                self.ready.store(more, Ordering::Relaxed);
                return Ok(read);
            }
            if self.go_on() {
                continue;
            }
            if self.over {
                self.files.end(&self.digest);
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

    use evidence::captures::{Captures, Rotate};
    use lab::tap::RecorderOptions;

    use super::*;

    #[test]
    fn what_waits_in_memory_is_read_too_and_the_end_is_the_writers() {
        let folder = tempfile::tempdir().expect("a folder");
        let rotate = Rotate {
            size: 1500,
            ..Rotate::default()
        };
        let (_, files, begun) = Captures::new(folder.path(), rotate, false).expect("a folder");
        let options = RecorderOptions {
            held: 1 << 20,
            ..RecorderOptions::default()
        };
        let recorder = Recorder::rotating(files, options).expect("a file");
        let first = begun.recv().expect("a file");
        let (mut follow, writing) = Follow::begin(first, begun, recorder.clone());
        let files = follow.files();
        let address = SocketAddr::from(([127, 0, 0, 1], 25));
        let tap = recorder.open(address, address);
        let ready = Arc::clone(&follow.ready);
        let mut first = vec![0; 1 << 16];
        let mut length = follow.read(&mut first[..8]).expect("its first bytes");
        assert!(ready.load(Ordering::Relaxed), "the rest of the header");
        length += follow.read(&mut first[length..]).expect("the header");
        assert!(!ready.load(Ordering::Relaxed), "the frames are not written");
        length += follow.read(&mut first[length..]).expect("three frames");
        let writer = thread::spawn(move || {
            for _ in 0..20 {
                thread::sleep(SHORTEST);
                drop(recorder.open(address, address));
                recorder.flush();
            }
            drop(tap);
            recorder.finish().expect("written");
            drop(writing);
        });
        assert_eq!(files.all()[0].sha256, "");
        let mut rest = Vec::new();
        follow.read_to_end(&mut rest).expect("an end");
        writer.join().expect("no panic");
        let files = files.all();
        assert!(files.len() > 3, "{files:?}");
        let mut whole = Vec::new();
        for file in &files {
            whole.extend(std::fs::read(&file.path).expect("a file"));
            assert_eq!(
                file.sha256,
                crate::road::sha256(&file.path).expect("a file")
            );
        }
        assert_eq!([&first[..length], &rest].concat(), whole);
    }
}

//! The captures of an evidence folder: `serve-000001.pcapng` and so on, each a file by itself, and all of them one capture.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lab::tap::{Clock, Files};
use wire::Timestamp;

use crate::digest::{Digest, Digested};
use crate::private;

/// Bytes that a file has without a single frame, and some more. One that holds no more is not followed by another.
const EMPTY: u64 = 1024;

/// When a file is followed by another, and how many are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotate {
    /// Once it has so many bytes.
    pub size: u64,
    /// Once it is so old.
    pub age: Duration,
    /// How many files are kept; 0 keeps all.
    pub keep: usize,
}

impl Default for Rotate {
    /// 1 GiB or a day; all are kept.
    fn default() -> Self {
        Self {
            size: 1 << 30,
            age: Duration::from_hours(24),
            keep: 0,
        }
    }
}

/// A file that was begun, for whoever follows.
#[derive(Debug)]
pub struct Begun {
    /// Where it is.
    pub path: PathBuf,
    /// The number of its first frame, counted through all files of this run.
    pub first: u64,
    /// The file, open for reading from its beginning.
    pub file: File,
    /// The digest of what is written to it.
    pub digest: Digest,
}

/// What is known of the captures of a run. Clones are the same.
#[derive(Clone, Debug)]
pub struct Captures(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    folder: PathBuf,
    next: u64,
    keep: usize,
    /// Those that are on the disk, in order; the last is being written.
    files: VecDeque<One>,
    /// Whether [`Captures::sync`] will be called.
    syncs: bool,
    /// Those that were written before the last and may have bytes that are not on the disk.
    unsynced: Vec<Arc<File>>,
    /// The entry of a file may not be on the disk.
    folder_unsynced: bool,
    /// When a file was last left because it was gone.
    lost: Option<Timestamp>,
}

#[derive(Debug)]
struct One {
    number: u64,
    path: PathBuf,
    /// Open while it is written.
    file: Option<Arc<File>>,
    /// Connections that began in it and are open.
    open: u64,
    /// How many frames had been written when it was seen that no connection of it, or of those before, is open.
    over: Option<u64>,
}

/// The end of [`Captures`] that the recorder holds.
struct Shelf {
    captures: Captures,
    rotate: Rotate,
    begun: Sender<Begun>,
    since: Instant,
}

impl Captures {
    /// Captures in a folder, behind those that are there already. The second is for the recorder; the third tells of each
    /// file that was begun, and ends with the recorder. `syncs` says whether [`Captures::sync`] will be called.
    ///
    /// # Errors
    ///
    /// The folder cannot be read.
    pub fn new(
        folder: &Path,
        rotate: Rotate,
        syncs: bool,
    ) -> io::Result<(Self, Box<dyn Files>, Receiver<Begun>)> {
        let state = State {
            folder: folder.to_owned(),
            next: last(folder)? + 1,
            keep: rotate.keep,
            files: VecDeque::new(),
            syncs,
            unsynced: Vec::new(),
            folder_unsynced: false,
            lost: None,
        };
        let captures = Self(Arc::new(Mutex::new(state)));
        let (sender, receiver) = mpsc::channel();
        let shelf = Shelf {
            captures: captures.clone(),
            rotate,
            begun: sender,
            since: Instant::now(),
        };
        Ok((captures, Box::new(shelf), receiver))
    }

    /// Name of the file that is written.
    pub fn current(&self) -> String {
        let state = self.lock();
        let name = state.files.back().and_then(|one| one.path.file_name());
        name.map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    }

    /// Whether the beginning of a connection that was accepted then is in no capture of the folder, since the file that had
    /// it was taken away while it was written.
    pub fn lost_beginning(&self, accepted: Timestamp) -> bool {
        self.lock().lost.is_some_and(|lost| accepted <= lost)
    }

    /// Waits until everything that was handed to the system is on the disk.
    ///
    /// # Errors
    ///
    /// It cannot be written there.
    pub fn sync(&self) -> io::Result<()> {
        let (files, folder) = {
            let mut state = self.lock();
            let current = state.files.back().and_then(|one| one.file.clone());
            let mut files = std::mem::take(&mut state.unsynced);
            files.extend(current);
            let entries = std::mem::take(&mut state.folder_unsynced);
            (files, entries.then(|| state.folder.clone()))
        };
        let synced = files.iter().try_for_each(|file| file.sync_data());
        let synced = synced.and_then(|()| folder.as_deref().map_or(Ok(()), private::sync_folder));
        if synced.is_err() {
            let mut state = self.lock();
            state.unsynced.extend(files);
            state.folder_unsynced |= folder.is_some();
        }
        synced
    }

    /// Removes the oldest files, as long as there are more than are to be kept, and tells their names to `removed` before.
    /// One is removed only once all connections that it may hold packets of have ended and were judged.
    ///
    /// `written` is how many frames are in the files, `judged` how many of them are judged.
    ///
    /// # Errors
    ///
    /// Those of `removed`, and of removing.
    pub fn prune(
        &self,
        written: u64,
        judged: u64,
        mut removed: impl FnMut(&str) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut state = self.lock();
        while state.keep > 0 && state.files.len() > state.keep.max(1) {
            let Some(oldest) = state.files.front_mut().filter(|one| one.open == 0) else {
                break;
            };
            if judged < *oldest.over.get_or_insert(written) {
                break;
            }
            if let Some(name) = oldest.path.file_name() {
                removed(&name.to_string_lossy())?;
            }
            match fs::remove_file(&oldest.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => state.files.pop_front(),
            };
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes of the head of a capture that are looked at for its comment.
const HEAD: u64 = 4096;

/// The comment of a pcapng (its section header's `opt_comment`): the same in all captures of a run, and of no other.
///
/// # Errors
///
/// The file cannot be read.
pub fn comment(path: &Path) -> io::Result<Option<String>> {
    let mut head = Vec::new();
    File::open(path)?.take(HEAD).read_to_end(&mut head)?;
    Ok(comment_of(&head))
}

fn comment_of(head: &[u8]) -> Option<String> {
    const COMMENT: u16 = 1;
    let little = match head.get(8..12)? {
        [0x4d, 0x3c, 0x2b, 0x1a] => true,
        [0x1a, 0x2b, 0x3c, 0x4d] => false,
        _ => return None,
    };
    let number = |at: usize| {
        let two = head.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if little {
            u16::from_le_bytes(two)
        } else {
            u16::from_be_bytes(two)
        })
    };
    // Type, length, byte order, version and section length come before the options.
    let mut at = 24_usize;
    loop {
        let (code, length) = (number(at)?, usize::from(number(at + 2)?));
        let value = head.get(at + 4..at + 4 + length)?;
        match code {
            0 => return None,
            COMMENT => return Some(String::from_utf8_lossy(value).into_owned()),
            _ => at += 4 + length.next_multiple_of(4),
        }
    }
}

impl State {
    /// Makes the next file that is not there yet.
    fn begin(&mut self) -> io::Result<(PathBuf, File)> {
        loop {
            let path = self.folder.join(format!("serve-{:06}.pcapng", self.next));
            match wire::create_new_private(&path) {
                Ok(file) => {
                    self.files.push_back(One {
                        number: self.next,
                        path: path.clone(),
                        file: Some(Arc::new(file.try_clone()?)),
                        open: 0,
                        over: None,
                    });
                    self.next += 1;
                    self.folder_unsynced = true;
                    return Ok((path, file));
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self.next += 1,
                Err(error) => return Err(error),
            }
        }
    }
}

impl Shelf {
    /// Whether there is a file that is written, and it is not in the folder.
    fn is_lost(&self) -> bool {
        let state = self.captures.lock();
        let current = state.files.back();
        let open = current.and_then(|one| Some((one.file.as_ref()?, &one.path)));
        open.is_some_and(|(file, path)| private::is_gone(file, path))
    }
}

impl Files for Shelf {
    fn next(&mut self, frame: u64) -> io::Result<Box<dyn Write + Send>> {
        let lost = self.is_lost();
        let mut state = self.captures.lock();
        let (path, file) = state.begin()?;
        if lost {
            state.lost = Some(Clock::Real.now());
        }
        let before = state.files.iter_mut().rev().nth(1);
        let before = before.and_then(|one| one.file.take());
        if state.syncs {
            state.unsynced.extend(before);
        }
        let (file, digest) = Digested::new(file);
        let begun = Begun {
            file: File::open(&path)?,
            digest,
            path,
            first: frame,
        };
        self.since = Instant::now();
        // It fails only if nobody follows.
        let _ = self.begun.send(begun);
        Ok(Box::new(file))
    }

    fn is_due(&self, bytes: u64) -> bool {
        bytes >= self.rotate.size || (bytes > EMPTY && self.since.elapsed() >= self.rotate.age)
    }

    fn is_gone(&self) -> bool {
        self.is_lost()
    }

    fn opened(&mut self) -> u64 {
        let mut state = self.captures.lock();
        let Some(current) = state.files.back_mut() else {
            return 0;
        };
        current.open += 1;
        current.number
    }

    fn ended(&mut self, file: u64) {
        let mut state = self.captures.lock();
        if let Some(one) = state.files.iter_mut().find(|one| one.number == file) {
            one.open = one.open.saturating_sub(1);
        }
    }
}

/// The highest number that a capture in the folder has, or had: what stands beside a capture that was removed keeps its
/// number from being used again.
fn last(folder: &Path) -> io::Result<u64> {
    let mut last = 0;
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| {
            let (number, _) = name.strip_prefix("serve-")?.split_once('.')?;
            number.parse::<u64>().ok()
        });
        last = last.max(number.unwrap_or(0));
    }
    Ok(last)
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use lab::tap::{Recorder, RecorderOptions, Tap};
    use tempfile::TempDir;

    use super::*;

    fn begin(folder: &TempDir, rotate: Rotate) -> (Captures, Recorder, Receiver<Begun>) {
        let (captures, files, begun) =
            Captures::new(folder.path(), rotate, false).expect("readable");
        let recorder = Recorder::rotating(files, RecorderOptions::default()).expect("made");
        (captures, recorder, begun)
    }

    fn open(recorder: &Recorder, port: u16) -> Tap {
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        recorder.open(address(port), address(25))
    }

    /// Whether each file, in order, holds the text.
    fn hold(begun: &Receiver<Begun>, text: &[u8]) -> Vec<bool> {
        let files = begun
            .try_iter()
            .map(|begun| fs::read(begun.path).expect("there"));
        files
            .map(|bytes| bytes.windows(text.len()).any(|window| window == text))
            .collect()
    }

    #[test]
    fn secrets_are_repeated_as_long_as_their_connection_is_open() {
        let folder = tempfile::tempdir().expect("a folder");
        // Each event fills a file.
        let rotate = Rotate {
            size: 1,
            ..Rotate::default()
        };
        let (_, recorder, begun) = begin(&folder, rotate);
        let tap = open(&recorder, 1000);
        let keys = tap.key_log().expect("it is recorded");
        keys.log("CLIENT_RANDOM", &[0xab], &[0xcd]);
        drop(open(&recorder, 1001));
        drop(tap);
        drop(open(&recorder, 1002));
        drop(open(&recorder, 1003));
        recorder.finish().expect("written");
        let held = hold(&begun, b"CLIENT_RANDOM ab cd\n");
        // The handshake; the secrets; one that begins while they are needed; none after.
        let last = held.iter().rposition(|held| *held).expect("they are held");
        assert!(
            !held[0] && last > 1 && held[1..=last].iter().all(|held| *held),
            "{held:?}"
        );
        assert!(last < held.len() - 2, "{held:?}");
    }

    #[test]
    fn a_file_is_left_by_its_age_but_not_without_a_frame() {
        let folder = tempfile::tempdir().expect("a folder");
        let rotate = Rotate {
            age: Duration::from_millis(1),
            ..Rotate::default()
        };
        let (captures, recorder, begun) = begin(&folder, rotate);
        std::thread::sleep(Duration::from_millis(3));
        recorder.flush();
        assert_eq!(captures.current(), "serve-000001.pcapng");
        for port in 1000..1010 {
            drop(open(&recorder, port));
        }
        std::thread::sleep(Duration::from_millis(3));
        recorder.flush();
        assert_ne!(captures.current(), "serve-000001.pcapng");
        recorder.finish().expect("written");
        let firsts: Vec<_> = begun.try_iter().map(|begun| begun.first).collect();
        assert_eq!(firsts[0], 1);
        assert!(firsts.is_sorted() && firsts[1] > 1, "{firsts:?}");
    }

    #[test]
    fn numbers_go_on_behind_what_is_there() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("serve-000041.json"), "{}").expect("written");
        let (captures, ..) = begin(&folder, Rotate::default());
        assert_eq!(captures.current(), "serve-000042.pcapng");
        assert_eq!(
            fs::read(folder.path().join("serve-000041.json")).expect("there"),
            b"{}"
        );
    }
}

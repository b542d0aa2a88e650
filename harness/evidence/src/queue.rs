//! Messages that are to be passed on: each a file with its content and one with its state, until somebody else answers for it
//! (RFC 5321 section 6.1).
//!
//! `NAME.json` is what counts. It is there once its client was told that the message is accepted, at the latest, and is gone
//! only when the server behind has said 250, or when what could not be delivered is in `failed`. `NAME.sending` is the same
//! file, from right before the end of the content until the reply to it is worked on: after a crash in between the message
//! goes out again, since a message twice is better than none.

mod incoming;
mod item;

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

pub use item::{Failed, Item, Recipient};

use crate::durability::Durability;
use crate::private;
use crate::store::Store;

/// Folder of the queue in that of the evidence.
pub const FOLDER: &str = "queue";

/// Who hears what an operator should know.
pub type Told = Box<dyn Fn(&str) + Send + Sync>;

/// A queue in a folder that nobody else works on.
#[derive(Clone, Debug)]
pub struct Queue(pub(crate) Arc<Inner>);

/// How many messages there are of each kind, since the start but for those that wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages in the queue.
    pub waiting: u64,
    /// Recipients that the server behind answers for.
    pub delivered: u64,
    /// Recipients that were put off, each time.
    pub deferred: u64,
    /// Recipients that cannot be delivered to.
    pub failed: u64,
}

#[derive(Debug, Default)]
struct Counters {
    waiting: AtomicU64,
    delivered: AtomicU64,
    deferred: AtomicU64,
    failed: AtomicU64,
}

pub(crate) struct Inner {
    folder: PathBuf,
    durability: Durability,
    /// Where messages are stored as well, and who sees to the capture.
    store: Option<Arc<Store>>,
    told: Told,
    fresh: UnboundedSender<String>,
    counters: Counters,
    log: Mutex<File>,
    /// Held as long as the queue is open.
    _lock: File,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

/// What a queue is opened with.
pub struct Parts {
    /// Its folder; made where there is none.
    pub folder: PathBuf,
    /// What must be done before a message is acknowledged, and before it is taken for delivered.
    pub durability: Durability,
    /// Where messages are stored as well.
    pub store: Option<Arc<Store>>,
    /// Who hears what an operator should know.
    pub told: Told,
}

/// A line of the log.
#[derive(Debug, Serialize)]
struct Line<'a> {
    time: String,
    message: &'a str,
    recipient: &'a str,
    event: &'static str,
    reason: &'a str,
}

impl Queue {
    /// Opens the queue, and gives the names of what is in it and those that come.
    ///
    /// # Errors
    ///
    /// The folder cannot be made or read, or another process works on it.
    pub fn open(parts: Parts) -> io::Result<(Self, UnboundedReceiver<String>)> {
        let Parts {
            folder,
            durability,
            store,
            told,
        } = parts;
        private::folder(&folder.join("tmp"))?;
        private::folder(&folder.join("failed"))?;
        let lock = private::append(&folder.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::other("another process works on the queue"));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let log = private::append(&folder.join("log.jsonl"))?;
        let (fresh, names) = unbounded_channel();
        let queue = Self(Arc::new(Inner {
            folder,
            durability,
            store,
            told,
            fresh,
            counters: Counters::default(),
            log: Mutex::new(log),
            _lock: lock,
        }));
        queue.0.recover()?;
        Ok((queue, names))
    }

    /// How many messages there are.
    pub fn counts(&self) -> Counts {
        let counters = &self.0.counters;
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            waiting: count(&counters.waiting),
            delivered: count(&counters.delivered),
            deferred: count(&counters.deferred),
            failed: count(&counters.failed),
        }
    }
}

impl Inner {
    fn path(&self, name: &str, extension: &str) -> PathBuf {
        self.folder.join(format!("{name}.{extension}"))
    }

    pub(crate) fn content(&self, name: &str) -> PathBuf {
        self.path(name, "eml")
    }

    fn tmp(&self, name: &str, extension: &str) -> PathBuf {
        self.folder.join("tmp").join(format!("{name}.{extension}"))
    }

    pub(crate) fn tell(&self, line: &str) {
        (self.told)(line);
    }

    fn syncs(&self) -> bool {
        self.durability == Durability::Disk
    }

    /// What an earlier process left: messages it had accepted, and remains of those it had not.
    fn recover(&self) -> io::Result<()> {
        for entry in fs::read_dir(self.folder.join("tmp"))? {
            fs::remove_file(entry?.path())?;
        }
        let mut contents = Vec::new();
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let (Some(name), Some(extension)) = (path.file_stem(), path.extension()) else {
                continue;
            };
            let name = name.to_string_lossy().into_owned();
            match extension.to_str() {
                Some("eml") => contents.push(name),
                Some("json") => names.push(name),
                Some("sending") => {
                    let state = self.path(&name, "json");
                    if state.exists() {
                        fs::remove_file(&path)?;
                        continue;
                    }
                    fs::rename(&path, state)?;
                    self.tell(&format!(
                        "{name} may reach the server behind twice: its reply to it was not heard"
                    ));
                    names.push(name);
                }
                _ => {}
            }
        }
        // A name holds when it came; those that waited longest go first.
        names.sort();
        names.dedup();
        for name in &contents {
            if names.binary_search(name).is_err() {
                // Never acknowledged, or delivered.
                fs::remove_file(self.content(name))?;
            }
        }
        for name in names {
            self.enqueue(name);
        }
        Ok(())
    }

    fn enqueue(&self, name: String) {
        self.counters.waiting.fetch_add(1, Ordering::Relaxed);
        // Whoever forwards is gone only when the process ends; the next one finds it in the folder.
        let _ = self.fresh.send(name);
    }

    /// Reads the state of a message.
    pub(crate) fn load(&self, name: &str) -> io::Result<Item> {
        let bytes = fs::read(self.path(name, "json"))?;
        serde_json::from_slice(&bytes).map_err(io::Error::other)
    }

    /// Notes that the content is about to end.
    pub(crate) fn sending(&self, name: &str) -> io::Result<()> {
        fs::rename(self.path(name, "json"), self.path(name, "sending"))
    }

    fn write(&self, tmp: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = wire::create_private(tmp)?;
        file.write_all(bytes)?;
        if self.syncs() {
            file.sync_all()?;
        }
        Ok(())
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        if self.syncs() {
            private::sync_folder(folder)?;
        }
        Ok(())
    }

    /// Writes the state of a message in the place of what it was.
    pub(crate) fn update(&self, name: &str, item: &Item) -> io::Result<()> {
        let bytes = serde_json::to_vec(item).map_err(io::Error::other)?;
        let tmp = self.tmp(name, "json");
        self.write(&tmp, &bytes)?;
        fs::rename(tmp, self.path(name, "json"))?;
        self.forget(name, "sending")?;
        self.sync_folder(&self.folder)
    }

    /// Takes a message out of the queue.
    pub(crate) fn done(&self, name: &str) -> io::Result<()> {
        self.forget(name, "json")?;
        self.forget(name, "sending")?;
        self.sync_folder(&self.folder)?;
        self.counters.waiting.fetch_sub(1, Ordering::Relaxed);
        // Content without a state is removed at the next start at the latest.
        let _ = self.forget(name, "eml");
        Ok(())
    }

    fn forget(&self, name: &str, extension: &str) -> io::Result<()> {
        match fs::remove_file(self.path(name, extension)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Puts what cannot be delivered where somebody can look at it, with the content. Doing it twice changes nothing.
    pub(crate) fn bury(&self, name: &str, item: &Item) -> io::Result<()> {
        let folder = self.folder.join("failed");
        private::folder(&folder)?;
        let content = folder.join(format!("{name}.eml"));
        match fs::hard_link(self.content(name), &content) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                // A file system without links.
                fs::copy(self.content(name), &content)?;
            }
            _ => {}
        }
        let path = folder.join(format!("{name}.json"));
        let mut buried = item.clone();
        buried.recipients.clear();
        if let Ok(bytes) = fs::read(&path) {
            let before: Item = serde_json::from_slice(&bytes).map_err(io::Error::other)?;
            let known = |one: &Failed| buried.failed.contains(one);
            let more: Vec<_> = before
                .failed
                .into_iter()
                .filter(|one| !known(one))
                .collect();
            buried.failed.extend(more);
        }
        let bytes = serde_json::to_vec_pretty(&buried).map_err(io::Error::other)?;
        let tmp = self.tmp(name, "failed");
        self.write(&tmp, &bytes)?;
        fs::rename(tmp, path)?;
        self.sync_folder(&folder)
    }

    /// Counts what became of a recipient, and writes it to the log. What the log does not take changes nothing.
    pub(crate) fn note(&self, name: &str, recipient: &str, event: Event, reason: &str) {
        let counter = match event {
            Event::Delivered => &self.counters.delivered,
            Event::Deferred => &self.counters.deferred,
            Event::Failed => &self.counters.failed,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        let line = Line {
            time: jiff::Timestamp::now().to_string(),
            message: name,
            recipient,
            event: event.word(),
            reason,
        };
        if let Ok(mut text) = serde_json::to_vec(&line) {
            text.push(b'\n');
            let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = log.write_all(&text);
        }
    }
}

/// What becomes of a recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Delivered,
    Deferred,
    Failed,
}

impl Event {
    const fn word(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Deferred => "deferred",
            Self::Failed => "failed",
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;

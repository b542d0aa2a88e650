//! Brings judged sessions to the page and into the index, on a thread of its own.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use evidence::index::{self, Entry, Index, Session};

use super::board::Board;
use crate::audit::follow::Files;
use crate::commands::output;

/// Sessions that wait for the thread. Where there are more, judging waits: the capture holds what is not judged.
const WAITING: usize = 256;
/// How long a session waits for others, to be written together.
const TOGETHER: Duration = Duration::from_millis(500);
/// How many are written together.
const MOST_TOGETHER: usize = 512;
/// How many are held while the index cannot be written.
const MOST_HELD: usize = 4096;

/// Takes sessions until it is dropped.
#[derive(Debug)]
pub(super) struct Keeper {
    sender: Option<SyncSender<(Session, Vec<u8>)>>,
    thread: Option<JoinHandle<()>>,
}

/// What is wrong with the index now.
#[derive(Clone, Debug, Default)]
pub(in crate::commands::serve) struct IndexHealth(Arc<Mutex<Option<String>>>);

impl IndexHealth {
    /// What is wrong, if something is.
    pub(in crate::commands::serve) fn problem(&self) -> Option<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Says what changed, once.
    fn set(&self, problem: Option<String>) {
        let mut before = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match (&*before, &problem) {
            (None, Some(problem)) => output::say(&format!(
                "the index cannot be written: {problem}; `smtpspec index` makes it anew from the captures"
            )),
            (Some(_), None) => output::say("the index can be written again"),
            _ => {}
        }
        *before = problem;
    }
}

impl Keeper {
    /// Begins. `files` are the captures of the run.
    pub(super) fn start(
        board: Option<Arc<Board>>,
        index: Option<Index>,
        files: Files,
        health: IndexHealth,
    ) -> std::io::Result<Self> {
        let (sender, receiver) = mpsc::sync_channel(WAITING);
        let work = Work {
            run: index.as_ref().map_or(0, Index::run),
            board,
            index,
            files,
            health,
            batch: Vec::new(),
            due: None,
            failing: false,
            lost: 0,
        };
        let thread = thread::Builder::new()
            .name("sessions".to_owned())
            .spawn(move || work.run(&receiver))?;
        Ok(Self {
            sender: Some(sender),
            thread: Some(thread),
        })
    }

    /// Takes a session with its JSON.
    pub(super) fn take(&self, session: Session, json: Vec<u8>) {
        if let Some(sender) = &self.sender {
            // It fails only if the thread panicked, which the end shows.
            let _ = sender.send((session, json));
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Work {
    run: i64,
    board: Option<Arc<Board>>,
    index: Option<Index>,
    files: Files,
    health: IndexHealth,
    batch: Vec<Entry>,
    /// When what waits is to be written.
    due: Option<Instant>,
    /// The last batch could not be written.
    failing: bool,
    lost: u64,
}

impl Work {
    fn run(mut self, receiver: &Receiver<(Session, Vec<u8>)>) {
        loop {
            let wait = self.due.map_or(TOGETHER, |due| {
                due.saturating_duration_since(Instant::now())
            });
            match receiver.recv_timeout(wait) {
                Ok((session, json)) => self.take(session, &json),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            let full = self.batch.len() >= MOST_TOGETHER && !self.failing;
            if full || self.due.is_some_and(|due| due <= Instant::now()) {
                self.write();
            }
        }
        self.write();
        self.complete();
    }

    fn take(&mut self, session: Session, json: &[u8]) {
        let packed = Arc::new(index::pack(json));
        if let Some(board) = &self.board {
            board.add(self.run, &session, &packed);
        }
        if self.index.is_none() {
            return;
        }
        if self.batch.len() >= MOST_HELD {
            self.lost += 1;
            return;
        }
        let packed = Arc::unwrap_or_clone(packed);
        self.batch.push(Entry { session, packed });
        self.due.get_or_insert_with(|| Instant::now() + TOGETHER);
    }

    fn write(&mut self) {
        self.due = None;
        let Some(index) = &mut self.index else { return };
        if self.batch.is_empty() {
            return;
        }
        let captures = captures(&self.files);
        match index.write(&self.batch, &captures) {
            Ok(()) => {
                self.batch.clear();
                self.failing = false;
                self.health.set(None);
            }
            Err(error) => {
                self.due = Some(Instant::now() + TOGETHER);
                self.failing = true;
                self.health.set(Some(error.to_string()));
            }
        }
    }

    /// Only an index that has everything says so.
    fn complete(&mut self) {
        let missing = self.lost + self.batch.len() as u64;
        let Some(index) = &mut self.index else { return };
        if missing > 0 {
            output::say(&format!(
                "the index lacks {missing} sessions; `smtpspec index` makes it anew from the captures"
            ));
        } else if let Err(error) = index.complete() {
            self.health.set(Some(error.to_string()));
        }
    }
}

/// Names of the captures, each with the number of its first packet.
pub(in crate::commands) fn captures(files: &Files) -> Vec<(String, u64)> {
    let name = |path: &std::path::Path| {
        let name = path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    };
    let all = files.all();
    all.iter().map(|one| (name(&one.path), one.first)).collect()
}

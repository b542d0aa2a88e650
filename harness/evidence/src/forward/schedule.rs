//! Which message is next, and when.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, timeout_at};

/// The longest sleep: one that is woken by nothing is no harm then.
const MOST_ASLEEP: Duration = Duration::from_mins(1);

/// Names of messages, each with the time from which on it may be tried.
#[derive(Debug)]
pub(super) struct Schedule {
    state: Mutex<State>,
    /// New names. Whoever waits for the next message holds it, and the others wait for that one.
    names: tokio::sync::Mutex<UnboundedReceiver<String>>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: BinaryHeap<Reverse<(Instant, String)>>,
    /// The server is not there: from when on it may be tried again, and how long the wait was.
    away: Option<(Instant, Duration)>,
    stopping: bool,
}

/// What is to be done now.
enum Now {
    Take(String),
    Wait(Instant),
    End,
}

impl Schedule {
    pub(super) fn new(names: UnboundedReceiver<String>) -> Self {
        Self {
            state: Mutex::default(),
            names: tokio::sync::Mutex::new(names),
            changed: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere does not make it wrong.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next message that is due, once one is. `None` where it is over, and nothing is due.
    pub(super) async fn next(&self) -> Option<String> {
        let mut names = self.names.lock().await;
        loop {
            while let Ok(name) = names.try_recv() {
                self.lock().waiting.push(Reverse((Instant::now(), name)));
            }
            let until = match self.lock().now() {
                Now::Take(name) => return Some(name),
                Now::End => return None,
                Now::Wait(until) => until,
            };
            tokio::select! {
                name = names.recv(), if !names.is_closed() => {
                    if let Some(name) = name {
                        self.lock().waiting.push(Reverse((Instant::now(), name)));
                    }
                }
                // Either way it is looked at again.
                _ = timeout_at(until, self.changed.notified()) => {}
            }
        }
    }

    /// Puts a message back.
    pub(super) fn put(&self, name: String, due: Instant) {
        self.lock().waiting.push(Reverse((due, name)));
        self.changed.notify_one();
    }

    /// The server could not be reached. The wait for it, where this is news.
    pub(super) fn unreached(&self, first: Duration, longest: Duration) -> Option<Duration> {
        let now = Instant::now();
        let mut state = self.lock();
        let wait = match state.away {
            // Somebody else found out at the same time.
            Some((until, _)) if until > now => return None,
            Some((_, before)) => before.saturating_mul(2).min(longest),
            None => first,
        };
        state.away = Some((now + wait, wait));
        Some(wait)
    }

    /// The server was reached. Whether that is news.
    pub(super) fn reached(&self) -> bool {
        self.lock().away.take().is_some()
    }

    /// Nothing that is not due now is given out any more.
    pub(super) fn stop(&self) {
        self.lock().stopping = true;
        self.changed.notify_one();
    }
}

impl State {
    fn now(&mut self) -> Now {
        let now = Instant::now();
        let away = self
            .away
            .map(|(until, _)| until)
            .filter(|until| *until > now);
        let due = self.waiting.peek().map(|Reverse((due, _))| *due);
        let due = due.map(|due| away.map_or(due, |until| until.max(due)));
        match due {
            Some(due) if due <= now => match self.waiting.pop() {
                Some(Reverse((_, name))) => Now::Take(name),
                None => Now::End,
            },
            _ if self.stopping => Now::End,
            Some(due) => Now::Wait(due.min(now + MOST_ASLEEP)),
            None => Now::Wait(now + MOST_ASLEEP),
        }
    }
}

//! Passes the messages of a queue on to a server, and tries again for as long as there is hope (RFC 5321 section 4.5.4.1).

mod schedule;

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lab::adapter::relay::{Answer, Recipient, Session, Submission, Upstream};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::queue::{Event, Failed, Inner, Item, Queue};
use schedule::Schedule;

/// How long an open connection waits for another message.
const LINGER: Duration = Duration::from_millis(500);

/// Messages that go over one connection.
const MOST_TOGETHER: u32 = 100;

/// The first wait for a server that cannot be reached. The next ones are longer, up to that of a message.
const UNREACHED: Duration = Duration::from_secs(1);

/// How messages are passed on.
#[derive(Clone, Debug)]
pub struct Options {
    /// The server.
    pub upstream: Upstream,
    /// Connections at the same time.
    pub at_once: usize,
    /// How long a message that was put off waits at first. Each wait is twice the one before.
    pub first: Duration,
    /// The longest wait.
    pub longest: Duration,
    /// How old a message may become.
    pub give_up: Duration,
}

/// Passes messages on, in tasks of its own.
#[derive(Debug)]
pub struct Forwarder {
    queue: Queue,
    schedule: Arc<Schedule>,
    workers: JoinSet<()>,
}

/// What the workers share.
struct Shared {
    queue: Arc<Inner>,
    options: Options,
    schedule: Arc<Schedule>,
}

impl Forwarder {
    /// Starts, with the names that [`Queue::open`] gave. It needs a runtime around it.
    pub fn start(queue: &Queue, names: UnboundedReceiver<String>, options: Options) -> Self {
        let schedule = Arc::new(Schedule::new(names));
        let at_once = options.at_once.max(1);
        let shared = Arc::new(Shared {
            queue: Arc::clone(&queue.0),
            options,
            schedule: Arc::clone(&schedule),
        });
        let mut workers = JoinSet::new();
        for _ in 0..at_once {
            workers.spawn(Arc::clone(&shared).work());
        }
        Self {
            queue: queue.clone(),
            schedule,
            workers,
        }
    }

    /// Passes on what is due now, for so long at the most, and ends. Says how many messages are left for the next time.
    pub async fn stop(mut self, patience: Duration) -> u64 {
        self.schedule.stop();
        let all = async { while self.workers.join_next().await.is_some() {} };
        if timeout(patience, all).await.is_err() {
            self.workers.shutdown().await;
        }
        self.queue.counts().waiting
    }
}

/// What became of an attempt.
enum Outcome {
    /// It was made, and the message is where it belongs.
    Made,
    /// There is no connection.
    Unreached(String),
}

impl Shared {
    async fn work(self: Arc<Self>) {
        while let Some(name) = self.schedule.next().await {
            let mut next = Some(name);
            let mut session = None;
            let mut together = 0;
            while let Some(name) = next {
                match self.attempt(&name, &mut session).await {
                    Outcome::Made => {}
                    Outcome::Unreached(reason) => {
                        self.unreached(name, &reason);
                        break;
                    }
                }
                together += 1;
                if session.is_none() || together >= MOST_TOGETHER {
                    break;
                }
                // The connection is kept for a moment.
                next = timeout(LINGER, self.schedule.next()).await.ok().flatten();
            }
            if let Some(session) = session {
                session.quit().await;
            }
        }
    }

    /// The server is not there: that is nothing about the message, but its age counts.
    fn unreached(&self, name: String, reason: &str) {
        let longest = self.options.longest;
        if let Some(wait) = self.schedule.unreached(UNREACHED.min(longest), longest) {
            self.queue.tell(&format!(
                "the server behind: {reason}; next try in {wait:?}"
            ));
        }
        match self.queue.load(&name) {
            Ok(item) if self.is_too_old(&item) => {
                let answers = vec![Answer::Later(reason.to_owned()); item.recipients.len()];
                self.settle(&name, item, answers);
            }
            Ok(_) => self.schedule.put(name, Instant::now()),
            Err(error) => self.unreadable(name, &error),
        }
    }

    async fn attempt(&self, name: &str, session: &mut Option<Session>) -> Outcome {
        let item = match self.queue.load(name) {
            Ok(item) => item,
            Err(error) => {
                self.unreadable(name.to_owned(), &error);
                return Outcome::Made;
            }
        };
        if item.recipients.is_empty() {
            // Its last recipients were settled, and what then had to be done was not.
            self.settle(name, item, Vec::new());
            return Outcome::Made;
        }
        let content = match tokio::task::spawn_blocking({
            let path = self.queue.content(name);
            move || std::fs::File::open(path)
        })
        .await
        .map_err(io::Error::other)
        .flatten()
        {
            Ok(content) => content,
            Err(error) => {
                self.unreadable(name.to_owned(), &error);
                return Outcome::Made;
            }
        };
        let mut open = match session.take() {
            Some(open) => open,
            None => match Session::open(&self.options.upstream).await {
                Ok(open) => open,
                Err(reason) => return Outcome::Unreached(reason.to_string()),
            },
        };
        if self.schedule.reached() {
            self.queue.tell("the server behind: it is back");
        }
        let answers = self.deliver(name, &item, content, &mut open).await;
        // The mark comes before anything else.
        self.settle(name, item, answers);
        if open.is_sound() {
            *session = Some(open);
        } else {
            open.quit().await;
        }
        Outcome::Made
    }

    async fn deliver(
        &self,
        name: &str,
        item: &Item,
        content: std::fs::File,
        session: &mut Session,
    ) -> Vec<Answer> {
        let each = |one: &'_ crate::queue::Recipient| -> (String, Vec<String>) {
            (one.mailbox.clone(), one.parameters.clone())
        };
        let owned: Vec<_> = item.recipients.iter().map(each).collect();
        let recipients: Vec<_> = owned
            .iter()
            .map(|(mailbox, parameters)| Recipient {
                mailbox,
                parameters,
            })
            .collect();
        let trace = item.trace(&self.options.upstream.ehlo, name);
        let message = Submission {
            from: &item.from,
            parameters: &item.parameters,
            recipients: &recipients,
            trace: &trace,
            octets: item.size,
            eight_bit: item.eight_bit,
            utf8: item.utf8,
        };
        let mut content = tokio::fs::File::from_std(content);
        let queue = Arc::clone(&self.queue);
        let mut ending = || match queue.sending(name) {
            Ok(()) => true,
            Err(error) => {
                queue.tell(&format!("the queue cannot be written: {error}"));
                false
            }
        };
        session.deliver(&message, &mut content, &mut ending).await
    }

    /// Works the answers into the queue.
    fn settle(&self, name: &str, mut item: Item, answers: Vec<Answer>) {
        let too_old = self.is_too_old(&item);
        let mut delivered = Vec::new();
        let mut left = Vec::new();
        for (recipient, answer) in std::mem::take(&mut item.recipients)
            .into_iter()
            .zip(answers)
        {
            let failed = |reason| Failed {
                mailbox: recipient.mailbox.clone(),
                reason,
            };
            match answer {
                Answer::Taken(reason) => delivered.push((recipient.mailbox, reason)),
                Answer::Never(reason) => item.failed.push(failed(reason)),
                Answer::Later(reason) if too_old => {
                    item.failed.push(failed(format!("given up: {reason}")));
                }
                Answer::Later(reason) => left.push((recipient, reason)),
            }
        }
        let attempts = item.attempts.saturating_add(1);
        let failed = item.failed.clone();
        let reasons: Vec<_> = left
            .iter()
            .map(|(recipient, reason)| (recipient.mailbox.clone(), reason.clone()))
            .collect();
        item.recipients = left.into_iter().map(|(recipient, _)| recipient).collect();
        item.attempts = attempts;
        let again = !item.recipients.is_empty();
        if let Err(error) = self.mark(name, item) {
            // What is in the folder decides at the next start; going on here could make two of one.
            self.queue.tell(&format!(
                "{name} is not marked in the queue, and left for the next start: {error}"
            ));
            return;
        }
        for (recipient, reason) in &delivered {
            self.queue.note(name, recipient, Event::Delivered, reason);
        }
        for (recipient, reason) in &reasons {
            self.queue.note(name, recipient, Event::Deferred, reason);
        }
        for Failed { mailbox, reason } in &failed {
            self.queue.note(name, mailbox, Event::Failed, reason);
            self.queue.tell(&format!(
                "{name} was not delivered to <{mailbox}>: {reason}"
            ));
        }
        if again {
            let wait = self.wait(attempts);
            self.schedule.put(name.to_owned(), Instant::now() + wait);
        }
    }

    /// Makes the state of a message what it is now.
    fn mark(&self, name: &str, mut item: Item) -> io::Result<()> {
        if !item.failed.is_empty() {
            // First that nobody gets it twice, then what is left to do.
            self.queue.update(name, &item)?;
            self.queue.bury(name, &item)?;
            item.failed.clear();
        }
        if item.recipients.is_empty() {
            self.queue.done(name)
        } else {
            self.queue.update(name, &item)
        }
    }

    fn unreadable(&self, name: String, error: &io::Error) {
        self.queue
            .tell(&format!("{name} cannot be read from the queue: {error}"));
        self.schedule
            .put(name, Instant::now() + self.options.longest);
    }

    fn wait(&self, attempts: u32) -> Duration {
        let doubled = 1_u32
            .checked_shl(attempts.saturating_sub(1))
            .unwrap_or(u32::MAX);
        let wait = self.options.first.saturating_mul(doubled.max(1));
        wait.min(self.options.longest)
    }

    fn is_too_old(&self, item: &Item) -> bool {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        now.as_secs().saturating_sub(item.since) >= self.options.give_up.as_secs()
    }
}

#[cfg(test)]
mod tests;

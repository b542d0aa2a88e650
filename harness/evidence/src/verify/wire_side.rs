//! The messages of a connection, looked for among the stored ones.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use smtp::Timeline;
use smtp::session::{Options, Reader};
use smtp::timeline::{Data, Transaction};
use smtp::tls::KeyLog;
use wire::pipeline::Worker;
use wire::{Ended, Timestamp};

use super::ledger::{Candidate, Ledger, Lone, hash};
use super::open;
use crate::journal::Entry;

/// How far the time of an entry may be from those of the packets around it.
const SLACK: Duration = Duration::from_secs(2);

/// Compares the connections of one lane.
pub(super) struct Comparer {
    folder: PathBuf,
    ledger: Arc<Mutex<Ledger>>,
    keys: Arc<KeyLog>,
}

/// A message on the wire.
struct Seen<'a> {
    transaction: &'a Transaction,
    data: &'a Data,
    acknowledged: bool,
    /// When it was answered, or else began.
    time: Timestamp,
    /// The first packet of its content, the last, and that of the reply.
    packets: Vec<u64>,
}

impl Comparer {
    pub(super) fn new(folder: &Path, ledger: Arc<Mutex<Ledger>>, keys: Arc<KeyLog>) -> Self {
        Self {
            folder: folder.to_owned(),
            ledger,
            keys,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn compare(&self, timeline: &Timeline) {
        let mut seen: Vec<_> = seen(timeline).collect();
        if seen.is_empty() {
            return;
        }
        let window = (shift(timeline.start, false), shift(timeline.end, true));
        let mut candidates = self.lock().candidates(timeline.client, window);
        {
            let mut ledger = self.lock();
            let acknowledged = seen.iter().filter(|one| one.acknowledged);
            ledger.report.acknowledged += acknowledged.count() as u64;
        }
        seen.retain(|one| !self.find_same(timeline, one, &mut candidates));
        // What is left on both sides goes together in order.
        let mut candidates = candidates.into_iter();
        for one in seen {
            let other = if one.acknowledged || !one.data.complete {
                candidates.next()
            } else {
                None
            };
            self.tell(timeline, &one, other);
        }
    }

    /// Looks for a message that is the same, byte for byte.
    fn find_same(
        &self,
        timeline: &Timeline,
        one: &Seen<'_>,
        candidates: &mut Vec<Candidate>,
    ) -> bool {
        let content = &one.data.content;
        if !one.data.complete || content.elided() > 0 {
            return false;
        }
        // The same message may have been sent many times; the nearest in time is it.
        let mut order: Vec<_> = (0..candidates.len()).collect();
        order.sort_by_key(|at| {
            candidates[*at]
                .time
                .as_nanos()
                .abs_diff(one.time.as_nanos())
        });
        let found = order.into_iter().find(|at| {
            let file = &candidates[*at].entry.file;
            open(&self.folder, file).is_ok_and(|bytes| bytes == content.bytes())
        });
        let Some(found) = found else { return false };
        let Candidate { number, entry, .. } = candidates.remove(found);
        let wrong = disagreements(timeline, one, &entry);
        let mut ledger = self.lock();
        ledger.claim(number);
        if !wrong.is_empty() {
            for what in wrong {
                ledger.differ(format!("{}: {what}", entry.file), &one.packets);
            }
        } else if one.acknowledged {
            ledger.report.agree += 1;
        } else {
            ledger.report.in_doubt += 1;
        }
        true
    }

    /// Says what is wrong with a message that has no equal.
    fn tell(&self, timeline: &Timeline, one: &Seen<'_>, other: Option<Candidate>) {
        let content = &one.data.content;
        let whole = one.data.complete && content.elided() == 0;
        let Some(Candidate { number, entry, .. }) = other else {
            if whole || one.acknowledged {
                let about = format!(
                    "the message of {} bytes from {}",
                    content.octets(),
                    timeline.client
                );
                self.lock().lone.push(Lone {
                    sha256: hash(content.bytes()),
                    about,
                    packets: one.packets.clone(),
                    acknowledged: one.acknowledged,
                });
            }
            return;
        };
        let file = &entry.file;
        if !whole {
            let mut ledger = self.lock();
            ledger.claim(number);
            if ledger.may_be_cut(&entry) {
                ledger.report.beyond += 1;
            } else {
                let what = format!("{file}: the capture does not hold all of it");
                ledger.differ(what, &one.packets);
            }
            return;
        }
        let (what, packets) = match open(&self.folder, file) {
            Err(error) => (
                format!("{file}: it was acknowledged, and cannot be read: {error}"),
                one.packets.clone(),
            ),
            Ok(bytes) => {
                let at = first_difference(&bytes, content.bytes());
                let what = format!(
                    "{file}: it has {} bytes, {} crossed the wire, and byte {at} is the first that differs",
                    bytes.len(),
                    content.octets()
                );
                let end = content.bytes().len();
                let there = at.min(end.saturating_sub(1));
                let span = content.span(there..(there + 1).min(end));
                (what, timeline.packets(span))
            }
        };
        let mut ledger = self.lock();
        ledger.claim(number);
        ledger.differ(what, &packets);
    }
}

impl Worker for Comparer {
    type Consumer = Reader;
    type Product = ();

    fn secrets(&mut self, text: &str) {
        // A line that is none is of no account: the capture is what it is.
        let _ = self.keys.extend(text);
    }

    fn open(&mut self) -> Reader {
        Reader::new(Options {
            keys: Some(Arc::clone(&self.keys)),
            only_mail: true,
            ..Options::default()
        })
    }

    fn close(&mut self, ended: Ended<Reader>) -> Option<()> {
        self.compare(&ended.consumer.finish(&ended.about));
        None
    }
}

/// The messages that were acknowledged, and those that may have been.
fn seen(timeline: &Timeline) -> impl Iterator<Item = Seen<'_>> {
    timeline.transactions.iter().filter_map(|transaction| {
        let data = transaction.data.as_ref()?;
        if data.accepted == Some(false) {
            return None;
        }
        let content = timeline.packets(data.span);
        let reply = timeline.reply(data.exchange);
        let began = timeline.request(data.exchange);
        let time = reply.map(|(event, _)| event.time);
        let time = time.or_else(|| Some(began?.time)).unwrap_or(timeline.end);
        let reply = reply.and_then(|(event, _)| event.packets.last().copied());
        let packets = content.first().into_iter().chain(content.last());
        let mut packets: Vec<_> = packets.copied().chain(reply).collect();
        packets.dedup();
        Some(Seen {
            transaction,
            data,
            acknowledged: data.accepted == Some(true),
            time,
            packets,
        })
    })
}

/// What an entry says otherwise than the wire.
fn disagreements(timeline: &Timeline, one: &Seen<'_>, entry: &Entry) -> Vec<&'static str> {
    let content = &one.data.content;
    let command = |exchange| {
        timeline
            .command(exchange)
            .map(|command| command.argument.trim())
    };
    let mut wrong = Vec::new();
    if entry.size != content.octets() {
        wrong.push("its entry has another size");
    }
    if entry.sha256 != hash(content.bytes()) {
        wrong.push("its entry has another SHA-256");
    }
    // Where the beginning of the connection is missing, so is the envelope.
    let mail = command(one.transaction.mail);
    if mail.is_some_and(|mail| mail_follows(mail) && mail != entry.from.trim()) {
        wrong.push("its entry has another sender");
    }
    let recipients = one.transaction.recipients.iter();
    let recipients: Vec<_> = recipients
        .filter(|recipient| recipient.accepted == Some(true))
        .filter_map(|recipient| command(recipient.exchange))
        .collect();
    let entered: Vec<_> = entry.recipients.iter().map(|one| one.trim()).collect();
    if mail.is_some_and(mail_follows) && recipients != entered {
        wrong.push("its entry has other recipients");
    }
    if one_is_under_tls(timeline, one) != entry.tls {
        wrong.push("its entry says otherwise whether it came under TLS");
    }
    wrong
}

/// Whether this is the argument of MAIL, and not of the first command that a cut capture shows of a transaction.
fn mail_follows(argument: &str) -> bool {
    argument
        .get(..5)
        .is_some_and(|start| start.eq_ignore_ascii_case("FROM:"))
}

fn one_is_under_tls(timeline: &Timeline, one: &Seen<'_>) -> bool {
    let tls = timeline.tls.as_ref();
    tls.is_some_and(|tls| tls.under_tls(one.data.span))
}

fn first_difference(one: &[u8], other: &[u8]) -> usize {
    let same = one.iter().zip(other).take_while(|(a, b)| a == b);
    same.count()
}

fn shift(time: Timestamp, later: bool) -> Timestamp {
    let slack = u64::try_from(SLACK.as_nanos()).unwrap_or(u64::MAX);
    Timestamp::from_nanos(if later {
        time.as_nanos().saturating_add(slack)
    } else {
        time.as_nanos().saturating_sub(slack)
    })
}

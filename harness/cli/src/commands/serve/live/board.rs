//! What the page shows now: the last sessions, what was given away, and sums. Bounded, whatever comes.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use claims::Verdict;
use evidence::index::{Brief, Exposed, Kind, Session};
use serde::Serialize;
use tokio::sync::watch;

/// Sessions that are held, in number and in bytes of their details.
const MOST: usize = 1000;
const MOST_BYTES: usize = 32 << 20;

/// Exposures that are told apart; of the rest, those that were seen last.
const MOST_EXPOSURES: usize = 200;

/// Claims that are counted apart. No profile has so many.
const MOST_CLAIMS: usize = 4096;

/// How many verdicts of each kind: pass, fail, inconclusive, recorded, error.
pub(in crate::commands::serve) type Counts = [u64; 5];

/// The kinds that are counted, in that order.
pub(in crate::commands::serve) const WORDS: [Verdict; 5] = [
    Verdict::Pass,
    Verdict::Fail,
    Verdict::Inconclusive,
    Verdict::Recorded,
    Verdict::Error,
];

/// Sums over all sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(in crate::commands::serve) struct Totals {
    /// Sessions that were judged.
    pub(in crate::commands::serve) sessions: u64,
    /// Those in which a claim failed.
    pub(in crate::commands::serve) failed: u64,
    /// Mail transactions.
    pub(in crate::commands::serve) messages: u64,
    /// Messages that were accepted.
    pub(in crate::commands::serve) accepted: u64,
    /// Messages whose body could be read on the wire.
    pub(in crate::commands::serve) in_clear: u64,
    /// Logins whose password could be read.
    pub(in crate::commands::serve) passwords: u64,
    /// Bytes of the clients, and of the server.
    pub(in crate::commands::serve) octets: [u64; 2],
}

impl Totals {
    /// Adds a session.
    pub(in crate::commands::serve) fn add(&mut self, session: &Session) {
        let of = |kind| {
            session
                .exposures
                .iter()
                .filter(|one| one.kind == kind)
                .count() as u64
        };
        self.sessions += 1;
        self.failed += u64::from(session.worst().is_some());
        self.messages += session.messages;
        self.accepted += session.accepted;
        self.in_clear += of(Kind::Content);
        self.passwords += of(Kind::Password);
        self.octets[0] += session.octets[0];
        self.octets[1] += session.octets[1];
    }
}

/// A session that is held.
#[derive(Clone, Debug)]
pub(in crate::commands::serve) struct Held {
    /// What a list shows.
    pub(in crate::commands::serve) brief: Brief,
    /// All of it, packed.
    packed: Arc<Vec<u8>>,
}

/// Something that was given away, over all sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(in crate::commands::serve) struct Exposure {
    kind: Kind,
    what: String,
    place: String,
    /// How often.
    count: u64,
    /// When last.
    last: String,
    /// In which session last.
    run: i64,
    name: String,
    /// The number of that session.
    #[serde(skip)]
    seen: u64,
}

/// What is new since some session.
#[derive(Debug, Serialize)]
pub(in crate::commands::serve) struct News {
    /// Number of the last session.
    pub(in crate::commands::serve) last: u64,
    /// Sessions, oldest first.
    sessions: Vec<Brief>,
    /// How many more there were, which are not among them.
    skipped: u64,
    /// Exposures that are new, or were seen again.
    exposures: Vec<Exposure>,
    /// Verdicts by claim.
    claims: BTreeMap<String, Counts>,
    totals: Totals,
    /// The server has ended.
    pub(in crate::commands::serve) ended: bool,
}

/// What is shown. It is shared.
#[derive(Debug)]
pub(in crate::commands::serve) struct Board {
    state: Mutex<State>,
    changed: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    last: u64,
    bytes: usize,
    held: VecDeque<Held>,
    exposures: HashMap<(Kind, String, String), Exposure>,
    claims: BTreeMap<String, Counts>,
    totals: Totals,
    ended: bool,
}

impl Board {
    pub(in crate::commands::serve) fn new() -> Self {
        Self {
            state: Mutex::default(),
            changed: watch::Sender::new(0),
        }
    }

    /// A session has ended and was judged.
    pub(in crate::commands::serve) fn add(
        &self,
        run: i64,
        session: &Session,
        packed: &Arc<Vec<u8>>,
    ) {
        let mut state = self.lock();
        state.last += 1;
        let last = state.last;
        state.totals.add(session);
        for judged in &session.verdicts {
            let place = WORDS.iter().position(|word| *word == judged.verdict);
            let room = state.claims.len() < MOST_CLAIMS || state.claims.contains_key(&judged.claim);
            if let (Some(place), true) = (place, room) {
                state.claims.entry(judged.claim.clone()).or_default()[place] += 1;
            }
        }
        for found in &session.exposures {
            state.expose(run, session, found);
        }
        state.bytes += packed.len();
        state.held.push_back(Held {
            brief: Brief::of(run, session),
            packed: Arc::clone(packed),
        });
        while state.held.len() > MOST || state.bytes > MOST_BYTES {
            let Some(oldest) = state.held.pop_front() else {
                break;
            };
            state.bytes -= oldest.packed.len();
        }
        drop(state);
        self.changed.send_replace(last);
    }

    /// The server has ended, and everything is judged.
    pub(in crate::commands::serve) fn end(&self) {
        self.lock().ended = true;
        self.changed.send_modify(|_| {});
    }

    /// How many are told of changes.
    pub(in crate::commands::serve) fn watchers(&self) -> usize {
        self.changed.receiver_count()
    }

    /// Tells of changes.
    pub(in crate::commands::serve) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// What is new since the session with that number, with at most so many sessions.
    pub(in crate::commands::serve) fn since(&self, seen: u64, most: usize) -> News {
        let state = self.lock();
        // Somebody who saw more than there was saw another run.
        let seen = if seen > state.last { 0 } else { seen };
        let new = state.last - seen;
        let shown = state.held.len().min(most);
        let shown = usize::try_from(new).map_or(shown, |new| new.min(shown));
        let from = state.held.len() - shown;
        let exposures = state.exposures.values();
        let mut exposures: Vec<_> = exposures.filter(|one| one.seen > seen).cloned().collect();
        exposures.sort_by(|a, b| (a.seen, &a.kind, &a.what).cmp(&(b.seen, &b.kind, &b.what)));
        News {
            last: state.last,
            sessions: state
                .held
                .range(from..)
                .map(|one| one.brief.clone())
                .collect(),
            skipped: new - shown as u64,
            exposures,
            claims: state.claims.clone(),
            totals: state.totals.clone(),
            ended: state.ended,
        }
    }

    /// Verdicts by claim.
    pub(in crate::commands::serve) fn claims(&self) -> BTreeMap<String, Counts> {
        self.lock().claims.clone()
    }

    /// Sums.
    pub(in crate::commands::serve) fn totals(&self) -> Totals {
        self.lock().totals.clone()
    }

    /// The JSON of a session that is held, packed.
    pub(in crate::commands::serve) fn details(&self, run: i64, name: &str) -> Option<Arc<Vec<u8>>> {
        let state = self.lock();
        let mut held = state.held.iter().rev();
        let found = held.find(|one| one.brief.run == run && one.brief.name == name)?;
        Some(Arc::clone(&found.packed))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn expose(&mut self, run: i64, session: &Session, found: &Exposed) {
        let key = (found.kind, found.what.clone(), found.place.clone());
        if self.exposures.len() == MOST_EXPOSURES && !self.exposures.contains_key(&key) {
            // A password is not pushed out by the names of hosts.
            let least = self.exposures.iter();
            let least = least.max_by_key(|(_, one)| (one.kind, std::cmp::Reverse(one.seen)));
            let Some((least, of)) = least.map(|(key, one)| (key.clone(), one.kind)) else {
                return;
            };
            if found.kind > of {
                return;
            }
            self.exposures.remove(&least);
        }
        let seen = self.last;
        let exposure = self.exposures.entry(key).or_insert_with(|| Exposure {
            kind: found.kind,
            what: found.what.clone(),
            place: found.place.clone(),
            count: 0,
            last: String::new(),
            run,
            name: String::new(),
            seen,
        });
        exposure.count += 1;
        exposure.last.clone_from(&session.began);
        exposure.run = run;
        exposure.name.clone_from(&session.name);
        exposure.seen = seen;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::serve::live::testing::session;

    fn packed(size: usize) -> Arc<Vec<u8>> {
        Arc::new(vec![0; size])
    }

    #[test]
    fn whoever_comes_late_gets_the_last_and_the_sums() {
        let board = Board::new();
        for number in 1..=1500 {
            board.add(1, &session(number), &packed(10));
        }
        let news = board.since(0, 100);
        assert_eq!(
            (news.last, news.sessions.len(), news.skipped),
            (1500, 100, 1400)
        );
        assert_eq!(news.sessions[99].name, "S1/1500");
        assert_eq!(news.totals.sessions, 1500);
        let news = board.since(1497, 100);
        let names: Vec<_> = news.sessions.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["S1/1498", "S1/1499", "S1/1500"]);
        assert_eq!((news.skipped, news.exposures.len()), (0, 3));
        assert_eq!(board.since(1500, 100).sessions.len(), 0);
        // One who has seen another run begins again.
        assert_eq!(board.since(9999, 100).sessions.len(), 100);
        assert!(board.details(1, "S1/1").is_none(), "it is no longer held");
        assert!(board.details(1, "S1/1500").is_some());
        assert!(board.details(2, "S1/1500").is_none());
    }

    #[test]
    fn what_is_held_has_a_bound_in_bytes() {
        let board = Board::new();
        for number in 1..=20 {
            board.add(1, &session(number), &packed(4 << 20));
        }
        let state = board.lock();
        assert_eq!((state.held.len(), state.bytes), (8, 32 << 20));
    }

    #[test]
    fn host_names_do_not_push_out_a_password() {
        let board = Board::new();
        let mut first = session(1);
        first.exposures[0].kind = Kind::Password;
        board.add(1, &first, &packed(1));
        for number in 2..=500 {
            let mut next = session(number);
            next.exposures[0].kind = Kind::Host;
            board.add(1, &next, &packed(1));
        }
        let state = board.lock();
        assert_eq!(state.exposures.len(), MOST_EXPOSURES);
        let kinds: Vec<_> = state.exposures.values().map(|one| one.kind).collect();
        assert!(kinds.contains(&Kind::Password));
        let newest = state.exposures.values().map(|one| one.seen).max();
        assert_eq!(newest, Some(500), "the newest are kept");
    }
}

//! What is stored, and what was found of it on the wire.

use std::collections::{HashMap, HashSet};
use std::io;
use std::net::SocketAddr;
use std::path::Path;

use sha2::{Digest, Sha256};
use wire::Timestamp;
use wire::pipeline::Summary;

use super::report::{Difference, Places, Report};
use super::{lines, open, unique};
use crate::journal::{Entry, Line};

/// How many differences are told one by one.
const MOST: usize = 1000;

/// A message that was entered.
#[derive(Debug)]
struct Stored {
    entry: Entry,
    time: Timestamp,
    claimed: bool,
}

/// An entry that may be that of a message on the wire.
#[derive(Debug)]
pub(super) struct Candidate {
    /// Its number in the journal.
    pub(super) number: usize,
    /// When it was made.
    pub(super) time: Timestamp,
    /// What it says.
    pub(super) entry: Entry,
}

/// A message on the wire that no entry was found for.
#[derive(Debug)]
pub(super) struct Lone {
    pub(super) sha256: String,
    pub(super) about: String,
    pub(super) packets: Vec<u64>,
    /// Whether the captures show that it was acknowledged.
    pub(super) acknowledged: bool,
}

/// The two sides.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    stored: Vec<Stored>,
    by_peer: HashMap<SocketAddr, Vec<usize>>,
    removed: HashSet<String>,
    /// The first capture that is still there.
    oldest: Option<String>,
    pub(super) orphans: Vec<String>,
    pub(super) lone: Vec<Lone>,
    pub(super) report: Report,
    more: u64,
}

impl Ledger {
    pub(super) fn read(folder: &Path, oldest: Option<&Path>) -> io::Result<Self> {
        let oldest = oldest.and_then(Path::file_name);
        let mut ledger = Self {
            oldest: oldest.map(|name| name.to_string_lossy().into_owned()),
            ..Self::default()
        };
        lines(folder, |line| ledger.take(line))?;
        ledger.report.stored = ledger.stored.len() as u64;
        Ok(ledger)
    }

    fn take(&mut self, line: Line) {
        let entry = match line {
            Line::Removed { capture } => {
                self.removed.insert(capture);
                return;
            }
            Line::Message(entry) => *entry,
        };
        let time = entry.time.parse::<jiff::Timestamp>().ok();
        let nanos = time.and_then(|time| u64::try_from(time.as_nanosecond()).ok());
        match entry.peer.parse::<SocketAddr>() {
            Ok(peer) => {
                let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
                self.by_peer
                    .entry(peer)
                    .or_default()
                    .push(self.stored.len());
            }
            Err(_) => self.differ(
                format!("{}: its entry has no address: {:?}", entry.file, entry.peer),
                &[],
            ),
        }
        self.stored.push(Stored {
            entry,
            time: Timestamp::from_nanos(nanos.unwrap_or_default()),
            claimed: false,
        });
    }

    /// The unique parts of the names of all entries.
    pub(super) fn names(&self) -> HashSet<String> {
        let files = self.stored.iter().map(|one| &one.entry.file);
        files
            .map(|file| unique(file.rsplit('/').next().unwrap_or(file)).to_owned())
            .collect()
    }

    /// Whether the message may have begun in a capture that was removed.
    pub(super) fn may_be_cut(&self, entry: &Entry) -> bool {
        let first = Some(&entry.begun_in) == self.oldest.as_ref();
        self.removed.contains(&entry.begun_in) || (first && !self.removed.is_empty())
    }

    /// Entries of a client, in order, that were made in a time and that nothing was found for yet.
    pub(super) fn candidates(
        &self,
        peer: SocketAddr,
        (start, end): (Timestamp, Timestamp),
    ) -> Vec<Candidate> {
        let all = self.by_peer.get(&peer).into_iter().flatten();
        all.filter_map(|number| {
            let one = &self.stored[*number];
            let fits = !one.claimed && (start..=end).contains(&one.time);
            fits.then(|| Candidate {
                number: *number,
                time: one.time,
                entry: one.entry.clone(),
            })
        })
        .collect()
    }

    /// An entry has its message.
    pub(super) fn claim(&mut self, number: usize) {
        if let Some(one) = self.stored.get_mut(number) {
            one.claimed = true;
        }
    }

    pub(super) fn differ(&mut self, what: String, packets: &[u64]) {
        if self.report.differences.len() >= MOST {
            self.more += 1;
            return;
        }
        self.report.differences.push(Difference {
            what,
            packets: packets.to_vec(),
            shown: String::new(),
        });
    }

    /// Says what is left over on either side.
    pub(super) fn conclude(&mut self, folder: &Path) {
        self.left_entries(folder);
        let lone = std::mem::take(&mut self.lone);
        let mut by_hash: HashMap<String, Vec<Lone>> = HashMap::new();
        for one in lone {
            by_hash.entry(one.sha256.clone()).or_default().push(one);
        }
        for orphan in std::mem::take(&mut self.orphans) {
            let hash = open(folder, &orphan).map(|bytes| hash(&bytes));
            let found = hash.ok().and_then(|hash| by_hash.get_mut(&hash)?.pop());
            match found {
                Some(one) if one.acknowledged => self.differ(
                    format!("{orphan}: it has no entry, and was acknowledged"),
                    &one.packets,
                ),
                // Between the file and its entry the server was killed: its client was not told that it was taken.
                Some(_) => self.report.unentered += 1,
                None => self.differ(
                    format!("{orphan}: it has no entry, and is not on the wire"),
                    &[],
                ),
            }
        }
        let mut left: Vec<_> = by_hash.into_values().flatten().collect();
        left.retain(|one| one.acknowledged);
        left.sort_by(|a, b| a.packets.cmp(&b.packets));
        for one in left {
            self.differ(
                format!("{}: it was acknowledged and is not stored", one.about),
                &one.packets,
            );
        }
    }

    /// Entries that nothing was found for on the wire.
    fn left_entries(&mut self, folder: &Path) {
        let mut files = HashSet::new();
        let stored = std::mem::take(&mut self.stored);
        for one in &stored {
            let file = &one.entry.file;
            if !files.insert(file.clone()) {
                self.differ(format!("{file}: it is entered twice"), &[]);
                continue;
            }
            if one.claimed {
                continue;
            }
            if !self.may_be_cut(&one.entry) {
                self.differ(format!("{file}: it is stored and not on the wire"), &[]);
                continue;
            }
            self.report.beyond += 1;
            match open(folder, file) {
                Err(error) => self.differ(format!("{file}: {error}"), &[]),
                Ok(bytes) if hash(&bytes) != one.entry.sha256 => {
                    self.differ(format!("{file}: it is not what its entry says"), &[]);
                }
                Ok(_) => {}
            }
        }
        self.stored = stored;
    }

    pub(super) fn into_report(self, places: &Places, summary: Summary) -> Report {
        let mut report = self.report;
        for difference in &mut report.differences {
            difference.shown = places.show(&difference.packets);
        }
        if self.more > 0 {
            let text = format!("{} more differences are not listed", self.more);
            report.notes.push(text);
        }
        for file in &summary.files {
            if let Some(error) = &file.error {
                report.notes.push(error.to_string());
            }
            if let Some(cut) = &file.ending.truncated {
                let name = file.name.display();
                report.notes.push(format!(
                    "{name} breaks off behind packet {}: {}",
                    cut.packet, cut.reason
                ));
            }
        }
        report.notes.extend(summary.problems);
        report
    }
}

/// The SHA-256 of bytes, in hex.
pub(super) fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

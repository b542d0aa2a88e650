//! `just corpus DIR`: audits every capture in a folder and compares what was found with what tshark says of it.
//!
//! Compared are SMTP sessions, the commands of each, authentications with their users, and messages. tshark is told on
//! which ports the audit found SMTP, so that both look at the same connections. Each disagreement has to stand in
//! `docs/corpus.toml` with a reason, and with the very numbers; otherwise it is printed and the exit status is 1. User
//! names are compared and never printed.

mod explained;
mod ours;
mod theirs;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::{env, fs, thread};

use explained::Explained;

/// One TCP connection that spoke SMTP, as one of the two tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Session {
    /// The verbs, in upper case and cut to four letters as tshark cuts them; `?` for one that no standard knows.
    pub(crate) verbs: Vec<String>,
    /// The mechanisms of its AUTH commands.
    pub(crate) mechanisms: Vec<String>,
    /// Who authenticated; `None` where the audit does not tell.
    pub(crate) users: Option<BTreeSet<String>>,
    /// How many messages were handed over.
    pub(crate) messages: usize,
}

/// Both ends of a connection, the lower address first: a capture from the middle may not tell who opened it.
pub(crate) type Ends = (String, String);

/// The sessions between two ends, in order: a port may be used again.
pub(crate) type Sessions = BTreeMap<Ends, Vec<Session>>;

pub(crate) fn ends(one: &str, other: &str) -> Ends {
    let (low, high) = if one <= other {
        (one, other)
    } else {
        (other, one)
    };
    (low.to_owned(), high.to_owned())
}

/// A verb as both sides write it.
pub(crate) fn verb(word: &str) -> String {
    const KNOWN: [&str; 22] = [
        "HELO", "EHLO", "LHLO", "MAIL", "RCPT", "DATA", "BDAT", "RSET", "NOOP", "QUIT", "VRFY",
        "EXPN", "HELP", "STAR", "ETRN", "TURN", "ATRN", "SEND", "SOML", "SAML", "AUTH", "X-AN",
    ];
    let short: String = word.to_ascii_uppercase().chars().take(4).collect();
    if KNOWN.contains(&short.as_str()) {
        short
    } else {
        "?".to_owned()
    }
}

/// What is known of one capture.
struct Compared {
    name: String,
    path: PathBuf,
    /// What is shown: our number and theirs, for sessions, commands, authentications and messages.
    counts: [(usize, usize); 4],
    /// What does not agree: a word, and the numbers of both.
    differences: BTreeMap<String, String>,
    /// How to look at it.
    command: String,
}

fn main() -> ExitCode {
    let folders: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let files: Vec<(String, PathBuf)> =
        folders.iter().flat_map(|folder| captures(folder)).collect();
    if files.is_empty() {
        eprintln!("usage: corpus DIR...: folders that hold captures; there is none in {folders:?}");
        return ExitCode::from(2);
    }
    if !theirs::is_installed() {
        // A continuous build has everything installed, so there it is an error.
        eprintln!("SKIPPED: tshark is not installed");
        let continuous = env::var_os("CI").is_some_and(|value| !value.is_empty());
        return ExitCode::from(u8::from(continuous));
    }
    let explained = match Explained::read() {
        Ok(explained) => explained,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::from(2);
        }
    };
    println!(
        "{:<37} {:>8} {:>9} {:>6} {:>6}  verdict",
        "capture (ours/tshark's)", "sessions", "commands", "logins", "mails"
    );
    let mut tally = BTreeMap::new();
    let mut open = Vec::new();
    for compared in all(files) {
        let unexplained = explained.rest(&compared.name, &compared.differences);
        let stale = explained.stale(&compared.name, &compared.differences);
        let verdict = match (unexplained.is_empty(), stale.is_empty()) {
            (false, _) => "OPEN",
            (true, false) => "STALE",
            (true, true) if compared.differences.is_empty() => "same",
            (true, true) => "explained",
        };
        *tally.entry(verdict).or_insert(0_usize) += 1;
        println!("{}", row(&compared, verdict));
        if verdict == "OPEN" || verdict == "STALE" {
            open.push((compared, unexplained, stale));
        }
    }
    let counts: Vec<String> = tally
        .iter()
        .map(|(verdict, count)| format!("{count} {verdict}"))
        .collect();
    println!("\n{}", counts.join(", "));
    for (compared, unexplained, stale) in &open {
        println!("\n{}", compared.name);
        for (what, numbers) in unexplained {
            println!("  open:  {what} = \"{numbers}\"");
        }
        for (what, numbers) in stale {
            println!("  stale: {what} = \"{numbers}\" in docs/corpus.toml is no longer so");
        }
        println!("  audit: smtpspec audit -v {}", compared.path.display());
        println!("  look:  {}", compared.command);
    }
    if open.is_empty() {
        ExitCode::SUCCESS
    } else {
        println!("\nEach of these is a bug, or belongs into docs/corpus.toml with its reason.");
        ExitCode::FAILURE
    }
}

fn row(compared: &Compared, verdict: &str) -> String {
    let [sessions, commands, logins, messages] = compared
        .counts
        .map(|(ours, theirs)| format!("{ours}/{theirs}"));
    let skip = compared.name.chars().count().saturating_sub(37);
    let name: String = compared.name.chars().skip(skip).collect();
    format!("{name:<37} {sessions:>8} {commands:>9} {logins:>6} {messages:>6}  {verdict}")
}

/// Every capture below a folder, by the name of its path in there.
fn captures(folder: &Path) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).unwrap_or(&path);
            let name = name.to_string_lossy().into_owned();
            let plain = name.trim_end_matches(".gz").trim_end_matches(".zst");
            let ending = Path::new(plain).extension().unwrap_or_default();
            if ["pcap", "pcapng", "cap"].iter().any(|one| ending == *one) {
                found.push((name, path));
            }
        }
    }
    found.sort();
    found
}

/// Compares them on all cores; the answers come in the order of the files.
fn all(files: Vec<(String, PathBuf)>) -> impl Iterator<Item = Compared> {
    let count = files.len();
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let (sender, receiver) = mpsc::channel();
    let files = std::sync::Arc::new(files);
    let next = std::sync::Arc::new(AtomicUsize::new(0));
    for _ in 0..cores {
        let (sender, files, next) = (sender.clone(), files.clone(), next.clone());
        thread::spawn(move || {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some((name, path)) = files.get(number) else {
                    break;
                };
                if sender.send((number, compare(name, path))).is_err() {
                    break;
                }
            }
        });
    }
    drop(sender);
    let mut early = BTreeMap::new();
    (0..count).map(move |number| {
        loop {
            if let Some(compared) = early.remove(&number) {
                return compared;
            }
            let (which, compared) = receiver.recv().expect("every file gets an answer");
            early.insert(which, compared);
        }
    })
}

fn compare(name: &str, path: &Path) -> Compared {
    let ours = ours::audit(path);
    let sessions = ours
        .as_ref()
        .map(|(all, _)| all.clone())
        .unwrap_or_default();
    let ports = ours
        .as_ref()
        .map(|(_, ports)| ports.clone())
        .unwrap_or_default();
    let (theirs, command) = theirs::dissect(path, &ports);
    let mut differences = BTreeMap::new();
    if let Err(why) = &ours {
        differences.insert("not-read".to_owned(), why.clone());
    }
    let theirs = theirs.unwrap_or_else(|why| {
        differences.insert("not-dissected".to_owned(), why);
        Sessions::new()
    });
    let total = |all: &Sessions, number: fn(&Session) -> usize| -> usize {
        all.values().flatten().map(number).sum()
    };
    let numbers: [fn(&Session) -> usize; 4] = [
        |_| 1,
        |one| one.verbs.len(),
        |one| one.mechanisms.len(),
        |one| one.messages,
    ];
    let counts = numbers.map(|number| (total(&sessions, number), total(&theirs, number)));
    if ours.is_ok() {
        difference(&sessions, &theirs, &mut differences);
    }
    Compared {
        name: name.to_owned(),
        path: path.to_owned(),
        counts,
        differences,
        command,
    }
}

/// What does not agree, with the numbers of both. Sessions that only one has count there alone.
fn difference(ours: &Sessions, theirs: &Sessions, differences: &mut BTreeMap<String, String>) {
    let none = Vec::new();
    let pairs: BTreeSet<&Ends> = ours.keys().chain(theirs.keys()).collect();
    let mut sums: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut add = |what, ours: usize, theirs: usize| {
        let sum = sums.entry(what).or_default();
        sum.0 += ours;
        sum.1 += theirs;
    };
    for pair in pairs {
        let a = ours.get(pair).unwrap_or(&none);
        let b = theirs.get(pair).unwrap_or(&none);
        if a.len() != b.len() {
            add("sessions", a.len(), b.len());
        }
        for (a, b) in a.iter().zip(b) {
            if a.verbs != b.verbs {
                add("commands", a.verbs.len(), b.verbs.len());
            }
            if a.mechanisms != b.mechanisms {
                add("logins", a.mechanisms.len(), b.mechanisms.len());
            }
            if let (Some(x), Some(y)) = (&a.users, &b.users)
                && x != y
            {
                add("users", x.len(), y.len());
            }
            if a.messages != b.messages {
                add("messages", a.messages, b.messages);
            }
        }
    }
    for (what, (a, b)) in sums {
        differences.insert(what.to_owned(), format!("ours {a}, tshark's {b}"));
    }
}

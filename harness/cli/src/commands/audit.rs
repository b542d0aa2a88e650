//! `smtpspec audit`: captures from the field.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use claims::Given;
use wire::pipeline::{Settings, Summary};
use wire::source::{Origin, Sources, is_capture};

use super::{format, output, profile};
use crate::args::{AuditArgs, Cli};
use crate::audit::live::{self, Dropped};
use crate::audit::stop::{self, Stop};
use crate::audit::{self, AtTheEnd, Detail, Gatherer, Plan, Watch};
use crate::road;
use crate::{Exit, Failure};

/// Files longer than this are hashed only where that is asked for: it takes longer than to read the mail in them.
const HASHED: u64 = 64 << 20;

pub(super) fn run(cli: &Cli, args: &AuditArgs) -> Result<Exit, Failure> {
    let profile = profile(&args.judging.profile)?;
    let format = format(&args.judging.format)?;
    let plan = Plan {
        profile,
        given: Arc::new(Given::default()),
        lanes: args.threads.unwrap_or_else(processors),
        detail: if format.name == "json" {
            Detail::All
        } else {
            Detail::Sample
        },
    };
    let stop = Stop::on_signal(cli.quiet)?;
    let (origins, dropped) = match &args.interface {
        Some(interface) => {
            let (origin, dropped) = live::open(interface, &stop)?;
            let hint = format!("listening on {interface}; Ctrl-C ends and judges");
            output::hint(cli, &hint);
            (vec![origin], dropped)
        }
        None => (origins(&args.captures, &stop)?, Dropped::default()),
    };
    let total = origins.iter().map(Origin::size).sum();
    let sources = Sources::new(origins);
    let settings = Settings {
        stop: stop.now(),
        ..Settings::default()
    };
    let mut sink = AtTheEnd;
    let mut collector = Gatherer::new(road::empty("audit", profile), profile, &mut sink);
    let summary = {
        let progress = Arc::clone(&settings.progress);
        let _watch = (!cli.quiet).then(|| Watch::start(progress, sources.count(), total));
        audit::audit(&plan, sources, settings, &mut collector)
    };
    let mut gathered = collector.finish();
    gathered.notes.extend(stop.note());
    let mut complaints = complaints(&summary);
    complaints.extend(dropped.complaint());
    if gathered.count == 0 && summary.errors().count() < summary.files.len() {
        complaints.push(format!(
            "{}: no SMTP conversation among {} TCP connection(s) in {} packet(s); nothing was judged",
            names(args),
            summary.passed_over,
            summary.packets
        ));
    }
    let any = gathered.count > 0;
    let result = gathered.into_outcome(captures(summary, args)?, profile);
    if any {
        output::print(cli, format, &result)?;
    }
    for complaint in &complaints {
        anstream::eprintln!("error: {complaint}");
    }
    Ok(match (complaints.is_empty(), result.met()) {
        (false, _) => Exit::Trouble,
        (true, true) => Exit::Met,
        (true, false) => Exit::NotMet,
    })
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn names(args: &AuditArgs) -> String {
    match args.captures.as_slice() {
        [one] => one.display().to_string(),
        [first, rest @ ..] => format!("{} and {} more", first.display(), rest.len()),
        [] => args.interface.clone().unwrap_or_default(),
    }
}

/// What is to be read: files as they are, folders for the captures in them, `-` for standard input.
fn origins(captures: &[PathBuf], stop: &Stop) -> Result<Vec<Origin>, Failure> {
    let mut origins = Vec::new();
    for path in captures {
        if path.as_os_str() == "-" {
            origins.push(Origin::Stream {
                name: PathBuf::from("-"),
                reader: stop::stdin(stop)?,
            });
        } else if path.is_dir() {
            let mut found = Vec::new();
            folder(path, &mut found).map_err(|error| {
                Failure::input(format!("cannot read {}: {error}", path.display()))
            })?;
            if found.is_empty() {
                return Err(Failure::input(format!(
                    "{}: there is no capture in this folder; expected pcap or pcapng files, plain, gzip or zstd",
                    path.display()
                )));
            }
            found.sort();
            origins.extend(found.into_iter().map(Origin::File));
        } else {
            origins.push(Origin::File(path.clone()));
        }
    }
    Ok(origins)
}

/// The captures in a folder and the folders below it, told by their first bytes.
fn folder(path: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            folder(&entry.path(), found)?;
        } else if kind.is_file() && is_capture(&entry.path()) {
            found.push(entry.path());
        }
    }
    Ok(())
}

fn complaints(summary: &Summary) -> Vec<String> {
    let mut complaints: Vec<_> = summary
        .errors()
        .map(|(_, error)| error.to_string())
        .collect();
    complaints.extend(summary.files.iter().filter_map(road::truncation));
    complaints.extend(summary.problems.iter().cloned());
    complaints
}

/// The captures that could be read, as the result names them.
fn captures(
    summary: Summary,
    args: &AuditArgs,
) -> Result<Vec<claims::result::CaptureFile>, Failure> {
    let several = summary.files.len() > 1;
    let mut notes = summary.notes;
    let mut captures = Vec::new();
    for file in summary.files {
        if file.error.is_some() {
            continue;
        }
        let path = file.name.clone();
        let numbers = file.numbers.filter(|_| several);
        let mut capture = road::capture_file(&file, &std::mem::take(&mut notes));
        capture.numbers = numbers;
        let length = path.metadata().ok().filter(std::fs::Metadata::is_file);
        if length.is_some_and(|metadata| args.sha256 || metadata.len() <= HASHED) {
            capture.sha256 = road::sha256(&path)?;
        }
        captures.push(capture);
    }
    Ok(captures)
}

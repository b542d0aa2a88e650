//! `smtpspec index`: the index of an evidence folder, made anew on the road that made it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use claims::Given;
use claims::result::ConversationOutcome;
use evidence::index::{self, Anew, Entry, Index, Session};
use evidence::{captures, verify};
use smtp::tls::KeyLog;
use wire::pipeline::{Settings, Summary};
use wire::source::{Origin, Sources};

use super::{output, processors, profile, serve};
use crate::args::{Cli, IndexArgs};
use crate::audit::{self, Detail, Gatherer, Plan, Sink};
use crate::road::{self, Scope};
use crate::{Exit, Failure};

/// Sessions that are written together.
const TOGETHER: usize = 512;

/// The case that `serve` puts its conversations into.
pub(super) const CASE: &str = "S1";

pub(super) fn run(cli: &Cli, args: &IndexArgs) -> Result<Exit, Failure> {
    let profile = profile(&args.profile)?;
    let cannot = |error: io::Error| {
        Failure::input(format!(
            "cannot make the index of {}: {error}",
            args.folder.display()
        ))
    };
    let runs = runs(&args.folder).map_err(cannot)?;
    if runs.is_empty() {
        return Err(Failure::input(format!(
            "{}: there is no capture in this folder",
            args.folder.display()
        )));
    }
    let plan = Plan {
        profile,
        given: Arc::new(Given::default()),
        keys: Arc::new(KeyLog::new()),
        lanes: processors(),
        detail: Detail::EachInBrief,
        scope: Scope::Lab,
        bounds: serve::BOUNDS,
    };
    let mut anew = Index::anew(&args.folder).map_err(cannot)?;
    let mut complaints = Vec::new();
    let mut sessions = 0;
    for captures in &runs {
        let (count, summary) = one(&mut anew, &plan, captures).map_err(cannot)?;
        sessions += count;
        complaints.extend(summary.errors().map(|(_, error)| error.to_string()));
        complaints.extend(summary.files.iter().filter_map(road::truncation));
        complaints.extend(summary.problems);
    }
    anew.finish().map_err(cannot)?;
    output::hint(
        cli,
        &format!(
            "{}: {sessions} sessions of {} runs",
            args.folder.join(index::NAME).display(),
            runs.len()
        ),
    );
    for complaint in &complaints {
        output::say(complaint);
    }
    Ok(Exit::Met)
}

/// The captures of a folder, those of a run together.
fn runs(folder: &Path) -> io::Result<Vec<Vec<PathBuf>>> {
    let mut runs: Vec<(Option<String>, Vec<PathBuf>)> = Vec::new();
    for path in verify::captures(folder)? {
        let comment = captures::comment(&path)?;
        match runs.last_mut() {
            Some((last, run)) if *last == comment => run.push(path),
            _ => runs.push((comment, vec![path])),
        }
    }
    Ok(runs.into_iter().map(|(_, run)| run).collect())
}

fn one(anew: &mut Anew, plan: &Plan, captures: &[PathBuf]) -> io::Result<(u64, Summary)> {
    let plan = Plan {
        keys: Arc::new(KeyLog::new()),
        ..plan.clone()
    };
    anew.index.begin(&name(&captures[0]), &plan.profile.id)?;
    let mut writer = Writer {
        index: &mut anew.index,
        batch: Vec::new(),
        count: 0,
        problem: None,
    };
    let empty = road::empty("serve", plan.profile);
    let mut gatherer = Gatherer::new(CASE, empty, plan.profile, &mut writer);
    let origins = captures.iter().cloned().map(Origin::File).collect();
    let summary = audit::audit(
        &plan,
        Sources::new(origins),
        Settings::default(),
        &mut gatherer,
    );
    drop(gatherer);
    writer.write(&places(&summary));
    let count = writer.count;
    writer.problem.map_or(Ok(()), Err)?;
    anew.index.complete()?;
    Ok((count, summary))
}

/// The first packet of each capture: of one that has none, that of the next.
fn places(summary: &Summary) -> Vec<(String, u64)> {
    let mut next = 1;
    let mut places = Vec::new();
    for file in &summary.files {
        let (first, last) = file.numbers.unwrap_or((next, next - 1));
        places.push((name(&file.name), first));
        next = last + 1;
    }
    places
}

fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// Brings sessions into the index.
struct Writer<'a> {
    index: &'a mut Index,
    batch: Vec<Entry>,
    count: u64,
    problem: Option<io::Error>,
}

impl Writer<'_> {
    fn write(&mut self, captures: &[(String, u64)]) {
        let batch = std::mem::take(&mut self.batch);
        if self.problem.is_none() {
            self.problem = self.index.write(&batch, captures).err();
        }
    }
}

impl Sink for Writer<'_> {
    fn conversation(&mut self, conversation: &ConversationOutcome) {
        self.count += 1;
        let json = serde_json::to_vec(conversation).unwrap_or_default();
        self.batch.push(Entry {
            session: Session::of(conversation),
            packed: index::pack(&json),
        });
        if self.batch.len() == TOGETHER {
            self.write(&[]);
        }
    }

    fn wants_sample(&self) -> bool {
        false
    }
}

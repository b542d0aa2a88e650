//! `smtpspec audit`: captures from the field.

use std::sync::Arc;

use claims::result::{CaptureFile, Outcome};
use wire::pipeline::{Settings, Summary};
use wire::source::{Origin, Sources};

use super::baseline::Baseline;
use super::reports::Reports;
use super::{bundle, output, profile, stated};
use crate::args::{AuditArgs, Cli};
use crate::audit::inputs::{self, Inputs};
use crate::audit::stop::Stop;
use crate::audit::{self, Gathered, Gatherer, Plan, Sink, Watch, known};
use crate::road::{self, Scope};
use crate::{Exit, Failure};

/// Files longer than this are hashed only where that is asked for: it takes longer than to read the mail in them.
const HASHED: u64 = 64 << 20;

pub(super) fn run(cli: &Cli, args: &AuditArgs) -> Result<Exit, Failure> {
    let profile = profile(&args.judging.profile)?;
    let reports = Reports::into_folder(&args.judging.reporting.format, args.out.as_deref())?;
    let live = args.interface.is_some();
    args.bundle.check(args.captures.iter(), live)?;
    let document = bundle::document(&args.bundle)?;
    let document = document.as_deref();
    let plan = Plan {
        profile,
        given: Arc::new(known::given(args)?),
        keys: Arc::new(known::key_log(args.tls_keylog.as_deref())?),
        lanes: args.threads.unwrap_or_else(super::processors).max(1),
        detail: reports.detail(document.is_some()),
        scope: Scope::Field,
        bounds: audit::FIELD,
    };
    let mut empty = road::empty("audit", profile);
    stated::state(&mut empty, args.judging.reporting.coverage.as_deref())?;
    let baseline = Baseline::read(args.judging.baseline.as_deref(), "audit", None)?;
    let inputs = Inputs::open(args, Stop::on_signal(cli.quiet)?)?;
    if let Some(interface) = &args.interface {
        let hint = format!("listening on {interface}; Ctrl-C ends and judges");
        output::hint(cli, &hint);
    }
    let settings = Settings {
        stop: inputs.stop.now(),
        ..Settings::default()
    };
    let mut streams = reports.streams(&settings.stop, document)?;
    let (gathered, summary) = read(cli, &plan, inputs, settings, (empty, &mut streams));
    conclude(args, &plan, gathered, summary, |result| {
        baseline.compare(cli, result);
        streams.finish(result)?;
        reports.write(cli, result, true)?;
        bundle::make(
            cli,
            &args.bundle,
            (result, plan.profile),
            &reports,
            document,
        )
    })
}

/// Reads everything, with progress on standard error.
fn read(
    cli: &Cli,
    plan: &Plan,
    inputs: Inputs,
    settings: Settings,
    (empty, sink): (Outcome, &mut dyn Sink),
) -> (Gathered, Summary) {
    let total = inputs.origins.iter().map(Origin::size).sum();
    let sources = Sources::new(inputs.origins);
    let mut gatherer = Gatherer::new("C1", empty, plan.profile, sink);
    let progress = Arc::clone(&settings.progress);
    let watch = (!cli.quiet).then(|| Watch::start(progress, sources.count(), total));
    let mut summary = audit::audit(plan, sources, settings, &mut gatherer);
    drop(watch);
    summary.problems.extend(inputs.dropped.complaint());
    let mut all = gatherer.finish();
    all.notes.extend(inputs.stop.note());
    (all, summary)
}

/// Shows what came of it, and complains of what could not be read.
fn conclude(
    args: &AuditArgs,
    plan: &Plan,
    gathered: Gathered,
    summary: Summary,
    show: impl FnOnce(&mut Outcome) -> Result<(), Failure>,
) -> Result<Exit, Failure> {
    let mut complaints = complaints(&summary);
    if gathered.count == 0 && summary.errors().count() < summary.files.len() {
        complaints.push(format!(
            "{}: no SMTP conversation among {} TCP connection(s) in {} packet(s); nothing was judged",
            inputs::names(args),
            summary.passed_over,
            summary.packets
        ));
    }
    let any = gathered.count > 0;
    let mut result = gathered.into_outcome(None, captures(summary, args)?, plan.profile);
    if any {
        show(&mut result)?;
    }
    for complaint in &complaints {
        output::say(&format!("error: {complaint}"));
    }
    let exit = match (complaints.is_empty(), result.met()) {
        (false, _) => Exit::Trouble,
        (true, true) => Exit::Met,
        (true, false) => Exit::NotMet,
    };
    // The program ends here; to take a large result apart piece by piece takes longer than to let go of it.
    std::mem::forget(result);
    Ok(exit)
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
fn captures(summary: Summary, args: &AuditArgs) -> Result<Vec<CaptureFile>, Failure> {
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

//! `smtpspec run`: scenarios against the reference adapter, or against clients that are not ours.

mod chosen;
mod judged;
mod known;
mod outside;
mod pool;
mod select;
mod tell;

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use claims::Profile;
use claims::given::Reported;
use claims::result::{Outcome, Requirement};
use lab::adapter::Twin;
use lab::runner::{self, CaseRun, RunOptions};
use lab::scenario::Scenario;

use super::baseline::Baseline;
use super::reports::Reports;
use super::{bundle, output, profile, runtime, stated};
use crate::args::{Cli, RunArgs};
use crate::road::{self, Expected, Scope};
use crate::{Exit, Failure};
use select::{check_expectations, filter, select};

/// Cases of the reference adapter that are run side by side, unless said otherwise. They mostly wait.
const JOBS: usize = 16;

pub(super) fn run(cli: &Cli, args: &RunArgs) -> Result<Exit, Failure> {
    let profile = profile(&args.judging.profile)?;
    let reports = Reports::one_or_several(&args.judging.reporting.format, &args.out)?;
    let clients = chosen::clients(&args.client)?;
    if clients.is_empty() {
        let scenarios = filter(select(&args.scenarios)?, &args.filters)?;
        check_expectations(&scenarios, profile)?;
        return adapter(cli, args, scenarios, &args.out, profile, &reports);
    }
    if args.pinned || !args.twin.is_empty() {
        return Err(Failure::input(
            "--pinned and --twin are for the reference adapter alone; leave --client out",
        ));
    }
    outside::run(cli, args, clients, profile, &reports)
}

/// The reference adapter.
fn adapter(
    cli: &Cli,
    args: &RunArgs,
    scenarios: Vec<Scenario>,
    out: &Path,
    profile: &'static Profile,
    reports: &Reports,
) -> Result<Exit, Failure> {
    let twins = args
        .twin
        .iter()
        .map(|name| twin(name))
        .collect::<Result<Vec<_>, _>>()?;
    output::folder(out)?;
    let baseline = Baseline::read(args.judging.baseline.as_deref(), "run", None)?;
    let options = RunOptions {
        out: out.to_owned(),
        twins,
        pinned: args.pinned,
    };
    let started = Instant::now();
    let jobs = args.jobs.unwrap_or(JOBS);
    let mut outcome = replay_until(
        scenarios,
        options,
        jobs,
        profile,
        Manner {
            fail_fast: args.filters.fail_fast,
            leaks: !args.client.client.is_empty(),
        },
    )?;
    stated::state(&mut outcome, args.judging.reporting.coverage.as_deref())?;
    let took = started.elapsed();
    baseline.compare(cli, &mut outcome);
    output::save(&out.join("result.json"), &outcome)?;
    reports.write(cli, &outcome, false)?;
    bundle::make(cli, &args.bundle, (&outcome, profile), reports, None)?;
    output::hint(
        cli,
        &format!(
            "{} case(s) in {:.2} s; captures and result.json are in {}",
            outcome.cases.len(),
            took.as_secs_f64(),
            out.display()
        ),
    );
    Ok(Exit::of(&outcome))
}

/// Runs the scenarios, reads their captures back, and judges those.
///
/// # Errors
///
/// The harness could not do its part.
pub fn replay(
    scenarios: Vec<Scenario>,
    options: RunOptions,
    jobs: usize,
    profile: &'static Profile,
) -> Result<Outcome, Failure> {
    replay_until(scenarios, options, jobs, profile, Manner::default())
}

/// How a run of the adapter goes.
#[derive(Clone, Copy, Debug, Default)]
struct Manner {
    /// No longer than until the first case that is not met.
    fail_fast: bool,
    /// With what each conversation gave away: beside other clients, it is held against theirs.
    leaks: bool,
}

/// As [`replay`], in some manner.
fn replay_until(
    scenarios: Vec<Scenario>,
    options: RunOptions,
    jobs: usize,
    profile: &'static Profile,
    manner: Manner,
) -> Result<Outcome, Failure> {
    let options = Arc::new(options);
    let mut parts = Vec::new();
    let start = |scenario: Scenario| {
        let options = Arc::clone(&options);
        async move {
            let run = runner::run(&scenario, &options).await;
            (scenario, run)
        }
    };
    let done = |place: usize, scenario: &Scenario, run: std::io::Result<CaseRun>| {
        let run = run.map_err(|error| Failure::input(format!("{}: {error}", scenario.id.value)))?;
        let mut part = road::empty("run", profile);
        judge(&mut part, scenario, run, profile, manner.leaks)?;
        let stop = manner.fail_fast && !part.met();
        parts.push((place, part));
        Ok(if stop {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    };
    runtime()?.block_on(pool::each(scenarios, jobs, start, done))?;
    let mut whole = joined(road::empty("run", profile), parts);
    road::add_controls(&mut whole, profile);
    Ok(whole)
}

/// Puts the results of single cases together, in the order of the cases.
fn joined(mut whole: Outcome, mut parts: Vec<(usize, Outcome)>) -> Outcome {
    parts.sort_by_key(|(place, _)| *place);
    for (_, part) in parts {
        whole.cases.extend(part.cases);
        for conversation in part.conversations {
            whole.add(conversation);
        }
    }
    whole
}

/// Judges one case from its capture, and compares with what its scenario expects.
fn judge(
    outcome: &mut Outcome,
    scenario: &Scenario,
    run: CaseRun,
    profile: &'static Profile,
    leaks: bool,
) -> Result<(), Failure> {
    let evidence = road::read(&run.capture, Scope::Lab)?;
    if let Some(cut) = &evidence.truncated {
        return Err(Failure::input(cut.clone()));
    }
    // Who refuses may do so without a connection.
    let refused = run.given.may_refuse && run.given.reported == Some(Reported::Failed);
    let unfired = run.given.unfired.clone();
    let id = &scenario.id.value;
    let case = road::judge_case(
        outcome,
        (id, &scenario.title, &scenario.family),
        evidence,
        run.given,
        profile,
        &Expected {
            leaks,
            ..expected(scenario)
        },
    );
    let unplayed = !unfired.is_empty();
    case.file.clone_from(&scenario.source.name);
    case.problems.extend(unfired);
    let absent = case.conversations.is_empty() && !refused;
    if absent {
        case.problems.push("the client never connected".to_owned());
    }
    case.problems
        .extend(runner::unexpected_outcome(scenario, &run.outcome));
    case.met = case.problems.is_empty();
    if !case.met {
        // Not a fault by itself: a client may wait for a reply that the case withholds. It may be the cause of one.
        case.problems.extend(run.ended);
    }
    case.verdict = Some(road::case_verdict(case, unplayed || absent));
    Ok(())
}

/// What a scenario expects, as the road takes it.
fn expected(scenario: &Scenario) -> Expected<'_> {
    let expect = &scenario.expect;
    Expected {
        claims: expect
            .claims
            .iter()
            .map(|(id, word)| (id.value.as_str(), word.as_str()))
            .collect(),
        checks: expect
            .checks
            .iter()
            .map(|(id, wanted)| (id.value.as_str(), *wanted))
            .collect(),
        requirement: requirement(scenario),
        leaks: false,
    }
}

/// What a scenario asks of any client, if it asks something.
fn requirement(scenario: &Scenario) -> Option<Requirement> {
    (!scenario.requirement.is_empty()).then(|| Requirement {
        text: scenario.requirement.clone(),
        level: scenario.level.as_str().to_owned(),
        references: scenario.reference.clone(),
        clauses: scenario.clauses.iter().map(|id| id.value.clone()).collect(),
    })
}

fn twin(name: &str) -> Result<Twin, Failure> {
    name.parse().map_err(|error| {
        Failure::input(format!(
            "{error}; `smtpspec list twins` shows what there is"
        ))
    })
}

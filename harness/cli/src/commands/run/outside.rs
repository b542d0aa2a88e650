//! Clients that are not ours: the control case, all cases, the control case again, for each of them.

use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use claims::result::{ClientText, Outcome};
use claims::{Profile, Verdict};
use lab::client::{Client, Definition, ExpectedFailures};
use lab::runner::outside::{self, Options, Way};
use lab::scenario::Scenario;

use super::chosen::{Chosen, How, invalid, patience};
use super::judged::judged;
use super::select::{check_expectations, filter, select};
use super::tell::tell;
use super::{joined, known, pool};
use crate::args::{Cli, ClientArgs, RunArgs};
use crate::commands::baseline::Baseline;
use crate::commands::reports::Reports;
use crate::commands::{bundle, catalogue, output, runtime, stated};
use crate::road;
use crate::{Exit, Failure};

/// The benign cases that are run before and after all others.
const CONTROLS: [&str; 2] = ["BEN-01", "BEN-02"];

/// What is the same for all clients.
struct Plan {
    scenarios: Vec<Scenario>,
    /// The first and the last case.
    controls: [Scenario; 2],
    known: Option<ExpectedFailures>,
    profile: &'static Profile,
    jobs: usize,
    fail_fast: bool,
}

/// What came of one client.
struct Tested {
    outcome: Outcome,
    /// Why its cases say nothing, where that is so.
    trouble: Option<String>,
}

pub(super) fn run(
    cli: &Cli,
    args: &RunArgs,
    clients: Vec<Chosen>,
    profile: &'static Profile,
    reports: &Reports,
) -> Result<Exit, Failure> {
    let several = clients.len() > 1;
    if several && args.bundle.bundle.is_some() {
        return Err(Failure::input(
            "--bundle is for one client; give several one after the other, each with a bundle of its own",
        ));
    }
    if let Some(format) = reports
        .on_standard_output()
        .filter(|format| several && format.name != "text")
    {
        return Err(Failure::input(format!(
            "--format {} is for one client; with several, each folder has its result.json, and `smtpspec grid` shows \
             them side by side",
            format.name
        )));
    }
    if several && args.judging.baseline.is_some() {
        return Err(Failure::input(
            "--baseline is for one client; give several one after the other, each with a baseline of its own",
        ));
    }
    let only = clients
        .first()
        .filter(|one| !matches!(one.how, How::Adapter))
        .map(|one| one.id.as_str());
    let baseline = Baseline::read(args.judging.baseline.as_deref(), "run", only)?;
    let plan = plan(args, profile)?;
    let mut exit = Exit::Met;
    let mut ran = false;
    for client in clients {
        let out = args.out.join(&client.id);
        let reports = reports.moved(&out);
        let id = client.id.clone();
        if matches!(client.how, How::Adapter) {
            ran = true;
            let mut scenarios = plan.scenarios.clone();
            scenarios.extend(plan.controls.clone());
            let ended = super::adapter(cli, args, scenarios, &out, profile, &reports)?;
            exit = worse(exit, ended);
            continue;
        }
        let started = Instant::now();
        let optional = client.optional;
        let way = match way(client.how) {
            Err(failure) if optional => {
                output::hint(cli, &format!("{id}: left out: {failure}"));
                continue;
            }
            other => other,
        };
        let mut tested = match way.and_then(|way| one(&id, way, &plan, args, &out)) {
            Ok(tested) => tested,
            // With several clients, one that is not there costs its own column only.
            Err(failure) if several => {
                anstream::eprintln!("error: {failure}");
                exit = Exit::Trouble;
                continue;
            }
            Err(failure) => return Err(failure),
        };
        ran = true;
        baseline.compare(cli, &mut tested.outcome);
        output::save(&out.join("result.json"), &tested.outcome)?;
        reports.write(cli, &tested.outcome, false)?;
        bundle::make(
            cli,
            &args.bundle,
            (&tested.outcome, profile),
            &reports,
            None,
        )?;
        output::hint(
            cli,
            &format!(
                "{id}: {} case(s) in {:.2} s; captures, logs and result.json are in {}",
                tested.outcome.cases.len(),
                started.elapsed().as_secs_f64(),
                out.display()
            ),
        );
        exit = worse(exit, Exit::of(&tested.outcome));
        if let Some(trouble) = tested.trouble {
            output::say(&format!("error: {id}: {trouble}"));
            exit = Exit::Trouble;
        }
    }
    if !ran {
        return Err(Failure::input(
            "no client could be run; `smtpspec list clients` says why",
        ));
    }
    Ok(exit)
}

fn worse(one: Exit, other: Exit) -> Exit {
    if one.code() >= other.code() {
        one
    } else {
        other
    }
}

/// What is to be run. Where nothing is named: every case that asks something of any client, slow ones only if asked for.
fn plan(args: &RunArgs, profile: &'static Profile) -> Result<Plan, Failure> {
    let mut scenarios = select(&args.scenarios)?;
    if args.scenarios.is_empty() {
        scenarios.retain(|one| !one.requirement.is_empty() && (args.filters.slow || !one.slow));
    }
    let mut scenarios = filter(scenarios, &args.filters)?;
    check_expectations(&scenarios, profile)?;
    scenarios.retain(|one| !CONTROLS.contains(&one.id.value.as_str()));
    let mut all = catalogue()?;
    let known = match &args.client.expected_failures {
        None => None,
        Some(path) => {
            let known = ExpectedFailures::load(path).map_err(|error| invalid(&error))?;
            let ids = all
                .iter()
                .chain(&scenarios)
                .map(|one| one.id.value.as_str());
            known
                .check(&ids.collect::<Vec<_>>())
                .map_err(|problems| Failure::rendered(&problems.render(false)))?;
            Some(known)
        }
    };
    let controls = CONTROLS.map(|id| {
        let place = all.iter().position(|one| one.id.value == id);
        all.swap_remove(place.expect("the catalogue has its control cases"))
    });
    // On one port, one case after the other.
    let jobs = if args.client.port.is_some_and(|port| port != 0) || args.client.attended {
        1
    } else {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        args.jobs.unwrap_or(processors)
    };
    Ok(Plan {
        scenarios,
        controls,
        known,
        profile,
        jobs,
        fail_fast: args.filters.fail_fast,
    })
}

/// The client, ready to be set going.
fn way(how: How) -> Result<Way, Failure> {
    let prepare = |definition: Box<Definition>| {
        runtime()?
            .block_on(Client::prepare(*definition))
            .map_err(|error| Failure::input(format!("{error}; docs/clients.md says how")))
    };
    Ok(match how {
        How::Program(definition) => Way::Program(prepare(definition)?),
        How::Trigger(definition) => Way::Trigger(prepare(definition)?),
        How::Attended | How::Adapter => Way::Attended,
    })
}

/// All cases with one client.
fn one(id: &str, way: Way, plan: &Plan, args: &RunArgs, out: &Path) -> Result<Tested, Failure> {
    output::folder(out)?;
    let text = described(id, &way);
    let options = Arc::new(options(&args.client, way, out));
    let mut tested = runtime()?.block_on(cases(plan, &options))?;
    tested.outcome.client = Some(text);
    stated::state(
        &mut tested.outcome,
        args.judging.reporting.coverage.as_deref(),
    )?;
    if let Some(known) = &plan.known {
        let today = stated::today()?;
        for case in &mut tested.outcome.cases {
            known::settle(case, known.find(id, &case.id), today);
        }
    }
    Ok(tested)
}

fn options(args: &ClientArgs, way: Way, out: &Path) -> Options {
    Options {
        out: out.to_owned(),
        way,
        address: args.address,
        port: args.port.unwrap_or(0),
        limit: args.limit,
        wait: patience(args),
    }
}

fn described(id: &str, way: &Way) -> ClientText {
    let (title, version) = match way {
        Way::Program(client) | Way::Trigger(client) => (
            client.definition().title.clone(),
            client.version().map(str::to_owned),
        ),
        Way::Attended => ("a client that a person sets going".to_owned(), None),
    };
    ClientText {
        id: id.to_owned(),
        title,
        version,
    }
}

/// The control case, all cases, the control case. A client that fails the first is not put to the others.
async fn cases(plan: &Plan, options: &Arc<Options>) -> Result<Tested, Failure> {
    let [first, last] = &plan.controls;
    let mut outcome = road::empty("run", plan.profile);
    let control = single(first, options, plan.profile).await?;
    let trouble = amiss(&control).map(|why| {
        format!(
            "the control case {} failed, so nothing else was run: {why}",
            first.id.value
        )
    });
    outcome = joined(outcome, vec![(0, control)]);
    if trouble.is_some() {
        road::add_controls(&mut outcome, plan.profile);
        return Ok(Tested { outcome, trouble });
    }
    let mut parts = Vec::new();
    let start = |scenario: Scenario| {
        let options = Arc::clone(options);
        async move {
            let case = outside::run(&scenario, &options, &tell).await;
            (scenario, case)
        }
    };
    let done = |place: usize, scenario: &Scenario, case: io::Result<outside::Case>| {
        let part = judged(
            scenario,
            case.map_err(|error| failed(scenario, &error))?,
            plan.profile,
        )?;
        let failed = part.cases.iter().any(|case| !case.met);
        parts.push((place, part));
        Ok(if failed && plan.fail_fast {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    };
    pool::each(plan.scenarios.clone(), plan.jobs, start, done).await?;
    let stopped = plan.fail_fast && parts.iter().any(|(_, part)| !part.met());
    outcome = joined(outcome, parts);
    let mut trouble = None;
    if !stopped {
        let control = single(last, options, plan.profile).await?;
        trouble = amiss(&control).map(|why| {
            format!(
                "the control case {} failed after the others, so what they say is in doubt: {why}",
                last.id.value
            )
        });
        outcome = joined(outcome, vec![(0, control)]);
    }
    road::add_controls(&mut outcome, plan.profile);
    Ok(Tested { outcome, trouble })
}

/// A control case, which has to be passed.
async fn single(
    scenario: &Scenario,
    options: &Options,
    profile: &'static Profile,
) -> Result<Outcome, Failure> {
    let case = outside::run(scenario, options, &tell)
        .await
        .map_err(|error| failed(scenario, &error))?;
    let mut control = judged(scenario, case, profile)?;
    for case in &mut control.cases {
        case.met = case.verdict == Some(Verdict::Pass);
    }
    Ok(control)
}

fn failed(scenario: &Scenario, error: &io::Error) -> Failure {
    let advice = match error.kind() {
        io::ErrorKind::PermissionDenied => "; a port below 1024 needs privilege",
        io::ErrorKind::AddrInUse => "; another program listens there",
        _ => "",
    };
    Failure::input(format!("{}: {error}{advice}", scenario.id.value))
}

/// Why a control case does not show that client and harness understand each other.
fn amiss(control: &Outcome) -> Option<String> {
    let case = control.cases.first()?;
    if case.verdict == Some(Verdict::Pass) {
        return None;
    }
    let mut why = case.problems.join("; ");
    if let Some(log) = &case.client_log {
        why = format!("{why}; its log is {log}");
    }
    Some(why)
}

//! `smtpspec run`: scenarios against the reference adapter.

use std::sync::Arc;
use std::time::Instant;

use claims::Profile;
use claims::given::Reported;
use claims::result::{Outcome, Requirement};
use lab::adapter::Twin;
use lab::runner::{self, CaseRun, RunOptions};
use lab::scenario::{Code, Scenario, load_cases, load_tree, reject_duplicates};
use tokio::sync::Semaphore;

use super::{catalogue, format, output, profile, runtime};
use crate::args::{Cli, RunArgs};
use crate::road::{self, Expected, Scope};
use crate::{Exit, Failure};

pub(super) fn run(cli: &Cli, args: &RunArgs) -> Result<Exit, Failure> {
    let profile = profile(&args.judging.profile)?;
    let format = format(&args.judging.format)?;
    let twins = args
        .twin
        .iter()
        .map(|name| twin(name))
        .collect::<Result<Vec<_>, _>>()?;
    let scenarios = select(&args.scenarios)?;
    check_expectations(&scenarios, profile)?;
    output::folder(&args.out)?;
    let options = RunOptions {
        out: args.out.clone(),
        twins,
        pinned: args.pinned,
    };
    let started = Instant::now();
    let outcome = replay(scenarios, options, args.jobs, profile)?;
    let took = started.elapsed();
    output::save(&args.out.join("result.json"), &outcome)?;
    output::print(cli, format, &outcome)?;
    output::hint(
        cli,
        &format!(
            "{} case(s) in {:.2} s; captures and result.json are in {}",
            outcome.cases.len(),
            took.as_secs_f64(),
            args.out.display()
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
    let runs = runtime()?.block_on(run_all(scenarios, options, jobs.max(1)))?;
    let mut outcome = road::empty("run", profile);
    for (scenario, run) in runs {
        judge(&mut outcome, &scenario, run, profile)?;
    }
    Ok(outcome)
}

async fn run_all(
    scenarios: Vec<Scenario>,
    options: RunOptions,
    jobs: usize,
) -> Result<Vec<(Scenario, CaseRun)>, Failure> {
    let options = Arc::new(options);
    let places = Arc::new(Semaphore::new(jobs));
    let tasks: Vec<_> = scenarios
        .into_iter()
        .map(|scenario| {
            let (options, places) = (Arc::clone(&options), Arc::clone(&places));
            tokio::spawn(async move {
                let _place = places.acquire_owned().await;
                let run = runner::run(&scenario, &options).await;
                (scenario, run)
            })
        })
        .collect();
    let mut done = Vec::with_capacity(tasks.len());
    for task in tasks {
        let (scenario, run) = task
            .await
            .map_err(|error| Failure::input(format!("a case broke off: {error}")))?;
        let run = run.map_err(|error| Failure::input(format!("{}: {error}", scenario.id.value)))?;
        done.push((scenario, run));
    }
    Ok(done)
}

/// Judges one case from its capture, and compares with what its scenario expects.
fn judge(
    outcome: &mut Outcome,
    scenario: &Scenario,
    run: CaseRun,
    profile: &'static Profile,
) -> Result<(), Failure> {
    let evidence = road::read(&run.capture, Scope::Lab)?;
    if let Some(cut) = &evidence.truncated {
        return Err(Failure::input(cut.clone()));
    }
    // Who refuses may do so without a connection.
    let refused = run.given.may_refuse && run.given.reported == Some(Reported::Failed);
    let unfired = run.given.unfired.clone();
    let id = &scenario.id.value;
    let expect = &scenario.expect;
    let expected = Expected {
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
    };
    let case = road::judge_case(
        outcome,
        (id, &scenario.title, &scenario.family),
        evidence,
        run.given,
        profile,
        &expected,
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

/// The scenarios that the words on the command line name.
fn select(words: &[String]) -> Result<Vec<Scenario>, Failure> {
    let catalogue = catalogue()?;
    if words.is_empty() {
        return Ok(catalogue);
    }
    let mut chosen: Vec<Scenario> = Vec::new();
    for word in words {
        chosen.extend(one_word(word, &catalogue)?);
    }
    let twice = reject_duplicates(&chosen);
    if let Some(first) = twice.first() {
        return Err(Failure::rendered(&first.render(false)));
    }
    Ok(chosen)
}

fn one_word(word: &str, catalogue: &[Scenario]) -> Result<Vec<Scenario>, Failure> {
    let path = std::path::Path::new(word);
    if path.is_dir() {
        return load_tree(path).map_err(|errors| Failure::rendered(&errors.render(false)));
    }
    if super::is_path(word) {
        return load_cases(path).map_err(|error| Failure::rendered(&error.render(false)));
    }
    let named: Vec<_> = catalogue
        .iter()
        .filter(|scenario| scenario.is_named(word) || scenario.family == word)
        .cloned()
        .collect();
    if named.is_empty() {
        return Err(Failure::input(format!(
            "`{word}` is no scenario, family, file or folder; `smtpspec list scenarios` shows the catalogue"
        )));
    }
    Ok(named)
}

/// A claim that no profile has can never get the verdict that a scenario expects.
fn check_expectations(scenarios: &[Scenario], profile: &'static Profile) -> Result<(), Failure> {
    for scenario in scenarios {
        for (claim, _) in &scenario.expect.claims {
            if !profile
                .expectations()
                .any(|(known, _)| known.id == claim.value)
            {
                let message = format!(
                    "`{}` is no claim of the profile {}",
                    claim.value, profile.id
                );
                let problem = scenario.problem(Code::BadValue, claim.span.clone(), message);
                return Err(Failure::rendered(&problem.render(false)));
            }
        }
        for (check, _) in &scenario.expect.checks {
            if claims::checks::find(&check.value).is_none() {
                let message = format!("there is no check `{}`", check.value);
                let problem = scenario.problem(Code::BadValue, check.span.clone(), message);
                return Err(Failure::rendered(&problem.render(false)));
            }
        }
    }
    Ok(())
}

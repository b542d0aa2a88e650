//! A case with a client that is not ours, judged from its capture.

use std::path::PathBuf;

use claims::given::Reported;
use claims::result::{CaseOutcome, Outcome};
use claims::{Case, Given, Profile, Verdict};
use lab::client::Said;
use lab::runner::outside::{self, Ran};
use lab::scenario::Scenario;
use smtp::Timeline;

use super::{expected, requirement};
use crate::Failure;
use crate::road::{self, Expected, Scope};

/// Judges one case.
pub(super) fn judged(
    scenario: &Scenario,
    case: outside::Case,
    profile: &'static Profile,
) -> Result<Outcome, Failure> {
    let mut outcome = road::empty("run", profile);
    match case {
        outside::Case::NotApplicable { reason, log } => {
            outcome.cases.push(not_applicable(scenario, reason, log));
        }
        outside::Case::Ran(ran) => judge(&mut outcome, scenario, *ran, profile)?,
    }
    Ok(outcome)
}

fn not_applicable(scenario: &Scenario, reason: String, log: Option<PathBuf>) -> CaseOutcome {
    CaseOutcome {
        id: scenario.id.value.clone(),
        title: scenario.title.clone(),
        family: scenario.family.clone(),
        met: true,
        problems: vec![reason],
        file: scenario.source.name.clone(),
        verdict: Some(Verdict::NotApplicable),
        requirement: requirement(scenario),
        client_log: log.map(|path| path.display().to_string()),
        ..CaseOutcome::default()
    }
}

fn judge(
    outcome: &mut Outcome,
    scenario: &Scenario,
    ran: Ran,
    profile: &'static Profile,
) -> Result<(), Failure> {
    let evidence = road::read(&ran.capture, Scope::Lab)?;
    if let Some(cut) = &evidence.truncated {
        return Err(Failure::input(cut.clone()));
    }
    let strange = ran
        .token
        .as_deref()
        .and_then(|token| of_another_case(&evidence.timelines, token));
    // Who refuses may do so without a connection.
    let refused = ran.given.may_refuse && ran.given.reported == Some(Reported::Failed);
    let unfired = ran.given.unfired.clone();
    let case = road::judge_case(
        outcome,
        (&scenario.id.value, &scenario.title, &scenario.family),
        evidence,
        ran.given,
        profile,
        &Expected {
            leaks: true,
            ..expected(scenario)
        },
    );
    let mut open = !unfired.is_empty() || strange.is_some();
    case.problems.extend(unfired);
    if case.conversations.is_empty() && !refused {
        open = true;
        let last = ran.last_line.as_deref();
        let said = last.map(|line| format!(": {line}")).unwrap_or_default();
        case.problems
            .insert(0, format!("the client never connected{said}"));
    }
    if let Some(strange) = strange {
        // Whatever this message shows, it does not show it of this case.
        case.problems.insert(0, strange);
        case.findings.clear();
    }
    match &ran.said {
        Some(Said::Nothing) => {
            case.problems.push(
                "the client did not end by itself within the limit and was killed".to_owned(),
            );
            // What became of the message is then not known.
            open |= scenario.expect.outcome.is_some();
        }
        // What it says is for the checks to hold against the wire: `outcome` is what the reference adapter makes of its
        // message, and others may do otherwise and be right.
        Some(Said::Status(_) | Said::Cannot(_)) | None => {}
    }
    case.met = case.problems.is_empty();
    if !case.met {
        // Not a fault by itself, but it may be the cause of one.
        case.problems.extend(ran.ended);
    }
    let verdict = road::case_verdict(case, open);
    case.verdict = Some(verdict);
    // What was not put to the test is no failure of the client; it is told all the same.
    case.met = !matches!(verdict, Verdict::Fail | Verdict::Error);
    case.file.clone_from(&scenario.source.name);
    case.client_log = ran.log.map(|path| path.display().to_string());
    Ok(())
}

/// That a message came which does not carry the token of the case. Without a message nothing can be told.
fn of_another_case(timelines: &[Timeline], token: &str) -> Option<String> {
    let case = Case::new(timelines.to_vec(), Given::default());
    let mut strange = None;
    for subject in case.subjects() {
        for sent in subject.sent() {
            let title = sent
                .message
                .header("Subject")
                .map(|field| field.decoded.as_str());
            let marked = title.is_some_and(|title| title.contains(token))
                || sent
                    .transaction
                    .recipients
                    .iter()
                    .any(|one| one.address.value.contains(token));
            if marked {
                return None;
            }
            strange = Some(format!(
                "a message came without the token {token}: it belongs to another case, or to nobody's"
            ));
        }
    }
    strange
}

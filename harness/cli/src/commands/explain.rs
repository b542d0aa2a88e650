//! `smtpspec explain`: what, why, and how it is judged.

use std::fmt::Write as _;

use claims::claim::{HoldsWhen, OffWire};
use claims::{Check, Claim, checks};
use lab::adapter::Twin;
use lab::scenario::Scenario;

use super::{named, output};
use crate::{Exit, Failure};

pub(super) fn run(id: &str) -> Result<Exit, Failure> {
    let mut out = String::new();
    if let Some(claim) = Claim::find(id) {
        explain_claim(&mut out, claim);
    } else if let Some(statement) = OffWire::find(id) {
        explain_off_wire(&mut out, statement);
    } else if let Some(check) = checks::find(id) {
        explain_check(&mut out, check);
    } else if let Some(twin) = Twin::ALL.iter().find(|twin| twin.name() == id) {
        let _ = writeln!(
            out,
            "{}: a bad twin of the reference adapter; breaks {}\n",
            twin.name(),
            twin.breaks()
        );
        let _ = writeln!(out, "{}", fold(twin.summary().trim()));
    } else if let Some(scenario) = named(id)? {
        explain_scenario(&mut out, &scenario);
    } else {
        return Err(Failure::input(format!(
            "there is no claim, check, scenario or bad twin `{id}`; `smtpspec list claims` and its like show what there is"
        )));
    }
    output::text(&out)?;
    Ok(Exit::Met)
}

fn explain_claim(out: &mut String, claim: &Claim) {
    let _ = writeln!(out, "{}: {}\n", claim.id, fold(&claim.statement));
    let _ = writeln!(
        out,
        "Weight: {}\nSource: {}",
        claim.kind.name(),
        claim.sources.join("; ")
    );
    let holds = match claim.holds {
        HoldsWhen::Observed => "is observed",
        HoldsWhen::NotObserved => "is provoked and not observed",
    };
    let _ = writeln!(
        out,
        "{}",
        fold(&format!(
            "Holds when this {holds}: {}.",
            claim.check().observed_when
        ))
    );
    let _ = writeln!(
        out,
        "{}\n",
        fold(&format!("Means nothing when: {}.", claim.vacuous_when))
    );
    explain_check(out, claim.check());
    let twins: Vec<_> = Twin::ALL
        .iter()
        .filter(|twin| twin.breaks() == claim.id)
        .map(|twin| twin.name())
        .collect();
    if !twins.is_empty() {
        let _ = writeln!(out, "Proven by the bad twin: {}", twins.join(", "));
    }
}

fn explain_off_wire(out: &mut String, statement: &OffWire) {
    let _ = writeln!(out, "{}: {}\n", statement.id, fold(&statement.statement));
    let _ = writeln!(
        out,
        "Weight: {}\nSource: {}\n",
        statement.kind.name(),
        statement.sources.join("; ")
    );
    let _ = writeln!(
        out,
        "{}\n{}",
        fold(&format!(
            "Not to be decided from packets: {}.",
            statement.why
        )),
        fold(&format!("To be brought instead: {}.", statement.evidence))
    );
}

fn explain_check(out: &mut String, check: &Check) {
    let _ = writeln!(out, "Check: {}", check.id);
    let _ = writeln!(
        out,
        "{}",
        fold(&format!("Observed when {}.", check.observed_when))
    );
    let _ = writeln!(
        out,
        "{}\n",
        fold(&format!("Put to the test when {}.", check.trigger))
    );
    let _ = writeln!(out, "{}\n", fold(check.method));
    let _ = writeln!(out, "References: {}", check.references.join(", "));
}

fn explain_scenario(out: &mut String, scenario: &Scenario) {
    let _ = writeln!(
        out,
        "{}: {}  ({})\n",
        scenario.id.value, scenario.title, scenario.family
    );
    if let Some(description) = &scenario.description {
        let _ = writeln!(out, "{}\n", fold(description));
    }
    let _ = writeln!(out, "References: {}", scenario.reference.join(", "));
    if !scenario.requirement.is_empty() {
        explain_requirement(out, scenario);
    }
    let _ = writeln!(out, "\n{}", scenario.source.text);
}

/// What a case asks of any client, and how it is decided.
fn explain_requirement(out: &mut String, scenario: &Scenario) {
    let asked = format!(
        "Asks ({}): {}",
        scenario.level.as_str(),
        scenario.requirement
    );
    let _ = writeln!(out, "{}", fold(&asked));
    if !scenario.clauses.is_empty() {
        let clauses: Vec<_> = scenario
            .clauses
            .iter()
            .map(|id| id.value.as_str())
            .collect();
        let _ = writeln!(out, "{}", fold(&format!("Clauses: {}", clauses.join(", "))));
    }
    let _ = writeln!(out, "\nDecided by:");
    for (id, wanted) in &scenario.expect.checks {
        let observed_when =
            checks::find(&id.value).map_or("there is no such check", |check| check.observed_when);
        let line = format!(
            "{} must be {}: {observed_when}.",
            id.value,
            wanted.as_str().replace('-', " ")
        );
        let _ = writeln!(out, "- {}", fold(&line).replace('\n', "\n  "));
    }
    let twins: Vec<_> = Twin::ALL
        .iter()
        .filter(|twin| twin.must_fail(&scenario.id.value))
        .map(|twin| twin.name())
        .collect();
    if !twins.is_empty() {
        let _ = writeln!(out, "Proven by the bad twin: {}", twins.join(", "));
    }
}

/// Breaks a paragraph at 80 columns.
fn fold(text: &str) -> String {
    let mut out = String::new();
    let mut column = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > 80 {
            out.push('\n');
            column = 0;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out
}

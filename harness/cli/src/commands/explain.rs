//! `smtpspec explain`: what, why, and how it is judged.

use std::fmt::Write as _;

use claims::claim::HoldsWhen;
use claims::{Check, Claim, checks};
use lab::adapter::Twin;
use lab::scenario::Scenario;

use super::{named, output};
use crate::{Exit, Failure};

pub(super) fn run(id: &str) -> Result<Exit, Failure> {
    let mut out = String::new();
    if let Some(claim) = Claim::find(id) {
        explain_claim(&mut out, claim);
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
    let _ = writeln!(
        out,
        "References: {}\n\n{}",
        scenario.reference.join(", "),
        scenario.source.text
    );
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

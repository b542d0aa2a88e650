//! Every statement of the adapter's documentation, ADP-01 to ADP-72, is decided in some case of the catalogue, or the
//! catalogue says why packets cannot decide it. The table is a snapshot, `reports/adp.md`.

mod support;

use std::fmt::Write as _;

use claims::claim::OffWire;
use claims::result::Outcome;
use claims::{Claim, Verdict};
use lab::runner;
use support::{folder, pinned};

/// How many statements there are.
const STATEMENTS: u32 = 72;

/// How many cases are named for a statement.
const NAMED: usize = 3;

fn whole_catalogue() -> Outcome {
    let catalogue = runner::catalogue().expect("the catalogue is valid");
    pinned(catalogue, folder().path())
}

/// The cases that came to this verdict on a claim.
fn cases<'a>(outcome: &'a Outcome, claim: &str, verdict: Verdict) -> Vec<&'a str> {
    let came = |case: &&claims::result::CaseOutcome| case.verdicts.get(claim) == Some(&verdict);
    let cases = outcome.cases.iter().filter(came);
    cases.map(|case| case.id.as_str()).collect()
}

/// `pass in BAS-01, BAS-02 and 7 more`.
fn told(word: &str, cases: &[&str]) -> Option<String> {
    let named = cases.iter().take(NAMED).copied().collect::<Vec<_>>();
    let named = named.join(", ");
    match cases.len() {
        0 => None,
        count if count > NAMED => Some(format!("{word} in {named} and {} more", count - NAMED)),
        _ => Some(format!("{word} in {named}")),
    }
}

/// How a claim was decided; nothing where it was not.
fn decided(outcome: &Outcome, claim: &str) -> String {
    let words = [
        ("pass", Verdict::Pass),
        ("fail", Verdict::Fail),
        ("recorded", Verdict::Recorded),
    ];
    let told = words.map(|(word, verdict)| told(word, &cases(outcome, claim, verdict)));
    let told: Vec<_> = told.into_iter().flatten().collect();
    told.join("; ")
}

#[test]
fn every_documented_statement_is_decided_or_said_to_be_off_the_wire() {
    let outcome = whole_catalogue();
    let mut table = String::from(
        "| statement | kind | what is said | decided | not from the wire, since |\n| --- | --- | --- | --- | --- |\n",
    );
    let mut missing = Vec::new();
    for number in 1..=STATEMENTS {
        let id = format!("ADP-{number:02}");
        let claim = Claim::all().iter().find(|claim| claim.id == id);
        let (kind, said, how, why) = match (claim, OffWire::find(&id)) {
            (Some(claim), None) => {
                let how = decided(&outcome, &id);
                (claim.kind, &claim.statement, how, "")
            }
            (None, Some(off)) => (off.kind, &off.statement, String::new(), off.why.as_str()),
            (Some(_), Some(_)) => panic!("{id} is both on the wire and off it"),
            (None, None) => {
                missing.push(format!("{id}: neither a claim nor off the wire"));
                continue;
            }
        };
        if how.is_empty() && why.is_empty() {
            missing.push(format!("{id}: decided in no case"));
        }
        let kind = kind.name();
        writeln!(table, "| {id} | {kind} | {said} | {how} | {why} |").expect("a string");
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    support::reports("").bind(|| insta::assert_snapshot!("adp.md", table));
}

//! Every claim of the adapter's documentation, and every case of the catalogue that asks something of any client, has a bad
//! twin that must fail it: a check that cannot fail proves nothing.
//!
//! For each twin of a claim a scenario is looked for in which the good adapter passes the claim; there the twin must fail it. The
//! table of what was found is a snapshot, `reports/twins.md`.

mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use claims::result::{CaseOutcome, Outcome};
use claims::{Profile, Verdict};
use lab::adapter::Twin;
use lab::runner::{self, RunOptions};
use lab::scenario::Scenario;
use rstest::rstest;
use smtpspec::commands::run::replay;

/// The profile with every claim expected to hold that it only records: what is not as stated is then told apart.
fn strict() -> &'static Profile {
    static STRICT: LazyLock<Profile> = LazyLock::new(|| {
        let profile = Profile::find("biztalk-smtp-adapter").expect("the profile is shipped");
        profile.strictly()
    });
    &STRICT
}

fn run(scenarios: Vec<Scenario>, twins: Vec<Twin>) -> Outcome {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let options = RunOptions {
        out: folder.path().to_owned(),
        twins,
        pinned: true,
    };
    replay(scenarios, options, 8, strict()).expect("the harness does its part")
}

fn passes<'a>(good: &'a Outcome, claim: &'a str) -> impl Iterator<Item = &'a CaseOutcome> {
    good.cases
        .iter()
        .filter(move |case| case.verdicts.get(claim) == Some(&Verdict::Pass))
}

fn reason<'a>(outcome: &'a Outcome, claim: &str, verdict: Verdict) -> &'a str {
    outcome
        .conversations
        .iter()
        .flat_map(|conversation| &conversation.verdicts)
        .find(|judged| judged.claim == claim && judged.verdict == verdict)
        .map_or("", |judged| judged.reason.as_str())
}

#[test]
fn every_claim_fails_for_its_bad_twin_and_passes_for_the_good_adapter() {
    let catalogue = runner::catalogue().expect("the catalogue is valid");
    let good = run(catalogue.clone(), Vec::new());
    let mut table = String::from(
        "| claim | scenario | good adapter | bad twin | verdict | what gave it away |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    let mut missing = Vec::new();
    let mut broken: BTreeMap<&str, usize> = BTreeMap::new();
    let is_case = |id: &str| catalogue.iter().any(|case| case.id.value == id);
    let broken_by = |twin: Twin| {
        let all = std::iter::once(twin.breaks()).chain(twin.also_breaks().iter().copied());
        all.map(move |id| (twin, id))
    };
    let all = Twin::ALL.iter().copied().flat_map(broken_by);
    for (twin, claim) in all.filter(|(_, id)| !is_case(id)) {
        let caught = passes(&good, claim).find_map(|case| {
            let scenario = catalogue
                .iter()
                .find(|scenario| scenario.id.value == case.id)?
                .clone();
            let bad = run(vec![scenario], vec![twin]);
            let verdict = bad.cases[0].verdicts.get(claim).copied()?;
            (verdict == Verdict::Fail).then_some((case.id.clone(), bad))
        });
        let Some((id, bad)) = caught else {
            missing.push(format!("{} does not fail {claim} anywhere", twin.name()));
            continue;
        };
        assert!(!bad.met(), "{} got through {id}", twin.name());
        *broken.entry(claim).or_default() += 1;
        let why = reason(&bad, claim, Verdict::Fail).replace('|', "\\|");
        let _ = writeln!(
            table,
            "| {claim} | {id} | pass | {} | fail | {why} |",
            twin.name()
        );
    }
    assert!(missing.is_empty(), "{missing:#?}");
    // What other documents ask is held to the dialogues in `claims::checks::bad_clients`.
    let profile = Profile::find("biztalk-smtp-adapter").expect("the profile is shipped");
    for (claim, _) in profile.expectations() {
        assert!(
            broken.contains_key(claim.id.as_str()),
            "no bad twin fails {}",
            claim.id
        );
    }
    snapshot("twins.md", &table);
}

/// Each way in which the encryption certificate can be missing or no longer good has a twin of its own that sends all the same.
#[rstest]
#[case("SMI-08", Twin::FailsOpen, "in clear text")]
#[case("SMI-14", Twin::FailsOpen, "in clear text")]
#[case("SMI-16", Twin::IgnoresExpiry, "encrypted")]
#[case("SMI-17", Twin::IgnoresRevocation, "encrypted")]
fn sending_without_a_good_certificate_is_caught(
    #[case] id: &str,
    #[case] twin: Twin,
    #[case] how: &str,
) {
    let scenario = || {
        let catalogue = runner::catalogue().expect("the catalogue is valid");
        let found = catalogue.into_iter().find(|case| case.id.value == id);
        vec![found.expect("a case of the catalogue")]
    };
    let good = run(scenario(), Vec::new());
    assert!(good.met(), "{:#?}", good.cases[0].problems);
    let why = reason(&good, "ADP-40", Verdict::Pass);
    assert!(why.contains("the control message got out"), "{why}");
    let bad = run(scenario(), vec![twin]);
    let why = reason(&bad, "ADP-40", Verdict::Fail);
    assert!(why.contains(&format!("was sent {how}")), "{why}");
    assert!(!bad.met());
}

/// What the checks of a case found, that decided against it or left it open.
fn against(outcome: &Outcome) -> String {
    let case = &outcome.cases[0];
    let found = case
        .findings
        .iter()
        .filter(|one| case.verdict == Some(one.verdict))
        .map(|one| format!("{}: {}", one.check, one.reason));
    found
        .chain(case.problems.iter().cloned())
        .next()
        .unwrap_or_default()
}

#[test]
fn every_case_fails_for_its_bad_twin_and_passes_for_the_good_adapter() {
    let catalogue = runner::catalogue().expect("the catalogue is valid");
    let asking = catalogue
        .into_iter()
        .filter(|case| !case.requirement.is_empty());
    let mut table = String::from(
        "| case | level | good adapter | bad twin | verdict | what gave it away |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    let mut problems = Vec::new();
    for case in asking {
        let id = case.id.value.clone();
        let level = case.level.as_str();
        let good = run(vec![case.clone()], Vec::new());
        if good.cases[0].verdict != Some(Verdict::Pass) {
            problems.push(format!("{id}: the good adapter: {}", against(&good)));
        }
        let twins: Vec<Twin> = Twin::ALL
            .iter()
            .copied()
            .filter(|twin| twin.must_fail(&id))
            .collect();
        if twins.is_empty() {
            problems.push(format!("{id} has no bad twin"));
        }
        for twin in twins {
            let bad = run(vec![case.clone()], vec![twin]);
            let (why, name) = (against(&bad).replace('|', "\\|"), twin.name());
            if bad.cases[0].verdict != Some(Verdict::Fail) {
                problems.push(format!("{id} is not failed by {name}: {why}"));
            }
            let _ = writeln!(table, "| {id} | {level} | pass | {name} | fail | {why} |");
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
    snapshot("twins-of-cases.md", &table);
}

fn snapshot(name: &str, table: &str) {
    support::reports("").bind(|| insta::assert_snapshot!(name, table));
}

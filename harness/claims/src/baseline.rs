//! An earlier result held beside a later one: what fails now and did not then, and what no longer does.
//!
//! What fails has a name: a claim or a check, in a case of the catalogue or in captures. Packet numbers, times and
//! conversations are not part of it, so that the same fault in another capture is the same. Only what was put to the test
//! again and did not fail is called fixed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::Verdict;
use crate::result::{CaseOutcome, Outcome};

/// What came of the comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub struct Comparison {
    /// What fails and did not: these, and nothing else, decide whether the result is met.
    pub new: Vec<Change>,
    /// What failed, was put to the test again, and does not fail.
    pub fixed: Vec<Change>,
    /// What fails as it did.
    pub unchanged: Vec<Change>,
    /// What failed and was not put to the test this time.
    pub not_seen: Vec<Change>,
}

/// Something that fails, or failed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Change {
    /// The case of the catalogue; empty where captures were audited.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub case: String,
    /// Id of the claim or the check, or what else was not as expected.
    pub what: String,
    /// What the result in which it fails says of it.
    pub problem: String,
}

impl Comparison {
    /// Holds a result against an earlier one.
    pub fn of(before: &Outcome, now: &Outcome) -> Self {
        let (old, new) = (failures(before), failures(now));
        let mut comparison = Self::default();
        for (key, problem) in &new {
            let list = if old.contains_key(key) {
                &mut comparison.unchanged
            } else {
                &mut comparison.new
            };
            list.push(change(key, problem));
        }
        for (key, problem) in &old {
            if new.contains_key(key) {
                continue;
            }
            let list = if tested(now, key) {
                &mut comparison.fixed
            } else {
                &mut comparison.not_seen
            };
            list.push(change(key, problem));
        }
        comparison
    }

    /// Whether anything of `case` named `what` is new. For captures `case` is not looked at.
    pub fn is_new(&self, case: &str, what: &str) -> bool {
        self.new
            .iter()
            .any(|one| one.what == what && (one.case.is_empty() || one.case == case))
    }

    /// Whether anything of a case is new.
    pub fn any_new(&self, case: &str) -> bool {
        let mut new = self.new.iter();
        new.any(|one| one.case.is_empty() || one.case == case)
    }

    /// The word in a sentence: `1 new, 2 fixed, 3 unchanged`.
    pub fn counts(&self) -> String {
        let mut text = format!(
            "{} new, {} fixed, {} unchanged",
            self.new.len(),
            self.fixed.len(),
            self.unchanged.len()
        );
        if !self.not_seen.is_empty() {
            let _ = write!(text, ", {} not put to the test", self.not_seen.len());
        }
        text
    }

    /// Each list that is not empty, under its name.
    pub fn lists(&self) -> impl Iterator<Item = (&'static str, &[Change])> {
        [
            ("new", &self.new),
            ("fixed", &self.fixed),
            ("unchanged", &self.unchanged),
            ("not put to the test", &self.not_seen),
        ]
        .into_iter()
        .filter(|(_, list)| !list.is_empty())
        .map(|(name, list)| (name, list.as_slice()))
    }
}

/// A case, and what of it failed.
type Key = (String, String);

fn change((case, what): &Key, problem: &str) -> Change {
    Change {
        case: case.clone(),
        what: what.clone(),
        problem: problem.to_owned(),
    }
}

/// Everything that makes a result not met, with what it says of it.
fn failures(outcome: &Outcome) -> BTreeMap<Key, String> {
    let mut all = BTreeMap::new();
    for case in outcome.cases.iter().filter(|case| !case.met) {
        let nothing = [String::from("it did not end as expected")];
        let problems = match case.problems.as_slice() {
            [] => &nothing[..],
            problems => problems,
        };
        for problem in problems {
            let key = (name(outcome, case), what(case, problem));
            all.entry(key).or_insert_with(|| problem.clone());
        }
    }
    all
}

/// What a case is called in several results. Those of an audit are numbered, which says nothing.
fn name(outcome: &Outcome, case: &CaseOutcome) -> String {
    match outcome.command.as_str() {
        "run" => case.id.clone(),
        _ => String::new(),
    }
}

/// The claim or check that a problem is about; of any other, its text without its numbers.
fn what(case: &CaseOutcome, problem: &str) -> String {
    let claim = problem.split_once(" got ").map(|(claim, _)| claim);
    if let Some(claim) = claim.filter(|claim| case.verdicts.contains_key(*claim)) {
        return claim.to_owned();
    }
    let checks: BTreeSet<&str> = case.findings.iter().map(|one| one.check.as_str()).collect();
    let check = problem.split_once(": ").map(|(check, _)| check);
    if let Some(check) = check.filter(|check| checks.contains(check)) {
        return check.to_owned();
    }
    let mut text = String::new();
    for character in problem.chars() {
        if !character.is_ascii_digit() {
            text.push(character);
        } else if !text.ends_with('#') {
            text.push('#');
        }
    }
    text
}

/// Whether what failed once was put to the test here.
fn tested(now: &Outcome, (case, what): &Key) -> bool {
    let decided =
        |verdict: Verdict| matches!(verdict, Verdict::Pass | Verdict::Fail | Verdict::Recorded);
    let mut cases = now.cases.iter().filter(|one| name(now, one) == *case);
    cases.any(|one| {
        let finding = one.findings.iter().find(|finding| finding.check == *what);
        if let Some(finding) = finding {
            return decided(finding.verdict);
        }
        match (case.as_str(), one.verdicts.get(what)) {
            ("", verdict) => verdict.is_some_and(|verdict| decided(*verdict)),
            // What a case of the lab expects is what its file says, and may be that nothing can be decided.
            _ => one.verdict.is_none_or(decided),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Profile;
    use crate::result::{CaptureFile, Tool};

    fn case(id: &str, verdicts: &[(&str, Verdict)], problems: &[&str]) -> CaseOutcome {
        CaseOutcome {
            id: id.to_owned(),
            title: String::new(),
            family: String::new(),
            capture: CaptureFile {
                path: String::new(),
                sha256: String::new(),
                packets: 0,
                numbers: None,
                notes: Vec::new(),
            },
            more_captures: Vec::new(),
            conversations: Vec::new(),
            met: problems.is_empty(),
            problems: problems.iter().map(|one| (*one).to_owned()).collect(),
            verdicts: verdicts
                .iter()
                .map(|(id, verdict)| ((*id).to_owned(), *verdict))
                .collect(),
            file: String::new(),
            verdict: None,
            requirement: None,
            findings: Vec::new(),
            client_log: None,
            expected_failure: None,
        }
    }

    fn outcome(command: &str, cases: Vec<CaseOutcome>) -> Outcome {
        let tool = Tool {
            name: String::new(),
            version: String::new(),
        };
        let profile = Profile::find("rfc-strict").expect("it is shipped");
        let mut outcome = Outcome::begun(tool, command, profile);
        outcome.cases = cases;
        outcome
    }

    fn names(list: &[Change]) -> Vec<&str> {
        list.iter().map(|one| one.what.as_str()).collect()
    }

    #[test]
    fn new_fixed_unchanged_and_not_seen() {
        use Verdict::{Fail, Inconclusive, Pass};
        let fails = |id: &str| format!("{id} got fail; the profile expects it to hold");
        let texts = ["a", "b", "c"].map(fails);
        let texts = texts.each_ref().map(String::as_str);
        let before = case("C1", &[("a", Fail), ("b", Fail), ("c", Fail)], &texts);
        let after = [("a", Fail), ("b", Pass), ("c", Inconclusive), ("d", Fail)];
        let text = fails("d");
        let now = case("C7", &after, &[texts[0], &text]);
        let before = outcome("audit", vec![before]);
        let mut now = outcome("audit", vec![now]);
        let compared = Comparison::of(&before, &now);
        assert_eq!(names(&compared.new), ["d"]);
        assert_eq!(names(&compared.fixed), ["b"]);
        assert_eq!(names(&compared.unchanged), ["a"]);
        assert_eq!(names(&compared.not_seen), ["c"]);
        assert_eq!(
            compared.counts(),
            "1 new, 1 fixed, 1 unchanged, 1 not put to the test"
        );
        assert!(compared.is_new("C7", "d") && !compared.is_new("C7", "a"));
        now.baseline = Some(compared);
        assert!(!now.met());
        now.baseline = Some(Comparison::of(&now, &now));
        assert!(now.met(), "nothing is new");
        now.baseline = None;
        assert!(!now.met());
    }

    #[test]
    fn cases_are_told_apart_and_numbers_are_not() {
        let before = vec![
            case("X-01", &[], &["it took 17 ms"]),
            case("X-02", &[], &[]),
        ];
        let now = vec![
            case("X-01", &[], &["it took 2900 ms"]),
            case("X-02", &[], &["it took 4 ms"]),
        ];
        let compared = Comparison::of(&outcome("run", before), &outcome("run", now));
        assert_eq!(compared.new.len(), 1);
        assert_eq!(compared.new[0].case, "X-02");
        assert_eq!(names(&compared.unchanged), ["it took # ms"]);
        assert!(compared.any_new("X-02") && !compared.any_new("X-01"));
    }

    #[test]
    fn a_case_that_was_not_run_is_not_fixed() {
        let before = outcome("run", vec![case("X-01", &[], &["no"])]);
        let compared = Comparison::of(&before, &outcome("run", Vec::new()));
        assert_eq!((compared.fixed.len(), compared.not_seen.len()), (0, 1));
        let now = outcome("run", vec![case("X-01", &[], &[])]);
        assert_eq!(Comparison::of(&before, &now).fixed.len(), 1);
    }
}

//! JUnit XML, as Jenkins, GitLab and the like read it.
//!
//! A case that asks something of any client is a test of the suite of its family. Any other case, and a capture, is a
//! suite, and each claim a test of it. What could not be decided, and what does not apply, is skipped with the reason:
//! it is no success. No clock is read, so the same result gives the same file.

use claims::Verdict;
use claims::controls::{ControlVerdict, FrameworkOutcome};
use claims::result::{CaseOutcome, EvidenceOutcome, Outcome};
use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use crate::{Style, printable, seen};

/// The whole document.
pub(crate) fn render(outcome: &Outcome, _style: Style) -> String {
    let mut report = Report::new(format!("{} {}", outcome.tool.name, outcome.command));
    let (asking, judged): (Vec<_>, Vec<_>) = outcome
        .cases
        .iter()
        .partition(|case| case.requirement.is_some());
    for family in asking.chunk_by(|one, next| one.family == next.family) {
        let mut suite = TestSuite::new(printable(&family[0].family));
        suite.add_test_cases(family.iter().map(|case| requirement(outcome, case)));
        report.add_test_suite(suite);
    }
    for case in judged {
        report.add_test_suite(claims(outcome, case));
    }
    for standard in &outcome.controls {
        report.add_test_suite(controls(standard));
    }
    report
        .to_string()
        .expect("writing to memory fails only for text that the model itself excludes")
}

/// Beside a baseline only what is new is a failure; what fails as it did is skipped, and says so.
fn excuse(test: &mut TestCase, new: Option<bool>) {
    let TestCaseStatus::NonSuccess { message, .. } = &test.status else {
        return;
    };
    if new == Some(false) {
        let told = message.as_ref().map_or("", |message| message.as_str());
        let mut status = TestCaseStatus::skipped();
        status.set_message(format!("as in the baseline: {told}"));
        test.status = status;
    }
}

/// A case as one test.
fn requirement(outcome: &Outcome, case: &CaseOutcome) -> TestCase {
    let verdict = case.verdict.unwrap_or(Verdict::Error);
    let finding = case.decisive();
    let kind = finding.map_or("expectation", |one| one.check.as_str());
    let evidence = finding.map_or(&[][..], |one| &one.evidence);
    let mut test = test(
        &format!("{} {}", case.id, case.title),
        &case.family,
        status(verdict, case.why(), kind, evidence),
    );
    let baseline = outcome.baseline.as_ref();
    excuse(&mut test, baseline.map(|one| one.any_new(&case.id)));
    if let Some(asked) = &case.requirement {
        test.add_property(property("level", &asked.level));
        test.add_property(property("requirement", &asked.text));
        test.add_property(property("references", &asked.references.join(", ")));
        if !asked.clauses.is_empty() {
            test.add_property(property("clauses", &asked.clauses.join(", ")));
        }
    }
    if let Some(finding) = finding.filter(|one| !one.cwe.is_empty()) {
        let ids = [finding.cwe.as_slice(), &finding.attack].concat();
        test.add_property(property("weakness", &ids.join(", ")));
    }
    test.add_property(property("capture", &case.capture.path));
    if verdict == Verdict::Fail {
        let lines = outcome.conversations_of(case).flat_map(seen::transcript);
        test.set_system_out(lines.collect::<Vec<_>>().join("\n"));
    }
    test
}

/// A standard of compliance as a suite: a test for each control.
fn controls(standard: &FrameworkOutcome) -> TestSuite {
    let name = printable(&format!("controls: {}", standard.name()));
    let mut suite = TestSuite::new(name.clone());
    for control in &standard.controls {
        let verdict = match control.verdict {
            ControlVerdict::NotSatisfied => Verdict::Fail,
            ControlVerdict::NotTested => Verdict::Inconclusive,
            ControlVerdict::SatisfiedByWhatWasSeen => Verdict::Pass,
        };
        let mut status = status(verdict, &control.why(), &control.id, &[]);
        status.set_message(printable(&format!(
            "{}: {}",
            control.verdict,
            control.why()
        )));
        let mut test = test(&format!("{} {}", control.id, control.asks), &name, status);
        test.add_property(property("finding", control.citation.as_str()));
        test.add_property(property("not tested", &control.not_tested));
        let ids = crate::controls::ids(control);
        if !ids.is_empty() {
            test.add_property(property("weakness", &ids));
        }
        let place = crate::controls::place(control);
        if !place.is_empty() {
            test.add_property(property("where", &place));
        }
        suite.add_test_case(test);
    }
    suite
}

/// A case or a capture as a suite: a test for each claim.
fn claims(outcome: &Outcome, case: &CaseOutcome) -> TestSuite {
    let name = printable(&format!("{} {}", case.id, case.title));
    let mut suite = TestSuite::new(name.clone());
    suite.add_property(property("profile", &outcome.profile));
    suite.add_property(property("capture", &case.capture.path));
    suite.add_property(property("sha256", &case.capture.sha256));
    for claim in &outcome.claims {
        let Some(&verdict) = case.verdicts.get(&claim.id) else {
            continue;
        };
        let found = seen::over(outcome, [case], &claim.id);
        let (reason, evidence) = found.map_or(("", &[][..]), |found| {
            (found.outcome.reason.as_str(), &found.outcome.evidence[..])
        });
        let status = status(verdict, reason, &claim.id, evidence);
        let mut test = test(&format!("{} {}", claim.id, claim.statement), &name, status);
        let baseline = outcome.baseline.as_ref();
        excuse(
            &mut test,
            baseline.map(|one| one.is_new(&case.id, &claim.id)),
        );
        if let Some(found) = found {
            test.add_property(property("conversation", &found.conversation.id));
        }
        if let Some(weakness) = &claim.weakness
            && weakness.seen_when == Some(verdict)
        {
            let ids = [weakness.cwe.as_slice(), &weakness.attack].concat();
            test.add_property(property("weakness", &ids.join(", ")));
        }
        suite.add_test_case(test);
    }
    // What the case expects beside its claims, so that no suite is green that did not meet it.
    if !case.met
        && !case
            .verdicts
            .values()
            .any(|verdict| *verdict == Verdict::Fail)
    {
        let reason = case.problems.join("; ");
        let status = status(Verdict::Fail, &reason, "expectation", &[]);
        let mut test = test("what the case expects", &name, status);
        let baseline = outcome.baseline.as_ref();
        excuse(&mut test, baseline.map(|one| one.any_new(&case.id)));
        suite.add_test_case(test);
    }
    suite
}

fn test(name: &str, class: &str, status: TestCaseStatus) -> TestCase {
    let mut test = TestCase::new(printable(name), status);
    test.set_classname(printable(class));
    test
}

fn status(
    verdict: Verdict,
    reason: &str,
    kind: &str,
    evidence: &[EvidenceOutcome],
) -> TestCaseStatus {
    let mut status = match verdict {
        Verdict::Pass | Verdict::Recorded => return TestCaseStatus::success(),
        Verdict::Fail => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Verdict::Error => TestCaseStatus::non_success(NonSuccessKind::Error),
        Verdict::Inconclusive | Verdict::NotApplicable => TestCaseStatus::skipped(),
    };
    status.set_message(printable(&format!("{verdict}: {reason}")));
    status.set_type(printable(kind));
    let places = evidence.iter().map(|piece| {
        let place = seen::place(std::slice::from_ref(piece)).unwrap_or_default();
        printable(&format!("{place}: {}", piece.what))
    });
    let places: Vec<_> = places.collect();
    if !places.is_empty() {
        status.set_description(places.join("\n"));
    }
    status
}

fn property(name: &str, value: &str) -> Property {
    Property::new(name, printable(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn counts_add_up_and_read_back() {
        let text = render(&sample::audit(), Style::default());
        let report = Report::deserialize_from_str(&text).expect("it reads its own XML");
        let tests: Vec<_> = report
            .test_suites
            .iter()
            .flat_map(|suite| &suite.test_cases)
            .collect();
        assert_eq!(report.tests, tests.len());
        let failed = tests
            .iter()
            .filter(|test| {
                matches!(
                    &test.status,
                    TestCaseStatus::NonSuccess {
                        kind: NonSuccessKind::Failure,
                        ..
                    }
                )
            })
            .count();
        assert!(failed > 0 && report.failures == failed);
        let skipped = tests
            .iter()
            .filter(|test| matches!(test.status, TestCaseStatus::Skipped { .. }));
        assert!(skipped.count() > 0, "what was not decided is no success");
    }

    #[test]
    fn what_xml_cannot_hold_is_spelled_out() {
        let mut outcome = sample::audit();
        outcome.cases[0].title = "a\u{0}b\u{1b}[31m <x> & \u{fffe}".to_owned();
        let text = render(&outcome, Style::default());
        assert!(!text.contains(['\u{0}', '\u{1b}', '\u{fffe}']));
        Report::deserialize_from_str(&text).expect("it is well formed");
    }
}

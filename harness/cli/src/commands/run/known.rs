//! Failures that are known: a case may fail as it is known to, and in no other way.

use claims::Verdict;
use claims::result::CaseOutcome;
use jiff::civil::Date;
use lab::client::ExpectedFailure;

/// Holds a judged case against what is known of it.
/// `today` is in UTC.
pub(super) fn settle(case: &mut CaseOutcome, known: Option<&ExpectedFailure>, today: Date) {
    let Some(known) = known else { return };
    let verdict = case.verdict.unwrap_or(Verdict::Error);
    if verdict != Verdict::Pass
        && let Some(until) = known.until.filter(|until| *until < today)
    {
        case.problems.push(format!(
            "it was known to fail until {until}, and that is past ({}): mend it, or set another day",
            known.reason
        ));
        case.met = false;
        return;
    }
    if verdict == Verdict::Pass {
        case.problems.push(format!(
            "it passes and is known to fail ({}): take it off the list",
            known.reason
        ));
        case.met = false;
        return;
    }
    let found = case
        .findings
        .iter()
        .filter(|one| one.verdict == Verdict::Fail)
        .map(|one| one.reason.as_str())
        .chain(case.problems.iter().map(String::as_str))
        .any(|text| text.contains(&known.finding));
    if verdict == Verdict::Fail && found {
        case.expected_failure = Some(known.reason.clone());
        case.met = true;
    } else {
        case.problems.push(format!(
            "it is known to fail with `{}`, and this is {verdict} without that",
            known.finding
        ));
        case.met = false;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use claims::result::{CaptureFile, CheckOutcome};
    use lab::client::ExpectedFailures;

    use super::*;

    fn case(verdict: Verdict, reason: &str) -> CaseOutcome {
        CaseOutcome {
            id: "TLS-03".to_owned(),
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
            met: verdict == Verdict::Pass,
            problems: Vec::new(),
            verdicts: BTreeMap::new(),
            file: String::new(),
            verdict: Some(verdict),
            requirement: None,
            findings: vec![CheckOutcome {
                check: "x".to_owned(),
                wanted: "not-observed".to_owned(),
                verdict,
                conversation: None,
                reason: reason.to_owned(),
                evidence: Vec::new(),
                cwe: Vec::new(),
                attack: Vec::new(),
            }],
            client_log: None,
            expected_failure: None,
        }
    }

    fn settled(verdict: Verdict, reason: &str) -> CaseOutcome {
        settled_on("2027-01-31", verdict, reason)
    }

    /// The last day is the 31st of January 2027.
    fn settled_on(today: &str, verdict: Verdict, reason: &str) -> CaseOutcome {
        let text = "[[failure]]\nclient = \"curl\"\ncase = \"TLS-03\"\nreason = \"by design\"\nfinding = \"in clear\"\n\
                    until = \"2027-01-31\"\n";
        let today = today.parse().expect("a day");
        let known = ExpectedFailures::parse("known.toml", text).expect("it is valid");
        let mut case = case(verdict, reason);
        settle(&mut case, known.find("curl", "TLS-03"), today);
        case
    }

    #[test]
    fn a_failure_as_known_is_met() {
        let case = settled(Verdict::Fail, "it went on in clear after 454");
        assert!(case.met);
        assert_eq!(case.expected_failure.as_deref(), Some("by design"));
    }

    #[test]
    fn past_its_last_day_it_fails_and_says_so() {
        let case = settled_on("2027-02-01", Verdict::Fail, "in clear");
        assert!(!case.met && case.expected_failure.is_none());
        assert!(
            case.problems[0].contains("until 2027-01-31"),
            "{:?}",
            case.problems
        );
    }

    #[test]
    fn any_other_end_is_not() {
        for (verdict, reason) in [
            (Verdict::Pass, "it stopped"),
            (Verdict::Fail, "it spoke too early"),
            (Verdict::Inconclusive, "in clear, perhaps"),
            (Verdict::NotApplicable, "no TLS"),
        ] {
            let case = settled(verdict, reason);
            assert!(!case.met, "{verdict}");
            assert_eq!(case.problems.len(), 1, "{verdict}");
        }
    }

    #[test]
    fn a_case_of_which_nothing_is_known_stays_as_it_is() {
        let mut case = case(Verdict::Fail, "x");
        settle(&mut case, None, Date::constant(2027, 1, 1));
        assert!(!case.met && case.problems.is_empty());
    }
}

//! What a case asks of its client, held against what the checks find in the conversations of the case.

use crate::controls::Weakness;
use crate::given::Reported;
use crate::printable::made_printable;
use crate::result::CheckOutcome;
use crate::{Case, Check, Finding, Observation, Verdict};

/// The observation that a case wants of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// In some conversation of the case the fact is seen.
    Observed,
    /// In no conversation is it seen, and in one at least it was provoked.
    NotObserved,
}

impl Wanted {
    /// The word that scenarios and results use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Observed => "observed",
            Self::NotObserved => "not-observed",
        }
    }
}

/// Runs a check over every conversation of a case. `name` gives the id of a conversation by its place.
pub fn weigh(
    case: &Case,
    check: &'static Check,
    wanted: Wanted,
    name: impl Fn(usize) -> String,
) -> CheckOutcome {
    let findings: Vec<Finding> = case
        .subjects()
        .map(|subject| (check.run)(&subject))
        .collect();
    let (decisive, verdict) = decide(&findings, wanted);
    let (verdict, reason, evidence) = match (decisive, case.given.unfired.first()) {
        _ if verdict == Verdict::Inconclusive && was_refused(case) => (
            Verdict::Pass,
            "the client refused to send it, and said so".into(),
            Vec::new(),
        ),
        (Some(_), Some(unfired)) if verdict == Verdict::Pass => (
            Verdict::Inconclusive,
            format!("the case did not play as scripted: {unfired}").into(),
            Vec::new(),
        ),
        (Some(place), _) => {
            let Finding {
                reason, evidence, ..
            } = findings[place].clone();
            (verdict, reason, evidence)
        }
        (None, _) => (verdict, "there was no conversation".into(), Vec::new()),
    };
    let (cwe, attack) = Weakness::seen(check.id, wanted, verdict).unwrap_or_default();
    CheckOutcome {
        cwe: cwe.to_vec(),
        attack: attack.to_vec(),
        check: check.id.to_owned(),
        wanted: wanted.as_str().to_owned(),
        verdict,
        conversation: decisive.map(name),
        // It may quote names and addresses from the wire.
        reason: made_printable(reason).into_owned(),
        evidence: evidence
            .into_iter()
            .map(|mut piece| {
                piece.what = made_printable(piece.what);
                piece.into()
            })
            .collect(),
    }
}

/// Whether the client sent no message in a case that leaves it free to refuse, and reported that it did not.
pub fn was_refused(case: &Case) -> bool {
    case.given.may_refuse
        && case.given.reported == Some(Reported::Failed)
        && case
            .timelines()
            .all(|timeline| timeline.messages().next().is_none())
}

/// Which conversation decides, and how.
fn decide(findings: &[Finding], wanted: Wanted) -> (Option<usize>, Verdict) {
    let first = |observation: Observation| {
        findings
            .iter()
            .position(|finding| finding.observation == observation)
    };
    let (seen, unseen) = match wanted {
        Wanted::Observed => (Verdict::Pass, Verdict::Fail),
        Wanted::NotObserved => (Verdict::Fail, Verdict::Pass),
    };
    // A sighting decides, whatever other conversations show.
    [
        (Observation::Observed, seen),
        (Observation::NotObserved, unseen),
        (Observation::Undetermined, Verdict::Inconclusive),
        (Observation::NotApplicable, Verdict::NotApplicable),
    ]
    .into_iter()
    .find_map(|(observation, verdict)| Some((Some(first(observation)?), verdict)))
    .unwrap_or((None, Verdict::Inconclusive))
}

/// The word on a case whose checks came to these: a doubt about one of them is a doubt about the case.
pub fn verdict_of(checks: &[CheckOutcome]) -> Verdict {
    [
        Verdict::Error,
        Verdict::Fail,
        Verdict::Inconclusive,
        Verdict::Pass,
    ]
    .into_iter()
    .find(|verdict| checks.iter().any(|check| check.verdict == *verdict))
    .unwrap_or(Verdict::NotApplicable)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::{Evidence, Given};

    const SEEN: Observation = Observation::Observed;
    const UNSEEN: Observation = Observation::NotObserved;
    const UNCLEAR: Observation = Observation::Undetermined;
    const OTHER: Observation = Observation::NotApplicable;

    fn findings(observations: &[Observation]) -> Vec<Finding> {
        let one = |observation: &Observation| Finding {
            observation: *observation,
            reason: "why".into(),
            evidence: vec![Evidence::packet(1, "it")],
        };
        observations.iter().map(one).collect()
    }

    #[rstest]
    #[case(&[UNCLEAR, UNSEEN, SEEN], Wanted::Observed, Some(2), Verdict::Pass)]
    #[case(&[UNCLEAR, UNSEEN], Wanted::Observed, Some(1), Verdict::Fail)]
    #[case(&[OTHER, UNCLEAR], Wanted::Observed, Some(1), Verdict::Inconclusive)]
    #[case(&[OTHER], Wanted::Observed, Some(0), Verdict::NotApplicable)]
    #[case(&[UNSEEN, SEEN], Wanted::NotObserved, Some(1), Verdict::Fail)]
    #[case(&[UNCLEAR, UNSEEN], Wanted::NotObserved, Some(1), Verdict::Pass)]
    #[case(&[UNCLEAR], Wanted::NotObserved, Some(0), Verdict::Inconclusive)]
    #[case(&[], Wanted::NotObserved, None, Verdict::Inconclusive)]
    fn one_conversation_decides(
        #[case] observations: &[Observation],
        #[case] wanted: Wanted,
        #[case] decisive: Option<usize>,
        #[case] verdict: Verdict,
    ) {
        assert_eq!(decide(&findings(observations), wanted), (decisive, verdict));
    }

    #[test]
    fn a_pass_needs_the_script_to_have_been_played() {
        let turns: [(&str, &[u8]); 3] = [
            ("S", b"220 mx\r\n"),
            ("C", b"EHLO a\r\n"),
            ("S", b"250 mx\r\n"),
        ];
        let read = || smtp::session::read(&smtp::session::testing::dialogue(&turns));
        let check = crate::checks::find("receiving-command").expect("it is registered");
        let given = Given {
            unfired: vec!["the rule at line 9 was never used".to_owned()],
            ..Given::default()
        };
        let name = |place| format!("X/{place}");
        let case = Case::new(vec![read()], given);
        let outcome = weigh(&case, check, Wanted::NotObserved, name);
        assert_ne!(outcome.verdict, Verdict::Pass, "{}", outcome.reason);
        let none = Case::new(Vec::new(), Given::default());
        let outcome = weigh(&none, check, Wanted::NotObserved, name);
        assert_eq!(
            (outcome.verdict, outcome.conversation),
            (Verdict::Inconclusive, None)
        );
    }

    #[test]
    fn a_client_may_refuse_what_it_is_tempted_to_where_the_case_says_so() {
        let check = crate::checks::find("line-break-injected").expect("it is registered");
        let weighed = |may_refuse, reported| {
            let given = Given {
                may_refuse,
                reported: Some(reported),
                ..Given::default()
            };
            let case = Case::new(Vec::new(), given);
            weigh(&case, check, Wanted::NotObserved, |_| String::new()).verdict
        };
        assert_eq!(weighed(true, Reported::Failed), Verdict::Pass);
        assert_eq!(weighed(true, Reported::Sent), Verdict::Inconclusive);
        assert_eq!(weighed(false, Reported::Failed), Verdict::Inconclusive);
    }

    #[rstest]
    #[case(&[Verdict::Pass, Verdict::Inconclusive], Verdict::Inconclusive)]
    #[case(&[Verdict::Pass, Verdict::NotApplicable], Verdict::Pass)]
    #[case(&[Verdict::Fail, Verdict::Inconclusive], Verdict::Fail)]
    #[case(&[Verdict::NotApplicable], Verdict::NotApplicable)]
    fn a_doubt_about_one_check_is_a_doubt_about_the_case(
        #[case] verdicts: &[Verdict],
        #[case] word: Verdict,
    ) {
        let outcome = |verdict: &Verdict| CheckOutcome {
            check: "x".to_owned(),
            wanted: "observed".to_owned(),
            verdict: *verdict,
            conversation: None,
            reason: String::new(),
            evidence: Vec::new(),
            cwe: Vec::new(),
            attack: Vec::new(),
        };
        let checks: Vec<_> = verdicts.iter().map(outcome).collect();
        assert_eq!(verdict_of(&checks), word);
    }
}

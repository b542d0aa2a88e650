//! Findings turned into verdicts by a profile.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::claim::HoldsWhen;
use crate::printable::made_printable;
use crate::profile::Expect;
use crate::result::ConversationOutcome;
use crate::{Case, Claim, Evidence, Finding, Observation, Profile, Subject};

/// The word on one claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The claim is about another mode than the one seen.
    NotApplicable,
    /// Not provoked, or the capture has a gap where it matters.
    Inconclusive,
    /// It was put to the test, and the profile has no expectation: what was seen stands there to be read.
    Recorded,
    /// The profile's expectation was met, and it was really put to the test.
    Pass,
    /// The profile's expectation was not met.
    Fail,
    /// The harness could not do its part.
    Error,
}

impl Verdict {
    /// All, in the order in which summaries list them.
    pub const ALL: [Self; 6] = [
        Self::Pass,
        Self::Fail,
        Self::Inconclusive,
        Self::Recorded,
        Self::NotApplicable,
        Self::Error,
    ];

    /// The word that the result schema uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
            Self::Recorded => "recorded",
            Self::NotApplicable => "not-applicable",
            Self::Error => "error",
        }
    }

    /// One verdict for several conversations: the gravest, where "not provoked here" yields to a pass elsewhere.
    pub fn over(verdicts: impl IntoIterator<Item = Self>) -> Option<Self> {
        verdicts.into_iter().max()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The verdict on one claim for one conversation.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// The claim.
    pub claim: &'static Claim,
    /// The word.
    pub verdict: Verdict,
    /// Whether the claim holds as it is stated, as far as this was put to the test.
    pub holds: Option<bool>,
    /// Why, in one sentence.
    pub reason: Cow<'static, str>,
    /// What shows it.
    pub evidence: Vec<Evidence>,
}

/// The word on one claim for one conversation, without its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// [`Judgement::verdict`].
    pub verdict: Verdict,
    /// [`Judgement::holds`].
    pub holds: Option<bool>,
}

impl Judgement {
    /// What remains where nobody asks why.
    pub const fn word(&self) -> Word {
        Word {
            verdict: self.verdict,
            holds: self.holds,
        }
    }
}

/// The words on every claim of `profile` for one conversation, in their order: those of [`judge`], where nobody asks why.
pub fn words<'a>(subject: Subject<'a>, profile: &'a Profile) -> impl Iterator<Item = Word> + 'a {
    let subject = subject.unasked();
    profile.expectations().map(move |(claim, expect)| {
        let found = (claim.check().run)(&subject);
        word_on(claim, expect, found.observation, &subject.given().unfired).0
    })
}

/// Judges every claim of `profile` for each conversation of `case`; one list per conversation, in their order.
pub fn judge(case: &Case, profile: &Profile) -> Vec<Vec<Judgement>> {
    case.subjects()
        .map(|subject| {
            profile
                .expectations()
                .map(|(claim, expect)| {
                    conclude(
                        claim,
                        expect,
                        (claim.check().run)(&subject),
                        &case.given.unfired,
                    )
                })
                .collect()
        })
        .collect()
}

/// Puts what was found across conversations in the place of what a conversation showed by itself: for each claim of
/// `profile` that one of these checks decides. To be done before the verdicts are counted ([`crate::result::Outcome::add`]).
pub fn overrule(
    conversation: &mut ConversationOutcome,
    profile: &Profile,
    findings: &[(&'static str, Finding)],
) {
    for (number, judged) in rejudge(profile, findings) {
        let place = conversation.verdicts.get_mut(number);
        // A breach that the conversation shows by itself needs no other.
        if let Some(place) = place.filter(|place| place.verdict != Verdict::Fail) {
            *place = judged.into();
        }
    }
}

/// What was found across conversations, judged: for each claim of `profile` that one of these checks decides, with its
/// place among the claims of the profile.
pub fn rejudge(profile: &Profile, findings: &[(&'static str, Finding)]) -> Vec<(usize, Judgement)> {
    let claims = || profile.expectations().enumerate();
    let judged = findings.iter().flat_map(|(check, finding)| {
        claims()
            .filter(move |(_, (claim, _))| claim.check == *check)
            .map(move |(number, (claim, expect))| {
                (number, conclude(claim, expect, finding.clone(), &[]))
            })
    });
    judged.collect()
}

/// Applies the expectation to what was found.
fn conclude(
    claim: &'static Claim,
    expect: Expect,
    finding: Finding,
    unfired: &[String],
) -> Judgement {
    let Finding {
        observation,
        reason,
        mut evidence,
    } = finding;
    let (word, unplayed) = word_on(claim, expect, observation, unfired);
    let reason = match unplayed {
        Some(rule) => {
            evidence.clear();
            format!("the case did not play as scripted: {rule}").into()
        }
        // Both may quote names and addresses from the wire.
        None => made_printable(reason),
    };
    for piece in &mut evidence {
        piece.what = made_printable(std::mem::take(&mut piece.what));
    }
    Judgement {
        claim,
        verdict: word.verdict,
        holds: word.holds,
        reason,
        evidence,
    }
}

/// The word on what was observed, and the rule that was to play and did not, where that is why.
fn word_on<'a>(
    claim: &Claim,
    expect: Expect,
    observation: Observation,
    unfired: &'a [String],
) -> (Word, Option<&'a str>) {
    let undecided = |verdict| Word {
        verdict,
        holds: None,
    };
    let holds = match observation {
        Observation::NotApplicable => return (undecided(Verdict::NotApplicable), None),
        Observation::Undetermined => return (undecided(Verdict::Inconclusive), None),
        Observation::Observed => claim.holds == HoldsWhen::Observed,
        Observation::NotObserved => claim.holds == HoldsWhen::NotObserved,
    };
    // What is only recorded is of no other weight where it is not as stated.
    let met = holds != (expect == Expect::DoesNotHold);
    // A breach stands whatever else failed to happen. A pass does not, in a case whose script was not played.
    if met && let Some(rule) = unfired.first() {
        return (undecided(Verdict::Inconclusive), Some(rule));
    }
    let verdict = match expect {
        Expect::Recorded => Verdict::Recorded,
        _ if met => Verdict::Pass,
        _ => Verdict::Fail,
    };
    let holds = Some(holds);
    (Word { verdict, holds }, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Given;

    /// A claim that holds when its fact is seen, or when it is not.
    fn claim(holds: HoldsWhen) -> &'static Claim {
        Claim::all()
            .iter()
            .find(|claim| claim.holds == holds)
            .expect("the catalogue has both")
    }

    fn unplayed() -> [String; 1] {
        ["the rule at line 9 was never used".to_owned()]
    }

    fn finding(observation: Observation) -> Finding {
        let (reason, evidence) = ("why".into(), vec![Evidence::packet(7, "it")]);
        Finding {
            observation,
            reason,
            evidence,
        }
    }

    #[test]
    fn what_is_seen_meets_what_is_expected() {
        use Verdict::{Fail, Inconclusive, NotApplicable, Pass, Recorded};
        let (seen, unseen) = (Observation::Observed, Observation::NotObserved);
        for (observation, holds, expect, verdict) in [
            (seen, HoldsWhen::Observed, Expect::Holds, Pass),
            (seen, HoldsWhen::Observed, Expect::DoesNotHold, Fail),
            (seen, HoldsWhen::NotObserved, Expect::Holds, Fail),
            (seen, HoldsWhen::NotObserved, Expect::DoesNotHold, Pass),
            (unseen, HoldsWhen::Observed, Expect::Holds, Fail),
            (unseen, HoldsWhen::Observed, Expect::DoesNotHold, Pass),
            (unseen, HoldsWhen::NotObserved, Expect::Holds, Pass),
            (unseen, HoldsWhen::NotObserved, Expect::DoesNotHold, Fail),
            (seen, HoldsWhen::Observed, Expect::Recorded, Recorded),
            (unseen, HoldsWhen::Observed, Expect::Recorded, Recorded),
            (seen, HoldsWhen::NotObserved, Expect::Recorded, Recorded),
        ] {
            let judged = conclude(claim(holds), expect, finding(observation), &[]);
            assert_eq!(
                judged.verdict, verdict,
                "{observation:?} {holds:?} {expect:?}"
            );
            assert_eq!((judged.reason.as_ref(), judged.evidence.len()), ("why", 1));
            let as_stated = (observation == seen) == (holds == HoldsWhen::Observed);
            assert_eq!(judged.holds, Some(as_stated));
            // A script that was not played takes away what it would have shown, and never a breach.
            let unplayed = conclude(claim(holds), expect, finding(observation), &unplayed());
            if !as_stated && expect == Expect::Recorded {
                assert_eq!(unplayed.verdict, Recorded);
            } else if verdict == Fail {
                assert_eq!((unplayed.verdict, unplayed.reason.as_ref()), (Fail, "why"));
            } else {
                assert_eq!(unplayed.verdict, Inconclusive);
                assert!(
                    unplayed.reason.contains("the rule at line 9"),
                    "{}",
                    unplayed.reason
                );
                assert!(unplayed.evidence.is_empty(), "it would look like a proof");
            }
        }
        for (observation, verdict) in [
            (Observation::Undetermined, Inconclusive),
            (Observation::NotApplicable, NotApplicable),
        ] {
            for holds in [HoldsWhen::Observed, HoldsWhen::NotObserved] {
                for (expect, unfired) in [
                    (Expect::Holds, &[][..]),
                    (Expect::DoesNotHold, &unplayed()[..]),
                ] {
                    let judged = conclude(claim(holds), expect, finding(observation), unfired);
                    assert_eq!((judged.verdict, judged.reason.as_ref()), (verdict, "why"));
                }
            }
        }
    }

    #[test]
    fn the_gravest_verdict_of_several_conversations() {
        use Verdict::{Error, Fail, Inconclusive, NotApplicable, Pass, Recorded};
        for (verdicts, all) in [
            (&[Pass, Fail, Pass][..], Some(Fail)),
            (&[Inconclusive, Pass, NotApplicable], Some(Pass)),
            (&[NotApplicable, Inconclusive], Some(Inconclusive)),
            (&[Fail, Error], Some(Error)),
            (&[Recorded, Inconclusive], Some(Recorded)),
            (&[], None),
        ] {
            assert_eq!(Verdict::over(verdicts.iter().copied()), all, "{verdicts:?}");
        }
    }

    #[test]
    fn a_reason_does_not_drive_a_terminal() {
        let mut odd = finding(Observation::Observed);
        odd.reason = String::from("names \x1b]0;x\x07").into();
        odd.evidence[0].what = String::from("a\u{202e}b").into();
        let judged = conclude(claim(HoldsWhen::Observed), Expect::Holds, odd, &[]);
        assert_eq!(judged.reason, "names \\u{1b}]0;x\\u{7}");
        assert_eq!(judged.evidence[0].what, "a\\u{202e}b");
    }

    #[test]
    fn the_word_is_the_same_where_nobody_asks_why() {
        let turns: [(&str, &[u8]); 13] = [
            ("S", b"220 mx\r\n"),
            ("C", b"EHLO client.example\r\n"),
            ("S", b"250 mx\r\n"),
            ("C", b"MAIL FROM:<a@client.example>\r\n"),
            ("S", b"250 ok\r\n"),
            ("C", b"RCPT TO:<b@open.example>\r\n"),
            ("S", b"250 ok\r\n"),
            ("C", b"DATA\r\n"),
            ("S", b"354 go on\r\n"),
            (
                "C",
                b"From: a@client.example\r\nMessage-ID: <1@client.example>\r\n\r\nhi\r\n.\r\n",
            ),
            ("S", b"250 ok\r\n"),
            ("C", b"QUIT\r\n"),
            ("S", b"221 bye\r\n"),
        ];
        let timeline = smtp::session::read(&smtp::session::testing::dialogue(&turns));
        let case = Case::new(vec![timeline], Given::default());
        for profile in Profile::all() {
            let subject = case.subjects().next().expect("one");
            let judged = judge(&case, profile).pop().expect("one");
            let expected: Vec<_> = judged.iter().map(Judgement::word).collect();
            assert_eq!(words(subject, profile).collect::<Vec<_>>(), expected);
            assert!(judged.iter().all(|one| !one.reason.is_empty()));
        }
        let subject = case.subjects().next().expect("one");
        let claim = Claim::all()
            .iter()
            .find(|claim| claim.check == "header-metadata");
        let run = claim.expect("it is claimed").check().run;
        assert!(run(&subject).reason.contains("client.example"));
        let unasked = run(&subject.unasked());
        assert!(unasked.reason.is_empty() && unasked.evidence[0].packets.is_empty());
    }

    #[test]
    fn a_profile_judges_each_claim_for_each_conversation() {
        let profile = Profile::find("biztalk-smtp-adapter").expect("it is shipped");
        let turns: [(&str, &[u8]); 3] = [
            ("S", b"220 mx\r\n"),
            ("C", b"EHLO a\r\n"),
            ("S", b"250 mx\r\n"),
        ];
        let read = || smtp::session::read(&smtp::session::testing::dialogue(&turns));
        let judged = judge(&Case::new(vec![read(), read()], Given::default()), profile);
        assert_eq!(judged.len(), 2);
        for one in judged {
            let claims: Vec<_> = one
                .iter()
                .map(|judgement| judgement.claim.id.as_str())
                .collect();
            let expected: Vec<_> = profile
                .expectations()
                .map(|(claim, _)| claim.id.as_str())
                .collect();
            assert_eq!(claims, expected);
            assert!(
                one.iter().all(|j| j.verdict < Verdict::Pass),
                "nothing was put to the test"
            );
        }
    }
}

//! Findings turned into verdicts by a profile.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::claim::HoldsWhen;
use crate::profile::Expect;
use crate::{Case, Claim, Evidence, Finding, Observation, Profile};

/// The word on one claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The claim is about another mode than the one seen.
    NotApplicable,
    /// Not provoked, or the capture has a gap where it matters.
    Inconclusive,
    /// The profile's expectation was met, and it was really put to the test.
    Pass,
    /// The profile's expectation was not met.
    Fail,
    /// The harness could not do its part.
    Error,
}

impl Verdict {
    /// All, in the order in which summaries list them.
    pub const ALL: [Self; 5] = [Self::Pass, Self::Fail, Self::Inconclusive, Self::NotApplicable, Self::Error];

    /// The word that the result schema uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
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
    /// Why, in one sentence.
    pub reason: String,
    /// What shows it.
    pub evidence: Vec<Evidence>,
}

/// Judges every claim of `profile` for each conversation of `case`; one list per conversation, in their order.
pub fn judge(case: &Case, profile: &Profile) -> Vec<Vec<Judgement>> {
    case.subjects()
        .map(|subject| {
            profile
                .expectations()
                .map(|(claim, expect)| conclude(claim, expect, (claim.check().run)(&subject), case))
                .collect()
        })
        .collect()
}

/// Applies the expectation to what was found.
fn conclude(claim: &'static Claim, expect: Expect, finding: Finding, case: &Case) -> Judgement {
    let Finding { observation, reason, evidence } = finding;
    let holds = match observation {
        Observation::NotApplicable => {
            return Judgement { claim, verdict: Verdict::NotApplicable, reason, evidence };
        }
        Observation::Undetermined => {
            return Judgement { claim, verdict: Verdict::Inconclusive, reason, evidence };
        }
        Observation::Observed => claim.holds == HoldsWhen::Observed,
        Observation::NotObserved => claim.holds == HoldsWhen::NotObserved,
    };
    let met = holds == (expect == Expect::Holds);
    // A breach stands whatever else failed to happen. A pass does not, in a case whose script was not played.
    if met && let Some(unfired) = case.given.unfired.first() {
        let reason = format!("the case did not play as scripted: {unfired}");
        return Judgement { claim, verdict: Verdict::Inconclusive, reason, evidence: Vec::new() };
    }
    Judgement { claim, verdict: if met { Verdict::Pass } else { Verdict::Fail }, reason, evidence }
}

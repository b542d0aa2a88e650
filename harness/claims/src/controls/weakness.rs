//! Which CWE and ATT&CK ids a finding is an instance of: one table, for checks and exposures.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::Ground;
use crate::claim::HoldsWhen;
use crate::profile::Expect;
use crate::{Check, Claim, Verdict, Wanted};

/// The table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Weaknesses {
    /// The editions of ATT&CK that its ids are of.
    pub attack_edition: String,
    /// CWE ids that are used, with titles.
    pub cwe: Vec<Named>,
    /// ATT&CK ids that are used, with titles.
    pub attack: Vec<Named>,
    /// Of exposures.
    exposure: Vec<OfExposure>,
    /// Of checks.
    check: Vec<OfCheck>,
}

/// An id with a title in our words.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// The id.
    pub id: String,
    /// The title.
    pub title: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfExposure {
    id: String,
    #[serde(default)]
    cwe: Vec<String>,
    #[serde(default)]
    attack: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfCheck {
    id: String,
    weak: HoldsWhen,
    #[serde(default)]
    cwe: Vec<String>,
    #[serde(default)]
    attack: Vec<String>,
}

/// What a claim is an instance of, and with which verdict. As the result has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub struct Weakness {
    /// The verdict that means that the weakness was seen; none where the profile only records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_when: Option<Verdict>,
    /// Whether the claim holds, as it is stated, where the weakness was seen.
    pub claim_holds: bool,
    /// CWE ids, the most exact first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cwe: Vec<String>,
    /// ATT&CK ids of what somebody can do with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attack: Vec<String>,
}

static TABLE: LazyLock<Weaknesses> = LazyLock::new(|| {
    toml::from_str(include_str!("../../controls/weaknesses.toml"))
        .expect("the embedded table is tested")
});

/// The table.
pub fn weaknesses() -> &'static Weaknesses {
    &TABLE
}

impl Weaknesses {
    fn of(&self, check: &str) -> Option<&OfCheck> {
        self.check.iter().find(|one| one.id == check)
    }

    /// The title of a CWE or ATT&CK id of the table.
    pub fn title(&self, id: &str) -> Option<&str> {
        let mut all = self.cwe.iter().chain(&self.attack);
        Some(all.find(|one| one.id == id)?.title.as_str())
    }

    /// Ids of the checks whose findings have this CWE or ATT&CK id.
    pub fn checks_with<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a str> {
        let has = move |ids: &[String]| ids.iter().any(|one| one == id);
        let all = self.check.iter();
        all.filter(move |one| has(&one.cwe) || has(&one.attack))
            .map(|one| one.id.as_str())
    }
}

impl Weakness {
    /// That of a claim, under what a profile expects of it.
    pub fn of(claim: &Claim, expect: Expect) -> Option<Self> {
        let entry = weaknesses().of(&claim.check)?;
        let claim_holds = entry.weak == claim.holds;
        Some(Self {
            seen_when: match (expect, claim_holds) {
                (Expect::Recorded, _) => None,
                (Expect::Holds, true) | (Expect::DoesNotHold, false) => Some(Verdict::Pass),
                _ => Some(Verdict::Fail),
            },
            claim_holds,
            cwe: entry.cwe.clone(),
            attack: entry.attack.clone(),
        })
    }

    /// That of a check, where a case that wanted `wanted` of it got this verdict, and the weakness was seen.
    pub fn seen(check: &str, wanted: Wanted, verdict: Verdict) -> Option<(&[String], &[String])> {
        let entry = weaknesses().of(check)?;
        let as_wanted = (wanted == Wanted::Observed) == (entry.weak == HoldsWhen::Observed);
        let seen = if as_wanted {
            Verdict::Pass
        } else {
            Verdict::Fail
        };
        (verdict == seen).then_some((&entry.cwe, &entry.attack))
    }

    /// What `smtpspec explain` says of a check: which observation is the weak one, with its ids.
    pub fn told(check: &Check) -> Option<String> {
        let entry = weaknesses().of(check.id)?;
        let word = match entry.weak {
            HoldsWhen::Observed => "observed",
            HoldsWhen::NotObserved => "not observed",
        };
        let ids: Vec<_> = entry
            .cwe
            .iter()
            .chain(&entry.attack)
            .map(|id| format!("{id} ({})", weaknesses().title(id).unwrap_or_default()))
            .collect();
        Some(format!("Where it is {word}: {}", ids.join("; ")))
    }
}

/// The ids of grounds that were refuted: CWE, ATT&CK, each once, in their order.
pub(super) fn of_grounds<'a>(
    refuted: impl Iterator<Item = &'a Ground>,
) -> (Vec<String>, Vec<String>) {
    let (mut cwe, mut attack) = (BTreeSet::new(), BTreeSet::new());
    let table = weaknesses();
    for ground in refuted {
        let ids = match ground {
            Ground::No(exposed) => {
                let mut all = table.exposure.iter();
                all.find(|one| one.id == exposed.as_str())
                    .map(|one| (&one.cwe, &one.attack))
            }
            // A claim is refuted by the observation that it does not hold with.
            Ground::Claim(id) => Claim::find(id).and_then(|claim| {
                let entry = table.of(&claim.check)?;
                (entry.weak != claim.holds).then_some((&entry.cwe, &entry.attack))
            }),
        };
        if let Some((one, other)) = ids {
            cwe.extend(one.iter().cloned());
            attack.extend(other.iter().cloned());
        }
    }
    (cwe.into_iter().collect(), attack.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::claim::Kind;
    use crate::controls::Exposed;
    use crate::{Profile, checks};

    #[test]
    fn every_entry_is_about_a_check_or_an_exposure_and_every_id_has_a_title() {
        let table = weaknesses();
        let titled: HashSet<&str> = table
            .cwe
            .iter()
            .chain(&table.attack)
            .map(|one| one.id.as_str())
            .collect();
        assert_eq!(titled.len(), table.cwe.len() + table.attack.len());
        let mut seen = HashSet::new();
        let mut used = HashSet::new();
        let mut ids = |all: &[&Vec<String>]| {
            for id in all.iter().copied().flatten() {
                assert!(titled.contains(id.as_str()), "{id} has no title");
                used.insert(id.clone());
            }
        };
        for entry in &table.check {
            assert!(checks::find(&entry.id).is_some(), "{}", entry.id);
            assert!(seen.insert(&entry.id), "{} twice", entry.id);
            assert!(!entry.cwe.is_empty(), "{} without a CWE id", entry.id);
            ids(&[&entry.cwe, &entry.attack]);
        }
        seen.clear();
        for entry in &table.exposure {
            let known = Exposed::ALL.iter().any(|one| one.as_str() == entry.id);
            assert!(known && seen.insert(&entry.id), "{}", entry.id);
            ids(&[&entry.cwe, &entry.attack]);
        }
        for exposed in Exposed::ALL {
            let mut all = table.exposure.iter();
            assert!(all.any(|one| one.id == exposed.as_str()));
        }
        // CWE-311 and the like stand there to be used, not to fill the table.
        for one in table.cwe.iter().chain(&table.attack) {
            assert!(used.contains(&one.id), "{} is used by nothing", one.id);
        }
    }

    #[test]
    fn what_is_asked_of_a_submission_is_classified() {
        let profile = Profile::find("submission-8314").expect("it is shipped");
        for (claim, expect) in profile.expectations() {
            assert_eq!(claim.kind, Kind::Standard);
            let weakness = Weakness::of(claim, expect).unwrap_or_else(|| panic!("{}", claim.id));
            assert_eq!(weakness.seen_when, Some(Verdict::Fail), "{}", claim.id);
        }
    }

    #[test]
    fn a_pass_can_be_the_weak_one() {
        let of = |id: &str, expect| Weakness::of(Claim::find(id).expect("a claim"), expect);
        let documented = of("ADP-16", Expect::Holds).expect("a password in clear is weak");
        assert_eq!(documented.seen_when, Some(Verdict::Pass));
        assert_eq!(documented.cwe[0], "CWE-523");
        let refused = of("ADP-16", Expect::DoesNotHold).expect("the same");
        assert_eq!(refused.seen_when, Some(Verdict::Fail));
        assert_eq!(
            of("ADP-16", Expect::Recorded).expect("the same").seen_when,
            None
        );
        // STARTTLS issued is no weakness, though it refutes the documentation.
        let starttls = of("ADP-08", Expect::Holds).expect("not issued is weak");
        assert_eq!(starttls.seen_when, Some(Verdict::Pass));
        let asked = of("RFC3207-4", Expect::Holds).expect("the same");
        assert_eq!(asked.seen_when, Some(Verdict::Fail));
        assert!(Weakness::seen("bcc-disclosed", Wanted::NotObserved, Verdict::Fail).is_some());
        assert!(Weakness::seen("bcc-disclosed", Wanted::NotObserved, Verdict::Pass).is_none());
        assert!(Weakness::seen("starttls-issued", Wanted::Observed, Verdict::Fail).is_some());
        assert!(Weakness::seen("message-accepted", Wanted::Observed, Verdict::Fail).is_none());
    }
}

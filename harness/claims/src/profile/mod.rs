//! Profiles: which claims are expected to hold, and which controls they are held against.

mod file;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{LazyLock, OnceLock};

use serde::Deserialize;

use crate::controls::{Framework, Ground};
use crate::{Claim, Verdict};

pub use file::Problem;

/// What a profile expects of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expect {
    /// That it holds.
    Holds,
    /// That it does not.
    DoesNotHold,
    /// Nothing: the document says nothing about it, or is not to be held to it. What is seen is recorded.
    Recorded,
}

impl Expect {
    /// The word in profiles.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::DoesNotHold => "does-not-hold",
            Self::Recorded => "recorded",
        }
    }

    /// Whether a claim holds that got this verdict; of one that is only recorded, `recorded` says it.
    pub const fn holds(self, verdict: Verdict, recorded: Option<bool>) -> Option<bool> {
        match verdict {
            Verdict::Pass => Some(matches!(self, Self::Holds)),
            Verdict::Fail => Some(matches!(self, Self::DoesNotHold)),
            Verdict::Recorded => recorded,
            Verdict::Inconclusive | Verdict::NotApplicable | Verdict::Error => None,
        }
    }
}

/// A set of expectations.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    /// Stable id: `biztalk-smtp-adapter`. Of several that were put together, all of theirs with `+` between them.
    pub id: String,
    /// One line.
    pub title: String,
    /// What it is for.
    pub description: String,
    /// Claim id to expectation.
    claims: BTreeMap<String, Expect>,
    /// The standards of compliance that it is held against, with those of their controls that are wanted.
    frameworks: Vec<Framework>,
    /// What is known to be in scope.
    scope: BTreeSet<String>,
    /// Id and title of each profile that it was put together of; none where it is one by itself.
    parts: Vec<(String, String)>,
    ordered: Ordered,
}

/// The claims of a profile in the order of the catalogue, once they were asked for: they are, for every conversation. A copy
/// works them out again, since a copy is made to be changed.
#[derive(Debug, Default)]
struct Ordered(OnceLock<Vec<(&'static Claim, Expect)>>);

impl Clone for Ordered {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// The profiles that are written as such.
const FILES: [&str; 3] = [
    include_str!("../../profiles/biztalk-smtp-adapter.toml"),
    include_str!("../../profiles/submission-8314.toml"),
    include_str!("../../profiles/rfc-strict.toml"),
];

/// Those, and each standard of compliance as a profile of what its rules name.
static ALL: LazyLock<Vec<Profile>> = LazyLock::new(|| {
    let written = FILES
        .iter()
        .map(|text| file::read(text, &|_| None).expect("the embedded profiles are tested"));
    let standards = Framework::all().iter().map(Profile::of_standard);
    written.chain(standards).collect()
});

impl Profile {
    /// Every shipped profile.
    pub fn all() -> &'static [Self] {
        &ALL
    }

    /// The profile with this id.
    pub fn find(id: &str) -> Option<&'static Self> {
        ALL.iter().find(|profile| profile.id == id)
    }

    /// Reads somebody's own profile.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and where.
    pub fn read(text: &str) -> Result<Self, Problem> {
        let profile = file::read(text, &Self::find)?;
        if Self::find(&profile.id).is_some() {
            let message = format!("`{}` is the id of a profile that is built in", profile.id);
            return Err(Problem::at_the_start(message));
        }
        Ok(profile)
    }

    /// A standard of compliance as a profile: the claims that its rules name are expected to hold.
    fn of_standard(standard: &Framework) -> Self {
        let mut profile = Self {
            id: standard.id.clone(),
            title: format!("{}: what traffic says of it", standard.name()),
            description: standard.description.clone(),
            ..Self::default()
        };
        profile.hold_against(standard.clone());
        profile
    }

    /// Adds a standard, with the claims that its rules name. One that is there already is replaced.
    fn hold_against(&mut self, standard: Framework) {
        for ground in standard
            .controls
            .iter()
            .flat_map(super::controls::Control::grounds)
        {
            if let Ground::Claim(id) = ground {
                self.claims.entry(id.clone()).or_insert(Expect::Holds);
            }
        }
        match self.frameworks.iter_mut().find(|one| one.id == standard.id) {
            Some(place) => *place = standard,
            None => self.frameworks.push(standard),
        }
    }

    /// Several profiles as one: the claims and controls of all.
    ///
    /// # Errors
    ///
    /// Two of them expect different things of a claim.
    pub fn together(profiles: &[Self]) -> Result<Self, String> {
        if let [only] = profiles {
            return Ok(only.clone());
        }
        let join = |of: fn(&Self) -> &str, by: &str| {
            let all: Vec<_> = profiles.iter().map(of).collect();
            all.join(by)
        };
        let mut whole = Self {
            id: join(|one| &one.id, "+"),
            title: join(|one| &one.title, "; "),
            description: join(|one| one.description.trim(), "\n\n"),
            ..Self::default()
        };
        let mut from: BTreeMap<&str, &str> = BTreeMap::new();
        for one in profiles {
            whole.parts.push((one.id.clone(), one.title.clone()));
            whole.scope.extend(one.scope.iter().cloned());
            for (claim, expect) in &one.claims {
                let before = *whole.claims.entry(claim.clone()).or_insert(*expect);
                let first = *from.entry(claim).or_insert(&one.id);
                // To record something takes nothing from whoever expects something of it.
                let wanted = match (before, *expect) {
                    (a, b) if a == b => a,
                    (Expect::Recorded, other) | (other, Expect::Recorded) => other,
                    (a, b) => {
                        let (a, b) = (a.as_str(), b.as_str());
                        return Err(format!(
                            "the profiles do not go together: {first} says that {claim} {a}, and {} says {b}",
                            one.id
                        ));
                    }
                };
                whole.claims.insert(claim.clone(), wanted);
            }
            for standard in &one.frameworks {
                if whole.frameworks.iter().all(|known| known.id != standard.id) {
                    whole.frameworks.push(standard.clone());
                }
            }
        }
        Ok(whole)
    }

    /// The same with every claim expected to hold that it only records.
    #[must_use]
    pub fn strictly(&self) -> Self {
        let mut strict = self.clone();
        for expect in strict.claims.values_mut() {
            if *expect == Expect::Recorded {
                *expect = Expect::Holds;
            }
        }
        strict
    }

    /// Its claims, in the order of the catalogue.
    pub fn expectations(&self) -> impl Iterator<Item = (&'static Claim, Expect)> {
        let expected = |claim: &'static Claim| Some((claim, *self.claims.get(&claim.id)?));
        let ordered = || Claim::all().iter().filter_map(expected).collect();
        self.ordered.0.get_or_init(ordered).iter().copied()
    }

    /// The standards of compliance that it is held against.
    pub fn frameworks(&self) -> &[Framework] {
        &self.frameworks
    }

    /// What it says to be in scope.
    pub fn scope(&self) -> impl Iterator<Item = &str> {
        self.scope.iter().map(String::as_str)
    }

    /// Whether it says that this is in scope.
    pub fn is_in_scope(&self, word: &str) -> bool {
        self.scope.contains(word)
    }

    /// Id and title of each profile that it was put together of; none where it is one by itself.
    pub fn parts(&self) -> &[(String, String)] {
        &self.parts
    }

    /// What it expects of a claim, as a sentence without its full stop.
    pub fn wish(&self, claim: &str) -> String {
        let wish = match self.claims.get(claim) {
            Some(Expect::DoesNotHold) => "it not to hold",
            _ => "it to hold",
        };
        if self.parts.is_empty() {
            format!("the profile {} expects {wish}", self.id)
        } else {
            format!("the profiles expect {wish}")
        }
    }
}

//! Profiles: which claims are expected to hold.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::Claim;

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

/// A set of expectations.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Stable id: `biztalk-smtp-adapter`.
    pub id: String,
    /// One line.
    pub title: String,
    /// What it is for.
    pub description: String,
    /// Claim id to expectation.
    claims: BTreeMap<String, Expect>,
}

static ALL: LazyLock<Vec<Profile>> = LazyLock::new(|| {
    [
        include_str!("../profiles/biztalk-smtp-adapter.toml"),
        include_str!("../profiles/submission-8314.toml"),
    ]
    .iter()
    .map(|text| toml::from_str(text).expect("the embedded profiles are tested"))
    .collect()
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

    /// Its claims, in the order of the catalogue.
    pub fn expectations(&self) -> impl Iterator<Item = (&'static Claim, Expect)> {
        Claim::all()
            .iter()
            .filter_map(|claim| Some((claim, *self.claims.get(&claim.id)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_expectation_names_a_claim() {
        for profile in Profile::all() {
            for id in profile.claims.keys() {
                assert!(
                    Claim::find(id).is_some(),
                    "{} expects {id}, which is no claim",
                    profile.id
                );
            }
            assert_eq!(profile.expectations().count(), profile.claims.len());
        }
    }
}

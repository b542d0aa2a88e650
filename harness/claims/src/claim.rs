//! Claims: statements of a document that checks can decide.

use std::fmt;
use std::sync::{LazyLock, OnceLock};

use serde::Deserialize;

use crate::{Check, checks};

/// A statement of a document.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Claim {
    /// Stable id, never reused: `ADP-08`.
    pub id: String,
    /// The statement, as a sentence that can be true.
    pub statement: String,
    /// Where it comes from in the catalogue's document.
    pub kind: Kind,
    /// The check that decides it.
    pub check: String,
    /// Which observation makes it hold.
    pub holds: HoldsWhen,
    /// When a pass would mean nothing.
    pub vacuous_when: String,
    /// Pages or sections that state it (and, after "against:", that contradict it).
    pub sources: Vec<String>,
    /// The check, once it was looked up: that is done for every conversation.
    #[serde(skip)]
    found: Found,
}

#[derive(Default)]
struct Found(OnceLock<&'static Check>);

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.get().map(|check| check.id).fmt(f)
    }
}

/// A statement of a document that no packet can show or refute.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OffWire {
    /// Stable id, in one row with those of claims: `ADP-30`.
    pub id: String,
    /// The statement, as a sentence that can be true.
    pub statement: String,
    /// Where it comes from in the catalogue's document.
    pub kind: Kind,
    /// Why packets do not decide it.
    pub why: String,
    /// What an auditor brings instead.
    pub evidence: String,
    /// Pages or sections that state it.
    pub sources: Vec<String>,
}

/// What weight a statement has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Stated by the security recommendations that the project began with.
    Seed,
    /// Stated elsewhere in the documentation.
    Documented,
    /// Stated, and contradicted by another page.
    Contradicted,
    /// Reported by a third party.
    Field,
    /// Undocumented behaviour, recorded.
    Undocumented,
    /// Asked for by an RFC or a published protocol specification.
    Standard,
}

impl Kind {
    /// A word for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Seed => "security recommendation",
            Self::Documented => "documented",
            Self::Contradicted => "documented, contradicted elsewhere",
            Self::Field => "field report",
            Self::Undocumented => "undocumented, recorded",
            Self::Standard => "standard",
        }
    }
}

/// Which observation makes a claim hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HoldsWhen {
    /// The check's fact was seen.
    Observed,
    /// The check's fact was provoked and not seen.
    NotObserved,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[serde(rename_all = "kebab-case")]
struct Catalogue {
    claim: Vec<Claim>,
    #[serde(default)]
    off_wire: Vec<OffWire>,
}

/// One file for each document, or family of documents.
const CATALOGUES: [&str; 3] = [
    include_str!("../catalogue/biztalk-smtp-adapter.toml"),
    include_str!("../catalogue/submission.toml"),
    include_str!("../catalogue/rfc-strict.toml"),
];

static ALL: LazyLock<Catalogue> = LazyLock::new(|| {
    let mut all = Catalogue {
        claim: Vec::new(),
        off_wire: Vec::new(),
    };
    for text in CATALOGUES {
        let one: Catalogue = toml::from_str(text).expect("the embedded catalogues are tested");
        all.claim.extend(one.claim);
        all.off_wire.extend(one.off_wire);
    }
    all
});

impl OffWire {
    /// Every statement of this kind, in the order of the catalogues.
    pub fn all() -> &'static [Self] {
        &ALL.off_wire
    }

    /// The statement with this id, in any case.
    pub fn find(id: &str) -> Option<&'static Self> {
        let mut all = Self::all().iter();
        all.find(|one| one.id.eq_ignore_ascii_case(id))
    }
}

impl Claim {
    /// Every claim, in the order of the catalogues.
    pub fn all() -> &'static [Self] {
        &ALL.claim
    }

    /// The claim with this id, in any case.
    pub fn find(id: &str) -> Option<&'static Self> {
        Self::all()
            .iter()
            .find(|claim| claim.id.eq_ignore_ascii_case(id))
    }

    /// The check that decides it.
    pub fn check(&self) -> &'static Check {
        self.found.0.get_or_init(|| {
            checks::find(&self.check).expect("a test holds the catalogue to the registry")
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_claim_is_decided_by_a_registered_check() {
        for claim in Claim::all() {
            assert!(
                checks::find(&claim.check).is_some(),
                "{} names no check: {}",
                claim.id,
                claim.check
            );
        }
    }

    #[test]
    fn ids_are_unique_and_the_texts_are_there() {
        let mut ids = HashSet::new();
        for claim in Claim::all() {
            assert!(ids.insert(&claim.id), "{} twice", claim.id);
            assert!(
                !claim.statement.is_empty()
                    && !claim.sources.is_empty()
                    && !claim.vacuous_when.is_empty()
            );
        }
        for one in OffWire::all() {
            assert!(ids.insert(&one.id), "{} twice", one.id);
            let texts = [&one.statement, &one.why, &one.evidence];
            assert!(texts.iter().all(|text| !text.is_empty()) && !one.sources.is_empty());
        }
    }
}

//! `docs/corpus.toml`: disagreements that were looked into.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

/// All that is explained.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Explained {
    because: Vec<Because>,
}

/// One reason, with the captures that it explains.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Because {
    /// Who is right: `smtpspec`, `tshark`, or `both` where it is a question of view.
    right: String,
    /// Why, in a sentence or two.
    why: String,
    /// By the path of the capture in its folder: what disagrees, with the numbers of both.
    captures: BTreeMap<String, BTreeMap<String, String>>,
}

impl Explained {
    pub(crate) fn read() -> Result<Self, String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/corpus.toml");
        let text = std::fs::read_to_string(&path)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        let all: Self =
            toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        for one in &all.because {
            let known = ["smtpspec", "tshark", "both"].contains(&one.right.as_str());
            if !known || one.why.trim().is_empty() {
                return Err(format!(
                    "{}: a reason says who is right, and why",
                    path.display()
                ));
            }
        }
        Ok(all)
    }

    /// The differences that no reason explains with these very numbers.
    pub(crate) fn rest(
        &self,
        name: &str,
        differences: &BTreeMap<String, String>,
    ) -> BTreeMap<String, String> {
        let explains = |what: &str, numbers: &str| {
            self.because
                .iter()
                .filter_map(|one| one.captures.get(name)?.get(what))
                .any(|known| known == numbers)
        };
        differences
            .iter()
            .filter(|(what, numbers)| !explains(what, numbers))
            .map(|(what, numbers)| (what.clone(), numbers.clone()))
            .collect()
    }

    /// The explanations for a capture that explain nothing any more.
    pub(crate) fn stale(
        &self,
        name: &str,
        differences: &BTreeMap<String, String>,
    ) -> BTreeMap<String, String> {
        let known = self.because.iter().filter_map(|one| one.captures.get(name));
        known
            .flatten()
            .filter(|(what, numbers)| differences.get(*what) != Some(numbers))
            .map(|(what, numbers)| (what.clone(), numbers.clone()))
            .collect()
    }
}

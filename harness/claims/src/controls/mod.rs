//! Controls: what standards of compliance ask, and the rule by which claims and exposures decide it.
//!
//! One file under `controls/` for each standard, in our own words. A rule names *grounds*: claims that are to hold, and
//! exposures that are not to be there. Any ground of a control that is refuted leaves it not satisfied; only where every
//! ground that it is *shown by* was put to the test and holds, it is satisfied, by what was seen and no further. All else
//! is not tested. Nothing here ever says that an organisation complies.

pub mod outcome;
mod rule;
#[cfg(test)]
mod tests;
pub mod weakness;
mod witness;

use std::sync::LazyLock;

use serde::Deserialize;

pub use outcome::{Citation, ControlOutcome, ControlVerdict, FrameworkOutcome, GroundOutcome};
pub use rule::{Exposed, Ground, State};
pub use weakness::{Weakness, weaknesses};
pub use witness::Witnesses;

/// A standard of compliance, as far as traffic can say something about it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Framework {
    /// Stable id, which is that of a profile, too: `pci-dss-4.0.1`.
    pub id: String,
    /// Its name.
    pub title: String,
    /// Which edition of it.
    pub edition: String,
    /// Who issues it.
    pub publisher: String,
    /// Where it is to be had.
    pub source: String,
    /// What it is about, and what to mind when it is cited.
    pub description: String,
    /// Its controls.
    #[serde(rename = "control")]
    pub controls: Vec<Control>,
}

/// One thing that a standard asks.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Control {
    /// Of a control in somebody's own profile: the standard that it belongs to, where that is not the profile itself.
    #[serde(default)]
    pub framework: Option<toml::Spanned<String>>,
    /// As the standard calls it: `SC-8(1)`.
    pub id: String,
    /// What it asks, in our words.
    pub asks: String,
    /// Grounds that all have to hold before it counts as satisfied by what was seen.
    #[serde(default)]
    pub shown_by: Vec<Ground>,
    /// More grounds that are not to be refuted, but need not be put to the test.
    #[serde(default)]
    pub broken_by: Vec<Ground>,
    /// What must be known of the deployment before a finding *applies* to the control. Until a profile says that it is
    /// so, a finding *relates* to it.
    #[serde(default)]
    pub scope: Vec<String>,
    /// When it may be cited.
    pub cite: String,
    /// What no capture shows.
    pub not_tested: String,
    /// The id of its statement in an OSCAL catalogue, where there is one.
    #[serde(default)]
    pub oscal: String,
}

/// The standards that are built in.
const FILES: [&str; 7] = [
    include_str!("../../controls/pci-dss-4.0.1.toml"),
    include_str!("../../controls/nist-sp-800-53r5.toml"),
    include_str!("../../controls/nist-sp-800-177r1.toml"),
    include_str!("../../controls/hipaa-security-rule.toml"),
    include_str!("../../controls/iso-27001-2022.toml"),
    include_str!("../../controls/cis-controls-v8.toml"),
    include_str!("../../controls/bsi-tr-03108.toml"),
];

static ALL: LazyLock<Vec<Framework>> = LazyLock::new(|| {
    FILES
        .iter()
        .map(|text| toml::from_str(text).expect("the embedded controls are tested"))
        .collect()
});

impl Framework {
    /// Every standard that is built in.
    pub fn all() -> &'static [Self] {
        &ALL
    }

    /// The standard with this id.
    pub fn find(id: &str) -> Option<&'static Self> {
        ALL.iter().find(|one| one.id == id)
    }

    /// Title and edition.
    pub fn name(&self) -> String {
        format!("{} {}", self.title, self.edition)
    }
}

impl Control {
    /// The controls that are built in and have this name, in any case: `SC-8`, or `nist-sp-800-53r5/SC-8` where several
    /// standards have one of the same id.
    pub fn find(name: &str) -> Vec<(&'static Framework, &'static Self)> {
        let (of, id) = name
            .split_once('/')
            .map_or((None, name), |(of, id)| (Some(of), id));
        Framework::all()
            .iter()
            .filter(|one| of.is_none_or(|of| one.id.eq_ignore_ascii_case(of)))
            .flat_map(|one| one.controls.iter().map(move |control| (one, control)))
            .filter(|(_, control)| control.id.eq_ignore_ascii_case(id))
            .collect()
    }

    /// Every ground of its rule, each once.
    pub fn grounds(&self) -> impl Iterator<Item = &Ground> {
        let more = self
            .broken_by
            .iter()
            .filter(|one| !self.shown_by.contains(one));
        self.shown_by.iter().chain(more)
    }

    /// Its rule, as sentences.
    pub fn rule(&self) -> String {
        let list = |grounds: &mut dyn Iterator<Item = &Ground>| -> String {
            grounds
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("; ")
        };
        if self.grounds().next().is_none() {
            return "Nothing that crosses the wire decides it: it is never tested.".to_owned();
        }
        let broken = format!(
            "Not satisfied where one of these is refuted: {}.",
            list(&mut self.grounds())
        );
        let shown = if self.shown_by.is_empty() {
            "Never satisfied by what is seen: traffic can only speak against it.".to_owned()
        } else {
            format!(
                "Satisfied by what was seen where each of these was put to the test and holds: {}.",
                list(&mut self.shown_by.iter())
            )
        };
        format!("{broken} {shown} Otherwise not tested.")
    }
}

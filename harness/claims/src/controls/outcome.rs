//! What a result says of controls.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A standard, with the word on each of its controls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub struct FrameworkOutcome {
    /// Its id.
    pub id: String,
    /// Its name.
    pub title: String,
    /// Which edition of it.
    pub edition: String,
    /// Where it is to be had.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// Its controls.
    pub controls: Vec<ControlOutcome>,
}

/// The word on a control.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub struct ControlOutcome {
    /// Its id, as the standard calls it.
    pub id: String,
    /// What it asks, in our words.
    pub asks: String,
    /// The word.
    pub verdict: ControlVerdict,
    /// Whether what was found applies to it, or merely relates to it.
    pub citation: Citation,
    /// What the word rests on, the decisive grounds first.
    pub grounds: Vec<GroundOutcome>,
    /// When it may be cited.
    pub cite: String,
    /// What no capture shows.
    pub not_tested: String,
    /// CWE ids of what refuted it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cwe: Vec<String>,
    /// ATT&CK ids of what refuted it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attack: Vec<String>,
    /// The id of its statement in an OSCAL catalogue, where there is one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub statement: String,
}

/// What can be said of a control.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ControlVerdict {
    /// Something was seen that it forbids.
    NotSatisfied,
    /// What decides it was not seen, or is not on the wire.
    NotTested,
    /// All that decides it on the wire was put to the test, and is as it should be. This is no compliance.
    SatisfiedByWhatWasSeen,
}

/// How a finding stands to a control.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Citation {
    /// The profile says that what the control is about is in scope.
    Applies,
    /// That is not known.
    RelatesTo,
}

/// How it stands with one ground of a control.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub struct GroundOutcome {
    /// A claim's id, or `no` and an exposure.
    pub ground: String,
    /// `holds`, `refuted`, `undecided`, or `not-judged`.
    pub state: String,
    /// Why, in a sentence.
    pub reason: String,
    /// A conversation that shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// Packets of that conversation that show it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packets: Vec<u64>,
}

impl ControlVerdict {
    /// All, the gravest first.
    pub const ALL: [Self; 3] = [
        Self::NotSatisfied,
        Self::NotTested,
        Self::SatisfiedByWhatWasSeen,
    ];

    /// The word for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotSatisfied => "not satisfied",
            Self::NotTested => "not tested",
            Self::SatisfiedByWhatWasSeen => "satisfied by what was seen",
        }
    }
}

impl fmt::Display for ControlVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Citation {
    /// The word for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applies => "applies to",
            Self::RelatesTo => "relates to",
        }
    }
}

impl FrameworkOutcome {
    /// Title and edition.
    pub fn name(&self) -> String {
        format!("{} {}", self.title, self.edition)
    }
}

impl ControlOutcome {
    /// Grounds that say what the word says: those that are refuted, those that hold, or those that were left open.
    pub fn decisive(&self) -> impl Iterator<Item = &GroundOutcome> {
        let wanted: &[&str] = match self.verdict {
            ControlVerdict::NotSatisfied => &["refuted"],
            ControlVerdict::SatisfiedByWhatWasSeen => &["holds"],
            ControlVerdict::NotTested => &["undecided", "not-judged"],
        };
        let grounds = self.grounds.iter();
        grounds.filter(move |one| wanted.contains(&one.state.as_str()))
    }

    /// Why, in one sentence: the first of what decided, or what is not to be seen at all.
    pub fn why(&self) -> String {
        match (self.decisive().next(), self.verdict) {
            (Some(ground), ControlVerdict::NotTested) => {
                format!("{}: {}", ground.ground, ground.reason)
            }
            (Some(ground), _) => {
                let state = &ground.state;
                format!("{} {state}: {}", ground.ground, ground.reason)
            }
            (None, _) if self.grounds.is_empty() => "it is not decided by traffic".to_owned(),
            (None, _) => "traffic can only speak against it, and did not".to_owned(),
        }
    }
}

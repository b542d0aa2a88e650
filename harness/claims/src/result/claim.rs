//! The verdict on a claim as a result keeps it: its reason, and where the evidence stands.

use serde::{Deserialize, Serialize};
use wire::{Direction, Span};

use crate::excerpt::Excerpts;
use crate::{Evidence, Judgement, Verdict};

/// The verdict on a claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ClaimOutcome {
    /// Its id.
    pub claim: String,
    /// The word.
    pub verdict: Verdict,
    /// Of a claim that is only recorded: whether it holds as it is stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holds: Option<bool>,
    /// Why.
    pub reason: String,
    /// What shows it.
    pub evidence: Vec<EvidenceOutcome>,
}

/// A piece of evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct EvidenceOutcome {
    /// Packet numbers, counting from 1 as Wireshark does.
    pub packets: Vec<u64>,
    /// The bytes; left out where the evidence is a packet without payload.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bytes: Option<Bytes>,
    /// What is to be seen there.
    pub what: String,
    /// The bytes themselves in hexadecimal, `**` for each that may not be shown; only where a report asked for them, and
    /// no more than [`crate::excerpt::MAX_BYTES`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub excerpt: String,
}

impl EvidenceOutcome {
    /// Adds the bytes.
    pub fn quote(&mut self, excerpts: &Excerpts<'_>) {
        if let Some(bytes) = &self.bytes {
            let direction = match bytes.direction.as_str() {
                "client" => Direction::Client,
                _ => Direction::Server,
            };
            self.excerpt = excerpts.hex(Span::new(direction, bytes.start, bytes.end));
        }
    }
}

/// A range of one direction's byte stream, counted from the first byte after the SYN.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Bytes {
    /// `client` or `server`.
    pub direction: String,
    /// First byte.
    pub start: u64,
    /// One past the last.
    pub end: u64,
}

impl From<Evidence> for EvidenceOutcome {
    fn from(evidence: Evidence) -> Self {
        let bytes = evidence.bytes.map(|span| Bytes {
            direction: span.direction.as_str().to_owned(),
            start: span.start,
            end: span.end,
        });
        Self {
            packets: evidence.packets,
            bytes,
            what: evidence.what.into_owned(),
            excerpt: String::new(),
        }
    }
}

impl From<Judgement> for ClaimOutcome {
    fn from(judgement: Judgement) -> Self {
        Self::in_brief(judgement, usize::MAX)
    }
}

impl ClaimOutcome {
    /// With so many pieces of evidence at the most; one more tells where that is too few.
    pub(super) fn in_brief(judgement: Judgement, most: usize) -> Self {
        let all = judgement.evidence.len();
        let mut pieces = judgement.evidence.into_iter();
        let mut evidence: Vec<EvidenceOutcome> =
            pieces.by_ref().take(most).map(Into::into).collect();
        if let Some(next) = pieces.next() {
            evidence.push(EvidenceOutcome {
                what: format!("{} more pieces of evidence, from here on", all - most),
                bytes: None,
                ..next.into()
            });
        }
        Self {
            claim: judgement.claim.id.clone(),
            verdict: judgement.verdict,
            holds: judgement
                .holds
                .filter(|_| judgement.verdict == Verdict::Recorded),
            reason: judgement.reason.into_owned(),
            evidence,
        }
    }
}

//! What a check found, and where.

use std::borrow::Cow;

use smtp::timeline::{Event, Timeline};
use wire::Span;

/// What a check can say about its fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observation {
    /// It was seen, with evidence.
    Observed,
    /// It was provoked and did not happen, with evidence of the provocation.
    NotObserved,
    /// It could not have been seen here: not provoked, encrypted, or missing from the capture.
    Undetermined,
    /// The question does not arise for this conversation.
    NotApplicable,
}

/// Where something can be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Packet numbers, counting from 1 as Wireshark does.
    pub packets: Vec<u64>,
    /// The bytes in their direction's stream; `None` where the evidence is a packet without payload.
    pub bytes: Option<Span>,
    /// What is to be seen there: a short noun phrase, never a secret.
    pub what: Cow<'static, str>,
}

impl Evidence {
    /// The bytes `span` of `timeline`.
    pub fn bytes(timeline: &Timeline, span: Span, what: impl Into<Cow<'static, str>>) -> Self {
        Self {
            packets: timeline.packets(span),
            bytes: Some(span),
            what: what.into(),
        }
    }

    /// An event of a timeline.
    pub fn event(event: &Event, what: impl Into<Cow<'static, str>>) -> Self {
        Self {
            packets: event.packets.clone(),
            bytes: (!event.span.is_empty()).then_some(event.span),
            what: what.into(),
        }
    }

    /// A packet without payload.
    pub fn packet(number: u64, what: impl Into<Cow<'static, str>>) -> Self {
        Self {
            packets: vec![number],
            bytes: None,
            what: what.into(),
        }
    }
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The answer.
    pub observation: Observation,
    /// Why, in one sentence for a person: lower case, no full stop, never a secret.
    pub reason: Cow<'static, str>,
    /// What shows it, the decisive piece first.
    pub evidence: Vec<Evidence>,
}

impl Finding {
    /// It was seen.
    pub fn observed(reason: impl Into<Cow<'static, str>>, evidence: Vec<Evidence>) -> Self {
        Self {
            observation: Observation::Observed,
            reason: reason.into(),
            evidence,
        }
    }

    /// It was provoked, and did not happen.
    pub fn not_observed(reason: impl Into<Cow<'static, str>>, evidence: Vec<Evidence>) -> Self {
        Self {
            observation: Observation::NotObserved,
            reason: reason.into(),
            evidence,
        }
    }

    /// It could not be decided.
    pub fn undetermined(reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            observation: Observation::Undetermined,
            reason: reason.into(),
            evidence: Vec::new(),
        }
    }

    /// The question does not arise.
    pub fn not_applicable(reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            observation: Observation::NotApplicable,
            reason: reason.into(),
            evidence: Vec::new(),
        }
    }

    /// Adds evidence to a finding that was made without.
    #[must_use]
    pub fn with(mut self, evidence: Vec<Evidence>) -> Self {
        self.evidence = evidence;
        self
    }
}

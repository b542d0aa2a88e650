//! The result: everything that a report shows, and nothing that it must not. Schema `smtpspec.result/1`.
//!
//! Within a major version fields are only added. Readers are to ignore fields that they do not know.

mod claim;

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};

use smtp::Timeline;
use wire::Timestamp;

use crate::baseline::Comparison;
use crate::controls::{FrameworkOutcome, Weakness};
use crate::excerpt::Excerpts;
use crate::profile::Expect;
use crate::{Answer, Claim, Judgement, Leaks, Profile, Subject, Verdict, transcript};

pub use self::claim::{Bytes, ClaimOutcome, EvidenceOutcome};

/// The name of the schema that this build writes.
pub const SCHEMA: &str = "smtpspec.result/1";

/// The JSON Schema (draft 2020-12) of a result, made from the types below by a test.
pub const JSON_SCHEMA: &str = include_str!("../schema/smtpspec.result-1.schema.json");
/// That of a line of JSON Lines.
pub const LINE_SCHEMA: &str = include_str!("../schema/smtpspec.result-line-1.schema.json");

/// A whole result: of a run, of an audit, of a server's life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub struct Outcome {
    /// [`SCHEMA`].
    pub schema: String,
    /// What made it.
    pub tool: Tool,
    /// What was done: `run`, `audit` or `serve`.
    pub command: String,
    /// Id of the profile that was applied; of several all their ids, with `+` between them.
    pub profile: String,
    /// The profiles, where there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<ProfileText>,
    /// The client that was run, where it is not the reference adapter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientText>,
    /// The claims that were judged, in order.
    pub claims: Vec<ClaimText>,
    /// The scenarios or captures that the conversations come from.
    pub cases: Vec<CaseOutcome>,
    /// Every conversation with its verdicts.
    pub conversations: Vec<ConversationOutcome>,
    /// How many verdicts of each kind all conversations have together.
    pub summary: BTreeMap<Verdict, usize>,
    /// What all conversations together come to, those that are not listed above included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// The controls that the profile is held against, with the word on each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub controls: Vec<FrameworkOutcome>,
    /// What whoever made the captures says that they cover. Without such a statement no report calls a control satisfied
    /// in a form that others may take for a verdict on the organisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<String>,
    /// When it was made, in UTC (RFC 3339); only where `SOURCE_DATE_EPOCH` says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<String>,
    /// What differs from an earlier result, where one was named: then only what is new counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Comparison>,
}

/// One of several profiles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ProfileText {
    /// Its id.
    pub id: String,
    /// One line.
    pub title: String,
}

/// The program that made a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Tool {
    /// `smtpspec`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// A client that was run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ClientText {
    /// Its short name, as `--client` takes it.
    pub id: String,
    /// Its name for people.
    pub title: String,
    /// What it says of its version, where it says something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// The text of a claim, so that a result can be read by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ClaimText {
    /// Its id.
    pub id: String,
    /// Its statement.
    pub statement: String,
    /// What it is an instance of where it is weak, and which verdict says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weakness: Option<Weakness>,
}

impl ClaimText {
    /// That of a claim of which this is expected.
    pub fn of(claim: &Claim, expect: Expect) -> Self {
        Self {
            id: claim.id.clone(),
            statement: claim.statement.clone(),
            weakness: Weakness::of(claim, expect),
        }
    }
}

/// One scenario, or one capture.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub struct CaseOutcome {
    /// Scenario id, or the name of the capture.
    pub id: String,
    /// What it is about.
    pub title: String,
    /// The folder of the scenario; empty for captures.
    pub family: String,
    /// The capture that the verdicts were read from; of several, the first.
    pub capture: CaptureFile,
    /// The captures after the first, where several were read as one.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub more_captures: Vec<CaptureFile>,
    /// Ids of its conversations.
    pub conversations: Vec<String>,
    /// Whether everything that the scenario and the profile expect came true.
    pub met: bool,
    /// What did not come true, a sentence each.
    pub problems: Vec<String>,
    /// One verdict for each claim, over all conversations of the case.
    pub verdicts: BTreeMap<String, Verdict>,
    /// The file of the scenario; empty for captures.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub file: String,
    /// The word on the case itself; captures from the field have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// What the case asks of the client, where it asks something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requirement: Option<Requirement>,
    /// What the checks of the case found, in the order of its file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<CheckOutcome>,
    /// The file with what the client wrote, where it is a program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_log: Option<String>,
    /// Why it is known to fail, where it failed as it is known to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_failure: Option<String>,
}

impl CaseOutcome {
    /// The first finding that says what the word on the case says.
    pub fn decisive(&self) -> Option<&CheckOutcome> {
        let mut findings = self.findings.iter();
        findings.find(|finding| Some(finding.verdict) == self.verdict)
    }

    /// Why the case got its word: what its decisive finding says, or else the first thing that did not come true.
    pub fn why(&self) -> &str {
        let problem = || self.problems.first().map(String::as_str);
        let reason = self.decisive().map(|finding| finding.reason.as_str());
        reason.or_else(problem).unwrap_or_default()
    }
}

/// What a case asks of a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Requirement {
    /// What must be true, in a sentence.
    pub text: String,
    /// How much it weighs: `must`, `should`, `hardening`, `claim` or `information`.
    pub level: String,
    /// The sections that ask for it, as `RFC 5321 4.5.2`.
    pub references: Vec<String>,
    /// Ids of the clauses in the ledger.
    pub clauses: Vec<String>,
}

/// What one check found in the conversations of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CheckOutcome {
    /// Its id.
    pub check: String,
    /// The observation that the case wants: `observed` or `not-observed`.
    pub wanted: String,
    /// Whether it was made.
    pub verdict: Verdict,
    /// The conversation that decided; none where no conversation could.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// Why.
    pub reason: String,
    /// What shows it.
    pub evidence: Vec<EvidenceOutcome>,
    /// CWE ids, where what was found is a weakness.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cwe: Vec<String>,
    /// ATT&CK ids, where it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attack: Vec<String>,
}

/// A capture as evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CaptureFile {
    /// Its path, as given or as written.
    pub path: String,
    /// SHA-256 of the file, in hex; empty where it was not computed (standard input, or a long file).
    pub sha256: String,
    /// Number of packets.
    pub packets: u64,
    /// Where several captures are read as one: the numbers of its first and last packet among all, which the evidence
    /// cites.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub numbers: Option<(u64, u64)>,
    /// Remarks on its quality.
    pub notes: Vec<String>,
}

/// One TCP connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ConversationOutcome {
    /// Unique in the result: the case's id and a number.
    pub id: String,
    /// Address and port of the sender.
    pub client: String,
    /// Address and port of the server.
    pub server: String,
    /// What it speaks: `smtp`, `implicit-tls`, `silent`, `other`.
    pub protocol: String,
    /// What was said, secrets left out.
    pub transcript: Vec<Line>,
    /// The verdicts, in the order of the claims.
    pub verdicts: Vec<ClaimOutcome>,
    /// When its first packet was captured, in UTC (RFC 3339).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub start: String,
    /// When its last packet was captured.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub end: String,
    /// Which packets belong to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packets: Option<PacketRange>,
    /// What it tells anybody who can read the wire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaks: Option<Leaks>,
}

/// The first and the last packet of a conversation; those of others may lie between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PacketRange {
    /// The first.
    pub first: u64,
    /// The last.
    pub last: u64,
}

impl PacketRange {
    /// Those of a conversation; `None` where no packet of it is known.
    pub fn of(timeline: &Timeline) -> Option<Self> {
        let (first, last) = timeline.packet_range;
        (first > 0).then_some(Self { first, last })
    }
}

/// A point in time as the result writes it: UTC, to the nanosecond where the capture has it (RFC 3339).
pub fn rfc3339(time: Timestamp) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(time.as_nanos()))
        .map_or_else(|_| time.to_string(), |time| time.to_string())
}

impl ConversationOutcome {
    /// A judged conversation, without what leaked.
    pub fn judged(id: String, subject: &Subject<'_>, verdicts: Vec<Judgement>) -> Self {
        Self::judged_in_brief(id, subject, verdicts, usize::MAX)
    }

    /// As [`ConversationOutcome::judged`], with so many events in its transcript, and so many pieces of evidence for each
    /// verdict, at the most. Where that is too few, one more tells so.
    pub fn judged_in_brief(
        id: String,
        subject: &Subject<'_>,
        verdicts: Vec<Judgement>,
        most: usize,
    ) -> Self {
        let timeline = subject.timeline();
        Self {
            id,
            client: timeline.client.to_string(),
            server: timeline.server.to_string(),
            protocol: transcript::protocol_word(timeline.protocol).to_owned(),
            transcript: transcript::lines_up_to(timeline, subject.given(), most),
            verdicts: verdicts
                .into_iter()
                .map(|judgement| ClaimOutcome::in_brief(judgement, most))
                .collect(),
            start: String::new(),
            end: String::new(),
            packets: None,
            leaks: None,
        }
    }

    /// Adds the bytes that its evidence points at.
    #[must_use]
    pub fn with_excerpts(mut self, subject: &Subject<'_>) -> Self {
        let excerpts = Excerpts::new(subject.timeline(), subject.given());
        for judged in &mut self.verdicts {
            for piece in &mut judged.evidence {
                piece.quote(&excerpts);
            }
        }
        self
    }

    /// Adds what leaked, with the times and packets.
    #[must_use]
    pub fn with_leaks(mut self, subject: &Subject<'_>) -> Self {
        let timeline = subject.timeline();
        self.start = rfc3339(timeline.start);
        self.end = rfc3339(timeline.end);
        self.packets = PacketRange::of(timeline);
        self.leaks = Some(Leaks::of(subject));
        self
    }
}

/// One line of a transcript.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Line {
    /// Packet numbers.
    pub packets: Vec<u64>,
    /// `client` or `server`.
    pub direction: String,
    /// Whether it crossed under TLS, and is only read because the key is at hand.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub under_tls: bool,
    /// The text, with secrets and content replaced by `<…>`.
    pub text: String,
}

impl Outcome {
    /// One that nothing was judged for yet: by `tool`, doing `command`.
    pub fn begun(tool: Tool, command: &str, profile: &Profile) -> Self {
        let parts = profile.parts().iter();
        let expectations = profile.expectations();
        Self {
            schema: SCHEMA.to_owned(),
            tool,
            command: command.to_owned(),
            profile: profile.id.clone(),
            profiles: parts
                .map(|(id, title)| ProfileText {
                    id: id.clone(),
                    title: title.clone(),
                })
                .collect(),
            client: None,
            claims: expectations
                .map(|(claim, expect)| ClaimText::of(claim, expect))
                .collect(),
            cases: Vec::new(),
            conversations: Vec::new(),
            summary: Self::nothing_counted(),
            answer: None,
            controls: Vec::new(),
            coverage: None,
            made: None,
            baseline: None,
        }
    }

    /// When the first of its conversations began and the last one ended, in UTC (RFC 3339), as far as it lists them.
    pub fn times(&self) -> Option<(&str, &str)> {
        let starts = self.conversations.iter().map(|one| one.start.as_str());
        let ends = self.conversations.iter().map(|one| one.end.as_str());
        let last = self.answer.iter().map(|answer| answer.last_seen.as_str());
        let start = starts.filter(|time| !time.is_empty()).min();
        let end = ends.chain(last).filter(|time| !time.is_empty()).max()?;
        Some((start.unwrap_or(end), end))
    }

    /// A summary that has counted nothing yet.
    pub fn nothing_counted() -> BTreeMap<Verdict, usize> {
        Verdict::ALL.iter().map(|verdict| (*verdict, 0)).collect()
    }

    /// Appends a conversation and counts its verdicts.
    pub fn add(&mut self, conversation: ConversationOutcome) {
        for one in &conversation.verdicts {
            *self.summary.entry(one.verdict).or_default() += 1;
        }
        self.conversations.push(conversation);
    }

    /// Whether every case met what was expected of it; beside a baseline, whether nothing is new that did not.
    pub fn met(&self) -> bool {
        match &self.baseline {
            Some(comparison) => comparison.new.is_empty(),
            None => self.cases.iter().all(|case| case.met),
        }
    }

    /// The conversations of a case, in order. A result that was written while it was judged lists none in its case: there
    /// the ids tell, which begin with that of the case.
    pub fn conversations_of<'a>(
        &'a self,
        case: &'a CaseOutcome,
    ) -> impl Iterator<Item = &'a ConversationOutcome> {
        let ids: HashSet<&str> = case.conversations.iter().map(String::as_str).collect();
        self.conversations.iter().filter(move |conversation| {
            let id = conversation.id.as_str();
            let own = || id.strip_prefix(case.id.as_str());
            ids.contains(id) || (ids.is_empty() && own().is_some_and(|rest| rest.starts_with('/')))
        })
    }
}

#[cfg(test)]
mod schema;
#[cfg(test)]
mod tests;

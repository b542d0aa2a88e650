//! The one road: a capture becomes timelines, timelines become verdicts. Every command that judges goes along here.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use claims::result::{
    CaptureFile, CaseOutcome, ClaimText, ConversationOutcome, Outcome, SCHEMA, Tool,
};
use claims::transcript;
use claims::{Case, Given, Observation, Profile, Verdict, checks, judge};
use sha2::{Digest, Sha256};
use smtp::Timeline;
use smtp::timeline::Protocol;
use wire::Capture;

use crate::Failure;

/// Ports on which a TLS connection is taken for mail (RFC 8314, RFC 6409, RFC 5321, and the customary 2525).
const MAIL_PORTS: [u16; 4] = [25, 465, 587, 2525];

/// Which connections of a capture are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All: the capture was made by the lab for one case.
    Lab,
    /// Those that are SMTP by what is said on them, and TLS on a mail port.
    Field,
}

/// A capture, read.
pub struct Evidence {
    /// The file.
    pub file: CaptureFile,
    /// Its conversations.
    pub timelines: Vec<Timeline>,
    /// How many connections were passed over.
    pub passed_over: usize,
    /// Where and why the file breaks off, where it does.
    pub truncated: Option<String>,
}

/// Reads a capture file.
///
/// # Errors
///
/// The file cannot be read, is empty, or is no capture.
pub fn read(path: &Path, scope: Scope) -> Result<Evidence, Failure> {
    let bytes = fs::read(path)
        .map_err(|source| Failure::input(format!("cannot read {}: {source}", path.display())))?;
    let sha256 = hex::encode(Sha256::digest(&bytes));
    let capture = Capture::from_bytes(&path.display().to_string(), &bytes)
        .map_err(|error| Failure::input(error.to_string()))?;
    let truncated = capture.truncated.as_ref().map(|cut| {
        format!(
            "{}: packet {}, byte offset {}: the file ends inside a packet; what came before was read",
            path.display(),
            cut.packet,
            cut.offset
        )
    });
    let mut passed_over = 0;
    let mut timelines = Vec::new();
    for conversation in &capture.conversations {
        let timeline = smtp::session::read(conversation);
        if wanted(&timeline, scope) {
            timelines.push(timeline);
        } else {
            passed_over += 1;
        }
    }
    let mut notes: Vec<String> = capture.notes.iter().map(ToString::to_string).collect();
    notes.extend(
        timelines
            .iter()
            .flat_map(|timeline| &timeline.notes)
            .map(ToString::to_string),
    );
    let file = CaptureFile {
        path: path.display().to_string(),
        sha256,
        packets: capture.packets,
        notes,
    };
    Ok(Evidence {
        file,
        timelines,
        passed_over,
        truncated,
    })
}

fn wanted(timeline: &Timeline, scope: Scope) -> bool {
    match (scope, timeline.protocol) {
        (Scope::Lab, _) | (Scope::Field, Protocol::Smtp) => true,
        (Scope::Field, Protocol::ImplicitTls) => MAIL_PORTS.contains(&timeline.server.port()),
        (Scope::Field, Protocol::Silent | Protocol::Other) => false,
    }
}

/// A result without any case.
pub fn empty(command: &str, profile: &Profile) -> Outcome {
    Outcome {
        schema: SCHEMA.to_owned(),
        tool: Tool {
            name: "smtpspec".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        command: command.to_owned(),
        profile: profile.id.clone(),
        claims: profile
            .expectations()
            .map(|(claim, _)| ClaimText {
                id: claim.id.clone(),
                statement: claim.statement.clone(),
            })
            .collect(),
        cases: Vec::new(),
        conversations: Vec::new(),
        summary: Outcome::nothing_counted(),
    }
}

/// What a scenario says must come of it, in the place of what the profile says of the same claims.
#[derive(Debug, Default)]
pub struct Expected<'a> {
    /// Claim ids, each with the word of the verdict that it must get.
    pub claims: Vec<(&'a str, &'a str)>,
    /// Checks whose fact must be observed in a conversation of the case.
    pub checks: Vec<&'a str>,
}

/// Judges the conversations of one capture and appends them to `outcome` as one case, which is returned.
pub fn judge_case<'a>(
    outcome: &'a mut Outcome,
    (id, title, family): (&str, &str, &str),
    evidence: Evidence,
    given: Given,
    profile: &Profile,
    expected: &Expected<'_>,
) -> &'a mut CaseOutcome {
    let case = Case::new(evidence.timelines, given);
    let judged = judge(&case, profile);
    let verdicts: BTreeMap<String, Verdict> = profile
        .expectations()
        .enumerate()
        .filter_map(|(number, (claim, _))| {
            let all = judged.iter().map(|judgements| judgements[number].verdict);
            Some((claim.id.clone(), Verdict::over(all)?))
        })
        .collect();
    let problems = unmet(&case, &verdicts, profile, expected);
    let mut conversations = Vec::new();
    for (number, (timeline, judgements)) in case.timelines().zip(judged).enumerate() {
        let conversation = ConversationOutcome {
            id: format!("{id}/{}", number + 1),
            client: timeline.client.to_string(),
            server: timeline.server.to_string(),
            protocol: transcript::protocol_word(timeline.protocol).to_owned(),
            transcript: transcript::lines(timeline, &case.given),
            verdicts: judgements.into_iter().map(Into::into).collect(),
        };
        conversations.push(conversation.id.clone());
        outcome.add(conversation);
    }
    outcome.cases.push(CaseOutcome {
        id: id.to_owned(),
        title: title.to_owned(),
        family: family.to_owned(),
        capture: evidence.file,
        conversations,
        met: problems.is_empty(),
        problems,
        verdicts,
    });
    outcome.cases.last_mut().expect("a case was just pushed")
}

/// What did not come true, a sentence each. What the scenario says of a claim goes before what the profile says of all.
fn unmet(
    case: &Case,
    verdicts: &BTreeMap<String, Verdict>,
    profile: &Profile,
    expected: &Expected<'_>,
) -> Vec<String> {
    let mut problems = Vec::new();
    for (claim, verdict) in verdicts {
        let spoken_for = expected.claims.iter().any(|(id, _)| id == claim);
        if !spoken_for && matches!(verdict, Verdict::Fail | Verdict::Error) {
            problems.push(format!(
                "{claim} got {verdict}; the profile {} expects it to hold",
                profile.id
            ));
        }
    }
    for (claim, word) in &expected.claims {
        let got = verdicts
            .get(*claim)
            .map_or("no verdict", |verdict| verdict.as_str());
        if got != *word {
            problems.push(format!("{claim} got {got}; the scenario expects {word}"));
        }
    }
    for id in &expected.checks {
        let observed = checks::find(id).is_some_and(|check| {
            case.subjects()
                .any(|subject| (check.run)(&subject).observation == Observation::Observed)
        });
        if !observed {
            problems.push(format!("{id} was not observed; the scenario expects it"));
        }
    }
    problems
}

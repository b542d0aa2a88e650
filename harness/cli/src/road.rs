//! The one road: a capture becomes timelines, timelines become verdicts. Every command that judges goes along here.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use claims::controls::Witnesses;
use claims::excerpt::Excerpts;
use claims::result::{
    CaptureFile, CaseOutcome, CheckOutcome, ConversationOutcome, Outcome, Requirement, Tool,
};
use claims::{
    Brief, Case, Given, Ledger, Profile, Tally, Verdict, Wanted, checks, judge, overrule, weigh,
};
use sha2::{Digest, Sha256};
use smtp::Timeline;
use smtp::session::Reader;
use smtp::timeline::Protocol;
use smtp::tls::KeyLog;
use wire::pipeline::{self, Settings, Worker};
use wire::source::{FileEnding, Origin, Sources};
use wire::{Ended, Note};

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
    let mut timelines = Vec::new();
    let sources = Sources::new(vec![Origin::File(path.to_owned())]);
    let settings = Settings::default();
    let mut summary = pipeline::run(
        sources,
        &settings,
        || Everything {
            scope,
            keys: Arc::new(KeyLog::new()),
        },
        |timeline| timelines.push(timeline),
    );
    timelines.sort_by_key(|timeline: &Timeline| timeline.packet_range.0);
    let mut file = summary.files.pop().expect("one file was named");
    if let Some(error) = file.error.take() {
        return Err(Failure::input(error.to_string()));
    }
    let mut notes = summary.notes;
    notes.extend(
        timelines
            .iter()
            .flat_map(|timeline| timeline.notes.iter().cloned()),
    );
    Ok(Evidence {
        truncated: truncation(&file),
        file: CaptureFile {
            sha256: sha256(path)?,
            ..capture_file(&file, &notes)
        },
        timelines,
        passed_over: usize::try_from(summary.passed_over).unwrap_or(usize::MAX),
    })
}

/// What a result says of a capture file, but for its hash.
pub fn capture_file(file: &FileEnding, more: &[Note]) -> CaptureFile {
    let notes = file.ending.notes.iter().chain(more);
    CaptureFile {
        path: file.name.display().to_string(),
        sha256: String::new(),
        packets: file.ending.packets,
        numbers: None,
        notes: notes.map(ToString::to_string).collect(),
    }
}

/// Where a capture breaks off, where it does.
pub fn truncation(file: &FileEnding) -> Option<String> {
    let cut = file.ending.truncated.as_ref()?;
    Some(format!(
        "{}: packet {}, byte offset {}: {}; what came before was read",
        file.name.display(),
        cut.packet,
        cut.offset,
        cut.reason
    ))
}

/// The SHA-256 of a file, in hex.
///
/// # Errors
///
/// The file cannot be read.
pub fn sha256(path: &Path) -> Result<String, Failure> {
    let hash = || -> std::io::Result<String> {
        let mut file = fs::File::open(path)?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 1 << 16];
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                return Ok(hex::encode(hasher.finalize()));
            }
            hasher.update(&buffer[..read]);
        }
    };
    hash().map_err(|source| Failure::input(format!("cannot read {}: {source}", path.display())))
}

/// Makes the timeline of every connection that is looked at.
struct Everything {
    scope: Scope,
    /// Secrets that the capture holds.
    keys: Arc<KeyLog>,
}

impl Worker for Everything {
    type Consumer = Reader;
    type Product = Timeline;

    fn secrets(&mut self, text: &str) {
        let _ = self.keys.extend(text);
    }

    fn open(&mut self) -> Reader {
        Reader::new(smtp::session::Options {
            keys: Some(Arc::clone(&self.keys)),
            ..smtp::session::Options::default()
        })
    }

    fn close(&mut self, ended: Ended<Reader>) -> Option<Timeline> {
        let timeline = ended.consumer.finish(&ended.about);
        wanted(&timeline, self.scope).then_some(timeline)
    }
}

/// Whether a connection is looked at.
pub fn wanted(timeline: &Timeline, scope: Scope) -> bool {
    match (scope, timeline.protocol) {
        (Scope::Lab, _) | (Scope::Field, Protocol::Smtp) => true,
        (Scope::Field, Protocol::ImplicitTls) => MAIL_PORTS.contains(&timeline.server.port()),
        (Scope::Field, Protocol::Silent | Protocol::Other) => false,
    }
}

/// A result without any case.
pub fn empty(command: &str, profile: &Profile) -> Outcome {
    let tool = Tool {
        name: "smtpspec".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    Outcome::begun(tool, command, profile)
}

/// Adds the word on the controls of the profile to a result that holds all of its conversations.
pub fn add_controls(outcome: &mut Outcome, profile: &Profile) {
    let mut witnesses = Witnesses::default();
    for conversation in &outcome.conversations {
        if !conversation.verdicts.is_empty() {
            witnesses.add(profile, conversation);
        }
    }
    outcome.controls = witnesses.judge(profile, outcome.answer.as_ref());
}

/// What a scenario says must come of it, in the place of what the profile says of the same claims.
#[derive(Debug, Default)]
pub struct Expected<'a> {
    /// Claim ids, each with the word of the verdict that it must get.
    pub claims: Vec<(&'a str, &'a str)>,
    /// Checks, each with the observation that is wanted of it.
    pub checks: Vec<(&'a str, Wanted)>,
    /// What the case asks of the client. It is then for its checks to decide, and not for the profile.
    pub requirement: Option<Requirement>,
    /// Whether the result says what each conversation gave away, as that of a capture from the field always does. What
    /// the reference adapter gives away is known, so a run of it alone does not.
    pub leaks: bool,
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
    // What a case asks of any client has nothing to do with what a profile expects of a deployment.
    let judged = match &expected.requirement {
        Some(_) if expected.claims.is_empty() => case.subjects().map(|_| Vec::new()).collect(),
        _ => judge(&case, profile),
    };
    let verdicts: BTreeMap<String, Verdict> = profile
        .expectations()
        .enumerate()
        .filter_map(|(number, (claim, _))| {
            let all = judged
                .iter()
                .filter_map(|judgements| Some(judgements.get(number)?.verdict));
            Some((claim.id.clone(), Verdict::over(all)?))
        })
        .collect();
    let findings = findings(&case, id, expected);
    let problems = unmet(&verdicts, &findings, profile, expected);
    let mut tally = Tally::default();
    let mut conversations = Vec::new();
    let mut ledger = Ledger::default();
    for (number, (subject, judgements)) in case.subjects().zip(judged).enumerate() {
        let id = format!("{id}/{}", number + 1);
        let mut conversation =
            ConversationOutcome::judged(id, &subject, judgements).with_excerpts(&subject);
        if outcome.command != "run" {
            let brief = Brief::of(&subject).named(&conversation.id);
            overrule(&mut conversation, profile, &ledger.judge(&brief));
            tally.add(&brief);
        }
        if outcome.command != "run" || expected.leaks {
            conversation = conversation.with_leaks(&subject);
        }
        conversations.push(conversation.id.clone());
        outcome.add(conversation);
    }
    if outcome.command != "run" {
        outcome.answer = Some(tally.answer());
    }
    outcome.cases.push(CaseOutcome {
        id: id.to_owned(),
        title: title.to_owned(),
        family: family.to_owned(),
        capture: evidence.file,
        conversations,
        met: problems.is_empty(),
        requirement: expected.requirement.clone(),
        findings,
        problems,
        verdicts,
        ..CaseOutcome::default()
    });
    outcome.cases.last_mut().expect("a case was just pushed")
}

/// What the checks of a case found, with the bytes that show it.
fn findings(case: &Case, id: &str, expected: &Expected<'_>) -> Vec<CheckOutcome> {
    let name = |place: usize| format!("{id}/{}", place + 1);
    let mut findings: Vec<_> = expected
        .checks
        .iter()
        .filter_map(|(check, wanted)| Some(weigh::weigh(case, checks::find(check)?, *wanted, name)))
        .collect();
    for (place, subject) in case.subjects().enumerate() {
        let excerpts = Excerpts::new(subject.timeline(), subject.given());
        let here = Some(name(place));
        for finding in findings.iter_mut().filter(|one| one.conversation == here) {
            for piece in &mut finding.evidence {
                piece.quote(&excerpts);
            }
        }
    }
    findings
}

/// What did not come true, a sentence each. What the scenario says of a claim goes before what the profile says of all.
fn unmet(
    verdicts: &BTreeMap<String, Verdict>,
    findings: &[CheckOutcome],
    profile: &Profile,
    expected: &Expected<'_>,
) -> Vec<String> {
    let mut problems = Vec::new();
    for (claim, verdict) in verdicts {
        let spoken_for = expected.claims.iter().any(|(id, _)| id == claim);
        if expected.requirement.is_none()
            && !spoken_for
            && matches!(verdict, Verdict::Fail | Verdict::Error)
        {
            problems.push(format!("{claim} got {verdict}; {}", profile.wish(claim)));
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
    let missed = findings
        .iter()
        .filter(|one| !matches!(one.verdict, Verdict::Pass | Verdict::NotApplicable));
    problems.extend(missed.map(|one| format!("{}: {}", one.check, one.reason)));
    problems
}

/// The word on a case of the lab: that of its checks, and of what else was expected of it.
pub fn case_verdict(case: &CaseOutcome, unplayed: bool) -> Verdict {
    let checks = weigh::verdict_of(&case.findings);
    match checks {
        Verdict::Error | Verdict::Fail | Verdict::Inconclusive => checks,
        _ if unplayed => Verdict::Inconclusive,
        _ if !case.met => Verdict::Fail,
        Verdict::NotApplicable if case.findings.is_empty() => Verdict::Pass,
        _ => checks,
    }
}

//! OSCAL Assessment Results, for tools of compliance (model 1.1 and later, JSON).
//!
//! A claim is an *observation*, and what could not be decided is one, too: the model has no word for it. A *finding* says
//! of a control that it is not satisfied. That one is satisfied is said only where the result holds a statement of what
//! the captures cover; otherwise such a control is an observation. Every id is made of what it stands for (UUID version
//! 5), and every time is one of the capture, or `SOURCE_DATE_EPOCH`: the same result gives the same file.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use claims::Verdict;
use claims::controls::{ControlOutcome, ControlVerdict, FrameworkOutcome, GroundOutcome};
use claims::result::{CaptureFile, ClaimText, Outcome};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{Style, printable, seen};

/// The version of the model that is written.
const MODEL: &str = "1.1.3";
/// The namespace of the properties that are ours.
const OURS: &str = "urn:smtpspec:oscal";
/// The namespace of the ids.
const NAMESPACE: Uuid = Uuid::from_u128(0x6b0c_2f0e_54d1_5a53_8e0d_7b1d_1f4e_9c21);
/// Stands where no capture and no clock said a time.
const NO_TIME: &str = "1970-01-01T00:00:00Z";

/// The whole document.
pub(crate) fn render(outcome: &Outcome, _style: Style) -> String {
    let document = Document::of(outcome);
    let mut text =
        serde_json::to_string_pretty(&document.whole()).expect("a tree of strings and numbers");
    text.push('\n');
    text
}

/// What every part of the document refers to.
struct Document<'a> {
    outcome: &'a Outcome,
    /// What the ids of this document are made in.
    root: Uuid,
    start: String,
    end: String,
    made: String,
    /// Whether a time was known at all.
    timed: bool,
}

impl<'a> Document<'a> {
    fn of(outcome: &'a Outcome) -> Self {
        let (start, end) = if let Some((start, end)) = outcome.times() {
            (start.to_owned(), end.to_owned())
        } else {
            let time = outcome.made.as_deref().unwrap_or(NO_TIME);
            (time.to_owned(), time.to_owned())
        };
        let made = outcome.made.clone().unwrap_or_else(|| end.clone());
        // Not the conversations: an audit writes all of them while it judges, and keeps a sample of them for this.
        let captures = outcome.cases.iter().map(|case| {
            json!([
                case.id,
                case.capture,
                case.more_captures,
                case.verdicts,
                case.verdict
            ])
        });
        let captures: Vec<Value> = captures.collect();
        let content = json!([
            outcome.tool,
            outcome.command,
            outcome.profile,
            outcome.claims,
            outcome.client,
            outcome.answer,
            outcome.controls,
            outcome.coverage,
            outcome.made,
            captures,
        ])
        .to_string();
        Self {
            outcome,
            root: Uuid::new_v5(&NAMESPACE, content.as_bytes()),
            timed: made != NO_TIME,
            start,
            end,
            made,
        }
    }

    fn id(&self, parts: &[&str]) -> String {
        Uuid::new_v5(&self.root, parts.join("\u{0}").as_bytes()).to_string()
    }

    fn whole(&self) -> Value {
        let outcome = self.outcome;
        let results: Vec<Value> = if outcome.controls.is_empty() {
            vec![self.of_claims()]
        } else {
            let all = outcome.controls.iter();
            all.map(|standard| self.of_standard(standard)).collect()
        };
        let mut metadata = json!({
            "title": line(&format!("What {} saw of {}", outcome.tool.name, self.subject())),
            "last-modified": self.made,
            "version": line(&outcome.tool.version),
            "oscal-version": MODEL,
            "props": [prop("profile", &outcome.profile), prop("command", &outcome.command)],
        });
        if !self.timed {
            metadata["remarks"] = json!(
                "No time is known: the result lists none, and SOURCE_DATE_EPOCH was not set."
            );
        }
        json!({ "assessment-results": {
            "uuid": self.id(&["document"]),
            "metadata": metadata,
            "import-ap": {
                "href": format!("#{}", self.id(&["plan"])),
                "remarks": "There is no plan in OSCAL; the resource says what was done.",
            },
            "results": results,
            "back-matter": { "resources": self.resources() },
        }})
    }

    fn subject(&self) -> String {
        match self.outcome.cases.len() {
            1 => self.outcome.cases[0].title.clone(),
            count => format!("{count} cases"),
        }
    }

    /// `TEST` where the harness provoked, `EXAMINE` where it looked on.
    fn method(&self) -> &'static str {
        match self.outcome.command.as_str() {
            "run" => "TEST",
            _ => "EXAMINE",
        }
    }

    /// The claims of the profile, each in the place of a control.
    fn of_claims(&self) -> Value {
        let outcome = self.outcome;
        let selected: Vec<Value> = outcome
            .claims
            .iter()
            .map(|claim| json!({ "control-id": token(&claim.id) }))
            .collect();
        let controls = if selected.is_empty() {
            json!({
                "description": "No claim was judged.",
                "include-controls": [{ "control-id": "none" }],
            })
        } else {
            json!({
                "description": "Claims of the profile, each in the place of a control: no standard of compliance was asked for.",
                "include-controls": selected,
            })
        };
        let observations: Vec<Value> = outcome
            .claims
            .iter()
            .filter_map(|claim| self.claim(claim, "claims"))
            .collect();
        let title = format!("Claims of the profile {}", outcome.profile);
        let mut result = self.result("claims", &title, &controls);
        some(&mut result, "observations", observations);
        Value::Object(result)
    }

    /// A result without observations and findings.
    fn result(&self, name: &str, title: &str, selection: &Value) -> Map<String, Value> {
        let mut result = Map::new();
        let coverage = self.outcome.coverage.as_deref().map_or_else(
            || {
                "Nothing is said of what the captures cover, so nothing is called satisfied."
                    .to_owned()
            },
            |text| format!("Coverage, as stated: {text}"),
        );
        for (key, value) in [
            ("uuid", json!(self.id(&["result", name]))),
            ("title", json!(line(title))),
            (
                "description",
                json!(line(&format!(
                    "Read from captured traffic, and from nothing else. {coverage}"
                ))),
            ),
            ("start", json!(self.start)),
            ("end", json!(self.end)),
            (
                "reviewed-controls",
                json!({ "control-selections": [selection] }),
            ),
        ] {
            result.insert(key.to_owned(), value);
        }
        result
    }

    /// A standard: an observation for each ground of its controls, and findings on the controls.
    fn of_standard(&self, standard: &FrameworkOutcome) -> Value {
        let selected: Vec<Value> = standard
            .controls
            .iter()
            .map(|control| {
                let (control_id, _) = targets(standard, control);
                json!({ "control-id": control_id })
            })
            .collect();
        let unique: BTreeSet<String> = selected.iter().map(ToString::to_string).collect();
        let selected: Vec<Value> = unique
            .iter()
            .filter_map(|text| serde_json::from_str(text).ok())
            .collect();
        let selection = json!({
            "description": line(&format!("Controls of {} that traffic can say something about", standard.name())),
            "include-controls": selected,
        });
        let mut observations: BTreeMap<&str, Value> = BTreeMap::new();
        for ground in standard.controls.iter().flat_map(|one| &one.grounds) {
            observations
                .entry(&ground.ground)
                .or_insert_with(|| self.ground(ground, &standard.id));
        }
        let mut observations: Vec<Value> = observations.into_values().collect();
        let mut findings = Vec::new();
        for control in &standard.controls {
            let state = match control.verdict {
                ControlVerdict::NotSatisfied => "not-satisfied",
                ControlVerdict::SatisfiedByWhatWasSeen if self.outcome.coverage.is_some() => {
                    "satisfied"
                }
                _ => {
                    observations.push(self.open_control(standard, control));
                    continue;
                }
            };
            findings.push(self.finding(standard, control, state));
        }
        let mut result = self.result(&standard.id, &standard.name(), &selection);
        some(&mut result, "observations", observations);
        some(&mut result, "findings", findings);
        Value::Object(result)
    }

    /// A control of which nothing is found: why, as an observation.
    fn open_control(&self, standard: &FrameworkOutcome, control: &ControlOutcome) -> Value {
        let (control_id, _) = targets(standard, control);
        json!({
            "uuid": self.id(&["open", &standard.id, &control.id]),
            "title": line(&format!("{} {}: {}", standard.name(), control.id, control.verdict)),
            "description": line(&control.why()),
            "methods": [self.method()],
            "types": ["control-objective"],
            "collected": self.end,
            "props": [prop("control", &control_id), prop("verdict", control.verdict.as_str())],
            "remarks": line(&format!("Not tested: {}", control.not_tested)),
        })
    }

    fn finding(&self, standard: &FrameworkOutcome, control: &ControlOutcome, state: &str) -> Value {
        let (_, statement) = targets(standard, control);
        let related: Vec<Value> = control
            .decisive()
            .map(|ground| {
                json!({ "observation-uuid": self.id(&["ground", &standard.id, &ground.ground]) })
            })
            .collect();
        let reason = if state == "satisfied" { "pass" } else { "fail" };
        let mut props = vec![prop("finding", control.citation.as_str())];
        props.extend(control.cwe.iter().map(|id| prop("cwe", id)));
        props.extend(control.attack.iter().map(|id| prop("attack", id)));
        let mut finding = json!({
            "uuid": self.id(&["finding", &standard.id, &control.id]),
            "title": line(&format!("{} {}: {}", standard.name(), control.id, control.verdict)),
            "description": line(&format!(
                "{} What was found {} this control: {}",
                control.asks,
                control.citation.as_str(),
                control.why()
            )),
            "props": props,
            "target": {
                "type": "statement-id",
                "target-id": statement,
                "status": { "state": state, "reason": reason },
            },
            "remarks": line(&format!("{} Not tested: {}", control.cite, control.not_tested)),
        });
        if !related.is_empty() {
            finding["related-observations"] = json!(related);
        }
        finding
    }

    /// A ground of a control.
    fn ground(&self, ground: &GroundOutcome, standard: &str) -> Value {
        let outcome = self.outcome;
        let claim = outcome
            .claims
            .iter()
            .find(|claim| claim.id == ground.ground);
        let statement = claim.map_or(ground.ground.as_str(), |claim| claim.statement.as_str());
        let mut observation = json!({
            "uuid": self.id(&["ground", standard, &ground.ground]),
            "title": line(&format!("{}: {}", ground.ground, ground.state)),
            "description": line(&format!("{statement} {}", sentence(&ground.reason))),
            "methods": [self.method()],
            "types": ["control-objective"],
            "collected": self.end,
            "props": [prop("state", &ground.state)],
        });
        match (&ground.conversation, ground.state.as_str()) {
            (Some(conversation), _) => {
                let packets = seen::numbers(&ground.packets);
                observation["relevant-evidence"] =
                    json!([self.evidence(conversation, &packets, "it shows it")]);
            }
            (None, "undecided" | "not-judged") => {
                observation["remarks"] = json!(line(&format!("Undecided: {}", ground.reason)));
            }
            _ => {}
        }
        observation
    }

    /// A claim, with the conversation that shows it.
    fn claim(&self, claim: &ClaimText, result: &str) -> Option<Value> {
        let outcome = self.outcome;
        let seen = seen::over(outcome, &outcome.cases, &claim.id)?;
        let verdict = seen.outcome.verdict;
        if verdict == Verdict::NotApplicable {
            return None;
        }
        let mut props = vec![prop("verdict", verdict.as_str())];
        if let Some(weakness) = claim
            .weakness
            .iter()
            .find(|one| one.seen_when == Some(verdict))
        {
            props.extend(weakness.cwe.iter().map(|id| prop("cwe", id)));
            props.extend(weakness.attack.iter().map(|id| prop("attack", id)));
        }
        let mut observation = json!({
            "uuid": self.id(&["claim", result, &claim.id]),
            "title": line(&format!("{}: {verdict}", claim.id)),
            "description": line(&format!("{} {}", claim.statement, sentence(&seen.outcome.reason))),
            "methods": [self.method()],
            "types": ["control-objective"],
            "collected": self.end,
            "props": props,
        });
        if verdict == Verdict::Inconclusive {
            observation["remarks"] = json!(line(&format!("Undecided: {}", seen.outcome.reason)));
        }
        if let Some(first) = seen.outcome.evidence.first() {
            let packets = seen::numbers(&first.packets);
            let conversation = &seen.conversation.id;
            observation["relevant-evidence"] =
                json!([self.evidence(conversation, &packets, &first.what)]);
        }
        Some(observation)
    }

    fn evidence(&self, conversation: &str, packets: &str, what: &str) -> Value {
        let mut cases = self.outcome.cases.iter();
        // An audit has one case for all; a run has one for each conversation.
        let case = cases.find(|case| {
            let own = conversation.strip_prefix(case.id.as_str());
            own.is_some_and(|rest| rest.starts_with('/'))
        });
        let mut evidence = json!({
            "description": line(&format!("conversation {conversation}, packets {packets}: {what}")),
        });
        if let Some(case) = case {
            evidence["href"] = json!(format!("#{}", self.capture(&case.capture)));
        }
        evidence
    }

    fn capture(&self, capture: &CaptureFile) -> String {
        self.id(&["capture", &capture.path, &capture.sha256])
    }

    fn resources(&self) -> Vec<Value> {
        let outcome = self.outcome;
        let mut resources = vec![json!({
            "uuid": self.id(&["plan"]),
            "title": "What was done",
            "description": line(&format!(
                "{} {} {}, with the profile {}: captured SMTP conversations were read, and each claim was decided by what crossed.",
                outcome.tool.name, outcome.tool.version, outcome.command, outcome.profile
            )),
        })];
        for standard in outcome.controls.iter().filter(|one| !one.source.is_empty()) {
            resources.push(json!({
                "uuid": self.id(&["standard", &standard.id]),
                "title": line(&standard.name()),
                "rlinks": [{ "href": standard.source }],
            }));
        }
        let mut known = BTreeSet::new();
        for case in &outcome.cases {
            for capture in std::iter::once(&case.capture).chain(&case.more_captures) {
                let id = self.capture(capture);
                if !known.insert(id.clone()) {
                    continue;
                }
                let mut link = json!({
                    "href": uri(&capture.path),
                    "media-type": "application/vnd.tcpdump.pcap",
                });
                if !capture.sha256.is_empty() {
                    link["hashes"] = json!([{ "algorithm": "SHA-256", "value": capture.sha256 }]);
                }
                resources.push(json!({
                    "uuid": id,
                    "title": line(&format!("Capture {}", capture.path)),
                    "description": format!("{} packets", capture.packets),
                    "rlinks": [link],
                }));
            }
        }
        resources
    }
}

/// Adds a list, which OSCAL does not allow to be empty.
fn some(to: &mut Map<String, Value>, key: &str, list: Vec<Value>) {
    if !list.is_empty() {
        to.insert(key.to_owned(), Value::Array(list));
    }
}

/// The ids of a control and of its statement.
fn targets(standard: &FrameworkOutcome, control: &ControlOutcome) -> (String, String) {
    if let Some((id, _)) = control.statement.split_once("_smt") {
        (id.to_owned(), control.statement.clone())
    } else {
        let id = token(&format!("{}_{}", standard.id, control.id));
        let statement = format!("{id}_smt");
        (id, statement)
    }
}

/// A token of OSCAL: a letter, then letters, digits, dots, hyphens and underscores.
fn token(text: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let text: String = text
        .chars()
        .map(|c| if safe(c) { c } else { '.' })
        .collect();
    let text = text.trim_end_matches('.').replace("..", ".");
    if text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        text
    } else {
        format!("_{text}")
    }
}

/// A property of ours. A value is never empty.
fn prop(name: &str, value: &str) -> Value {
    json!({ "name": name, "ns": OURS, "value": line(value) })
}

/// Text on one line, in which nothing drives a terminal, and nothing is taken for markup.
fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in printable(text.trim()).chars() {
        if matches!(character, '<' | '>' | '*' | '[' | ']' | '`') {
            out.push('\\');
        }
        out.push(character);
    }
    if out.is_empty() {
        out.push('-');
    }
    out
}

/// Ends with a full stop.
fn sentence(text: &str) -> String {
    format!("{}.", text.trim_end_matches('.'))
}

/// A path as a relative reference.
fn uri(path: &str) -> String {
    let uri = crate::uri::uri(path);
    if uri.is_empty() { "-".to_owned() } else { uri }
}

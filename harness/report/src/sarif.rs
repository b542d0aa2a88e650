//! SARIF 2.1.0, as code-scanning services read it: violations and nothing else.
//!
//! A service shows every result that it is given as an alert, whatever its kind, so what passed, what could not be
//! decided and what does not apply is left out; the result in JSON has it. A result points at the scenario that provoked
//! it, or at the capture that shows it, and says in its properties which packets to look at. Its fingerprint holds no
//! packet number and no time: the same fault in another capture is the same alert.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use claims::claim::Kind;
use claims::controls::weaknesses;
use claims::result::{CaseOutcome, CheckOutcome, ClaimText, EvidenceOutcome, Outcome};
use claims::{Claim, Verdict, explain, printable_lines};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::uri::uri;
use crate::{Style, controls, printable, seen};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The whole log.
pub(crate) fn render(outcome: &Outcome, _style: Style) -> String {
    let found = violations(outcome);
    let used: BTreeSet<&str> = found.iter().map(|one| one.rule.as_str()).collect();
    let rules = rules(outcome, &used);
    let taxonomies = taxonomies(&rules);
    let supported: Vec<Value> = taxonomies
        .iter()
        .enumerate()
        .map(|(index, one)| json!({ "name": one["name"], "index": index }))
        .collect();
    let controls = controls::by_claim(outcome);
    let places: BTreeMap<&str, usize> = rules
        .iter()
        .enumerate()
        .map(|(place, rule)| (rule.id.as_str(), place))
        .collect();
    let mut seen_before: BTreeMap<String, usize> = BTreeMap::new();
    let results: Vec<Value> = found
        .iter()
        .map(|one| {
            let print = fingerprint(one);
            let times = seen_before.entry(print.clone()).or_default();
            *times += 1;
            let related = controls
                .get(one.rule.as_str())
                .map_or(&[][..], Vec::as_slice);
            let place = places[one.rule.as_str()];
            let mut result = result(one, place, &format!("{print}:{times}"), related);
            if let Some(comparison) = &outcome.baseline {
                let new = if one.case.requirement.is_some() {
                    comparison.any_new(&one.case.id)
                } else {
                    comparison.is_new(&one.case.id, &one.rule)
                };
                result["baselineState"] = json!(if new { "new" } else { "unchanged" });
            }
            result
        })
        .collect();
    let errors: Vec<Value> = outcome
        .cases
        .iter()
        .filter(|case| case.verdict == Some(Verdict::Error))
        .map(|case| {
            let text = format!("{}: {}", case.id, case.problems.join("; "));
            json!({ "level": "error", "message": { "text": printable(&text) } })
        })
        .collect();
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": outcome.tool.name,
                "semanticVersion": outcome.tool.version,
                "version": outcome.tool.version,
                "rules": rules,
                "supportedTaxonomies": supported,
            }},
            "taxonomies": taxonomies,
            "automationDetails": { "id": format!("{}/{}/", outcome.tool.name, outcome.command) },
            "invocations": [{
                "executionSuccessful": errors.is_empty(),
                "toolExecutionNotifications": errors,
            }],
            "columnKind": "utf16CodeUnits",
            "results": results,
        }],
    });
    let mut text = serde_json::to_string_pretty(&log).expect("a tree of strings and numbers");
    text.push('\n');
    text
}

/// One thing that was not as it should be.
struct Violation<'a> {
    rule: String,
    level: &'static str,
    case: &'a CaseOutcome,
    conversation: &'a str,
    reason: &'a str,
    evidence: &'a [EvidenceOutcome],
}

fn violations(outcome: &Outcome) -> Vec<Violation<'_>> {
    let mut all = Vec::new();
    for case in &outcome.cases {
        if let Some(asked) = &case.requirement {
            let finding = case.decisive();
            if case.verdict == Some(Verdict::Fail) {
                all.push(Violation {
                    rule: case.id.clone(),
                    level: level(&asked.level),
                    case,
                    conversation: finding
                        .and_then(|one| one.conversation.as_deref())
                        .unwrap_or_default(),
                    reason: case.why(),
                    evidence: finding.map_or(&[][..], |one| &one.evidence),
                });
            }
            continue;
        }
        for conversation in outcome.conversations_of(case) {
            let failed = conversation
                .verdicts
                .iter()
                .filter(|one| one.verdict == Verdict::Fail);
            all.extend(failed.map(|one| Violation {
                rule: one.claim.clone(),
                level: "error",
                case,
                conversation: &conversation.id,
                reason: &one.reason,
                evidence: &one.evidence,
            }));
        }
    }
    all
}

/// The level of a result for that of a requirement.
fn level(requirement: &str) -> &'static str {
    match requirement {
        "must" | "claim" => "error",
        "information" => "note",
        _ => "warning",
    }
}

/// What a result is an instance of.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: String,
    name: String,
    short_description: Text,
    full_description: Text,
    help: Help,
    default_configuration: Configuration,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    relationships: Vec<Value>,
    properties: Value,
    #[serde(skip)]
    cwe: Vec<String>,
    #[serde(skip)]
    attack: Vec<String>,
}

#[derive(Serialize)]
struct Text {
    text: String,
}

#[derive(Serialize)]
struct Help {
    text: String,
    markdown: String,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

fn rules(outcome: &Outcome, used: &BTreeSet<&str>) -> Vec<Rule> {
    let claims = outcome
        .claims
        .iter()
        .filter(|claim| used.contains(claim.id.as_str()));
    let mut rules: Vec<Rule> = claims.map(of_claim).collect();
    let cases = outcome
        .cases
        .iter()
        .filter(|case| case.requirement.is_some());
    rules.extend(
        cases
            .filter(|case| used.contains(case.id.as_str()))
            .map(of_case),
    );
    rules
}

/// What `smtpspec explain` says of it.
fn help_of(claim: &Claim) -> Help {
    let page = explain::claim(claim);
    Help {
        markdown: printable_lines(&page.to_markdown(false)),
        text: printable_lines(&page.to_text()),
    }
}

fn of_claim(claim: &ClaimText) -> Rule {
    let (id, statement) = (&claim.id, &claim.statement);
    let known = Claim::find(id);
    let help = known.map_or_else(
        || Help {
            markdown: printable_lines(statement),
            text: printable_lines(statement),
        },
        help_of,
    );
    // Only what a violation is an instance of: under a profile that expects the weak side, it is an instance of nothing.
    let weakness = claim
        .weakness
        .as_ref()
        .filter(|one| one.seen_when == Some(Verdict::Fail));
    let (cwe, attack) = weakness.map_or_else(Default::default, |one| {
        (one.cwe.clone(), one.attack.clone())
    });
    let standard = known.is_some_and(|claim| claim.kind == Kind::Standard);
    let mut tags = vec!["smtp".to_owned()];
    if standard || !cwe.is_empty() {
        tags.insert(0, "security".to_owned());
    }
    tags.extend(cwe.iter().map(|id| cwe_tag(id)));
    Rule {
        id: id.to_owned(),
        name: id.replace(['-', '.'], ""),
        short_description: text(statement),
        full_description: text(statement),
        help,
        default_configuration: Configuration { level: "error" },
        relationships: relationships(&cwe, &attack),
        properties: json!({ "tags": tags, "precision": "very-high" }),
        cwe,
        attack,
    }
}

fn of_case(case: &CaseOutcome) -> Rule {
    let asked = case.requirement.as_ref().expect("the caller looked");
    let help = format!(
        "{}\n\nAsked by: {}.\n\nThe case: {}.\n\nMore: `smtpspec explain {}`.",
        asked.text,
        asked.references.join(", "),
        case.title,
        case.id
    );
    let level = level(&asked.level);
    let found = case.findings.iter();
    let found: Vec<_> = found.filter(|one| one.verdict == Verdict::Fail).collect();
    let ids = |of: fn(&CheckOutcome) -> &[String]| -> Vec<String> {
        let all: BTreeSet<_> = found.iter().flat_map(|one| of(one)).cloned().collect();
        all.into_iter().collect()
    };
    let (cwe, attack) = (ids(|one| &one.cwe), ids(|one| &one.attack));
    let mut tags = vec![
        "smtp".to_owned(),
        "conformance".to_owned(),
        asked.level.clone(),
    ];
    if !cwe.is_empty() {
        tags.push("security".to_owned());
    }
    // A service keeps ten tags of a rule.
    tags.extend(cwe.iter().take(6).map(|id| cwe_tag(id)));
    Rule {
        id: case.id.clone(),
        name: case.id.replace('-', ""),
        short_description: text(&asked.text),
        full_description: text(&format!("{} ({})", asked.text, case.title)),
        help: Help {
            markdown: printable_lines(&help),
            text: printable_lines(&help),
        },
        default_configuration: Configuration { level },
        relationships: relationships(&cwe, &attack),
        properties: json!({ "tags": tags, "precision": "very-high" }),
        cwe,
        attack,
    }
}

/// The tag that code-scanning services know a CWE id by.
fn cwe_tag(id: &str) -> String {
    format!("external/cwe/{}", id.to_ascii_lowercase())
}

/// The names of the two taxonomies, in the order in which the run has them.
const TAXONOMIES: [&str; 2] = ["CWE", "ATT&CK"];

fn relationships(cwe: &[String], attack: &[String]) -> Vec<Value> {
    let of = |index: usize, ids: &[String]| -> Vec<Value> {
        let one = |id: &String| {
            json!({
                "target": { "id": id, "toolComponent": { "name": TAXONOMIES[index], "index": index } },
                "kinds": ["relevant"],
            })
        };
        ids.iter().map(one).collect()
    };
    [of(0, cwe), of(1, attack)].concat()
}

/// The CWE and ATT&CK ids that rules name, with titles of ours.
fn taxonomies(rules: &[Rule]) -> Vec<Value> {
    let table = weaknesses();
    let taxa = |of: fn(&Rule) -> &Vec<String>| -> Vec<Value> {
        let ids: BTreeSet<&String> = rules.iter().flat_map(of).collect();
        let one = |id: &String| {
            let title = table.title(id).unwrap_or_default();
            json!({ "id": id, "shortDescription": { "text": printable(title) } })
        };
        ids.into_iter().map(one).collect()
    };
    vec![
        json!({
            "name": TAXONOMIES[0],
            "organization": "MITRE",
            "shortDescription": { "text": "Common Weakness Enumeration" },
            "informationUri": "https://cwe.mitre.org/",
            "isComprehensive": false,
            "taxa": taxa(|rule| &rule.cwe),
        }),
        json!({
            "name": TAXONOMIES[1],
            "version": table.attack_edition,
            "organization": "MITRE",
            "shortDescription": { "text": "Tactics and techniques of adversaries" },
            "informationUri": "https://attack.mitre.org/",
            "isComprehensive": false,
            "taxa": taxa(|rule| &rule.attack),
        }),
    ]
}

fn result(one: &Violation<'_>, rule: usize, fingerprint: &str, controls: &[String]) -> Value {
    let packets: BTreeSet<u64> = one
        .evidence
        .iter()
        .flat_map(|piece| piece.packets.iter().copied())
        .collect();
    let packets: Vec<u64> = packets.into_iter().collect();
    let place = seen::place(one.evidence)
        .map(|place| format!(" ({place})"))
        .unwrap_or_default();
    let reason = one.reason.trim_end_matches('.');
    let file = if one.case.file.is_empty() {
        &one.case.capture.path
    } else {
        &one.case.file
    };
    json!({
        "ruleId": one.rule,
        "ruleIndex": rule,
        "level": one.level,
        "message": { "text": printable(&format!("{reason}{place}.")) },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": uri(file) },
                "region": { "startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 2 },
            },
            "logicalLocations": [{ "fullyQualifiedName": printable(one.conversation) }],
        }],
        "partialFingerprints": { "primaryLocationLineHash": fingerprint },
        "properties": {
            "case": printable(&one.case.id),
            "capture": printable(&one.case.capture.path),
            "sha256": one.case.capture.sha256,
            "packets": packets,
            "controls": controls.iter().map(|name| printable(name)).collect::<Vec<_>>(),
            "evidence": one.evidence.iter().map(|piece| {
                let place = seen::place(std::slice::from_ref(piece)).unwrap_or_default();
                printable(&format!("{place}: {}", piece.what))
            }).collect::<Vec<_>>(),
        },
    })
}

/// What stays the same when the fault does: numbers (ports, sizes, packets) are left out of the reason.
fn fingerprint(one: &Violation<'_>) -> String {
    let mut hash = Sha256::new();
    let reason: String = one.reason.chars().filter(|c| !c.is_ascii_digit()).collect();
    let case = if one.case.file.is_empty() {
        ""
    } else {
        one.case.id.as_str()
    };
    for part in [one.rule.as_str(), case, &reason] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let digest: [u8; 32] = hash.finalize().into();
    hex::encode(&digest[..8])
}

fn text(of: &str) -> Text {
    Text {
        text: printable(of).chars().take(1024).collect(),
    }
}

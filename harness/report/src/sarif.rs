//! SARIF 2.1.0, as code-scanning services read it: violations and nothing else.
//!
//! A service shows every result that it is given as an alert, whatever its kind, so what passed, what could not be
//! decided and what does not apply is left out; the result in JSON has it. A result points at the scenario that provoked
//! it, or at the capture that shows it, and says in its properties which packets to look at. Its fingerprint holds no
//! packet number and no time: the same fault in another capture is the same alert.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use claims::claim::Kind;
use claims::result::{CaseOutcome, EvidenceOutcome, Outcome};
use claims::{Claim, Verdict};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{Style, printable, seen};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The whole log.
pub(crate) fn render(outcome: &Outcome, _style: Style) -> String {
    let found = violations(outcome);
    let used: BTreeSet<&str> = found.iter().map(|one| one.rule.as_str()).collect();
    let rules = rules(outcome, &used);
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
            result(one, places[one.rule.as_str()], &format!("{print}:{times}"))
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
            }},
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
    properties: Value,
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
    let mut rules: Vec<Rule> = claims
        .map(|claim| of_claim(&claim.id, &claim.statement))
        .collect();
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

fn of_claim(id: &str, statement: &str) -> Rule {
    let known = Claim::find(id);
    let help = known.map_or_else(
        || statement.to_owned(),
        |claim| {
            let check = claim.check();
            format!(
                "{statement}\n\nSource ({}): {}.\n\nHow it is judged: {}\n\nIt can be judged when {}; a pass would mean nothing when {}.",
                claim.kind.name(),
                claim.sources.join("; "),
                check.method,
                check.trigger,
                claim.vacuous_when
            )
        },
    );
    let standard = known.is_some_and(|claim| claim.kind == Kind::Standard);
    let tags = if standard {
        json!(["security", "smtp"])
    } else {
        json!(["smtp"])
    };
    Rule {
        id: id.to_owned(),
        name: id.replace(['-', '.'], ""),
        short_description: text(statement),
        full_description: text(statement),
        help: Help {
            markdown: printable_lines(&help),
            text: printable_lines(&help),
        },
        default_configuration: Configuration { level: "error" },
        properties: json!({ "tags": tags, "precision": "very-high" }),
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
        properties: json!({ "tags": ["smtp", "conformance", asked.level], "precision": "very-high" }),
    }
}

fn result(one: &Violation<'_>, rule: usize, fingerprint: &str) -> Value {
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

/// A path as a URI reference (RFC 3986): everything but unreserved characters and slashes is escaped.
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.replace('\\', "/").bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            byte => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

fn text(of: &str) -> Text {
    Text {
        text: printable(of).chars().take(1024).collect(),
    }
}

/// Several lines, each of which stays what it is.
fn printable_lines(of: &str) -> String {
    of.lines().map(printable).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn log(outcome: &Outcome) -> Value {
        serde_json::from_str(&render(outcome, Style::default())).expect("it is JSON")
    }

    #[test]
    fn only_violations_are_results_and_each_has_its_rule() {
        let outcome = sample::audit();
        let log = log(&outcome);
        let run = &log["runs"][0];
        let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
        let results = run["results"].as_array().expect("results");
        let failed = outcome
            .conversations
            .iter()
            .flat_map(|one| &one.verdicts)
            .filter(|one| one.verdict == Verdict::Fail)
            .count();
        assert!(failed > 0 && results.len() == failed);
        for result in results {
            let index =
                usize::try_from(result["ruleIndex"].as_u64().expect("a number")).expect("small");
            assert_eq!(rules[index]["id"], result["ruleId"]);
            assert!(rules[index]["help"]["text"].as_str().expect("help").len() > 40);
        }
    }

    #[test]
    fn fingerprints_are_unique_and_know_no_packet_numbers() {
        let mut outcome = sample::audit();
        let prints = |outcome: &Outcome| -> Vec<String> {
            let log = log(outcome);
            let results = log["runs"][0]["results"].as_array().expect("results");
            let print =
                |one: &Value| one["partialFingerprints"]["primaryLocationLineHash"].to_string();
            results.iter().map(print).collect()
        };
        let before = prints(&outcome);
        let unique: BTreeSet<_> = before.iter().collect();
        assert_eq!(unique.len(), before.len());
        for judged in outcome
            .conversations
            .iter_mut()
            .flat_map(|one| &mut one.verdicts)
        {
            for piece in &mut judged.evidence {
                piece.packets.iter_mut().for_each(|packet| *packet += 1000);
            }
        }
        assert_eq!(prints(&outcome), before);
    }

    #[test]
    fn odd_paths_become_uris() {
        assert_eq!(uri("a b/ü.pcapng"), "a%20b/%C3%BC.pcapng");
        assert_eq!(uri("x:\\y"), "x%3A/y");
    }
}

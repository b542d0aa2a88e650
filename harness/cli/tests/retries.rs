//! Five minutes between tries, read from a capture by an audit that was told nothing.
//!
//! The captures are made with the pinned clock, in which a wait takes no time and is shown all the same.

mod support;

use std::path::Path;

use serde_json::Value;
use support::{smtpspec, text};

const SCENARIO: &str = r#"
id = "RTY-90"
title = "A login that is refused every time"

[server]
extensions = ["AUTH LOGIN PLAIN", "8BITMIME"]
accept_auth = "none"

[client]
auth = "basic"
[client.retry]
count = COUNT
interval = "INTERVAL"
"#;

/// Runs the scenario and audits its capture: the verdicts of each conversation, with their reasons.
fn audited(folder: &Path, count: u32, interval: &str) -> Vec<Value> {
    let scenario = folder.join("rty-90.toml");
    let content = SCENARIO
        .replace("COUNT", &count.to_string())
        .replace("INTERVAL", interval);
    std::fs::write(&scenario, content).expect("a file");
    let run = smtpspec()
        .args(["run", "--pinned", "--quiet", "--out"])
        .arg(folder)
        .arg(&scenario)
        .output()
        .expect("the binary starts");
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stdout));
    let audit = smtpspec()
        .arg("audit")
        .arg(folder.join("RTY-90.pcapng"))
        .args(["--format", "jsonl", "--quiet"])
        .output()
        .expect("the binary starts");
    let said = text(&audit.stdout);
    let objects = said
        .lines()
        .map(|line| serde_json::from_str(line).expect("an object a line"));
    objects
        .filter(|object: &Value| object["type"] == "conversation")
        .collect()
}

/// Word and reason of a claim in a conversation.
fn verdict(conversation: &Value, claim: &str) -> (String, String) {
    let all = conversation["verdicts"].as_array().expect("verdicts");
    let one = all.iter().find(|one| one["claim"] == claim);
    let one = one.unwrap_or_else(|| panic!("no verdict on {claim}: {conversation}"));
    let word = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
    (word("verdict"), word("reason"))
}

#[test]
fn four_sessions_five_minutes_apart_are_the_documented_default() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let conversations = audited(folder.path(), 3, "300s");
    assert_eq!(conversations.len(), 4);
    for claim in ["ADP-26", "ADP-27", "ADP-68"] {
        let (word, reason) = verdict(&conversations[3], claim);
        assert_eq!(word, "pass", "{claim}: {reason}");
        assert!(reason.contains("4 sessions"), "{claim}: {reason}");
    }
    let (word, reason) = verdict(&conversations[2], "ADP-68");
    assert_eq!(word, "inconclusive", "{reason}");
}

#[test]
fn another_rhythm_decides_nothing_where_nobody_says_what_is_configured() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let conversations = audited(folder.path(), 3, "60s");
    assert_eq!(conversations.len(), 4);
    for conversation in &conversations {
        for claim in ["ADP-26", "ADP-68"] {
            let (word, reason) = verdict(conversation, claim);
            assert_eq!(word, "inconclusive", "{claim}: {reason}");
        }
    }
}

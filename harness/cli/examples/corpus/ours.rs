//! What `smtpspec audit` says of a capture.

use std::collections::BTreeSet;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::{Session, Sessions, ends, verb};

/// The binary beside this example, or the one that `SMTPSPEC` names.
fn binary() -> PathBuf {
    if let Some(path) = env::var_os("SMTPSPEC") {
        return PathBuf::from(path);
    }
    let here = env::current_exe().expect("the path of this program");
    let target = here
        .parent()
        .and_then(Path::parent)
        .expect("target/debug/examples");
    target.join("smtpspec")
}

/// The SMTP sessions, and the ports of the servers; or why the capture was not read.
pub(crate) fn audit(path: &Path) -> Result<(Sessions, BTreeSet<u16>), String> {
    let output = Command::new(binary())
        .arg("audit")
        .arg(path)
        .args(["--format", "json", "--quiet"])
        .output()
        .map_err(|error| format!("{}: {error}", binary().display()))?;
    if output.stdout.is_empty() {
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.code() == Some(2) && said.contains("no SMTP conversation") {
            return Ok((Sessions::new(), BTreeSet::new()));
        }
        let last = said.lines().last().unwrap_or_default();
        // The path of the capture is of this machine.
        let why = last
            .rsplit(&path.display().to_string())
            .next()
            .unwrap_or(last);
        return Err(format!(
            "{} {}",
            output.status,
            why.trim_start_matches([':', ' '])
        ));
    }
    let outcome: Value =
        serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
    let mut sessions = Sessions::new();
    let mut ports = BTreeSet::new();
    for conversation in outcome["conversations"].as_array().into_iter().flatten() {
        if conversation["protocol"] != "smtp" {
            continue;
        }
        let side = |name: &str| conversation[name].as_str().unwrap_or_default();
        let port = side("server").rsplit(':').next();
        ports.extend(port.and_then(|port| port.parse::<u16>().ok()));
        sessions
            .entry(ends(side("client"), side("server")))
            .or_default()
            .push(session(conversation));
    }
    Ok((sessions, ports))
}

fn session(conversation: &Value) -> Session {
    let mut session = Session {
        users: users(conversation),
        ..Session::default()
    };
    // Chunks of BDAT make one message, which the last of them ends (RFC 3030).
    let mut chunk = None;
    for line in conversation["transcript"].as_array().into_iter().flatten() {
        if line["direction"] != "client" {
            continue;
        }
        let text = line["text"].as_str().unwrap_or_default();
        let mut words = text.split_ascii_whitespace();
        match words.next().unwrap_or_default() {
            "<message," => {
                session.messages += usize::from(chunk.take().unwrap_or(true));
            }
            "<unknown" => session.verbs.push("?".to_owned()),
            other if other.starts_with('<') => {}
            "AUTH" => {
                session.verbs.push("AUTH".to_owned());
                let mechanism = words.next().unwrap_or_default();
                session.mechanisms.push(mechanism.to_ascii_uppercase());
            }
            word => {
                // A refused chunk has no content; the next message is DATA's again.
                chunk = None;
                if word == "BDAT" {
                    let last = words
                        .nth(1)
                        .is_some_and(|word| word.eq_ignore_ascii_case("LAST"));
                    chunk = Some(last);
                }
                session.verbs.push(verb(word));
            }
        }
    }
    session
}

/// The users of the list of what leaked.
fn users(conversation: &Value) -> Option<BTreeSet<String>> {
    let accounts = &conversation.get("leaks")?["accounts"]["items"];
    let names = accounts.as_array().into_iter().flatten();
    let names = names.filter_map(|account| account["user"].as_str());
    Some(
        names
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect(),
    )
}

//! `smtpspec report`: a result in another format.

use std::fs;
use std::path::Path;

use claims::printable;
use claims::result::{Outcome, SCHEMA};
use serde_json::Value;

use super::reports::Reports;
use super::stated;
use crate::args::{Cli, ReportArgs};
use crate::{Exit, Failure};

pub(super) fn run(cli: &Cli, args: &ReportArgs) -> Result<Exit, Failure> {
    let reports = Reports::into_folder(&args.reporting.format, args.out.as_deref())?;
    let mut outcome = read(&args.result)?;
    stated::state(&mut outcome, args.reporting.coverage.as_deref())?;
    reports.write(cli, &outcome, false)?;
    Ok(Exit::of(&outcome))
}

/// Reads a result that `--format json` wrote. Somebody else may have written it since: what drives a terminal, or turns the
/// direction of writing, is escaped here, so that no renderer need expect it where our own results have none.
pub(super) fn read(file: &Path) -> Result<Outcome, Failure> {
    let path = file.display();
    let text = fs::read_to_string(file)
        .map_err(|error| Failure::input(format!("cannot read {path}: {error}")))?;
    let foreign = |error: serde_json::Error| {
        Failure::input(format!(
            "{path}:{}:{}: not a result of smtpspec: {error}; give the file that `--format json` wrote",
            error.line(),
            error.column()
        ))
    };
    let mut outcome: Outcome = serde_json::from_str(&text).map_err(foreign)?;
    if may_drive(&text) {
        let value: Value = serde_json::from_str(&text).map_err(foreign)?;
        outcome = serde_json::from_value(escaped(value)).map_err(foreign)?;
    }
    if outcome.schema != SCHEMA {
        return Err(Failure::input(format!(
            "{path}: schema `{}`; this build reads {SCHEMA}",
            outcome.schema
        )));
    }
    Ok(outcome)
}

/// Whether there may be something to escape in JSON: as it is, or as an escape of JSON.
fn may_drive(json: &str) -> bool {
    !json.is_ascii()
        || ["\\u", "\\b", "\\f", "\\r", "\\t"]
            .iter()
            .any(|one| json.contains(one))
}

/// What a result holds as it crossed: renderers escape it themselves, and tell its encoding by the characters in it.
const AS_IT_CROSSED: &str = "leaks";

/// The same with its texts escaped. Line ends stay.
fn escaped(value: Value) -> Value {
    let text = |text: &str| {
        text.split('\n')
            .map(printable)
            .collect::<Vec<_>>()
            .join("\n")
    };
    match value {
        Value::String(one) => Value::String(text(&one)),
        Value::Array(all) => all.into_iter().map(escaped).collect(),
        Value::Object(all) => {
            let one = |(key, value): (String, Value)| match key.as_str() {
                AS_IT_CROSSED => (key, value),
                _ => (text(&key), escaped(value)),
            };
            Value::Object(all.into_iter().map(one).collect())
        }
        other => other,
    }
}

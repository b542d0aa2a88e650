//! `smtpspec report`: a result in another format.

use std::fs;
use std::path::Path;

use claims::result::{Outcome, SCHEMA};

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

/// Reads a result that `--format json` wrote.
pub(super) fn read(file: &Path) -> Result<Outcome, Failure> {
    let path = file.display();
    let text = fs::read_to_string(file)
        .map_err(|error| Failure::input(format!("cannot read {path}: {error}")))?;
    let outcome: Outcome = serde_json::from_str(&text).map_err(|error| {
        Failure::input(format!(
            "{path}:{}:{}: not a result of smtpspec: {error}; give the file that `--format json` wrote",
            error.line(),
            error.column()
        ))
    })?;
    if outcome.schema != SCHEMA {
        return Err(Failure::input(format!(
            "{path}: schema `{}`; this build reads {SCHEMA}",
            outcome.schema
        )));
    }
    Ok(outcome)
}

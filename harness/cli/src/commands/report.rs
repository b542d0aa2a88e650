//! `smtpspec report`: a result in another format.

use std::fs;

use claims::result::{Outcome, SCHEMA};

use super::{format, output};
use crate::args::{Cli, ReportArgs};
use crate::{Exit, Failure};

pub(super) fn run(cli: &Cli, args: &ReportArgs) -> Result<Exit, Failure> {
    let format = format(&args.format)?;
    let path = args.result.display();
    let text = fs::read_to_string(&args.result)
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
    output::print(cli, format, &outcome)?;
    Ok(Exit::of(&outcome))
}

//! `--baseline`: only what is new fails.

use std::path::Path;

use claims::baseline::Comparison;
use claims::result::Outcome;

use super::{output, report};
use crate::Failure;
use crate::args::Cli;

/// The earlier result, read before anything is done: the later one may take its place.
pub(super) struct Baseline<'a>(Option<(&'a Path, Outcome)>);

impl<'a> Baseline<'a> {
    /// Reads it, where one is named. It has to be of the same command and client; the reference adapter is none.
    pub(super) fn read(
        path: Option<&'a Path>,
        command: &str,
        client: Option<&str>,
    ) -> Result<Self, Failure> {
        let Some(path) = path else {
            return Ok(Self(None));
        };
        let outcome = report::read(path)?;
        if outcome.command != command {
            return Err(Failure::input(format!(
                "{}: the result of `{}`; a baseline of `{command}` has to be one of `{command}`",
                path.display(),
                outcome.command
            )));
        }
        let other = outcome.client.as_ref().map(|client| client.id.as_str());
        if other != client {
            return Err(Failure::input(format!(
                "{}: the result of the client {}, and this is {}",
                path.display(),
                other.unwrap_or("adapter"),
                client.unwrap_or("adapter")
            )));
        }
        Ok(Self(Some((path, outcome))))
    }

    /// Puts into a result what differs, and says how much.
    pub(super) fn compare(&self, cli: &Cli, now: &mut Outcome) {
        let Some((path, before)) = &self.0 else {
            return;
        };
        if before.profile != now.profile {
            output::hint(
                cli,
                &format!(
                    "{}: judged by the profile {}; what only {} expects counts as new",
                    path.display(),
                    before.profile,
                    now.profile
                ),
            );
        }
        let comparison = Comparison::of(before, now);
        output::hint(
            cli,
            &format!("against {}: {}", path.display(), comparison.counts()),
        );
        now.baseline = Some(comparison);
    }
}

//! The subcommands.

mod audit;
mod bundle;
mod command_line;
mod explain;
mod grid;
mod list;
mod output;
mod redact;
mod report;
mod reports;
pub mod run;
mod schema;
mod serve;

use claims::Profile;
use lab::runner;
use lab::scenario::Scenario;
use tokio::runtime::{Builder, Runtime};

use crate::args::{Cli, Command};
use crate::{Exit, Failure};

/// Does what the command line says.
///
/// # Errors
///
/// Bad input, or a failure of the harness.
pub fn dispatch(cli: &Cli) -> Result<Exit, Failure> {
    match &cli.command {
        Command::Run(args) => run::run(cli, args),
        Command::Audit(args) => audit::run(cli, args),
        Command::Serve(args) => serve::run(cli, args),
        Command::Report(args) => report::run(cli, args),
        Command::Verify(args) => bundle::verify(args),
        Command::Redact(args) => redact::run(cli, args),
        Command::Grid(args) => grid::run(args),
        Command::Explain { id } => explain::run(id),
        Command::Schema { of } => schema::run(*of),
        Command::List { what } => list::run(*what),
        Command::Completions { shell } => command_line::completions(*shell),
        Command::Man => command_line::man(),
    }
}

fn profile(id: &str) -> Result<&'static Profile, Failure> {
    Profile::find(id).ok_or_else(|| {
        let known: Vec<_> = Profile::all()
            .iter()
            .map(|profile| profile.id.as_str())
            .collect();
        Failure::input(format!(
            "there is no profile `{id}`; there is {}",
            known.join(", ")
        ))
    })
}

fn format(name: &str) -> Result<&'static ::report::Format, Failure> {
    ::report::format(name).ok_or_else(|| {
        let known: Vec<_> = ::report::FORMATS.iter().map(|format| format.name).collect();
        Failure::input(format!(
            "there is no format `{name}`; there is {}",
            known.join(", ")
        ))
    })
}

/// Whether a word names a scenario file, rather than a scenario of the catalogue.
fn is_path(word: &str) -> bool {
    word.contains(['/', '\\'])
        || std::path::Path::new(word)
            .extension()
            .is_some_and(|extension| extension == "toml")
}

/// The scenarios that are built in.
fn catalogue() -> Result<Vec<Scenario>, Failure> {
    runner::catalogue().map_err(|errors| Failure::input(errors.to_string()))
}

/// The scenario of the catalogue with this id, in any case; the first where a matrix makes several of one file.
fn named(id: &str) -> Result<Option<Scenario>, Failure> {
    let mut all = catalogue()?.into_iter();
    Ok(all.find(|scenario| scenario.is_named(id)))
}

/// What the sockets run on.
fn runtime() -> Result<Runtime, Failure> {
    Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::input(format!("cannot start: {error}")))
}

/// How many processors there are to use.
fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// The time that `SOURCE_DATE_EPOCH` says it is (seconds since 1970), where it is set.
fn pinned_time() -> Result<Option<wire::Timestamp>, Failure> {
    let Some(text) = std::env::var_os("SOURCE_DATE_EPOCH").filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let seconds = text.to_str().and_then(|text| text.parse::<u64>().ok());
    let nanos = seconds.and_then(|seconds| seconds.checked_mul(1_000_000_000));
    nanos
        .map(|nanos| Some(wire::Timestamp::from_nanos(nanos)))
        .ok_or_else(|| {
            Failure::input("SOURCE_DATE_EPOCH is to be a whole number of seconds since 1970")
        })
}

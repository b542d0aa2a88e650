//! The subcommands.

mod audit;
mod baseline;
mod bundle;
mod command_line;
pub mod explain;
mod grid;
mod host;
mod index;
mod list;
mod output;
mod profile;
mod redact;
mod report;
mod reports;
pub mod run;
mod schema;
mod send;
mod serve;
mod signal;
mod stated;
mod verify_evidence;

use lab::runner;
use lab::scenario::Scenario;
use tokio::runtime::{Builder, Runtime};

use crate::args::{Cli, Command};
use crate::{Exit, Failure};
use profile::profile;

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
        Command::Index(args) => index::run(cli, args),
        Command::Send(args) => send::run(cli, args),
        Command::Report(args) => report::run(cli, args),
        Command::Verify(args) if args.bundle.is_dir() => verify_evidence::run(&args.bundle),
        Command::Verify(args) => bundle::verify(args),
        Command::Redact(args) => redact::run(cli, args),
        Command::Grid(args) => grid::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Schema { of } => schema::run(*of),
        Command::List { what } => list::run(*what),
        Command::Completions { shell } => command_line::completions(*shell),
        Command::Man => command_line::man(),
    }
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

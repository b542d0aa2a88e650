//! Where results go.

use std::fs::{self, File};
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use claims::result::Outcome;
use report::{Format, Style};

use crate::Failure;
use crate::args::{Cli, Color};

/// Prints a report on standard output. A reader that went away is no failure.
pub(super) fn print(cli: &Cli, format: &Format, outcome: &Outcome) -> Result<(), Failure> {
    let style = Style {
        color: colors(cli) && format.name == "text",
        verbose: cli.verbose,
        width: width(),
    };
    text(&(format.render)(outcome, style))
}

/// Prints text on standard output.
pub(super) fn text(text: &str) -> Result<(), Failure> {
    bytes(text.as_bytes())
}

/// Prints bytes on standard output.
pub(super) fn bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::input(format!(
            "cannot write to standard output: {error}"
        ))),
        _ => Ok(()),
    }
}

/// Lines on standard error. They may quote what somebody else wrote.
pub(super) fn say(text: &str) {
    anstream::eprintln!("{}", claims::printable_lines(text));
}

/// A hint on standard error, unless `--quiet`.
pub(super) fn hint(cli: &Cli, text: &str) {
    if !cli.quiet {
        say(text);
    }
}

/// Writes the result beside its captures, whole or not at all.
pub(super) fn save(path: &Path, outcome: &Outcome) -> Result<(), Failure> {
    let partial = path.with_extension("json.partial");
    let written = File::create(&partial)
        .and_then(|mut file| {
            ::report::json::write(outcome, &mut file).and_then(|()| file.sync_all())
        })
        .and_then(|()| fs::rename(&partial, path));
    written.map_err(|error| Failure::input(format!("cannot write {}: {error}", path.display())))
}

/// Makes the folder for captures and results.
pub(super) fn folder(path: &Path) -> Result<(), Failure> {
    fs::create_dir_all(path).map_err(|error| {
        Failure::input(format!(
            "cannot make the folder {}: {error}",
            path.display()
        ))
    })
}

fn colors(cli: &Cli) -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    match cli.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
            !set("NO_COLOR") && !dumb && (io::stdout().is_terminal() || set("CLICOLOR_FORCE"))
        }
    }
}

/// Columns: `COLUMNS` where set, else 80.
fn width() -> usize {
    std::env::var("COLUMNS")
        .ok()
        .and_then(|text| text.parse().ok())
        .filter(|width| *width >= 40)
        .unwrap_or(80)
        .min(200)
}

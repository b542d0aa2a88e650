//! Before a password goes out in clear: what is about to happen, and whether that is wanted.
//!
//! On a terminal it is asked. Where nobody is there to answer it is refused, unless `--yes` was given: a script that
//! begins to give passwords away because a setting elsewhere changed must stop, and not print a warning that no one reads.

use std::io::{self, BufRead, IsTerminal, Write};

use claims::given::ClientTls;
use lab::adapter::config::AuthMode;

use super::setup::Setup;
use super::target::Target;
use crate::Failure;
use crate::args::{Cli, SendArgs};
use crate::commands::output;

/// Says that a password is about to go out in clear, where it is, and asks.
pub(super) fn ask(
    cli: &Cli,
    args: &SendArgs,
    setup: &Setup,
    target: &Target,
) -> Result<(), Failure> {
    let Some(warning) = warning(setup, &target.to_string()) else {
        return Ok(());
    };
    if args.yes {
        output::hint(cli, &format!("warning: {warning}"));
        return Ok(());
    }
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(Failure::input(format!(
            "{warning} Nobody is at a terminal to agree to that: give --yes, or protect it with --tls required"
        )));
    }
    // Not a hint: it is shown with --quiet, too.
    anstream::eprint!("{warning}\nGo on? [y/N] ");
    let _ = io::stderr().flush();
    let mut answer = String::new();
    io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|error| Failure::input(format!("cannot read an answer: {error}")))?;
    if matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    Err(Failure::input("nothing was sent"))
}

fn warning(setup: &Setup, to: &str) -> Option<String> {
    if setup.config.auth != AuthMode::Basic {
        return None;
    }
    let unless = match setup.config.tls {
        ClientTls::Required | ClientTls::Implicit => return None,
        ClientTls::Never => "",
        ClientTls::Opportunistic => ", unless that server offers STARTTLS",
    };
    let user = setup.config.username.as_deref().unwrap_or_default();
    Some(format!(
        "The password of {user:?} is about to go to {to} in clear text{unless}. Whoever sees that traffic can read it."
    ))
}

//! The `smtpspec` binary.

use std::process::ExitCode;

use clap::Parser;
use smtpspec::args::Cli;
use smtpspec::{Exit, commands};

/// A session is judged in thousands of small allocations.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match commands::dispatch(&cli) {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(failure) => {
            let text = failure.to_string();
            let prefix = if text.starts_with("error[") {
                ""
            } else {
                "error: "
            };
            anstream::eprintln!("{prefix}{text}");
            ExitCode::from(Exit::Trouble.code())
        }
    }
}

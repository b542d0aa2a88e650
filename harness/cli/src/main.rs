//! The `smtpspec` binary.

use std::process::ExitCode;

use clap::Parser;
use smtpspec::args::Cli;
use smtpspec::{Exit, commands};

/// Timelines are many small pieces that are freed all at once, on other threads than made them; the system's allocator
/// spends a third of the time of a judgement on that.
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

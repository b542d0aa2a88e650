//! Options about what is shown while `serve` runs.

use std::net::SocketAddr;

use clap::{Args, ValueEnum};

/// What is shown while the server runs.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Live view")]
pub struct LiveArgs {
    /// Show sessions as they end, a line each, on standard error: on a terminal, always or never.
    #[arg(long, value_enum, default_value_t = LiveName::Auto, value_name = "WHEN")]
    pub live: LiveName,

    /// Serve a page with sessions, verdicts and exposures as they happen, and /metrics and /health, to browsers of this
    /// machine, or on the address that is named.
    #[arg(long, num_args = 0..=1, default_missing_value = "127.0.0.1:2580", value_name = "ADDR:PORT")]
    pub web: Option<SocketAddr>,

    /// Keep an index of sessions in the folder (index.sqlite); with --web by default.
    #[arg(long, num_args = 0..=1, default_missing_value = "yes", value_enum, value_name = "WHETHER")]
    pub index: Option<YesNo>,
}

/// When sessions are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LiveName {
    /// Where standard error is a terminal, and the report is not for a program.
    Auto,
    /// Always; without the line of counts where it is no terminal.
    Always,
    /// Never.
    Never,
}

/// Yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum YesNo {
    /// Yes.
    Yes,
    /// No.
    No,
}

//! The command line of smtpspec: thin, one file for each subcommand.
//!
//! Results go to standard output, progress and complaints to standard error. [`road`] is what the tests use, too.

pub mod args;
pub mod audit;
pub mod bundle;
pub mod commands;
pub mod redact;
pub mod road;

use std::fmt;

/// Why a command could not do what it was asked: bad input, or a failure of the harness. Exit status 2.
#[derive(Debug)]
pub struct Failure(String);

impl Failure {
    /// With the text that the user sees: what, where, and what to do. It may quote what somebody else wrote.
    pub fn input(message: impl Into<String>) -> Self {
        Self(claims::printable_lines(&message.into()))
    }

    /// With text that a renderer made, which says `error` by itself.
    pub fn rendered(text: &str) -> Self {
        Self(text.strip_prefix("error: ").unwrap_or(text).to_owned())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Every expectation was met.
    Met,
    /// An expectation was not met.
    NotMet,
    /// The input was bad, or the harness failed; what could be said was said.
    Trouble,
    /// A signal ended it; this is the exit status that a shell expects then.
    Interrupted(u8),
}

impl Exit {
    /// Whether every case of a result met what was expected.
    pub fn of(outcome: &claims::result::Outcome) -> Self {
        if outcome.met() {
            Self::Met
        } else {
            Self::NotMet
        }
    }

    /// The exit status.
    pub const fn code(self) -> u8 {
        match self {
            Self::Met => 0,
            Self::NotMet => 1,
            Self::Trouble => 2,
            Self::Interrupted(status) => status,
        }
    }
}

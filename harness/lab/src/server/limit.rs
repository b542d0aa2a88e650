//! The limits that end a connection, each with the name that a result shows.

use std::fmt;
use std::sync::{Mutex, PoisonError};

/// Ends that are remembered. A server that runs for days must not remember all.
const MOST_REMEMBERED: usize = 1000;

/// Longest time that one connection may last, unless the options say otherwise.
pub(super) const LIFETIME: std::time::Duration = std::time::Duration::from_hours(1);

/// Bytes of a line without an end after which no end is waited for.
pub(super) const LONGEST_UNENDED: u64 = 1 << 20;

/// Commands and responses after which a client without an accepted message is not expected to come to one.
pub(super) const MOST_STEPS: u32 = 10_000;

/// Why a connection was ended though neither the client nor the script wanted that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// Nothing came for the idle time of the options.
    Silent,
    /// What was sent to the client was not taken within the idle time.
    NotReading,
    /// The TLS handshake was not done within the idle time.
    NoHandshake,
    /// A line came that did not end.
    EndlessLine,
    /// Message content came that did not end, or a BDAT chunk of no sensible size.
    EndlessContent,
    /// Command came after command, and no message was accepted.
    EndlessCommands,
    /// Command after command was refused.
    Mistakes,
    /// The connection lasted for the lifetime of the options.
    Overdue,
}

impl Limit {
    /// A sentence about the client.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Silent => "the client sent nothing in time",
            Self::NotReading => "the client did not read what was sent to it",
            Self::NoHandshake => "the client did not finish the TLS handshake in time",
            Self::EndlessLine => "the client sent a line without an end",
            Self::EndlessContent => "the client sent more content than any message has here",
            Self::EndlessCommands => "the client sent command after command and no message",
            Self::Mistakes => "the client sent one refused command after another",
            Self::Overdue => "the client stayed connected for too long",
        }
    }

    /// What the client is told, where it can still be told something.
    pub(super) const fn farewell(self) -> Option<&'static str> {
        match self {
            Self::Silent => Some("421 4.4.2 idle for too long, closing"),
            Self::EndlessLine => Some("421 4.7.0 line without an end, closing"),
            Self::EndlessContent => Some("552 5.3.4 message too big, closing"),
            Self::EndlessCommands => Some("421 4.7.0 too many commands, closing"),
            Self::Mistakes => Some("421 4.7.0 too many errors, closing"),
            Self::Overdue => Some("421 4.4.2 connected for too long, closing"),
            // It reads nothing, or would take a reply in clear for a part of the handshake.
            Self::NotReading | Self::NoHandshake => None,
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The connections that a limit ended.
#[derive(Debug, Default)]
pub(super) struct Ended(Mutex<Vec<(u32, Limit)>>);

impl Ended {
    pub(super) fn note(&self, connection: u32, limit: Limit) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < MOST_REMEMBERED {
            all.push((connection, limit));
        }
    }

    /// In the order of their numbers.
    pub(super) fn list(&self) -> Vec<(u32, Limit)> {
        let mut all = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        all.sort_by_key(|(connection, _)| *connection);
        all
    }
}

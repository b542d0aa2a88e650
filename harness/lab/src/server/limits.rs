//! The limits that end a connection, whatever its client does.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Connections ended by a limit that are kept one by one; the rest are only counted.
const MOST_KEPT: usize = 1000;

/// The limit that ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// The client sent nothing for so long.
    Silence(Duration),
    /// The client took nothing of what was said to it for so long.
    Unread(Duration),
    /// The client did not finish the TLS handshake for so long.
    Handshake(Duration),
    /// The client sent so many bytes without ending its line.
    Line(u64),
    /// The client sent so many bytes of message content.
    Content(u64),
    /// The client sent so many commands and responses, and no message that was accepted.
    Commands(u32),
    /// So many commands had to be refused.
    Refusals(u32),
    /// The connection lasted so long.
    Session(Duration),
    /// The server behind a proxy said nothing for so long.
    Behind(Duration),
    /// The server behind a proxy could not be reached.
    Unreached,
    /// Its address had so many connections already.
    AtOnce(u32),
    /// Its address made more than so many connections in a minute.
    Rate(u32),
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silence(time) => write!(f, "it sent nothing for {time:?}"),
            Self::Unread(time) => write!(f, "it read nothing of its replies for {time:?}"),
            Self::Handshake(time) => write!(f, "it did not finish the TLS handshake in {time:?}"),
            Self::Line(bytes) => write!(f, "it sent {bytes} bytes without a line end"),
            Self::Content(bytes) => write!(f, "it sent {bytes} bytes of message content"),
            Self::Commands(count) => write!(f, "it sent {count} commands and no message"),
            Self::Refusals(count) => write!(f, "{count} of its commands were refused"),
            Self::Session(time) => write!(f, "it was connected for {time:?}"),
            Self::Behind(time) => write!(f, "the server behind said nothing for {time:?}"),
            Self::Unreached => f.write_str("the server behind cannot be reached"),
            Self::AtOnce(count) => write!(f, "its address was at its limit of {count}"),
            Self::Rate(count) => {
                write!(
                    f,
                    "its address made more than {count} connections in a minute"
                )
            }
        }
    }
}

impl Limit {
    /// Whether the connection was not served at all.
    pub(super) const fn is_refusal(self) -> bool {
        matches!(self, Self::AtOnce(_) | Self::Rate(_))
    }

    /// What the client is told, where it can be told something: it may read nothing, or take a reply in clear for a part of
    /// the handshake.
    pub(crate) const fn farewell(self) -> Option<&'static str> {
        match self {
            Self::Silence(_) => Some("421 4.4.2 idle for too long, closing"),
            Self::Session(_) => Some("421 4.4.2 connected for too long, closing"),
            Self::Line(_) => Some("421 4.7.0 line without an end, closing"),
            Self::Commands(_) => Some("421 4.7.0 too many commands, closing"),
            Self::Refusals(_) => Some("421 4.7.0 too many errors, closing"),
            Self::Content(_) => Some("552 5.3.4 message too big, closing"),
            Self::AtOnce(_) => Some("421 4.7.0 too many connections from your address, closing"),
            Self::Rate(_) => Some("421 4.7.0 too many connections in a minute, closing"),
            // RFC 5321 section 3.8, RFC 3463 section 3.5.
            Self::Unreached => Some("421 4.4.1 the server behind cannot be reached, closing"),
            Self::Unread(_) | Self::Handshake(_) | Self::Behind(_) => None,
        }
    }
}

/// A connection that was ended by a limit, and not by its client, a rule or the end of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Number of the connection, from 1.
    pub connection: u32,
    /// The client's address and port, as the capture shows them.
    pub peer: SocketAddr,
    /// Why.
    pub limit: Limit,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            connection,
            peer,
            limit,
        } = self;
        write!(
            f,
            "connection {connection} from {peer} was ended by a limit: {limit}"
        )
    }
}

/// What was ended so far.
#[derive(Debug, Default)]
pub(crate) struct EndedSoFar(Mutex<(Vec<Ended>, u32)>);

impl EndedSoFar {
    pub(crate) fn add(&self, ended: Ended) {
        let mut guard = self.lock();
        let (kept, more) = &mut *guard;
        if kept.len() < MOST_KEPT {
            kept.push(ended);
        } else {
            *more = more.saturating_add(1);
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        let guard = self.lock();
        guard.0.len() as u64 + u64::from(guard.1)
    }

    /// Those that were kept, and how many more there were.
    pub(crate) fn take(&self) -> (Vec<Ended>, u32) {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, (Vec<Ended>, u32)> {
        // A panic elsewhere does not make the list wrong.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

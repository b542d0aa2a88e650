//! Why one attempt to transmit failed.

use std::io;

/// Why an attempt failed. Texts name commands and codes; what the server wrote stays out, since a server can repeat
/// what it was told, passwords included.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in super::super) enum Failure {
    #[error("waited too long for {0}")]
    TimedOut(&'static str),
    #[error("the connection failed: {0}")]
    Io(io::ErrorKind),
    #[error("the server closed the connection in the middle of the dialogue")]
    Closed,
    #[error("the server sent a reply that is not one (RFC 5321 section 4.2): {0}")]
    Malformed(&'static str),
    #[error("the server answered {code} to {command}")]
    Refused { command: &'static str, code: u16 },
    #[error(
        "the server refused {} of the recipients, the first with {code}",
        refused
    )]
    Recipients { refused: usize, code: u16 },
    #[error("the server does not offer {0}")]
    NotOffered(&'static str),
    #[error("the server sent a challenge for {0} that cannot be answered")]
    Challenge(&'static str),
    #[error("the server sent bytes between its agreement to STARTTLS and the TLS handshake")]
    BytesBeforeTls,
}

impl Failure {
    /// Whether the dialogue can still be ended in good order.
    pub(super) fn leaves_the_dialogue_sound(&self) -> bool {
        match self {
            Self::Refused { code, .. } | Self::Recipients { code, .. } => *code != 421,
            Self::NotOffered(_) | Self::Challenge(_) => true,
            Self::TimedOut(_)
            | Self::Io(_)
            | Self::Closed
            | Self::Malformed(_)
            | Self::BytesBeforeTls => false,
        }
    }
}

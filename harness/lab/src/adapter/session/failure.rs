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
    #[error("the TLS handshake failed: {0}")]
    Tls(String),
    #[error("the server closed the connection in the middle of the dialogue")]
    Closed,
    #[error("the server sent a reply that is not one (RFC 5321 section 4.2): {0}")]
    Malformed(&'static str),
    #[error("the server answered {code} to {command}")]
    Refused { command: &'static str, code: u16 },
    /// Each with the code of its reply. The others, if there are any, got the message.
    #[error("the server refused recipients: {}", listed(.0))]
    Recipients(Vec<(String, u16)>),
    #[error("the message has {octets} octets, and the server takes no more than {limit}")]
    TooLong { octets: u64, limit: u64 },
    #[error("the server does not offer {0}")]
    NotOffered(&'static str),
    #[error("the server sent a challenge for {0} that cannot be answered")]
    Challenge(&'static str),
    /// Only a bad twin repeats what the server wrote.
    #[error("the server said: {0}")]
    Repeated(String),
    #[error("the server sent bytes between its agreement to STARTTLS and the TLS handshake")]
    BytesBeforeTls,
}

impl Failure {
    /// Why a handshake failed: what the TLS library has against it, or else what became of the connection.
    pub(super) fn of_tls(error: &io::Error) -> Self {
        let told = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<tokio_rustls::rustls::Error>());
        match told {
            Some(told) => Self::Tls(told.to_string()),
            None => Self::Io(error.kind()),
        }
    }

    /// Whether the dialogue can still be ended in good order.
    pub(super) fn leaves_the_dialogue_sound(&self) -> bool {
        match self {
            Self::Refused { code, .. } => *code != 421,
            Self::Recipients(_)
            | Self::TooLong { .. }
            | Self::NotOffered(_)
            | Self::Repeated(_)
            | Self::Challenge(_) => true,
            Self::TimedOut(_)
            | Self::Io(_)
            | Self::Tls(_)
            | Self::Closed
            | Self::Malformed(_)
            | Self::BytesBeforeTls => false,
        }
    }

    /// Whether the connection broke, or nothing more came over it.
    pub(in super::super) fn is_break(&self) -> bool {
        matches!(
            self,
            Self::TimedOut(_) | Self::Io(_) | Self::Tls(_) | Self::Closed
        )
    }

    /// Whether a login was refused.
    pub(in super::super) fn is_refused_login(&self) -> bool {
        matches!(
            self,
            Self::Refused {
                command: "AUTH",
                ..
            }
        )
    }

    /// Whether another attempt can only end like this one: what a server refuses for good is not sent again
    /// (RFC 5321 section 4.2.1). A login that was refused is: the documentation says so.
    pub(in super::super) fn is_final(&self) -> bool {
        const FOR_GOOD: [&str; 3] = ["MAIL", "DATA", "the message"];
        match self {
            Self::Refused { command, code } => code / 100 == 5 && FOR_GOOD.contains(command),
            Self::TooLong { .. } => true,
            _ => false,
        }
    }
}

fn listed(refused: &[(String, u16)]) -> String {
    let each = |(address, code): &(String, u16)| format!("{address} with {code}");
    let all: Vec<_> = refused.iter().map(each).collect();
    all.join(", ")
}

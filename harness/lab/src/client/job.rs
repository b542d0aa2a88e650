//! What a case asks of a client: one message to one server.

use std::net::SocketAddr;
use std::time::Duration;

use claims::given::ClientTls;
use smtp::Secret;

use super::definition::{mechanism_word, mode_word, tls_word};
use super::message::Draft;
use crate::adapter::config::{AuthMode, BasicMechanism};

/// One message to one server.
#[derive(Clone, Debug)]
pub struct Job {
    /// Id of the case.
    pub case: String,
    /// Where the server listens.
    pub server: SocketAddr,
    /// How the client authenticates.
    pub mode: AuthMode,
    /// The mechanism of mode basic, where the case names one; otherwise the client chooses.
    pub mechanism: Option<BasicMechanism>,
    /// What it does about TLS.
    pub tls: ClientTls,
    /// User name; empty in mode none.
    pub user: String,
    /// Domain, for NTLM.
    pub domain: String,
    /// Password; empty in mode none.
    pub password: Secret,
    /// Envelope sender.
    pub sender: String,
    /// Envelope recipients, the copies included.
    pub recipients: Vec<String>,
    /// Those of them that no header names.
    pub bcc: Vec<String>,
    /// The message.
    pub draft: Draft,
    /// Name for EHLO.
    pub ehlo: String,
    /// Certificate of the authority that the client trusts (PEM).
    pub ca: String,
    /// Whether delivery status notifications are asked for (RFC 3461).
    pub delivery_receipt: bool,
    /// Whether a message that was put off is to be tried again.
    pub retry: bool,
    /// How long the client is to wait for a reply.
    pub timeout: Duration,
    /// What the case needs that no outside client has, as its key in the scenario.
    pub only_adapter: Option<&'static str>,
}

impl Job {
    /// The word for the mode.
    pub fn mode(&self) -> &'static str {
        mode_word(self.mode)
    }

    /// The word for the mechanism; `any` where the client chooses.
    pub fn mechanism(&self) -> &'static str {
        mechanism_word(self.mechanism)
    }

    /// The word for TLS.
    pub fn tls(&self) -> &'static str {
        tls_word(self.tls)
    }

    /// `{timeout}`: whole seconds, at least one.
    pub fn timeout_seconds(&self) -> u64 {
        self.timeout
            .as_millis()
            .div_ceil(1000)
            .max(1)
            .try_into()
            .unwrap_or(u64::MAX)
    }
}

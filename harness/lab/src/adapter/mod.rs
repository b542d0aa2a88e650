//! The reference adapter: the documented SMTP send adapter, made runnable.
//!
//! [`Adapter::deliver`] composes a message as the documentation of the adapter and of the S/MIME encoder describes it,
//! and transmits it as a client of RFC 5321. With [`Twin`]s it misbehaves on purpose, one way for each.

mod auth;
mod client_tls;
pub(crate) mod compose;
pub mod config;
mod environment;
#[cfg(test)]
mod example;
pub mod host;
pub mod keys;
pub mod limits;
mod macros;
mod mailbox;
mod names;
mod network;
#[cfg(test)]
mod openssl;
pub mod readings;
mod refusal;
mod retry;
pub mod route;
mod session;
pub mod settings;
mod smime;
mod trace;
pub mod twin;
mod whole;

use std::net::SocketAddr;

use rand::Rng;
use rand::rngs::StdRng;

pub use config::{Config, Payload};
pub use environment::{Clock, Environment, Waiting};
pub use keys::Keys;
pub use names::Names;
pub use network::{Host, Network, Told, Watcher};
pub use route::Route;
pub use session::relay;
pub use trace::{Attempt, Delivery, Outcome, Step};
pub use twin::Twin;
pub use whole::{BareLineEnd, Whole};

pub(crate) use compose::canonical;

use config::AuthMode;
use refusal::Refusal;
use twin::Twins;

/// The adapter.
#[derive(Debug)]
pub struct Adapter {
    /// Send port, handler and pipeline.
    pub config: Config,
    /// What it does wrong. Empty for the documented adapter.
    pub twins: Vec<Twin>,
    /// Time, chance and keys.
    pub environment: Environment,
}

impl Adapter {
    /// An adapter, with or without misbehaviour.
    pub fn new(config: Config, twins: Vec<Twin>, environment: Environment) -> Self {
        Self {
            config,
            twins,
            environment,
        }
    }

    /// Delivers a message to the server, with retries.
    ///
    /// What the configuration or the payload does not allow ends as [`Outcome::Suspended`] with no connection made.
    /// Whatever the server does ends too: every wait is bounded by [`Config::timeout`].
    pub async fn deliver(&mut self, server: SocketAddr, payload: &Payload) -> Delivery {
        match self.prepare(payload) {
            Ok(prepared) => self.transmit(server, &prepared).await,
            Err(suspended) => Delivery {
                outcome: Outcome::Suspended(suspended.to_string()),
                attempts: 0,
                trace: Vec::new(),
            },
        }
    }

    /// Composes a message, and stops before any connection is made.
    ///
    /// # Errors
    /// What the configuration or the payload does not allow.
    pub fn prepare(&mut self, payload: &Payload) -> Result<Prepared, Suspended> {
        let twins = Twins::from(self.twins.as_slice());
        self.limits(&twins)?;
        self.credentials()?;
        let mail = compose::compose(&self.config, &twins, &mut self.environment, payload)?;
        Ok(Prepared(mail))
    }

    /// Takes a message that was composed elsewhere, as it is. Only the envelope comes from the configuration.
    ///
    /// # Errors
    /// What the configuration does not allow.
    pub fn prepare_whole(&self, message: Whole) -> Result<Prepared, Suspended> {
        self.credentials()?;
        let twins = Twins::from(self.twins.as_slice());
        let mail = compose::around(&self.config, &twins, &self.environment, message)?;
        Ok(Prepared(mail))
    }

    /// Delivers what was prepared, as [`Adapter::deliver`] does.
    pub async fn transmit(&mut self, server: SocketAddr, prepared: &Prepared) -> Delivery {
        let twins = Twins::from(self.twins.as_slice());
        let mail = &prepared.0;
        retry::deliver(&self.config, &twins, &mut self.environment, mail, server).await
    }

    /// What the documentation says of single properties.
    fn limits(&self, twins: &Twins) -> Result<(), Refusal> {
        if !twins.has(Twin::AnyHostName) {
            self.config.server()?;
        }
        if !self.config.unlimited && !twins.has(Twin::IgnoresLimits) {
            limits::check(&self.config)?;
        }
        Ok(())
    }

    /// Basic has no default for either.
    fn credentials(&self) -> Result<(), Refusal> {
        if self.config.auth != AuthMode::Basic {
            return Ok(());
        }
        let missing = |what| Err(Refusal::Missing(what));
        match (&self.config.username, &self.config.password) {
            (None, _) => missing("UserName, which Basic authentication needs,"),
            (_, None) => missing("Password, which Basic authentication needs,"),
            _ => Ok(()),
        }
    }
}

/// A new `BTS.MessageID`: a random UUID (RFC 9562 section 5.4).
pub fn message_id() -> String {
    let mut rng: StdRng = rand::make_rng();
    let random = u128::from(rng.next_u64()) << 64 | u128::from(rng.next_u64());
    let id = random & !(0xf << 76) & !(0b11 << 62) | 4 << 76 | 0b10 << 62;
    let id = format!("{id:032x}");
    let parts = [&id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]];
    parts.join("-")
}

/// A message with its envelope, ready to be sent.
#[derive(Clone, Debug)]
pub struct Prepared(compose::Mail);

impl Prepared {
    /// The reverse-path.
    pub fn from(&self) -> &str {
        &self.0.from
    }

    /// The forward-paths.
    pub fn recipients(&self) -> &[String] {
        &self.0.recipients
    }

    /// The message, with CR LF line ends and without dot-stuffing, as a server gets it that offers what it needs.
    pub fn message(&self) -> Vec<u8> {
        self.0.message(true)
    }

    /// How many octets that are.
    pub fn octets(&self) -> u64 {
        self.0.octets(true)
    }
}

/// Why a message is suspended before any connection is made. The text holds neither credentials nor content.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Suspended(#[from] Refusal);

#[cfg(test)]
mod tests;

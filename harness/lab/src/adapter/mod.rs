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
pub mod network;
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

use std::net::SocketAddr;

pub use config::{Config, Payload};
pub use environment::{Clock, Environment, Waiting};
pub use keys::Keys;
pub use network::Network;
pub use route::Route;
pub use trace::{Attempt, Delivery, Outcome, Step};
pub use twin::Twin;

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
        let twins = Twins::from(self.twins.as_slice());
        let mail = match self.compose(&twins, payload) {
            Ok(mail) => mail,
            Err(refusal) => {
                return Delivery {
                    outcome: Outcome::Suspended(refusal.to_string()),
                    attempts: 0,
                    trace: Vec::new(),
                };
            }
        };
        retry::deliver(&self.config, &twins, &mut self.environment, &mail, server).await
    }

    fn compose(&mut self, twins: &Twins, payload: &Payload) -> Result<compose::Mail, Refusal> {
        if !twins.has(Twin::AnyHostName) {
            self.config.server()?;
        }
        if !self.config.unlimited && !twins.has(Twin::IgnoresLimits) {
            limits::check(&self.config)?;
        }
        if self.config.auth == AuthMode::Basic {
            if self.config.username.is_none() {
                return Err(Refusal::Missing(
                    "UserName, which Basic authentication needs,",
                ));
            }
            if self.config.password.is_none() {
                return Err(Refusal::Missing(
                    "Password, which Basic authentication needs,",
                ));
            }
        }
        compose::compose(&self.config, twins, &mut self.environment, payload)
    }
}

#[cfg(test)]
mod tests;

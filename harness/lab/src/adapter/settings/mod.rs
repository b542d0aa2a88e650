//! Where the value of a property stands, and which of several counts.
//!
//! A value can be set on the send handler, on a static port, and on the context of the message, there either upstream (an
//! orchestration, a receive pipeline) or by a component of the send pipeline. From weak to strong:
//!
//! | static port | dynamic port |
//! | --- | --- |
//! | documented default | documented default |
//! | handler | handler |
//! | context, set upstream | the address in `mailto:` |
//! | the port | context, set upstream |
//! | context, set in the send pipeline | context, set in the send pipeline |
//!
//! What the port leaves unset does not overwrite what was set upstream: the documentation speaks of the value that is
//! configured for the port.

mod bag;
mod binding;
mod file;
mod properties;
#[cfg(test)]
mod tests;
mod xml;

pub use binding::{Binding, read_binding};
pub use file::read_toml;
pub use properties::{Handler, Properties};
pub use xml::XmlError;

use super::config::{Account, AuthMode, Config, Encoder, Retry};
use super::host::BadHost;
use super::readings::Readings;

/// A send port.
#[derive(Clone, Debug)]
pub enum Port {
    /// Configured once.
    Static(Box<Properties>),
    /// Told by each message where it goes: the address `mailto:user@domain`.
    Dynamic(String),
}

/// What is set on the context of a message. The documentation knows no `To` there: of these, [`Properties::to`] is not read.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// By an orchestration or in a receive pipeline.
    pub upstream: Properties,
    /// By a component of the send pipeline.
    pub pipeline: Properties,
}

/// A transport of a port, with its retries.
#[derive(Clone, Debug)]
pub struct Transport {
    /// How it is configured.
    pub port: Port,
    /// How often and how soon it tries again.
    pub retry: Retry,
}

/// Everything that configures a message's way out, where it stands.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The send handler.
    pub handler: Handler,
    /// The primary transport.
    pub primary: Transport,
    /// The backup transport, where the port has one.
    pub backup: Option<Transport>,
    /// The context of the message.
    pub context: Context,
    /// The account of the host instance, which NTLM needs.
    pub account: Option<Account>,
    /// The machine's name, for EHLO.
    pub ehlo: Option<String>,
    /// The encoder of the send pipeline.
    pub encoder: Option<Encoder>,
    /// How contradictions of the documentation are read.
    pub readings: Readings,
}

/// A property that keeps a configuration from being one. Documented: an error event, and the message goes to the backup transport.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unresolved {
    /// Required, and set nowhere.
    #[error("{0} is set neither on the port nor on the handler, and has no default")]
    Missing(&'static str),
    /// The address of a dynamic port.
    #[error("the address of a dynamic port is `mailto:user@domain`, with nothing behind it")]
    Address,
    /// `SMTPHost` is not allowed to be what it is.
    #[error(transparent)]
    Host(#[from] BadHost),
    /// NTLM without an account to prove.
    #[error("NTLM authenticates as the account of the host instance, and none is given")]
    Account,
}

impl Settings {
    /// Settings in which nothing is set but the port.
    pub fn new(port: Port) -> Self {
        Self {
            handler: Handler::default(),
            primary: Transport {
                port,
                retry: Retry::default(),
            },
            backup: None,
            context: Context::default(),
            account: None,
            ehlo: None,
            encoder: None,
            readings: Readings::default(),
        }
    }

    /// What counts, on the primary transport.
    ///
    /// # Errors
    /// A required value is set nowhere, or is not allowed to be what it is.
    pub fn resolve(&self) -> Result<Config, Unresolved> {
        self.resolve_on(&self.primary)
    }

    /// What counts on the backup transport, where there is one.
    ///
    /// # Errors
    /// As [`Settings::resolve`].
    pub fn resolve_backup(&self) -> Option<Result<Config, Unresolved>> {
        Some(self.resolve_on(self.backup.as_ref()?))
    }

    /// What the places say together for a transport, with whatever is required left as it is: for who has more to put over it,
    /// and asks then.
    ///
    /// # Errors
    /// The address of a dynamic port is none.
    pub fn layered(&self, transport: &Transport) -> Result<Config, Unresolved> {
        let mut config = Config::documented();
        if let Some(account) = &self.account {
            config.account = account.clone();
        }
        if let Some(ehlo) = &self.ehlo {
            config.ehlo.clone_from(ehlo);
        }
        config.encoder.clone_from(&self.encoder);
        config.readings = self.readings;
        config.retry = transport.retry;
        resolve(&self.handler, &transport.port, &self.context, &mut config)?;
        Ok(config)
    }

    fn resolve_on(&self, transport: &Transport) -> Result<Config, Unresolved> {
        let config = self.layered(transport)?;
        if config.from.is_empty() {
            return Err(Unresolved::Missing("From"));
        }
        if config.to.is_empty() {
            return Err(Unresolved::Missing("To"));
        }
        if config.server()?.is_none() {
            return Err(Unresolved::Missing("SMTPHost"));
        }
        match config.auth {
            AuthMode::Basic if config.username.is_none() => Err(Unresolved::Missing("UserName")),
            AuthMode::Basic if config.password.is_none() => Err(Unresolved::Missing("Password")),
            AuthMode::Ntlm if config.account.user.is_empty() => Err(Unresolved::Account),
            _ => Ok(config),
        }
    }
}

/// Puts handler, port and context over a configuration, the weakest first.
///
/// # Errors
/// The address of a dynamic port is none.
pub fn resolve(
    handler: &Handler,
    port: &Port,
    context: &Context,
    config: &mut Config,
) -> Result<(), Unresolved> {
    handler.apply(config);
    match port {
        Port::Static(port) => {
            apply_context(&context.upstream, config);
            let port = Properties {
                reply_by: None,
                ..Properties::clone(port)
            };
            port.apply(config);
        }
        Port::Dynamic(address) => {
            config.to = vec![mailto(address)?];
            apply_context(&context.upstream, config);
        }
    }
    apply_context(&context.pipeline, config);
    Ok(())
}

fn apply_context(context: &Properties, config: &mut Config) {
    let context = Properties {
        to: None,
        ..context.clone()
    };
    context.apply(config);
}

/// The address in `mailto:user@domain`. A query (`?subject=…`) is not allowed.
///
/// # Errors
/// [`Unresolved::Address`].
pub fn mailto(address: &str) -> Result<String, Unresolved> {
    let scheme = address.get(..7).unwrap_or_default();
    let rest = address.get(7..).unwrap_or_default();
    let sound = scheme.eq_ignore_ascii_case("mailto:")
        && !rest.contains('?')
        && rest
            .rsplit_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    if sound {
        Ok(rest.to_owned())
    } else {
        Err(Unresolved::Address)
    }
}

//! The way of a message: which server, by which transport, and what is tried when the first one has failed.

use claims::given::ClientTls;

use super::config::{AuthMode, Payload};
use super::host::HostPort;
use super::network::Network;
use super::settings::{self, Context, Handler, Port, Transport, Unresolved};
use super::trace::{Delivery, Outcome};
use super::twin::{Twin, Twins};
use super::{Adapter, Config};

/// Where messages go, by handler and port.
#[derive(Clone, Debug)]
pub struct Route {
    /// The send handler.
    pub handler: Handler,
    /// The primary transport of the port.
    pub primary: Transport,
    /// The backup transport, where the port has one.
    pub backup: Option<Transport>,
    /// What the backup transport does about TLS, where it differs.
    pub backup_tls: Option<ClientTls>,
    /// What can be reached.
    pub network: Network,
}

/// The port of submission (RFC 6409 section 3.1).
const SUBMISSION: u16 = 587;

impl Adapter {
    /// Delivers a message by the primary transport and, where every try has failed or the configuration does not allow one, by the
    /// backup transport, each with its own retries.
    ///
    /// What is configured on handler and port goes over [`Adapter::config`].
    pub async fn deliver_by(&mut self, route: &Route, payload: &Payload) -> Delivery {
        let twins = Twins::from(self.twins.as_slice());
        let first = self.transport(route, &route.primary, payload).await;
        let backup = route.backup.as_ref();
        let backup = backup.filter(|_| !twins.has(Twin::ForgetsBackup));
        let (Some(backup), Outcome::Suspended(_)) = (backup, &first.outcome) else {
            return first;
        };
        let tls = self.config.tls;
        self.config.tls = route.backup_tls.unwrap_or(tls);
        let second = self.transport(route, backup, payload).await;
        self.config.tls = tls;
        let outcome = second.outcome.clone();
        Delivery {
            outcome,
            ..first.and(second)
        }
    }

    async fn transport(
        &mut self,
        route: &Route,
        transport: &Transport,
        payload: &Payload,
    ) -> Delivery {
        let suspended = |why: String| Delivery {
            outcome: Outcome::Suspended(why),
            attempts: 0,
            trace: Vec::new(),
        };
        let twins = Twins::from(self.twins.as_slice());
        let config = match route.resolve(transport, &self.config, &twins) {
            Ok(config) => config,
            Err(unresolved) => return suspended(unresolved.to_string()),
        };
        let target = match config.server() {
            Ok(Some(target)) => route.misdirect(target, &config, &twins),
            Ok(None) => return suspended(Unresolved::Missing("SMTPHost").to_string()),
            Err(bad) => return suspended(bad.to_string()),
        };
        let Some(address) = route.network.find(&target.host, target.port) else {
            return suspended(format!("nothing answers at {target}"));
        };
        let base = std::mem::replace(&mut self.config, config);
        let delivery = self.deliver(address, payload).await;
        self.config = base;
        delivery
    }
}

impl Route {
    /// What counts on a transport.
    fn resolve(
        &self,
        transport: &Transport,
        base: &Config,
        twins: &Twins,
    ) -> Result<Config, Unresolved> {
        let mut config = base.clone();
        config.retry = transport.retry;
        let context = Context::default();
        settings::resolve(&self.handler, &transport.port, &context, &mut config)?;
        if twins.has(Twin::HandlerHostWins) {
            config.smtp_host.clone_from(&self.handler.smtp_host);
        }
        if twins.has(Twin::HandlerLoginWins) {
            config.username.clone_from(&self.handler.username);
            config.password.clone_from(&self.handler.password);
        }
        if twins.has(Twin::DefaultsToNone) && self.leaves_auth_alone(transport) {
            config.auth = AuthMode::None;
        }
        Ok(config)
    }

    fn leaves_auth_alone(&self, transport: &Transport) -> bool {
        let port = match &transport.port {
            Port::Static(properties) => properties.over_handler.authenticate,
            Port::Dynamic(_) => None,
        };
        port.or(self.handler.authenticate).is_none()
    }

    /// Where a twin goes instead.
    fn misdirect(&self, target: HostPort, config: &Config, twins: &Twins) -> HostPort {
        if twins.has(Twin::OtherPort) {
            return HostPort {
                port: SUBMISSION,
                ..target
            };
        }
        let domain = config.to.first().and_then(|to| to.rsplit_once('@'));
        let exchanger = domain.and_then(|(_, domain)| self.network.exchanger(domain));
        match exchanger {
            Some(host) if twins.has(Twin::SendsToMx) => HostPort {
                host: host.to_owned(),
                ..target
            },
            _ => target,
        }
    }
}

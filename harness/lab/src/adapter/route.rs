//! The way of a message: which server, by which transport, and what is tried when the first one has failed.

use claims::given::ClientTls;

use super::config::{AuthMode, Payload};
use super::host::HostPort;
use super::names::Names;
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
    pub names: Names,
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
        let Some(address) = route.names.find(&target.host, target.port) else {
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
        let exchanger = domain.and_then(|(_, domain)| self.names.exchanger(domain));
        match exchanger {
            Some(host) if twins.has(Twin::SendsToMx) => HostPort {
                host: host.to_owned(),
                ..target
            },
            _ => target,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Duration;

    use super::super::settings::Properties;
    use super::super::{Environment, config::Retry, example};
    use super::*;

    fn transport(host: &str, auth: Option<AuthMode>) -> Transport {
        let over_handler = Handler {
            smtp_host: Some(host.to_owned()),
            authenticate: auth,
            username: Some("port".to_owned()),
            ..Handler::default()
        };
        let properties = Properties {
            over_handler,
            ..Properties::default()
        };
        let (count, interval) = (0, Duration::ZERO);
        Transport {
            port: Port::Static(Box::new(properties)),
            retry: Retry { count, interval },
        }
    }

    fn route(auth: Option<AuthMode>) -> Route {
        Route {
            handler: Handler {
                smtp_host: Some("handler.example".to_owned()),
                username: Some("handler".to_owned()),
                ..Handler::default()
            },
            primary: transport("port.example", auth),
            backup: None,
            backup_tls: None,
            names: Names::default(),
        }
    }

    fn resolved(auth: Option<AuthMode>, twins: &[Twin]) -> Config {
        let (route, base) = (
            route(auth),
            Config {
                auth: AuthMode::Ntlm,
                ..example::config()
            },
        );
        let resolved = route.resolve(&route.primary, &base, &Twins::from(twins));
        resolved.expect("everything is set")
    }

    #[test]
    fn the_port_counts_unless_a_twin_has_it_otherwise() {
        let good = resolved(Some(AuthMode::Basic), &[]);
        assert_eq!(good.smtp_host.as_deref(), Some("port.example"));
        assert_eq!(good.username.as_deref(), Some("port"));
        assert_eq!(good.auth, AuthMode::Basic);
        let host = resolved(None, &[Twin::HandlerHostWins]);
        assert_eq!(host.smtp_host.as_deref(), Some("handler.example"));
        let login = resolved(None, &[Twin::HandlerLoginWins]);
        assert_eq!(login.username.as_deref(), Some("handler"));
    }

    #[test]
    fn left_alone_authentication_is_ntlm() {
        assert_eq!(resolved(None, &[]).auth, AuthMode::Ntlm);
        let twins = [Twin::DefaultsToNone];
        assert_eq!(resolved(None, &twins).auth, AuthMode::None);
        assert_eq!(resolved(Some(AuthMode::Ntlm), &twins).auth, AuthMode::Ntlm);
    }

    #[test]
    fn twins_go_elsewhere() {
        let mut route = route(None);
        route
            .names
            .add_exchanger("partner.example", "mx.partner.example");
        let target = || HostPort {
            host: "port.example".to_owned(),
            port: 25,
        };
        let go = |twins: &[Twin]| {
            route
                .misdirect(target(), &example::config(), &Twins::from(twins))
                .to_string()
        };
        assert_eq!(go(&[]), "port.example:25");
        assert_eq!(go(&[Twin::OtherPort]), "port.example:587");
        assert_eq!(go(&[Twin::SendsToMx]), "mx.partner.example:25");
    }

    #[tokio::test]
    async fn without_an_answer_the_backup_is_asked_and_then_the_message_is_suspended() {
        let mut adapter = Adapter::new(example::config(), Vec::new(), Environment::pinned(1));
        let mut route = route(Some(AuthMode::None));
        let first = adapter.deliver_by(&route, &example::payload()).await;
        assert_eq!(
            first.outcome,
            Outcome::Suspended("nothing answers at port.example:25".to_owned())
        );
        assert_eq!(first.attempts, 0);
        // Nobody listens on the port that was just given back.
        let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address: SocketAddr = closed.local_addr().expect("an address");
        drop(closed);
        route.backup = Some(transport("backup.example", Some(AuthMode::None)));
        route.names.add("backup.example", 25, address);
        let second = adapter.deliver_by(&route, &example::payload()).await;
        assert_eq!(second.attempts, 1, "{:?}", second.outcome);
        adapter.twins = vec![Twin::ForgetsBackup];
        let forgotten = adapter.deliver_by(&route, &example::payload()).await;
        assert_eq!(forgotten.attempts, 0);
    }
}

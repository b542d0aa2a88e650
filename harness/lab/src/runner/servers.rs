//! The servers of a case beside the main one, and the way of the message among all of them.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use claims::given::{GivenServer, Mode, Retry};

use super::given::mode;
use super::{Setup, Start};
use crate::adapter::config::Config;
use crate::adapter::settings::{Handler, Port, Properties, Transport};
use crate::adapter::{Names, Route};
use crate::scenario::{Scenario, ServerName};
use crate::server::{Options, Running, Seed, Server, ServerReport};
use crate::tap::{Clock, Recorder};

/// The servers that run beside the main one.
pub(super) struct Others(Vec<(ServerName, Running)>);

impl Others {
    /// Starts them. Their connections go into the same capture.
    pub(super) fn start(
        scenario: &Scenario,
        setup: &Setup,
        how: &Start<'_>,
        recorder: &Recorder,
    ) -> io::Result<Self> {
        let mut running = Vec::new();
        for (name, table) in scenario.servers.all() {
            let mut options = Options::of_other(scenario, name, table);
            options.accounts.clone_from(&setup.accounts);
            options.seed = how.pinned.map_or(Seed::Random, Seed::Pinned);
            options.clock = match how.pinned {
                Some(_) => Clock::Pinned,
                None => Clock::Real,
            };
            options.recorder = Some(recorder.clone());
            options.shown = Some(shown(scenario, name, how.listen.ip()));
            let listen = SocketAddr::new(how.listen.ip(), 0);
            running.push((name, Server::bind(listen, options)?.spawn()?));
        }
        Ok(Self(running))
    }

    /// The authorities that vouch for them (PEM), one behind the other.
    pub(super) fn authorities(&self) -> String {
        let each = self.0.iter().map(|(_, running)| running.ca_pem());
        each.collect()
    }

    /// Stops them all, and says what each did.
    pub(super) async fn stop(self) -> io::Result<Vec<ServerReport>> {
        let mut reports = Vec::new();
        for (_, running) in self.0 {
            reports.push(running.stop().await?);
        }
        Ok(reports)
    }

    /// What the adapter can reach: each server under its name, and the recipients' own as the mail server of their domains.
    fn names(&self, scenario: &Scenario, setup: &Setup, main: SocketAddr) -> Names {
        let mut names = Names::default();
        names.add(&scenario.server.name, scenario.server.port, main);
        for (name, running) in &self.0 {
            let Some(table) = scenario.servers.get(*name) else {
                continue;
            };
            names.add(&table.name, table.port, running.address());
            if *name == ServerName::Partner {
                for (_, domain) in setup.config.to.iter().filter_map(|to| to.rsplit_once('@')) {
                    names.add_exchanger(domain, &table.name);
                }
            }
        }
        names
    }

    /// The way of the message, where the case says more of it than which server it goes to.
    pub(super) fn route(
        &self,
        scenario: &Scenario,
        setup: &Setup,
        main: SocketAddr,
    ) -> Option<Route> {
        let client = &scenario.client;
        // A handler below a dynamic port or a context is resolved with them.
        let elsewhere = client.dynamic.is_some() || client.context.is_some();
        let plain = scenario.servers.is_empty()
            && (client.handler.is_none() || elsewhere)
            && !client.default_auth;
        if plain {
            return None;
        }
        let config = &setup.config;
        let name_of = |name| Some(scenario.servers.get(name)?.name.clone());
        let transport = |host: String, config: &Config| Transport {
            port: Port::Static(Box::new(Properties {
                over_handler: Handler {
                    smtp_host: Some(host),
                    from: None,
                    authenticate: (!client.default_auth).then_some(config.auth),
                    username: config.username.clone(),
                    password: config.password.clone(),
                },
                ..Properties::default()
            })),
            retry: config.retry,
        };
        let backup = name_of(ServerName::Backup).map(|host| {
            let mut config = config.clone();
            if let Some(table) = &client.backup {
                config.auth = table.auth.as_ref().map_or(config.auth, |auth| auth.value);
                if let Some(retry) = &table.retry {
                    retry.apply(&mut config.retry);
                }
            }
            transport(host, &config)
        });
        Some(Route {
            handler: handler(scenario, name_of(ServerName::Handler)),
            primary: transport(smtp_host(scenario), config),
            backup,
            backup_tls: client
                .backup
                .as_ref()
                .and_then(|table| Some(table.tls.as_ref()?.value)),
            names: self.names(scenario, setup, main),
        })
    }
}

/// What the handler sets. Without a server of its own it names that of the port.
fn handler(scenario: &Scenario, host: Option<String>) -> Handler {
    let table = scenario.client.handler.as_ref();
    let table = table.map(|table| table.value.clone()).unwrap_or_default();
    Handler {
        smtp_host: Some(host.unwrap_or_else(|| smtp_host(scenario))),
        from: None,
        ..table
    }
}

/// `SMTPHost` on the port.
fn smtp_host(scenario: &Scenario) -> String {
    match &scenario.client.smtp_host {
        Some(host) => host.value.clone(),
        None => scenario.server.name.clone(),
    }
}

/// The port that the configured name carries.
fn carried_port(scenario: &Scenario) -> Option<u16> {
    if scenario.servers.is_empty() {
        // The client is told where the only server is, whatever its port.
        return Some(scenario.server.port);
    }
    let (_, port) = scenario.client.smtp_host.as_ref()?.value.rsplit_once(':')?;
    port.parse().ok()
}

/// The address at which captures show a server. Hosts have an address each, whatever is listened on.
fn shown(scenario: &Scenario, name: ServerName, listen: IpAddr) -> SocketAddr {
    let main = match listen {
        IpAddr::V4(ip) if ip.is_loopback() => Ipv4Addr::new(127, 0, 0, name.host_number()).into(),
        other => other,
    };
    let port = scenario
        .servers
        .get(name)
        .map_or(scenario.server.port, |table| table.port);
    SocketAddr::new(main, port)
}

/// What is known of the servers beforehand, as captures show them.
pub(super) fn given(scenario: &Scenario, config: &Config, listen: IpAddr) -> Vec<GivenServer> {
    let retry = Retry {
        count: config.retry.count,
        interval: config.retry.interval,
    };
    let one = |name: ServerName, port, retry| GivenServer {
        role: name.role(),
        address: shown(scenario, name, listen),
        port,
        retry: Some(retry),
        mode: None,
    };
    let main = one(ServerName::Main, carried_port(scenario), retry);
    let others = scenario.servers.all().map(|(name, _)| {
        let own = scenario
            .client
            .backup
            .as_ref()
            .and_then(|table| table.retry.as_ref());
        let own = own.filter(|_| name == ServerName::Backup);
        let mut config = config.retry;
        if let Some(own) = own {
            own.apply(&mut config);
        }
        let (count, interval) = (config.count, config.interval);
        let given = one(name, None, Retry { count, interval });
        let mode = backup_mode(scenario).filter(|_| name == ServerName::Backup);
        GivenServer { mode, ..given }
    });
    std::iter::once(main).chain(others).collect()
}

/// The mode of the backup transport, where it has its own.
fn backup_mode(scenario: &Scenario) -> Option<Mode> {
    let auth = scenario.client.backup.as_ref()?.auth.as_ref()?;
    Some(mode(auth.value))
}

/// Where captures show the servers beside the main one, for the header of the file.
pub(super) fn legend(scenario: &Scenario, listen: IpAddr) -> String {
    let each = scenario.servers.all().map(|(name, _)| {
        let address = shown(scenario, name, listen);
        format!("; {address} stands for the server `{}`", name.as_str())
    });
    each.collect()
}

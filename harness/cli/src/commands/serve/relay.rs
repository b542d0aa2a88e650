//! Where mail goes on to: a server that only records, one that passes sessions on, or one with a queue behind it.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use evidence::forward::{self, Forwarder};
use evidence::queue::{self, Queue};
use lab::adapter::relay::{Tls, Upstream};
use lab::proxy::{self, Proxy};
use lab::server::{Options, Reload, Server, ServerReport, Sockets, Watch};
use tokio::sync::mpsc::UnboundedReceiver;

use super::evidence::Evidence;
use crate::Failure;
use crate::args::{FormName, RelayArgs, RelayMode, RelayTls, ServeArgs};
use crate::commands::output;
use crate::commands::send::setup::host_name;
use crate::commands::send::target::{self, authorities};

/// The longest wait between two attempts.
const LONGEST: Duration = Duration::from_hours(1);

/// How long messages are still passed on at the end.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is done about mail.
pub(super) enum Relay {
    /// It is recorded.
    None,
    /// Sessions go on to this server, which may take so long to connect.
    Proxy(String, Duration),
    /// Messages go on.
    Queue(Box<Waiting>),
}

/// A queue that nobody works on yet.
pub(super) struct Waiting {
    queue: Queue,
    names: UnboundedReceiver<String>,
    options: forward::Options,
}

impl Relay {
    /// Opens the queue, where there is to be one, and has it take custody of messages.
    pub(super) fn begin(
        args: &ServeArgs,
        evidence: &Evidence,
        options: &mut Options,
    ) -> Result<Self, Failure> {
        let relay = &args.relay;
        let Some(to) = &relay.to else {
            return Ok(Self::None);
        };
        let server = target::Server::parse_as("--relay", to, 25)?;
        if relay.mode == RelayMode::Proxy {
            possible(args)?;
            let to = server.to_string();
            return Ok(Self::Proxy(to, relay.timeout));
        }
        let upstream = upstream(relay, server)?;
        let folder = args.out.join(queue::FOLDER);
        let parts = queue::Parts {
            folder: folder.clone(),
            durability: durability(args),
            store: Some(Arc::clone(&evidence.store)),
            told: Box::new(output::say),
        };
        let (queue, names) = Queue::open(parts).map_err(|error| {
            Failure::input(format!("cannot work in {}: {error}", folder.display()))
        })?;
        options.custody = Some(Arc::new(queue.clone()));
        let longest = LONGEST.max(relay.retry);
        Ok(Self::Queue(Box::new(Waiting {
            queue,
            names,
            options: forward::Options {
                upstream,
                at_once: relay.at_once.into(),
                first: relay.retry,
                longest,
                give_up: relay.give_up,
            },
        })))
    }

    /// How many files may be open for that many connections.
    pub(super) fn files(&self, places: usize) -> usize {
        match self {
            Self::None => places,
            // A socket on each side; a file for each message on its way in.
            Self::Proxy(..) | Self::Queue(_) => places.saturating_mul(2),
        }
    }

    /// The queue, where there is one.
    pub(super) fn queue(&self) -> Option<Queue> {
        match self {
            Self::Queue(waiting) => Some(waiting.queue.clone()),
            Self::None | Self::Proxy(..) => None,
        }
    }

    /// Prepares to serve. It needs a runtime around it.
    pub(super) fn serve(self, sockets: Sockets, options: Options) -> io::Result<Bound> {
        Ok(match self {
            Self::Proxy(to, connect) => {
                let mut ours = proxy::Options::new(to);
                ours.recorder = options.recorder;
                ours.terms = options.terms;
                ours.idle = options.idle;
                ours.session = options.session;
                ours.connect = connect;
                Bound::Proxy(Proxy::on(sockets, ours)?)
            }
            Self::None => Bound::Server(Box::new(Server::on(sockets, options)?), None),
            Self::Queue(waiting) => {
                let server = Server::on(sockets, options)?;
                let Waiting {
                    queue,
                    names,
                    options,
                } = *waiting;
                let forwarder = Forwarder::start(&queue, names, options);
                Bound::Server(Box::new(server), Some(forwarder))
            }
        })
    }
}

/// A queue is of use only if what is in it is in the file.
fn durability(args: &ServeArgs) -> evidence::durability::Durability {
    let wanted = args.evidence.durability();
    wanted.max(evidence::durability::Durability::Os)
}

/// What a proxy cannot do, since it understands nothing of what it passes on.
fn possible(args: &ServeArgs) -> Result<(), Failure> {
    let set = [
        ("--scenario", args.scenario.is_some()),
        ("--accounts", args.accounts.is_some()),
        ("--listen-tls", !args.listen.listen_tls.is_empty()),
        ("--cert", args.trust.cert.is_some()),
        ("--no-auth", args.trust.no_auth),
        ("--message-size", args.trust.message_size.is_some()),
        ("--messages", args.evidence.messages != FormName::None),
        ("--durability", args.evidence.durability.is_some()),
        ("--relay-ca", args.relay.authorities.is_some()),
        ("--relay-ehlo", args.relay.ehlo.is_some()),
    ];
    match set.iter().find(|(_, set)| *set) {
        Some((option, _)) => Err(Failure::input(format!(
            "{option} is for sessions that end here: a proxy passes them on as they are (--relay-mode queue)"
        ))),
        None => Ok(()),
    }
}

fn upstream(relay: &RelayArgs, server: target::Server) -> Result<Upstream, Failure> {
    let tls = match relay.tls {
        RelayTls::None => Tls::Never,
        RelayTls::Opportunistic => Tls::IfOffered,
        RelayTls::Require => Tls::Required,
    };
    let authority = match tls {
        Tls::Required => authorities(relay.authorities.as_deref())?,
        Tls::Never | Tls::IfOffered => String::new(),
    };
    let ehlo = relay.ehlo.clone().unwrap_or_else(host_name);
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte);
    if ehlo.is_empty() || !ehlo.bytes().all(sound) {
        return Err(Failure::input(format!(
            "--relay-ehlo {ehlo}: expected a host name or an address in brackets"
        )));
    }
    Ok(Upstream {
        host: server.host,
        port: server.port,
        ehlo,
        tls,
        authority,
        timeout: relay.timeout,
    })
}

/// A server that listens.
pub(super) enum Bound {
    /// One that answers itself, and who passes on what it accepts.
    Server(Box<Server>, Option<Forwarder>),
    /// One that passes everything on.
    Proxy(Proxy),
}

impl Bound {
    /// The counts of the server that answers itself.
    pub(super) fn watch(&self) -> Option<Watch> {
        match self {
            Self::Server(server, _) => Some(server.watch()),
            Self::Proxy(_) => None,
        }
    }

    /// What changes the server that answers itself.
    pub(super) fn reload(&self) -> Option<Reload> {
        match self {
            Self::Server(server, _) => Some(server.reload()),
            Self::Proxy(_) => None,
        }
    }

    /// The certificate that clients are to trust, where this one does TLS.
    pub(super) fn ca_pem(&self) -> Option<&str> {
        match self {
            Self::Server(server, _) => server.certificate().map(|_| server.ca_pem()),
            Self::Proxy(_) => None,
        }
    }

    /// Serves until it is to end.
    pub(super) async fn run(self, shutdown: impl Future<Output = ()>) -> ServerReport {
        match self {
            Self::Proxy(proxy) => {
                proxy
                    .run(shutdown, |ended| output::say(&ended.to_string()))
                    .await
            }
            Self::Server(server, forwarder) => {
                let report = server.run(shutdown).await;
                if let Some(forwarder) = forwarder {
                    let left = forwarder.stop(PATIENCE).await;
                    if left > 0 {
                        output::say(&format!(
                            "{left} messages wait in the queue; the next start goes on with them"
                        ));
                    }
                }
                report
            }
        }
    }
}

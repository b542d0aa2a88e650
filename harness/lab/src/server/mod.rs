//! The scripted server: a correct SMTP server (RFC 5321) that a scenario's rules make misbehave.
//!
//! It acts and records, and never judges. What it believes about a session stays in here, but for the counts of a
//! [`ServerReport`]; a verdict comes from the capture that its tap writes.

mod auth;
mod authority;
mod awake;
mod backlog;
mod connection;
mod content;
mod custody;
mod deadlines;
mod follow;
mod gate;
mod inbox;
mod limits;
mod link;
mod listeners;
mod options;
mod path;
mod receive;
mod reload;
mod reply;
mod script;
mod seed;
mod session;
mod sockets;
mod stop;
mod stream;
mod tls;
mod verbs;
mod view;

#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

pub use backlog::Backlog;
pub use custody::{Answer, Custodian, Custody, Envelope, MOST_RECIPIENTS, Refusal};
pub use gate::PerAddress;
pub(crate) use limits::EndedSoFar;
pub use limits::{Ended, Limit};
pub use listeners::Terms;
pub(crate) use listeners::{Arrival, Listeners};
pub use options::{Account, Options, Seed};
pub use path::{Path, parse as parse_path};
pub use reload::Reload;
pub use script::{Fired, Played, Script};
pub use sockets::{Opening, Sockets};
pub(crate) use stop::Stop;
pub use tls::{Certificate, CertificateError};
pub use view::Watch;

use crate::scenario::TlsMode;
use crate::tap::{Shown, Tap};
use authority::Authority;
use awake::{Lender, Pulse};
use connection::Connection;
use reload::Current;
use seed::SeedBytes;
use tls::Identity;

/// A server that is bound and not yet running.
#[derive(Debug)]
pub struct Server {
    listeners: Listeners,
    /// What the next connection begins with.
    current: Arc<Current>,
}

/// What connections of a server share: those that began between two reloads.
#[derive(Debug)]
struct Shared {
    options: Options,
    seed: SeedBytes,
    identity: Option<Identity>,
    /// What all of them share.
    whole: Arc<Whole>,
}

/// What a server has from its beginning to its end.
#[derive(Debug)]
struct Whole {
    authority: Authority,
    /// Whether connections begin with a handshake on some address, whatever the options say.
    any_tls: bool,
    counts: Counts,
    ended: EndedSoFar,
    pulse: Pulse,
}

#[derive(Debug, Default)]
struct Counts {
    connections: AtomicU32,
    over: AtomicU32,
    authenticated: AtomicU32,
    accepted: AtomicU32,
}

/// What a server did while it ran. For the runner's own flow; verdicts come from the capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerReport {
    /// How often each rule was used, in the order of the scenario.
    pub fired: Vec<Fired>,
    /// Connections accepted.
    pub connections: u32,
    /// Authentications that ended well.
    pub authenticated: u32,
    /// Messages whose content was answered 2yz.
    pub accepted: u32,
    /// Connections that a limit ended, in the order in which they ended: the first of them.
    pub ended: Vec<Ended>,
    /// How many more of those there were.
    pub more_ended: u32,
}

impl ServerReport {
    /// Rules that had to be used and were not: the case proves nothing.
    pub fn unfired(&self) -> impl Iterator<Item = &Fired> {
        self.fired
            .iter()
            .filter(|fired| fired.must_fire && fired.hits == 0)
    }
}

impl Server {
    /// Listens on an address; port 0 takes any free one. It needs a runtime around it.
    ///
    /// # Errors
    ///
    /// The address cannot be bound, and those of [`Server::on`].
    pub fn bind(address: SocketAddr, options: Options) -> io::Result<Self> {
        let mut sockets = Sockets::default();
        sockets.bind(address, Opening::AsServed, options.server.window)?;
        Self::on(sockets, options)
    }

    /// Listens with sockets that are bound already. It needs a runtime around it.
    ///
    /// # Errors
    ///
    /// There is no socket, the system gives no randomness, or a certificate cannot be made.
    pub fn on(sockets: Sockets, options: Options) -> io::Result<Self> {
        let whole = Whole {
            authority: Authority::generate().map_err(io::Error::other)?,
            any_tls: sockets.any_tls(),
            counts: Counts::default(),
            ended: EndedSoFar::default(),
            pulse: Pulse::default(),
        };
        let listeners = Listeners::new(sockets)?;
        let shared = Shared::new(options, Arc::new(whole))?;
        Ok(Self {
            listeners,
            current: Arc::new(Current::new(shared)),
        })
    }

    /// The address that it listens on; the first of several.
    ///
    /// # Errors
    ///
    /// The system does not tell.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.local_addrs()?[0])
    }

    /// All addresses that it listens on, at least one.
    ///
    /// # Errors
    ///
    /// The system does not tell.
    pub fn local_addrs(&self) -> io::Result<Vec<SocketAddr>> {
        self.listeners.addresses()
    }

    /// The certificate that the server shows (DER), where it does TLS.
    pub fn certificate(&self) -> Option<Vec<u8>> {
        let shared = self.current.get();
        let identity = shared.identity.as_ref();
        identity.map(|identity| identity.certificate().to_vec())
    }

    /// The certificate of the authority of this run (PEM): what a client must trust to accept the good certificate. It is
    /// there whether or not the server does TLS, since clients are told in advance.
    pub fn ca_pem(&self) -> &str {
        self.current.whole().authority.pem()
    }

    /// The same (DER).
    pub fn ca_certificate(&self) -> &[u8] {
        self.current.whole().authority.der()
    }

    /// Serves until `shutdown` completes, or the limit of connections has been served, and then until the open connections have ended, for which they get the
    /// grace period of the options.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> ServerReport {
        let Self { listeners, current } = self;
        // Where one address is listened on, it is that of every connection.
        let local = listeners.only();
        let terms = current.get().options.terms;
        let _awake = current.get().stay_awake();
        let serve = |arrival: Arrival| {
            let shared = current.get();
            let connections = &shared.whole.counts.connections;
            let number = connections.fetch_add(1, Ordering::Relaxed) + 1;
            let tap = shared.tap(&arrival, local);
            let connection = Connection::new(Arc::clone(&shared), number, arrival, tap);
            let serving = async move {
                connection.serve().await;
                shared.whole.counts.over.fetch_add(1, Ordering::Relaxed);
            };
            (number, serving)
        };
        listeners.serve(terms, shutdown, serve).await;
        current.get().report()
    }

    /// Runs in a task of its own.
    ///
    /// # Errors
    ///
    /// The system does not tell the address that is listened on.
    pub fn spawn(self) -> io::Result<Running> {
        let address = self.local_addr()?;
        let current = Arc::clone(&self.current);
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(self.run(async move {
            // A handle that was dropped stops the server as well.
            let _ = stopped.await;
        }));
        Ok(Running {
            address,
            current,
            stop,
            task,
        })
    }
}

impl Shared {
    fn new(options: Options, whole: Arc<Whole>) -> io::Result<Self> {
        let server = &options.server;
        let identity = match (&options.certificate, server.tls) {
            (Some(certificate), _) => Some(Identity::of(certificate)?),
            (None, TlsMode::None) if !whole.any_tls => None,
            (None, _) => Some(Identity::generate(
                &whole.authority,
                server.certificate,
                &server.name,
            )?),
        };
        Ok(Self {
            seed: SeedBytes::draw(options.seed)?,
            options,
            identity,
            whole,
        })
    }

    /// Keeps the thread that serves awake, where that is wanted, until what this gives is dropped.
    fn stay_awake(&self) -> JoinSet<Infallible> {
        let mut watch = JoinSet::new();
        let most = self.options.awake;
        if !most.is_zero() {
            let whole = Arc::clone(&self.whole);
            let lender = Lender {
                spare: self.options.spare.clone(),
                backlog: self.options.backlog.clone(),
            };
            watch.spawn(async move { whole.pulse.stay_awake(most, lender).await });
        }
        watch
    }

    fn tap(&self, arrival: &Arrival, local: Option<SocketAddr>) -> Tap {
        let Some(recorder) = &self.options.recorder else {
            return Tap::none();
        };
        let peer = arrival.peer;
        let local = local.or_else(|| arrival.stream.local_addr().ok());
        let shown = Shown {
            server: self.options.shown,
            segment: stream::longest_segment(&arrival.stream),
        };
        recorder.open_as(peer, local.unwrap_or(peer), shown)
    }

    fn report(&self) -> ServerReport {
        let count = |counter: &AtomicU32| counter.load(Ordering::Relaxed);
        let counts = &self.whole.counts;
        let (ended, more_ended) = self.whole.ended.take();
        ServerReport {
            fired: self.options.script.fired(),
            connections: count(&counts.connections),
            authenticated: count(&counts.authenticated),
            accepted: count(&counts.accepted),
            ended,
            more_ended,
        }
    }
}

/// A server that runs in a task of its own.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    current: Arc<Current>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<ServerReport>,
}

impl Running {
    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections were accepted so far, and how many of them are over.
    pub fn connections(&self) -> (u32, u32) {
        let counts = &self.current.whole().counts;
        let over = counts.over.load(Ordering::Relaxed);
        (counts.connections.load(Ordering::Relaxed), over)
    }

    /// As [`Server::ca_pem`].
    pub fn ca_pem(&self) -> &str {
        self.current.whole().authority.pem()
    }

    /// Stops it, lets the open connections end, and says what it did.
    ///
    /// # Errors
    ///
    /// The task of the server was cancelled or panicked.
    pub async fn stop(self) -> io::Result<ServerReport> {
        // It fails only if the server ended by itself, which joining shows.
        let _ = self.stop.send(());
        self.task.await.map_err(io::Error::other)
    }
}

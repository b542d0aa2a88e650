//! The scripted server: a correct SMTP server (RFC 5321) that a scenario's rules make misbehave.
//!
//! It acts and records, and never judges. What it believes about a session stays in here, but for the counts of a
//! [`ServerReport`]; a verdict comes from the capture that its tap writes.

mod auth;
mod authority;
mod connection;
mod content;
mod custody;
mod follow;
mod inbox;
mod limits;
mod link;
mod listeners;
mod options;
mod path;
mod receive;
mod reply;
mod script;
mod seed;
mod session;
mod stream;
mod tls;
mod verbs;
mod view;

#[cfg(test)]
mod tests;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};

pub use custody::{Answer, Custodian, Custody, Envelope, MOST_RECIPIENTS, Refusal};
pub use limits::{Ended, Limit};
pub(crate) use listeners::Listeners;
pub use options::{Account, Options, Seed};
pub use path::{Path, parse as parse_path};
pub use script::{Fired, Played, Script};
pub use view::Watch;

use crate::scenario::TlsMode;
use crate::tap::Tap;
use authority::Authority;
use connection::Connection;
use limits::EndedSoFar;
use seed::SeedBytes;
use tls::Identity;

/// A server that is bound and not yet running.
#[derive(Debug)]
pub struct Server {
    listeners: Listeners,
    shared: Arc<Shared>,
}

/// What all connections of a server share.
#[derive(Debug)]
struct Shared {
    options: Options,
    seed: SeedBytes,
    authority: Authority,
    identity: Option<Identity>,
    counts: Counts,
    ended: EndedSoFar,
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
    /// Listens on an address, and on those of the options besides; port 0 takes any free one.
    ///
    /// # Errors
    ///
    /// An address cannot be bound, the system gives no randomness, or a certificate cannot be made.
    pub async fn bind(address: SocketAddr, options: Options) -> io::Result<Self> {
        let seed = SeedBytes::draw(options.seed)?;
        let authority = Authority::generate().map_err(io::Error::other)?;
        let server = &options.server;
        let identity = match server.tls {
            TlsMode::None => None,
            TlsMode::StartTls | TlsMode::Implicit => Some(Identity::generate(
                &authority,
                server.certificate,
                &server.name,
            )?),
        };
        let listeners = Listeners::bind(address, &options.also, server.window).await?;
        let shared = Shared {
            options,
            seed,
            authority,
            identity,
            counts: Counts::default(),
            ended: EndedSoFar::default(),
        };
        Ok(Self {
            listeners,
            shared: Arc::new(shared),
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
    pub fn certificate(&self) -> Option<&[u8]> {
        self.shared.identity.as_ref().map(Identity::certificate)
    }

    /// The certificate of the authority of this run (PEM): what a client must trust to accept the good certificate. It is
    /// there whether or not the server does TLS, since clients are told in advance.
    pub fn ca_pem(&self) -> &str {
        self.shared.authority.pem()
    }

    /// The same (DER).
    pub fn ca_certificate(&self) -> &[u8] {
        self.shared.authority.der()
    }

    /// Serves until `shutdown` completes, or the limit of connections has been served, and then until the open connections have ended, for which they get the
    /// grace period of the options.
    pub async fn run(mut self, shutdown: impl Future<Output = ()>) -> ServerReport {
        let (stop, stopped) = watch::channel(false);
        // Where one address is listened on, it is that of every connection.
        let local = self.listeners.only();
        let places = Arc::new(Semaphore::new(self.shared.options.places));
        let mut connections = JoinSet::new();
        tokio::pin!(shutdown);
        loop {
            let accepted = tokio::select! {
                // A connection that was made before the shutdown is still served.
                biased;
                accepted = accept(&mut self.listeners, &places) => accepted,
                () = &mut shutdown => break,
            };
            while connections.try_join_next().is_some() {}
            let Ok((stream, peer, place)) = accepted else {
                // Out of file descriptors, or the client is gone already: try again, but not in a tight loop.
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            };
            let number = self
                .shared
                .counts
                .connections
                .fetch_add(1, Ordering::Relaxed)
                + 1;
            let tap = self.tap(peer, local, &stream);
            let connection = Connection::new(
                Arc::clone(&self.shared),
                number,
                (stream, peer),
                tap,
                stopped.clone(),
            );
            let shared = Arc::clone(&self.shared);
            connections.spawn(async move {
                connection.serve().await;
                shared.counts.over.fetch_add(1, Ordering::Relaxed);
                drop(place);
            });
            if self
                .shared
                .options
                .limit
                .is_some_and(|limit| number >= limit)
            {
                let all_ended = async { while connections.join_next().await.is_some() {} };
                tokio::select! {
                    () = all_ended => {}
                    () = &mut shutdown => {}
                }
                break;
            }
        }
        drop(self.listeners);
        // It fails only if no connection is left to be told.
        let _ = stop.send(true);
        while connections.join_next().await.is_some() {}
        self.shared.report()
    }

    /// Runs in a task of its own.
    ///
    /// # Errors
    ///
    /// The system does not tell the address that is listened on.
    pub fn spawn(self) -> io::Result<Running> {
        let address = self.local_addr()?;
        let shared = Arc::clone(&self.shared);
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(self.run(async move {
            // A handle that was dropped stops the server as well.
            let _ = stopped.await;
        }));
        Ok(Running {
            address,
            shared,
            stop,
            task,
        })
    }

    fn tap(&self, peer: SocketAddr, local: Option<SocketAddr>, stream: &TcpStream) -> Tap {
        match &self.shared.options.recorder {
            Some(recorder) => {
                let local = local.or_else(|| stream.local_addr().ok()).unwrap_or(peer);
                recorder.open_as(peer, local, self.shared.options.shown)
            }
            None => Tap::none(),
        }
    }
}

/// A place among the connections first, so that what cannot be served stays in the system's queue.
async fn accept(
    listeners: &mut Listeners,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places)
        .acquire_owned()
        .await
        .map_err(io::Error::other)?;
    let (stream, peer) = listeners.accept().await?;
    Ok((stream, peer, place))
}

impl Shared {
    fn report(&self) -> ServerReport {
        let count = |counter: &AtomicU32| counter.load(Ordering::Relaxed);
        let (ended, more_ended) = self.ended.take();
        ServerReport {
            fired: self.options.script.fired(),
            connections: count(&self.counts.connections),
            authenticated: count(&self.counts.authenticated),
            accepted: count(&self.counts.accepted),
            ended,
            more_ended,
        }
    }
}

/// A server that runs in a task of its own.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    shared: Arc<Shared>,
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
        let counts = &self.shared.counts;
        let over = counts.over.load(Ordering::Relaxed);
        (counts.connections.load(Ordering::Relaxed), over)
    }

    /// As [`Server::ca_pem`].
    pub fn ca_pem(&self) -> &str {
        self.shared.authority.pem()
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

//! The transparent proxy: whatever a client says goes to the server behind, unchanged, and what that says comes back.
//!
//! It understands nothing of what it passes on, so TLS goes through it as it is. Like the scripted server it only acts and
//! records: the client's side crosses a tap, and becomes the capture that is judged.

mod passage;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::server::{Arrival, Ended, EndedSoFar, Limit, Listeners, ServerReport, Sockets, Terms};
use crate::tap::{Recorder, Tap};
use passage::{End, Passage};

/// Everything about a proxy but its address.
#[derive(Debug)]
pub struct Options {
    /// Host and port of the server behind, as `HOST:PORT`. A name is resolved for each connection.
    pub upstream: String,
    /// Where the client's side is recorded, if anywhere.
    pub recorder: Option<Recorder>,
    /// Where the other side is recorded, if anywhere.
    pub behind: Option<Recorder>,
    /// How connections are served, whatever is said on them.
    pub terms: Terms,
    /// How long the connection to the server behind may take.
    pub connect: Duration,
    /// How long nothing may move in either direction.
    pub idle: Duration,
    /// How long a connection may last.
    pub session: Duration,
}

impl Options {
    /// A proxy for a server: no recorder, the usual terms, 30 seconds to connect, 5 minutes of idleness, an hour for a
    /// connection.
    pub fn new(upstream: impl Into<String>) -> Self {
        Self {
            upstream: upstream.into(),
            recorder: None,
            behind: None,
            terms: Terms::default(),
            connect: Duration::from_secs(30),
            idle: Duration::from_mins(5),
            session: Duration::from_hours(1),
        }
    }
}

/// A proxy that is bound and not yet running.
#[derive(Debug)]
pub struct Proxy {
    listeners: Listeners,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    options: Options,
    connections: AtomicU32,
    ended: EndedSoFar,
}

impl Proxy {
    /// Listens on an address; port 0 takes any free one. It needs a runtime around it.
    ///
    /// # Errors
    ///
    /// The address cannot be bound.
    pub fn bind(address: SocketAddr, options: Options) -> io::Result<Self> {
        Self::on(Sockets::on(address)?, options)
    }

    /// Listens with sockets that are bound already. It needs a runtime around it.
    ///
    /// # Errors
    ///
    /// There is no socket.
    pub fn on(sockets: Sockets, options: Options) -> io::Result<Self> {
        let listeners = Listeners::new(sockets)?;
        let shared = Shared {
            options,
            connections: AtomicU32::new(0),
            ended: EndedSoFar::default(),
        };
        Ok(Self {
            listeners,
            shared: Arc::new(shared),
        })
    }

    /// All addresses that it listens on, at least one.
    ///
    /// # Errors
    ///
    /// The system does not tell.
    pub fn local_addrs(&self) -> io::Result<Vec<SocketAddr>> {
        self.listeners.addresses()
    }

    /// Serves until `shutdown` completes, or the limit of connections has been served, and then until the open connections
    /// have ended, for which they get the grace period. `told` hears of each connection that a limit or the server behind
    /// ended. The report counts neither messages nor logins: nothing is understood of what is passed on.
    pub async fn run(
        self,
        shutdown: impl Future<Output = ()>,
        told: impl Fn(&Ended) + Send + Sync + 'static,
    ) -> ServerReport {
        let Self { listeners, shared } = self;
        let told = Arc::new(told);
        let terms = shared.options.terms;
        let serve = |arrival: Arrival| {
            let number = shared.connections.fetch_add(1, Ordering::Relaxed) + 1;
            let (shared, told) = (Arc::clone(&shared), Arc::clone(&told));
            let serving = async move {
                let peer = arrival.peer;
                if let Some(limit) = shared.serve(arrival).await {
                    let ended = Ended {
                        connection: number,
                        peer,
                        limit,
                    };
                    told(&ended);
                    shared.ended.add(ended);
                }
            };
            (number, serving)
        };
        listeners.serve(terms, shutdown, serve).await;
        shared.report()
    }
}

impl Shared {
    async fn serve(&self, arrival: Arrival) -> Option<Limit> {
        let tap = match (&self.options.recorder, arrival.stream.local_addr()) {
            (Some(recorder), Ok(local)) => recorder.open(arrival.peer, local),
            _ => Tap::none(),
        };
        match Passage::new(&self.options, arrival, tap).run().await {
            End::Limit(limit) => Some(limit),
            End::Closed | End::Stopped => None,
        }
    }

    fn report(&self) -> ServerReport {
        let (ended, more_ended) = self.ended.take();
        ServerReport {
            fired: Vec::new(),
            connections: self.connections.load(Ordering::Relaxed),
            authenticated: 0,
            accepted: 0,
            ended,
            more_ended,
        }
    }
}

#[cfg(test)]
mod tests;

//! The transparent proxy: whatever a client says goes to the server behind, unchanged, and what that says comes back.
//!
//! It understands nothing of what it passes on, so TLS goes through it as it is. Like the scripted server it only acts and
//! records: the client's side crosses a tap, and becomes the capture that is judged.

mod passage;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use crate::server::{Ended, Limit, Listeners, ServerReport};
use crate::tap::{Recorder, Tap};
use passage::{End, Passage};

/// Connections ended by a limit that are kept one by one; the rest are only counted.
const MOST_KEPT: usize = 1000;

/// Everything about a proxy but its address.
#[derive(Debug)]
pub struct Options {
    /// Host and port of the server behind, as `HOST:PORT`. A name is resolved for each connection.
    pub upstream: String,
    /// Addresses that are listened on besides the one that the proxy is bound to.
    pub also: Vec<SocketAddr>,
    /// Where the client's side is recorded, if anywhere.
    pub recorder: Option<Recorder>,
    /// Where the other side is recorded, if anywhere.
    pub behind: Option<Recorder>,
    /// After how many connections no more are served; `None` for no limit.
    pub limit: Option<u32>,
    /// How many connections are served at the same time. More of them wait to be accepted.
    pub places: usize,
    /// How long the connection to the server behind may take.
    pub connect: Duration,
    /// How long nothing may move in either direction.
    pub idle: Duration,
    /// How long a connection may last.
    pub session: Duration,
    /// How long open connections may go on once the proxy was told to stop.
    pub grace: Duration,
}

impl Options {
    /// A proxy for a server: no recorder, 1024 places, 30 seconds to connect, 5 minutes of idleness, an hour for a
    /// connection, half a second of grace.
    pub fn new(upstream: impl Into<String>) -> Self {
        Self {
            upstream: upstream.into(),
            also: Vec::new(),
            recorder: None,
            behind: None,
            limit: None,
            places: 1024,
            connect: Duration::from_secs(30),
            idle: Duration::from_mins(5),
            session: Duration::from_hours(1),
            grace: Duration::from_millis(500),
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
    ended: Mutex<(Vec<Ended>, u32)>,
}

impl Proxy {
    /// Listens on an address, and on those of the options besides; port 0 takes any free one.
    ///
    /// # Errors
    ///
    /// An address cannot be bound.
    pub async fn bind(address: SocketAddr, options: Options) -> io::Result<Self> {
        let listeners = Listeners::bind(address, &options.also, None).await?;
        let shared = Shared {
            options,
            connections: AtomicU32::new(0),
            ended: Mutex::default(),
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
        mut self,
        shutdown: impl Future<Output = ()>,
        told: impl Fn(&Ended) + Send + Sync + 'static,
    ) -> ServerReport {
        let (stop, stopped) = watch::channel(false);
        let places = Arc::new(Semaphore::new(self.shared.options.places));
        let told = Arc::new(told);
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
            let number = self.shared.connections.fetch_add(1, Ordering::Relaxed) + 1;
            let (shared, told) = (Arc::clone(&self.shared), Arc::clone(&told));
            let stopped = stopped.clone();
            connections.spawn(async move {
                if let Some(limit) = shared.serve(stream, peer, stopped).await {
                    let ended = Ended {
                        connection: number,
                        peer,
                        limit,
                    };
                    told(&ended);
                    shared.keep(ended);
                }
                drop(place);
            });
            let served = self.shared.options.limit;
            if served.is_some_and(|limit| number >= limit) {
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
}

/// A place among the connections first, so that what cannot be served stays in the system's queue.
async fn accept(
    listeners: &mut Listeners,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = Arc::clone(places);
    let place = place.acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listeners.accept().await?;
    Ok((stream, peer, place))
}

impl Shared {
    async fn serve(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        stopped: watch::Receiver<bool>,
    ) -> Option<Limit> {
        let tap = match (&self.options.recorder, stream.local_addr()) {
            (Some(recorder), Ok(local)) => recorder.open(peer, local),
            _ => Tap::none(),
        };
        match Passage::new(&self.options, stream, tap, stopped)
            .run()
            .await
        {
            End::Limit(limit) => Some(limit),
            End::Closed | End::Stopped => None,
        }
    }

    fn keep(&self, ended: Ended) {
        // A panic elsewhere does not make the list wrong.
        let mut guard = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let (kept, more) = &mut *guard;
        if kept.len() < MOST_KEPT {
            kept.push(ended);
        } else {
            *more = more.saturating_add(1);
        }
    }

    fn report(&self) -> ServerReport {
        let mut guard = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let (ended, more_ended) = std::mem::take(&mut *guard);
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

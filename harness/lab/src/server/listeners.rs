//! The addresses that are listened on: one or several, served as one.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::gate::{Gate, PerAddress};
use super::limits::Limit;
use super::sockets::{Opening, Sockets};
use super::stop::{Stop, stop};

/// Sockets that listen; at least one.
#[derive(Debug)]
pub(crate) struct Listeners {
    sockets: Vec<(TcpListener, Opening)>,
    /// Which one is asked first the next time, so that a busy address does not starve another.
    first: usize,
}

/// How connections are served, whatever is said on them: the same for a server and for a proxy.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// How many are served at the same time. More of them wait to be accepted.
    pub places: usize,
    /// After how many connections no more are served; `None` for no limit.
    pub limit: Option<u32>,
    /// What one address may take of the places.
    pub per_address: PerAddress,
    /// How long open connections may go on once the server was told to stop, and again how long a client of a server may
    /// then take to close its side.
    pub grace: Duration,
}

impl Default for Terms {
    /// 1024 places, half a second of grace, and no limit.
    fn default() -> Self {
        Self {
            places: 1024,
            limit: None,
            per_address: PerAddress::default(),
            grace: Duration::from_millis(500),
        }
    }
}

/// A connection that was accepted.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) stream: TcpStream,
    pub(crate) peer: SocketAddr,
    pub(crate) opening: Opening,
    /// Why it is not to be served, if so.
    pub(crate) refused: Option<Limit>,
    pub(crate) stop: Stop,
}

impl Listeners {
    /// Goes on with sockets that listen already. It needs a runtime around it.
    ///
    /// # Errors
    ///
    /// There is none, or the system does not let it be waited for.
    pub(crate) fn new(sockets: Sockets) -> io::Result<Self> {
        if sockets.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "there is no address to listen on",
            ));
        }
        let mut ours = Vec::with_capacity(sockets.0.len());
        for (socket, opening) in sockets.0 {
            socket.set_nonblocking(true)?;
            prepare(&socket);
            ours.push((TcpListener::from_std(socket)?, opening));
        }
        Ok(Self {
            sockets: ours,
            first: 0,
        })
    }

    /// The addresses, in the order in which they were given.
    pub(crate) fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        self.sockets
            .iter()
            .map(|(socket, _)| socket.local_addr())
            .collect()
    }

    /// The address that every connection comes to, where there is only one.
    pub(crate) fn only(&self) -> Option<SocketAddr> {
        let [(socket, _)] = self.sockets.as_slice() else {
            return None;
        };
        let address = socket.local_addr().ok();
        address.filter(|address| !address.ip().is_unspecified())
    }

    /// Serves every connection until `shutdown` completes or the limit has been served; then waits for those that are open,
    /// which are told that it is over. `start` gives the number of a connection, from 1, and what serves it.
    pub(crate) async fn serve<F>(
        mut self,
        terms: Terms,
        shutdown: impl Future<Output = ()>,
        mut start: impl FnMut(Arrival) -> (u32, F),
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let (stopper, stop) = stop();
        let gate = Gate::new(terms.per_address);
        let places = Arc::new(Semaphore::new(terms.places));
        let mut connections = JoinSet::new();
        tokio::pin!(shutdown);
        loop {
            let accepted = tokio::select! {
                // A connection that was made before the shutdown is still served.
                biased;
                accepted = self.accept_to(&places) => accepted,
                () = &mut shutdown => break,
            };
            while connections.try_join_next().is_some() {}
            let Ok((stream, peer, opening, place)) = accepted else {
                // Out of file descriptors, or the client is gone already: try again, but not in a tight loop.
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            };
            let (pass, refused) = match gate.admit(peer.ip()) {
                Ok(pass) => (Some(pass), None),
                Err(limit) => (None, Some(limit)),
            };
            let (number, serving) = start(Arrival {
                stream,
                peer,
                opening,
                refused,
                stop: stop.clone(),
            });
            // In its place at once: it would be moved from task to task as a whole, and is large.
            let serving = Box::pin(serving);
            connections.spawn(async move {
                serving.await;
                drop((place, pass));
            });
            if terms.limit.is_some_and(|limit| number >= limit) {
                let all_ended = async { while connections.join_next().await.is_some() {} };
                tokio::select! {
                    () = all_ended => {}
                    () = &mut shutdown => {}
                }
                break;
            }
        }
        drop(self);
        stopper.at(Instant::now() + terms.grace);
        while connections.join_next().await.is_some() {}
    }

    /// The next connection to any of them, once there is a place for it: what cannot be served stays in the system's queue.
    async fn accept_to(
        &mut self,
        places: &Arc<Semaphore>,
    ) -> io::Result<(TcpStream, SocketAddr, Opening, OwnedSemaphorePermit)> {
        let place = Arc::clone(places).acquire_owned().await;
        let place = place.map_err(io::Error::other)?;
        let (stream, peer, opening) = self.accept().await?;
        // A socket that refuses is gone.
        #[cfg(not(target_os = "linux"))]
        let _ = stream.set_nodelay(true);
        Ok((stream, peer, opening, place))
    }

    async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr, Opening)> {
        let Self { sockets, first } = self;
        poll_fn(|context| {
            for turn in 0..sockets.len() {
                let place = (*first + turn) % sockets.len();
                let (socket, opening) = &sockets[place];
                if let Poll::Ready(accepted) = socket.poll_accept(context) {
                    *first = place + 1;
                    return Poll::Ready(accepted.map(|(stream, peer)| (stream, peer, *opening)));
                }
            }
            Poll::Pending
        })
        .await
    }
}

/// Sets what connections inherit where the system lets them, which saves calls for each. One that cannot be set is done without.
fn prepare(socket: &std::net::TcpListener) {
    let socket = socket2::SockRef::from(socket);
    // Without it, the segments of a reply in pieces would be joined again.
    let _ = socket.set_tcp_nodelay(true);
    // Replies carry the acknowledgment. The first command would otherwise have one of its own, a moment before its reply.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    let _ = socket.set_tcp_quickack(false);
}

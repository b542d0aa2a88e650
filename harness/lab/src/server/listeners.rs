//! The addresses that are listened on: one or several, served as one.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

/// Connections that wait to be accepted, as many as [`TcpListener::bind`] lets wait.
const BACKLOG: u32 = 1024;

/// Sockets that listen; at least one.
#[derive(Debug)]
pub(crate) struct Listeners {
    sockets: Vec<TcpListener>,
    /// Which one is asked first the next time, so that a busy address does not starve another.
    first: usize,
}

impl Listeners {
    /// Listens on an address and on others, all of them or none. With `window`, connections have a receive buffer of that
    /// size.
    ///
    /// # Errors
    ///
    /// One cannot be bound. Where there are several, the error names it.
    pub(crate) async fn bind(
        address: SocketAddr,
        others: &[SocketAddr],
        window: Option<u32>,
    ) -> io::Result<Self> {
        let mut sockets = Vec::with_capacity(others.len() + 1);
        for address in std::iter::once(&address).chain(others) {
            let bound = match window {
                Some(window) => listen(*address, window),
                None => TcpListener::bind(address).await,
            };
            sockets.push(bound.map_err(|error| named(error, *address, others.is_empty()))?);
        }
        Ok(Self { sockets, first: 0 })
    }

    /// The addresses, in the order in which they were given.
    pub(crate) fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        self.sockets.iter().map(TcpListener::local_addr).collect()
    }

    /// The address that every connection comes to, where there is only one.
    pub(crate) fn only(&self) -> Option<SocketAddr> {
        let [socket] = self.sockets.as_slice() else {
            return None;
        };
        let address = socket.local_addr().ok();
        address.filter(|address| !address.ip().is_unspecified())
    }

    /// Serves every connection, at most `places` at a time, until `shutdown` completes or `limit` of them have been served;
    /// then waits for those that are open, which are told that it is over. `start` gives the number of a connection, from 1,
    /// and what serves it.
    pub(crate) async fn serve<F>(
        mut self,
        (places, limit): (usize, Option<u32>),
        shutdown: impl Future<Output = ()>,
        mut start: impl FnMut(TcpStream, SocketAddr, watch::Receiver<bool>) -> (u32, F),
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let (stop, stopped) = watch::channel(false);
        let places = Arc::new(Semaphore::new(places));
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
            let Ok((stream, peer, place)) = accepted else {
                // Out of file descriptors, or the client is gone already: try again, but not in a tight loop.
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            };
            let (number, serving) = start(stream, peer, stopped.clone());
            connections.spawn(async move {
                serving.await;
                drop(place);
            });
            if limit.is_some_and(|limit| number >= limit) {
                let all_ended = async { while connections.join_next().await.is_some() {} };
                tokio::select! {
                    () = all_ended => {}
                    () = &mut shutdown => {}
                }
                break;
            }
        }
        drop(self);
        // It fails only if no connection is left to be told.
        let _ = stop.send(true);
        while connections.join_next().await.is_some() {}
    }

    /// The next connection to any of them, once there is a place for it: what cannot be served stays in the system's queue.
    async fn accept_to(
        &mut self,
        places: &Arc<Semaphore>,
    ) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        let place = Arc::clone(places).acquire_owned().await;
        let place = place.map_err(io::Error::other)?;
        let (stream, peer) = self.accept().await?;
        Ok((stream, peer, place))
    }

    async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        let Self { sockets, first } = self;
        poll_fn(|context| {
            for turn in 0..sockets.len() {
                let place = (*first + turn) % sockets.len();
                if let Poll::Ready(accepted) = sockets[place].poll_accept(context) {
                    *first = place + 1;
                    return Poll::Ready(accepted);
                }
            }
            Poll::Pending
        })
        .await
    }
}

/// Says which address cannot be bound, where that is not clear.
fn named(error: io::Error, address: SocketAddr, only: bool) -> io::Error {
    if only {
        return error;
    }
    io::Error::new(error.kind(), format!("{address}: {error}"))
}

/// Listens with a receive buffer of a given size, which connections inherit: it bounds the window from the first segment.
fn listen(address: SocketAddr, window: u32) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // As `TcpListener::bind` does: a port that was used a moment ago can be used again.
    socket.set_reuseaddr(true)?;
    socket.set_recv_buffer_size(window)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

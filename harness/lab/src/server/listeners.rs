//! The addresses that are listened on: one or several, served as one.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::task::Poll;

use tokio::net::{TcpListener, TcpSocket, TcpStream};

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

    /// The next connection to any of them.
    pub(crate) async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
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

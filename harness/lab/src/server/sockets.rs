//! Sockets that listen before anything is served: bound while there is privilege, or handed over by a service manager.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

/// Connections that wait to be accepted.
const BACKLOG: i32 = 1024;

/// What a connection begins with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Opening {
    /// What the options of the server say.
    #[default]
    AsServed,
    /// A TLS handshake (implicit TLS, RFC 8314 section 3).
    Tls,
}

/// Sockets that listen; they need no runtime. Dropped, they are closed.
#[derive(Debug, Default)]
pub struct Sockets(pub(super) Vec<(TcpListener, Opening)>);

impl Sockets {
    /// One socket, without a window of its own.
    ///
    /// # Errors
    ///
    /// The address cannot be bound.
    pub fn on(address: SocketAddr) -> io::Result<Self> {
        let mut sockets = Self::default();
        sockets.bind(address, Opening::default(), None)?;
        Ok(sockets)
    }

    /// Listens on an address; port 0 takes any free one. With `window`, connections have a receive buffer of that size.
    ///
    /// # Errors
    ///
    /// It cannot be bound.
    pub fn bind(
        &mut self,
        address: SocketAddr,
        opening: Opening,
        window: Option<u32>,
    ) -> io::Result<()> {
        let domain = Domain::for_address(address);
        let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
        // A port that was used a moment ago can be used again. Elsewhere the option means that others may share it.
        #[cfg(unix)]
        socket.set_reuse_address(true)?;
        if let Some(window) = window {
            // Connections inherit it: it bounds the window from the first segment.
            let window = usize::try_from(window).unwrap_or(usize::MAX);
            socket.set_recv_buffer_size(window)?;
        }
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        self.0.push((socket.into(), opening));
        Ok(())
    }

    /// Takes a socket that somebody else has bound, and that listens.
    pub fn take(&mut self, socket: TcpListener, opening: Opening) {
        self.0.push((socket, opening));
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them begins with a handshake.
    pub(super) fn any_tls(&self) -> bool {
        self.0.iter().any(|(_, opening)| *opening == Opening::Tls)
    }

    /// The addresses, in the order in which they were given.
    ///
    /// # Errors
    ///
    /// The system does not tell.
    pub fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        self.0
            .iter()
            .map(|(socket, _)| socket.local_addr())
            .collect()
    }
}

//! The connection as its bytes go: in clear, or under TLS. The tap is below both.

use std::io;
use std::num::NonZeroU16;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::tap::TapStream;

/// The socket with its tap, and TLS over it where that was agreed on.
#[derive(Debug)]
pub(super) enum Stream {
    Clear(TapStream<TcpStream>),
    Tls(Box<TlsStream<TapStream<TcpStream>>>),
}

impl Stream {
    /// What is written from now on waits for the end, as [`TapStream::wait_for_more`] says.
    pub(super) fn wait_for_more(&mut self) {
        match self {
            Self::Clear(stream) => stream.wait_for_more(),
            Self::Tls(stream) => stream.get_mut().0.wait_for_more(),
        }
    }

    /// Aborts the connection with a RST, under TLS too: nothing is said goodbye to.
    pub(super) fn reset(self) {
        let socket = match self {
            Self::Clear(stream) => stream,
            Self::Tls(stream) => stream.into_inner().0,
        };
        // Where the option cannot be set the socket closes as it can, and the client is gone one way or the other.
        let _ = socket.reset();
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Clear(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Clear(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// How long segments may be on a connection, where the system tells (`TCP_MAXSEG`, tcp(7)).
pub(super) fn longest_segment(stream: &TcpStream) -> Option<NonZeroU16> {
    #[cfg(unix)]
    {
        let most = socket2::SockRef::from(stream).tcp_mss().ok()?;
        NonZeroU16::new(u16::try_from(most).unwrap_or(u16::MAX))
    }
    #[cfg(not(unix))]
    {
        let _ = stream;
        None
    }
}

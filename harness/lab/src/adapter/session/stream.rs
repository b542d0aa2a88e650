//! What the dialogue is spoken over.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::KeyLog;

use crate::tap::TapStream;

/// Something to read from and write to.
pub(in super::super) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {
    /// Where TLS over this is to write its secrets.
    fn key_log(&self) -> Option<Arc<dyn KeyLog>> {
        None
    }

    /// A TLS handshake over this begins, or is over.
    fn handshaking(&mut self, _begun: bool) {}
}

impl Duplex for TapStream<TcpStream> {
    fn key_log(&self) -> Option<Arc<dyn KeyLog>> {
        TapStream::key_log(self)
    }

    fn handshaking(&mut self, begun: bool) {
        TapStream::handshaking(self, begun);
    }
}

impl Duplex for TlsStream<Stream> {}

/// What stands where a stream was taken away.
impl Duplex for tokio::io::Join<tokio::io::Empty, tokio::io::Sink> {}

#[cfg(test)]
impl Duplex for tokio::io::DuplexStream {}

#[cfg(test)]
impl Duplex for tokio_test::io::Mock {}

/// A stream of either kind, in clear or under TLS.
pub(in super::super) type Stream = Box<dyn Duplex>;

//! The stream that tells a recorder what crosses it.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::rustls::KeyLog;
use wire::Direction;

use super::line::{Line, Secrets};
use super::queue::Event;
use super::sides::Sides;

/// One connection's end of a recorder. When it is dropped, the connection has nothing more to tell.
#[derive(Debug)]
pub struct Tap {
    line: Option<Line>,
    /// Whose socket this is: what is written comes from here, and what is read from the other side.
    here: Direction,
    sides: Sides,
    /// Whether the last bytes read wait until it is known what TLS made of them.
    holding: bool,
    held: Option<Vec<u8>>,
    /// What was written since the system was told to wait for more.
    corked: Option<Vec<u8>>,
}

impl Tap {
    /// A tap that tells nobody.
    pub fn none() -> Self {
        Self::over(None, Direction::Server)
    }

    pub(super) fn new(line: Line, here: Direction) -> Self {
        Self::over(Some(line), here)
    }

    fn over(line: Option<Line>, here: Direction) -> Self {
        Self {
            line,
            here,
            sides: Sides::default(),
            holding: false,
            held: None,
            corked: None,
        }
    }

    /// Where TLS is to write the secrets of this connection; `None` where nothing is recorded.
    pub fn key_log(&self) -> Option<Arc<dyn KeyLog>> {
        let keys = Keys(self.line.as_ref()?.secrets());
        Some(Arc::new(keys))
    }

    /// Bytes were read.
    fn received(&mut self, bytes: &[u8]) {
        self.release();
        if self.holding {
            self.held = Some(bytes.to_vec());
        } else {
            self.admit(Event::Data(self.there(), bytes));
        }
    }

    /// The other side.
    const fn there(&self) -> Direction {
        self.here.reverse()
    }

    /// Bytes were written.
    fn sent(&mut self, bytes: &[u8]) {
        self.let_go();
        match &mut self.corked {
            Some(waiting) => waiting.extend_from_slice(bytes),
            None => self.admit(Event::Data(self.here, bytes)),
        }
    }

    /// This side has ended.
    fn ended(&mut self) {
        self.let_go();
        let last = self.corked.take().unwrap_or_default();
        self.admit(Event::Fin(self.here, &last));
    }

    /// Something else happened.
    fn record(&mut self, event: Event<&[u8]>) {
        self.release();
        self.admit(event);
    }

    /// Lets go of all that waits: what was written and waits for more is not what comes last.
    fn release(&mut self) {
        self.let_go();
        if let Some(bytes) = self.corked.take() {
            self.admit(Event::Data(self.here, &bytes));
        }
    }

    fn let_go(&mut self) {
        if let Some(bytes) = self.held.take() {
            self.admit(Event::Data(self.there(), &bytes));
        }
    }

    fn admit(&mut self, event: Event<&[u8]>) {
        if let Some(line) = &mut self.line
            && self.sides.admit(&event)
        {
            line.record(event);
        }
    }

    fn cut(&self) {
        if let Some(line) = &self.line {
            line.cut();
        }
    }

    /// An error of the socket: the other side's RST shows as one.
    fn failed(&mut self, error: &io::Error) {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
        if matches!(
            error.kind(),
            BrokenPipe | ConnectionAborted | ConnectionReset
        ) {
            self.record(Event::Reset(self.there()));
        }
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.release();
        if self.here == Direction::Client {
            // A client that is interrupted drops its socket, and the system says so to the server.
            self.admit(Event::Fin(Direction::Client, &[]));
        }
        if let Some(line) = &self.line {
            line.end();
        }
    }
}

/// A socket whose bytes are recorded as they cross it.
#[derive(Debug)]
pub struct TapStream<S> {
    stream: S,
    tap: Tap,
}

impl<S> TapStream<S> {
    /// Puts a tap on a stream whose opening the recorder knows already.
    pub const fn new(stream: S, tap: Tap) -> Self {
        Self { stream, tap }
    }

    /// The stream underneath. What is read from it directly is not recorded.
    pub const fn get_ref(&self) -> &S {
        &self.stream
    }

    /// Where TLS is to write the secrets of this connection; `None` where nothing is recorded.
    pub fn key_log(&self) -> Option<Arc<dyn KeyLog>> {
        self.tap.key_log()
    }

    /// Says that a TLS handshake begins or is over.
    ///
    /// In TLS 1.2 the secrets become known only through the flight whose end they already encrypt (RFC 5246 section
    /// 7.3). Whoever reads a capture in one pass needs them before that flight, so during a handshake what was read is
    /// recorded after it was worked on.
    pub fn handshaking(&mut self, begun: bool) {
        self.tap.holding = begun;
        if !begun {
            self.tap.let_go();
        }
    }
}

impl TapStream<TcpStream> {
    /// What is written from now on waits until there is a whole segment of it, or the end: so the last reply and the FIN
    /// behind it cross the network together, and the client is woken once. Where the system cannot, they go one by one.
    pub fn wait_for_more(&mut self) {
        #[cfg(any(target_os = "android", target_os = "linux"))]
        if socket2::SockRef::from(&self.stream)
            .set_tcp_cork(true)
            .is_ok()
        {
            let shows = self.tap.line.as_ref().is_some_and(Line::shows_joining);
            self.tap.corked = shows.then(Vec::new);
        }
    }

    /// Aborts the connection with a RST.
    ///
    /// # Errors
    ///
    /// The socket does not take the option that this needs; it is closed all the same.
    pub fn reset(mut self) -> io::Result<()> {
        let set = self.stream.set_zero_linger();
        self.tap.record(Event::Reset(self.tap.here));
        set
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TapStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buf.filled().len();
        let room = buf.remaining();
        let outcome = ready!(Pin::new(&mut this.stream).poll_read(cx, buf));
        match &outcome {
            Ok(()) => {
                let read = buf.filled().get(before..).unwrap_or_default();
                if !read.is_empty() {
                    this.tap.received(read);
                } else if room > 0 {
                    this.tap.record(Event::Fin(this.tap.there(), &[]));
                }
            }
            Err(error) => this.tap.failed(error),
        }
        Poll::Ready(outcome)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TapStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let outcome = ready!(Pin::new(&mut this.stream).poll_write(cx, buf));
        match &outcome {
            Ok(written) => {
                let written = buf.get(..*written).unwrap_or(buf);
                this.tap.sent(written);
            }
            Err(error) => this.tap.failed(error),
        }
        Poll::Ready(outcome)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.tap.cut();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let outcome = ready!(Pin::new(&mut this.stream).poll_shutdown(cx));
        if outcome.is_ok() {
            this.tap.ended();
        }
        Poll::Ready(outcome)
    }
}

/// Hands the secrets of one connection's TLS to the recorder.
struct Keys(Secrets);

impl KeyLog for Keys {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        self.0.record(&format!(
            "{label} {} {}\n",
            hex::encode(client_random),
            hex::encode(secret)
        ));
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

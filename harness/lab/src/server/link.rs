//! The connection as bytes: read within bounds, written with a deadline, put under TLS, ended.

use std::future::poll_fn;
use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

use super::Shared;
use super::custody::Keeping;
use super::deadlines::{Deadlines, Over};
use super::inbox::{Inbox, Line};
use super::limits::Limit;
use super::reply::{self, Manner};
use super::stop::Stop;
use super::stream::Stream;
use super::tls::{self, Identity};
use crate::scenario::{Chunk, Ending, Reply};
use crate::tap::{Tap, TapStream};

/// Longest line that is read at all: that of an AUTH exchange (RFC 4954 section 4).
const LINE_LIMIT: usize = 12_288;

/// Bytes that a client may send without ending its line; those beyond [`LINE_LIMIT`] are dropped.
const ENDLESS: u64 = 1 << 20;

/// Bytes that are read and dropped once a connection is over. A client that goes on then is aborted.
const MOST_DRAINED: u64 = 1 << 20;

/// The same for a client that is left to go on after a half-close.
const MOST_DRAINED_HALF_CLOSED: u64 = 64 << 20;

/// Bytes that are read while the server waits; a client that sends more is left to its own waiting.
const MOST_OVERHEARD: usize = 1 << 20;

/// How many times the idle time a client may go on sending to a server that has closed its own side.
const PATIENCE: u32 = 10;

/// Why a connection is over.
#[derive(Debug)]
pub(super) enum End {
    /// We close it, with a FIN.
    Close,
    /// We abort it, with a RST.
    Reset,
    /// We send a FIN, and read on for as long as the client sends.
    HalfClose,
    /// The client sends no more.
    Eof,
    /// A limit ends it.
    Limit(Limit),
    /// The server was told to stop.
    Stopped,
    /// The socket or TLS failed: the client aborted, or closed without saying so.
    Failed,
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Failed
    }
}

impl From<Ending> for End {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Close => Self::Close,
            Ending::Reset => Self::Reset,
            Ending::HalfClose => Self::HalfClose,
        }
    }
}

/// A socket with its tap, its input buffer and its deadlines.
pub(super) struct Link {
    /// `None` only while TLS is being put over it, and once it was aborted.
    stream: Option<Stream>,
    pub(super) inbox: Inbox,
    deadlines: Deadlines,
    shared: Arc<Shared>,
    /// Whether a TLS handshake may come next. Its first bytes must be left where TLS finds them, so nothing is read while
    /// the server waits.
    pub(super) before_tls: bool,
}

impl Link {
    pub(super) fn new(stream: TcpStream, tap: Tap, stop: Stop, shared: Arc<Shared>) -> Self {
        let stream = Some(Stream::Clear(TapStream::new(stream, tap)));
        Self {
            stream,
            inbox: Inbox::default(),
            deadlines: Deadlines::new(shared.options.idle, stop),
            shared,
            before_tls: false,
        }
    }

    /// Ends the connection, for the reason given.
    pub(super) async fn end(mut self, reason: End) {
        self.deadlines
            .be_patient(Instant::now() + self.shared.options.terms.grace);
        let farewell = match reason {
            End::Stopped => Some("421 4.3.2 shutting down, closing"),
            // A FIN would wait behind what the client does not read.
            End::Reset | End::Limit(Limit::Unread(_)) => return self.reset(),
            End::HalfClose => {
                let patience = self.shared.options.idle.saturating_mul(PATIENCE);
                return self.close(patience, MOST_DRAINED_HALF_CLOSED).await;
            }
            End::Limit(limit) => limit.farewell(),
            End::Close | End::Eof | End::Failed => None,
        };
        if let Some(text) = farewell
            && self.write(&Reply::lines(text)).await.is_err()
        {
            return;
        }
        let patience = match reason {
            // Nobody who is not served keeps a place.
            End::Limit(limit) if limit.is_refusal() => self.shared.options.terms.grace,
            _ => self.shared.options.idle,
        };
        self.close(patience, MOST_DRAINED).await;
    }

    /// Aborts the connection with a RST.
    fn reset(&mut self) {
        if let Some(stream) = self.stream.take() {
            stream.reset();
        }
    }

    /// Sends a FIN and waits for the client's, so that the capture shows how the connection ended. A client that keeps its
    /// side open beyond its time is cut off with a RST: else whoever judges the capture would wait for its end with it.
    async fn close(&mut self, patience: Duration, most: u64) {
        let Some(stream) = &mut self.stream else {
            return;
        };
        let closed = timeout(self.shared.options.idle, stream.shutdown()).await;
        if matches!(closed, Ok(Ok(()))) {
            let ended = match self.drain(patience, most).await {
                End::Eof => self.see_fin(patience).await,
                End::Close => false,
                _ => true,
            };
            if !ended {
                self.reset();
            }
        }
    }

    /// Waits for the FIN of a client that has said goodbye, which may have been under TLS only. Says whether it came.
    async fn see_fin(&mut self, patience: Duration) -> bool {
        let Some(Stream::Tls(stream)) = &mut self.stream else {
            return true;
        };
        let below = stream.get_mut().0;
        let fin = async {
            let mut rest = [0; 512];
            while matches!(below.read(&mut rest).await, Ok(1..)) {}
        };
        tokio::select! {
            fin = timeout(patience, fin) => fin.is_ok(),
            () = self.deadlines.stopped() => false,
        }
    }

    /// Reads and drops what the client still sends, until it ends, is silent, has had its time or has sent too much. Says
    /// why it is over, where that is not for the server to say: no farewell is due any more.
    async fn drain(&mut self, patience: Duration, most: u64) -> End {
        let mut left = most;
        let rest = async {
            loop {
                match self.fill().await {
                    Ok(read) if read > left => return End::Reset,
                    Ok(read) => left -= read,
                    Err(End::Limit(_) | End::Stopped) => return End::Close,
                    Err(end) => return end,
                }
                self.inbox.clear();
            }
        };
        let end = timeout(patience, rest).await.unwrap_or(End::Close);
        if matches!(end, End::Reset) {
            self.reset();
        }
        end
    }

    /// Does the TLS handshake as the server. What was sent in clear before it must not be taken for what was sent under
    /// TLS, and is dropped.
    pub(super) async fn secure(&mut self, identity: &Identity) -> Result<(), End> {
        self.inbox.clear();
        if self.first_byte().await? != tls::HANDSHAKE_RECORD {
            // Not TLS. A real server would send an alert, which the client could take for an answer: say nothing, and
            // record what it says until it has enough.
            return Err(self.drain(self.shared.options.idle, MOST_DRAINED).await);
        }
        let Some(Stream::Clear(mut stream)) = self.stream.take() else {
            return Err(End::Close);
        };
        stream.handshaking(true);
        let acceptor = identity.acceptor(stream.key_log());
        let accepting = acceptor.accept(stream).into_fallible();
        match timeout(self.shared.options.idle, accepting).await {
            Ok(Ok(mut stream)) => {
                stream.get_mut().0.handshaking(false);
                self.stream = Some(Stream::Tls(Box::new(stream)));
                Ok(())
            }
            Ok(Err((_, mut stream))) => {
                stream.handshaking(false);
                self.stream = Some(Stream::Clear(stream));
                Err(End::Close)
            }
            // The stream went down with the handshake: the socket is closed, and the capture shows no more than that.
            Err(_) => Err(End::Limit(Limit::Handshake(self.shared.options.idle))),
        }
    }

    /// Looks at the first byte of a handshake without taking it.
    async fn first_byte(&mut self) -> Result<u8, End> {
        let mut byte = [0];
        let Some(Stream::Clear(stream)) = &self.stream else {
            // TLS inside TLS: the client asked for it again, and a rule said yes.
            return Err(End::Close);
        };
        let peeked = tokio::select! {
            peeked = timeout(self.shared.options.idle, stream.get_ref().peek(&mut byte)) => peeked,
            () = self.deadlines.stopped() => return Err(End::Close),
        };
        match peeked {
            Err(_) => Err(End::Limit(Limit::Handshake(self.shared.options.idle))),
            // The end of the stream, or an error, is taken from the stream itself, so that the tap sees it.
            Ok(Ok(0) | Err(_)) => match self.fill().await {
                Ok(_) => Err(End::Close),
                Err(end) => Err(end),
            },
            Ok(Ok(_)) => Ok(byte[0]),
        }
    }

    pub(super) async fn line(&mut self) -> Result<Line, End> {
        let mut read = 0;
        loop {
            if let Some(line) = self.inbox.line(LINE_LIMIT) {
                return Ok(line);
            }
            if read > ENDLESS {
                return Err(End::Limit(Limit::Line(read)));
            }
            read += self.fill().await?;
        }
    }

    /// Reads so many bytes, whatever they are.
    pub(super) async fn skip(
        &mut self,
        count: u64,
        mut keeping: Option<&mut Keeping>,
    ) -> Result<(), End> {
        let mut left = count;
        loop {
            left -= self.inbox.skip(left, |bytes| {
                if let Some(keeping) = keeping.as_deref_mut() {
                    keeping.write(bytes);
                }
            });
            if left == 0 {
                return Ok(());
            }
            self.fill().await?;
        }
    }

    /// Reads some bytes into the inbox. Says how many.
    pub(super) async fn fill(&mut self) -> Result<u64, End> {
        let Some(stream) = &mut self.stream else {
            return Err(End::Failed);
        };
        let (inbox, deadlines) = (&mut self.inbox, &mut self.deadlines);
        let until = deadlines.silent_until();
        let read = poll_fn(|cx| match inbox.poll_fill(stream, cx) {
            Poll::Ready(read) => Poll::Ready(Ok(read)),
            Poll::Pending => deadlines.poll(cx, until).map(Err),
        });
        let read = match read.await {
            Ok(read) => read?,
            Err(Over::Silence) => return Err(End::Limit(Limit::Silence(self.shared.options.idle))),
            Err(Over::Stop) => return Err(End::Stopped),
        };
        if read == 0 {
            return Err(End::Eof);
        }
        self.shared.whole.pulse.beat();
        if let Some(backlog) = &self.shared.options.backlog {
            backlog.pace().await;
        }
        Ok(read as u64)
    }

    /// Reads nothing for so long.
    pub(super) async fn pause(&mut self, duration: Duration) -> Result<(), End> {
        tokio::select! {
            () = sleep(duration) => Ok(()),
            () = self.deadlines.stopped() => Err(End::Stopped),
        }
    }

    pub(super) async fn write(&mut self, reply: &Reply) -> Result<(), End> {
        self.write_in(reply, self.shared.options.server.segment)
            .await
    }

    /// Writes a reply in segments of a size.
    pub(super) async fn write_in(
        &mut self,
        reply: &Reply,
        segment: Option<NonZeroUsize>,
    ) -> Result<(), End> {
        let manner = Manner {
            segment,
            idle: self.shared.options.idle,
        };
        for run in reply
            .chunks
            .split_inclusive(|chunk| matches!(chunk, Chunk::Wait(_)))
        {
            let (wait, chunks) = match run.split_last() {
                Some((Chunk::Wait(wait), chunks)) => (Some(*wait), chunks),
                _ => (None, run),
            };
            let stream = self.stream.as_mut().ok_or(End::Failed)?;
            reply::write(stream, chunks, manner)
                .await
                .map_err(|error| match error.kind() {
                    io::ErrorKind::TimedOut => End::Limit(Limit::Unread(self.shared.options.idle)),
                    _ => End::Failed,
                })?;
            match wait {
                None => {}
                Some(wait) if self.before_tls => self.pause(wait).await?,
                Some(wait) => {
                    tokio::select! {
                        () = listen(stream, &mut self.inbox, wait) => {}
                        () = self.deadlines.stopped() => return Err(End::Stopped),
                    }
                }
            }
        }
        Ok(())
    }

    /// Writes the last reply: what is written goes out with the FIN that is sent behind it, as one segment.
    pub(super) async fn write_last(&mut self, reply: &Reply) -> Result<(), End> {
        if let Some(stream) = &mut self.stream {
            stream.wait_for_more();
        }
        self.write(reply).await
    }
}

/// Waits, and reads meanwhile: what a client says too early must not look as if it had come after the wait.
async fn listen(stream: &mut Stream, inbox: &mut Inbox, wait: Duration) {
    let deadline = Instant::now() + wait;
    while inbox.len() < MOST_OVERHEARD
        // An end or an error is met again by whoever reads next.
        && let Ok(Ok(1..)) = timeout_at(deadline, poll_fn(|cx| inbox.poll_fill(stream, cx))).await
    {
    }
    sleep_until(deadline).await;
}

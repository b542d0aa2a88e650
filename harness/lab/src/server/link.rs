//! The connection as bytes: read within bounds, written with a deadline, put under TLS, ended.

use std::io;
use std::num::NonZeroUsize;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

use super::inbox::{Inbox, Line};
use super::limit::{LONGEST_UNENDED, Limit};
use super::options::Options;
use super::reply::{self, Manner};
use super::stream::Stream;
use super::tls::{self, Identity};
use crate::scenario::{Chunk, Ending, Reply};
use crate::tap::{Tap, TapStream};

/// Longest line that is read at all: that of an AUTH exchange (RFC 4954 section 4).
const LINE_LIMIT: usize = 12_288;

/// Bytes read at a time.
const READ: usize = 8192;

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
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::TimedOut {
            Self::Limit(Limit::NotReading)
        } else {
            Self::Failed
        }
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
    stopped: watch::Receiver<bool>,
    idle: Duration,
    grace: Duration,
    segment: Option<NonZeroUsize>,
    /// When it has lasted for as long as it may.
    deadline: Instant,
}

impl Link {
    pub(super) fn new(
        stream: TcpStream,
        tap: Tap,
        stopped: watch::Receiver<bool>,
        options: &Options,
    ) -> Self {
        // Without it, the segments of a reply in pieces would be joined again. A socket that refuses is gone.
        let _ = stream.set_nodelay(true);
        let stream = Some(Stream::Clear(TapStream::new(stream, tap)));
        Self {
            stream,
            inbox: Inbox::default(),
            stopped,
            idle: options.idle,
            grace: options.grace,
            segment: options.server.segment,
            deadline: Instant::now() + options.lifetime,
        }
    }

    /// Ends the connection, for the reason given.
    pub(super) async fn end(mut self, reason: End) {
        let farewell = match reason {
            End::Limit(limit) => limit.farewell(),
            End::Stopped => Some("421 4.3.2 shutting down, closing"),
            End::Reset => {
                if let Some(stream) = self.stream.take() {
                    stream.reset();
                }
                return;
            }
            End::HalfClose => {
                let patience = self.idle.saturating_mul(PATIENCE);
                return self.close(patience).await;
            }
            End::Close | End::Eof | End::Failed => None,
        };
        if let Some(text) = farewell
            && self.write(&Reply::lines(text)).await.is_err()
        {
            return;
        }
        self.close(self.idle).await;
    }

    /// Sends a FIN and waits for the client's, so that the capture shows how the connection ended.
    async fn close(&mut self, patience: Duration) {
        let Some(stream) = &mut self.stream else {
            return;
        };
        let closed = timeout(self.idle, stream.shutdown()).await;
        if matches!(closed, Ok(Ok(()))) {
            // One way or the other it is over.
            self.drain(patience).await;
        }
    }

    /// Reads and drops what the client still sends, until it ends, is silent or has had its time. Says why it is over, where that
    /// is not for the server to say: no farewell is due any more.
    async fn drain(&mut self, patience: Duration) -> End {
        let rest = async {
            loop {
                match self.fill().await {
                    Ok(()) => self.inbox.clear(),
                    Err(End::Limit(_) | End::Stopped) => return End::Close,
                    Err(end) => return end,
                }
            }
        };
        timeout(patience, rest).await.unwrap_or(End::Close)
    }

    /// Does the TLS handshake as the server. What was sent in clear before it must not be taken for what was sent under
    /// TLS, and is dropped.
    pub(super) async fn secure(&mut self, identity: &Identity) -> Result<(), End> {
        self.inbox.clear();
        if self.first_byte().await? != tls::HANDSHAKE_RECORD {
            // Not TLS. A real server would send an alert, which the client could take for an answer: say nothing, and
            // record what it says until it has enough.
            return Err(self.drain(self.idle).await);
        }
        let Some(Stream::Clear(mut stream)) = self.stream.take() else {
            return Err(End::Close);
        };
        stream.handshaking(true);
        let acceptor = identity.acceptor(stream.key_log());
        let accepting = acceptor.accept(stream).into_fallible();
        match timeout(self.idle, accepting).await {
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
            Err(_) => Err(End::Limit(Limit::NoHandshake)),
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
            peeked = timeout(self.idle, stream.get_ref().peek(&mut byte)) => peeked,
            () = told_to_stop(&mut self.stopped, self.grace) => return Err(End::Close),
        };
        match peeked {
            Err(_) => Err(End::Limit(Limit::NoHandshake)),
            // The end of the stream, or an error, is taken from the stream itself, so that the tap sees it.
            Ok(Ok(0) | Err(_)) => match self.fill().await {
                Ok(()) => Err(End::Close),
                Err(end) => Err(end),
            },
            Ok(Ok(_)) => Ok(byte[0]),
        }
    }

    pub(super) async fn line(&mut self) -> Result<Line, End> {
        loop {
            if let Some(line) = self.inbox.line(LINE_LIMIT) {
                return Ok(line);
            }
            if self.inbox.dropped() > LONGEST_UNENDED {
                return Err(End::Limit(Limit::EndlessLine));
            }
            self.fill().await?;
        }
    }

    /// Reads so many bytes, whatever they are.
    pub(super) async fn skip(&mut self, count: u64) -> Result<(), End> {
        let mut left = count;
        loop {
            left -= self.inbox.skip(left);
            if left == 0 {
                return Ok(());
            }
            self.fill().await?;
        }
    }

    /// Reads some bytes into the inbox.
    pub(super) async fn fill(&mut self) -> Result<(), End> {
        let mut buffer = [0; READ];
        let Some(stream) = &mut self.stream else {
            return Err(End::Failed);
        };
        let read = tokio::select! {
            read = stream.read(&mut buffer) => read?,
            limit = out_of_time(self.idle, self.deadline) => return Err(End::Limit(limit)),
            () = told_to_stop(&mut self.stopped, self.grace) => return Err(End::Stopped),
        };
        if read == 0 {
            return Err(End::Eof);
        }
        self.inbox.push(buffer.get(..read).unwrap_or_default());
        Ok(())
    }

    /// Reads nothing for so long.
    pub(super) async fn pause(&mut self, duration: Duration) -> Result<(), End> {
        tokio::select! {
            () = sleep(duration) => Ok(()),
            () = told_to_stop(&mut self.stopped, self.grace) => Err(End::Stopped),
        }
    }

    pub(super) async fn write(&mut self, reply: &Reply) -> Result<(), End> {
        self.write_in(reply, self.segment).await
    }

    /// Writes a reply in segments of a size.
    pub(super) async fn write_in(
        &mut self,
        reply: &Reply,
        segment: Option<NonZeroUsize>,
    ) -> Result<(), End> {
        let manner = Manner {
            segment,
            idle: self.idle,
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
            timeout_at(self.deadline, reply::write(stream, chunks, manner))
                .await
                .map_err(|_| End::Limit(Limit::Overdue))??;
            if let Some(wait) = wait {
                let mut stopped = self.stopped.clone();
                let grace = self.grace;
                tokio::select! {
                    () = self.listen(wait) => {}
                    () = told_to_stop(&mut stopped, grace) => return Err(End::Stopped),
                }
            }
        }
        Ok(())
    }

    /// Waits, and reads meanwhile: what a client says too early must not look as if it had come after the wait.
    async fn listen(&mut self, wait: Duration) {
        let deadline = Instant::now() + wait;
        let mut buffer = [0; READ];
        while self.inbox.len() < MOST_OVERHEARD
            && let Some(stream) = &mut self.stream
            // An end or an error is met again by whoever reads next.
            && let Ok(Ok(read @ 1..)) = timeout_at(deadline, stream.read(&mut buffer)).await
        {
            self.inbox.push(buffer.get(..read).unwrap_or_default());
        }
        sleep_until(deadline).await;
    }
}

/// Completes once the client has been silent for too long, or connected for too long.
async fn out_of_time(idle: Duration, deadline: Instant) -> Limit {
    let patience = Instant::now() + idle;
    sleep_until(patience.min(deadline)).await;
    if patience < deadline {
        Limit::Silent
    } else {
        Limit::Overdue
    }
}

/// Completes a grace period after the server was told to stop.
async fn told_to_stop(stopped: &mut watch::Receiver<bool>, grace: Duration) {
    // An error means that the server is gone, which is a stop too.
    let _ = stopped.wait_for(|stopped| *stopped).await;
    sleep(grace).await;
}

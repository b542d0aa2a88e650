//! One connection, from the greeting to the last FIN.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::auth::{self, Progress};
use super::content::EndOfData;
use super::inbox::{Inbox, Line};
use super::script::Step;
use super::session::{Next, Session};
use super::stream::Stream;
use super::verbs::{self, Bdat};
use super::{Shared, reply, tls};
use crate::scenario::{Action, Command, Ending, Reply, TlsMode};
use crate::tap::{Tap, TapStream};

/// Longest command line. RFC 5321 section 4.5.3.1.4 asks for 512 bytes, and extensions add to it: DSN alone 600
/// (RFC 3461 section 5.4).
const COMMAND_LIMIT: usize = 2048;

/// Longest line in an AUTH exchange (RFC 4954 section 4).
const AUTH_LIMIT: usize = 12_288;

/// Refused commands after which the server gives up on a client.
const MAX_ERRORS: u32 = 100;

/// Bytes read at a time.
const READ: usize = 8192;

/// Why a connection is over.
#[derive(Debug)]
enum End {
    /// We close it, with a FIN.
    Close,
    /// We abort it, with a RST.
    Reset,
    /// The client sends no more.
    Eof,
    /// The client said nothing for too long.
    Idle,
    /// The server was told to stop.
    Stopped,
    /// The socket failed: the client aborted.
    Failed,
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::TimedOut {
            Self::Close
        } else {
            Self::Failed
        }
    }
}

/// A connection being served.
pub(super) struct Connection {
    shared: Arc<Shared>,
    number: u32,
    /// `None` only while TLS is being put over it, and after it was handed on.
    stream: Option<Stream>,
    inbox: Inbox,
    session: Session,
    stopped: watch::Receiver<bool>,
    errors: u32,
    challenges: u32,
}

impl Connection {
    pub(super) fn new(
        shared: Arc<Shared>,
        number: u32,
        stream: TcpStream,
        tap: Tap,
        stopped: watch::Receiver<bool>,
    ) -> Self {
        // Without it, the segments of a reply in pieces would be joined again. A socket that refuses is gone.
        let _ = stream.set_nodelay(true);
        Self {
            shared,
            number,
            stream: Some(Stream::Clear(TapStream::new(stream, tap))),
            inbox: Inbox::default(),
            session: Session::new(false),
            stopped,
            errors: 0,
            challenges: 0,
        }
    }

    /// Serves it to its end.
    pub(super) async fn serve(mut self) {
        let end = match self.dialogue().await {
            Ok(()) => End::Close,
            Err(end) => end,
        };
        self.shared
            .counts
            .accepted
            .fetch_add(self.session.accepted, Ordering::Relaxed);
        let farewell = match end {
            End::Idle => Some("421 4.4.2 idle for too long, closing"),
            End::Stopped => Some("421 4.3.2 shutting down, closing"),
            End::Reset => {
                if let Some(stream) = self.stream.take() {
                    stream.reset();
                }
                return;
            }
            End::Failed => return,
            End::Close | End::Eof => None,
        };
        if let Some(text) = farewell
            && self.write(&Reply::lines(text)).await.is_err()
        {
            return;
        }
        self.close().await;
    }

    /// Sends a FIN and waits for the client's, so that the capture shows how the connection ended.
    async fn close(&mut self) {
        let idle = self.shared.options.idle;
        let Some(stream) = &mut self.stream else {
            return;
        };
        let closed = timeout(idle, stream.shutdown()).await;
        if matches!(closed, Ok(Ok(()))) {
            while matches!(self.fill().await, Ok(())) {
                self.inbox.clear();
            }
        }
    }

    async fn dialogue(&mut self) -> Result<(), End> {
        if self.shared.options.server.tls == TlsMode::Implicit {
            self.handshake().await?;
        }
        let greeting = verbs::greeting(&self.shared.options.server);
        let mut next = self.step(Command::Greeting, b"", &greeting, false).await?;
        loop {
            next = match next {
                Next::Command => self.command().await?,
                Next::Response => self.response().await?,
                Next::Content => self.content().await?,
                Next::Tls => {
                    // What was sent in clear behind STARTTLS must not be taken for what was sent under TLS.
                    self.inbox.clear();
                    self.handshake().await?;
                    self.session.secure();
                    Next::Command
                }
                Next::Close => return Ok(()),
            };
        }
    }

    async fn command(&mut self) -> Result<Next, End> {
        let line = match self.line().await? {
            Line::Text(line) => line,
            Line::TooLong => {
                return self
                    .step(Command::Unknown, b"", "500 5.5.2 line too long", false)
                    .await;
            }
        };
        let (verb, argument) = match line.iter().position(|byte| *byte == b' ') {
            Some(space) => (
                &line[..space],
                line.get(space + 1..).unwrap_or_default().trim_ascii(),
            ),
            None => (line.as_slice(), &[][..]),
        };
        let command = Command::of_verb(verb);
        if command != Command::Auth && line.len() > COMMAND_LIMIT {
            return self
                .step(command, argument, "500 5.5.2 line too long", false)
                .await;
        }
        match command {
            Command::Auth => {
                let reply = self.begin_auth(argument);
                self.step(command, argument, &reply, false).await
            }
            Command::Bdat => self.bdat(argument).await,
            _ => {
                let answer = verbs::answer(
                    &self.shared.options.server,
                    &self.session,
                    command,
                    argument,
                );
                self.step(command, argument, &answer, false).await
            }
        }
    }

    /// Begins an AUTH exchange, and gives the default reply to the command.
    fn begin_auth(&mut self, argument: &[u8]) -> String {
        self.challenges += 1;
        let context = self.auth_context();
        let (exchange, progress) = match auth::admit(&context, &self.session) {
            Some(refusal) => (auth::Exchange::Exhausted, Progress::Failed(refusal)),
            None => auth::begin(&context, argument),
        };
        self.session.exchange = matches!(progress, Progress::Challenge(_)).then_some(exchange);
        progress.reply()
    }

    fn auth_context(&self) -> auth::Context<'_> {
        let options = &self.shared.options;
        auth::Context {
            server: &options.server,
            accounts: &options.accounts,
            challenge: self.shared.seed.challenge(self.number, self.challenges),
            now: options.clock.now(),
        }
    }

    /// Reads a line that answers a 334.
    async fn response(&mut self) -> Result<Next, End> {
        let line = match self.line().await? {
            Line::Text(line) => line,
            Line::TooLong => {
                self.session.exchange = None;
                return self
                    .step(Command::AuthResponse, b"", "500 5.5.6 line too long", false)
                    .await;
            }
        };
        let mut exchange = self
            .session
            .exchange
            .take()
            .unwrap_or(auth::Exchange::Exhausted);
        let progress = auth::answer(&self.auth_context(), &mut exchange, &line);
        if matches!(progress, Progress::Challenge(_)) {
            self.session.exchange = Some(exchange);
        }
        self.step(Command::AuthResponse, &line, &progress.reply(), false)
            .await
    }

    /// Reads message content up to its end.
    async fn content(&mut self) -> Result<Next, End> {
        // A client that goes on long after the limit will not stop by itself.
        let hopeless = self
            .shared
            .options
            .server
            .message_limit
            .saturating_mul(2)
            .saturating_add(1 << 16);
        let mut end = EndOfData::new();
        while !self.inbox.feed(|bytes| end.feed(bytes)) {
            if end.size() > hopeless {
                self.write(&Reply::lines("552 5.3.4 message too big, closing"))
                    .await?;
                return Err(End::Close);
            }
            self.fill().await?;
        }
        let answer = verbs::content(&self.shared.options.server, end.size());
        self.step(Command::Content, b"", answer, false).await
    }

    async fn bdat(&mut self, argument: &[u8]) -> Result<Next, End> {
        let chunk = Bdat::parse(argument).filter(|_| self.shared.options.server.offers("CHUNKING"));
        let mut total = self
            .session
            .transaction
            .map_or(0, |transaction| transaction.size);
        if let Some(chunk) = chunk {
            let mut left = chunk.size;
            loop {
                left -= self.inbox.skip(left);
                if left == 0 {
                    break;
                }
                self.fill().await?;
            }
            total = total.saturating_add(chunk.size);
            if let Some(transaction) = &mut self.session.transaction {
                transaction.size = total;
            }
        }
        let answer = verbs::bdat(&self.shared.options.server, &self.session, chunk, total);
        let last = chunk.is_some_and(|chunk| chunk.last);
        self.step(Command::Bdat, argument, answer, last).await
    }

    /// Answers a step, with the default or as a rule says, and draws the conclusion.
    async fn step(
        &mut self,
        command: Command,
        argument: &[u8],
        default: &str,
        last: bool,
    ) -> Result<Next, End> {
        let (phase, nth) = self.session.enter(command);
        let step = Step {
            connection: self.number,
            phase,
            command,
            nth,
            argument,
            tls: self.session.tls,
        };
        let shared = Arc::clone(&self.shared);
        let script = &shared.options.script;
        let Some((place, rule)) = script.select(&step) else {
            let reply = Reply::lines(default);
            self.write(&reply).await?;
            self.count_error(default).await?;
            return Ok(self.settle(command, reply.code(), last));
        };
        let (reply, then) = match &rule.action {
            Action::Reply { reply, then } => (reply, *then),
            Action::End(ending) => {
                script.fire(place);
                return Err((*ending).into());
            }
        };
        self.write(reply).await?;
        script.fire(place);
        let next = self.settle(command, reply.code(), last);
        match then {
            Some(ending) => Err(ending.into()),
            None => Ok(next),
        }
    }

    fn settle(&mut self, command: Command, code: Option<u16>, last: bool) -> Next {
        let before = self.session.authenticated;
        let next = self.session.settle(command, code, last);
        if self.session.authenticated && !before {
            let authenticated: &AtomicU32 = &self.shared.counts.authenticated;
            authenticated.fetch_add(1, Ordering::Relaxed);
        }
        next
    }

    /// Gives up on a client that does nothing but make mistakes.
    async fn count_error(&mut self, reply: &str) -> Result<(), End> {
        self.errors += u32::from(reply.starts_with('5'));
        if self.errors < MAX_ERRORS {
            return Ok(());
        }
        self.write(&Reply::lines("421 4.7.0 too many errors, closing"))
            .await?;
        Err(End::Close)
    }

    /// Does the TLS handshake as the server.
    async fn handshake(&mut self) -> Result<(), End> {
        if self.first_byte().await? != tls::HANDSHAKE_RECORD {
            // Not TLS. A real server would send an alert, which the client could take for an answer: say nothing, and
            // record what it says until it has enough.
            loop {
                self.fill().await.map_err(|end| match end {
                    // A farewell in clear has no place here.
                    End::Idle | End::Stopped => End::Close,
                    other => other,
                })?;
                self.inbox.clear();
            }
        }
        let shared = Arc::clone(&self.shared);
        let (Some(Stream::Clear(stream)), Some(identity)) = (self.stream.take(), &shared.identity)
        else {
            return Err(End::Close);
        };
        let acceptor = identity.acceptor(stream.key_log());
        let accepting = acceptor.accept(stream).into_fallible();
        match timeout(shared.options.idle, accepting).await {
            Ok(Ok(stream)) => {
                self.stream = Some(Stream::Tls(Box::new(stream)));
                self.session.tls = true;
                Ok(())
            }
            Ok(Err((_, stream))) => {
                self.stream = Some(Stream::Clear(stream));
                Err(End::Close)
            }
            // The stream went down with the handshake: the socket is closed, and the capture shows no more than that.
            Err(_) => Err(End::Failed),
        }
    }

    /// Looks at the first byte of a handshake without taking it.
    async fn first_byte(&mut self) -> Result<u8, End> {
        let idle = self.shared.options.idle;
        let mut byte = [0];
        let Some(Stream::Clear(stream)) = &self.stream else {
            // TLS inside TLS: the client asked for it again, and a rule said yes.
            return Err(End::Close);
        };
        let peeked = tokio::select! {
            peeked = timeout(idle, stream.get_ref().peek(&mut byte)) => peeked,
            () = told_to_stop(&mut self.stopped, self.shared.options.grace) => return Err(End::Close),
        };
        match peeked {
            Err(_) => Err(End::Close),
            // The end of the stream, or an error, is taken from the stream itself, so that the tap sees it.
            Ok(Ok(0) | Err(_)) => match self.fill().await {
                Ok(()) => Err(End::Close),
                Err(end) => Err(end),
            },
            Ok(Ok(_)) => Ok(byte[0]),
        }
    }

    async fn line(&mut self) -> Result<Line, End> {
        loop {
            if let Some(line) = self.inbox.line(AUTH_LIMIT) {
                return Ok(line);
            }
            self.fill().await?;
        }
    }

    /// Reads some bytes into the inbox.
    async fn fill(&mut self) -> Result<(), End> {
        let mut buffer = [0; READ];
        let Some(stream) = &mut self.stream else {
            return Err(End::Failed);
        };
        let read = tokio::select! {
            read = stream.read(&mut buffer) => read?,
            () = sleep(self.shared.options.idle) => return Err(End::Idle),
            () = told_to_stop(&mut self.stopped, self.shared.options.grace) => return Err(End::Stopped),
        };
        if read == 0 {
            return Err(End::Eof);
        }
        self.inbox.push(buffer.get(..read).unwrap_or_default());
        Ok(())
    }

    async fn write(&mut self, reply: &Reply) -> Result<(), End> {
        let Some(stream) = &mut self.stream else {
            return Err(End::Failed);
        };
        reply::write(stream, reply, self.shared.options.idle).await?;
        Ok(())
    }
}

impl From<Ending> for End {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Close => Self::Close,
            Ending::Reset => Self::Reset,
        }
    }
}

/// Completes a grace period after the server was told to stop.
async fn told_to_stop(stopped: &mut watch::Receiver<bool>, grace: std::time::Duration) {
    // An error means that the server is gone, which is a stop too.
    let _ = stopped.wait_for(|stopped| *stopped).await;
    sleep(grace).await;
}

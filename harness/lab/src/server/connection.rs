//! One connection, from the greeting to the last FIN.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::time::timeout;
use wire::Timestamp;

use super::Shared;
use super::auth::{self, Progress};
use super::custody::Keeping;
use super::inbox::Line;
use super::limits::{Ended, Limit};
use super::link::{End, Link};
use super::listeners::Arrival;
use super::script::Step;
use super::session::{Next, Session};
use super::sockets::Opening;
use super::verbs::{self, Bdat};
use crate::scenario::{Action, Command, Ending, Phase, Reply, TlsMode};
use crate::tap::Tap;

/// Longest command line. RFC 5321 section 4.5.3.1.4 asks for 512 bytes, and extensions add to it: DSN alone 600
/// (RFC 3461 section 5.4).
const COMMAND_LIMIT: usize = 2048;

/// Refused commands after which the server gives up on a client.
const MAX_ERRORS: u32 = 100;

/// What a rule said.
pub(super) struct Said {
    /// What its reply means to a client; `None` where it means nothing.
    pub(super) code: Option<u16>,
    /// How the connection ends after it, if it does.
    pub(super) then: Option<Ending>,
}

/// Commands and responses after which a client without an accepted message is not expected to come to one.
const MOST_STEPS: u32 = 10_000;

/// A connection being served.
pub(super) struct Connection {
    pub(super) shared: Arc<Shared>,
    pub(super) number: u32,
    /// When it was accepted.
    pub(super) since: Timestamp,
    pub(super) peer: SocketAddr,
    pub(super) link: Link,
    /// Whether it begins with a TLS handshake.
    implicit: bool,
    /// Why it is not served at all.
    refused: Option<Limit>,
    pub(super) session: Session,
    errors: u32,
    /// Since the last accepted message.
    steps: u32,
    challenges: u32,
    /// The message on its way into custody.
    pub(super) keeping: Option<Keeping>,
    /// Messages whose content was begun, where somebody takes custody of them.
    pub(super) messages: u32,
}

impl Connection {
    pub(super) fn new(shared: Arc<Shared>, number: u32, arrival: Arrival, tap: Tap) -> Self {
        let options = &shared.options;
        let Arrival {
            stream,
            peer,
            opening,
            refused,
            stop,
        } = arrival;
        let link = Link::new(stream, tap, stop, Arc::clone(&shared));
        Self {
            link,
            implicit: opening == Opening::Tls || options.server.tls == TlsMode::Implicit,
            refused,
            since: shared.options.clock.now(),
            shared,
            number,
            peer,
            session: Session::new(false),
            errors: 0,
            steps: 0,
            challenges: 0,
            keeping: None,
            messages: 0,
        }
    }

    /// Serves it to its end.
    pub(super) async fn serve(mut self) {
        let session = self.shared.options.session;
        let end = match timeout(session, self.dialogue()).await {
            Ok(Ok(())) => End::Close,
            Ok(Err(end)) => end,
            Err(_) => End::Limit(Limit::Session(session)),
        };
        if let End::Limit(limit) = end {
            self.shared.whole.ended.add(Ended {
                connection: self.number,
                peer: self.peer,
                limit,
            });
        }
        let end = match end {
            // No reply can be said where TLS is to come first.
            End::Limit(limit) if limit.is_refusal() && self.implicit => End::Close,
            end => end,
        };
        self.link.end(end).await;
    }

    async fn dialogue(&mut self) -> Result<(), End> {
        if let Some(limit) = self.refused {
            return Err(End::Limit(limit));
        }
        if self.implicit {
            self.handshake().await?;
        }
        let shared = Arc::clone(&self.shared);
        if let Some(lines) = shared.options.script.dialogue(self.number) {
            return self.follow(lines).await;
        }
        let greeting = verbs::greeting(&self.shared.options.server);
        let mut next = self.step(Command::Greeting, b"", &greeting, false).await?;
        loop {
            next = match next {
                Next::Command => self.command().await?,
                Next::Response => self.response().await?,
                Next::Content => self.content().await?,
                Next::Tls => {
                    self.handshake().await?;
                    self.session.secure();
                    Next::Command
                }
                Next::Close => return Ok(()),
            };
        }
    }

    async fn command(&mut self) -> Result<Next, End> {
        let line = match self.link.line().await? {
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
        let line = match self.link.line().await? {
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

    async fn bdat(&mut self, argument: &[u8]) -> Result<Next, End> {
        let chunk = Bdat::parse(argument).filter(|_| self.shared.options.server.offers("CHUNKING"));
        let mut total = self
            .session
            .transaction
            .as_ref()
            .map_or(0, |transaction| transaction.size);
        if let Some(chunk) = chunk {
            // What is said to come is not believed: so much is read, and no more.
            let most = self.hopeless();
            if self.session.transaction.is_some() {
                self.begin_keeping();
            }
            self.link
                .skip(chunk.size.min(most), self.keeping.as_mut())
                .await?;
            if chunk.size > most {
                return Err(End::Limit(Limit::Content(most)));
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
        let entered = self.session.enter(command);
        self.answer(entered, command, argument, default, last).await
    }

    /// As [`Self::step`], for a step that was entered before.
    pub(super) async fn answer(
        &mut self,
        (phase, nth): (Phase, u32),
        command: Command,
        argument: &[u8],
        default: &str,
        last: bool,
    ) -> Result<Next, End> {
        self.steps += 1;
        if self.steps > MOST_STEPS {
            return Err(End::Limit(Limit::Commands(self.steps)));
        }
        let step = Step {
            connection: self.number,
            phase,
            command,
            nth,
            argument,
            tls: self.session.tls,
        };
        self.link.before_tls = command == Command::StartTls;
        let shared = Arc::clone(&self.shared);
        let selected = shared.options.script.select(&step);
        let action = selected.map(|(_, rule)| &rule.action);
        if let Some(refusal) = self.keep(command, last, action, default).await {
            let reply = Reply::lines(&refusal);
            self.link.write(&reply).await?;
            return Ok(self.settle(command, reply.code(), last));
        }
        if let Some((place, rule)) = selected
            && let Some(said) = self.carry_out(place, &rule.action, default).await?
        {
            let next = self.settle(command, said.code, last);
            self.remember(command, argument, said.code);
            return match said.then {
                Some(ending) => Err(ending.into()),
                None => Ok(next),
            };
        }
        let reply = Reply::lines(default);
        let code = reply.code();
        if command == Command::Quit && matches!(code, Some(200..=299)) {
            self.link.write_last(&reply).await?;
        } else {
            self.link.write(&reply).await?;
        }
        self.count_error(default)?;
        let next = self.settle(command, code, last);
        self.remember(command, argument, code);
        Ok(next)
    }

    /// Keeps what the envelope needs, where somebody takes custody of messages.
    fn remember(&mut self, command: Command, argument: &[u8], code: Option<u16>) {
        let refused = command == Command::Bdat && !matches!(code, Some(200..=299));
        if refused || matches!(command, Command::Rset | Command::Ehlo | Command::Helo) {
            // A message whose chunks are not all accepted is forgotten.
            self.keeping = None;
        }
        let custody = self.shared.options.custody.as_ref();
        let wanted = custody.is_some_and(|custody| custody.wants_content());
        if wanted && matches!(code, Some(200..=299)) {
            self.session.remember(command, argument);
        }
    }

    /// Does what a rule says, and counts it once that is done. `None` where the default is still to come.
    pub(super) async fn carry_out(
        &mut self,
        place: usize,
        action: &Action,
        default: &str,
    ) -> Result<Option<Said>, End> {
        let said = match action {
            Action::Reply { reply, drip, then } => {
                let reply = reply.resolve(default);
                if reply.says_nothing() {
                    // Silence is there from its first moment; a client need not sit it out.
                    self.shared.options.script.fire(place);
                    self.link.write(&reply).await?;
                    return Ok(Some(Said {
                        code: None,
                        then: *then,
                    }));
                }
                if *drip {
                    self.link.write_in(&reply, Some(NonZeroUsize::MIN)).await?;
                } else {
                    self.link.write(&reply).await?;
                }
                Some(Said {
                    code: reply.code(),
                    then: *then,
                })
            }
            Action::End(ending) => {
                self.shared.options.script.fire(place);
                return Err((*ending).into());
            }
            Action::StopReading(pause) => {
                self.link.pause(*pause).await?;
                None
            }
        };
        self.shared.options.script.fire(place);
        Ok(said)
    }

    pub(super) fn settle(&mut self, command: Command, code: Option<u16>, last: bool) -> Next {
        let before = self.session.authenticated;
        let accepted = self.session.accepted;
        let next = self.session.settle(command, code, last);
        if self.session.accepted > accepted {
            self.steps = 0;
            let accepted: &AtomicU32 = &self.shared.whole.counts.accepted;
            accepted.fetch_add(1, Ordering::Relaxed);
        }
        if self.session.authenticated && !before {
            let authenticated: &AtomicU32 = &self.shared.whole.counts.authenticated;
            authenticated.fetch_add(1, Ordering::Relaxed);
        }
        next
    }

    /// Gives up on a client that does nothing but make mistakes.
    fn count_error(&mut self, reply: &str) -> Result<(), End> {
        self.errors += u32::from(reply.starts_with('5'));
        if self.errors < MAX_ERRORS {
            return Ok(());
        }
        Err(End::Limit(Limit::Refusals(self.errors)))
    }

    /// Does the TLS handshake as the server.
    pub(super) async fn handshake(&mut self) -> Result<(), End> {
        let identity = self.shared.identity.as_ref().ok_or(End::Close)?;
        self.link.secure(identity).await?;
        self.session.tls = true;
        Ok(())
    }
}

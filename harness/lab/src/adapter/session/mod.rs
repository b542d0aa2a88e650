//! The dialogue: one connection, one message, and no pipelining unless it is asked for (RFC 5321 section 3).

mod chunks;
mod connection;
mod envelope;
mod failure;
mod group;
mod misread;
pub mod relay;
mod secure;
mod stream;
mod wire_form;

use std::net::SocketAddr;
use std::time::Duration;

pub(super) use connection::{Connection, Reply};
pub(super) use failure::Failure;
pub(super) use stream::Stream;

use super::auth::{self, Plan};
use super::compose::Mail;
use super::config::Config;
use super::environment::Environment;
use super::trace::Step;
use super::twin::{Twin, Twins};
use wire_form::{Stuffed, wire_form};

/// How long a twin without patience waits for room to write.
const IMPATIENCE: Duration = Duration::from_millis(50);

/// What an attempt needs to know.
pub(super) struct Context<'a> {
    pub(super) config: &'a Config,
    pub(super) twins: &'a Twins,
    pub(super) environment: &'a mut Environment,
    pub(super) mail: &'a Mail,
    pub(super) server: SocketAddr,
    /// Whether this is not the first attempt.
    pub(super) again: bool,
}

/// Connects and transmits once.
pub(super) async fn attempt(context: Context<'_>) -> (Result<(), Failure>, Vec<Step>) {
    let patience = if context.twins.has(Twin::WaitsForGood) {
        context.config.timeout.saturating_mul(100)
    } else {
        context.config.timeout
    };
    match Connection::open(context.server, patience, &context.environment.network).await {
        Ok(connection) => transmit(connection, context).await,
        Err(failure) => (Err(failure), Vec::new()),
    }
}

/// Transmits over a connection that is already open.
pub(super) async fn transmit(
    mut connection: Connection,
    context: Context<'_>,
) -> (Result<(), Failure>, Vec<Step>) {
    connection.misbehave(context.twins.clone());
    let mut session = Session {
        connection,
        context,
        offers: Offers::default(),
        refused: Vec::new(),
        left: false,
        logged_in: false,
        greeted: false,
    };
    let mut result = session.dialogue().await;
    if result.is_err() && session.is(Twin::RepeatsReplies) {
        result = Err(Failure::Repeated(
            session.connection.last_refusal().to_owned(),
        ));
    }
    let sound = match &result {
        Ok(()) => !session.left,
        Err(failure) => failure.leaves_the_dialogue_sound(),
    };
    if sound {
        session.quit().await;
    }
    session.connection.close().await;
    let result = match result {
        Err(Failure::Refused {
            code: 421 | 552, ..
        }) if session.is(Twin::BusyIsSent) => Ok(()),
        result => result,
    };
    (result, session.connection.into_steps())
}

/// What the server offered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Offers {
    keywords: Vec<String>,
    mechanisms: Vec<String>,
    /// The longest message that the server announced to take (RFC 1870 section 3).
    size: Option<u64>,
}

impl Offers {
    fn read(reply: &Reply) -> Self {
        let mut offers = Self::default();
        for line in reply.lines.iter().skip(1) {
            let line = line.to_ascii_uppercase();
            let mut words = line.split_ascii_whitespace();
            let Some(first) = words.next() else { continue };
            // `AUTH=LOGIN` is the spelling from before there was a standard.
            let (keyword, glued) = first.split_once('=').unwrap_or((first, ""));
            offers.keywords.push(keyword.to_owned());
            if keyword == "SIZE" {
                let limit = words.next().and_then(|limit| limit.parse().ok());
                offers.size = limit.filter(|limit| *limit > 0);
                continue;
            }
            if keyword == "AUTH" {
                let glued = Some(glued).filter(|one| !one.is_empty());
                offers
                    .mechanisms
                    .extend(glued.into_iter().chain(words).map(str::to_owned));
            }
        }
        offers
    }

    fn has(&self, keyword: &str) -> bool {
        self.keywords.iter().any(|one| one == keyword)
    }
}

struct Session<'a> {
    connection: Connection,
    context: Context<'a>,
    offers: Offers,
    /// Recipients that were refused, each with the code.
    refused: Vec<(String, u16)>,
    /// Whether a twin is done with the server.
    left: bool,
    /// Whether a twin is done with logging in.
    logged_in: bool,
    /// Whether the server granted a session.
    greeted: bool,
}

impl Session<'_> {
    async fn dialogue(&mut self) -> Result<(), Failure> {
        if self.begins_with_tls() {
            self.upgrade().await?;
        }
        if self.is(Twin::SpeaksFirst) {
            let name = &self.context.config.ehlo;
            self.connection.say(&format!("EHLO {name}")).await?;
            positive("the connection", &self.connection.reply().await?)?;
            self.connection.reply().await?;
        } else {
            let greeting = self.connection.reply().await?;
            if !self.is(Twin::IgnoresRefusedGreeting) {
                positive("the connection", &greeting)?;
            }
        }
        if self.is(Twin::StartsWithMail) {
            let line = format!("MAIL FROM:<{}>", self.context.mail.from);
            let _ = self.connection.command(&line).await?;
        }
        self.hello().await?;
        self.greeted = true;
        self.secure().await?;
        self.fits()?;
        if self.is(Twin::OneByOne) {
            return self.one_by_one().await;
        }
        if self.is(Twin::PipelinesPastAuth) {
            self.past_auth().await?;
        }
        if self.pipelines() {
            self.authenticate().await?;
            return self.group().await;
        }
        let mut first = self.authenticate_and_send_mail().await;
        if let Err(Failure::Refused {
            code: 530 | 538, ..
        }) = first
            && self.is(Twin::StarttlsWhenRequired)
            && !self.connection.is_tls()
        {
            self.starttls().await?;
            self.hello().await?;
            first = self.authenticate_and_send_mail().await;
        }
        first?;
        self.recipients().await?;
        if self.is(Twin::GivesUpBeforeData) {
            return Ok(());
        }
        self.data().await?;
        if self.is(Twin::AsksForMail) {
            self.ask_for_mail().await;
        }
        Ok(())
    }

    fn is(&self, twin: Twin) -> bool {
        self.context.twins.has(twin)
    }

    /// EHLO, and HELO where the server does not know it (RFC 5321 section 3.2).
    async fn hello(&mut self) -> Result<(), Failure> {
        let name = self.name();
        if self.is(Twin::SaysHelo) {
            let line = format!("HELO {name}");
            return positive("HELO", &self.connection.command(&line).await?);
        }
        let reply = self.connection.command(&format!("EHLO {name}")).await?;
        if self.is(Twin::IgnoresRefusedEhlo) || self.is(Twin::IgnoresRefusedGreeting) {
            self.offers = Offers::read(&reply);
            return Ok(());
        }
        if reply.is_permanent() {
            self.offers = Offers::default();
            return positive(
                "HELO",
                &self.connection.command(&format!("HELO {name}")).await?,
            );
        }
        positive("EHLO", &reply)?;
        self.offers = Offers::read(&reply);
        Ok(())
    }

    /// The name that it gives in EHLO.
    fn name(&self) -> String {
        let name = &self.context.config.ehlo;
        if self.is(Twin::HelloByAddress) {
            "[127.0.0.1]".to_owned()
        } else if self.is(Twin::MalformedHello) {
            name.replace('.', "_")
        } else if self.is(Twin::BareHostName) {
            name.split('.').next().unwrap_or(name).to_owned()
        } else {
            name.clone()
        }
    }

    /// Says good-bye. Whatever the server makes of it, the message was accepted or refused before.
    async fn quit(&mut self) {
        let _ = match () {
            () if self.is(Twin::LeavesWithoutQuit) => Ok(()),
            () if self.is(Twin::LeavesWhenRefused) && !self.greeted => Ok(()),
            () if self.is(Twin::DoesNotWaitForGoodbye) => self.connection.say("QUIT").await,
            () => self.connection.command("QUIT").await.map(drop),
        };
    }

    /// Whether the message is short enough for the server, as far as it says.
    fn fits(&self) -> Result<(), Failure> {
        let octets = self.context.mail.octets(self.offers.has("DSN"));
        match self.offers.size {
            Some(limit) if octets > limit && !self.is(Twin::IgnoresSize) => {
                Err(Failure::TooLong { octets, limit })
            }
            _ => Ok(()),
        }
    }

    fn message(&self) -> Vec<u8> {
        self.context.mail.message(self.offers.has("DSN"))
    }

    async fn authenticate_and_send_mail(&mut self) -> Result<(), Failure> {
        self.authenticate().await?;
        let line = self.mail_line()?;
        positive("MAIL", &self.connection.command(&line).await?)
    }

    async fn authenticate(&mut self) -> Result<(), Failure> {
        if self.logged_in || (self.context.again && self.is(Twin::LogsInOnce)) {
            return Ok(());
        }
        let Context {
            config,
            twins,
            environment,
            ..
        } = &mut self.context;
        match auth::plan(config, twins, &self.offers.mechanisms) {
            Plan::Skip => {}
            Plan::Try(order) => {
                let connection = &mut self.connection;
                let result =
                    auth::authenticate(connection, config, twins, environment, &order).await;
                match result {
                    Err(Failure::Refused { .. } | Failure::Challenge(_))
                        if twins.has(Twin::IgnoresRefusedAuth) => {}
                    other => other?,
                }
                if twins.has(Twin::AuthenticatesTwice) {
                    let _ =
                        auth::authenticate(connection, config, twins, environment, &order).await;
                }
            }
            Plan::GiveUp(mechanism) => return Err(Failure::NotOffered(mechanism)),
        }
        Ok(())
    }

    /// One RCPT each. All are tried; those that are refused are told when the others have the message.
    async fn recipients(&mut self) -> Result<(), Failure> {
        let all = &self.context.mail.recipients;
        let forgotten = usize::from(self.is(Twin::ForgetsARecipient) && all.len() > 1);
        for recipient in &all[..all.len() - forgotten] {
            let line = self.rcpt_line(recipient);
            let reply = self.connection.command(&line).await?;
            self.take_rcpt(recipient, &reply)?;
        }
        let all = self.refused.len() == self.context.mail.recipients.len();
        let too_many = all || self.is(Twin::GivesUpForOne);
        if self.refused.is_empty() || !too_many || self.is(Twin::DataWithoutRecipients) {
            return Ok(());
        }
        let _ = self.connection.command("RSET").await?;
        Err(Failure::Recipients(std::mem::take(&mut self.refused)))
    }

    fn take_rcpt(&mut self, recipient: &str, reply: &Reply) -> Result<(), Failure> {
        if reply.code == 421 {
            return Err(Failure::Refused {
                command: "RCPT",
                code: 421,
            });
        }
        if !reply.is_positive() {
            let code = self.taken_for(reply);
            self.refused.push((recipient.to_owned(), code));
        }
        Ok(())
    }

    async fn data(&mut self) -> Result<(), Failure> {
        let wanted = self.context.config.transfer.chunking || self.context.mail.binary();
        if wanted && self.offers.has("CHUNKING") {
            self.chunks().await?;
            return self.missed();
        }
        let reply = self.connection.command("DATA").await?;
        if reply.code != 354 && !self.is(Twin::IgnoresRefusedData) {
            return Err(Failure::Refused {
                command: "DATA",
                code: reply.code,
            });
        }
        self.content().await
    }

    /// Sends the message, and says whom it did not reach.
    async fn content(&mut self) -> Result<(), Failure> {
        if !wire_form::is_odd(self.context.twins) {
            let mail = self.context.mail;
            let head = mail.head(self.offers.has("DSN"));
            let content = Stuffed::new(&head, mail.body());
            self.connection.stuffed(content).await?;
            return self.after_content().await;
        }
        let wire = wire_form(self.context.twins, &self.message());
        if self.is(Twin::ImpatientWriter) {
            self.connection.wait_no_longer_than(IMPATIENCE);
        }
        if self.is(Twin::LeavesEarly) {
            self.left = true;
            return self.connection.bytes(&wire, "content").await;
        }
        self.connection.bytes(&wire, "content").await?;
        self.after_content().await
    }

    /// What the server says to the message, and whom it did not reach.
    async fn after_content(&mut self) -> Result<(), Failure> {
        let reply = self.connection.reply().await?;
        if self.is(Twin::IgnoresFinalReply) {
            return Ok(());
        }
        positive("the message", &reply)?;
        self.missed()
    }

    /// The recipients that were refused, where there are any.
    fn missed(&mut self) -> Result<(), Failure> {
        let mut missed = std::mem::take(&mut self.refused);
        if self.is(Twin::ForgetsDeferred) {
            missed.retain(|(_, code)| code / 100 != 4);
        }
        if missed.is_empty() || self.is(Twin::SomeIsAll) {
            return Ok(());
        }
        Err(Failure::Recipients(missed))
    }

    /// What only a receiver would say (RFC 1985, RFC 821 section 3.8).
    async fn ask_for_mail(&mut self) {
        let domain = self
            .context
            .mail
            .from
            .rsplit_once('@')
            .map_or("example.test", |(_, domain)| domain);
        if self
            .connection
            .command(&format!("ETRN {domain}"))
            .await
            .is_ok()
        {
            let _ = self.connection.command("TURN").await;
        }
    }
}

fn positive(command: &'static str, reply: &Reply) -> Result<(), Failure> {
    if reply.is_positive() {
        Ok(())
    } else {
        Err(Failure::Refused {
            command,
            code: reply.code,
        })
    }
}

#[cfg(test)]
mod tests;

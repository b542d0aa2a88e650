//! The dialogue of a relay: messages of others, one behind the other over one connection, each with an answer for each of its
//! recipients (RFC 5321 sections 3.6 and 4.2).

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::lookup_host;
use tokio::time::timeout;

use super::super::client_tls::Trust;
use super::super::network::{Host, Network};
use super::connection::{Connection, Reply};
use super::failure::Failure;
use super::wire_form::Stuffing;
use super::{Offers, positive};

/// How much content is read, and written, at a time.
const PIECE: usize = 64 << 10;

/// What is quoted of a reply.
const MOST_QUOTED: usize = 400;

/// Whether TLS is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tls {
    /// Not at all.
    Never,
    /// Where it is offered, with whatever certificate, and without it where it does not come about (RFC 7435).
    #[default]
    IfOffered,
    /// Always, with a certificate that can be trusted.
    Required,
}

/// The server that messages are passed on to.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// What it is greeted with.
    pub ehlo: String,
    /// Whether TLS is used.
    pub tls: Tls,
    /// Whose certificates are trusted, where they matter (PEM, one or more).
    pub authority: String,
    /// The longest wait for a connection, a reply, or room to write. The reply to the content may take twice as long
    /// (RFC 5321 section 4.5.3.2.6).
    pub timeout: Duration,
}

/// A recipient, with the parameters that a delivery report needs (RFC 3461).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient<'a> {
    /// The mailbox.
    pub mailbox: &'a str,
    /// `NOTIFY=…` and `ORCPT=…`, as they came.
    pub parameters: &'a [String],
}

/// A message as its client gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission<'a> {
    /// The sender's mailbox; empty for the null path.
    pub from: &'a str,
    /// `RET=…` and `ENVID=…`, as they came.
    pub parameters: &'a [String],
    /// Who has not got it yet.
    pub recipients: &'a [Recipient<'a>],
    /// The field that says whose hands it went through (RFC 5321 section 4.4), with its line end. It goes on top.
    pub trace: &'a str,
    /// Octets of its content, without that field.
    pub octets: u64,
    /// Whether there are octets outside ASCII in it.
    pub eight_bit: bool,
    /// Whether they are in its header or in an address (RFC 6531).
    pub utf8: bool,
}

/// What became of a recipient. Each with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The server answers for it now.
    Taken(String),
    /// It is to be tried again.
    Later(String),
    /// There is no use in trying again.
    Never(String),
}

/// The connection cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreached(String);

/// A connection that is ready for messages.
pub struct Session {
    connection: Connection,
    offers: Offers,
    reply_time: (Duration, Duration),
    sound: bool,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

impl Session {
    /// Connects, says EHLO, and starts TLS as far as that is wanted.
    ///
    /// # Errors
    ///
    /// The server is not there, does not want to talk, or TLS is required and does not come about.
    pub async fn open(upstream: &Upstream) -> Result<Self, Unreached> {
        let unreached = |failure: &Failure| Unreached(failure.to_string());
        let network = network(upstream).await?;
        match Self::attempt(upstream, &network, upstream.tls).await {
            Err(
                Failure::Tls(_)
                | Failure::Refused {
                    command: "STARTTLS",
                    ..
                },
            ) if upstream.tls == Tls::IfOffered => {
                let clear = Self::attempt(upstream, &network, Tls::Never).await;
                clear.map_err(|failure| unreached(&failure))
            }
            other => other.map_err(|failure| unreached(&failure)),
        }
    }

    async fn attempt(upstream: &Upstream, network: &Network, tls: Tls) -> Result<Self, Failure> {
        let first = network
            .hosts
            .first()
            .and_then(|host| host.addresses.first());
        let server = *first.ok_or(Failure::Closed)?;
        let connection = Connection::open(server, upstream.timeout, network).await?;
        let mut this = Self {
            connection,
            offers: Offers::default(),
            reply_time: (upstream.timeout, upstream.timeout.saturating_mul(2)),
            sound: true,
        };
        positive("the connection", &this.connection.reply().await?)?;
        this.hello(&upstream.ehlo).await?;
        match (tls, this.offers.has("STARTTLS")) {
            (Tls::Never, _) | (Tls::IfOffered, false) => return Ok(this),
            (Tls::Required, false) => return Err(Failure::NotOffered("STARTTLS")),
            (Tls::IfOffered | Tls::Required, true) => {}
        }
        let trust = match tls {
            Tls::Required => Trust::Authority(upstream.authority.clone()),
            Tls::Never | Tls::IfOffered => Trust::Anyone,
        };
        this.starttls(server, &trust).await?;
        // What was learned in clear is worth nothing now (RFC 3207 section 4.2).
        this.hello(&upstream.ehlo).await?;
        Ok(this)
    }

    async fn starttls(&mut self, server: SocketAddr, trust: &Trust) -> Result<(), Failure> {
        let reply = self.connection.command("STARTTLS").await?;
        if reply.code != 220 {
            return Err(Failure::Refused {
                command: "STARTTLS",
                code: reply.code,
            });
        }
        // Whoever breaks off in the handshake does not do TLS, either.
        match self.connection.upgrade(server, trust).await {
            Err(Failure::Io(kind)) => Err(Failure::Tls(kind.to_string())),
            other => other,
        }
    }

    async fn hello(&mut self, name: &str) -> Result<(), Failure> {
        let reply = self.connection.command(&format!("EHLO {name}")).await?;
        if reply.is_permanent() {
            self.offers = Offers::default();
            let reply = self.connection.command(&format!("HELO {name}")).await?;
            return positive("HELO", &reply);
        }
        positive("EHLO", &reply)?;
        self.offers = Offers::read(&reply);
        Ok(())
    }

    /// Whether another message can go over this connection.
    pub const fn is_sound(&self) -> bool {
        self.sound
    }

    /// Passes a message on, and says what became of each recipient, in their order.
    ///
    /// `ending` is asked right before the content ends: from there on the message may have been taken, whatever is heard.
    /// Where it says no, nothing is ended.
    pub async fn deliver(
        &mut self,
        message: &Submission<'_>,
        content: &mut (dyn AsyncRead + Unpin + Send),
        ending: &mut (dyn FnMut() -> bool + Send),
    ) -> Vec<Answer> {
        let mut answers = vec![None; message.recipients.len()];
        let rest = match self.transact(message, content, ending, &mut answers).await {
            Ok(rest) => rest,
            Err(failure) => {
                self.sound = false;
                Answer::Later(failure.to_string())
            }
        };
        let each = answers.into_iter();
        each.map(|answer| answer.unwrap_or_else(|| rest.clone()))
            .collect()
    }

    /// Gives the answer for those recipients that have none of their own.
    async fn transact(
        &mut self,
        message: &Submission<'_>,
        content: &mut (dyn AsyncRead + Unpin + Send),
        ending: &mut (dyn FnMut() -> bool + Send),
        answers: &mut [Option<Answer>],
    ) -> Result<Answer, Failure> {
        let parameters = match self.parameters(message) {
            Ok(parameters) => parameters,
            Err(why) => return Ok(Answer::Never(why)),
        };
        let line = format!("MAIL FROM:<{}>{parameters}", message.from);
        let reply = self.command(&line).await?;
        if !reply.is_positive() {
            return self.give_up(answer(&reply)).await;
        }
        let reports = self.offers.has("DSN");
        let mut taken = 0_usize;
        for (recipient, answer_) in message.recipients.iter().zip(answers.iter_mut()) {
            let mut line = format!("RCPT TO:<{}>", recipient.mailbox);
            if reports {
                append(&mut line, recipient.parameters);
            }
            let reply = self.command(&line).await?;
            if reply.is_positive() {
                taken += 1;
            } else {
                *answer_ = Some(answer(&reply));
            }
        }
        if taken == 0 {
            // Nobody is left for this answer.
            return self.give_up(Answer::Later(String::new())).await;
        }
        let reply = self.command("DATA").await?;
        if reply.code != 354 {
            return self.give_up(answer(&reply)).await;
        }
        if !self.content(message.trace, content, ending).await? {
            self.sound = false;
            return Ok(Answer::Later("the queue cannot be written".to_owned()));
        }
        let (usual, patient) = self.reply_time;
        self.connection.wait_no_longer_than(patient);
        let reply = self.connection.reply().await;
        self.connection.wait_no_longer_than(usual);
        let reply = reply?;
        self.heed(&reply);
        Ok(answer(&reply))
    }

    async fn command(&mut self, line: &str) -> Result<Reply, Failure> {
        let reply = self.connection.command(line).await?;
        self.heed(&reply);
        if reply.code == 421 {
            return Err(Failure::Refused {
                command: "a command",
                code: 421,
            });
        }
        Ok(reply)
    }

    fn heed(&mut self, reply: &Reply) {
        self.sound &= reply.code != 421;
    }

    /// Ends the transaction without a message.
    async fn give_up(&mut self, answer: Answer) -> Result<Answer, Failure> {
        let reset = self.connection.command("RSET").await;
        self.sound &= reset.is_ok_and(|reply| reply.is_positive());
        Ok(answer)
    }

    /// What MAIL announces of the message, with a space before each, as far as the server offers it. Or why the server cannot
    /// take the message at all: content is never converted, so where eight bits are not offered that is for good (RFC 6152
    /// section 3), as are addresses outside ASCII (RFC 6531 section 3.2) and a message that is too long (RFC 1870 section 6.1).
    fn parameters(&self, message: &Submission<'_>) -> Result<String, String> {
        let octets = message.octets + message.trace.len() as u64;
        let mut line = String::new();
        if message.eight_bit {
            if !self.offers.has("8BITMIME") {
                return Err("5.6.3 it has eight bits, which the server does not take".to_owned());
            }
            line.push_str(" BODY=8BITMIME");
        }
        if message.utf8 {
            if !self.offers.has("SMTPUTF8") {
                return Err("5.6.7 it needs SMTPUTF8, which the server does not offer".to_owned());
            }
            line.push_str(" SMTPUTF8");
        }
        if self.offers.has("SIZE") {
            if let Some(limit) = self.offers.size.filter(|limit| octets > *limit) {
                return Err(format!(
                    "5.3.4 it has {octets} octets, and the server takes no more than {limit}"
                ));
            }
            let _ = write!(line, " SIZE={octets}");
        }
        if self.offers.has("DSN") {
            append(&mut line, message.parameters);
        }
        Ok(line)
    }

    /// Writes content as it is read, and its end. `false` where it was not to be ended.
    async fn content(
        &mut self,
        trace: &str,
        content: &mut (dyn AsyncRead + Unpin + Send),
        ending: &mut (dyn FnMut() -> bool + Send),
    ) -> Result<bool, Failure> {
        let mut stuffing = Stuffing::new();
        let mut wire = Vec::with_capacity(PIECE + PIECE / 8);
        stuffing.feed(trace.as_bytes(), &mut wire);
        let mut piece = vec![0; PIECE];
        loop {
            let read = content.read(&mut piece).await;
            let read = read.map_err(|error| Failure::Io(error.kind()))?;
            if read == 0 {
                break;
            }
            stuffing.feed(piece.get(..read).unwrap_or_default(), &mut wire);
            if wire.len() >= PIECE {
                self.connection.write(&wire).await?;
                wire.clear();
            }
        }
        if !ending() {
            return Ok(false);
        }
        wire.extend_from_slice(stuffing.end());
        self.connection.write(&wire).await?;
        Ok(true)
    }

    /// Says good-bye.
    pub async fn quit(mut self) {
        if self.sound {
            // Whatever is answered, the messages are answered for.
            let _ = self.connection.command("QUIT").await;
        }
        self.connection.close().await;
    }
}

fn append(line: &mut String, parameters: &[String]) {
    for parameter in parameters {
        line.push(' ');
        line.push_str(parameter);
    }
}

/// What a reply means for those whom it is about.
fn answer(reply: &Reply) -> Answer {
    let mut text = format!("{} {}", reply.code, reply.lines.join(" "));
    if let Some((end, _)) = text.char_indices().nth(MOST_QUOTED) {
        text.truncate(end);
    }
    match reply.code / 100 {
        2 => Answer::Taken(text),
        5 => Answer::Never(text),
        _ => Answer::Later(text),
    }
}

/// The server's addresses, and the name that its certificate must be for.
async fn network(upstream: &Upstream) -> Result<Network, Unreached> {
    let Upstream { host, port, .. } = upstream;
    let looked_up = timeout(upstream.timeout, lookup_host((host.as_str(), *port))).await;
    let addresses: Vec<_> = match looked_up {
        Ok(Ok(addresses)) => addresses.collect(),
        Ok(Err(error)) => return Err(Unreached(format!("{host} cannot be resolved: {error}"))),
        Err(_) => return Err(Unreached(format!("{host} is not resolved in time"))),
    };
    if addresses.is_empty() {
        return Err(Unreached(format!("{host} has no address")));
    }
    let is_address = host.parse::<std::net::IpAddr>().is_ok();
    Ok(Network {
        hosts: vec![Host {
            name: (!is_address).then(|| host.clone()),
            addresses,
        }],
        ..Network::default()
    })
}

//! One conversation as typed events. The only thing that checks see.

use std::net::SocketAddr;

use wire::{Closing, Direction, Note, Opening, Provenance, Span, Timestamp};

pub use crate::content::{Content, Form, Keep};
pub use crate::identity::{
    Bearer, BearerError, ChannelBinding, DigestMd5, GssExchange, GssMechanism, Identity,
    KerberosTicket, NtlmExchange, Scram, ScramHash,
};

use crate::Secret;
use crate::tls;

/// A value together with the bytes that it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it stood on the wire.
    pub span: Span,
}

impl<T> Located<T> {
    /// Pairs a value with its place.
    pub const fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

/// What the connection turned out to carry, judged by what was said on it and never by its port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// SMTP, at least at the beginning.
    Smtp,
    /// TLS from the first client byte on.
    ImplicitTls,
    /// Established, and neither side sent a byte.
    Silent,
    /// Something else, or too little to tell.
    Other,
}

/// What ends a line. Bare LF and missing ends are kept apart because receivers differ in what they make of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terminator {
    /// CR LF, the only one that RFC 5321 section 2.3.8 allows.
    CrLf,
    /// A bare LF.
    Lf,
    /// The stream ended, or a gap began, inside the line.
    Missing,
}

/// A client line outside message content and SASL exchanges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The verb in upper case, up to the first space: `MAIL`, `EHLO`, `STARTTLS`. Bytes outside ASCII are replaced.
    pub verb: String,
    /// What follows the verb and one space, without the line end. Lossy where it is not UTF-8.
    pub argument: String,
    /// The line as it was, without its end.
    pub raw: Vec<u8>,
    /// How the line ended.
    pub terminator: Terminator,
}

/// A server reply: one line, or several with the same code (RFC 5321 section 4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The three digits of the first line; 0 where the line does not begin with three digits.
    pub code: u16,
    /// The text of each line, after the code and its separator. Lossy where it is not UTF-8.
    pub lines: Vec<String>,
    /// The place of each line, with its end.
    pub spans: Vec<Span>,
    /// Whether the last line was seen (a space, or nothing, after its code), with its end.
    pub complete: bool,
    /// Whether every line has the code of the first (RFC 5321 section 4.2.1 demands it).
    pub agrees: bool,
}

impl Reply {
    /// 2yz.
    pub const fn is_positive(&self) -> bool {
        self.code / 100 == 2
    }

    /// 4yz or 5yz.
    pub const fn is_negative(&self) -> bool {
        matches!(self.code / 100, 4 | 5)
    }

    /// The enhanced status code at the start of the first line (RFC 3463), as `5.7.8`.
    pub fn enhanced(&self) -> Option<&str> {
        let word = self.lines.first()?.split(' ').next()?;
        let mut parts = word.split('.');
        let digits = |part: Option<&str>, most: usize| {
            part.is_some_and(|p| {
                !p.is_empty() && p.len() <= most && p.bytes().all(|b| b.is_ascii_digit())
            })
        };
        let well_formed =
            digits(parts.next(), 1) && digits(parts.next(), 3) && digits(parts.next(), 3);
        (well_formed && parts.next().is_none()).then_some(word)
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// The client said a command.
    Command(Command),
    /// The server replied. The greeting and every 334 are replies too.
    Reply(Reply),
    /// The client answered a SASL challenge (one line, RFC 4954 section 4). The bytes are a secret.
    SaslResponse(Secret),
    /// The client sent message content: [`Timeline::transactions`] has it. Index into that list.
    Content(usize),
    /// A run of TLS records in one direction.
    Tls,
    /// Bytes that fit nothing.
    Unparsed(Vec<u8>),
    /// Bytes that the capture does not hold.
    Gap,
    /// This direction ended with FIN.
    Fin,
    /// This direction ended with RST.
    Reset,
}

/// One thing that happened, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The bytes; empty (start = end) for [`EventKind::Fin`] and [`EventKind::Reset`].
    pub span: Span,
    /// When the first of these bytes was captured.
    pub time: Timestamp,
    /// Packet numbers that carried it, or, for events without bytes, the packet of the FIN or RST.
    pub packets: Vec<u64>,
    /// What it was.
    pub kind: EventKind,
}

/// A command, or the end of message content, with the reply to it. Indexes are into [`Timeline::events`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The event that asked: a [`EventKind::Command`] or [`EventKind::Content`]. Never a SASL line: those are paired in
    /// [`Authentication::challenges`] and [`Authentication::responses`], and the reply here of an `AUTH` command is its *final* one (not a 334).
    pub request: usize,
    /// The [`EventKind::Reply`] that answered it. For `DATA` it is the 354 (or refusal), for content the final reply.
    pub reply: Option<usize>,
}

/// What one EHLO reply offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// The exchange of the EHLO.
    pub exchange: usize,
    /// Keywords in upper case with their parameters as written, in order; the greeting line is not one of them.
    /// `AUTH=LOGIN` (the pre-standard form) appears as keyword `AUTH` with parameter `LOGIN`.
    pub keywords: Vec<Located<Keyword>>,
}

impl Capabilities {
    /// The line that offers `keyword` (upper case).
    pub fn get(&self, keyword: &str) -> Option<&Located<Keyword>> {
        self.keywords.iter().find(|k| k.value.name == keyword)
    }

    /// Every mechanism offered, in upper case, over all AUTH lines, each once.
    pub fn mechanisms(&self) -> Vec<String> {
        let mut all = Vec::new();
        for parameter in self
            .keywords
            .iter()
            .filter(|k| k.value.name == "AUTH")
            .flat_map(|k| &k.value.parameters)
        {
            let mechanism = parameter.to_ascii_uppercase();
            if !all.contains(&mechanism) {
                all.push(mechanism);
            }
        }
        all
    }
}

/// One EHLO keyword line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyword {
    /// The keyword in upper case.
    pub name: String,
    /// Its parameters as written.
    pub parameters: Vec<String>,
}

/// One AUTH command and what came of it (RFC 4954).
#[derive(Clone, Debug)]
pub struct Authentication {
    /// The exchange of the AUTH command.
    pub exchange: usize,
    /// The mechanism in upper case, as asked for.
    pub mechanism: Located<String>,
    /// Everything the client sent after the mechanism name: initial response and response lines (base64 text).
    pub responses: Vec<Span>,
    /// The 334 replies, as indexes into [`Timeline::events`].
    pub challenges: Vec<usize>,
    /// How it ended.
    pub outcome: Outcome,
    /// Who the client said it is, and how it proved that.
    pub identity: Identity,
}

impl Authentication {
    /// The bytes from the AUTH command to the last response.
    pub fn span(&self) -> Span {
        self.responses
            .iter()
            .fold(self.mechanism.span, |all, one| all.join(*one))
    }
}

/// How an authentication ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// 235, or another 2yz: clients judge by the first digit.
    Accepted,
    /// Any other final reply, with its code: 4yz or 5yz as a rule.
    Refused(u16),
    /// The client sent `*`.
    Cancelled,
    /// The capture does not show the final reply.
    Unseen,
}

/// A mail transaction: MAIL, RCPT, DATA or BDAT (RFC 5321 section 3.3).
#[derive(Clone, Debug)]
pub struct Transaction {
    /// The exchange of MAIL. Where the capture does not show MAIL: of the first command of the transaction that it does
    /// show, and the reverse-path is empty.
    pub mail: usize,
    /// The reverse-path, without angle brackets.
    pub reverse_path: Located<String>,
    /// ESMTP parameters of MAIL.
    pub parameters: Vec<Located<Parameter>>,
    /// One for each RCPT, in order.
    pub recipients: Vec<Recipient>,
    /// The message; `None` where no content was sent.
    pub data: Option<Data>,
}

impl Transaction {
    /// The reverse-path and every forward-path, in order.
    pub fn paths(&self) -> impl Iterator<Item = &Located<String>> {
        let recipients = self.recipients.iter().map(|one| &one.address);
        std::iter::once(&self.reverse_path).chain(recipients)
    }

    /// The first parameter of MAIL with this keyword (in upper case).
    pub fn parameter(&self, keyword: &str) -> Option<&Located<Parameter>> {
        self.parameters.iter().find(|one| one.value.name == keyword)
    }
}

/// One RCPT command.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// The exchange of RCPT.
    pub exchange: usize,
    /// The forward-path, without angle brackets.
    pub address: Located<String>,
    /// ESMTP parameters of RCPT.
    pub parameters: Vec<Located<Parameter>>,
    /// Whether the server answered 2yz; `None` where the reply was not seen.
    pub accepted: Option<bool>,
}

/// An ESMTP parameter of MAIL or RCPT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Keyword in upper case: `SIZE`, `NOTIFY`, `AUTH`.
    pub name: String,
    /// What follows `=`, as written.
    pub value: Option<String>,
}

/// Message content as DATA or BDAT carried it.
#[derive(Clone, Debug)]
pub struct Data {
    /// The exchange of the (first) DATA or BDAT command. Where DATA itself is lost and its 354 is not: of MAIL.
    pub command: usize,
    /// The exchange whose request is the content and whose reply is the final one. Each BDAT has a content event and an
    /// exchange for its bytes, with the same reply as the command; this is then the last one.
    pub exchange: usize,
    /// All bytes of the content on the wire, dot-stuffed, with the end-of-data line.
    pub span: Span,
    /// The message after dot-unstuffing (RFC 5321 section 4.5.2), without the end-of-data line.
    pub content: Content,
    /// Line ends and the like, as they crossed the wire.
    pub form: Form,
    /// Whether the end of data was seen and no byte is missing before it.
    pub complete: bool,
    /// Whether the server's final reply was 2yz; `None` where it was not seen.
    pub accepted: Option<bool>,
}

/// TLS on the connection.
#[derive(Clone, Debug)]
pub struct Tls {
    /// How it began.
    pub start: TlsStart,
    /// All client bytes from the first TLS record on.
    pub client: Span,
    /// All server bytes from the first TLS record on.
    pub server: Span,
    /// The ClientHello, where it was captured whole.
    pub client_hello: Option<Located<tls::ClientHello>>,
    /// The ServerHello, where it was captured whole. Never a HelloRetryRequest.
    pub server_hello: Option<Located<tls::ServerHello>>,
    /// What else the handshake shows: certificates, key exchange, alerts.
    pub handshake: tls::Handshake,
    /// Whether encrypted application data went both ways: the handshake came to its end.
    pub established: bool,
    /// How far a key log opened it, and why it stopped; `None` where there was no key log.
    pub opened: Option<tls::Opened>,
}

impl Tls {
    /// Whether these bytes were sent inside TLS, though a key log may have made them readable.
    pub const fn under_tls(&self, span: Span) -> bool {
        let tls = match span.direction {
            Direction::Client => self.client,
            Direction::Server => self.server,
        };
        span.start >= tls.start
    }
}

/// How TLS began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsStart {
    /// After a STARTTLS command that was answered 220; the exchange of that command.
    StartTls(usize),
    /// With the first client bytes.
    Implicit,
}

/// One conversation, read.
#[derive(Clone, Debug)]
pub struct Timeline {
    /// Position among the connections of the capture.
    pub index: usize,
    /// The sender.
    pub client: SocketAddr,
    /// The server that it talks to.
    pub server: SocketAddr,
    /// What it speaks.
    pub protocol: Protocol,
    /// How it begins in the capture.
    pub opening: Opening,
    /// How it ends in the capture.
    pub closing: Closing,
    /// When its first packet was captured.
    pub start: Timestamp,
    /// When its last packet was captured.
    pub end: Timestamp,
    /// What happened, in the order in which it became readable.
    pub events: Vec<Event>,
    /// Requests with their replies, in the order of the requests.
    pub exchanges: Vec<Exchange>,
    /// What the server offered, one entry for each EHLO that was answered 250, in order.
    pub capabilities: Vec<Capabilities>,
    /// AUTH exchanges, in order.
    pub authentications: Vec<Authentication>,
    /// Mail transactions, in order.
    pub transactions: Vec<Transaction>,
    /// TLS, where it began.
    pub tls: Option<Tls>,
    /// Number of stream bytes seen from the client and from the server.
    pub octets: [u64; 2],
    /// Bytes that the capture does not hold.
    pub gaps: Vec<Span>,
    /// Which packet carried which byte: client, server.
    pub provenance: [Provenance; 2],
    /// Number of its first packet and of its last.
    pub packet_range: (u64, u64),
    /// Why the reader stopped following the conversation before it ended, where it did: what came after is not here.
    pub given_up: Option<String>,
    /// What was odd about the packets.
    pub notes: Vec<Note>,
}

impl Timeline {
    /// Numbers of the packets that carried `span`.
    pub fn packets(&self, span: Span) -> Vec<u64> {
        let side = match span.direction {
            Direction::Client => 0,
            Direction::Server => 1,
        };
        self.provenance[side].packets(span.start..span.end)
    }

    /// The command of an exchange; `None` where its request is message content.
    pub fn command(&self, exchange: usize) -> Option<&Command> {
        match &self.request(exchange)?.kind {
            EventKind::Command(command) => Some(command),
            _ => None,
        }
    }

    /// The event that opened an exchange.
    pub fn request(&self, exchange: usize) -> Option<&Event> {
        self.events.get(self.exchanges.get(exchange)?.request)
    }

    /// The reply of an exchange with its event.
    pub fn reply(&self, exchange: usize) -> Option<(&Event, &Reply)> {
        let event = self.events.get(self.exchanges.get(exchange)?.reply?)?;
        match &event.kind {
            EventKind::Reply(reply) => Some((event, reply)),
            _ => None,
        }
    }

    /// Every command with its event and the number of its exchange, in order.
    pub fn commands(&self) -> impl Iterator<Item = (usize, &Event, &Command)> {
        self.exchanges
            .iter()
            .enumerate()
            .filter_map(|(number, exchange)| {
                let event = self.events.get(exchange.request)?;
                match &event.kind {
                    EventKind::Command(command) => Some((number, event, command)),
                    _ => None,
                }
            })
    }

    /// Messages whose content was sent, with their transaction.
    pub fn messages(&self) -> impl Iterator<Item = (&Transaction, &Data)> {
        self.transactions
            .iter()
            .filter_map(|transaction| Some((transaction, transaction.data.as_ref()?)))
    }
}

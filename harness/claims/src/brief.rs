//! The little of a conversation that is kept when it is forgotten: what counting and comparing need.

use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::sync::LazyLock;

use smtp::Timeline;
use smtp::timeline::{Capabilities, Event, EventKind, Protocol, Reply, TlsStart};
use wire::{Opening, Span, Timestamp};

use crate::Subject;
use crate::chain::{self, EndWord, Try};
use crate::checks::signers_of;
use crate::leaks::{Body, Exposure, ProofVerdict, first_packet, is_under_tls, login};
use crate::subject::Sent;
use crate::transcript::Scrubber;

/// Longest name that is kept, in characters.
const MAX_NAME: usize = 96;

/// Logins of one conversation that are tested against the known passwords: each may take long.
const MAX_PROOFS: usize = 32;

/// Signers of one conversation that are compared with those before.
const MAX_SIGNERS: usize = 32;

/// One conversation in brief. It owns what it holds, so that it can go to another thread.
#[derive(Clone, Debug)]
pub struct Brief {
    /// What reports call the conversation.
    pub id: String,
    /// The sender.
    pub client: SocketAddr,
    /// The server that it talks to.
    pub server: SocketAddr,
    /// When its last packet was captured.
    pub end: Timestamp,
    /// What it was as an attempt at a message, where it failed for the moment or its login was refused.
    pub attempt: Option<Attempt>,
    /// Whether QUIT was answered.
    pub goodbye: bool,
    /// Whether bytes are missing from it, or the reader did not follow it to its end.
    pub holed: bool,
    /// How it stands with TLS.
    pub tls: TlsUse,
    /// The name in the greeting, in lower case.
    pub banner: Option<String>,
    /// What the first EHLO reply in clear offered.
    pub offer: Option<Offer>,
    /// Its logins.
    pub logins: Vec<Login>,
    /// Its messages.
    pub mails: Vec<Mail>,
    /// Who signed them.
    pub signers: Vec<Signer>,
}

/// How a conversation stands with TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TlsUse {
    /// TLS from the first byte on.
    Implicit,
    /// Upgraded by STARTTLS.
    Upgraded,
    /// STARTTLS was asked for, and no TLS came of it.
    Refused,
    /// STARTTLS was on offer, and was not asked for.
    PassedOver,
    /// STARTTLS was not on offer.
    NotOffered,
    /// No EHLO reply was seen.
    Unseen,
}

/// What an EHLO reply offered.
#[derive(Clone, Debug)]
pub struct Offer {
    /// Packet of the reply.
    pub packet: u64,
    /// Its bytes.
    pub span: Span,
    /// Whether STARTTLS was in it.
    pub starttls: bool,
    /// The mechanisms in it, sorted.
    pub mechanisms: Vec<String>,
    /// Whether the capture holds all of the server's bytes up to it.
    pub whole: bool,
}

/// A session that did not get its message across, and may come again.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The same for the same host, server, login and envelope, as far as the session shows them. Differs from run to run.
    pub key: u64,
    /// When it began and ended, and how.
    pub(crate) session: Try,
    /// The mechanism of its login, and how far its secret is exposed, where one got as far as a response.
    pub login: Option<(String, Exposure)>,
}

/// One login.
#[derive(Clone, Debug)]
pub struct Login {
    /// The mechanism.
    pub mechanism: String,
    /// `DOMAIN\user`, or the user.
    pub account: Option<String>,
    /// How far its secret is exposed.
    pub exposure: Exposure,
    /// What the known passwords say of it; `None` where none is known.
    pub proof: Option<ProofVerdict>,
    /// Whether it crossed under TLS.
    pub under_tls: bool,
    /// Packet of the AUTH command.
    pub packet: Option<u64>,
}

/// Who signed a message.
#[derive(Clone, Debug)]
pub struct Signer {
    /// The certificate, in words.
    pub who: String,
    /// The same for the same certificate. Differs from run to run.
    pub key: u64,
    /// The message, as [`Mail::key`].
    pub mail: u64,
    /// Packet of the first byte of the signature.
    pub packet: u64,
    /// Its place.
    pub span: Option<Span>,
}

/// One message.
#[derive(Clone, Copy, Debug)]
pub struct Mail {
    /// The same for the same message from the same host: of its Message-ID, else of its bytes. Differs from run to run.
    pub key: u64,
    /// Packet of its first byte.
    pub packet: Option<u64>,
    /// Place of the content.
    pub span: Span,
    /// Whether the server took it.
    pub accepted: Option<bool>,
    /// Whether the capture holds all of it.
    pub complete: bool,
    /// Whether its body can be read.
    pub body: Body,
    /// Whether it crossed under TLS.
    pub under_tls: bool,
}

/// Keyed at random, so that nobody can make two messages look like one.
static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// A number for a value, the same as long as the process lives.
pub(crate) fn fingerprint(value: impl std::hash::Hash) -> u64 {
    KEYS.hash_one(value)
}

impl Brief {
    /// Takes what is needed. The name is the position in the capture until [`Brief::named`] gives another.
    pub fn of(subject: &Subject<'_>) -> Self {
        let timeline = subject.timeline();
        let clear = clear_offer(timeline);
        Self {
            id: format!("conversation {}", timeline.index + 1),
            client: timeline.client,
            server: timeline.server,
            end: timeline.end,
            attempt: Attempt::of(timeline),
            goodbye: chain::said_goodbye(timeline),
            holed: !timeline.gaps.is_empty() || timeline.given_up.is_some(),
            tls: tls_use(timeline),
            banner: banner(timeline),
            offer: clear.and_then(|capabilities| Offer::of(timeline, capabilities)),
            logins: logins(subject),
            mails: subject
                .sent()
                .map(|sent| Mail::of(timeline, &sent))
                .collect(),
            signers: signers(subject),
        }
    }

    /// Gives the conversation the name that reports use.
    #[must_use]
    pub fn named(mut self, id: impl Into<String>) -> Self {
        self.id = id.into();
        self
    }
}

impl Attempt {
    fn of(timeline: &Timeline) -> Option<Self> {
        let session = Try::of(timeline);
        let may_come_again = matches!(
            session.end_word,
            EndWord::Deferred(_) | EndWord::LoginRefused(..)
        );
        if !may_come_again || timeline.opening == Opening::Midstream {
            return None;
        }
        let user = chain::user(timeline).map(str::to_lowercase);
        let envelope = timeline.transactions.last().map(|one| {
            let recipients = one.recipients.iter().map(|to| to.address.value.as_str());
            let mut recipients: Vec<_> = recipients.collect();
            recipients.sort_unstable();
            (one.reverse_path.value.as_str(), recipients)
        });
        let mut logins = timeline.authentications.iter();
        let login = logins.find(|one| !one.responses.is_empty());
        let host = (timeline.client.ip(), timeline.server);
        Some(Self {
            key: fingerprint((host, user, envelope)),
            session,
            login: login.map(|one| (login::mechanism(one), login::exposure(timeline, one))),
        })
    }
}

impl Offer {
    fn of(timeline: &Timeline, capabilities: &Capabilities) -> Option<Self> {
        let (event, _) = timeline.reply(capabilities.exchange)?;
        let mut mechanisms = capabilities.mechanisms();
        mechanisms.sort_unstable();
        mechanisms.truncate(32);
        let before =
            |gap: &Span| gap.direction == event.span.direction && gap.start < event.span.end;
        Some(Self {
            packet: event.packets.first().copied().unwrap_or_default(),
            span: event.span,
            starttls: capabilities.get("STARTTLS").is_some(),
            mechanisms,
            whole: !timeline.gaps.iter().any(before),
        })
    }
}

impl Mail {
    fn of(timeline: &Timeline, sent: &Sent<'_>) -> Self {
        let id = sent
            .message
            .header("Message-ID")
            .map(|field| field.value.as_bytes());
        // Without an id the length on the wire is part of it: the content may hold less than was sent.
        // One of which not all was kept is like no other: what differs may be in the rest.
        let place = sent.unkept().map(|_| {
            (
                timeline.start.as_nanos(),
                timeline.packet_range,
                sent.data.span.start,
            )
        });
        let content = id
            .is_none()
            .then(|| (sent.data.span.len(), sent.message.content(), place));
        Self {
            key: fingerprint((timeline.client.ip(), id, content)),
            packet: first_packet(timeline, sent.data.span),
            span: sent.data.span,
            accepted: sent.data.accepted,
            complete: sent.data.complete,
            body: Body::of(sent),
            under_tls: is_under_tls(timeline, sent.data.span),
        }
    }

    /// Whether anybody who saw the packets can read the body.
    pub fn is_in_clear(&self) -> bool {
        !self.under_tls
            && matches!(
                self.body,
                Body::Readable | Body::PartlyEncrypted | Body::Empty
            )
    }
}

fn signers(subject: &Subject<'_>) -> Vec<Signer> {
    let timeline = subject.timeline();
    let each = subject.sent().flat_map(|sent| {
        let named = signers_of(&sent);
        if named.is_empty() {
            return Vec::new();
        }
        let mail = Mail::of(timeline, &sent).key;
        let named = named.into_iter().take(MAX_SIGNERS);
        let signers = named.map(move |(who, _, evidence)| Signer {
            key: fingerprint(&who),
            who: short(&who),
            mail,
            packet: evidence.packets.first().copied().unwrap_or_default(),
            span: evidence.bytes,
        });
        signers.collect::<Vec<_>>()
    });
    each.take(MAX_SIGNERS).collect()
}

fn logins(subject: &Subject<'_>) -> Vec<Login> {
    let timeline = subject.timeline();
    if timeline.authentications.is_empty() {
        return Vec::new();
    }
    let scrubber = Scrubber::new(timeline, subject.given());
    let all = timeline
        .authentications
        .iter()
        .enumerate()
        .map(|(number, authentication)| {
            let names = login::names(&authentication.identity);
            let account = names.user.filter(|user| !user.is_empty()).map(|user| {
                let name = match names.domain {
                    Some(domain) => format!("{domain}\\{user}"),
                    None => user.to_owned(),
                };
                short(&scrubber.scrub(&name))
            });
            let span = authentication.mechanism.span;
            Login {
                mechanism: login::mechanism(authentication),
                account,
                exposure: login::exposure(timeline, authentication),
                proof: (number < MAX_PROOFS)
                    .then(|| login::proven(&subject.given().accounts, authentication))
                    .flatten(),
                under_tls: is_under_tls(timeline, span),
                packet: first_packet(timeline, span),
            }
        });
    all.collect()
}

fn short(text: &str) -> String {
    text.chars().take(MAX_NAME).collect()
}

/// The first EHLO reply, where it came before TLS.
pub(crate) fn clear_offer(timeline: &Timeline) -> Option<&Capabilities> {
    let first = timeline.capabilities.first()?;
    let (event, _) = timeline.reply(first.exchange)?;
    (!is_under_tls(timeline, event.span)).then_some(first)
}

fn tls_use(timeline: &Timeline) -> TlsUse {
    if timeline.protocol == Protocol::ImplicitTls {
        return TlsUse::Implicit;
    }
    match timeline.tls.as_ref().map(|tls| tls.start) {
        Some(TlsStart::Implicit) => return TlsUse::Implicit,
        Some(TlsStart::StartTls(_)) => return TlsUse::Upgraded,
        None => {}
    }
    if timeline
        .commands()
        .any(|(_, _, command)| command.verb == "STARTTLS")
    {
        return TlsUse::Refused;
    }
    let offers = |capabilities: &Capabilities| capabilities.get("STARTTLS").is_some();
    match timeline.capabilities.as_slice() {
        [] => TlsUse::Unseen,
        all if all.iter().any(offers) => TlsUse::PassedOver,
        _ => TlsUse::NotOffered,
    }
}

/// The greeting: a 220 before anything else but a TLS handshake.
pub(crate) fn greeting(timeline: &Timeline) -> Option<(&Event, &Reply)> {
    let mut said = timeline.events.iter();
    let event = said.find(|event| event.kind != EventKind::Tls)?;
    match &event.kind {
        EventKind::Reply(reply) if reply.code == 220 => Some((event, reply)),
        _ => None,
    }
}

/// The name that the server greets with, where it looks like one.
fn banner(timeline: &Timeline) -> Option<String> {
    let (_, reply) = greeting(timeline)?;
    let name = reply.lines.first()?.split_ascii_whitespace().next()?;
    let is_name = name.contains('.')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    is_name.then(|| short(&name.to_ascii_lowercase()))
}

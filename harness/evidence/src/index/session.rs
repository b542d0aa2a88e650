//! A session in brief: what the index has of it, and what the live views show.

use std::collections::BTreeMap;

use claims::Verdict;
use claims::leaks::{Account, Body, Exposure, Leaks, Mail};
use claims::result::{ClaimOutcome, ConversationOutcome};
use serde::Serialize;

/// A judged session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Session {
    /// What its run calls it.
    pub name: String,
    /// Address and port of the client.
    pub client: String,
    /// Address and port of the server.
    pub server: String,
    /// `smtp`, `implicit-tls`, `silent`, `other`.
    pub protocol: String,
    /// When its first packet was captured, in UTC (RFC 3339).
    pub began: String,
    /// When its last was.
    pub ended: String,
    /// Its first and its last packet.
    pub packets: Option<(u64, u64)>,
    /// Bytes of the client, of the server, and that the capture does not hold.
    pub octets: [u64; 3],
    /// What the client called itself.
    pub helo: Option<String>,
    /// TLS, where it began.
    pub tls: Option<Tls>,
    /// How many mail transactions there were.
    pub messages: u64,
    /// How many messages were accepted, of those that are listed.
    pub accepted: u64,
    /// How many transactions [`Session::mails`] does not list.
    pub more_mails: u64,
    /// The first transactions.
    #[serde(skip)]
    pub mails: Vec<Message>,
    /// The logins.
    pub logins: Vec<Login>,
    /// What anybody on the path could learn.
    pub exposures: Vec<Exposed>,
    /// How many verdicts of each kind there are.
    pub counts: BTreeMap<Verdict, u64>,
    /// The verdicts but for those that are not applicable.
    #[serde(skip)]
    pub verdicts: Vec<Judged>,
}

/// What became of TLS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tls {
    /// `starttls` or `implicit`.
    pub start: String,
    /// Whether the handshake came to its end.
    pub established: bool,
    /// The version that the server chose.
    pub version: Option<String>,
    /// The cipher suite that it chose.
    pub suite: Option<String>,
}

/// A mail transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The reverse-path.
    pub reverse_path: String,
    /// The forward-paths, with whether each was accepted.
    pub recipients: Vec<(String, Option<bool>)>,
    /// Whether the server took the message.
    pub accepted: Option<bool>,
    /// Message-ID, where its header has one.
    pub message_id: Option<String>,
    /// Subject, where it has one.
    pub subject: Option<String>,
    /// Octets of the content on the wire; `None` where none was sent.
    pub wire_octets: Option<u64>,
    /// A word for whether the body can be read.
    pub body: Option<&'static str>,
    /// Whether it crossed under TLS.
    pub under_tls: bool,
    /// Packet of the MAIL command.
    pub packet: Option<u64>,
}

/// A login, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Login {
    /// The SASL mechanism.
    pub mechanism: String,
    /// The user.
    pub user: Option<String>,
    /// The domain.
    pub domain: Option<String>,
    /// The sender's machine, in its own words.
    pub workstation: Option<String>,
    /// The operating system that it claims.
    pub claimed_os: Option<String>,
    /// Which response NTLM sent.
    pub response: Option<String>,
    /// How it ended.
    pub outcome: String,
    /// A word for how far its secret is exposed.
    pub exposure: &'static str,
    /// Whether it crossed under TLS.
    pub under_tls: bool,
    /// Packet of the AUTH command.
    pub packet: Option<u64>,
}

/// What kind of thing was given away, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A password or token that can be read.
    Password,
    /// A password that was known beforehand, wherever it can be read.
    KnownPassword,
    /// A challenge with its response, against which passwords can be tried.
    Response,
    /// The body of a message.
    Content,
    /// TLS that is weak.
    WeakTls,
    /// The name of a machine.
    Host,
    /// An address inside a network.
    Address,
    /// A program and its version.
    Software,
}

impl Kind {
    /// The word for it in the index.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::KnownPassword => "known-password",
            Self::Response => "response",
            Self::Content => "content",
            Self::WeakTls => "weak-tls",
            Self::Host => "host",
            Self::Address => "address",
            Self::Software => "software",
        }
    }
}

/// Something that was given away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exposed {
    /// What kind of thing.
    pub kind: Kind,
    /// The account, the sender, the name; never a secret.
    pub what: String,
    /// Where it stood.
    pub place: String,
    /// Its packet.
    pub packet: Option<u64>,
}

/// A verdict that is more than "not applicable".
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Judged {
    /// The claim.
    pub claim: String,
    /// The word.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// The packets that show it, in order, each once.
    #[serde(skip)]
    pub packets: Vec<u64>,
}

/// Packets of one verdict that are kept: more than these are in the details.
const MOST_PACKETS: usize = 32;

impl Session {
    /// That of a conversation with what it gives away.
    pub fn of(conversation: &ConversationOutcome) -> Self {
        let leaks = conversation.leaks.as_ref();
        let mails = leaks.map_or(&[][..], |leaks| &leaks.messages.items);
        let more_mails = leaks.map_or(0, |leaks| leaks.messages.left_out);
        let mut counts = BTreeMap::new();
        for judged in &conversation.verdicts {
            *counts.entry(judged.verdict).or_default() += 1;
        }
        let told = conversation.verdicts.iter();
        let told = told.filter(|one| one.verdict != Verdict::NotApplicable);
        Self {
            name: conversation.id.clone(),
            client: conversation.client.clone(),
            server: conversation.server.clone(),
            protocol: conversation.protocol.clone(),
            began: conversation.start.clone(),
            ended: conversation.end.clone(),
            packets: conversation.packets.map(|range| (range.first, range.last)),
            octets: leaks.map_or([0; 3], |leaks| {
                [
                    leaks.client_octets,
                    leaks.server_octets,
                    leaks.missing_octets,
                ]
            }),
            helo: leaks.and_then(helo),
            tls: leaks.and_then(tls),
            messages: mails.len() as u64 + more_mails,
            accepted: mails
                .iter()
                .filter(|mail| mail.accepted == Some(true))
                .count() as u64,
            more_mails,
            mails: mails.iter().map(message).collect(),
            logins: leaks.map_or_else(Vec::new, |leaks| {
                leaks.accounts.items.iter().map(login).collect()
            }),
            exposures: leaks.map_or_else(Vec::new, exposures),
            counts,
            verdicts: told.map(judged).collect(),
        }
    }

    /// How many verdicts of that kind it has.
    pub fn count(&self, verdict: Verdict) -> u64 {
        self.counts.get(&verdict).copied().unwrap_or(0)
    }

    /// The finding to look at first: a failure of the harness, or else of a claim.
    pub fn worst(&self) -> Option<&Judged> {
        let with = |word| self.verdicts.iter().find(|one| one.verdict == word);
        with(Verdict::Error).or_else(|| with(Verdict::Fail))
    }
}

impl Login {
    /// The account as people write it.
    pub fn account(&self) -> Option<String> {
        let user = self.user.as_ref()?;
        Some(match &self.domain {
            Some(domain) => format!("{domain}\\{user}"),
            None => user.clone(),
        })
    }
}

fn helo(leaks: &Leaks) -> Option<String> {
    let mut hosts = leaks.hosts.items.iter();
    let host = hosts.find(|host| matches!(host.place.as_str(), "EHLO" | "HELO"))?;
    Some(host.name.clone())
}

fn tls(leaks: &Leaks) -> Option<Tls> {
    let facts = leaks.tls.as_ref()?;
    Some(Tls {
        start: facts.start.clone(),
        established: facts.established,
        version: facts.version.clone(),
        suite: facts.cipher_suite.clone(),
    })
}

fn message(mail: &Mail) -> Message {
    let field = |name: &str| {
        let mut fields = mail.header.items.iter();
        let field = fields.find(|field| field.name.eq_ignore_ascii_case(name))?;
        field.value.clone()
    };
    let recipients = mail.recipients.items.iter();
    Message {
        reverse_path: mail.reverse_path.clone(),
        recipients: recipients
            .map(|one| (one.address.clone(), one.accepted))
            .collect(),
        accepted: mail.accepted,
        message_id: field("Message-ID"),
        subject: field("Subject"),
        wire_octets: mail.body.map(|_| mail.octets),
        body: mail.body.map(body),
        under_tls: mail.under_tls,
        packet: mail.packet,
    }
}

const fn body(body: Body) -> &'static str {
    match body {
        Body::Readable => "readable",
        Body::Encrypted => "encrypted",
        Body::PartlyEncrypted => "partly-encrypted",
        Body::OpenPgp => "open-pgp",
        Body::NotWhole => "not-whole",
        Body::Undecided => "undecided",
        Body::Empty => "empty",
    }
}

const fn exposure(exposure: Exposure) -> &'static str {
    match exposure {
        Exposure::Nothing => "nothing",
        Exposure::Hidden => "hidden",
        Exposure::Unknown => "unknown",
        Exposure::Guessable => "guessable",
        Exposure::Recoverable => "recoverable",
    }
}

fn login(account: &Account) -> Login {
    Login {
        mechanism: account.mechanism.clone(),
        user: account.user.clone(),
        domain: account.domain.clone(),
        workstation: account.workstation.clone(),
        claimed_os: account.claimed_os.clone(),
        response: account.response.clone(),
        outcome: account.outcome.clone(),
        exposure: exposure(account.exposure),
        under_tls: account.under_tls,
        packet: account.packet,
    }
}

/// What crossed in clear; what a key of ours opened gave nothing away.
fn exposures(leaks: &Leaks) -> Vec<Exposed> {
    let mut all = Vec::new();
    let mut add = |under_tls: bool, kind, what: &str, place: &str, packet| {
        if !under_tls {
            all.push(Exposed {
                kind,
                what: what.to_owned(),
                place: place.to_owned(),
                packet,
            });
        }
    };
    for login in &leaks.accounts.items {
        let kind = match login.exposure {
            Exposure::Recoverable => Kind::Password,
            Exposure::Guessable => Kind::Response,
            Exposure::Nothing | Exposure::Hidden | Exposure::Unknown => continue,
        };
        let name = login.name();
        let name = name.as_deref().unwrap_or("(no name)");
        add(login.under_tls, kind, name, &login.mechanism, login.packet);
    }
    for known in &leaks.known_passwords.items {
        add(
            known.under_tls,
            Kind::KnownPassword,
            &known.place,
            "",
            known.packet,
        );
    }
    for mail in &leaks.messages.items {
        if matches!(mail.body, Some(Body::Readable | Body::PartlyEncrypted)) {
            add(
                mail.under_tls,
                Kind::Content,
                &mail.reverse_path,
                "DATA",
                mail.packet,
            );
        }
    }
    if let Some(tls) = &leaks.tls {
        for weakness in &tls.weaknesses.items {
            add(false, Kind::WeakTls, weakness, "TLS", tls.packet);
        }
    }
    // What the server calls itself in its greeting is not the sender's to give away.
    let of_sender = |place: &str| place != "greeting";
    for host in leaks
        .hosts
        .items
        .iter()
        .filter(|host| of_sender(&host.place))
    {
        add(
            host.under_tls,
            Kind::Host,
            &host.name,
            &host.place,
            host.packet,
        );
    }
    for found in &leaks.internal_addresses.items {
        add(
            found.under_tls,
            Kind::Address,
            &found.address.to_string(),
            &found.place,
            found.packet,
        );
    }
    for found in leaks
        .software
        .items
        .iter()
        .filter(|one| of_sender(&one.place))
    {
        add(
            found.under_tls,
            Kind::Software,
            &found.name,
            &found.place,
            found.packet,
        );
    }
    all.sort_by_key(|one| one.kind);
    all
}

fn judged(outcome: &ClaimOutcome) -> Judged {
    let mut packets: Vec<_> = outcome
        .evidence
        .iter()
        .flat_map(|piece| piece.packets.iter().copied())
        .collect();
    packets.sort_unstable();
    packets.dedup();
    packets.truncate(MOST_PACKETS);
    Judged {
        claim: outcome.claim.clone(),
        verdict: outcome.verdict,
        reason: outcome.reason.clone(),
        packets,
    }
}

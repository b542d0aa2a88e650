//! What one conversation tells anybody who can read the wire.
//!
//! What crossed under TLS, and is here because the keys of the session are at hand, is marked so. What a recipient's key
//! shows of an encrypted body did not leak: it stands apart, in [`Mail::opened`].
//!
//! Facts, without opinion: names, addresses, header fields, programs, accounts, times, and whether the bodies could be
//! read. Every list has a bound and says how many entries it left out. Texts are as they stood on the wire, cut at
//! [`MAX_TEXT`] characters, with secrets taken out; whoever shows them escapes them for the place that they go to.

mod body;
mod hosts;
mod known;
pub(crate) mod login;
mod mail;
mod ntlm;
mod opened;
mod software;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use smtp::Timeline;
use smtp::sasl::proof::KnownAccount;
use smtp::timeline::TlsStart;
use wire::Span;

pub use body::{Body, CmsObject, CmsRecipient};
pub use hosts::{Host, InternalAddress, InternalKind};
pub use known::KnownPassword;
pub use login::{Account, Exposure, Proof, ProofVerdict};
pub use mail::{Attachment, Header, Mail, Recipient};
pub use ntlm::{Clock, MicWord, NtlmFacts};
pub use opened::{
    InnerSignature, KeyResult, ProtectedHeader, ProtectionForm, Shown, SignatureState, WithKey,
};
pub use software::Software;

use crate::capped::Capped;
use crate::transcript::Scrubber;
use crate::{Given, Subject};

/// Longest text, in characters.
pub const MAX_TEXT: usize = 300;
/// Messages that are described for one conversation.
pub const MAX_MAILS: usize = 50;
/// Entries of every other list.
pub const MAX_ENTRIES: usize = 32;

/// What leaked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub struct Leaks {
    /// Stream bytes of the client.
    pub client_octets: u64,
    /// Stream bytes of the server.
    pub server_octets: u64,
    /// Bytes that the capture does not hold, both ways.
    #[serde(default, skip_serializing_if = "crate::capped::is_zero")]
    pub missing_octets: u64,
    /// TLS, where it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsFacts>,
    /// Names of machines.
    #[serde(default, skip_serializing_if = "Capped::is_empty")]
    pub hosts: Capped<Host>,
    /// Addresses that only mean something inside a network.
    #[serde(default, skip_serializing_if = "Capped::is_empty")]
    pub internal_addresses: Capped<InternalAddress>,
    /// Programs that named themselves.
    #[serde(default, skip_serializing_if = "Capped::is_empty")]
    pub software: Capped<Software>,
    /// Logins.
    #[serde(default, skip_serializing_if = "Capped::is_empty")]
    pub accounts: Capped<Account>,
    /// Where passwords can be read that the auditor knows.
    #[serde(default, skip_serializing_if = "Capped::is_empty")]
    pub known_passwords: Capped<KnownPassword>,
    /// Mail transactions.
    #[serde(default, skip_serializing_if = "Capped::is_empty")]
    pub messages: Capped<Mail>,
}

/// What is to be seen of TLS from outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub struct TlsFacts {
    /// `starttls` or `implicit`.
    pub start: String,
    /// Whether the handshake came to its end.
    pub established: bool,
    /// The version that the server chose, as `TLS 1.2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The cipher suite that the server chose: its name, or its number where it is not a registered one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cipher_suite: Option<String>,
    /// The server name that the client asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// The JA4 fingerprint of the client's hello.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ja4: Option<String>,
    /// Who the server's certificate is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Who issued it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// What is weak about all this.
    #[serde(default, skip_serializing_if = "Capped::is_empty")]
    pub weaknesses: Capped<String>,
    /// Whether a key log opened any of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub opened: bool,
    /// Packet of the first record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packet: Option<u64>,
}

impl Leaks {
    /// Gathers what the conversation gives away.
    pub fn of(subject: &Subject<'_>) -> Self {
        let timeline = subject.timeline();
        let view = View::new(timeline, subject.given());
        let mails: Vec<_> = subject.mails().collect();
        let mut leaks = Self {
            client_octets: timeline.octets[0],
            server_octets: timeline.octets[1],
            missing_octets: timeline.gaps.iter().map(Span::len).sum(),
            tls: tls(&view),
            hosts: Capped::default(),
            internal_addresses: Capped::default(),
            software: Capped::default(),
            accounts: login::accounts(&view),
            known_passwords: known::passwords(&view, subject),
            messages: mail::mails(&view, &mails),
        };
        let mut places = hosts::Places {
            hosts: &mut leaks.hosts,
            addresses: &mut leaks.internal_addresses,
        };
        places.conversation(&view);
        for (_, message) in mails.iter().take(MAX_MAILS) {
            if let Some(sent) = message {
                places.message(&view, sent);
            }
        }
        leaks.software = software::software(&view, &mails);
        leaks
    }
}

/// A conversation, with what its texts are cleaned of.
pub(crate) struct View<'a> {
    pub(crate) timeline: &'a Timeline,
    accounts: &'a [KnownAccount],
    given: &'a Given,
    scrubber: Scrubber,
}

impl<'a> View<'a> {
    fn new(timeline: &'a Timeline, given: &'a Given) -> Self {
        Self {
            timeline,
            accounts: &given.accounts,
            given,
            scrubber: Scrubber::new(timeline, given),
        }
    }

    /// A text from the wire without secrets, and not too long.
    fn text(&self, text: &str) -> String {
        let clean = self.scrubber.scrub(text);
        match clean.char_indices().nth(MAX_TEXT) {
            Some((end, _)) => format!("{}…", &clean[..end]),
            None => clean,
        }
    }

    /// A text that is worth an entry.
    fn some(&self, text: &str) -> Option<String> {
        let text = text.trim();
        (!text.is_empty()).then(|| self.text(text))
    }

    /// Whether the bytes crossed under TLS.
    fn under_tls(&self, span: Span) -> bool {
        is_under_tls(self.timeline, span)
    }

    /// The packet of the first byte.
    fn packet(&self, span: Span) -> Option<u64> {
        first_packet(self.timeline, span)
    }
}

/// The packet that carried the first byte of `span`.
pub(crate) fn first_packet(timeline: &Timeline, span: Span) -> Option<u64> {
    let first = Span::new(span.direction, span.start, span.start + 1);
    timeline.packets(first).first().copied()
}

/// Whether a place of a stream lies under TLS: only a key makes it readable.
pub(crate) fn is_under_tls(timeline: &Timeline, span: Span) -> bool {
    timeline.tls.as_ref().is_some_and(|tls| tls.under_tls(span))
}

/// A cipher suite by its name, or by its number where it is not a registered one.
pub(crate) fn suite(number: u16) -> String {
    smtp::tls::suite_name(number).map_or_else(|| format!("{number:#06x}"), str::to_owned)
}

fn tls(view: &View<'_>) -> Option<TlsFacts> {
    let tls = view.timeline.tls.as_ref()?;
    let certificate = tls
        .handshake
        .certificates
        .first()
        .map(|located| &located.value);
    let weak = tls.weaknesses(view.timeline.start);
    let chosen = tls.server_hello.as_ref().map(|hello| &hello.value);
    Some(TlsFacts {
        start: match tls.start {
            TlsStart::StartTls(_) => "starttls".to_owned(),
            TlsStart::Implicit => "implicit".to_owned(),
        },
        established: tls.established,
        version: chosen.map(|hello| smtp::tls::version_name(hello.version)),
        cipher_suite: chosen.map(|hello| suite(hello.cipher_suite)),
        server_name: tls
            .client_hello
            .as_ref()
            .and_then(|hello| view.some(hello.value.server_name.as_deref()?)),
        ja4: tls.client_hello.as_ref().map(|hello| hello.value.ja4()),
        subject: certificate.and_then(|certificate| view.some(&certificate.subject)),
        issuer: certificate.and_then(|certificate| view.some(&certificate.issuer)),
        weaknesses: Capped::of(
            weak.into_iter().map(|weakness| view.text(&weakness.text)),
            MAX_ENTRIES,
        ),
        opened: tls
            .opened
            .as_ref()
            .is_some_and(|opened| opened.records != [0, 0]),
        packet: view.packet(tls.client),
    })
}

//! Names of machines, and addresses of the network behind them.

use std::net::{IpAddr, Ipv6Addr};

use serde::{Deserialize, Serialize};
use wire::Span;

use super::{MAX_ENTRIES, View};
use crate::brief::greeting;
use crate::capped::Capped;
use crate::subject::Sent;

/// Bytes of one Received field that are looked at.
const MAX_FIELD: usize = 2048;

/// The name of a machine.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Host {
    /// The name.
    pub name: String,
    /// Where it stands: `EHLO`, `greeting`, `Message-ID`, `Received`.
    pub place: String,
    /// Whether it crossed under TLS, and is only read because the key is at hand.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub under_tls: bool,
    /// Its packet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packet: Option<u64>,
}

impl PartialEq for Host {
    /// The same name in the same kind of place is told once, with its first packet.
    fn eq(&self, other: &Self) -> bool {
        self.place == other.place && self.name == other.name
    }
}

impl Eq for Host {}

/// What an address is that only means something inside a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum InternalKind {
    /// RFC 1918.
    Private,
    /// RFC 4193.
    UniqueLocal,
    /// RFC 3927, RFC 4291 section 2.5.6.
    LinkLocal,
    /// 127.0.0.0/8, `::1`.
    Loopback,
    /// RFC 6598: behind a carrier's translation.
    Shared,
}

impl InternalKind {
    /// The kind of `address`; `None` for one that means the same everywhere.
    pub fn of(address: IpAddr) -> Option<Self> {
        match address {
            IpAddr::V4(v4) => {
                let [first, second, ..] = v4.octets();
                match (first, second) {
                    _ if v4.is_private() => Some(Self::Private),
                    _ if v4.is_loopback() => Some(Self::Loopback),
                    _ if v4.is_link_local() => Some(Self::LinkLocal),
                    (100, 64..=127) => Some(Self::Shared),
                    _ => None,
                }
            }
            IpAddr::V6(v6) => of_v6(v6),
        }
    }

    /// A word for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::UniqueLocal => "unique local",
            Self::LinkLocal => "link-local",
            Self::Loopback => "loopback",
            Self::Shared => "shared (carrier)",
        }
    }
}

fn of_v6(address: Ipv6Addr) -> Option<InternalKind> {
    if let Some(v4) = address.to_ipv4_mapped() {
        return InternalKind::of(IpAddr::V4(v4));
    }
    match address.segments()[0] {
        _ if address.is_loopback() => Some(InternalKind::Loopback),
        0xfc00..=0xfdff => Some(InternalKind::UniqueLocal),
        0xfe80..=0xfebf => Some(InternalKind::LinkLocal),
        _ => None,
    }
}

/// An address of an inner network.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct InternalAddress {
    /// The address.
    pub address: IpAddr,
    /// What it is.
    pub kind: InternalKind,
    /// Where it stands: `EHLO`, `Received`, `X-Originating-IP`.
    pub place: String,
    /// Whether it crossed under TLS, and is only read because the key is at hand.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub under_tls: bool,
    /// Its packet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packet: Option<u64>,
}

impl PartialEq for InternalAddress {
    fn eq(&self, other: &Self) -> bool {
        self.address == other.address && self.place == other.place
    }
}

impl Eq for InternalAddress {}

/// Where names and addresses are gathered.
pub(super) struct Places<'a> {
    pub(super) hosts: &'a mut Capped<Host>,
    pub(super) addresses: &'a mut Capped<InternalAddress>,
}

impl Places<'_> {
    /// Those that are said in the session itself.
    pub(super) fn conversation(&mut self, view: &View<'_>) {
        for (_, event, command) in view.timeline.commands() {
            if matches!(command.verb.as_str(), "EHLO" | "HELO" | "LHLO") {
                let argument = command.argument.trim();
                self.host(view, argument, "EHLO", event.span);
                self.addresses(view, argument, "EHLO", event.span);
            }
        }
        if let Some((event, reply)) = greeting(view.timeline)
            && let Some(name) = reply
                .lines
                .first()
                .and_then(|line| line.split_ascii_whitespace().next())
        {
            self.host(view, name, "greeting", event.span);
        }
    }

    /// Those that stand in the header of a message.
    pub(super) fn message(&mut self, view: &View<'_>, sent: &Sent<'_>) {
        for field in sent.message.fields() {
            if field.is("Message-ID") {
                let id = field
                    .value
                    .trim()
                    .trim_start_matches('<')
                    .trim_end_matches('>');
                if let Some((_, host)) = id.rsplit_once('@') {
                    self.host(view, host, "Message-ID", sent.span(field.range.clone()));
                }
            } else if field.is("Received") {
                let span = sent.span(field.range.clone());
                let value = start(&field.value);
                self.received(view, value, span);
                self.addresses(view, value, "Received", span);
            } else if field.is("X-Originating-IP") {
                let span = sent.span(field.range.clone());
                self.addresses(view, start(&field.value), "X-Originating-IP", span);
            }
        }
    }

    /// The names after `from` and `by` (RFC 5321 section 4.4).
    fn received(&mut self, view: &View<'_>, value: &str, span: Span) {
        let mut words = value.split_ascii_whitespace();
        while let Some(word) = words.next() {
            if (word.eq_ignore_ascii_case("from") || word.eq_ignore_ascii_case("by"))
                && let Some(name) = words.next()
            {
                self.host(view, name, "Received", span);
            }
        }
    }

    fn host(&mut self, view: &View<'_>, name: &str, place: &str, span: Span) {
        // A literal is an address, and is told as one.
        if name.is_empty() || name.starts_with('[') {
            return;
        }
        let host = Host {
            name: view.text(name),
            place: place.to_owned(),
            under_tls: view.under_tls(span),
            packet: view.packet(span),
        };
        self.hosts.insert(host, MAX_ENTRIES);
    }

    fn addresses(&mut self, view: &View<'_>, text: &str, place: &str, span: Span) {
        for address in addresses(text) {
            if let Some(kind) = InternalKind::of(address) {
                let found = InternalAddress {
                    address,
                    kind,
                    place: place.to_owned(),
                    under_tls: view.under_tls(span),
                    packet: view.packet(span),
                };
                self.addresses.insert(found, MAX_ENTRIES);
            }
        }
    }
}

/// The beginning of a field that may be long.
fn start(value: &str) -> &str {
    let mut end = value.len().min(MAX_FIELD);
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    &value[..end]
}

/// The addresses in a text, with or without brackets and the `IPv6:` tag of RFC 5321 section 4.1.3.
pub(super) fn addresses(text: &str) -> impl Iterator<Item = IpAddr> {
    text.split(|c: char| {
        c.is_whitespace() || matches!(c, '[' | ']' | '(' | ')' | '<' | '>' | ',' | ';' | '=')
    })
    .filter_map(|word| {
        let tagged = word
            .get(..5)
            .is_some_and(|tag| tag.eq_ignore_ascii_case("IPv6:"));
        let word = if tagged { &word[5..] } else { word };
        let bare = word.split('%').next().unwrap_or(word);
        bare.parse().ok()
    })
}

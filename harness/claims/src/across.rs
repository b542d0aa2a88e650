//! What only shows when conversations are compared.
//!
//! A server that offered STARTTLS to one connection and not to the next, a list of mechanisms that got shorter, a message
//! that was taken twice: no conversation tells by itself. The ledger keeps a bounded memory of those that came before.

mod retries;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use wire::Span;

use retries::Retries;

use crate::brief::{Mail, Offer, TlsUse};
use crate::{Brief, Evidence, Finding};

/// Servers that are remembered; then the one that was not seen for longest is forgotten.
pub const MAX_SERVERS: usize = 4096;
/// Accepted messages that are remembered; then the oldest is forgotten.
pub const MAX_MESSAGES: usize = 131_072;

/// The check that a missing offer of STARTTLS decides.
pub const STRIPPED: &str = "starttls-stripped";
/// The check that a shorter list of mechanisms decides.
pub const SHRUNK: &str = "auth-offer-shrank";
/// The check that a second acceptance decides.
pub const TWICE: &str = "message-recoverable";
/// The check that a message decides which comes again after it was accepted and the connection broke.
pub const RESENT: &str = "resent-after-acceptance";

/// The check that another signer decides.
pub const SIGNER: &str = "one-signer";

/// Remembers conversations, in a bounded amount of memory.
#[derive(Debug, Default)]
pub struct Ledger {
    servers: Servers,
    messages: Messages,
    retries: Retries,
    signer: Option<Known>,
}

impl Ledger {
    /// Compares a conversation with those before it, and remembers it. Each finding takes the place of what the check
    /// with that id found in the conversation alone.
    pub fn judge(&mut self, brief: &Brief) -> Vec<(&'static str, Finding)> {
        let mut findings = Vec::new();
        findings.extend(self.servers.judge(brief));
        findings.extend(self.messages.judge(brief));
        findings.extend(self.retries.judge(brief));
        findings.extend(self.signed(brief));
        findings
    }
}

/// The first signer of all.
#[derive(Clone, Debug)]
struct Known {
    key: u64,
    mail: u64,
    place: Offered,
}

impl Ledger {
    /// Compares the signers of a conversation with the first one that was seen: one differs as soon as any two do.
    fn signed(&mut self, brief: &Brief) -> Option<(&'static str, Finding)> {
        let mut found = None;
        for signer in &brief.signers {
            let Some(known) = &self.signer else {
                self.signer = Some(Known {
                    key: signer.key,
                    mail: signer.mail,
                    place: Offered {
                        conversation: brief.id.as_str().into(),
                        packet: signer.packet,
                    },
                });
                continue;
            };
            let elsewhere = *known.place.conversation != *brief.id;
            if signer.mail == known.mail || !elsewhere {
                continue;
            }
            let evidence = || {
                let what = "a signature".into();
                let bytes = signer.span;
                let packets = vec![signer.packet];
                vec![
                    Evidence {
                        packets,
                        bytes,
                        what,
                    },
                    there(&known.place, "the first signature"),
                ]
            };
            let place = format!(
                "{} (packet {})",
                known.place.conversation, known.place.packet
            );
            if signer.key != known.key {
                let reason = format!(
                    "signed with {}, and a message in {place} with another certificate",
                    signer.who
                );
                return Some((SIGNER, Finding::not_observed(reason, evidence())));
            }
            let reason = format!("signed with {}, as a message in {place}", signer.who);
            found.get_or_insert_with(|| (SIGNER, Finding::observed(reason, evidence())));
        }
        found
    }
}

/// One who is asked for: an address, or a name in a greeting.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Address(SocketAddr),
    Name(String),
}

/// What a server once offered.
#[derive(Clone, Debug)]
struct Offered {
    conversation: Arc<str>,
    packet: u64,
}

#[derive(Debug, Default)]
struct Server {
    /// The last EHLO reply with STARTTLS.
    starttls: Option<Offered>,
    /// The longest list of mechanisms in clear, and where.
    mechanisms: Option<(Vec<String>, Offered)>,
    /// When it was used last, as a number in [`Servers::order`].
    used: u64,
}

#[derive(Debug, Default)]
struct Servers {
    known: HashMap<Key, Server>,
    order: BTreeMap<u64, Key>,
    clock: u64,
}

impl Servers {
    fn judge(&mut self, brief: &Brief) -> Vec<(&'static str, Finding)> {
        let Some(offer) = &brief.offer else {
            return Vec::new();
        };
        let keys =
            std::iter::once(Key::Address(brief.server)).chain(brief.banner.clone().map(Key::Name));
        let keys: Vec<_> = keys.collect();
        let mut findings = Vec::new();
        let earlier = |find: &dyn Fn(&Server) -> Option<Finding>| {
            keys.iter().find_map(|key| find(self.known.get(key)?))
        };
        if !offer.starttls && offer.whole {
            let missing =
                earlier(&|server| Some(stripped(brief, offer, server.starttls.as_ref()?)));
            findings.extend(missing.map(|finding| (STRIPPED, finding)));
        }
        if offer.whole {
            let shorter = earlier(&|server| shrunk(offer, server.mechanisms.as_ref()?));
            findings.extend(shorter.map(|finding| (SHRUNK, finding)));
        }
        let here = Offered {
            conversation: brief.id.as_str().into(),
            packet: offer.packet,
        };
        for key in keys {
            self.remember(key, offer, &here);
        }
        findings
    }

    fn remember(&mut self, key: Key, offer: &Offer, here: &Offered) {
        self.clock += 1;
        if !self.known.contains_key(&key)
            && self.known.len() >= MAX_SERVERS
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.known.remove(&oldest);
        }
        let server = self.known.entry(key.clone()).or_default();
        self.order.remove(&server.used);
        server.used = self.clock;
        self.order.insert(self.clock, key);
        if offer.starttls {
            server.starttls = Some(here.clone());
        }
        let longer = |(known, _): &(Vec<String>, Offered)| known.len() <= offer.mechanisms.len();
        if !offer.mechanisms.is_empty() && server.mechanisms.as_ref().is_none_or(longer) {
            server.mechanisms = Some((offer.mechanisms.clone(), here.clone()));
        }
    }
}

fn stripped(brief: &Brief, offer: &Offer, earlier: &Offered) -> Finding {
    let outcome = match brief.tls {
        TlsUse::Refused => ", and STARTTLS was asked for in vain",
        TlsUse::Upgraded => ", and STARTTLS was granted all the same",
        _ => "",
    };
    Finding::observed(
        format!(
            "the same server offered STARTTLS in {} (packet {}) and not here{outcome}",
            earlier.conversation, earlier.packet
        ),
        vec![
            here(offer.packet, offer.span, "EHLO reply without STARTTLS"),
            there(earlier, "STARTTLS offered by the same server"),
        ],
    )
}

fn shrunk(offer: &Offer, (before, earlier): &(Vec<String>, Offered)) -> Option<Finding> {
    let gone: Vec<_> = before
        .iter()
        .filter(|mechanism| !offer.mechanisms.contains(mechanism))
        .map(String::as_str)
        .collect();
    if gone.is_empty() {
        return None;
    }
    Some(Finding::observed(
        format!(
            "the same server offered {} in {} (packet {}) and not here",
            gone.join(", "),
            earlier.conversation,
            earlier.packet
        ),
        vec![
            here(offer.packet, offer.span, "EHLO reply with fewer mechanisms"),
            there(earlier, "the longer list of the same server"),
        ],
    ))
}

/// Evidence in this conversation.
fn here(packet: u64, span: Span, what: &'static str) -> Evidence {
    Evidence {
        packets: vec![packet],
        bytes: Some(span),
        what: what.into(),
    }
}

/// Evidence in an earlier one, of which only the packet is known.
fn there(earlier: &Offered, what: &str) -> Evidence {
    Evidence::packet(earlier.packet, format!("{}: {what}", earlier.conversation))
}

/// A message that was accepted.
#[derive(Debug)]
struct Accepted {
    place: Offered,
    /// Whether its session ended in good order.
    goodbye: bool,
}

#[derive(Debug, Default)]
struct Messages {
    accepted: HashMap<u64, Accepted>,
    order: VecDeque<u64>,
}

impl Messages {
    fn judge(&mut self, brief: &Brief) -> Vec<(&'static str, Finding)> {
        let (mut again, mut sent_again) = (None, None);
        let name: Arc<str> = brief.id.as_str().into();
        for mail in &brief.mails {
            let accepted = mail.accepted == Some(true);
            match self.accepted.get(&mail.key) {
                Some(earlier) if earlier.place.conversation != name => {
                    if !mail.complete {
                        continue;
                    }
                    if accepted && again.is_none() {
                        again = Some((TWICE, twice(mail, &earlier.place)));
                    }
                    if !earlier.goodbye && sent_again.is_none() {
                        sent_again = Some((RESENT, resent(mail, &earlier.place)));
                    }
                }
                None if accepted => self.remember(mail, &name, brief.goodbye),
                Some(_) | None => {}
            }
        }
        again.into_iter().chain(sent_again).collect()
    }

    fn remember(&mut self, mail: &Mail, name: &Arc<str>, goodbye: bool) {
        if !mail.complete {
            return;
        }
        if self.order.len() >= MAX_MESSAGES
            && let Some(oldest) = self.order.pop_front()
        {
            self.accepted.remove(&oldest);
        }
        self.order.push_back(mail.key);
        let place = Offered {
            conversation: Arc::clone(name),
            packet: mail.packet.unwrap_or_default(),
        };
        self.accepted.insert(mail.key, Accepted { place, goodbye });
    }
}

fn twice(mail: &Mail, earlier: &Offered) -> Finding {
    Finding::not_observed(
        format!(
            "the same message of the same sender was accepted before, in {} (packet {})",
            earlier.conversation, earlier.packet
        ),
        vec![
            here(
                mail.packet.unwrap_or_default(),
                mail.span,
                "a message that was accepted once more",
            ),
            there(earlier, "the same message, accepted"),
        ],
    )
}

fn resent(mail: &Mail, earlier: &Offered) -> Finding {
    Finding::observed(
        format!(
            "the same message was accepted in {} (packet {}), whose connection ended without a goodbye, and it was sent again",
            earlier.conversation, earlier.packet
        ),
        vec![
            here(
                mail.packet.unwrap_or_default(),
                mail.span,
                "a message that was sent again",
            ),
            there(earlier, "the same message, accepted"),
        ],
    )
}

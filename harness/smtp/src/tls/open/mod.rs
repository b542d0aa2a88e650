//! Opening records with the secrets of a key log. Nothing is guessed: what does not authenticate is not opened.

mod protection;
mod secrets;
mod suite;

use std::collections::VecDeque;
use std::sync::Arc;

use wire::{Direction, Span};

use super::hello::{ClientHello, ServerHello};
use super::keylog::{KeyLog, Secrets};
use super::names::version_name;
use super::record::{ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, HEADER, Record};
use super::{DIRECTIONS, side, suite_name};
use crate::Secret;
use crate::timeline::Located;
use protection::{Fault, Keys, Protection};
use secrets::{Hash, expand_label, prf};
use suite::{Method, Suite};

/// How many bytes of records wait for the hello of the other side, which a capture may show late.
const MOST_HELD: usize = 64 << 10;
const TRUNCATED_HMAC: u16 = 4;

/// How far the key log opened the records of a connection. Pairs are of the client and the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// Records that were opened, those of the handshake with them.
    pub records: [u64; 2],
    /// Bytes of application data in them.
    pub octets: [u64; 2],
    /// Why opening ended before the stream did, and at which bytes.
    pub stopped: [Option<Located<Stop>>; 2],
    /// Records of the client that were passed over: data sent before the handshake ended (RFC 8446 section 2.3).
    pub early: u64,
}

impl Opened {
    /// Whether application data was opened in both directions.
    pub fn is_readable(&self) -> bool {
        self.octets.iter().all(|octets| *octets > 0)
    }
}

/// Why opening stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// No line of the log names this connection.
    #[error("the key log has no secret of this connection")]
    NoSecret,
    /// The log names the connection and lacks this label.
    #[error("the key log has no {0} of this connection")]
    MissingSecret(&'static str),
    /// The cipher suite is not supported.
    #[error("{} cannot be opened", suite(*.0))]
    Suite(u16),
    /// The version is not supported.
    #[error("{} cannot be opened", version_name(*.0))]
    Version(u16),
    /// A feature that is not supported.
    #[error("{0} cannot be opened")]
    Feature(&'static str),
    /// A hello was not captured whole.
    #[error("a hello of the handshake was not captured")]
    NoHello,
    /// The record is not authentic: the secret is of another connection, or the record was changed.
    #[error("a record is not authentic under the secret in the key log")]
    NotAuthentic,
    /// The record has not the form that it must have.
    #[error("{0}")]
    Malformed(&'static str),
    /// The capture lacks bytes.
    #[error("the capture lacks bytes of it")]
    Gap,
}

fn suite(number: u16) -> String {
    suite_name(number).map_or_else(|| format!("cipher suite {number:#06x}"), str::to_owned)
}

/// What came of a record.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It is not protected, or cannot be opened.
    Clear(Record),
    /// It was opened: content type, content, and stream offset of the first byte.
    Opened(u8, Vec<u8>, u64),
    /// It tells nothing, or waits.
    Nothing,
    /// From here on nothing is opened in this direction.
    Stopped,
}

/// One direction.
#[derive(Debug, Default)]
struct Side {
    protection: Option<Protection>,
    /// The traffic secret in use, in TLS 1.3.
    secret: Option<Secret>,
    /// Whether that is the one of application data.
    application: bool,
    held: VecDeque<Record>,
    held_octets: usize,
}

/// What both hellos agree on.
#[derive(Clone, Copy, Debug)]
struct Agreed {
    client_random: [u8; 32],
    server_random: [u8; 32],
    version: u16,
    number: u16,
    compression: u8,
    etm: bool,
    truncated: bool,
    early: bool,
}

impl Agreed {
    const fn is_tls13(&self) -> bool {
        self.version == 0x0304
    }

    /// The suite, where it can be opened at all.
    fn suite(&self) -> Result<Suite, Stop> {
        if !(0x0301..=0x0304).contains(&self.version) {
            return Err(Stop::Version(self.version));
        }
        let suite = Suite::find(self.number).ok_or(Stop::Suite(self.number))?;
        if Suite::is_tls13(self.number) != self.is_tls13() {
            return Err(Stop::Malformed("the cipher suite is of another version"));
        }
        if self.compression != 0 {
            return Err(Stop::Feature("compression"));
        }
        if self.truncated && matches!(suite.method, Method::Cbc(..)) {
            return Err(Stop::Feature("a truncated MAC"));
        }
        Ok(suite)
    }
}

/// Opens the records of one connection.
#[derive(Debug)]
pub(super) struct Opener {
    keys: Arc<KeyLog>,
    sides: [Side; 2],
    agreed: Option<Agreed>,
    opened: Opened,
}

impl Opener {
    pub(super) fn new(keys: Arc<KeyLog>) -> Self {
        Self {
            keys,
            sides: Default::default(),
            agreed: None,
            opened: Opened::default(),
        }
    }

    /// Whether records of this direction may still open.
    pub(super) const fn is_open(&self, direction: Direction) -> bool {
        self.opened.stopped[side(direction)].is_none()
    }

    /// Bytes that are held.
    pub(super) fn weight(&self) -> usize {
        let held = self.sides.iter().flat_map(|own| &own.held);
        held.map(|record| HEADER + record.length()).sum()
    }

    /// Where opening stopped in this direction.
    pub(super) fn stopped(&self, direction: Direction) -> Option<u64> {
        let stopped = self.opened.stopped[side(direction)].as_ref();
        stopped.map(|stop| stop.span.start)
    }

    /// Takes the next record of a direction. `retried`: the last ServerHello was a HelloRetryRequest.
    pub(super) fn record(
        &mut self,
        direction: Direction,
        record: Record,
        retried: bool,
    ) -> Outcome {
        if !self.is_open(direction) {
            return Outcome::Clear(record);
        }
        let kind = record.kind();
        let early = self.agreed.is_some_and(|agreed| agreed.early);
        if kind == APPLICATION_DATA
            && let Err(why) = self.begin_tls13(direction)
        {
            return self.stop(direction, why, record.start, record.end());
        }
        let own = &mut self.sides[side(direction)];
        let Some(protection) = &mut own.protection else {
            let clear = matches!(kind, HANDSHAKE | ALERT) && own.held.is_empty();
            if clear || self.agreed.is_some() {
                return Outcome::Clear(record);
            }
            return if retried && kind == CHANGE_CIPHER_SPEC {
                Outcome::Nothing
            } else {
                self.hold(direction, record)
            };
        };
        if protection.is_tls13() {
            match kind {
                CHANGE_CIPHER_SPEC => return Outcome::Nothing,
                // What was sent before keys were there: an alert, or the ClientHello that answers a HelloRetryRequest.
                ALERT | HANDSHAKE if protection.is_fresh() && !own.application => {
                    return Outcome::Clear(record);
                }
                _ => {}
            }
        }
        let fresh = protection.is_fresh() && !own.application;
        match protection.open(&record) {
            Ok(content) => {
                self.opened.records[side(direction)] += 1;
                let offset = record.start + (HEADER + content.lead) as u64;
                Outcome::Opened(content.kind, content.bytes, offset)
            }
            Err(Fault::NotAuthentic) if early && fresh && direction == Direction::Client => {
                self.opened.early += 1;
                Outcome::Nothing
            }
            Err(fault) => {
                let why = match fault {
                    Fault::NotAuthentic => Stop::NotAuthentic,
                    Fault::Malformed(what) => Stop::Malformed(what),
                };
                self.stop(direction, why, record.start, record.end())
            }
        }
    }

    fn hold(&mut self, direction: Direction, record: Record) -> Outcome {
        let own = &mut self.sides[side(direction)];
        own.held_octets += HEADER + record.length();
        if own.held_octets > MOST_HELD {
            return self.stop(direction, Stop::NoHello, record.start, record.end());
        }
        own.held.push_back(record);
        Outcome::Nothing
    }

    /// A record that waited and need not wait any longer.
    pub(super) fn release(&mut self, direction: Direction) -> Option<Record> {
        self.agreed?;
        self.sides[side(direction)].held.pop_front()
    }

    /// Nothing is opened in this direction any more, because of the bytes `start..end`.
    pub(super) fn stop(
        &mut self,
        direction: Direction,
        why: Stop,
        start: u64,
        end: u64,
    ) -> Outcome {
        if self.is_open(direction) {
            let place = Span::new(direction, start, end);
            self.opened.stopped[side(direction)] = Some(Located::new(why, place));
            self.sides[side(direction)] = Side::default();
        }
        Outcome::Stopped
    }

    /// Both hellos are there: what they agree on holds from the next change of keys on. Why nothing can be opened then,
    /// where that is so already; secrets are looked up when the first record needs them.
    pub(super) fn agree(&mut self, client: &ClientHello, server: &ServerHello) -> Result<(), Stop> {
        let agreed = Agreed {
            client_random: client.random,
            server_random: server.random,
            version: server.version,
            number: server.cipher_suite,
            compression: server.compression,
            etm: server.encrypts_then_macs(),
            truncated: server.extensions.contains(&TRUNCATED_HMAC),
            early: client.has_early_data(),
        };
        self.agreed = Some(agreed);
        agreed.suite().map(|_| ())
    }

    fn secrets(&self, agreed: &Agreed) -> Result<Secrets, Stop> {
        self.keys.get(&agreed.client_random).ok_or(Stop::NoSecret)
    }

    /// Sets the keys for the first record after the hellos, or after Finished, where that is of TLS 1.3.
    fn begin_tls13(&mut self, direction: Direction) -> Result<(), Stop> {
        let own = &self.sides[side(direction)];
        let Some(agreed) = self.agreed.filter(Agreed::is_tls13) else {
            return Ok(());
        };
        if own.protection.is_some() {
            return Ok(());
        }
        let secrets = self.secrets(&agreed)?;
        let (secrets, labels) = if own.application {
            let labels = ["CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"];
            (secrets.application, labels)
        } else {
            let labels = [
                "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
                "SERVER_HANDSHAKE_TRAFFIC_SECRET",
            ];
            (secrets.handshake, labels)
        };
        let at = side(direction);
        let secret = secrets[at].clone().ok_or(Stop::MissingSecret(labels[at]))?;
        self.protect_tls13(direction, agreed.suite()?, secret)
    }

    /// Sets the keys that follow from a traffic secret (RFC 8446 section 7.3).
    fn protect_tls13(
        &mut self,
        direction: Direction,
        suite: Suite,
        secret: Secret,
    ) -> Result<(), Stop> {
        if secret.len() != suite.prf.length() {
            return Err(Stop::Malformed(
                "the secret is as long as for another suite",
            ));
        }
        let length = u8::try_from(suite.key).unwrap_or_default();
        let keys = Keys {
            key: expand_label(suite.prf, &secret, "key", length),
            iv: expand_label(suite.prf, &secret, "iv", 12),
            mac: Secret::new([]),
        };
        let own = &mut self.sides[side(direction)];
        own.protection = Protection::new(suite.method, keys, 0x0304, false);
        own.secret = Some(secret);
        if own.protection.is_none() {
            return Err(Stop::Malformed("the key does not fit the suite"));
        }
        Ok(())
    }

    /// This direction said Finished or `KeyUpdate` (`update`) under TLS 1.3: its next record has other keys.
    pub(super) fn next_tls13(&mut self, direction: Direction, update: bool) -> Result<(), Stop> {
        let own = &mut self.sides[side(direction)];
        let protection = own.protection.as_ref();
        let Some(agreed) = self
            .agreed
            .filter(|_| protection.is_some_and(Protection::is_tls13))
        else {
            return Ok(());
        };
        match (&own.secret, own.application, update) {
            (_, false, false) => {
                own.application = true;
                own.protection = None;
                Ok(())
            }
            (Some(secret), true, true) => {
                let suite = agreed.suite()?;
                let length = u8::try_from(secret.len()).unwrap_or_default();
                let secret = expand_label(suite.prf, secret, "traffic upd", length);
                self.protect_tls13(direction, suite, secret)
            }
            _ => Ok(()),
        }
    }

    /// This direction said `ChangeCipherSpec`, which before TLS 1.3 puts the new keys in force (RFC 5246 section 6.3).
    pub(super) fn change_cipher(&mut self, direction: Direction) -> Result<(), Stop> {
        let agreed = self.agreed.ok_or(Stop::NoHello)?;
        if agreed.is_tls13() {
            return Ok(());
        }
        let suite = agreed.suite()?;
        let master = self.secrets(&agreed)?.master;
        let master = master.ok_or(Stop::MissingSecret("CLIENT_RANDOM"))?;
        let (mac, iv) = match suite.method {
            Method::Gcm => (0, 4),
            Method::ChaCha => (0, 12),
            Method::Cbc(block, hash) if agreed.version == 0x0301 => (hash.length(), block.length()),
            Method::Cbc(_, hash) => (hash.length(), 0),
        };
        let hash = (agreed.version == 0x0303).then_some(suite.prf);
        let keys = key_block(hash, &master, &agreed, [mac, suite.key, iv], direction);
        let etm = agreed.etm && matches!(suite.method, Method::Cbc(..));
        let protection = Protection::new(suite.method, keys, agreed.version, etm);
        let protection = protection.ok_or(Stop::Malformed("the key does not fit the suite"))?;
        self.sides[side(direction)].protection = Some(protection);
        Ok(())
    }

    /// Counts application data.
    pub(super) fn count(&mut self, direction: Direction, octets: usize) {
        self.opened.octets[side(direction)] += octets as u64;
    }

    /// The result, when the streams have ended at `ends`.
    pub(super) fn finish(mut self, ends: [u64; 2]) -> Opened {
        for direction in DIRECTIONS {
            let at = side(direction);
            if let Some(first) = self.sides[at].held.front() {
                let start = first.start;
                self.stop(direction, Stop::NoHello, start, ends[at]);
            }
        }
        if self.opened.early > 0 && self.opened.records[0] == 0 && self.opened.stopped[0].is_none()
        {
            self.stop(Direction::Client, Stop::NotAuthentic, ends[0], ends[0]);
        }
        self.opened
    }
}

/// The keys of one direction out of the key block, in which the client's stand before the server's, kind by kind.
fn key_block(
    hash: Option<Hash>,
    master: &Secret,
    agreed: &Agreed,
    lengths: [usize; 3],
    direction: Direction,
) -> Keys {
    let total = 2 * lengths.iter().sum::<usize>();
    let seed = [agreed.server_random.as_slice(), &agreed.client_random];
    let block = prf(hash, master, "key expansion", &seed, total);
    let mut rest = block.expose();
    let [mac, key, iv] = lengths.map(|length| {
        let (both, after) = rest.split_at(2 * length);
        rest = after;
        let (client, server) = both.split_at(length);
        Secret::new(match direction {
            Direction::Client => client,
            Direction::Server => server,
        })
    });
    Keys { key, iv, mac }
}

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
use super::record::{ALERT, CHANGE_CIPHER_SPEC, HANDSHAKE, HEADER, Record};
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

    /// Both hellos are there: what they agree on holds from the next change of keys on. The directions in which opening
    /// stops for it.
    pub(super) fn agree(
        &mut self,
        client: &ClientHello,
        server: &ServerHello,
        places: [Span; 2],
    ) -> Vec<Direction> {
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
        let mut stopped = Vec::new();
        for direction in DIRECTIONS {
            // A repeated handshake: the keys in use go on until the change.
            if self.sides[side(direction)].protection.is_some() {
                continue;
            }
            let place = places[side(direction)];
            let begun = match self.suite(&agreed) {
                Ok(suite) if agreed.version == 0x0304 => {
                    self.begin_tls13(direction, suite, &agreed)
                }
                other => other.map(|_| ()),
            };
            if let Err(why) = begun {
                if self.is_open(direction) {
                    stopped.push(direction);
                }
                self.stop(direction, why, place.start, place.end);
            }
        }
        stopped
    }

    /// The suite, where the connection can be opened at all.
    fn suite(&self, agreed: &Agreed) -> Result<Suite, Stop> {
        if !(0x0301..=0x0304).contains(&agreed.version) {
            return Err(Stop::Version(agreed.version));
        }
        let suite = Suite::find(agreed.number).ok_or(Stop::Suite(agreed.number))?;
        let tls13 = agreed.version == 0x0304;
        if Suite::is_tls13(agreed.number) != tls13 {
            return Err(Stop::Malformed("the cipher suite is of another version"));
        }
        if agreed.compression != 0 {
            return Err(Stop::Feature("compression"));
        }
        if agreed.truncated && matches!(suite.method, Method::Cbc(..)) {
            return Err(Stop::Feature("a truncated MAC"));
        }
        let secrets = self.secrets(agreed)?;
        if !tls13 && secrets.master.is_none() {
            return Err(Stop::MissingSecret("CLIENT_RANDOM"));
        }
        Ok(suite)
    }

    fn secrets(&self, agreed: &Agreed) -> Result<&Secrets, Stop> {
        self.keys.get(&agreed.client_random).ok_or(Stop::NoSecret)
    }

    fn begin_tls13(
        &mut self,
        direction: Direction,
        suite: Suite,
        agreed: &Agreed,
    ) -> Result<(), Stop> {
        let label = match direction {
            Direction::Client => "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
            Direction::Server => "SERVER_HANDSHAKE_TRAFFIC_SECRET",
        };
        let secret = self.secrets(agreed)?.handshake[side(direction)].clone();
        let secret = secret.ok_or(Stop::MissingSecret(label))?;
        self.protect_tls13(direction, suite, secret)
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

    /// This direction said Finished or `KeyUpdate` under TLS 1.3.
    pub(super) fn next_tls13(&mut self, direction: Direction, update: bool) -> Result<(), Stop> {
        let Some(agreed) = self.agreed.filter(|_| self.is_tls13(direction)) else {
            return Ok(());
        };
        let own = &self.sides[side(direction)];
        if own.application != update {
            return Ok(());
        }
        let suite = self.suite(&agreed)?;
        let secret = match &own.secret {
            Some(secret) if update => {
                let length = u8::try_from(secret.len()).unwrap_or_default();
                expand_label(suite.prf, secret, "traffic upd", length)
            }
            _ => {
                let label = match direction {
                    Direction::Client => "CLIENT_TRAFFIC_SECRET_0",
                    Direction::Server => "SERVER_TRAFFIC_SECRET_0",
                };
                let secret = self.secrets(&agreed)?.application[side(direction)].clone();
                secret.ok_or(Stop::MissingSecret(label))?
            }
        };
        self.sides[side(direction)].application = true;
        self.protect_tls13(direction, suite, secret)
    }

    fn is_tls13(&self, direction: Direction) -> bool {
        let protection = self.sides[side(direction)].protection.as_ref();
        protection.is_some_and(Protection::is_tls13)
    }

    /// This direction said `ChangeCipherSpec`, which before TLS 1.3 puts the new keys in force (RFC 5246 section 6.3).
    pub(super) fn change_cipher(&mut self, direction: Direction) -> Result<(), Stop> {
        let agreed = self.agreed.ok_or(Stop::NoHello)?;
        if agreed.version >= 0x0304 {
            return Ok(());
        }
        let suite = self.suite(&agreed)?;
        let master = self.secrets(&agreed)?.master.clone();
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

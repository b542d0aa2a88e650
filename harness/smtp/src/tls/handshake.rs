//! What the messages of a handshake tell, besides the hellos.

use super::alert::Alert;
use super::certificate::Certificate;
use super::cursor::Cursor;
use super::hello::{ClientHello, ServerHello};
use crate::timeline::Located;

/// The longest handshake message that is kept; longer ones are passed over.
const MOST_KEPT: usize = 64 << 10;
/// How many certificates of a chain are read.
const MOST_CERTIFICATES: usize = 16;
/// How many alerts are kept.
const MOST_ALERTS: usize = 16;

pub(super) const CLIENT_HELLO: u8 = 1;
pub(super) const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;
const SERVER_KEY_EXCHANGE: u8 = 12;
const SERVER_HELLO_DONE: u8 = 14;
const CERTIFICATE_VERIFY: u8 = 15;
pub(super) const FINISHED: u8 = 20;
pub(super) const KEY_UPDATE: u8 = 24;

/// How keys were exchanged and by which signature the server proved who it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyExchange {
    /// The group: from ServerHello in TLS 1.3, from `ServerKeyExchange` before.
    pub group: Option<u16>,
    /// Size of the prime of a finite-field Diffie-Hellman exchange before TLS 1.3, in bits.
    pub prime_bits: Option<usize>,
    /// The signature scheme of the server, where it was stated and visible.
    pub signature_scheme: Option<u16>,
}

/// What was seen of the handshake besides the hellos.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handshake {
    /// Whether the server asked for a second ClientHello (HelloRetryRequest).
    pub retried: bool,
    /// Whether an earlier session was resumed; `None` where that was not seen.
    pub resumed: Option<bool>,
    /// Whether the handshake was repeated inside TLS; seen only with keys.
    pub renegotiated: bool,
    /// The server's certificates as sent, its own first; at most 16. Encrypted in TLS 1.3, so there only with keys.
    pub certificates: Vec<Located<Certificate>>,
    /// How many certificates of either side did not parse.
    pub unreadable_certificates: usize,
    /// The client's certificates, its own first; at most 16.
    pub client_certificates: Vec<Located<Certificate>>,
    /// How keys were exchanged.
    pub key_exchange: KeyExchange,
    /// Alerts that could be read, in the order in which they were; at most 16.
    pub alerts: Vec<Located<Alert>>,
}

impl Handshake {
    pub(super) fn alert(&mut self, alert: Located<Alert>) {
        if self.alerts.len() < MOST_ALERTS {
            self.alerts.push(alert);
        }
    }

    /// Takes note of a message. `version` is the negotiated one, 0 where it is not known.
    pub(super) fn message(&mut self, from_client: bool, version: u16, message: &Located<Message>) {
        let body = message.value.body.as_slice();
        match message.value.kind {
            CERTIFICATE => self.certificate(from_client, version, message),
            SERVER_KEY_EXCHANGE if !from_client => {
                self.key_exchange = key_exchange(body, version).unwrap_or_default();
            }
            SERVER_HELLO_DONE if !from_client => self.resumed = Some(false),
            CERTIFICATE_VERIFY if !from_client => {
                self.key_exchange.signature_scheme = Cursor(body).u16();
            }
            _ => {}
        }
    }

    fn certificate(&mut self, from_client: bool, version: u16, message: &Located<Message>) {
        let chain = if from_client {
            &mut self.client_certificates
        } else {
            &mut self.certificates
        };
        if !chain.is_empty() {
            return;
        }
        let ders = certificates(&message.value.body, version >= 0x0304).unwrap_or_default();
        for der in ders {
            match Certificate::read(der) {
                Some(certificate) => chain.push(Located::new(certificate, message.span)),
                None => self.unreadable_certificates += 1,
            }
        }
    }
}

/// The certificates of a Certificate message (RFC 8446 section 4.4.2, RFC 5246 section 7.4.2).
fn certificates(body: &[u8], with_extensions: bool) -> Option<Vec<&[u8]>> {
    let mut body = Cursor(body);
    if with_extensions {
        // The request context.
        body.vector8()?;
    }
    let mut list = Cursor(body.vector24()?);
    let mut all = Vec::new();
    while !list.is_empty() && all.len() < MOST_CERTIFICATES {
        all.push(list.vector24()?);
        if with_extensions {
            list.vector16()?;
        }
    }
    Some(all)
}

/// `ServerKeyExchange`: an elliptic curve by its name (RFC 8422 section 5.4), else a finite field (RFC 5246 section
/// 7.4.3). The two are not marked; the first byte of a prime's length is no curve type that is in use.
fn key_exchange(body: &[u8], version: u16) -> Option<KeyExchange> {
    let mut body = Cursor(body);
    let mut read = KeyExchange::default();
    if body.0.first() == Some(&3) {
        body.u8()?;
        read.group = Some(body.u16()?);
        body.vector8()?;
    } else {
        let prime = body.vector16()?;
        let used = prime.iter().position(|byte| *byte != 0)?;
        let bits = (prime.len() - used) * 8;
        read.prime_bits = Some(bits - prime[used].leading_zeros() as usize);
        // Generator and public value.
        body.vector16()?;
        body.vector16()?;
    }
    if version == 0x0303 {
        read.signature_scheme = body.u16();
    }
    Some(read)
}

/// A handshake message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) kind: u8,
    pub(super) body: Vec<u8>,
}

/// Puts the messages of one direction together, which record ends may cut anywhere.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    buffer: Vec<u8>,
    /// Offset of the record that holds the beginning of the message.
    start: u64,
    /// Bytes that are passed over.
    skip: usize,
}

impl Assembler {
    /// Takes the content of a record that stands at `start..end`, and hands each message over that is then whole with
    /// the place of its records.
    pub(super) fn push(
        &mut self,
        mut content: &[u8],
        start: u64,
        end: u64,
        mut done: impl FnMut(Message, u64, u64),
    ) {
        loop {
            let skipped = self.skip.min(content.len());
            self.skip -= skipped;
            content = &content[skipped..];
            if content.is_empty() {
                return;
            }
            if self.buffer.is_empty() {
                self.start = start;
            }
            let missing = self.missing().min(content.len());
            self.buffer.extend_from_slice(&content[..missing]);
            content = &content[missing..];
            if self.buffer.len() >= 4 && self.missing() == 0 {
                let kind = self.buffer[0];
                let body = self.buffer.split_off(4);
                self.buffer.clear();
                done(Message { kind, body }, self.start, end);
            } else if self.buffer.len() == 4 && self.missing() > MOST_KEPT {
                self.skip = self.missing();
                self.buffer.clear();
            }
        }
    }

    /// How many bytes the header, or the message, still lacks.
    fn missing(&self) -> usize {
        match self.buffer.as_slice() {
            [_, high, middle, low, body @ ..] => {
                let length = u32::from_be_bytes([0, *high, *middle, *low]) as usize;
                length - body.len()
            }
            header => 4 - header.len(),
        }
    }

    /// Bytes that are held.
    pub(super) const fn weight(&self) -> usize {
        self.buffer.len()
    }

    /// Forgets the message in progress.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Both hellos, as far as they were seen.
#[derive(Debug, Default)]
pub(super) struct Hellos {
    pub(super) client: Option<Located<ClientHello>>,
    /// The first that is no HelloRetryRequest.
    pub(super) server: Option<Located<ServerHello>>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn assembled(stream: &[u8], cuts: &[usize]) -> Vec<(u8, usize, u64, u64)> {
        let mut assembler = Assembler::default();
        let mut seen = Vec::new();
        let mut at = 0_usize;
        for cut in cuts.iter().copied().chain([usize::MAX]) {
            let end = at.saturating_add(cut).min(stream.len());
            assembler.push(
                &stream[at..end],
                at as u64,
                end as u64,
                |message, start, end| {
                    seen.push((message.kind, message.body.len(), start, end));
                },
            );
            at = end;
        }
        seen
    }

    fn stream() -> Vec<u8> {
        let mut stream = vec![1, 0, 0, 3, 9, 9, 9, 14, 0, 0, 0];
        let long = MOST_KEPT + 1;
        stream.extend([11, 1, 0, 1]);
        assert_eq!(long, 0x0001_0001);
        stream.resize(stream.len() + long, 0);
        stream.extend([20, 0, 0, 1, 7]);
        stream
    }

    #[test]
    fn a_message_that_is_too_long_is_passed_over() {
        let seen = assembled(&stream(), &[5, 3]);
        let end = stream().len() as u64;
        assert_eq!(seen, [(1, 3, 0, 8), (14, 0, 5, end), (20, 1, 8, end)]);
    }

    proptest! {
        #[test]
        fn record_ends_may_fall_anywhere(cuts in proptest::collection::vec(0_usize..40, 0..20)) {
            let kinds = assembled(&stream(), &cuts).iter().map(|seen| (seen.0, seen.1)).collect::<Vec<_>>();
            prop_assert_eq!(kinds, [(1, 3), (14, 0), (20, 1)]);
        }

        #[test]
        fn no_bytes_make_it_panic(noise in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = key_exchange(&noise, 0x0303);
            let _ = certificates(&noise, true);
            let _ = Certificate::read(&noise);
            let _ = ClientHello::read(&noise);
            let _ = ClientHello::read_ssl2(&noise);
            let _ = ServerHello::read(&noise);
            assembled(&noise, &[3, 1, 4]);
        }
    }

    #[test]
    fn a_short_prime_is_measured() {
        let mut body = vec![0, 65, 0];
        body.extend([0x7f; 64]);
        body.extend([0, 1, 2, 0, 1, 5, 2, 1]);
        let read = key_exchange(&body, 0x0303).expect("reads");
        assert_eq!(read.prime_bits, Some(511));
        assert_eq!(read.signature_scheme, Some(0x0201));
        assert_eq!(
            key_exchange(&body, 0x0302).expect("reads").signature_scheme,
            None
        );
        let curve = key_exchange(&[3, 0, 23, 1, 4, 4, 1], 0x0303).expect("reads");
        assert_eq!(
            (curve.group, curve.signature_scheme),
            (Some(23), Some(0x0401))
        );
    }
}

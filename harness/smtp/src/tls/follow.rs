//! TLS on a connection, followed from both streams as they arrive.

use std::fmt;
use std::sync::Arc;

use wire::{Direction, Span};

use super::alert::Alert;
use super::handshake::{
    Assembler, CLIENT_HELLO, FINISHED, Handshake, Hellos, KEY_UPDATE, Message, SERVER_HELLO,
};
use super::hello::{ClientHello, ServerHello};
use super::keylog::KeyLog;
use super::open::{Opened, Opener, Outcome, Stop};
use super::record::{
    ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, HEADER, Record, Splitter,
};
use super::{DIRECTIONS, side};
use crate::timeline::Located;

/// Length of an encrypted TLS 1.3 alert: two bytes, the inner content type, and the tag (RFC 8446 section 5.2). It
/// travels as application data, and a client that refuses the certificate sends one in place of Finished.
const ENCRYPTED_ALERT: usize = 19;

/// What a key log made readable. `Debug` shows lengths only: there may be passwords in it.
#[derive(Clone, PartialEq, Eq)]
pub enum Plain {
    /// Application data of (a part of) one record.
    Bytes {
        /// Who sent it.
        direction: Direction,
        /// Stream offset of the ciphertext of the first byte; the byte at `i` stands at `offset + i`.
        offset: u64,
        /// The data.
        bytes: Vec<u8>,
    },
    /// From this stream offset on nothing is readable in this direction, though the capture has the bytes.
    End {
        /// Whose stream.
        direction: Direction,
        /// Where the first record stands that did not open.
        offset: u64,
    },
}

impl fmt::Debug for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes {
                direction,
                offset,
                bytes,
            } => write!(f, "Bytes({direction:?} {offset}, {} bytes)", bytes.len()),
            Self::End { direction, offset } => write!(f, "End({direction:?} {offset})"),
        }
    }
}

/// What was seen of TLS when the streams have ended.
#[derive(Debug)]
pub struct Seen {
    /// The ClientHello, and the records that hold it.
    pub client_hello: Option<Located<ClientHello>>,
    /// The ServerHello, and the records that hold it.
    pub server_hello: Option<Located<ServerHello>>,
    /// The rest of the handshake.
    pub handshake: Handshake,
    /// Whether application data, or what looks like it, went both ways.
    pub established: bool,
    /// How far the key log opened it; `None` where there was none.
    pub opened: Option<Opened>,
}

/// One direction.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a separate fact")]
struct Side {
    records: Splitter,
    messages: Assembler,
    /// The beginning of the stream, while it may be a hello in the form of SSL 2.0.
    ssl2: Option<Vec<u8>>,
    begun: bool,
    /// Bytes are missing: messages cannot be put together any more.
    holed: bool,
    /// `ChangeCipherSpec` was sent.
    ciphered: bool,
    application: bool,
    /// Stream offset after the last byte.
    end: u64,
}

/// Follows both streams of a connection from the first byte of TLS on.
///
/// Without a key log it holds no application data, but only headers and the handshake message in progress (64 KiB at
/// most). With one it holds a record of each direction, and up to 64 KiB that wait for a hello.
#[derive(Debug, Default)]
pub struct Follower {
    sides: [Side; 2],
    hellos: Hellos,
    /// Whether the hellos in use are those of a repeated handshake; then these are.
    again: Option<Hellos>,
    handshake: Handshake,
    opener: Option<Opener>,
}

impl Follower {
    /// With the key log that is to open what it can.
    pub fn new(keys: Option<Arc<KeyLog>>) -> Self {
        Self {
            opener: keys.map(Opener::new),
            ..Self::default()
        }
    }

    /// Takes the next bytes of a direction, which stand at `offset`. What they make readable comes back in order; it may
    /// be of the other direction too, where that waited for a hello.
    pub fn feed(&mut self, direction: Direction, bytes: &[u8], mut offset: u64) -> Vec<Plain> {
        let mut out = Vec::new();
        let mut rest = bytes;
        let owned = self.ssl2(direction, &mut rest, &mut offset);
        let mut rest = owned.as_deref().unwrap_or(rest);
        while !rest.is_empty() {
            let open = self
                .opener
                .as_ref()
                .is_some_and(|opener| opener.is_open(direction));
            let own = &mut self.sides[side(direction)];
            let ciphered = own.ciphered;
            let keep = |header: [u8; HEADER]| match header[0] {
                HANDSHAKE | ALERT | CHANGE_CIPHER_SPEC => open || !ciphered,
                _ => open,
            };
            let Some(record) = own.records.take(&mut rest, &mut offset, keep) else {
                break;
            };
            self.record(direction, record, &mut out);
            self.release(&mut out);
        }
        let own = &mut self.sides[side(direction)];
        own.end = own.end.max(offset);
        if own.records.is_lost() {
            let end = own.end;
            self.stop(
                direction,
                Stop::Malformed("no record begins where one must"),
                end,
                end,
                &mut out,
            );
        }
        out
    }

    /// Takes note of missing bytes.
    pub fn gap(&mut self, direction: Direction, length: u64) {
        let own = &mut self.sides[side(direction)];
        own.records.gap(length);
        own.messages.clear();
        own.holed = true;
        own.ssl2 = None;
        own.begun = true;
        let start = own.end;
        own.end += length;
        let end = own.end;
        // Whoever told of the gap knows that nothing comes: no `Plain::End`.
        if let Some(opener) = &mut self.opener {
            opener.stop(direction, Stop::Gap, start, end);
        }
    }

    /// How many bytes are held of records and messages that are not whole, and of those that wait for a hello.
    pub fn weight(&self) -> usize {
        let sides = self.sides.iter().map(|own| {
            let ssl2 = own.ssl2.as_ref().map_or(0, Vec::len);
            own.records.weight() + own.messages.weight() + ssl2
        });
        sides.sum::<usize>() + self.opener.as_ref().map_or(0, Opener::weight)
    }

    /// Where opening stopped in a direction, if it did.
    pub fn stopped(&self, direction: Direction) -> Option<u64> {
        self.opener.as_ref()?.stopped(direction)
    }

    /// What was seen.
    pub fn finish(self) -> Seen {
        let ends = [self.sides[0].end, self.sides[1].end];
        Seen {
            client_hello: self.hellos.client,
            server_hello: self.hellos.server,
            handshake: self.handshake,
            established: self.sides.iter().all(|own| own.application),
            opened: self.opener.map(|opener| opener.finish(ends)),
        }
    }

    /// Takes a ClientHello in the form of SSL 2.0 off the beginning of the client's stream. Where the beginning had to be
    /// kept and is something else, it comes back with what followed, and `offset` is set to its place.
    fn ssl2(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        offset: &mut u64,
    ) -> Option<Vec<u8>> {
        let own = &mut self.sides[side(direction)];
        if !own.begun && !bytes.is_empty() {
            own.begun = true;
            own.end = *offset;
            if direction == Direction::Client && bytes[0] & 0x80 != 0 {
                own.ssl2 = Some(Vec::new());
            }
        }
        let mut head = own.ssl2.take()?;
        let start = *offset - head.len() as u64;
        head.extend_from_slice(bytes);
        let wanted = match *head.as_slice() {
            [high, low, ..] => 2 + usize::from(u16::from_be_bytes([high & 0x7f, low])),
            _ => 2,
        };
        if head.len() < wanted {
            *offset += bytes.len() as u64;
            *bytes = &[];
            own.ssl2 = Some(head);
            return None;
        }
        let hello = super::is_ssl2_hello(&head).then(|| ClientHello::read_ssl2(&head));
        *offset = start;
        if let Some(hello) = hello.flatten() {
            let end = start + wanted as u64;
            let span = Span::new(Direction::Client, start, end);
            self.hellos.client = Some(Located::new(hello, span));
            head.drain(..wanted);
            *offset = end;
        }
        Some(head)
    }

    fn record(&mut self, direction: Direction, record: Record, out: &mut Vec<Plain>) {
        let own = &mut self.sides[side(direction)];
        if record.kind() == APPLICATION_DATA && record.length() != ENCRYPTED_ALERT {
            own.application = true;
        }
        let (start, end) = (record.start, record.end());
        let outcome = match &mut self.opener {
            Some(opener) => opener.record(direction, record, self.handshake.retried),
            None => Outcome::Clear(record),
        };
        match outcome {
            Outcome::Clear(record) if own.ciphered => drop(record),
            Outcome::Clear(record) => {
                let body = record.body.as_deref().unwrap_or_default();
                let span = Span::new(direction, start, end);
                self.content(record.kind(), body, span, false, out);
            }
            Outcome::Opened(APPLICATION_DATA, bytes, offset) => {
                if let Some(opener) = &mut self.opener {
                    opener.count(direction, bytes.len());
                }
                if !bytes.is_empty() {
                    out.push(Plain::Bytes {
                        direction,
                        offset,
                        bytes,
                    });
                }
            }
            Outcome::Opened(kind, bytes, _) => {
                self.content(kind, &bytes, Span::new(direction, start, end), true, out);
            }
            Outcome::Stopped => out.push(Plain::End {
                direction,
                offset: start,
            }),
            Outcome::Nothing => {}
        }
    }

    /// Takes content that is no application data: in clear, or `opened`.
    fn content(&mut self, kind: u8, bytes: &[u8], span: Span, opened: bool, out: &mut Vec<Plain>) {
        let direction = span.direction;
        match kind {
            CHANGE_CIPHER_SPEC => self.change_cipher(span, out),
            ALERT => {
                if let Some(alert) = Alert::read(bytes, opened) {
                    self.handshake.alert(Located::new(alert, span));
                }
            }
            HANDSHAKE if !self.sides[side(direction)].holed => {
                let mut messages = Vec::new();
                let assembler = &mut self.sides[side(direction)].messages;
                assembler.push(bytes, span.start, span.end, |message, start, end| {
                    messages.push(Located::new(message, Span::new(direction, start, end)));
                });
                for message in messages {
                    self.message(&message, out);
                }
            }
            _ => {}
        }
    }

    fn change_cipher(&mut self, span: Span, out: &mut Vec<Plain>) {
        let direction = span.direction;
        if self.version() >= 0x0304 || self.handshake.retried {
            return;
        }
        let own = &mut self.sides[side(direction)];
        own.ciphered = true;
        own.messages.clear();
        let resumes = direction == Direction::Server && !own.holed && self.hellos.server.is_some();
        if resumes {
            // A full handshake has a ServerHelloDone before this (RFC 5246 section 7.3).
            self.handshake.resumed.get_or_insert(true);
        }
        if let Some(opener) = &mut self.opener
            && opener.is_open(direction)
            && let Err(why) = opener.change_cipher(direction)
        {
            self.stop(direction, why, span.start, span.end, out);
        }
    }

    fn message(&mut self, message: &Located<Message>, out: &mut Vec<Plain>) {
        let span = message.span;
        let from_client = span.direction == Direction::Client;
        let body = message.value.body.as_slice();
        match message.value.kind {
            CLIENT_HELLO if from_client => {
                if let Some(hello) = ClientHello::read(body) {
                    self.client_hello(Located::new(hello, span));
                    self.agree(out);
                }
            }
            SERVER_HELLO if !from_client => {
                if let Some(hello) = ServerHello::read(body) {
                    self.server_hello(Located::new(hello, span));
                    self.agree(out);
                }
            }
            kind @ (FINISHED | KEY_UPDATE) => {
                if let Some(opener) = &mut self.opener
                    && let Err(why) = opener.next_tls13(span.direction, kind == KEY_UPDATE)
                {
                    self.stop(span.direction, why, span.start, span.end, out);
                }
            }
            _ => {
                let version = self.version();
                self.handshake.message(from_client, version, message);
            }
        }
    }

    fn client_hello(&mut self, hello: Located<ClientHello>) {
        let protected = self.sides[side(Direction::Client)].ciphered;
        if protected {
            self.handshake.renegotiated = true;
            self.again = Some(Hellos {
                client: Some(hello),
                server: None,
            });
        } else {
            // The second one, after a HelloRetryRequest, differs only in what was asked for.
            self.hellos.client.get_or_insert(hello);
        }
    }

    fn server_hello(&mut self, hello: Located<ServerHello>) {
        if hello.value.is_retry() {
            self.handshake.retried = true;
            return;
        }
        if let Some(again) = &mut self.again {
            again.server.get_or_insert(hello);
            return;
        }
        if self.hellos.server.is_some() {
            return;
        }
        if hello.value.version >= 0x0304 {
            self.handshake.resumed = Some(hello.value.chose_shared_key());
            self.handshake.key_exchange.group = hello.value.group;
        }
        self.hellos.server = Some(hello);
    }

    /// Tells the opener what the hellos agree on, as soon as both are there.
    fn agree(&mut self, out: &mut Vec<Plain>) {
        let hellos = self.again.as_ref().unwrap_or(&self.hellos);
        let (Some(opener), Some(client), Some(server)) =
            (&mut self.opener, &hellos.client, &hellos.server)
        else {
            return;
        };
        let places = [client.span, server.span];
        let agreed = opener.agree(&client.value, &server.value);
        // In a repeated handshake the keys in use go on until the change.
        if let Err(why) = agreed
            && self.again.is_none()
        {
            for place in places {
                self.stop(place.direction, why, place.start, place.end, out);
            }
        }
    }

    /// Reads what waited for a hello.
    fn release(&mut self, out: &mut Vec<Plain>) {
        for direction in DIRECTIONS {
            while let Some(record) = self
                .opener
                .as_mut()
                .and_then(|opener| opener.release(direction))
            {
                self.record(direction, record, out);
            }
        }
    }

    fn stop(
        &mut self,
        direction: Direction,
        why: Stop,
        start: u64,
        end: u64,
        out: &mut Vec<Plain>,
    ) {
        if let Some(opener) = &mut self.opener
            && opener.is_open(direction)
        {
            opener.stop(direction, why, start, end);
            out.push(Plain::End {
                direction,
                offset: start,
            });
        }
    }

    /// The negotiated version; 0 where it is not known.
    fn version(&self) -> u16 {
        let hello = self.hellos.server.as_ref();
        hello.map_or(0, |hello| hello.value.version)
    }
}

//! TLS on a conversation, as far as a passive reader sees it: hellos, and whether application data followed.

use wire::{Direction, Span};

use super::log::side;
use crate::timeline::{Located, Tls, TlsStart};
use crate::tls;

/// How much of each direction is kept for its hello.
const HEAD: usize = 64 << 10;
const RECORD_HEADER: usize = 5;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
/// Length of an encrypted TLS 1.3 alert: two bytes, the inner content type, and the tag (RFC 8446 section 5.2). It
/// travels as application data, and a client that refuses the certificate sends one in place of Finished.
const ENCRYPTED_ALERT: usize = 19;

/// Follows record borders without keeping the records.
#[derive(Debug, Default)]
struct Records {
    header: Vec<u8>,
    left: u64,
    lost: bool,
    application: bool,
}

impl Records {
    fn feed(&mut self, mut bytes: &[u8]) {
        if self.lost {
            // The next segment often begins with a record again.
            self.lost = !tls::is_record_start(bytes);
        }
        while !bytes.is_empty() && !self.lost {
            if self.left > 0 {
                let body = usize::try_from(self.left)
                    .unwrap_or(usize::MAX)
                    .min(bytes.len());
                self.left -= body as u64;
                bytes = &bytes[body..];
                continue;
            }
            let (head, rest) = bytes.split_at(bytes.len().min(RECORD_HEADER - self.header.len()));
            self.header.extend_from_slice(head);
            bytes = rest;
            if self.header.len() == RECORD_HEADER {
                self.begin();
            }
        }
    }

    fn begin(&mut self) {
        let length = record_length(&self.header);
        self.left = length as u64;
        self.lost = !tls::is_record_start(&self.header);
        if !self.lost && self.header[0] == APPLICATION_DATA && length != ENCRYPTED_ALERT {
            self.application = true;
        }
        self.header.clear();
    }

    fn gap(&mut self, length: u64) {
        self.lost |= !self.header.is_empty() || length > self.left;
        self.left = self.left.saturating_sub(length);
        self.header.clear();
    }
}

fn record_length(header: &[u8]) -> usize {
    match header {
        [_, _, _, high, low, ..] => usize::from(*high) << 8 | usize::from(*low),
        _ => 0,
    }
}

/// One direction.
#[derive(Debug, Default)]
struct Side {
    start: Option<u64>,
    head: Vec<u8>,
    head_closed: bool,
    records: Records,
}

impl Side {
    fn feed(&mut self, bytes: &[u8], offset: u64) {
        self.start.get_or_insert(offset);
        if !self.head_closed {
            let room = HEAD - self.head.len();
            self.head
                .extend_from_slice(bytes.get(..room).unwrap_or(bytes));
            self.head_closed = self.head.len() == HEAD;
        }
        self.records.feed(bytes);
    }

    /// The hello that `read` finds at the beginning, with the records that hold it.
    fn hello<T>(
        &self,
        direction: Direction,
        read: impl Fn(&[u8]) -> Option<T>,
    ) -> Option<Located<T>> {
        let start = self.start?;
        let hello = read(&self.head)?;
        let end = hello_end(&self.head).unwrap_or(self.head.len());
        Some(Located::new(
            hello,
            Span::new(direction, start, start + end as u64),
        ))
    }
}

/// Where the record ends that holds the end of the first handshake message.
fn hello_end(stream: &[u8]) -> Option<usize> {
    let mut at = 0;
    let mut message = Vec::new();
    loop {
        let header = stream.get(at..at + RECORD_HEADER)?;
        if header[0] != HANDSHAKE {
            return None;
        }
        let body = at + RECORD_HEADER;
        at = body + record_length(header);
        message.extend_from_slice(stream.get(body..at)?);
        if let [_, high, middle, low, ..] = message.as_slice() {
            let length = usize::from(*high) << 16 | usize::from(*middle) << 8 | usize::from(*low);
            if message.len() >= 4 + length {
                return Some(at);
            }
        }
    }
}

/// Whether TLS may begin, whether it did, and what was seen of it.
#[derive(Debug, Default)]
pub(super) struct Encrypted {
    allowed: Option<TlsStart>,
    sides: [Side; 2],
}

impl Encrypted {
    /// From here on a record at the beginning of a line begins TLS.
    pub(super) fn allow(&mut self, start: TlsStart) {
        self.allowed = Some(start);
    }

    /// Whether TLS may begin.
    pub(super) const fn is_allowed(&self) -> bool {
        self.allowed.is_some()
    }

    /// Takes bytes of TLS.
    pub(super) fn feed(&mut self, direction: Direction, bytes: &[u8], offset: u64) {
        self.sides[side(direction)].feed(bytes, offset);
    }

    /// Takes note of missing bytes.
    pub(super) fn gap(&mut self, direction: Direction, length: u64) {
        let side = &mut self.sides[side(direction)];
        side.head_closed = true;
        side.records.gap(length);
    }

    /// What was seen, where TLS began; the streams end at `ends`.
    pub(super) fn finish(self, ends: [u64; 2]) -> Option<Tls> {
        let start = self.allowed?;
        let [client, server] = &self.sides;
        if client.start.is_none() && server.start.is_none() {
            return None;
        }
        let span = |direction, from: &Side| {
            let end = ends[side(direction)];
            Span::new(direction, from.start.unwrap_or(end), end)
        };
        Some(Tls {
            start,
            client: span(Direction::Client, client),
            server: span(Direction::Server, server),
            client_hello: client.hello(Direction::Client, tls::client_hello),
            server_hello: server.hello(Direction::Server, tls::server_hello),
            established: client.records.application && server.records.application,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u8, length: u8) -> Vec<u8> {
        let mut record = vec![kind, 3, 3, 0, length];
        record.resize(RECORD_HEADER + usize::from(length), 0);
        record
    }

    #[test]
    fn finds_application_data_however_the_records_are_cut() {
        let mut stream = record(HANDSHAKE, 40);
        stream.extend(record(20, 1));
        let before = stream.len();
        stream.extend(record(APPLICATION_DATA, 60));
        for step in 1..stream.len() {
            let mut records = Records::default();
            for piece in stream[..before].chunks(step) {
                records.feed(piece);
            }
            assert!(!records.application && !records.lost);
            for piece in stream[before..].chunks(step) {
                records.feed(piece);
            }
            assert!(records.application && !records.lost);
        }
    }

    #[test]
    fn an_encrypted_alert_is_not_application_data() {
        let mut records = Records::default();
        records.feed(&record(APPLICATION_DATA, 19));
        assert!(!records.application);
    }

    #[test]
    fn a_gap_inside_a_record_is_counted_and_one_beyond_it_waits_for_a_record() {
        let mut records = Records::default();
        records.feed(&record(HANDSHAKE, 100)[..20]);
        records.gap(85);
        records.feed(&record(APPLICATION_DATA, 60));
        assert!(records.application);

        let mut records = Records::default();
        records.feed(&record(HANDSHAKE, 100)[..20]);
        records.gap(90);
        records.feed(b"anything");
        assert!(records.lost);
        records.feed(&record(APPLICATION_DATA, 60));
        assert!(records.application);
    }

    #[test]
    fn the_end_of_a_hello_is_found_over_two_records() {
        let mut stream = vec![HANDSHAKE, 3, 1, 0, 6, 1, 0, 0, 8, 0, 0];
        stream.extend([HANDSHAKE, 3, 1, 0, 6, 0, 0, 0, 0, 0, 0, 99]);
        assert_eq!(hello_end(&stream), Some(22));
        assert_eq!(hello_end(&stream[..20]), None);
    }
}

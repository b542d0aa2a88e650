//! Both directions of a connection, and what belongs to it.

use std::net::SocketAddr;

use super::ended::{Ended, Tombstone};
use super::output::{At, Consumer, Output};
use super::stream::Stream;
use super::waiting::Waiting;
use crate::conversation::{About, Arrival};
use crate::segment::{Flags, Segment};
use crate::{Closing, Direction, NoteKind, Opening};

/// A SYN whose number lies this close to the data of an open connection is taken for a stray (RFC 5961 section 4); one
/// further away begins a new connection.
const SYN_WINDOW: u64 = 1 << 16;

/// Data this far from the end of a closed connection belongs to a new one of which the handshake was not captured.
pub(super) const STRAY_WINDOW: u64 = 1 << 20;

/// One connection.
#[derive(Debug)]
pub(super) struct Connection<C> {
    index: usize,
    client: SocketAddr,
    server: SocketAddr,
    first: At,
    last: At,
    packets: u64,
    from_client: Stream,
    from_server: Stream,
    reset: Option<Direction>,
    /// Whether the FIN of the client, and of the server, was acknowledged.
    acknowledged: [bool; 2],
    waiting: Waiting,
    out: Output<C>,
}

impl<C: Consumer> Connection<C> {
    /// A connection of which this segment is the first that was captured; it must be pushed too.
    pub(super) fn new(index: usize, segment: &Segment<'_>, consumer: C) -> Self {
        let client_sent_it = match (segment.flags.has(Flags::SYN), segment.flags.has(Flags::ACK)) {
            (true, false) => true,
            (true, true) => false,
            // The lower port serves; with equal ports, whoever was spoken to first.
            (false, _) => segment.src.port() >= segment.dst.port(),
        };
        let (client, server) = if client_sent_it {
            (segment.src, segment.dst)
        } else {
            (segment.dst, segment.src)
        };
        let at = At {
            packet: segment.packet,
            time: segment.time,
        };
        Self {
            index,
            client,
            server,
            first: at,
            last: at,
            packets: 0,
            from_client: Stream::new(Direction::Client),
            from_server: Stream::new(Direction::Server),
            reset: None,
            acknowledged: [false; 2],
            waiting: Waiting::default(),
            out: Output::new(consumer),
        }
    }

    /// Whether nothing can come any more but strays: both sides closed and know that of each other, or one reset it.
    pub(super) fn is_over(&self) -> bool {
        self.waiting.first().is_none() && (self.reset.is_some() || self.acknowledged == [true; 2])
    }

    /// Whether the consumer wants further bytes.
    pub(super) fn is_interesting(&self) -> bool {
        self.out.is_interested()
    }

    /// How much memory the connection holds.
    pub(super) fn weight(&mut self) -> usize {
        self.from_client.weight()
            + self.from_server.weight()
            + self.waiting.weight()
            + self.out.weight()
    }

    /// Its number.
    pub(super) fn index(&self) -> usize {
        self.index
    }

    /// How many packets it has.
    pub(super) fn packets(&self) -> u64 {
        self.packets
    }

    /// The last packet.
    pub(super) fn last(&self) -> At {
        self.last
    }

    fn direction(&self, segment: &Segment<'_>) -> Direction {
        if segment.src == self.client {
            Direction::Client
        } else {
            Direction::Server
        }
    }

    fn stream(&self, direction: Direction) -> &Stream {
        match direction {
            Direction::Client => &self.from_client,
            Direction::Server => &self.from_server,
        }
    }

    fn is_closed(&self) -> bool {
        self.reset.is_some() || (self.from_client.has_fin() && self.from_server.has_fin())
    }

    fn has_data(&self) -> bool {
        self.from_client.has_data() || self.from_server.has_data()
    }

    /// Whether a segment between the same two sockets belongs to this connection, or else begins a new one.
    pub(super) fn owns(&self, segment: &Segment<'_>) -> bool {
        let stream = self.stream(self.direction(segment));
        if segment.flags.has(Flags::SYN) {
            let first = segment.seq.wrapping_add(1);
            return match stream.place(first) {
                // A repeated SYN has the same number. After a close that ended an exchange of data, a second one can only
                // mean the same conversation held again, by a program that does not choose its numbers at random.
                Some(0) => {
                    let again = stream.has_syn() && self.is_closed() && self.has_data();
                    !(again && segment.time > self.last.time)
                }
                None => !self.is_closed(),
                Some(_) => !self.is_closed() && stream.distance(first) <= SYN_WINDOW,
            };
        }
        segment.payload.is_empty()
            || !self.is_closed()
            || stream.distance(segment.seq) <= STRAY_WINDOW
    }

    /// Takes the next segment.
    pub(super) fn push(&mut self, segment: &Segment<'_>) {
        let at = At {
            packet: segment.packet,
            time: segment.time,
        };
        self.last = at;
        self.packets += 1;
        if segment.missing > 0 {
            self.out.note(
                NoteKind::Snapped,
                at,
                format_args!(
                    "{} bytes of its payload were not captured (snap length)",
                    segment.missing
                ),
            );
        }
        if segment.disputed {
            self.out.note(
                NoteKind::ConflictingFragments,
                at,
                format_args!(
                    "it was put together out of IP fragments that contradict each other; what came first was kept"
                ),
            );
        }
        match self.waiting.first().map(|first| first.src == segment.src) {
            Some(true) => self.waiting.push(segment),
            Some(false) => {
                // Whoever answers what waits has seen it: what that in turn answers is not going to come.
                if segment.flags.has(Flags::RST) || self.acknowledges_unseen(segment) {
                    self.stop_waiting();
                }
                self.take_or_wait(segment);
            }
            None => self.take_or_wait(segment),
        }
        self.release();
    }

    /// Whether the segment acknowledges data of the other side that cannot be told yet.
    fn acknowledges_unseen(&self, segment: &Segment<'_>) -> bool {
        segment.flags.has(Flags::ACK)
            && !segment.flags.has(Flags::RST)
            && self
                .stream(self.direction(segment).reverse())
                .unseen(segment.ack)
                .is_some()
    }

    fn take_or_wait(&mut self, segment: &Segment<'_>) {
        if self.acknowledges_unseen(segment) {
            self.waiting.push(segment);
        } else {
            self.take(segment);
        }
    }

    /// Takes those waiting segments whose time has come.
    fn release(&mut self) {
        while let Some(first) = self.waiting.first() {
            if self.acknowledges_unseen(&first) && !self.waiting.is_too_long() {
                return;
            }
            if let Some(first) = self.waiting.take_first() {
                self.take(&first.segment());
            }
        }
    }

    fn stop_waiting(&mut self) {
        while let Some(first) = self.waiting.take_first() {
            self.take(&first.segment());
        }
    }

    fn take(&mut self, segment: &Segment<'_>) {
        let at = At {
            packet: segment.packet,
            time: segment.time,
        };
        if segment.flags.has(Flags::SYN) && !self.open(segment) {
            self.out.note(
                NoteKind::OddSegment,
                at,
                format_args!("it is a SYN inside a connection that began with another number; it was not used"),
            );
            return;
        }
        if segment.flags.has(Flags::RST) {
            self.abort(segment, at);
            return;
        }
        let (own, other) = match self.direction(segment) {
            Direction::Client => (&mut self.from_client, &mut self.from_server),
            Direction::Server => (&mut self.from_server, &mut self.from_client),
        };
        // What a segment acknowledges was there before the segment was sent.
        if segment.flags.has(Flags::ACK) {
            other.acknowledged(segment.ack, at, &mut self.out);
        }
        own.receive(segment, &mut self.out);
        if segment.flags.has(Flags::ACK) && other.fin_acknowledged(segment.ack) {
            self.acknowledged[usize::from(other.direction == Direction::Server)] = true;
        }
    }

    /// Takes note of a SYN. Answers whether it fits.
    fn open(&mut self, segment: &Segment<'_>) -> bool {
        let direction = self.direction(segment);
        let stream = match direction {
            Direction::Client => &mut self.from_client,
            Direction::Server => &mut self.from_server,
        };
        if !stream.open(segment.seq) {
            return false;
        }
        let answer = segment.flags.has(Flags::ACK);
        let sender = if answer {
            Direction::Server
        } else {
            Direction::Client
        };
        match (self.out.opening, answer) {
            (Opening::Handshake { .. }, _) | (Opening::Answer { .. }, true) => return true,
            (Opening::Answer { .. }, false) if direction != sender => return true,
            (_, false) => {
                self.out.opening = Opening::Handshake {
                    syn: segment.packet,
                }
            }
            (_, true) => {
                self.out.opening = Opening::Answer {
                    syn_ack: segment.packet,
                }
            }
        }
        if direction != sender {
            self.swap_roles();
        }
        true
    }

    /// The guess which side opened the connection was wrong.
    fn swap_roles(&mut self) {
        std::mem::swap(&mut self.client, &mut self.server);
        std::mem::swap(&mut self.from_client, &mut self.from_server);
        self.from_client.direction = Direction::Client;
        self.from_server.direction = Direction::Server;
        self.reset = self.reset.map(Direction::reverse);
        self.acknowledged.swap(0, 1);
        self.out.turn();
    }

    fn abort(&mut self, segment: &Segment<'_>, at: At) {
        let direction = self.direction(segment);
        if self.stream(direction).distance(segment.seq) > STRAY_WINDOW {
            self.out.note(
                NoteKind::OddSegment,
                at,
                format_args!("its RST has a sequence number far from those of its connection; it was not used"),
            );
            return;
        }
        if self.reset.is_some() {
            return;
        }
        if !self.is_closed() {
            self.reset = Some(direction);
        }
        self.flush(at);
        self.out.take(Arrival::Reset {
            direction,
            packet: at.packet,
            time: at.time,
        });
    }

    fn flush(&mut self, at: At) {
        self.from_client.flush(at, &mut self.out);
        self.from_server.flush(at, &mut self.out);
    }

    /// Ends the connection. `given_up`: why it is not followed further, where it is not over.
    pub(super) fn finish(mut self, ended_at: u64, given_up: Option<String>) -> Ended<C> {
        self.stop_waiting();
        self.flush(self.last);
        let closing = match (
            self.reset,
            self.from_client.has_fin(),
            self.from_server.has_fin(),
        ) {
            (Some(direction), ..) => Closing::Reset(direction),
            (None, true, true) => Closing::Orderly,
            (None, true, false) => Closing::HalfClosed(Direction::Client),
            (None, false, true) => Closing::HalfClosed(Direction::Server),
            (None, false, false) => Closing::Open,
        };
        let about = About {
            index: self.index,
            client: self.client,
            server: self.server,
            opening: self.out.opening,
            closing,
            start: self.first.time,
            end: self.last.time,
            first_packet: self.first.packet,
            last_packet: self.last.packet,
            packets: self.packets,
            given_up,
            notes: std::mem::take(&mut self.out.notes).finish(),
        };
        Ended {
            ended_at,
            about,
            consumer: self.out.into_consumer(),
        }
    }

    /// What has to be remembered of the connection to know its strays.
    pub(super) fn tombstone(&self, whole: bool) -> Tombstone {
        let (client, server) = (&self.from_client, &self.from_server);
        Tombstone {
            client: self.client,
            first: [client.first(), server.first()],
            next: [client.next(), server.next()],
            had_data: self.has_data(),
            until: self.last.time,
            whole,
        }
    }
}

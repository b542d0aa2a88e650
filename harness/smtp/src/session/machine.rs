//! The state of a session, and what both directions share: holding back, gaps and ends.
//!
//! Bytes are taken in the order of the capture, with one exception. After DATA, AUTH and STARTTLS the meaning of the
//! next client bytes hangs on the reply, so client bytes that come before it are held back until it is there. In the
//! same way server bytes behind the 220 to STARTTLS wait for the client to show whether TLS begins.

use std::collections::VecDeque;

use wire::{Arrival, Direction, Span, Timestamp};

use super::attempt::Attempt;
use super::body::{Body, ChunkPlace};
use super::encrypted::Encrypted;
use super::envelope::Envelope;
use super::lines::{self, Line, Splitter};
use super::log::{Log, side};
use super::pending::Pending;
use super::reply::Assembler;
use crate::timeline::{Capabilities, EventKind, Keep};
use crate::tls;

/// What a piece holds.
#[derive(Debug)]
pub(super) enum Matter {
    /// Bytes, of which those before `at` are dealt with.
    Bytes { bytes: Vec<u8>, at: usize },
    /// That many missing bytes.
    Gap(u64),
    /// FIN.
    Fin,
    /// RST.
    Reset,
}

/// One stream event on its way through the machine.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) direction: Direction,
    /// Stream offset of its first byte; where the stream ends, for FIN and RST.
    pub(super) offset: u64,
    pub(super) packet: u64,
    pub(super) time: Timestamp,
    pub(super) matter: Matter,
}

impl Piece {
    /// The bytes that are not dealt with yet, and their offset.
    pub(super) fn rest(&self) -> (&[u8], u64) {
        match &self.matter {
            Matter::Bytes { bytes, at } => (
                bytes.get(*at..).unwrap_or_default(),
                self.offset + *at as u64,
            ),
            _ => (&[], self.offset),
        }
    }

    /// Marks all bytes as dealt with.
    pub(super) fn exhaust(&mut self) {
        if let Matter::Bytes { bytes, at } = &mut self.matter {
            *at = bytes.len();
        }
    }

    /// Marks bytes as dealt with.
    pub(super) fn advance(&mut self, by: usize) {
        if let Matter::Bytes { at, .. } = &mut self.matter {
            *at += by;
        }
    }
}

/// How the next client bytes are to be read.
#[derive(Debug)]
pub(super) enum Mode {
    /// Command lines.
    Commands,
    /// Something, after a gap or at the start inside a connection: only what is evidently a command is one.
    Lost,
    /// Not before the reply to the last command is there.
    Waiting(Waiting),
    /// A SASL response. After a gap in it, a line that is evidently a command ends the exchange.
    Sasl { attempt: Option<usize>, holed: bool },
    /// Message content, of which no byte has come yet; with the exchange of the DATA command.
    Expecting(usize),
    /// Message content.
    Content(Box<Body>),
    /// Message content, or a command: the server has replied as if the content were over.
    Doubt(Box<Body>),
    /// TLS records.
    Tls,
    /// Bytes of another protocol.
    Opaque,
}

/// What the client waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waiting {
    /// The reply to DATA; with its exchange.
    Data(usize),
    /// The reply to AUTH or to a SASL response.
    Auth(Option<usize>),
    /// The reply to STARTTLS; with its exchange.
    StartTls(usize),
}

/// The client's side.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) mode: Mode,
    pub(super) lines: Splitter,
    pub(super) held: VecDeque<Piece>,
    /// Bytes that were read as a line and have to be read again, before those that are held.
    pub(super) again: Option<Piece>,
    /// The reply that the client waits for may never come: look at what it sent instead.
    pub(super) doubtful: bool,
    /// No reply will come any more: the server sent FIN or RST.
    pub(super) deserted: bool,
}

/// How the next server bytes are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ServerMode {
    /// Reply lines.
    Replies,
    /// Not before the client has shown whether TLS begins.
    AwaitTls,
    /// TLS records.
    Tls,
    /// Bytes of another protocol.
    Opaque,
}

/// The server's side.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) mode: ServerMode,
    pub(super) lines: Splitter,
    pub(super) held: VecDeque<Piece>,
    pub(super) replies: Assembler,
    /// The first reply was seen, or is lost.
    pub(super) greeted: bool,
    /// Lines that are not replies are remains of some.
    pub(super) after_gap: bool,
    /// The one open request was answered with a line that is no reply; a real reply may still follow.
    pub(super) junk: bool,
}

/// The whole state.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) log: Log,
    pub(super) midstream: bool,
    /// The client said LHLO.
    pub(super) lmtp: bool,
    pub(super) keep: Keep,
    /// How many extents of the client's provenance the last thinning left.
    pub(super) thinned: usize,
    pub(super) ends: [u64; 2],
    pub(super) octets: [u64; 2],
    pub(super) gaps: Vec<Span>,
    pub(super) pending: Pending,
    pub(super) envelope: Envelope,
    pub(super) chunks: Vec<ChunkPlace>,
    pub(super) attempts: Vec<Attempt>,
    pub(super) capabilities: Vec<Capabilities>,
    pub(super) encrypted: Encrypted,
    pub(super) client: Client,
    pub(super) server: Server,
    /// Room for the bytes of the next piece: that of one which was dealt with.
    spare: Vec<u8>,
}

impl Machine {
    pub(super) fn new(midstream: bool, keep: Keep, mode: Mode, server: ServerMode) -> Self {
        Self {
            log: Log::default(),
            midstream,
            lmtp: false,
            keep,
            thinned: 0,
            ends: [0; 2],
            octets: [0; 2],
            gaps: Vec::new(),
            pending: Pending::default(),
            envelope: Envelope::default(),
            chunks: Vec::new(),
            attempts: Vec::new(),
            capabilities: Vec::new(),
            encrypted: Encrypted::default(),
            client: Client {
                mode,
                lines: Splitter::default(),
                held: VecDeque::new(),
                again: None,
                doubtful: false,
                deserted: false,
            },
            server: Server {
                mode: server,
                lines: Splitter::default(),
                held: VecDeque::new(),
                replies: Assembler::default(),
                greeted: false,
                after_gap: false,
                junk: false,
            },
            spare: Vec::new(),
        }
    }

    /// Takes the next thing that the capture holds. Bytes are copied only where they have to wait.
    pub(super) fn take_arrival(&mut self, arrival: Arrival<'_>) {
        let (direction, offset, packet, time, matter) = match arrival {
            Arrival::Data {
                direction,
                offset,
                packet,
                time,
                bytes,
            } => {
                let used = self.bytes(direction, offset, (packet, time), bytes);
                let Some(rest @ [_, ..]) = bytes.get(used..) else {
                    return;
                };
                let mut bytes = std::mem::take(&mut self.spare);
                bytes.extend_from_slice(rest);
                let matter = Matter::Bytes { bytes, at: 0 };
                (direction, offset + used as u64, packet, time, matter)
            }
            Arrival::Gap {
                direction,
                offset,
                length,
                packet,
                time,
            } => {
                let end = &mut self.ends[side(direction)];
                *end = (*end).max(offset + length);
                (direction, offset, packet, time, Matter::Gap(length))
            }
            Arrival::Fin {
                direction,
                packet,
                time,
            } => (
                direction,
                self.ends[side(direction)],
                packet,
                time,
                Matter::Fin,
            ),
            Arrival::Reset {
                direction,
                packet,
                time,
            } => (
                direction,
                self.ends[side(direction)],
                packet,
                time,
                Matter::Reset,
            ),
        };
        let piece = Piece {
            direction,
            offset,
            packet,
            time,
            matter,
        };
        if self.encrypted.has_begun(direction) {
            self.tls_pieces([piece]);
        } else {
            match direction {
                Direction::Client => self.client.held.push_back(piece),
                Direction::Server => self.server.held.push_back(piece),
            }
        }
        self.drive();
    }

    /// Writes down that bytes came, and reads them at once where they are content, TLS or of another protocol and nothing
    /// waits before them. Returns how many were read.
    fn bytes(
        &mut self,
        direction: Direction,
        offset: u64,
        (packet, time): (u64, Timestamp),
        bytes: &[u8],
    ) -> usize {
        let side = side(direction);
        let end = offset + bytes.len() as u64;
        self.octets[side] += bytes.len() as u64;
        self.ends[side] = self.ends[side].max(end);
        self.log.provenance[side].push(offset..end, packet);
        if self.encrypted.has_begun(direction) {
            self.tls_bytes(direction, bytes, offset, time);
            self.drive();
            return bytes.len();
        }
        match direction {
            Direction::Client => {
                self.server.replies.interrupt();
                self.settle_junk();
                if self.client.held.is_empty() && self.client.again.is_none() {
                    return self.client_at_once(offset, (packet, time), bytes);
                }
            }
            Direction::Server => {}
        }
        0
    }

    fn client_at_once(
        &mut self,
        offset: u64,
        (packet, time): (u64, Timestamp),
        bytes: &[u8],
    ) -> usize {
        let place = (offset, packet, time);
        match std::mem::replace(&mut self.client.mode, Mode::Commands) {
            Mode::Content(body) => self.body_slice(body, bytes, place),
            Mode::Expecting(command) => {
                let body = Box::new(Body::stuffed(command, self.keep));
                self.body_slice(body, bytes, place)
            }
            mode => {
                self.client.mode = mode;
                0
            }
        }
    }

    /// Keeps the room of a piece that was dealt with. Most hold one line, and the next one then needs no room of its own.
    pub(super) fn reuse(&mut self, piece: Piece) {
        if let Matter::Bytes { bytes, .. } = piece.matter {
            lines::keep_room(bytes, &mut self.spare);
        }
    }

    /// How much memory the session holds, roughly.
    pub(super) fn weight(&mut self) -> usize {
        let held = |pieces: &VecDeque<Piece>| -> usize {
            pieces.iter().map(|piece| piece.rest().0.len() + 64).sum()
        };
        let open = match &self.client.mode {
            Mode::Content(body) | Mode::Doubt(body) => body.weight(),
            _ => 0,
        };
        open + self.log.weight()
            + self.envelope.weight()
            + held(&self.client.held)
            + held(&self.server.held)
            + self.encrypted.weight()
            + self.client.lines.pending().len()
            + self.server.lines.pending().len()
    }

    /// Goes as far as can be gone. The client first: what it sent was captured before the piece that came last.
    pub(super) fn drive(&mut self) {
        while self.client_step() || self.server_step() {}
    }

    /// Reads up to the end of the line. Where a TLS record begins in place of a line, TLS begins.
    pub(super) fn take(&mut self, piece: &mut Piece) -> Option<Line> {
        let direction = piece.direction;
        let time = piece.time;
        let lines = match direction {
            Direction::Client => &mut self.client.lines,
            Direction::Server => &mut self.server.lines,
        };
        // A record is told from a line by three bytes, a hello of SSL 2.0 by eleven, and no line end is among them.
        let may_begin = self.encrypted.is_allowed() && !self.encrypted.has_begun(direction);
        while may_begin && lines.pending().len() < tls::bytes_to_tell(lines.pending()) {
            let (bytes, offset) = piece.rest();
            let (used, line) = lines.take(bytes.get(..1)?, offset, time);
            piece.advance(used);
            if line.is_some() {
                return line;
            }
            let begins = match lines.pending().len() {
                3 => tls::is_record_start(lines.pending()),
                _ => direction == Direction::Client && tls::is_ssl2_hello(lines.pending()),
            };
            if begins {
                let (bytes, start, time) = lines.surrender();
                self.begin_tls(direction);
                self.tls_from(&bytes, start, time, piece);
                return None;
            }
        }
        let (bytes, offset) = piece.rest();
        let (used, line) = lines.take(bytes, offset, time);
        piece.advance(used);
        line
    }

    /// TLS begins in one direction.
    fn begin_tls(&mut self, direction: Direction) {
        match direction {
            Direction::Client => {
                self.client.mode = Mode::Tls;
                self.pending.clear();
                if self.server.mode == ServerMode::AwaitTls {
                    self.injected();
                    if self.server.mode == ServerMode::Tls {
                        let held = std::mem::take(&mut self.server.held);
                        self.tls_pieces(held);
                    }
                }
            }
            Direction::Server => {
                self.server_rest();
                self.server.mode = ServerMode::Tls;
            }
        }
    }

    /// Writes down a gap, FIN or RST.
    pub(super) fn mark(&mut self, piece: &Piece) {
        let (length, kind) = match piece.matter {
            Matter::Gap(length) => (length, EventKind::Gap),
            Matter::Fin => (0, EventKind::Fin),
            Matter::Reset => (0, EventKind::Reset),
            Matter::Bytes { .. } => return,
        };
        if matches!(piece.matter, Matter::Gap(0)) {
            // What follows cannot be opened: the capture lacks nothing.
            return;
        }
        let span = Span::new(piece.direction, piece.offset, piece.offset + length);
        if length > 0 {
            if self.log.widen_gap(span) {
                if let Some(last) = self.gaps.last_mut() {
                    last.end = span.end;
                }
                return;
            }
            self.gaps.push(span);
        }
        self.log
            .push_with(span, piece.time, vec![piece.packet], kind);
    }

    /// Reads what is left when the capture has ended.
    pub(super) fn end(&mut self) {
        loop {
            self.drive();
            if matches!(self.client.mode, Mode::Waiting(_)) && !self.client.held.is_empty() {
                self.look(true);
            } else if self.server.mode == ServerMode::AwaitTls {
                self.server.mode = ServerMode::Replies;
            } else {
                break;
            }
        }
        self.end_client();
        self.server_rest();
    }
}

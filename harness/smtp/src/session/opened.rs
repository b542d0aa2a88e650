//! What a key log makes readable inside TLS, read by the same machine as what is in clear.
//!
//! From the first byte of TLS on, the stream of a direction goes through [`super::encrypted::Encrypted`], and what comes
//! out of it takes the place of the stream: the client begins again with EHLO, or after implicit TLS the server with its
//! greeting. Offsets stay those of the ciphertext, so they leave holes where records end.

use wire::{Direction, Span, Timestamp};

use super::log::side;
use super::machine::{Machine, Matter, Mode, Piece, ServerMode};
use crate::tls::Plain;

impl Machine {
    /// TLS has begun with `bytes`, which stand at `start`; all that is there of its direction is TLS as well: the rest of
    /// `piece`, and what is held behind it.
    pub(super) fn tls_from(
        &mut self,
        bytes: &[u8],
        start: u64,
        time: Timestamp,
        piece: &mut Piece,
    ) {
        let direction = piece.direction;
        let held = std::mem::take(self.held(direction));
        self.tls_bytes(direction, bytes, start, time);
        let (rest, offset) = piece.rest();
        self.tls_bytes(direction, rest, offset, piece.time);
        piece.exhaust();
        self.tls_pieces(held);
    }

    /// Pieces of a direction in which TLS has begun.
    pub(super) fn tls_pieces(&mut self, pieces: impl IntoIterator<Item = Piece>) {
        for piece in pieces {
            match piece.matter {
                Matter::Bytes { .. } => {
                    let (bytes, offset) = piece.rest();
                    self.tls_bytes(piece.direction, bytes, offset, piece.time);
                }
                Matter::Gap(length) => self.tls_gap(&piece, length),
                Matter::Fin | Matter::Reset => self.held(piece.direction).push_back(piece),
            }
        }
    }

    /// Bytes of TLS are missing. What is inside ends there.
    fn tls_gap(&mut self, piece: &Piece, length: u64) {
        self.encrypted.gap(piece.direction, length);
        self.mark(piece);
        if self.encrypted.is_opened() {
            self.line_up(piece.direction, piece.offset, piece.time, Matter::Gap(0));
        }
    }

    /// Writes down bytes of TLS, and lines up what they make readable.
    pub(super) fn tls_bytes(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        offset: u64,
        time: Timestamp,
    ) {
        if bytes.is_empty() {
            return;
        }
        let opened = self.encrypted.feed(direction, bytes, offset);
        let span = Span::new(direction, offset, offset + bytes.len() as u64);
        self.log.tls(span, time);
        for plain in opened {
            self.plain(plain, time);
        }
    }

    fn plain(&mut self, plain: Plain, time: Timestamp) {
        match plain {
            Plain::Bytes {
                direction,
                offset,
                bytes,
            } => {
                if self.encrypted.open() {
                    self.read_inside(time);
                }
                if direction == Direction::Client {
                    self.server.replies.interrupt();
                    self.settle_junk();
                }
                self.line_up(direction, offset, time, Matter::Bytes { bytes, at: 0 });
            }
            Plain::End { direction, offset } if self.encrypted.is_opened() => {
                self.line_up(direction, offset, time, Matter::Gap(0));
            }
            // Told when the first bytes come, if they do.
            Plain::End { .. } => {}
        }
    }

    /// The first bytes inside TLS have come: both sides speak SMTP again.
    fn read_inside(&mut self, time: Timestamp) {
        if matches!(self.client.mode, Mode::Tls) {
            self.client.mode = Mode::Commands;
        }
        if self.server.mode == ServerMode::Tls {
            self.server.mode = ServerMode::Replies;
        }
        for direction in [Direction::Client, Direction::Server] {
            if let Some(offset) = self.encrypted.stopped(direction) {
                self.line_up(direction, offset, time, Matter::Gap(0));
            }
        }
    }

    fn line_up(&mut self, direction: Direction, offset: u64, time: Timestamp, matter: Matter) {
        let packets = self.log.provenance[side(direction)].packets(offset..offset + 1);
        let piece = Piece {
            direction,
            offset,
            packet: packets.first().copied().unwrap_or_default(),
            time,
            matter,
        };
        self.held(direction).push_back(piece);
    }

    fn held(&mut self, direction: Direction) -> &mut std::collections::VecDeque<Piece> {
        match direction {
            Direction::Client => &mut self.client.held,
            Direction::Server => &mut self.server.held,
        }
    }
}

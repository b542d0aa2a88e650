//! Message content on its way into a transaction, after DATA and after BDAT (RFC 5321 section 4.1.1.4, RFC 3030).

use wire::{Direction, Span, Timestamp};

use super::command::Chunk;
use super::data::Stuffed;
use super::machine::{Machine, Mode, Piece};
use super::pending::{Asked, Request};
use crate::timeline::{Content, Data, EventKind};

/// How the end of the content is told.
#[derive(Debug)]
enum Form {
    /// By a line with a dot.
    Stuffed(Stuffed),
    /// By counting: this many bytes are still to come.
    Counted { left: u64, last: bool },
}

/// Content in progress.
#[derive(Debug)]
pub(super) struct Body {
    form: Form,
    /// The exchange of the DATA or BDAT command.
    command: usize,
    /// The transaction, the event and its exchange, once a byte has come.
    place: Option<Place>,
    packets: Vec<u64>,
    end: u64,
    holed: bool,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    transaction: usize,
    event: usize,
}

/// Where the bytes of a BDAT command went.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChunkPlace {
    command: usize,
    content: usize,
    transaction: usize,
    last: bool,
}

impl Body {
    /// After the 354 that answered `command`.
    pub(super) fn stuffed(command: usize) -> Self {
        Self::new(Form::Stuffed(Stuffed::new()), command)
    }

    /// After a BDAT command.
    pub(super) fn counted(command: usize, chunk: Chunk) -> Self {
        Self::new(
            Form::Counted {
                left: chunk.size,
                last: chunk.last,
            },
            command,
        )
    }

    fn new(form: Form, command: usize) -> Self {
        Self {
            form,
            command,
            place: None,
            packets: Vec::new(),
            end: 0,
            holed: false,
        }
    }

    /// Whether this is the content that `command` announced.
    pub(super) const fn is_of(&self, command: usize) -> bool {
        self.command == command
    }

    /// Whether the content goes into `transaction`.
    pub(super) fn is_in(&self, transaction: usize) -> bool {
        self.place
            .is_some_and(|place| place.transaction == transaction)
    }

    /// Whether the server can take the content for ended although its end was not seen.
    pub(super) fn may_have_ended(&self) -> bool {
        self.holed || matches!(&self.form, Form::Stuffed(stuffed) if stuffed.ends_laxly())
    }

    fn carried_by(&mut self, packet: u64, end: u64) {
        self.end = self.end.max(end);
        if self.packets.last() != Some(&packet) {
            self.packets.push(packet);
        }
    }
}

impl Machine {
    /// Gives the content its place in the timeline, when its first byte has come.
    pub(super) fn begin_body(
        &mut self,
        body: &mut Body,
        offset: u64,
        time: Timestamp,
        packet: u64,
    ) {
        if body.place.is_some() {
            return;
        }
        body.end = offset;
        let counted = match body.form {
            Form::Stuffed(_) => None,
            Form::Counted { last, .. } => Some(last),
        };
        // DATA does not go on with what BDAT began (RFC 3030 section 2).
        let taken = self
            .envelope
            .current()
            .and_then(|t| self.envelope.data(t))
            .is_some();
        if taken && counted.is_none() {
            self.envelope.close();
        }
        let transaction = self.envelope.current_or_stray(body.command, offset);
        let span = Span::new(Direction::Client, offset, offset);
        let kind = EventKind::Content(transaction);
        let event = self.log.push_with(span, time, vec![packet], kind);
        let exchange = self.log.ask(event);
        body.place = Some(Place { transaction, event });
        let found = &mut self.envelope.transactions[transaction].data;
        let data = found.get_or_insert_with(|| Data {
            command: body.command,
            exchange,
            span,
            content: Content::new(),
            complete: false,
            accepted: None,
        });
        data.exchange = exchange;
        match counted {
            None => {
                let asked = Asked::Content { transaction };
                self.pending.push(Request {
                    exchange,
                    packet,
                    asked,
                });
            }
            Some(last) => {
                let command = body.command;
                self.chunks.push(ChunkPlace {
                    command,
                    content: exchange,
                    transaction,
                    last,
                });
                // The server may have refused the command line itself.
                if let Some(reply) = self.log.exchanges[command].reply {
                    self.chunk_answered(command, reply);
                }
            }
        }
    }

    /// The reply to a BDAT command answers its bytes too.
    pub(super) fn chunk_answered(&mut self, command: usize, event: usize) {
        let Ok(at) = self
            .chunks
            .binary_search_by_key(&command, |chunk| chunk.command)
        else {
            return;
        };
        let chunk = self.chunks[at];
        self.log.exchanges[chunk.content].reply = Some(event);
        let Some(EventKind::Reply(reply)) = self.log.events.get(event).map(|e| &e.kind) else {
            return;
        };
        let positive = reply.is_positive();
        if let Some(data) = self.envelope.data(chunk.transaction)
            && (!positive || (chunk.last && data.accepted.is_none()))
        {
            data.accepted = Some(positive);
        }
    }

    /// Takes bytes of content; what follows its end stays in `piece`.
    pub(super) fn body_bytes(&mut self, mut body: Box<Body>, piece: &mut Piece) {
        let (bytes, offset) = piece.rest();
        self.begin_body(&mut body, offset, piece.time, piece.packet);
        let (used, ended) = match &mut body.form {
            Form::Stuffed(stuffed) => stuffed.feed(bytes, offset),
            Form::Counted { left, .. } => {
                let room = usize::try_from(*left)
                    .unwrap_or(usize::MAX)
                    .min(bytes.len());
                *left -= room as u64;
                let place = body.place.and_then(|p| self.envelope.data(p.transaction));
                if let Some(data) = place {
                    data.content.push(&bytes[..room], offset);
                }
                (room, *left == 0)
            }
        };
        body.carried_by(piece.packet, offset + used as u64);
        piece.advance(used);
        if ended {
            let complete = !body.holed;
            self.end_body(*body, complete, false);
            self.client.mode = Mode::Commands;
        } else {
            self.client.mode = Mode::Content(body);
        }
    }

    /// Bytes of the content are missing. Returns what the client's next bytes are.
    pub(super) fn body_gap(&mut self, mut body: Box<Body>, piece: &Piece, length: u64) -> Mode {
        self.begin_body(&mut body, piece.offset, piece.time, piece.packet);
        body.holed = true;
        let inside = match &mut body.form {
            Form::Stuffed(stuffed) => {
                stuffed.gap();
                body.end = piece.offset + length;
                return Mode::Content(body);
            }
            Form::Counted { left, .. } => {
                let inside = length.min(*left);
                *left -= inside;
                body.end = piece.offset + inside;
                if *left > 0 {
                    return Mode::Content(body);
                }
                inside
            }
        };
        self.end_body(*body, false, false);
        if inside < length {
            Mode::Lost
        } else {
            Mode::Commands
        }
    }

    /// Writes the content down. `lax`: the server showed that it took a dot between bare line ends for the end.
    pub(super) fn end_body(&mut self, body: Body, complete: bool, lax: bool) {
        let Some(place) = body.place else { return };
        let event = &mut self.log.events[place.event];
        event.span.end = event.span.end.max(body.end);
        event.packets = in_order(body.packets, &event.packets);
        let holed = self.envelope.holed == Some(place.transaction);
        let Some(data) = self.envelope.data(place.transaction) else {
            return;
        };
        data.span.end = data.span.end.max(body.end);
        match body.form {
            Form::Stuffed(stuffed) => {
                data.complete = complete;
                data.content = if lax {
                    stuffed.into_lax_content()
                } else {
                    stuffed.into_content()
                };
                self.envelope.close();
            }
            Form::Counted { last, .. } => {
                // A hole in any chunk is a hole in the message.
                let whole = complete && !holed;
                data.complete = whole && last;
                if !whole {
                    self.envelope.holed = Some(place.transaction);
                }
                if last {
                    self.envelope.close();
                }
            }
        }
    }

    /// The server ended the content, or a command shows that it is over.
    pub(super) fn end_body_as_shown(&mut self, body: Body) {
        let lax = matches!(&body.form, Form::Stuffed(stuffed) if stuffed.ends_laxly());
        let complete = lax && !body.holed;
        self.end_body(body, complete, lax);
    }
}

/// Packet numbers, each once.
fn in_order(packets: Vec<u64>, otherwise: &[u64]) -> Vec<u64> {
    let mut seen = std::collections::HashSet::new();
    let packets: Vec<_> = packets
        .into_iter()
        .filter(|packet| seen.insert(*packet))
        .collect();
    if packets.is_empty() {
        otherwise.to_vec()
    } else {
        packets
    }
}

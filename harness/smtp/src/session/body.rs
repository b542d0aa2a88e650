//! Message content on its way into a transaction, after DATA and after BDAT (RFC 5321 section 4.1.1.4, RFC 3030).

use wire::{Direction, Span, Timestamp};

use super::command::Chunk;
use super::data::Stuffed;
use super::machine::{Machine, Mode, Piece};
use super::pending::{Asked, Request};
use crate::content as data;
use crate::timeline::{Content, Data, EventKind, Keep};

/// How many packets of one content are named; beyond them, only the last.
const MOST_PACKETS: usize = 1024;

/// How many extents of provenance may gather while content comes, before those of bytes that were not kept are forgotten.
const MOST_EXTENTS: usize = 4096;

/// How the end of the content is told.
#[derive(Debug)]
enum Form {
    /// By a line with a dot.
    Stuffed(Box<Stuffed>),
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
    /// The last packet, where more were counted than are kept.
    last_packet: Option<u64>,
    end: u64,
    holed: bool,
    /// The last byte of counted content.
    last: u8,
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
    pub(super) fn stuffed(command: usize, keep: Keep) -> Self {
        Self::new(Form::Stuffed(Box::new(Stuffed::new(keep))), command)
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
            last_packet: None,
            end: 0,
            holed: false,
            last: b'\n',
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

    /// How much memory the content in progress takes, where it is not in its transaction yet.
    pub(super) fn weight(&self) -> usize {
        match &self.form {
            Form::Stuffed(stuffed) => stuffed.content().weight(),
            Form::Counted { .. } => 0,
        }
    }

    fn carried_by(&mut self, packet: u64, end: u64) {
        self.end = self.end.max(end);
        if self.packets.len() >= MOST_PACKETS {
            self.last_packet = Some(packet);
        } else if self.packets.last() != Some(&packet) {
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
            content: Content::with(self.keep),
            form: data::Form::default(),
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
                self.expect_more_replies(transaction, exchange, packet);
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
                } else if last {
                    self.expect_more_replies(transaction, exchange, packet);
                }
            }
        }
    }

    /// With LMTP the content is answered once for each recipient that was accepted.
    fn expect_more_replies(&mut self, transaction: usize, exchange: usize, packet: u64) {
        let recipients = &self.envelope.transactions[transaction].recipients;
        let accepted = recipients.iter().filter(|r| r.accepted == Some(true));
        let more = if self.lmtp { accepted.count() } else { 0 };
        for _ in 1..more {
            let asked = Asked::Again { transaction };
            self.pending.push(Request {
                exchange,
                packet,
                asked,
            });
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
    pub(super) fn body_bytes(&mut self, body: Box<Body>, piece: &mut Piece) {
        let (bytes, offset) = piece.rest();
        let used = self.body_slice(body, bytes, (offset, piece.packet, piece.time));
        piece.advance(used);
    }

    /// Takes bytes of content. Returns how many belong to it.
    pub(super) fn body_slice(
        &mut self,
        mut body: Box<Body>,
        bytes: &[u8],
        (offset, packet, time): (u64, u64, Timestamp),
    ) -> usize {
        self.begin_body(&mut body, offset, time, packet);
        let (used, ended) = match &mut body.form {
            Form::Stuffed(stuffed) => stuffed.feed(bytes, offset),
            Form::Counted { left, .. } => {
                let room = usize::try_from(*left)
                    .unwrap_or(usize::MAX)
                    .min(bytes.len());
                *left -= room as u64;
                let place = body.place.and_then(|p| self.envelope.data(p.transaction));
                if let Some(data) = place {
                    let bytes = &bytes[..room];
                    let seen = data::Glance::at(bytes);
                    data.form.tally(body.last, bytes, &seen);
                    data.content.push_seen(bytes, offset, &seen);
                    body.last = bytes.last().copied().unwrap_or(body.last);
                }
                (room, *left == 0)
            }
        };
        body.carried_by(packet, offset + used as u64);
        if self.log.provenance[0].len() > self.thinned + MOST_EXTENTS {
            self.thin(&body);
        }
        if ended {
            let complete = !body.holed;
            self.end_body(*body, complete, false);
            self.client.mode = Mode::Commands;
        } else {
            self.client.mode = Mode::Content(body);
        }
        used
    }

    /// Forgets which packets carried bytes of the content that were not kept.
    fn thin(&mut self, body: &Body) {
        let Some(data) = body.place.and_then(|p| self.envelope.data(p.transaction)) else {
            return;
        };
        let range = data.span.start..body.end;
        let content = match &body.form {
            Form::Stuffed(stuffed) => stuffed.content(),
            Form::Counted { .. } => &data.content,
        };
        self.log.provenance[0].thin(range, |extent| content.holds_any(extent));
        self.thinned = self.log.provenance[0].len();
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
        self.thin(&body);
        let event = &mut self.log.events[place.event];
        event.span.end = event.span.end.max(body.end);
        event.packets = in_order(body.packets, &event.packets);
        event.packets.extend(body.last_packet);
        let holed = self.envelope.holed == Some(place.transaction);
        let Some(data) = self.envelope.data(place.transaction) else {
            return;
        };
        data.span.end = data.span.end.max(body.end);
        match body.form {
            Form::Stuffed(stuffed) => {
                data.complete = complete;
                (data.content, data.form) = if lax {
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
                    if let Some(data) = self.envelope.data(place.transaction) {
                        data.content.close();
                    }
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
    // Nearly always each comes once, as it was captured.
    if !packets.is_empty() && packets.is_sorted_by(|one, next| one < next) {
        return packets;
    }
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

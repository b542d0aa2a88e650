//! The events and exchanges of a timeline, as they are written down.

use wire::{Direction, Provenance, Span, Timestamp};

use crate::timeline::{Event, EventKind, Exchange};

/// The most bytes of [`EventKind::Unparsed`] that are kept for one conversation; the spans still tell of all.
const MOST_UNPARSED: usize = 1 << 20;

/// 0 for the client and 1 for the server, as the pairs of [`crate::Timeline`] are ordered.
pub(super) const fn side(direction: Direction) -> usize {
    match direction {
        Direction::Client => 0,
        Direction::Server => 1,
    }
}

/// Events and exchanges so far, and which packets carried what.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) events: Vec<Event>,
    pub(super) exchanges: Vec<Exchange>,
    pub(super) provenance: [Provenance; 2],
    unparsed: usize,
}

impl Log {
    /// Writes down what `span` holds and returns the index of the event.
    pub(super) fn push(&mut self, span: Span, time: Timestamp, kind: EventKind) -> usize {
        let packets = self.provenance[side(span.direction)].packets(span.start..span.end);
        self.push_with(span, time, packets, kind)
    }

    /// As [`Log::push`], where the packets are known already.
    pub(super) fn push_with(
        &mut self,
        span: Span,
        time: Timestamp,
        packets: Vec<u64>,
        kind: EventKind,
    ) -> usize {
        self.events.push(Event {
            span,
            time,
            packets,
            kind,
        });
        self.events.len() - 1
    }

    /// Makes the last event longer where it is a gap that `span` continues. Whether it was.
    pub(super) fn widen_gap(&mut self, span: Span) -> bool {
        self.extend(span, |kind| matches!(kind, EventKind::Gap))
            .is_some()
    }

    /// How much memory it takes, roughly.
    pub(super) fn weight(&self) -> usize {
        let extents: usize = self.provenance.iter().map(Provenance::len).sum();
        size_of::<Event>() * self.events.len()
            + 64 * self.events.len()
            + 32 * extents
            + self.unparsed
    }

    /// Opens an exchange and returns its number.
    pub(super) fn ask(&mut self, request: usize) -> usize {
        self.exchanges.push(Exchange {
            request,
            reply: None,
        });
        self.exchanges.len() - 1
    }

    /// Writes down bytes of TLS, as part of the last event where that is the same run.
    pub(super) fn tls(&mut self, span: Span, time: Timestamp) {
        if self
            .extend(span, |kind| matches!(kind, EventKind::Tls))
            .is_none()
        {
            self.push(span, time, EventKind::Tls);
        }
    }

    /// Writes down bytes that fit nothing, as part of the last event where that is the same run.
    pub(super) fn unparsed(
        &mut self,
        bytes: &[u8],
        start: u64,
        direction: Direction,
        time: Timestamp,
    ) {
        if bytes.is_empty() {
            return;
        }
        let span = Span::new(direction, start, start + bytes.len() as u64);
        let room = MOST_UNPARSED - self.unparsed;
        let kept = bytes.get(..room).unwrap_or(bytes);
        self.unparsed += kept.len();
        match self.extend(span, |kind| matches!(kind, EventKind::Unparsed(_))) {
            Some(EventKind::Unparsed(all)) => all.extend_from_slice(kept),
            _ => {
                self.push(span, time, EventKind::Unparsed(kept.to_vec()));
            }
        }
    }

    /// Makes the last event reach to the end of `span`, where it is of the right kind and ends where `span` begins.
    fn extend(&mut self, span: Span, same: impl Fn(&EventKind) -> bool) -> Option<&mut EventKind> {
        let packets = self.provenance[side(span.direction)].packets(span.start..span.end);
        let last = self.events.last_mut()?;
        let joins = last.span.direction == span.direction && last.span.end == span.start;
        if !joins || !same(&last.kind) {
            return None;
        }
        last.span.end = span.end;
        for packet in packets {
            if last.packets.last() != Some(&packet) {
                last.packets.push(packet);
            }
        }
        Some(&mut last.kind)
    }
}

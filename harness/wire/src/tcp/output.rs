//! What a connection tells, and to whom.

use crate::conversation::Arrival;
use crate::notes::NoteLog;
use crate::{Direction, NoteKind, Opening, StreamEvent, Timestamp};

/// A packet, as far as events name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct At {
    pub(super) packet: u64,
    pub(super) time: Timestamp,
}

/// Who takes the events of one connection.
pub trait Consumer {
    /// Tells how the connection begins, before its first event.
    fn begin(&mut self, _opening: Opening) {}

    /// Takes the next event.
    fn take(&mut self, arrival: Arrival<'_>);

    /// The guess which side opened the connection was wrong: the directions of everything taken so far are to be
    /// exchanged.
    fn turn(&mut self);

    /// Whether it wants further bytes. Once it does not, the connection is only followed to its end.
    fn is_interested(&self) -> bool {
        true
    }

    /// How much memory it holds, in bytes, roughly.
    fn weight(&mut self) -> usize {
        0
    }
}

/// Keeps everything.
impl Consumer for Vec<StreamEvent> {
    fn take(&mut self, arrival: Arrival<'_>) {
        if let Arrival::Gap {
            direction: now,
            offset: here,
            length: more,
            packet: at,
            time: when,
        } = arrival
            && let Some(StreamEvent::Gap {
                direction,
                offset,
                length,
                packet,
                time,
            }) = self.last_mut()
            && *direction == now
            && offset.checked_add(*length) == Some(here)
        {
            *length += more;
            (*packet, *time) = (at, when);
            return;
        }
        self.push(arrival.into_event());
    }

    fn turn(&mut self) {
        for event in self {
            match event {
                StreamEvent::Data { direction, .. }
                | StreamEvent::Gap { direction, .. }
                | StreamEvent::Fin { direction, .. }
                | StreamEvent::Reset { direction, .. } => *direction = direction.reverse(),
            }
        }
    }
}

/// The consumer of one connection, and the notes on it.
#[derive(Debug)]
pub(super) struct Output<C> {
    consumer: C,
    begun: bool,
    /// How the connection begins, as far as is known.
    pub(super) opening: Opening,
    pub(super) notes: NoteLog,
}

impl<C: Consumer> Output<C> {
    pub(super) fn new(consumer: C) -> Self {
        Self {
            consumer,
            begun: false,
            opening: Opening::Midstream,
            notes: NoteLog::default(),
        }
    }

    /// Tells an event.
    pub(super) fn take(&mut self, arrival: Arrival<'_>) {
        if !std::mem::replace(&mut self.begun, true) {
            self.consumer.begin(self.opening);
        }
        self.consumer.take(arrival);
    }

    /// Tells that the guess which side is the client was wrong.
    pub(super) fn turn(&mut self) {
        if self.begun {
            self.consumer.turn();
        }
    }

    pub(super) fn is_interested(&self) -> bool {
        self.consumer.is_interested()
    }

    pub(super) fn weight(&mut self) -> usize {
        self.consumer.weight()
    }

    pub(super) fn into_consumer(mut self) -> C {
        if !self.begun {
            self.consumer.begin(self.opening);
        }
        self.consumer
    }

    pub(super) fn note(&mut self, kind: NoteKind, at: At, detail: std::fmt::Arguments<'_>) {
        self.notes.push(kind, Some(at.packet), detail);
    }

    pub(super) fn data(&mut self, direction: Direction, offset: u64, at: At, bytes: &[u8]) {
        let At { packet, time } = at;
        self.take(Arrival::Data {
            direction,
            offset,
            packet,
            time,
            bytes,
        });
    }

    pub(super) fn gap(&mut self, direction: Direction, offset: u64, length: u64, at: At) {
        let At { packet, time } = at;
        self.take(Arrival::Gap {
            direction,
            offset,
            length,
            packet,
            time,
        });
    }
}

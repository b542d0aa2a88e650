//! What a connection has told so far.

use crate::notes::NoteLog;
use crate::{Direction, NoteKind, StreamEvent, Timestamp};

/// A packet, as far as events name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct At {
    pub(super) packet: u64,
    pub(super) time: Timestamp,
}

/// Events and notes of one connection.
#[derive(Debug, Default)]
pub(super) struct Output {
    pub(super) events: Vec<StreamEvent>,
    pub(super) notes: NoteLog,
}

impl Output {
    pub(super) fn note(&mut self, kind: NoteKind, at: At, detail: std::fmt::Arguments<'_>) {
        self.notes.push(kind, Some(at.packet), detail);
    }

    /// Tells a gap; one that continues the last event makes that event longer. Says whether a new event was made.
    pub(super) fn gap(&mut self, direction: Direction, offset: u64, length: u64, at: At) -> bool {
        if let Some(StreamEvent::Gap {
            direction: last,
            offset: start,
            length: known,
            packet,
            time,
        }) = self.events.last_mut()
            && *last == direction
            && start.checked_add(*known) == Some(offset)
        {
            *known += length;
            (*packet, *time) = (at.packet, at.time);
            return false;
        }
        let At { packet, time } = at;
        self.events.push(StreamEvent::Gap {
            direction,
            offset,
            length,
            packet,
            time,
        });
        true
    }

    /// Tells that the guess which side is the client was wrong.
    pub(super) fn swap_directions(&mut self) {
        for event in &mut self.events {
            match event {
                StreamEvent::Data { direction, .. }
                | StreamEvent::Gap { direction, .. }
                | StreamEvent::Fin { direction, .. }
                | StreamEvent::Reset { direction, .. } => *direction = direction.reverse(),
            }
        }
    }
}

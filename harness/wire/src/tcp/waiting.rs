//! Segments that were captured before the data they acknowledge.
//!
//! A capture on several queues or taps shows packets in slightly another order than that in which they crossed the wire. A
//! reply that stands before its command would otherwise look as if the command had never been captured.

use std::collections::VecDeque;

use crate::segment::Segment;

/// How many segments of one side wait for data of the other before it is given up. Captures swap neighbours, rarely more.
const MOST_WAITING: usize = 8;

/// Segments of one side, in capture order.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    segments: VecDeque<Owned>,
}

/// A segment that outlives its frame.
#[derive(Debug)]
pub(super) struct Owned {
    /// With an empty payload.
    head: Segment<'static>,
    payload: Vec<u8>,
}

impl Owned {
    pub(super) fn segment(&self) -> Segment<'_> {
        Segment {
            payload: &self.payload,
            ..self.head
        }
    }
}

impl Waiting {
    pub(super) fn push(&mut self, segment: &Segment<'_>) {
        let Segment {
            packet,
            time,
            src,
            dst,
            seq,
            ack,
            flags,
            payload,
            missing,
            disputed,
        } = *segment;
        let head = Segment {
            packet,
            time,
            src,
            dst,
            seq,
            ack,
            flags,
            payload: &[],
            missing,
            disputed,
        };
        self.segments.push_back(Owned {
            head,
            payload: payload.to_vec(),
        });
    }

    /// The segment that waits longest.
    pub(super) fn first(&self) -> Option<Segment<'_>> {
        self.segments.front().map(Owned::segment)
    }

    pub(super) fn take_first(&mut self) -> Option<Owned> {
        self.segments.pop_front()
    }

    /// How much memory the segments take.
    pub(super) fn weight(&self) -> usize {
        self.segments.iter().map(|s| s.payload.len()).sum()
    }

    pub(super) fn is_too_long(&self) -> bool {
        self.segments.len() > MOST_WAITING
    }
}

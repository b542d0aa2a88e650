//! One direction of a connection.

use super::held::{Chunk, Content, Held, Run};
use super::output::{At, Consumer, Output};
use super::recent::Recent;
use crate::conversation::Arrival;
use crate::segment::{Flags, Segment};
use crate::{Direction, NoteKind};

/// How much may be held of a direction while bytes before it are missing.
const MOST_HELD: usize = 4 * 1024 * 1024;

/// A sequence number further away than this (the largest window, RFC 7323 section 2.2) is not of this connection.
const FURTHEST: u64 = 1 << 30;

/// An acknowledgment that runs further than this ahead of all data seen is taken for noise.
const FURTHEST_UNSEEN: u64 = 16 * 1024 * 1024;

/// How it is known where the stream begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Anchor {
    /// Not at all yet.
    Nothing,
    /// The other side acknowledged up to here.
    Acknowledged,
    /// The first segment began here.
    FirstSegment,
    /// The SYN.
    Syn,
}

#[derive(Clone, Copy, Debug)]
struct Fin {
    offset: u64,
    at: At,
    told: bool,
}

/// One direction: what was told of it, and what is held back.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) direction: Direction,
    anchor: Anchor,
    /// Sequence number of the next byte to tell.
    next: u32,
    /// Stream offset of the next byte to tell.
    offset: u64,
    held: Held,
    /// What was told last.
    recent: Recent,
    fin: Option<Fin>,
}

impl Stream {
    pub(super) fn new(direction: Direction) -> Self {
        Self {
            direction,
            anchor: Anchor::Nothing,
            next: 0,
            offset: 0,
            held: Held::default(),
            recent: Recent::default(),
            fin: None,
        }
    }

    /// Whether the FIN was captured, even if bytes before it were not.
    pub(super) fn has_fin(&self) -> bool {
        self.fin.is_some()
    }

    /// Whether everything up to the FIN was told, and the FIN.
    pub(super) fn is_told(&self) -> bool {
        self.fin.is_some_and(|fin| fin.told)
    }

    /// Whether `ack` acknowledges the FIN.
    pub(super) fn fin_acknowledged(&self, ack: u32) -> bool {
        self.is_told() && ack == self.next.wrapping_add(1)
    }

    /// Sequence number of the next byte, once the beginning is known.
    pub(super) fn next(&self) -> Option<u32> {
        (self.anchor != Anchor::Nothing).then_some(self.next)
    }

    /// Sequence number of the first byte, where the SYN was captured.
    pub(super) fn first(&self) -> Option<u32> {
        let [.., a, b, c, d] = self.offset.to_be_bytes();
        self.has_syn()
            .then(|| self.next.wrapping_sub(u32::from_be_bytes([a, b, c, d])))
    }

    /// How much memory the stream holds.
    pub(super) fn weight(&self) -> usize {
        self.held.weight() + self.recent.weight()
    }

    /// Whether the SYN was captured.
    pub(super) fn has_syn(&self) -> bool {
        self.anchor == Anchor::Syn
    }

    /// Whether anything was sent, captured or not.
    pub(super) fn has_data(&self) -> bool {
        !self.is_untouched()
    }

    /// Stream offset of a sequence number, negative before the beginning; `None` while the beginning is unknown.
    pub(super) fn place(&self, seq: u32) -> Option<i64> {
        if self.anchor == Anchor::Nothing {
            return None;
        }
        let ahead = seq.wrapping_sub(self.next).cast_signed();
        i64::try_from(self.offset).ok()?.checked_add(ahead.into())
    }

    /// How far a sequence number lies from the next byte; zero while the beginning is unknown.
    pub(super) fn distance(&self, seq: u32) -> u64 {
        if self.anchor == Anchor::Nothing {
            return 0;
        }
        seq.wrapping_sub(self.next)
            .cast_signed()
            .unsigned_abs()
            .into()
    }

    /// Takes note of a SYN. Answers whether it fits what is known of the stream.
    pub(super) fn open(&mut self, seq: u32) -> bool {
        let first = seq.wrapping_add(1);
        if self.anchor <= Anchor::Acknowledged && self.is_untouched() {
            self.next = first;
        }
        if self.anchor == Anchor::Nothing || self.place(first) == Some(0) {
            self.anchor = Anchor::Syn;
            return true;
        }
        false
    }

    fn is_untouched(&self) -> bool {
        self.offset == 0 && self.held.is_empty()
    }

    /// Takes the data and the FIN of a segment of this direction.
    pub(super) fn receive(&mut self, segment: &Segment<'_>, out: &mut Output<impl Consumer>) {
        let at = At {
            packet: segment.packet,
            time: segment.time,
        };
        let syn = segment.flags.has(Flags::SYN);
        let seq = if syn {
            segment.seq.wrapping_add(1)
        } else {
            segment.seq
        };
        let length = segment.payload.len() as u64 + segment.missing;
        let fin = segment.flags.has(Flags::FIN);
        if self.is_keep_alive(seq, length, fin) {
            return;
        }
        if !syn && self.anchor <= Anchor::Acknowledged && self.is_untouched() {
            self.next = seq;
            self.anchor = Anchor::FirstSegment;
        }
        if length == 0 && !fin {
            return;
        }
        let Some(start) = self.place(seq).filter(|_| self.distance(seq) <= FURTHEST) else {
            out.note(
                NoteKind::OddSegment,
                at,
                format_args!("its sequence number is far from those of its connection; its payload was not used"),
            );
            return;
        };
        self.take_runs(start, segment, at, out);
        if fin {
            self.take_fin(start.saturating_add_unsigned(length), at, out);
        }
        self.tell_ready(out);
        self.keep_bounded(at, out);
    }

    /// A keep-alive repeats the last byte, or an invented one in its place, or none (RFC 9293 section 3.8.4).
    fn is_keep_alive(&self, seq: u32, length: u64, fin: bool) -> bool {
        self.anchor != Anchor::Nothing && !fin && length <= 1 && seq.wrapping_add(1) == self.next
    }

    fn take_runs(
        &mut self,
        start: i64,
        segment: &Segment<'_>,
        at: At,
        out: &mut Output<impl Consumer>,
    ) {
        let (mut start, mut before) = match u64::try_from(start) {
            Ok(start) => (start, 0),
            Err(_) => (0, start.unsigned_abs()),
        };
        let early = before.min(segment.payload.len() as u64 + segment.missing);
        if early > 0 {
            out.note(
                NoteKind::Late,
                at,
                format_args!("it holds {early} bytes from before the beginning of the stream; they were not used"),
            );
        }
        for run in [Run::Bytes(segment.payload), Run::Missing(segment.missing)] {
            let (cut, run) = run.split(before);
            before -= cut.len();
            let length = run.len();
            if length > 0 {
                self.take_run(start, run, at, out);
            }
            start += length;
        }
    }

    /// Takes bytes of which some may have been told, some may be held, and some may lie behind the FIN.
    fn take_run(&mut self, start: u64, run: Run<'_>, at: At, out: &mut Output<impl Consumer>) {
        let mut run = run;
        if let Some(fin) = self.fin
            && start.saturating_add(run.len()) > fin.offset
        {
            out.note(
                NoteKind::OddSegment,
                at,
                format_args!("it holds data behind the FIN of its sender; that data was not used"),
            );
            run = run.split(fin.offset.saturating_sub(start)).0;
        }
        let (old, new) = run.split(self.offset.saturating_sub(start));
        if let Run::Bytes(bytes) = old {
            self.compare(start, bytes, at, out);
        }
        let start = start + old.len();
        if new.len() == 0 {
            return;
        }
        match new {
            // In order, and nothing waits: the bytes need not be copied.
            Run::Bytes(bytes) if start == self.offset && self.held.is_empty() => {
                self.tell(bytes, at, out);
            }
            _ => {
                if self.held.insert(start, new, at) {
                    note_conflict(at, out);
                }
            }
        }
    }

    /// Compares bytes captured again with what was told of them.
    fn compare(&self, start: u64, bytes: &[u8], at: At, out: &mut Output<impl Consumer>) {
        let seen = self.recent.compare(start, bytes);
        if seen.conflict {
            note_conflict(at, out);
        }
        if seen.late {
            out.note(
                NoteKind::Late,
                at,
                format_args!(
                    "it holds bytes of a gap that had already been declared; the gap stands"
                ),
            );
        }
    }

    fn take_fin(&mut self, offset: i64, at: At, out: &mut Output<impl Consumer>) {
        let seen = self.held.end().unwrap_or(self.offset);
        match (u64::try_from(offset), &self.fin) {
            (Ok(offset), None) if offset >= seen => {
                self.fin = Some(Fin {
                    offset,
                    at,
                    told: false,
                });
            }
            (Ok(offset), Some(fin)) if fin.offset == offset => {}
            _ => out.note(
                NoteKind::OddSegment,
                at,
                format_args!("its FIN does not stand at the end of the stream; it was not used"),
            ),
        }
    }

    /// Tells everything that follows on what was told.
    fn tell_ready(&mut self, out: &mut Output<impl Consumer>) {
        while let Some(Chunk { at, content }) = self.held.take(self.offset) {
            match content {
                Content::Bytes(bytes) => self.tell(&bytes, at, out),
                Content::Missing(length) => self.tell_gap(length, at, out),
            }
        }
        if let Some(fin) = &mut self.fin
            && fin.offset == self.offset
            && !fin.told
        {
            fin.told = true;
            out.take(Arrival::Fin {
                direction: self.direction,
                packet: fin.at.packet,
                time: fin.at.time,
            });
        }
    }

    fn tell(&mut self, bytes: &[u8], at: At, out: &mut Output<impl Consumer>) {
        out.data(self.direction, self.offset, at, bytes);
        self.recent.push(bytes);
        self.advance(bytes.len() as u64);
    }

    fn tell_gap(&mut self, length: u64, at: At, out: &mut Output<impl Consumer>) {
        out.gap(self.direction, self.offset, length, at);
        self.recent.gap(length);
        self.advance(length);
    }

    fn advance(&mut self, length: u64) {
        self.offset += length;
        // Sequence numbers count modulo 2^32 (RFC 9293 section 3.4), so the lower half of the offset is all that matters.
        let [.., a, b, c, d] = length.to_be_bytes();
        self.next = self.next.wrapping_add(u32::from_be_bytes([a, b, c, d]));
    }

    /// Takes note that the other side has received everything before `ack`.
    pub(super) fn acknowledged(&mut self, ack: u32, at: At, out: &mut Output<impl Consumer>) {
        if self.anchor == Anchor::Nothing {
            self.next = ack;
            self.anchor = Anchor::Acknowledged;
            return;
        }
        let Some(target) = self.unseen(ack) else {
            return;
        };
        while self.offset < target {
            let end = self.held.start().unwrap_or(target).min(target);
            self.tell_gap(end - self.offset, at, out);
            self.tell_ready(out);
        }
    }

    /// Where the other side has got to, if `ack` says that it received bytes that cannot be told yet.
    pub(super) fn unseen(&self, ack: u32) -> Option<u64> {
        let mut target = u64::try_from(self.place(ack)?).ok()?;
        if let Some(fin) = self.fin {
            target = target.min(fin.offset);
        } else {
            // One byte more than was seen may as well be a FIN that was not captured; very many more are noise.
            let seen = self.held.end().unwrap_or(self.offset);
            if target == seen + 1 {
                target = seen;
            } else if target.saturating_sub(seen) > FURTHEST_UNSEEN {
                return None;
            }
        }
        (target > self.offset).then_some(target)
    }

    fn keep_bounded(&mut self, at: At, out: &mut Output<impl Consumer>) {
        while self.held.weight() > MOST_HELD {
            let Some(start) = self.held.start() else {
                return;
            };
            out.note(
                NoteKind::Limit,
                at,
                format_args!("more was held back behind a hole than this reader keeps; the hole was given up as a gap"),
            );
            self.tell_gap(start - self.offset, at, out);
            self.tell_ready(out);
        }
    }

    /// Tells everything that is held, with the holes before it.
    pub(super) fn flush(&mut self, at: At, out: &mut Output<impl Consumer>) {
        while let Some(start) = self.held.start() {
            self.tell_gap(start - self.offset, at, out);
            self.tell_ready(out);
        }
        if let Some(fin) = self.fin
            && fin.offset > self.offset
        {
            self.tell_gap(fin.offset - self.offset, at, out);
            self.tell_ready(out);
        }
    }
}

fn note_conflict(at: At, out: &mut Output<impl Consumer>) {
    out.note(
        NoteKind::ConflictingOverlap,
        at,
        format_args!(
            "it holds other bytes for a range that was captured before; the first ones were kept"
        ),
    );
}

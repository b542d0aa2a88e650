//! TCP: from segments to conversations.
//!
//! One policy for every dispute, so that a reader can predict it: of bytes captured twice, those captured first stand. What
//! the capture does not hold becomes a [`StreamEvent::Gap`] once the other side has acknowledged
//! it, for then it did cross the wire, or else when the connection or the capture ends.
//!
//! Events are told to a [`Consumer`] as soon as their bytes are in order, without a copy where they come in order. A
//! connection is handed out as soon as it is over, so that memory grows with the connections that are open, not with
//! the length of the capture; [`Bounds`] says how far.

mod connection;
mod ended;
mod held;
mod key;
mod output;
mod recent;
mod stream;
mod waiting;

use std::collections::HashMap;
use std::time::Duration;

use foldhash::fast::RandomState;

pub use self::ended::Ended;
pub use self::output::Consumer;

use self::connection::Connection;
use self::ended::Graveyard;
use self::key::Key;
use crate::segment::Segment;
use crate::{Conversation, StreamEvent, Timestamp};

/// Of the connections open at once, this many are followed; of more, the longest idle are given up.
const MOST_CONNECTIONS: usize = 100_000;

/// A connection is weighed after so many of its packets.
const WEIGHED_EVERY: u64 = 16;

/// How much may be held. Beyond it a connection is given up, and its end says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes held for one connection.
    pub connection: usize,
    /// Bytes held for all connections together.
    pub all: usize,
    /// How long, by the clock of the capture, an open connection may be silent.
    pub idle: Duration,
}

impl Default for Bounds {
    /// 64 MiB and 1 GiB, and one day: for captures that are small enough to be looked at whole.
    fn default() -> Self {
        Self {
            connection: 64 << 20,
            all: 1 << 30,
            idle: Duration::from_hours(24),
        }
    }
}

/// Puts the segments of any number of connections together.
#[derive(Debug)]
pub struct Reassembler<C> {
    live: HashMap<Key, Slot<C>, RandomState>,
    graveyard: Graveyard,
    ended: Vec<Ended<C>>,
    bounds: Bounds,
    seen: usize,
    strays: u64,
    weight: usize,
}

/// A live connection with its weight when it was last looked at.
#[derive(Debug)]
struct Slot<C> {
    connection: Connection<C>,
    weight: usize,
}

impl<C: Consumer> Default for Reassembler<C> {
    fn default() -> Self {
        Self::new(Bounds::default())
    }
}

impl<C: Consumer> Reassembler<C> {
    /// No connections yet.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            live: HashMap::default(),
            graveyard: Graveyard::default(),
            ended: Vec::new(),
            bounds,
            seen: 0,
            strays: 0,
            weight: 0,
        }
    }

    /// Takes the next segment, in capture order. `make` makes the consumer where it begins a connection.
    pub fn push_with(&mut self, segment: &Segment<'_>, make: impl FnOnce() -> C) {
        let key = Key::of(segment);
        let at = segment.packet;
        let over = match self.live.get_mut(&key) {
            Some(slot) if slot.connection.owns(segment) => {
                slot.connection.push(segment);
                // A packet adds little: weighing now and then will do.
                if slot.connection.packets() % WEIGHED_EVERY == 0 {
                    let weight = slot.connection.weight();
                    self.weight = self.weight + weight - slot.weight;
                    slot.weight = weight;
                }
                judge(&slot.connection, slot.weight, self.bounds)
            }
            Some(_) => {
                self.end(key, at, End::Closed);
                self.begin(key, segment, make())
            }
            None if self.graveyard.owns(&key, segment) => {
                self.strays += 1;
                None
            }
            None => self.begin(key, segment, make()),
        };
        match over {
            None => {}
            Some(Over::Closed) => self.end(key, at, End::Closed),
            Some(Over::Dull) => self.end(key, at, End::Unwanted),
            Some(Over::Heavy) => {
                let reason = format!(
                    "more than {} bytes would have to be held for it",
                    self.bounds.connection
                );
                self.end(key, at, End::GivenUp(reason));
            }
        }
        if self.weight > self.bounds.all || self.live.len() > MOST_CONNECTIONS {
            self.relieve(at);
        }
    }

    fn begin(&mut self, key: Key, segment: &Segment<'_>, consumer: C) -> Option<Over> {
        let mut connection = Connection::new(self.seen, segment, consumer);
        self.seen += 1;
        connection.push(segment);
        let weight = connection.weight();
        let over = judge(&connection, weight, self.bounds);
        self.weight += weight;
        self.live.insert(key, Slot { connection, weight });
        over
    }

    /// Ends a connection and remembers it.
    fn end(&mut self, key: Key, at: u64, end: End) {
        if let Some(slot) = self.live.remove(&key) {
            self.weight -= slot.weight;
            let goes_on = !matches!(end, End::Closed);
            self.graveyard.bury(key, slot.connection.tombstone(goes_on));
            let given_up = match end {
                End::GivenUp(reason) => Some(reason),
                End::Closed | End::Unwanted => None,
            };
            self.ended.push(slot.connection.finish(at, given_up));
        }
    }

    /// Gives up the connections that have been silent longest, a quarter of them.
    fn relieve(&mut self, at: u64) {
        let mut idle: Vec<(u64, Key)> = self
            .live
            .iter()
            .map(|(key, slot)| (slot.connection.last().packet, *key))
            .collect();
        idle.sort_unstable();
        let most = idle.len().div_ceil(4);
        for (_, key) in idle.into_iter().take(most) {
            let reason = format!(
                "more than {} bytes or {MOST_CONNECTIONS} connections would have to be held at once, and this one had \
                 been silent longest",
                self.bounds.all
            );
            self.end(key, at, End::GivenUp(reason));
        }
    }

    /// Tells how late it is by the clock of the capture, after packet number `packet`: connections that have been silent
    /// too long end.
    pub fn tick(&mut self, now: Timestamp, packet: u64) {
        let mut silent: Vec<(u64, Key)> = self
            .live
            .iter()
            .map(|(key, slot)| (slot.connection.last(), key))
            .filter(|(last, _)| now.since(last.time) > self.bounds.idle)
            .map(|(last, key)| (last.packet, *key))
            .collect();
        silent.sort_unstable();
        for (_, key) in silent {
            let hours = self.bounds.idle.as_secs() / 3600;
            let reason = format!("it was silent for more than {hours} h");
            self.end(key, packet, End::GivenUp(reason));
        }
    }

    /// The connections that are over and were not taken yet, in the order in which they ended.
    pub fn take_ended(&mut self) -> Vec<Ended<C>> {
        std::mem::take(&mut self.ended)
    }

    /// How many segments came after the end of their connection, and were passed over.
    pub fn strays(&self) -> u64 {
        self.strays
    }

    /// How many connections are open.
    pub fn open_connections(&self) -> usize {
        self.live.len()
    }

    /// Ends all connections: what was held back is told, with the holes before it. Returns those not taken yet: first
    /// those that ended before, then the others in order of first packet.
    pub fn finish_all(mut self) -> Vec<Ended<C>> {
        let mut rest: Vec<_> = self.live.drain().map(|(_, slot)| slot.connection).collect();
        rest.sort_unstable_by_key(Connection::index);
        self.ended
            .extend(rest.into_iter().map(|one| one.finish(u64::MAX, None)));
        self.ended
    }
}

impl Reassembler<Vec<StreamEvent>> {
    /// Takes the next segment, in capture order.
    pub fn push(&mut self, segment: &Segment<'_>) {
        self.push_with(segment, Vec::new);
    }

    /// Ends all connections: what was held back is told, with the holes before it. In order of first packet.
    pub fn finish(self) -> Vec<Conversation> {
        let mut all: Vec<_> = self
            .finish_all()
            .into_iter()
            .map(|ended| Conversation {
                about: ended.about,
                events: ended.consumer,
            })
            .collect();
        all.sort_unstable_by_key(|conversation| conversation.about.index);
        all
    }
}

/// How the following of a connection ends.
enum End {
    /// It is over.
    Closed,
    /// Nobody wants to hear more of it.
    Unwanted,
    /// It goes on, and has to be given up; why.
    GivenUp(String),
}

/// Why a connection is not followed further.
enum Over {
    Closed,
    /// Its consumer wants no more.
    Dull,
    Heavy,
}

fn judge<C: Consumer>(connection: &Connection<C>, weight: usize, bounds: Bounds) -> Option<Over> {
    if connection.is_over() {
        Some(Over::Closed)
    } else if !connection.is_interesting() {
        Some(Over::Dull)
    } else if weight > bounds.connection {
        Some(Over::Heavy)
    } else {
        None
    }
}

#[cfg(test)]
mod tests;

//! One TCP connection as two byte streams, with provenance and gaps.

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::ops::{Deref, Range};

use crate::{Note, Timestamp};

/// Who sent the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// From the side that opened the connection.
    Client,
    /// From the side that was connected to.
    Server,
}

impl Direction {
    /// The other direction.
    #[must_use]
    pub const fn reverse(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }

    /// `client` or `server`, as the result schema writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A range of one direction's byte stream. Offset 0 is the first byte after the SYN, or, where the capture starts
/// inside the connection, the first byte that was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Whose stream.
    pub direction: Direction,
    /// First byte.
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
}

impl Span {
    /// The range `start..end` of the stream that `direction` sent.
    pub const fn new(direction: Direction, start: u64, end: u64) -> Self {
        Self {
            direction,
            start,
            end,
        }
    }

    /// Number of bytes.
    pub const fn len(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// Whether the range holds no byte.
    pub const fn is_empty(&self) -> bool {
        self.end <= self.start
    }

    /// The smallest range that holds both; `other` must be of the same direction.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        debug_assert_eq!(self.direction, other.direction);
        Self {
            direction: self.direction,
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }
}

/// How the capture shows the beginning of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// The SYN was captured: who opened the connection is known, and offset 0 is the first byte.
    Handshake {
        /// Packet number of the SYN.
        syn: u64,
    },
    /// Only the SYN-ACK was captured: direction known, offset 0 is the first byte.
    Answer {
        /// Packet number of the SYN-ACK.
        syn_ack: u64,
    },
    /// The capture starts inside the connection. The direction is a guess (the lower port serves).
    Midstream,
}

/// How the capture shows the end of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// Both sides sent FIN.
    Orderly,
    /// Only this side sent FIN.
    HalfClosed(Direction),
    /// This side sent RST.
    Reset(Direction),
    /// The capture ends before the connection does.
    Open,
}

/// Something that happened on the connection, in the order in which it became readable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamEvent<B = Vec<u8>> {
    /// The next bytes of a direction's stream. Offsets of one direction are contiguous: each event starts where the
    /// last one (data or gap) of that direction ended.
    Data {
        /// Who sent them.
        direction: Direction,
        /// Stream offset of the first byte.
        offset: u64,
        /// Number of the packet that carried them, counting from 1.
        packet: u64,
        /// When that packet was captured.
        time: Timestamp,
        /// The bytes; never empty.
        bytes: B,
    },
    /// Bytes that the capture does not hold. Never filled, never guessed. While it is being told, a gap may come in parts,
    /// one right behind the other.
    Gap {
        /// Who sent them.
        direction: Direction,
        /// Stream offset of the first missing byte.
        offset: u64,
        /// How many are missing.
        length: u64,
        /// Number of the packet at which the hole was known for certain.
        packet: u64,
        /// When that packet was captured.
        time: Timestamp,
    },
    /// This side will send no more.
    Fin {
        /// Who.
        direction: Direction,
        /// Packet number of the FIN.
        packet: u64,
        /// When.
        time: Timestamp,
    },
    /// This side aborted the connection.
    Reset {
        /// Who.
        direction: Direction,
        /// Packet number of the RST.
        packet: u64,
        /// When.
        time: Timestamp,
    },
}

/// The same, told while it is being read, with borrowed bytes.
pub type Arrival<'a> = StreamEvent<&'a [u8]>;

impl<B> StreamEvent<B> {
    fn map<'a, C>(&'a self, change: impl FnOnce(&'a B) -> C) -> StreamEvent<C> {
        match *self {
            Self::Data {
                direction,
                offset,
                packet,
                time,
                ref bytes,
            } => StreamEvent::Data {
                direction,
                offset,
                packet,
                time,
                bytes: change(bytes),
            },
            Self::Gap {
                direction,
                offset,
                length,
                packet,
                time,
            } => StreamEvent::Gap {
                direction,
                offset,
                length,
                packet,
                time,
            },
            Self::Fin {
                direction,
                packet,
                time,
            } => StreamEvent::Fin {
                direction,
                packet,
                time,
            },
            Self::Reset {
                direction,
                packet,
                time,
            } => StreamEvent::Reset {
                direction,
                packet,
                time,
            },
        }
    }
}

impl StreamEvent {
    /// The same with borrowed bytes.
    pub fn arrival(&self) -> Arrival<'_> {
        self.map(Vec::as_slice)
    }
}

impl Arrival<'_> {
    /// With bytes of its own.
    pub fn into_event(self) -> StreamEvent {
        self.map(|bytes| bytes.to_vec())
    }
}

/// Which packet carried which bytes of one direction's stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    /// Extents in stream order, never overlapping.
    extents: Vec<(Range<u64>, u64)>,
}

impl Provenance {
    /// Records that `packet` carried the stream bytes `range`, which must follow all recorded before.
    pub fn push(&mut self, range: Range<u64>, packet: u64) {
        debug_assert!(
            self.extents
                .last()
                .is_none_or(|(last, _)| last.end <= range.start)
        );
        self.extents.push((range, packet));
    }

    /// How many extents are recorded.
    pub fn len(&self) -> usize {
        self.extents.len()
    }

    /// Whether nothing is recorded.
    pub fn is_empty(&self) -> bool {
        self.extents.is_empty()
    }

    /// Forgets which packets carried the inside of `range`, to bound memory: of extents that lie wholly inside and that
    /// `keep` does not want, only the first and the last stay.
    pub fn thin(&mut self, range: Range<u64>, keep: impl Fn(&Range<u64>) -> bool) {
        let first = self
            .extents
            .partition_point(|(extent, _)| extent.start < range.start);
        let last = self
            .extents
            .partition_point(|(extent, _)| extent.end <= range.end);
        let tail = self.extents.split_off(first.min(self.extents.len()));
        for (number, (extent, packet)) in (first..).zip(tail) {
            let inside = number > first && number + 1 < last;
            if !inside || keep(&extent) {
                self.extents.push((extent, packet));
            }
        }
    }

    /// Numbers of the packets that carried the bytes of `range`, in stream order, each once.
    pub fn packets(&self, range: Range<u64>) -> Vec<u64> {
        // Nearly always it is asked for what came last.
        if let Some((last, packet)) = self.extents.last()
            && last.start <= range.start
            && range.start < last.end.min(range.end)
        {
            return vec![*packet];
        }
        let first = self
            .extents
            .partition_point(|(extent, _)| extent.end <= range.start);
        let mut packets: Vec<u64> = Vec::new();
        // A packet carries neighbouring extents, so that nearly always the last one tells.
        let mut seen: Option<BTreeSet<u64>> = None;
        for (extent, packet) in &self.extents[first..] {
            if extent.start >= range.end {
                break;
            }
            if packets.last().is_none_or(|last| last < packet) {
                packets.push(*packet);
                if let Some(seen) = &mut seen {
                    seen.insert(*packet);
                }
            } else {
                let seen = seen.get_or_insert_with(|| packets.iter().copied().collect());
                if seen.insert(*packet) {
                    packets.push(*packet);
                }
            }
        }
        packets
    }
}

/// What is known of a TCP connection beside its bytes.
#[derive(Clone, Debug)]
pub struct About {
    /// Position among the connections that this reassembler saw, counting from 0, in order of first packet.
    pub index: usize,
    /// Address of the side that opened it.
    pub client: SocketAddr,
    /// Address of the side that was connected to.
    pub server: SocketAddr,
    /// How it begins in the capture.
    pub opening: Opening,
    /// How it ends in the capture.
    pub closing: Closing,
    /// When its first packet was captured.
    pub start: Timestamp,
    /// When its last packet was captured.
    pub end: Timestamp,
    /// Number of its first packet.
    pub first_packet: u64,
    /// Number of its last packet.
    pub last_packet: u64,
    /// How many packets it has, those without payload included.
    pub packets: u64,
    /// Why this reader stopped following it before it ended, where it did: a bound was reached.
    pub given_up: Option<String>,
    /// What was odd about its packets.
    pub notes: Vec<Note>,
}

/// One TCP connection out of a capture, with its bytes.
#[derive(Clone, Debug)]
pub struct Conversation {
    /// What is known beside the bytes.
    pub about: About,
    /// What happened, in order.
    pub events: Vec<StreamEvent>,
}

impl Deref for Conversation {
    type Target = About;

    fn deref(&self) -> &About {
        &self.about
    }
}

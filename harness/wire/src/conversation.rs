//! One TCP connection as two byte streams, with provenance and gaps.

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::ops::Range;

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamEvent {
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
        bytes: Vec<u8>,
    },
    /// Bytes that the capture does not hold. Never filled, never guessed.
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

    /// Numbers of the packets that carried the bytes of `range`, in stream order, each once.
    pub fn packets(&self, range: Range<u64>) -> Vec<u64> {
        let first = self
            .extents
            .partition_point(|(extent, _)| extent.end <= range.start);
        let (mut packets, mut seen) = (Vec::new(), BTreeSet::new());
        for (extent, packet) in &self.extents[first..] {
            if extent.start >= range.end {
                break;
            }
            if seen.insert(*packet) {
                packets.push(*packet);
            }
        }
        packets
    }
}

/// One TCP connection out of a capture.
#[derive(Clone, Debug)]
pub struct Conversation {
    /// Position among the connections of the capture, counting from 0, in order of first packet.
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
    /// How many packets it has, those without payload included.
    pub packets: u64,
    /// What happened, in order.
    pub events: Vec<StreamEvent>,
    /// What was odd about its packets.
    pub notes: Vec<Note>,
}

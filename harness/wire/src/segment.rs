//! One TCP segment, cut out of a frame.

use std::net::SocketAddr;

use crate::Timestamp;

/// The TCP flags that matter for putting streams together (RFC 9293 section 3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(u8);

impl Flags {
    /// The sender has no more data.
    pub const FIN: Self = Self(0x01);
    /// Sequence numbers begin here.
    pub const SYN: Self = Self(0x02);
    /// The connection is aborted.
    pub const RST: Self = Self(0x04);
    /// The acknowledgment number is valid.
    pub const ACK: Self = Self(0x10);

    /// Both sets of flags.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// `self` where `condition` holds, else no flag.
    #[must_use]
    pub const fn when(self, condition: bool) -> Self {
        if condition { self } else { Self(0) }
    }

    /// Whether all flags of `other` are set.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// One TCP segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Number of the packet that carried it.
    pub packet: u64,
    /// When that packet was captured.
    pub time: Timestamp,
    /// Who sent it.
    pub src: SocketAddr,
    /// To whom.
    pub dst: SocketAddr,
    /// Sequence number: of the SYN where that flag is set, else of the first payload byte.
    pub seq: u32,
    /// Acknowledgment number; means something only with [`Flags::ACK`].
    pub ack: u32,
    /// The flags.
    pub flags: Flags,
    /// The payload bytes that were captured.
    pub payload: &'a [u8],
    /// How many payload bytes follow that were on the wire but not captured (snap length).
    pub missing: u64,
    /// Whether it was put together out of IP fragments that contradict each other: another reader may have got other bytes.
    pub disputed: bool,
}

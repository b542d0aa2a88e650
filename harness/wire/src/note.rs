//! Remarks on the quality of a capture: what the reader met and put up with.
//!
//! A note never changes a verdict by itself. It tells the reader of a report how far the evidence can be trusted, and
//! where in the file to look.

use std::fmt;

/// What kind of oddity was met. Short and countable; the detail stands in [`Note::detail`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum NoteKind {
    /// The file ends inside a packet or block: everything before it was read.
    Truncated,
    /// A packet was captured with fewer bytes than it had on the wire.
    Snapped,
    /// A frame could not be decoded down to TCP although it claims to hold it.
    Undecodable,
    /// A link type that this build does not read.
    UnknownLinkType,
    /// An IP datagram of which not all fragments were captured in time: what it carried was not used.
    Fragment,
    /// Two fragments of an IP datagram have different bytes for the same place, or disagree on its length; what was
    /// captured first was kept.
    ConflictingFragments,
    /// A wrapper that is encrypted or that this build does not open: what is inside was not looked at. Noted at the first
    /// packet of each kind.
    Wrapped,
    /// The same range of a stream was captured twice with different bytes; the first was kept.
    ConflictingOverlap,
    /// A length or time field of the capture file is out of its range; the packet was kept.
    OddRecord,
    /// The capturing machine counted packets that it did not write.
    Dropped,
    /// A block or record could not be understood and was passed over.
    Skipped,
    /// Bytes of a stream turned up where they could no longer be put in their place: before the point at which the
    /// stream was picked up, or inside a gap that had already been declared. They were not used.
    Late,
    /// A TCP segment whose sequence or acknowledgment number, or whose flags, do not fit its connection. The part that
    /// does not fit was not used.
    OddSegment,
    /// A bound of this reader was reached, and something was given up.
    Limit,
}

/// One remark on the capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What was met.
    pub kind: NoteKind,
    /// Number of the packet it was met at, counting from 1 as Wireshark does; `None` where it concerns the file.
    pub packet: Option<u64>,
    /// One sentence for a person: lower case, no full stop.
    pub detail: String,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.packet {
            Some(packet) => write!(f, "packet {packet}: {}", self.detail),
            None => f.write_str(&self.detail),
        }
    }
}

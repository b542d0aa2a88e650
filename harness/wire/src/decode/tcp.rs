//! The TCP header (RFC 9293 section 3.1).

use super::walk::{Stop, Walk, number};
use crate::segment::Flags;

/// What is read of a segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tcp<'a> {
    pub(super) source_port: u16,
    pub(super) destination_port: u16,
    pub(super) seq: u32,
    pub(super) ack: u32,
    pub(super) flags: Flags,
    /// The payload bytes that were captured.
    pub(super) payload: &'a [u8],
    /// How many payload bytes follow that were not.
    pub(super) missing: u64,
}

impl<'a> Walk<'a> {
    #[inline]
    pub(super) fn tcp(&self) -> Result<Tcp<'a>, Stop> {
        let head = self.peek::<20>("TCP header")?;
        let length = usize::from(head[12] >> 4) * 4;
        if length < 20 {
            return Err(Stop::Damaged(
                "its TCP header is said to be shorter than any is",
            ));
        }
        let (payload, missing) = if let Some(payload) = self.bytes.get(length..) {
            (payload, self.uncaptured)
        } else {
            // The snap length cut the options, which are not needed.
            let on_the_wire = self.bytes.len() as u64 + self.uncaptured;
            let missing = on_the_wire.checked_sub(length as u64).ok_or(Stop::Damaged(
                "its TCP header is said to be longer than its datagram",
            ))?;
            (&[][..], missing)
        };
        Ok(Tcp {
            source_port: number(head[0], head[1]),
            destination_port: number(head[2], head[3]),
            seq: u32::from_be_bytes([head[4], head[5], head[6], head[7]]),
            ack: u32::from_be_bytes([head[8], head[9], head[10], head[11]]),
            flags: flags(head[13]),
            payload,
            missing,
        })
    }
}

#[inline]
fn flags(byte: u8) -> Flags {
    const FIN: u8 = 0x01;
    const SYN: u8 = 0x02;
    const RST: u8 = 0x04;
    const ACK: u8 = 0x10;
    Flags::SYN
        .when(byte & SYN != 0)
        .with(Flags::ACK.when(byte & ACK != 0))
        .with(Flags::FIN.when(byte & FIN != 0))
        .with(Flags::RST.when(byte & RST != 0))
}

//! Packets: where the payload of each stands in the file, and writing over it so that its checksum says of it what it said
//! before.
//!
//! A checksum that was right stays right, and one that was not there yet (on the sending machine) stays as it was, since
//! only the difference is put into it (RFC 1624). All checksums around the packet, those of tunnels, stay right by that:
//! what they sum up does not change in sum.

use std::ops::Range;

use etherparse::{EtherType, LaxNetSlice, LaxSlicedPacket, TransportSlice};
use wire::{Frame, Segment};

/// A packet, and where it stands in the file.
#[derive(Clone, Debug)]
pub(super) struct Packet {
    /// Its number.
    pub(super) number: u64,
    /// Its captured bytes.
    pub(super) frame: Range<usize>,
    /// LINKTYPE_ value.
    pub(super) link_type: u16,
    /// The segment in it, where it carries one.
    pub(super) segment: Option<Place>,
}

/// A TCP segment.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Who sent it, and to whom.
    pub(super) ends: (std::net::SocketAddr, std::net::SocketAddr),
    /// Its sequence number, that of its first payload byte.
    pub(super) seq: u32,
    /// Its payload in the file; none where it was put together out of fragments.
    pub(super) payload: Option<Range<usize>>,
    /// How many bytes it has.
    pub(super) length: usize,
}

/// Where a slice of the file begins in it; none for bytes that are not of the file.
fn offset(file: &[u8], part: &[u8]) -> Option<usize> {
    let at = part.as_ptr().addr().checked_sub(file.as_ptr().addr())?;
    (at + part.len() <= file.len()).then_some(at)
}

impl Packet {
    /// What is to be known of a packet.
    pub(super) fn new(
        file: &[u8],
        frame: &Frame<'_>,
        segment: Option<&Segment<'_>>,
    ) -> Option<Self> {
        let start = offset(file, frame.bytes)?;
        let range = start..start + frame.bytes.len();
        let segment = segment.map(|segment| {
            let payload = offset(file, segment.payload)
                .map(|at| at..at + segment.payload.len())
                .filter(|place| range.start <= place.start && place.end <= range.end);
            let syn = u32::from(segment.flags.has(wire::Flags::SYN));
            Place {
                ends: (segment.src, segment.dst),
                seq: segment.seq.wrapping_add(syn),
                payload,
                length: segment.payload.len(),
            }
        });
        Some(Self {
            number: frame.packet,
            frame: range,
            link_type: frame.link_type,
            segment,
        })
    }
}

/// Writes over bytes of a segment's payload. `change` says what the byte at a place of the file is to be.
pub(super) fn overwrite(
    file: &mut [u8],
    packet: &Packet,
    payload: &Range<usize>,
    change: impl Fn(usize) -> Option<u8>,
) -> bool {
    let Some(header) = tcp_header(file, packet, payload) else {
        return false;
    };
    let mut mending = Mending::new(file, header, header + 16);
    for place in payload.clone() {
        if let Some(byte) = change(place) {
            mending.set(place, byte);
        }
    }
    // Padding is whatever the memory of the sender held.
    let frame_end = packet.frame.end;
    mending.finish();
    for byte in &mut file[payload.end..frame_end] {
        *byte = 0;
    }
    true
}

/// The header right before a payload: the nearest place at which its own length, and its ports, fit.
fn tcp_header(file: &[u8], packet: &Packet, payload: &Range<usize>) -> Option<usize> {
    let place = packet.segment.as_ref()?;
    (20..=60).step_by(4).find_map(|length| {
        let start = payload.start.checked_sub(length)?;
        if start < packet.frame.start {
            return None;
        }
        let header = file.get(start..payload.start)?;
        let port = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        let seq = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
        let syn = u32::from(header[13] & 2 != 0);
        let fits = usize::from(header[12] >> 4) * 4 == length
            && port(0) == place.ends.0.port()
            && port(2) == place.ends.1.port()
            && seq.wrapping_add(syn) == place.seq;
        fits.then_some(start)
    })
}

/// Makes the payload of any packet zero, whatever it is; headers as far as they are understood stay. Answers whether there
/// was anything to blank.
pub(super) fn blank(file: &mut [u8], packet: &Packet) -> bool {
    if let Some(payload) = packet
        .segment
        .as_ref()
        .and_then(|place| place.payload.clone())
        && overwrite(file, packet, &payload, |_| Some(0))
    {
        return !payload.is_empty();
    }
    let (keep, checksum) = headers(&file[packet.frame.clone()], packet.link_type);
    let start = packet.frame.start + keep;
    if file[start..packet.frame.end].iter().all(|byte| *byte == 0) {
        return false;
    }
    if let Some((header, field)) = checksum {
        let base = packet.frame.start;
        let mut mending = Mending::new(file, base + header, base + field);
        for place in start..packet.frame.end {
            mending.set(place, 0);
        }
        mending.finish();
    } else {
        file[start..packet.frame.end].fill(0);
    }
    true
}

/// How many bytes of a frame are headers; and where the last of them, and its checksum, stand.
fn headers(frame: &[u8], link_type: u16) -> (usize, Option<(usize, usize)>) {
    let sliced = match link_type {
        1 => LaxSlicedPacket::from_ethernet(frame).ok(),
        101 | 228 | 229 => LaxSlicedPacket::from_ip(frame).ok(),
        113 => frame
            .get(14..16)
            .map(|kind| EtherType(u16::from_be_bytes([kind[0], kind[1]])))
            .and_then(|kind| {
                frame
                    .get(16..)
                    .map(|rest| LaxSlicedPacket::from_ether_type(kind, rest))
            }),
        _ => None,
    };
    let fallback = (frame.len().min(16), None);
    let Some(sliced) = sliced else {
        return fallback;
    };
    let end_of = |part: &[u8]| offset(frame, part);
    match (&sliced.transport, &sliced.net) {
        (Some(TransportSlice::Udp(udp)), _) => {
            let start = end_of(udp.slice());
            start.map_or(fallback, |start| {
                ((start + 8).min(frame.len()), Some((start, start + 6)))
            })
        }
        (Some(TransportSlice::Icmpv4(icmp)), _) => icmp_end(frame, icmp.slice()),
        (Some(TransportSlice::Icmpv6(icmp)), _) => icmp_end(frame, icmp.slice()),
        (Some(TransportSlice::Tcp(tcp)), _) => {
            let header = tcp.header_slice();
            end_of(header).map_or(fallback, |start| {
                let end = start + header.len();
                (end.min(frame.len()), Some((start, start + 16)))
            })
        }
        (None, Some(LaxNetSlice::Arp(_))) => (frame.len(), None),
        (None, Some(net)) => {
            let payload = net
                .ip_payload_ref()
                .and_then(|payload| end_of(payload.payload));
            payload.map_or(fallback, |start| (start.min(frame.len()), None))
        }
        _ => fallback,
    }
}

fn icmp_end(frame: &[u8], message: &[u8]) -> (usize, Option<(usize, usize)>) {
    offset(frame, message).map_or((frame.len().min(16), None), |start| {
        ((start + 8).min(frame.len()), Some((start, start + 2)))
    })
}

/// Changes bytes under a checksum, and carries the difference into it.
struct Mending<'a> {
    file: &'a mut [u8],
    header: usize,
    field: usize,
    /// The difference in one's complement, not folded.
    sum: u64,
}

impl<'a> Mending<'a> {
    fn new(file: &'a mut [u8], header: usize, field: usize) -> Self {
        Self {
            file,
            header,
            field,
            sum: 0,
        }
    }

    fn set(&mut self, place: usize, byte: u8) {
        let Some(own) = self.file.get_mut(place) else {
            return;
        };
        let shift = if (place - self.header).is_multiple_of(2) {
            8
        } else {
            0
        };
        let weigh = |byte: u8| u64::from(byte) << shift;
        // Adding the complement takes away.
        self.sum += weigh(byte) + (0xffff - weigh(*own));
        *own = byte;
    }

    fn finish(self) {
        let Some(field) = self.file.get_mut(self.field..self.field + 2) else {
            return;
        };
        if self.sum == 0 {
            return;
        }
        let old = u16::from_be_bytes([field[0], field[1]]);
        let mut sum = u64::from(!old) + self.sum;
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        let new = !u16::try_from(sum).unwrap_or(0);
        field.copy_from_slice(&new.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checksum(bytes: &[u8]) -> u16 {
        let mut sum = 0u64;
        for pair in bytes.chunks(2) {
            sum += u64::from(pair[0]) << 8 | u64::from(pair.get(1).copied().unwrap_or(0));
        }
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        u16::try_from(sum).expect("folded")
    }

    #[test]
    fn a_right_checksum_stays_right() {
        for length in 1..60u8 {
            let mut bytes: Vec<u8> = (0..18 + length).map(|n| n.wrapping_mul(37)).collect();
            bytes[16] = 0;
            bytes[17] = 0;
            let right = !checksum(&bytes);
            bytes[16..18].copy_from_slice(&right.to_be_bytes());
            assert_eq!(checksum(&bytes), 0xffff);
            let mut mending = Mending::new(&mut bytes, 0, 16);
            for place in (18..18 + usize::from(length)).step_by(3) {
                mending.set(place, b'x');
            }
            mending.finish();
            assert_eq!(checksum(&bytes), 0xffff, "{length}");
        }
    }

    #[test]
    fn headers_of_anything_do_not_panic() {
        let mut bytes = Vec::new();
        for number in 0..600u32 {
            for link in [0, 1, 101, 113, 147, 228, 229] {
                let (keep, checksum) = headers(&bytes, link);
                assert!(keep <= bytes.len());
                assert!(checksum.is_none_or(|(header, _)| header <= bytes.len()));
            }
            bytes.push(number.wrapping_mul(2_654_435_761).to_be_bytes()[1]);
        }
    }
}

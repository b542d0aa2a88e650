//! Frames: from link layer to TCP.
//!
//! Lengths are read leniently, since captures hold frames that were cut by the snap length and frames recorded before the
//! network card filled in their lengths. Checksums are never verified: on the sending machine they are not there yet.

mod link;

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use etherparse::{
    IpNumber, LaxIpPayloadSlice, LaxNetSlice, LaxSlicedPacket, LenSource, TcpHeader,
    TcpHeaderSlice, TransportSlice, ether_type,
};

use self::link::Closed;
use crate::notes::NoteLog;
use crate::read::Frame;
use crate::segment::{Flags, Segment};
use crate::{Note, NoteKind};

/// Ether types that wrap IP in a way this reader does not unwrap, by name.
const WRAPPERS: [(u16, &str); 3] = [
    (0x8847, "MPLS"),
    (0x8848, "MPLS multicast"),
    (0x8864, "PPPoE"),
];

/// The longest TCP header: a data offset of 15 words.
const LONGEST_TCP_HEADER: usize = 60;

/// Takes frames apart and remembers what was odd about them.
#[derive(Debug, Default)]
pub struct Decoder {
    notes: NoteLog,
    unread_interfaces: BTreeSet<u32>,
    met_wrappers: BTreeSet<u16>,
}

/// The IP layer of a frame, as far as TCP needs it.
struct Internet<'p, 'a> {
    src: IpAddr,
    dst: IpAddr,
    payload: &'p LaxIpPayloadSlice<'a>,
    /// Payload bytes that were on the wire but not captured.
    missing: u64,
}

impl Decoder {
    /// The TCP segment that the frame carries; `None` where it carries something else, or nothing that can be read.
    ///
    /// A segment quoted inside an ICMP error is not a segment of the connection and is not returned.
    pub fn segment<'a>(&mut self, frame: &Frame<'a>) -> Option<Segment<'a>> {
        let packet = match link::open(frame.link_type, frame.bytes) {
            Ok(packet) => packet,
            Err(Closed::Unknown) => {
                if self.unread_interfaces.insert(frame.interface) {
                    self.notes.push(
                        NoteKind::UnknownLinkType,
                        Some(frame.packet),
                        format_args!(
                            "link type {} of interface {} is not read by this build; its packets were passed over",
                            frame.link_type, frame.interface
                        ),
                    );
                }
                return None;
            }
            Err(Closed::Other) => return None,
            Err(Closed::Damaged(reason)) => {
                self.undecodable(frame, format_args!("{reason}"));
                return None;
            }
        };
        let uncaptured = frame.wire_length.saturating_sub(frame.bytes.len() as u64);
        let Some(internet) = internet(&packet, uncaptured) else {
            self.without_internet(frame, &packet);
            return None;
        };
        if internet.payload.ip_number != IpNumber::TCP {
            return None;
        }
        if internet.payload.fragmented {
            self.notes.push(
                NoteKind::Fragment,
                Some(frame.packet),
                format_args!("an IP fragment that carries TCP was not put together, so its stream has a hole there"),
            );
            return None;
        }
        self.tcp(frame, &packet, &internet)
    }

    /// The remarks on the frames so far.
    pub fn finish(self) -> Vec<Note> {
        self.notes.finish()
    }

    fn tcp<'a>(
        &mut self,
        frame: &Frame<'a>,
        packet: &LaxSlicedPacket<'a>,
        internet: &Internet<'_, 'a>,
    ) -> Option<Segment<'a>> {
        let (header, payload, missing) = if let Some(TransportSlice::Tcp(slice)) = &packet.transport
        {
            (slice.to_header(), slice.payload(), internet.missing)
        } else if let Some((header, missing)) = cut_tcp_header(internet) {
            (header, &[][..], missing)
        } else {
            let reason = stop_reason(packet);
            self.undecodable(
                frame,
                format_args!("its TCP header cannot be read: {reason}"),
            );
            return None;
        };
        let flags = Flags::SYN
            .when(header.syn)
            .with(Flags::ACK.when(header.ack))
            .with(Flags::FIN.when(header.fin))
            .with(Flags::RST.when(header.rst));
        Some(Segment {
            packet: frame.packet,
            time: frame.time,
            src: SocketAddr::new(internet.src, header.source_port),
            dst: SocketAddr::new(internet.dst, header.destination_port),
            seq: header.sequence_number,
            ack: header.acknowledgment_number,
            flags,
            payload,
            missing,
        })
    }

    fn without_internet(&mut self, frame: &Frame<'_>, packet: &LaxSlicedPacket<'_>) {
        let Some(kind) = packet.ether_payload().map(|payload| payload.ether_type) else {
            return;
        };
        if kind == ether_type::IPV4 || kind == ether_type::IPV6 {
            let reason = stop_reason(packet);
            self.undecodable(
                frame,
                format_args!("its IP header cannot be read: {reason}"),
            );
        } else if let Some((number, name)) =
            WRAPPERS.into_iter().find(|(number, _)| *number == kind.0)
            && self.met_wrappers.insert(number)
        {
            self.undecodable(
                frame,
                format_args!("{name} is not unwrapped by this build; such frames were passed over"),
            );
        }
    }

    fn undecodable(&mut self, frame: &Frame<'_>, detail: std::fmt::Arguments<'_>) {
        self.notes
            .push(NoteKind::Undecodable, Some(frame.packet), detail);
    }
}

/// Why reading the layers of a packet stopped.
fn stop_reason(packet: &LaxSlicedPacket<'_>) -> String {
    match &packet.stop_err {
        Some((error, _)) => error.to_string(),
        None => "the packet is cut short".to_owned(),
    }
}

/// The IP layer, if there is one; `uncaptured` bytes of the frame are not in the file.
fn internet<'p, 'a>(packet: &'p LaxSlicedPacket<'a>, uncaptured: u64) -> Option<Internet<'p, 'a>> {
    // How long the datagram says it is, and how much of it comes before the payload.
    let (src, dst, payload, declared, before): (IpAddr, IpAddr, _, usize, usize) =
        match packet.net.as_ref()? {
            LaxNetSlice::Ipv4(ip) => {
                let header = ip.header();
                let extension = ip.extensions().auth.map_or(0, |auth| auth.slice().len());
                (
                    header.source_addr().into(),
                    header.destination_addr().into(),
                    ip.payload(),
                    header.total_len().into(),
                    header.slice().len() + extension,
                )
            }
            LaxNetSlice::Ipv6(ip) => {
                let header = ip.header();
                (
                    header.source_addr().into(),
                    header.destination_addr().into(),
                    ip.payload(),
                    header.slice().len() + usize::from(header.payload_length()),
                    header.slice().len() + ip.extensions().slice().len(),
                )
            }
            LaxNetSlice::Arp(_) => return None,
        };
    let missing = if payload.incomplete {
        declared.saturating_sub(before + payload.payload.len()) as u64
    } else if payload.len_source == LenSource::Slice {
        // No length in the header, as segmentation offload leaves it: the frame alone tells.
        uncaptured
    } else {
        0
    };
    Some(Internet {
        src,
        dst,
        payload,
        missing,
    })
}

/// Reads a TCP header of which the snap length cut the options, and how many payload bytes are missing behind it.
fn cut_tcp_header(internet: &Internet<'_, '_>) -> Option<(TcpHeader, u64)> {
    let captured = internet.payload.payload;
    if internet.missing == 0 || captured.len() < TcpHeader::MIN_LEN {
        return None;
    }
    // Zeros end the options.
    let mut whole = [0; LONGEST_TCP_HEADER];
    whole.get_mut(..captured.len())?.copy_from_slice(captured);
    let header = TcpHeaderSlice::from_slice(&whole).ok()?;
    let on_the_wire = captured.len() as u64 + internet.missing;
    let missing = on_the_wire.checked_sub(header.slice().len() as u64)?;
    Some((header.to_header(), missing))
}

#[cfg(test)]
mod tests;

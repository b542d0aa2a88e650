//! Ethernet frames that carry one TCP segment each.

use std::io;
use std::net::{IpAddr, SocketAddr};

use etherparse::{
    IpFragOffset, IpHeaders, Ipv4Header, Ipv6FlowLabel, Ipv6Header, PacketBuilder, TcpHeader,
    TcpOptionElement,
};

use crate::segment::Flags;

/// Locally administered addresses: the second lowest bit of the first byte is set (IEEE 802-2014 section 8.4).
pub(super) const CLIENT_MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x01];
pub(super) const SERVER_MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x02];

const TIME_TO_LIVE: u8 = 64;

/// The window that both sides offer. No more than two segments are ever unacknowledged, so it never fills.
const WINDOW: u16 = u16::MAX;

/// Ethernet carries 1,500 bytes; IPv4 and TCP take 40 of them, IPv6 and TCP 60.
const SEGMENT_IPV4: u16 = 1_460;
const SEGMENT_IPV6: u16 = 1_440;

/// Everything about a frame but its payload.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draft {
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    pub(super) from_mac: [u8; 6],
    pub(super) to_mac: [u8; 6],
    /// IPv4 identification.
    pub(super) identification: u16,
    pub(super) seq: u32,
    /// Written where `flags` hold ACK.
    pub(super) ack: u32,
    pub(super) flags: Flags,
    /// Hand the data to the application at once.
    pub(super) push: bool,
    /// The largest segment that the sender says it takes; written where `flags` hold SYN.
    pub(super) largest_segment: u16,
}

/// No more fits into a packet of either family, behind the headers of IP and TCP: its length is written in two bytes.
pub(super) const MOST_SEGMENT: u16 = u16::MAX - 60;

/// The most payload bytes that a frame of Ethernet between two such addresses carries.
pub(super) fn largest_segment(address: IpAddr) -> u16 {
    match address {
        IpAddr::V4(_) => SEGMENT_IPV4,
        IpAddr::V6(_) => SEGMENT_IPV6,
    }
}

/// Appends the frame, with valid lengths and checksums.
pub(super) fn build(draft: &Draft, payload: &[u8], to: &mut Vec<u8>) -> io::Result<()> {
    let mut tcp = TcpHeader::new(draft.from.port(), draft.to.port(), draft.seq, WINDOW);
    tcp.syn = draft.flags.has(Flags::SYN);
    tcp.fin = draft.flags.has(Flags::FIN);
    tcp.rst = draft.flags.has(Flags::RST);
    tcp.ack = draft.flags.has(Flags::ACK);
    tcp.psh = draft.push;
    tcp.acknowledgment_number = if tcp.ack { draft.ack } else { 0 };
    if tcp.syn {
        let size = TcpOptionElement::MaximumSegmentSize(draft.largest_segment);
        tcp.set_options(&[size]).map_err(io::Error::other)?;
    }
    PacketBuilder::ethernet2(draft.from_mac, draft.to_mac)
        .ip(internet(draft)?)
        .tcp_header(tcp)
        .write(to, payload)
        .map_err(io::Error::other)
}

/// The IP header; its length and checksum are filled in by the builder.
fn internet(draft: &Draft) -> io::Result<IpHeaders> {
    match (draft.from.ip(), draft.to.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => Ok(IpHeaders::Ipv4(
            Ipv4Header {
                identification: draft.identification,
                dont_fragment: true,
                more_fragments: false,
                fragment_offset: IpFragOffset::ZERO,
                time_to_live: TIME_TO_LIVE,
                source: from.octets(),
                destination: to.octets(),
                ..Ipv4Header::default()
            },
            etherparse::Ipv4Extensions::default(),
        )),
        (IpAddr::V6(from), IpAddr::V6(to)) => Ok(IpHeaders::Ipv6(
            Ipv6Header {
                flow_label: Ipv6FlowLabel::ZERO,
                hop_limit: TIME_TO_LIVE,
                source: from.octets(),
                destination: to.octets(),
                ..Ipv6Header::default()
            },
            etherparse::Ipv6Extensions::default(),
        )),
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "client and server of a tapped conversation must be of one address family",
        )),
    }
}

use std::net::{Ipv4Addr, SocketAddr};

use etherparse::{EtherType, PacketBuilder, VlanId};
use rstest::rstest;

use super::Decoder;
use crate::read::Frame;
use crate::segment::{Flags, Segment};
use crate::{NoteKind, Timestamp};

mod fragments;
mod layers;
mod properties;
mod tunnels;

const PAYLOAD: &[u8] = b"EHLO client.example.test\r\n";

/// An IPv4 datagram with options in its TCP header.
fn datagram() -> Vec<u8> {
    let mut bytes = Vec::new();
    PacketBuilder::ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64)
        .tcp(4_000, 25, 7, 1_000)
        .ack(9)
        .options_raw(&[1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2])
        .unwrap()
        .write(&mut bytes, PAYLOAD)
        .unwrap();
    bytes
}

fn ethernet(ether_type: EtherType, rest: &[u8]) -> Vec<u8> {
    let mut bytes = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    bytes.extend(ether_type.0.to_be_bytes());
    bytes.extend(rest);
    bytes
}

fn frame(link_type: u16, bytes: &[u8]) -> Frame<'_> {
    Frame {
        packet: 3,
        time: Timestamp::from_nanos(5),
        interface: 0,
        link_type,
        wire_length: bytes.len() as u64,
        bytes,
    }
}

fn expected() -> Segment<'static> {
    Segment {
        packet: 3,
        time: Timestamp::from_nanos(5),
        src: SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 4_000)),
        dst: SocketAddr::from((Ipv4Addr::new(192, 0, 2, 2), 25)),
        seq: 7,
        ack: 9,
        flags: Flags::ACK,
        payload: PAYLOAD,
        missing: 0,
        disputed: false,
    }
}

fn before(head: &[u8], rest: &[u8]) -> Vec<u8> {
    [head, rest].concat()
}

fn kinds(decoder: Decoder) -> Vec<NoteKind> {
    decoder.finish().into_iter().map(|note| note.kind).collect()
}

/// The frame is read as the expected segment and nothing is odd about it; cut anywhere, it neither panics nor yields bytes
/// that are not there.
fn reads(link_type: u16, bytes: &[u8]) {
    let mut decoder = Decoder::default();
    assert_eq!(decoder.segment(&frame(link_type, bytes)), Some(expected()));
    assert_eq!(kinds(decoder), []);
    for end in 0..bytes.len() {
        let mut cut = frame(link_type, &bytes[..end]);
        cut.wire_length = bytes.len() as u64;
        if let Some(segment) = Decoder::default().segment(&cut) {
            assert!(PAYLOAD.starts_with(segment.payload));
            assert_eq!(
                segment.payload.len() as u64 + segment.missing,
                PAYLOAD.len() as u64
            );
        }
    }
}

/// Nothing is read of the frame, and these are the remarks on it.
fn passes_over(link_type: u16, bytes: &[u8], remarks: &[NoteKind]) {
    let mut decoder = Decoder::default();
    assert_eq!(decoder.segment(&frame(link_type, bytes)), None);
    assert_eq!(kinds(decoder), remarks);
}

#[rstest]
#[case::raw(101, &[])]
#[case::raw_bsd(12, &[])]
#[case::raw_openbsd(14, &[])]
#[case::ipv4(228, &[])]
#[case::null_little(0, &[2, 0, 0, 0])]
#[case::null_big(0, &[0, 0, 0, 2])]
#[case::loop_(108, &[0, 0, 0, 2])]
#[case::cooked(113, &[0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0])]
#[case::cooked_vlan(113, &[0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0x81, 0, 0, 5, 8, 0])]
#[case::cooked2(276, &[8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 4, 6, 2, 0, 0, 0, 0, 1, 0, 0])]
#[case::ethernet(1, &[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0])]
#[case::vlan(1, &[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x81, 0, 0, 5, 8, 0])]
#[case::qinq(1, &[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 8, 0])]
fn opens_link_types(#[case] link_type: u16, #[case] head: &[u8]) {
    reads(link_type, &before(head, &datagram()));
}

#[rstest]
#[case::null_bsd(0, &[28, 0, 0, 0])]
#[case::null_macos(0, &[30, 0, 0, 0])]
#[case::null_windows(0, &[23, 0, 0, 0])]
#[case::ipv6(229, &[])]
fn opens_ipv6(#[case] link_type: u16, #[case] head: &[u8]) {
    let mut ip = Vec::new();
    PacketBuilder::ipv6([0x20; 16], [0x21; 16], 64)
        .tcp(4_000, 25, 7, 1_000)
        .syn()
        .write(&mut ip, b"")
        .unwrap();
    let bytes = before(head, &ip);
    let mut decoder = Decoder::default();
    let segment = decoder.segment(&frame(link_type, &bytes)).unwrap();
    assert_eq!(segment.src, SocketAddr::from(([0x20; 16], 4_000)));
    assert_eq!(segment.flags, Flags::SYN);
}

#[test]
fn drops_ethernet_padding_and_ignores_checksums() {
    let mut bytes = Vec::new();
    PacketBuilder::ethernet2([2; 6], [3; 6])
        .single_vlan(VlanId::try_new(5).unwrap())
        .ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64)
        .tcp(4_000, 25, 7, 1_000)
        .fin()
        .write(&mut bytes, b"")
        .unwrap();
    bytes.resize(64, 0);
    bytes[14 + 4 + 10] ^= 0xff;
    bytes[14 + 4 + 20 + 16] ^= 0xff;
    let mut decoder = Decoder::default();
    let segment = decoder.segment(&frame(1, &bytes)).unwrap();
    assert_eq!(segment.flags, Flags::FIN);
    assert!(segment.payload.is_empty());
}

#[test]
fn a_snapped_packet_says_how_much_is_missing() {
    let bytes = datagram();
    let mut snapped = frame(101, &bytes[..52 + 4]);
    snapped.wire_length = bytes.len() as u64;
    let mut decoder = Decoder::default();
    let segment = decoder.segment(&snapped).unwrap();
    assert_eq!((segment.payload, segment.missing), (&PAYLOAD[..4], 22));
    // Cut inside the TCP options, the fixed part of the header is still read.
    snapped.bytes = &bytes[..44];
    let segment = decoder.segment(&snapped).unwrap();
    assert_eq!(
        (segment.seq, segment.payload, segment.missing),
        (7, &[][..], 26)
    );
    // Cut inside the fixed part, it is not.
    snapped.bytes = &bytes[..39];
    assert_eq!(decoder.segment(&snapped), None);
    assert_eq!(kinds(decoder), [NoteKind::Undecodable]);
}

#[test]
fn a_length_of_zero_left_by_segmentation_offload_means_the_whole_frame() {
    let mut bytes = datagram();
    bytes[2] = 0;
    bytes[3] = 0;
    assert_eq!(
        Decoder::default().segment(&frame(101, &bytes)),
        Some(expected())
    );
    let mut snapped = frame(101, &bytes[..bytes.len() - 6]);
    snapped.wire_length = bytes.len() as u64;
    assert_eq!(Decoder::default().segment(&snapped).unwrap().missing, 6);
}

#[test]
fn a_tcp_header_quoted_in_an_icmp_error_does_not_count() {
    let mut bytes = Vec::new();
    PacketBuilder::ipv4([192, 0, 2, 2], [192, 0, 2, 1], 64)
        .icmpv4_raw(3, 4, [0; 4])
        .write(&mut bytes, &datagram())
        .unwrap();
    let mut decoder = Decoder::default();
    assert_eq!(decoder.segment(&frame(101, &bytes)), None);
    assert!(kinds(decoder).is_empty());
}

#[test]
fn an_unknown_link_type_is_noted_once_for_an_interface() {
    let mut decoder = Decoder::default();
    for interface in [0, 0, 1] {
        let mut unknown = frame(9_999, b"abc");
        unknown.interface = interface;
        assert_eq!(decoder.segment(&unknown), None);
    }
    assert_eq!(kinds(decoder), [NoteKind::UnknownLinkType; 2]);
}

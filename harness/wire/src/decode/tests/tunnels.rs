//! IP in other things that go by IP.

use super::*;

/// An IPv4 datagram that carries `payload` by `protocol`.
fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let total = u16::try_from(20 + payload.len()).unwrap().to_be_bytes();
    let mut bytes = vec![0x45, 0, total[0], total[1], 0, 9, 0, 0, 64, protocol, 0, 0];
    bytes.extend([198, 51, 100, 1, 198, 51, 100, 2]);
    bytes.extend(payload);
    bytes
}

/// An IPv6 datagram that carries `payload` by `protocol`.
fn ipv6(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = vec![0x60, 0, 0, 0, length[0], length[1], protocol, 64];
    bytes.extend([0x30; 32]);
    bytes.extend(payload);
    bytes
}

/// UDP from any port to `port`.
fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(8 + payload.len()).unwrap().to_be_bytes();
    let port = port.to_be_bytes();
    let mut bytes = vec![0xc3, 0x50, port[0], port[1], length[0], length[1], 0, 0];
    bytes.extend(payload);
    bytes
}

/// The datagram in Ethernet, with the padding that a mirror may copy along.
fn bridged() -> Vec<u8> {
    let mut bytes = ethernet(EtherType::IPV4, &datagram());
    bytes.extend([0xee; 5]);
    bytes
}

#[rstest]
#[case::ip_in_ip(4, &[])]
#[case::gre(47, &[0, 0, 8, 0])]
#[case::gre_checksum(47, &[0x80, 0, 8, 0, 1, 2, 0, 0])]
#[case::gre_key(47, &[0x20, 0, 8, 0, 0, 0, 0, 1])]
#[case::gre_sequence(47, &[0x10, 0, 8, 0, 0, 0, 0, 1])]
#[case::gre_all(47, &[0xb0, 0, 8, 0, 1, 2, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2])]
#[case::gre_mpls(47, &[0, 0, 0x88, 0x47, 0, 1, 1, 64])]
#[case::gre_ppp(47, &[0x30, 0x01, 0x88, 0x0b, 0, 82, 0, 1, 0, 0, 0, 1, 0xff, 3, 0, 0x21])]
#[case::gre_ppp_acknowledging(47, &[0x30, 0x81, 0x88, 0x0b, 0, 80, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0x21])]
#[case::erspan_3_ip(47, &[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0x08, 0])]
#[case::mpls(137, &[0, 1, 1, 64])]
fn opens_tunnels_of_ip(#[case] protocol: u8, #[case] head: &[u8]) {
    let inner = before(head, &datagram());
    reads(101, &ipv4(protocol, &inner));
    reads(101, &ipv6(protocol, &inner));
    reads(1, &ethernet(EtherType::IPV4, &ipv4(protocol, &inner)));
}

#[rstest]
#[case::bridging(47, &[0, 0, 0x65, 0x58])]
#[case::bridging_key(47, &[0x20, 0, 0x65, 0x58, 0, 0, 0, 1])]
#[case::erspan_1(47, &[0, 0, 0x88, 0xbe])]
#[case::erspan_2(47, &[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 1, 0, 1, 0, 0, 0, 0])]
#[case::erspan_3(47, &[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0])]
#[case::erspan_3_more(47, &[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 9, 9, 9, 9, 9, 9, 9, 9])]
#[case::ether_ip(97, &[0x30, 0])]
#[case::segment_routing(143, &[])]
fn opens_tunnels_of_ethernet(#[case] protocol: u8, #[case] head: &[u8]) {
    let inner = before(head, &bridged());
    reads(101, &ipv4(protocol, &inner));
    reads(101, &ipv6(protocol, &inner));
}

#[rstest]
#[case::vxlan(4_789, &[8, 0, 0, 0, 0, 0, 1, 0])]
#[case::vxlan_linux(8_472, &[8, 0, 0, 0, 0, 0, 1, 0])]
#[case::vxlan_group_policy(4_789, &[0x88, 0, 0, 7, 0, 0, 1, 0])]
#[case::vxlan_generic(4_790, &[0x0c, 0, 0, 3, 0, 0, 1, 0])]
#[case::vxlan_generic_without_protocol(4_790, &[8, 0, 0, 0, 0, 0, 1, 0])]
#[case::geneve(6_081, &[0, 0, 0x65, 0x58, 0, 0, 1, 0])]
#[case::geneve_options(6_081, &[2, 0, 0x65, 0x58, 0, 0, 1, 0, 1, 2, 3, 1, 9, 9, 9, 9])]
fn opens_tunnels_of_udp(#[case] port: u16, #[case] head: &[u8]) {
    let inner = udp(port, &before(head, &bridged()));
    reads(101, &ipv4(17, &inner));
    reads(101, &ipv6(17, &inner));
}

#[rstest]
#[case::geneve(6_081, &[0, 0, 8, 0, 0, 0, 1, 0])]
#[case::vxlan_generic(4_790, &[0x0c, 0, 0, 1, 0, 0, 1, 0])]
#[case::vxlan_generic_mpls(4_790, &[0x0c, 0, 0, 5, 0, 0, 1, 0, 0, 1, 1, 64])]
fn tunnels_of_udp_hold_ip_too(#[case] port: u16, #[case] head: &[u8]) {
    reads(101, &ipv4(17, &udp(port, &before(head, &datagram()))));
}

#[test]
fn six_in_four_and_six_in_six() {
    let mut inner = Vec::new();
    PacketBuilder::ipv6([0x20; 16], [0x21; 16], 64)
        .tcp(4_000, 25, 7, 1_000)
        .write(&mut inner, PAYLOAD)
        .unwrap();
    for bytes in [ipv4(41, &inner), ipv6(41, &inner)] {
        let mut decoder = Decoder::default();
        let segment = decoder.segment(&frame(101, &bytes)).unwrap();
        assert_eq!(segment.src, SocketAddr::from(([0x20; 16], 4_000)));
        assert_eq!(segment.payload, PAYLOAD);
    }
}

#[test]
fn tunnels_nest() {
    let vxlan = before(&[8, 0, 0, 0, 0, 0, 1, 0], &bridged());
    let mirrored = ethernet(
        EtherType::VLAN_TAGGED_FRAME,
        &before(&[0, 5, 8, 0], &ipv4(17, &udp(4_789, &vxlan))),
    );
    let erspan = [0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 1, 0, 1, 0, 0, 0, 0];
    reads(101, &ipv4(47, &before(&erspan, &mirrored)));
}

#[test]
fn nesting_has_a_bound() {
    let nested = |levels: usize| (1..levels).fold(datagram(), |inner, _| ipv4(4, &inner));
    reads(101, &nested(8));
    passes_over(101, &nested(9), &[NoteKind::Limit]);
}

#[rstest]
#[case::another_port(&udp(4_791, &before(&[8, 0, 0, 0, 0, 0, 1, 0], &bridged())))]
#[case::service_header(&udp(4_790, &before(&[0x0c, 0, 0, 4, 0, 0, 1, 0], &bridged())))]
#[case::no_vxlan(&udp(4_789, &before(&[0; 8], &bridged())))]
#[case::another_geneve(&udp(6_081, &before(&[0x40, 0, 0x65, 0x58, 0, 0, 1, 0], &bridged())))]
#[case::cut(&[0xc3, 0x50, 0x12, 0xb5])]
#[case::impossible_length(&[0xc3, 0x50, 0x12, 0xb5, 0, 7, 0, 0, 8, 0, 0, 0, 0, 0, 1, 0])]
fn passes_over_other_udp_in_silence(#[case] udp: &[u8]) {
    passes_over(101, &ipv4(17, udp), &[]);
}

#[rstest]
#[case::other_payload(47, &[0, 0, 0x88, 0xcc], &[])]
#[case::other_version(47, &[0, 2, 8, 0], &[])]
#[case::acknowledgment_only(47, &[0x20, 0x81, 0x88, 0x0b, 0, 0, 0, 1, 0, 0, 0, 1], &[NoteKind::Undecodable])]
#[case::source_routing(47, &[0x40, 0, 8, 0], &[NoteKind::Wrapped])]
#[case::esp(50, &[], &[NoteKind::Wrapped])]
#[case::l2tp(115, &[], &[NoteKind::Wrapped])]
#[case::ospf(89, &[], &[])]
#[case::hop_by_hop_in_ipv4(0, &[6, 0, 1, 4, 0, 0, 0, 0], &[])]
fn says_what_it_does_not_open(
    #[case] protocol: u8,
    #[case] head: &[u8],
    #[case] remarks: &[NoteKind],
) {
    passes_over(101, &ipv4(protocol, &before(head, &datagram())), remarks);
}

#[test]
fn a_truncated_mirror_copy_says_how_much_is_missing() {
    let mut copy = bridged();
    copy.truncate(14 + 52 + 10);
    let erspan = [0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 1, 4, 1, 0, 0, 0, 0];
    let bytes = ipv4(47, &before(&erspan, &copy));
    let mut decoder = Decoder::default();
    let segment = decoder.segment(&frame(101, &bytes)).unwrap();
    assert_eq!((segment.payload, segment.missing), (&PAYLOAD[..10], 16));
}

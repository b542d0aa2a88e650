//! Tags, PPP, MPLS, and IP with what may stand between it and TCP.

use super::*;

/// An IPv6 datagram whose extension headers are `extensions`, of which `first` is the kind of the first; the last must say
/// that TCP follows.
fn ipv6(first: u8, extensions: &[u8]) -> Vec<u8> {
    let tcp = &datagram()[20..];
    let mut bytes = vec![0x60, 0, 0, 0];
    bytes.extend(
        u16::try_from(extensions.len() + tcp.len())
            .unwrap()
            .to_be_bytes(),
    );
    bytes.extend([first, 64]);
    bytes.extend([0x20; 16]);
    bytes.extend([0x21; 16]);
    bytes.extend(extensions);
    bytes.extend(tcp);
    bytes
}

const MACS: [u8; 12] = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];

/// An Ethernet frame: `after_addresses` begins with its ether type.
fn framed(after_addresses: &[u8]) -> Vec<u8> {
    [&MACS, after_addresses, &datagram()].concat()
}

#[rstest]
#[case::old_qinq(&[0x91, 0, 0, 5, 0x81, 0, 0, 6, 8, 0])]
#[case::three_tags(&[0x92, 0, 0, 5, 0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 8, 0])]
#[case::snap(&[0, 86, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0])]
#[case::snap_in_vlan(&[0x81, 0, 0, 5, 0, 86, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0])]
#[case::authenticated_only(&[0x88, 0xe5, 0, 0, 0, 0, 0, 1, 8, 0])]
#[case::authenticated_channel(&[0x88, 0xe5, 0x20, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 1, 0, 1, 8, 0])]
#[case::pppoe(&[0x88, 0x64, 0x11, 0, 0, 7, 0, 80, 0, 0x21])]
#[case::pppoe_in_two_tags(&[0x81, 0, 0, 5, 0x81, 0, 0, 6, 0x88, 0x64, 0x11, 0, 0, 7, 0, 80, 0, 0x21])]
#[case::mpls(&[0x88, 0x47, 0, 1, 1, 64])]
#[case::mpls_stack(&[0x88, 0x47, 0, 1, 0, 64, 0, 2, 0, 64, 0, 3, 1, 64])]
#[case::mpls_explicit_null(&[0x88, 0x48, 0, 0, 1, 64])]
#[case::control_word(&[0x88, 0x47, 0, 1, 1, 64, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0])]
#[case::pseudowire(&[0x88, 0x47, 0, 1, 1, 64, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0])]
#[case::mac_like_ipv4(&[0x88, 0x47, 0, 1, 1, 64, 0x40, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0])]
#[case::mac_like_ipv6(&[0x88, 0x47, 0, 1, 1, 64, 0x60, 0, 0, 0, 0xff, 1, 2, 0, 0, 0, 0, 2, 8, 0])]
fn opens_what_ethernet_wraps(#[case] head: &[u8]) {
    let mut bytes = framed(head);
    reads(1, &bytes);
    // What trails is padding, or a frame check sequence.
    bytes.extend([0xee; 9]);
    let mut decoder = Decoder::default();
    assert_eq!(decoder.segment(&frame(1, &bytes)), Some(expected()));
}

#[rstest]
#[case::framed(9, &[0xff, 3, 0, 0x21])]
#[case::bare(9, &[0, 0x21])]
#[case::compressed(9, &[0x21])]
#[case::hdlc(50, &[0xff, 3, 0, 0x21])]
#[case::cisco_in_ppp(50, &[0x0f, 0, 8, 0])]
#[case::cisco(104, &[0x8f, 0, 8, 0])]
#[case::mpls(9, &[0xff, 3, 2, 0x81, 0, 1, 1, 64])]
#[case::pppoe(51, &[0x11, 0, 0, 7, 0, 80, 0, 0x21])]
#[case::cooked_snap(113, &[0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0, 4, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0])]
#[case::cooked2_qinq(276, &[0x88, 0xa8, 0, 0, 0, 0, 0, 1, 0, 1, 4, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0, 5, 0x81, 0, 0, 6, 8, 0])]
fn opens_ppp_and_the_like(#[case] link_type: u16, #[case] head: &[u8]) {
    reads(link_type, &before(head, &datagram()));
}

const OPTIONS: [u8; 6] = [1, 4, 0, 0, 0, 0];

#[rstest]
#[case::none(6, &[])]
#[case::hop_by_hop(0, &[&[6, 0][..], &OPTIONS].concat())]
#[case::destination(60, &[&[6, 1][..], &OPTIONS, &[0; 8]].concat())]
#[case::mobility(135, &[&[6, 0][..], &OPTIONS].concat())]
#[case::arrived(43, &[&[6, 2, 0, 0, 0, 0, 0, 0][..], &[9; 16]].concat())]
#[case::authenticated(51, &[6, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9])]
#[case::only_fragment(44, &[6, 0, 0, 0, 0, 0, 0, 1])]
#[case::many(0, &[&[60, 0][..], &OPTIONS, &[44, 0], &OPTIONS, &[60, 0, 0, 0, 0, 0, 0, 1, 6, 0], &OPTIONS].concat())]
fn walks_through_ipv6_extensions(#[case] first: u8, #[case] extensions: &[u8]) {
    let bytes = ipv6(first, extensions);
    for padding in [0, 7] {
        let padded = before(&bytes, &[0xee; 7][..padding]);
        let mut decoder = Decoder::default();
        let segment = decoder.segment(&frame(229, &padded)).unwrap();
        assert_eq!(segment.src, SocketAddr::from(([0x20; 16], 4_000)));
        assert_eq!(segment.dst, SocketAddr::from(([0x21; 16], 25)));
        assert_eq!((segment.payload, segment.missing), (PAYLOAD, 0));
        assert_eq!(kinds(decoder), []);
    }
}

#[rstest]
#[case::source_route(0, &[[8; 16], [9; 16]].concat())]
#[case::home_address(2, &[9; 16])]
#[case::segment_routing(4, &[[9; 16], [8; 16]].concat())]
fn a_routing_header_on_its_way_names_the_receiver(#[case] kind: u8, #[case] addresses: &[u8]) {
    let length = u8::try_from(addresses.len() / 8).unwrap();
    let header = before(&[6, length, kind, 1, 0, 0, 0, 0], addresses);
    let bytes = ipv6(43, &header);
    let mut decoder = Decoder::default();
    let segment = decoder.segment(&frame(101, &bytes)).unwrap();
    assert_eq!(segment.dst, SocketAddr::from(([9; 16], 25)));
}

#[test]
fn ipv4_options_and_an_authentication_header_are_passed() {
    let datagram = datagram();
    let tcp = &datagram[20..];
    let total = u8::try_from(24 + 16 + tcp.len()).unwrap();
    let mut bytes = vec![0x46, 0, 0, total, 0, 0, 0x40, 0, 64, 51, 0, 0];
    bytes.extend([192, 0, 2, 1, 192, 0, 2, 2, 1, 1, 1, 0]);
    bytes.extend([6, 2, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 9, 9, 9, 9]);
    bytes.extend(tcp);
    reads(101, &bytes);
}

#[rstest]
#[case::arp(&[8, 6, 0, 1])]
#[case::spanning_tree(&[0, 4, 0x42, 0x42, 3, 0])]
#[case::pppoe_discovery(&[0x88, 0x63, 0x11, 9, 0, 0, 0, 0])]
#[case::pppoe_code(&[0x88, 0x64, 0x11, 9, 0, 0, 0, 2, 0, 0x21])]
#[case::link_control(&[0x88, 0x64, 0x11, 0, 0, 7, 0, 4, 0xc0, 0x21, 1, 1])]
#[case::associated_channel(&[0x88, 0x47, 0, 1, 1, 64, 0x10, 0, 0, 0x21])]
fn passes_over_other_things_in_silence(#[case] head: &[u8]) {
    passes_over(1, &framed(head), &[]);
}

#[rstest]
#[case::macsec(&[0x88, 0xe5, 0x2c, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 1, 0, 1, 8, 0])]
#[case::backbone(&[0x88, 0xe7, 0, 0, 0, 1])]
#[case::ppp_encryption(&[0x88, 0x64, 0x11, 0, 0, 7, 0, 80, 0, 0x53])]
fn says_once_that_a_wrapper_stays_closed(#[case] head: &[u8]) {
    let bytes = framed(head);
    let mut decoder = Decoder::default();
    for _ in 0..3 {
        assert_eq!(decoder.segment(&frame(1, &bytes)), None);
    }
    assert_eq!(kinds(decoder), [NoteKind::Wrapped]);
}

#[rstest]
#[case::version(0, 0x55)]
#[case::header_length(0, 0x44)]
#[case::total_length(3, 19)]
#[case::tcp_length(20 + 12, 0x40)]
#[case::tcp_length_beyond_the_datagram(3, 20 + 31)]
fn says_what_is_damaged(#[case] at: usize, #[case] value: u8) {
    let mut datagram = datagram();
    datagram[at] = value;
    passes_over(
        1,
        &ethernet(EtherType::IPV4, &datagram),
        &[NoteKind::Undecodable],
    );
}

#[rstest]
#[case::tags(&[0x81, 0, 0, 5], 2)]
#[case::labels(&[0, 1, 0, 64], 4)]
fn a_stack_is_followed_to_a_bound(#[case] level: &[u8], #[case] skip: usize) {
    let stacked = |count: usize| {
        let mut bytes = MACS.to_vec();
        if skip == 4 {
            bytes.extend([0x88, 0x47]);
        }
        bytes.extend(level.repeat(count));
        bytes.extend(if skip == 4 {
            &[0, 2, 1, 64][..]
        } else {
            &[8, 0]
        });
        bytes.extend(datagram());
        bytes
    };
    reads(1, &stacked(50));
    passes_over(1, &stacked(80), &[NoteKind::Limit]);
}

#[test]
fn both_interfaces_of_a_capture_are_read_alike() {
    let (first, second) = (framed(&[8, 0]), before(&[2, 0, 0, 0], &datagram()));
    let mut decoder = Decoder::default();
    assert_eq!(decoder.segment(&frame(1, &first)), Some(expected()));
    let mut other = frame(0, &second);
    other.interface = 1;
    assert_eq!(decoder.segment(&other), Some(expected()));
}

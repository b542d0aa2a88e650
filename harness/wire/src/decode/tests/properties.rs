//! What holds for any bytes and for any way to cut a datagram.

use proptest::prelude::*;

use super::fragments::{ipv4, ipv6, read, tcp, text};
use super::*;

/// Cuts `length` bytes in pieces, gives some twice, lets some overlap, and puts them in any order.
fn pieces(length: usize) -> impl Strategy<Value = Vec<std::ops::Range<usize>>> {
    let cuts = proptest::collection::btree_set(1..length.div_ceil(8), 1..12);
    let extra = proptest::collection::vec((0..length.div_ceil(8), 1..40_usize), 0..4);
    (cuts, extra)
        .prop_map(move |(cuts, extra)| {
            let mut ranges = Vec::new();
            let mut start = 0;
            for cut in cuts {
                ranges.push(start..cut * 8);
                start = cut * 8;
            }
            ranges.push(start..length);
            for (start, count) in extra {
                let range = start * 8..length.min((start + count) * 8);
                // All of it would be no fragment.
                if range != (0..length) {
                    ranges.push(range);
                }
            }
            ranges
        })
        .prop_shuffle()
}

proptest! {
    #[test]
    fn any_bytes_decode_without_a_panic(
        link_type in proptest::sample::select(vec![0_u16, 1, 9, 12, 50, 51, 101, 104, 108, 113, 228, 229, 276, 7]),
        head in proptest::sample::select(vec![
            &[][..],
            &[0x45],
            &[0x60],
            &[2, 0, 0, 0, 0x45, 0],
            &[0xff, 3, 0, 0x21, 0x45],
        ]),
        bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..120),
        extra in 0_u64..2_000,
    ) {
        let bytes = before(head, &bytes);
        let mut frame = frame(link_type, &bytes);
        frame.wire_length += extra;
        Decoder::default().segment(&frame);
    }

    /// Behind the IP header anything may stand, fragments too, and the decoder remembers them.
    #[test]
    fn any_ip_payloads_decode_without_a_panic(
        packets in proptest::collection::vec(
            (
                proptest::sample::select(vec![4_u8, 6, 17, 41, 43, 44, 47, 51, 60, 97, 137, 143]),
                proptest::sample::select(vec![0_u16, 0x2000, 0x2001, 0x0001, 0x1fff]),
                proptest::collection::vec(
                    proptest::sample::select(vec![0_u8, 1, 4, 8, 6, 0x11, 0x12, 0xb5, 44, 47, 0x45, 0x60, 0x88, 0x47, 0xff]),
                    0..60,
                ),
                0_u16..90,
            ),
            0..12,
        ),
        version_6 in proptest::bool::ANY,
    ) {
        let mut decoder = Decoder::default();
        for (protocol, fragment, payload, length) in packets {
            let length = length.to_be_bytes();
            let fragment = fragment.to_be_bytes();
            let mut bytes = if version_6 {
                vec![0x60, 0, 0, 0, length[0], length[1], protocol, 64]
            } else {
                vec![0x45, 0, length[0], length[1], 0, 0, fragment[0], fragment[1], 64, protocol, 0, 0]
            };
            bytes.resize(if version_6 { 40 } else { 20 }, 1);
            bytes.extend(payload);
            let mut frame = frame(101, &bytes);
            frame.wire_length += 9;
            if let Some(segment) = decoder.segment(&frame) {
                prop_assert!(segment.payload.len() <= 12 * 60);
            }
        }
        decoder.finish();
    }

    #[test]
    fn any_fragmentation_in_any_order_gives_the_same_segment(
        (length, ranges) in (40_usize..4_000).prop_flat_map(|length| {
            pieces(length + 20).prop_map(move |ranges| (length, ranges))
        }),
        version_6 in proptest::bool::ANY,
    ) {
        let payload = text(length);
        let whole = tcp(&payload);
        let packets: Vec<_> = ranges
            .into_iter()
            .map(|range| if version_6 { ipv6(1, &whole, range) } else { ipv4(1, &whole, range) })
            .collect();
        let mut decoder = Decoder::default();
        let segments = read(&mut decoder, &packets);
        prop_assert_eq!(segments.len(), 1);
        prop_assert_eq!((&segments[0].1, segments[0].2), (&payload, 0));
        prop_assert_eq!(kinds(decoder), vec![]);
    }
}

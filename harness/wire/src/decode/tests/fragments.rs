//! IP fragments: from packets that hold parts of a datagram to its segment.

use super::*;
use crate::decode::fragments::{MAX_BYTES, MAX_DATAGRAMS};

/// The TCP part of a datagram with this payload.
pub(super) fn tcp(payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    PacketBuilder::ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64)
        .tcp(4_000, 25, 7, 1_000)
        .ack(9)
        .write(&mut bytes, payload)
        .unwrap();
    bytes.split_off(20)
}

/// Bytes that tell their place.
pub(super) fn text(length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| u8::try_from(at % 251).unwrap())
        .collect()
}

/// The IPv4 packet that carries `range` of `whole`.
pub(super) fn ipv4(id: u16, whole: &[u8], range: std::ops::Range<usize>) -> Vec<u8> {
    let more = u16::from(range.end < whole.len()) << 13;
    let place = (u16::try_from(range.start / 8).unwrap() | more).to_be_bytes();
    let total = u16::try_from(20 + range.len()).unwrap().to_be_bytes();
    let id = id.to_be_bytes();
    let mut bytes = vec![
        0x45, 0, total[0], total[1], id[0], id[1], place[0], place[1], 64, 6, 0, 0,
    ];
    bytes.extend([192, 0, 2, 1, 192, 0, 2, 2]);
    bytes.extend(&whole[range]);
    bytes
}

/// The IPv6 packet that carries `range` of `whole`.
pub(super) fn ipv6(id: u16, whole: &[u8], range: std::ops::Range<usize>) -> Vec<u8> {
    let more = u16::from(range.end < whole.len());
    let place = (u16::try_from(range.start).unwrap() | more).to_be_bytes();
    let length = u16::try_from(8 + range.len()).unwrap().to_be_bytes();
    let id = id.to_be_bytes();
    let mut bytes = vec![0x60, 0, 0, 0, length[0], length[1], 44, 64];
    bytes.extend([0x20; 32]);
    bytes.extend([6, 0, place[0], place[1], 0, 0, id[0], id[1]]);
    bytes.extend(&whole[range]);
    bytes
}

/// Reads raw IP packets, a second apart; answers the number, payload and missing bytes of each segment.
pub(super) fn read(decoder: &mut Decoder, packets: &[Vec<u8>]) -> Vec<(u64, Vec<u8>, u64)> {
    let mut segments = Vec::new();
    for (number, bytes) in (1..).zip(packets) {
        let mut frame = frame(101, bytes);
        frame.packet = number;
        frame.time = Timestamp::from_nanos(number * 1_000_000_000);
        if let Some(segment) = decoder.segment(&frame) {
            assert_eq!((segment.src.port(), segment.dst.port()), (4_000, 25));
            assert_eq!((segment.seq, segment.ack, segment.packet), (7, 9, number));
            segments.push((number, segment.payload.to_vec(), segment.missing));
        }
    }
    segments
}

#[rstest]
#[case::in_order(&[0, 1, 2])]
#[case::backwards(&[2, 1, 0])]
#[case::last_in_the_middle(&[0, 2, 1])]
fn puts_a_datagram_together(#[case] order: &[usize]) {
    let payload = text(3_000);
    let whole = tcp(&payload);
    let ranges = [0..1_480, 1_480..2_960, 2_960..whole.len()];
    for packet in [ipv4, ipv6] {
        let packets: Vec<_> = order
            .iter()
            .map(|&part| {
                // Padding of a short frame is no part of it.
                let mut bytes = packet(1, &whole, ranges[part].clone());
                bytes.resize(bytes.len().max(86), 0xee);
                bytes
            })
            .collect();
        let mut decoder = Decoder::default();
        assert_eq!(read(&mut decoder, &packets), [(3, payload.clone(), 0)]);
        assert_eq!(kinds(decoder), []);
    }
}

#[test]
fn two_datagrams_do_not_mix() {
    let (one, other) = (tcp(&text(100)), tcp(&text(90)));
    let packets = [
        ipv4(1, &one, 0..64),
        ipv4(2, &other, 0..64),
        ipv4(2, &other, 64..other.len()),
        ipv4(1, &one, 64..one.len()),
    ];
    let mut decoder = Decoder::default();
    assert_eq!(
        read(&mut decoder, &packets),
        [(3, text(90), 0), (4, text(100), 0)]
    );
    assert_eq!(kinds(decoder), []);
}

#[rstest]
#[case::each_twice(&[0, 0, 1, 1])]
#[case::all_again(&[0, 1, 0, 1])]
#[case::again_in_another_order(&[0, 1, 1, 0])]
fn a_second_copy_does_no_harm(#[case] order: &[usize]) {
    let whole = tcp(&text(100));
    let ranges = [0..64, 64..whole.len()];
    let packets: Vec<_> = order
        .iter()
        .map(|&part| ipv4(1, &whole, ranges[part].clone()))
        .collect();
    let mut decoder = Decoder::default();
    let segments = read(&mut decoder, &packets);
    assert_eq!(segments.len(), 1);
    assert_eq!(segments[0].1, text(100));
    assert_eq!(kinds(decoder), []);
}

#[test]
fn an_identification_that_is_used_again_is_another_datagram() {
    let (one, other) = (tcp(&text(100)), tcp(&[b'x'; 100]));
    let packets = [
        ipv4(1, &one, 0..64),
        ipv4(1, &one, 64..one.len()),
        ipv4(1, &other, 0..64),
        ipv4(1, &other, 64..one.len()),
    ];
    let mut decoder = Decoder::default();
    assert_eq!(
        read(&mut decoder, &packets),
        [(2, text(100), 0), (4, vec![b'x'; 100], 0)]
    );
    assert_eq!(kinds(decoder), []);
}

#[test]
fn of_an_overlap_the_first_bytes_stand_and_the_dispute_is_noted() {
    let payload = text(100);
    let (whole, mut forged) = (tcp(&payload), tcp(&payload));
    forged[32..72].fill(b'!');
    let packets = [
        ipv4(1, &whole, 0..48),
        ipv4(1, &forged, 32..72),
        ipv4(1, &whole, 64..whole.len()),
    ];
    let mut decoder = Decoder::default();
    let segments = read(&mut decoder, &packets);
    let mut expected = payload;
    expected[48 - 20..72 - 20].fill(b'!');
    assert_eq!(segments, [(3, expected, 0)]);
    assert_eq!(kinds(decoder), [NoteKind::ConflictingFragments; 2]);
    // The connection knows of it, too.
    let mut decoder = Decoder::default();
    let mut connections = crate::Reassembler::default();
    for bytes in &packets {
        if let Some(segment) = decoder.segment(&frame(101, bytes)) {
            assert!(segment.disputed);
            connections.push(&segment);
        }
    }
    let read = connections.finish();
    assert_eq!(read[0].notes[0].kind, NoteKind::ConflictingFragments);
}

#[test]
fn a_second_end_is_not_believed() {
    let whole = tcp(&text(100));
    let packets = [
        ipv4(1, &whole, 64..whole.len()),
        ipv4(1, &whole[..80], 64..80),
        ipv4(1, &[&whole[..], &[0; 40]].concat(), 112..136),
        ipv4(1, &whole, 0..64),
    ];
    let mut decoder = Decoder::default();
    assert_eq!(read(&mut decoder, &packets), [(4, text(100), 0)]);
    assert_eq!(kinds(decoder), [NoteKind::ConflictingFragments; 2]);
}

#[test]
fn a_datagram_that_never_is_whole_is_noted() {
    let whole = tcp(&text(100));
    let mut decoder = Decoder::default();
    assert_eq!(read(&mut decoder, &[ipv4(1, &whole, 0..64)]), []);
    let notes = decoder.finish();
    assert_eq!(notes.len(), 1);
    assert_eq!(
        (notes[0].kind, notes[0].packet),
        (NoteKind::Fragment, Some(1))
    );
    assert!(notes[0].detail.contains("its stream has a hole"));
}

#[test]
fn waiting_ends_after_thirty_seconds() {
    let whole = tcp(&text(100));
    let late = |gap: usize| {
        let mut packets = vec![ipv4(1, &whole, 0..64)];
        // Packets that only let time go by.
        packets.extend(vec![datagram_of_another_kind(); gap]);
        packets.push(ipv4(1, &whole, 64..whole.len()));
        let mut decoder = Decoder::default();
        (read(&mut decoder, &packets).len(), kinds(decoder))
    };
    assert_eq!(late(28), (1, vec![]));
    // The first part is given up when its time is over, the second when the capture ends.
    assert_eq!(late(29), (0, vec![NoteKind::Fragment; 2]));
}

#[test]
fn waiting_ends_where_the_clock_goes_back() {
    let whole = tcp(&text(100));
    let mut decoder = Decoder::default();
    for (seconds, id, range) in [
        (1_000, 1, 0..64),
        (10, 2, 0..64),
        (41, 2, 64..whole.len()),
        (1_001, 1, 64..whole.len()),
    ] {
        let bytes = ipv4(id, &whole, range);
        let mut frame = frame(101, &bytes);
        frame.time = Timestamp::from_nanos(seconds * 1_000_000_000);
        assert_eq!(decoder.segment(&frame).is_some(), seconds == 1_001);
    }
    assert_eq!(kinds(decoder), [NoteKind::Fragment; 2]);
}

/// Nobody can take a datagram away from this reader by a second first fragment.
#[test]
fn of_two_first_fragments_the_first_stands() {
    let whole = tcp(&text(100));
    let mut forged = ipv6(1, &whole, 0..64);
    forged[40] = 58;
    let packets = [
        ipv6(1, &whole, 0..64),
        forged,
        ipv6(1, &whole, 64..whole.len()),
    ];
    let mut decoder = Decoder::default();
    assert_eq!(read(&mut decoder, &packets), [(3, text(100), 0)]);
    assert_eq!(kinds(decoder), [NoteKind::ConflictingFragments]);
}

fn datagram_of_another_kind() -> Vec<u8> {
    let mut bytes = datagram();
    bytes[9] = 89;
    bytes
}

#[test]
fn a_snapped_fragment_says_how_much_is_missing() {
    let payload = text(100);
    let whole = tcp(&payload);
    let mut first = ipv4(1, &whole, 0..64);
    first.truncate(20 + 40);
    let packets = [first, ipv4(1, &whole, 64..whole.len())];
    let mut decoder = Decoder::default();
    assert_eq!(
        read(&mut decoder, &packets),
        [(2, payload[..20].to_vec(), 80)]
    );
}

#[rstest]
#[case::of_no_length(0..0)]
#[case::not_in_eights(0..63)]
fn a_fragment_that_no_receiver_can_use_is_noted(#[case] range: std::ops::Range<usize>) {
    let whole = tcp(&text(100));
    passes_over(
        101,
        &ipv4(1, &whole, range.clone()),
        &[NoteKind::Undecodable],
    );
    passes_over(101, &ipv6(1, &whole, range), &[NoteKind::Undecodable]);
}

#[test]
fn no_datagram_is_longer_than_the_longest() {
    let mut bytes = ipv4(1, &tcp(&text(100)), 64..120);
    bytes[6..8].copy_from_slice(&[0x1f, 0xff]);
    passes_over(101, &bytes, &[NoteKind::Undecodable]);
}

#[test]
fn fragments_of_other_protocols_leave_no_trace() {
    for (protocol, port) in [(1, 0), (89, 0), (17, 53)] {
        let mut decoder = Decoder::default();
        for range in [0..64, 64..100] {
            let mut whole = vec![0; 100];
            whole[3] = port;
            let mut bytes = ipv4(1, &whole, range);
            bytes[9] = protocol;
            assert_eq!(decoder.segment(&frame(101, &bytes)), None);
        }
        assert_eq!(kinds(decoder), []);
    }
}

#[test]
fn a_tunnel_in_fragments_may_hold_fragments() {
    let payload = text(2_000);
    let whole = tcp(&payload);
    let mut packets = Vec::new();
    for (id, range) in [(1, 0..1_480), (2, 1_480..whole.len())] {
        let inner = ethernet(EtherType::IPV4, &ipv4(9, &whole, range));
        let mut outer = vec![0xc3, 0x50, 0x12, 0xb5, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 1, 0];
        outer.extend(inner);
        for range in [0..400, 400..outer.len()] {
            let mut packet = ipv4(id, &outer, range);
            packet[9] = 17;
            packet[15] = 77;
            packets.push(packet);
        }
    }
    let mut decoder = Decoder::default();
    assert_eq!(read(&mut decoder, &packets), [(4, payload, 0)]);
    assert_eq!(kinds(decoder), []);
}

#[rstest]
#[case::deepest(4, true, &[])]
// The datagram that was not looked into stays open.
#[case::too_deep(5, false, &[NoteKind::Limit, NoteKind::Fragment])]
fn fragments_in_fragments_have_a_bound(
    #[case] levels: u16,
    #[case] is_read: bool,
    #[case] remarks: &[NoteKind],
) {
    // Each datagram is the last fragment of the next, whose first comes in a packet of its own.
    let mut inner = tcp(PAYLOAD);
    let mut packets = Vec::new();
    for id in 1..=levels {
        let next = if id == 1 { 6 } else { 44 };
        let whole = before(&[next, 0, 1, 4, 0, 0, 0, 0], &inner);
        let mut first = ipv6(id, &whole, 0..8);
        first[40] = 60;
        packets.push(first);
        inner = ipv6(id, &whole, 8..whole.len()).split_off(40);
    }
    let mut last = ipv6(9, &[0; 16], 0..8);
    last.truncate(40);
    last[4..6].copy_from_slice(&u16::try_from(inner.len()).unwrap().to_be_bytes());
    last.extend(inner);
    packets.push(last);
    let mut decoder = Decoder::default();
    assert_eq!(read(&mut decoder, &packets).len(), usize::from(is_read));
    assert_eq!(kinds(decoder), remarks);
}

#[test]
fn the_number_of_open_datagrams_has_a_bound() {
    let whole = tcp(&text(100));
    let mut decoder = Decoder::default();
    let last = u16::try_from(MAX_DATAGRAMS).unwrap() + 9;
    for id in 0..=last {
        let bytes = ipv4(id, &whole, 0..64);
        assert_eq!(decoder.segment(&frame(101, &bytes)), None);
    }
    // The oldest made room, the youngest can still be finished.
    for (id, whole_now) in [(0, false), (last, true)] {
        let bytes = ipv4(id, &whole, 64..whole.len());
        assert_eq!(decoder.segment(&frame(101, &bytes)).is_some(), whole_now);
    }
    assert!(kinds(decoder).contains(&NoteKind::Limit));
}

#[test]
fn the_memory_of_open_datagrams_has_a_bound() {
    let whole = text(65_000);
    let mut decoder = Decoder::default();
    for id in 0..u16::try_from(MAX_BYTES / 60_000).unwrap() + 20 {
        let bytes = ipv4(id, &whole, 0..64_000);
        assert_eq!(decoder.segment(&frame(101, &bytes)), None);
        assert!(decoder.fragments.cost() <= MAX_BYTES);
    }
    assert!(kinds(decoder).contains(&NoteKind::Limit));
}

#[test]
fn what_is_settled_makes_room_first() {
    let whole = tcp(&text(100));
    let mut decoder = Decoder::default();
    let open = ipv4(0, &whole, 0..64);
    assert_eq!(decoder.segment(&frame(101, &open)), None);
    for id in 1..=u16::try_from(MAX_DATAGRAMS).unwrap() * 2 {
        for (range, done) in [(0..64, false), (64..whole.len(), true)] {
            let bytes = ipv4(id, &whole, range);
            assert_eq!(decoder.segment(&frame(101, &bytes)).is_some(), done);
        }
    }
    let bytes = ipv4(0, &whole, 64..whole.len());
    assert!(decoder.segment(&frame(101, &bytes)).is_some());
    assert_eq!(kinds(decoder), []);
}

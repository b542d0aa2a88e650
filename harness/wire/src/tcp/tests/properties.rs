//! What holds for any segments.

use proptest::prelude::*;

use super::*;

/// Offsets of each direction follow on each other, and no event is empty.
fn check_contiguous(read: &Conversation) {
    let mut next = [0_u64; 2];
    for event in &read.events {
        let (direction, offset, length) = match event {
            StreamEvent::Data {
                direction,
                offset,
                bytes,
                ..
            } => (direction, offset, bytes.len() as u64),
            StreamEvent::Gap {
                direction,
                offset,
                length,
                ..
            } => (direction, offset, *length),
            _ => continue,
        };
        let next = &mut next[usize::from(*direction == Direction::Server)];
        assert_eq!(offset, next);
        assert!(length > 0);
        *next += length;
    }
}

proptest! {
    #[test]
    fn any_order_and_any_copies_give_the_same_bytes(
        first in any::<u32>(),
        text in proptest::collection::vec(any::<u8>(), 1..400),
        cuts in proptest::collection::vec((any::<prop::sample::Index>(), 1_usize..60), 1..40),
    ) {
        let mut wire = Wire::default();
        wire.c(SYN, first, 0, b"");
        let mut seen = vec![false; text.len()];
        for (start, length) in &cuts {
            let start = start.index(text.len());
            let end = (start + length).min(text.len());
            seen[start..end].fill(true);
            let seq = first.wrapping_add(1).wrapping_add(u32::try_from(start).unwrap());
            wire.c(PLAIN, seq, 0, &text[start..end]);
        }
        let read = wire.one();
        check_contiguous(&read);
        prop_assert!(read.notes.is_empty());
        let mut told = vec![false; text.len()];
        for event in &read.events {
            if let StreamEvent::Data { offset, bytes, .. } = event {
                let start = usize::try_from(*offset).unwrap();
                prop_assert_eq!(&text[start..start + bytes.len()], &bytes[..]);
                told[start..start + bytes.len()].fill(true);
            }
        }
        prop_assert_eq!(told, seen);
    }

    #[test]
    fn any_segments_keep_the_contract(
        segments in proptest::collection::vec(
            (any::<bool>(), 0_u8..32, 0_u32..60, 0_u32..60, 0_usize..20, 0_u64..8),
            0..60,
        ),
        base in prop::sample::select(vec![0_u32, 70_000, u32::MAX - 20, 1 << 31]),
    ) {
        let mut wire = Wire::default();
        for (from_client, flags, seq, ack, length, missing) in segments {
            let from = if from_client { Direction::Client } else { Direction::Server };
            let flags = [(1, Flags::FIN), (2, Flags::SYN), (4, Flags::RST), (24, Flags::ACK)]
                .into_iter()
                .fold(PLAIN, |all, (bit, flag)| all.with(flag.when(flags & bit == bit)));
            let payload = vec![b'a'; length];
            wire.push_snapped(from, flags, base.wrapping_add(seq), base.wrapping_add(ack), &payload, missing);
        }
        let packets = wire.packet;
        let strays = wire.reassembler.strays();
        let all = wire.all();
        prop_assert_eq!(all.iter().map(|read| read.packets).sum::<u64>() + strays, packets);
        for read in &all {
            check_contiguous(read);
        }
    }
}

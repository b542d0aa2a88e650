//! What was tapped is what is read back, and what is damaged is neither invented nor a reason to panic.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::net::SocketAddr;

use proptest::prelude::*;
use smtpspec_wire::{
    Capture, CaptureWriter, Closing, Direction, Frames, Header, Provenance, StreamEvent,
    TappedConversation, Timestamp,
};

/// What one side said in one go.
type Chunk = (bool, Vec<u8>);

fn direction(client: bool) -> Direction {
    if client {
        Direction::Client
    } else {
        Direction::Server
    }
}

fn chunks() -> impl Strategy<Value = Vec<Chunk>> {
    let size = prop_oneof![4 => 1_usize..40, 1 => 1_400_usize..5_000];
    let bytes = size.prop_flat_map(|size| proptest::collection::vec(any::<u8>(), size));
    proptest::collection::vec((any::<bool>(), bytes), 1..12)
}

fn sockets(ipv6: bool) -> (SocketAddr, SocketAddr) {
    if ipv6 {
        (
            SocketAddr::from(([0x20; 16], 50_000)),
            SocketAddr::from(([0x21; 16], 25)),
        )
    } else {
        (
            SocketAddr::from(([192, 0, 2, 7], 50_000)),
            SocketAddr::from(([192, 0, 2, 8], 25)),
        )
    }
}

fn writer() -> CaptureWriter<Vec<u8>> {
    let header = Header {
        application: "round trip".to_owned(),
        comment: String::new(),
        interface: "tap".to_owned(),
    };
    CaptureWriter::new(Vec::new(), &header).unwrap()
}

fn at(step: usize) -> Timestamp {
    Timestamp::from_nanos(step as u64 * 1_000_000)
}

fn tapped(chunks: &[Chunk], ipv6: bool, index: u64) -> Vec<u8> {
    let (client, server) = sockets(ipv6);
    let mut to = writer();
    let mut tap = TappedConversation::new(client, server, index);
    tap.open(at(0), &mut to).unwrap();
    for (step, (from_client, bytes)) in chunks.iter().enumerate() {
        tap.data(direction(*from_client), at(step), bytes, &mut to)
            .unwrap();
    }
    tap.fin(Direction::Client, at(chunks.len()), &mut to)
        .unwrap();
    tap.fin(Direction::Server, at(chunks.len()), &mut to)
        .unwrap();
    to.into_inner()
}

/// The frames of a capture, each with its time.
fn frames(file: &[u8]) -> Vec<(Timestamp, Vec<u8>)> {
    Frames::new("tap".as_ref(), file)
        .unwrap()
        .map(|frame| (frame.time, frame.bytes.to_vec()))
        .collect()
}

fn file_of<'a>(frames: impl IntoIterator<Item = &'a (Timestamp, Vec<u8>)>) -> Vec<u8> {
    let mut to = writer();
    for (time, bytes) in frames {
        to.frame(*time, bytes).unwrap();
    }
    to.into_inner()
}

/// Payload bytes of an Ethernet frame that the tap wrote.
fn payload(frame: &[u8]) -> &[u8] {
    let packet = etherparse::SlicedPacket::from_ethernet(frame).unwrap();
    let Some(etherparse::TransportSlice::Tcp(tcp)) = packet.transport else {
        panic!("the tap writes TCP alone")
    };
    tcp.payload()
}

fn is_from_client(frame: &[u8]) -> bool {
    frame[11] == 1
}

fn stream(chunks: &[Chunk], from_client: bool) -> Vec<u8> {
    chunks
        .iter()
        .filter(|(client, _)| *client == from_client)
        .flat_map(|(_, bytes)| bytes.clone())
        .collect()
}

/// A direction as it was read back: its bytes with `None` in the holes, and which packet carried which.
fn read_back(capture: &Capture, from: Direction) -> (Vec<Option<u8>>, Provenance) {
    let mut bytes = Vec::new();
    let mut provenance = Provenance::default();
    for conversation in &capture.conversations {
        for event in &conversation.events {
            match event {
                StreamEvent::Data {
                    direction,
                    offset,
                    packet,
                    bytes: data,
                    ..
                } if *direction == from => {
                    assert_eq!(*offset, bytes.len() as u64, "offsets are contiguous");
                    provenance.push(*offset..*offset + data.len() as u64, *packet);
                    bytes.extend(data.iter().copied().map(Some));
                }
                StreamEvent::Gap {
                    direction,
                    offset,
                    length,
                    ..
                } if *direction == from => {
                    assert_eq!(*offset, bytes.len() as u64, "offsets are contiguous");
                    bytes.resize(bytes.len() + usize::try_from(*length).unwrap(), None);
                }
                _ => {}
            }
        }
    }
    (bytes, provenance)
}

fn whole(bytes: &[u8]) -> Vec<Option<u8>> {
    bytes.iter().copied().map(Some).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_was_tapped_is_read_back(chunks in chunks(), ipv6 in any::<bool>(), index in any::<u64>()) {
        let file = tapped(&chunks, ipv6, index);
        let frames = frames(&file);
        let capture = Capture::from_bytes("tap", &file).unwrap();
        prop_assert_eq!(capture.packets, frames.len() as u64);
        prop_assert!(capture.notes.is_empty() && capture.truncated.is_none());
        prop_assert_eq!(capture.conversations.len(), 1);
        let conversation = &capture.conversations[0];
        prop_assert!(conversation.notes.is_empty());
        prop_assert_eq!(conversation.closing, Closing::Orderly);
        prop_assert_eq!((conversation.client, conversation.server), sockets(ipv6));
        for from_client in [true, false] {
            let (bytes, provenance) = read_back(&capture, direction(from_client));
            prop_assert_eq!(bytes, whole(&stream(&chunks, from_client)));
            // Each frame is named for the bytes that it carried, and for no others.
            let mut offset = 0;
            for (number, (_, frame)) in (1_u64..).zip(&frames) {
                let length = payload(frame).len() as u64;
                if is_from_client(frame) == from_client && length > 0 {
                    prop_assert_eq!(provenance.packets(offset..offset + length), vec![number]);
                    offset += length;
                }
            }
        }
        // Data of the two directions is told in the order in which it was said.
        let said: Vec<Direction> = chunks.iter().map(|(client, _)| direction(*client)).collect();
        let mut told: Vec<Direction> = conversation.events.iter().filter_map(|event| match event {
            StreamEvent::Data { direction, .. } => Some(*direction),
            _ => None,
        }).collect();
        told.dedup();
        let mut said = said;
        said.dedup();
        prop_assert_eq!(told, said);
    }

    #[test]
    fn swapped_neighbours_and_copies_change_no_byte(
        chunks in chunks(),
        changes in proptest::collection::vec(0_u8..4, 1..30),
    ) {
        let frames = frames(&tapped(&chunks, false, 0));
        // The handshake and the close keep their place.
        let (head, rest) = frames.split_at(3);
        let (middle, tail) = rest.split_at(rest.len() - 3);
        let mut changed = head.to_vec();
        let mut changes = changes.iter().cycle();
        let mut left = middle;
        while let [first, others @ ..] = left {
            left = others;
            match (changes.next(), others) {
                (Some(1), _) => changed.extend([first.clone(), first.clone()]),
                (Some(2), [second, ..]) => {
                    changed.extend([second.clone(), first.clone()]);
                    left = &others[1..];
                }
                _ => changed.push(first.clone()),
            }
        }
        changed.extend_from_slice(tail);
        let capture = Capture::from_bytes("tap", &file_of(&changed)).unwrap();
        prop_assert_eq!(capture.conversations.len(), 1);
        prop_assert!(capture.conversations[0].notes.is_empty());
        for from_client in [true, false] {
            let (bytes, _) = read_back(&capture, direction(from_client));
            prop_assert_eq!(bytes, whole(&stream(&chunks, from_client)));
        }
    }

    #[test]
    fn a_lost_frame_is_a_gap_of_its_length(chunks in chunks(), lost in any::<prop::sample::Index>()) {
        let mut frames = frames(&tapped(&chunks, false, 0));
        let with_data: Vec<usize> = (0..frames.len()).filter(|place| !payload(&frames[*place].1).is_empty()).collect();
        let lost = with_data[lost.index(with_data.len())];
        let from_client = is_from_client(&frames[lost].1);
        let length = payload(&frames[lost].1).len();
        let before: usize = frames[..lost]
            .iter()
            .filter(|(_, frame)| is_from_client(frame) == from_client)
            .map(|(_, frame)| payload(frame).len())
            .sum();
        frames.remove(lost);
        let capture = Capture::from_bytes("tap", &file_of(&frames)).unwrap();
        let mut expected = whole(&stream(&chunks, from_client));
        expected[before..before + length].fill(None);
        prop_assert_eq!(read_back(&capture, direction(from_client)).0, expected);
        prop_assert_eq!(read_back(&capture, direction(!from_client)).0, whole(&stream(&chunks, !from_client)));
    }

    #[test]
    fn a_cut_file_gives_its_first_packets(chunks in chunks(), end in any::<prop::sample::Index>()) {
        let file = tapped(&chunks, false, 0);
        let end = end.index(file.len());
        let Ok(capture) = Capture::from_bytes("tap", &file[..end]) else {
            prop_assert!(end < 60, "only a cut header is an error");
            return Ok(());
        };
        let all = frames(&file);
        let kept = frames(&file[..end]);
        prop_assert_eq!(capture.packets, kept.len() as u64);
        prop_assert_eq!(&all[..kept.len()], &kept[..]);
        if let Some(cut) = &capture.truncated {
            prop_assert_eq!(cut.packet, capture.packets + 1);
            prop_assert!(cut.offset < end as u64);
            prop_assert_eq!(capture.notes.len(), 1);
        }
        for from_client in [true, false] {
            let (bytes, _) = read_back(&capture, direction(from_client));
            let bytes: Vec<u8> = bytes.into_iter().map(Option::unwrap).collect();
            prop_assert!(stream(&chunks, from_client).starts_with(&bytes));
        }
    }

    #[test]
    fn a_damaged_file_does_not_panic(
        chunks in chunks(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
    ) {
        let mut file = tapped(&chunks, false, 0);
        for (place, byte) in damage {
            let place = place.index(file.len());
            file[place] = byte;
        }
        let _ = Capture::from_bytes("tap", &file);
    }

    #[test]
    fn random_bytes_do_not_panic(
        magic in prop::sample::select(vec![
            &b"\xd4\xc3\xb2\xa1\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0"[..],
            b"\xa1\xb2\x3c\x4d",
            b"\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a\x01\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\x1c\0\0\0",
            b"\x0a\x0d\x0d\x0a",
            b"",
        ]),
        bytes in proptest::collection::vec(prop_oneof![3 => 0_u8..8, 1 => any::<u8>()], 0..300),
    ) {
        let _ = Capture::from_bytes("random", &[magic, &bytes].concat());
    }
}

use std::net::SocketAddr;

use super::{CaptureWriter, Header, TappedConversation, create_private};
use crate::{Capture, Closing, Direction, Frames, Opening, StreamEvent, Timestamp};

fn header() -> Header {
    Header {
        application: "smtpspec 0.1.0".to_owned(),
        comment: "a test".to_owned(),
        interface: "tap".to_owned(),
    }
}

fn writer() -> CaptureWriter<Vec<u8>> {
    CaptureWriter::new(Vec::new(), &header()).unwrap()
}

fn addresses() -> (SocketAddr, SocketAddr) {
    (
        SocketAddr::from(([192, 0, 2, 1], 40_000)),
        SocketAddr::from(([192, 0, 2, 2], 25)),
    )
}

fn at(second: u64) -> Timestamp {
    Timestamp::from_nanos(1_700_000_000_000_000_000 + second * 1_000_000_000 + 1)
}

/// A dialogue with a large message, closed by the server first.
fn dialogue() -> CaptureWriter<Vec<u8>> {
    let (client, server) = addresses();
    let mut to = writer();
    let mut tap = TappedConversation::new(client, server, 0);
    tap.open(at(0), &mut to).unwrap();
    tap.data(Direction::Server, at(1), b"220 hello\r\n", &mut to)
        .unwrap();
    tap.data(Direction::Server, at(2), b"", &mut to).unwrap();
    tap.data(Direction::Client, at(3), &[b'x'; 4_000], &mut to)
        .unwrap();
    tap.data(Direction::Client, at(4), b"\r\n.\r\n", &mut to)
        .unwrap();
    tap.data(Direction::Server, at(5), b"250 ok\r\n", &mut to)
        .unwrap();
    tap.fin(Direction::Server, at(6), &mut to).unwrap();
    tap.fin(Direction::Client, at(7), &mut to).unwrap();
    to
}

#[test]
fn reads_back_what_was_tapped() {
    let to = dialogue();
    let frames = to.frames();
    let read = Capture::from_bytes("tap", &to.into_inner()).unwrap();
    assert_eq!(read.packets, frames);
    assert!(read.notes.is_empty() && read.truncated.is_none());
    let [conversation] = &read.conversations[..] else {
        panic!("one conversation")
    };
    assert!(conversation.notes.is_empty());
    assert_eq!((conversation.client, conversation.server), addresses());
    assert_eq!(conversation.opening, Opening::Handshake { syn: 1 });
    assert_eq!(conversation.closing, Closing::Orderly);
    assert_eq!((conversation.start, conversation.end), (at(0), at(7)));
    let texts: Vec<(Direction, u64, usize)> = conversation
        .events
        .iter()
        .filter_map(|event| match event {
            StreamEvent::Data {
                direction,
                packet,
                bytes,
                ..
            } => Some((*direction, *packet, bytes.len())),
            _ => None,
        })
        .collect();
    // 3: the handshake; 8 and 10 are acknowledgments of the large message.
    assert_eq!(
        texts,
        [
            (Direction::Server, 4, 11),
            (Direction::Client, 5, 1_460),
            (Direction::Client, 6, 1_460),
            (Direction::Client, 8, 1_080),
            (Direction::Client, 10, 5),
            (Direction::Server, 11, 8),
        ]
    );
}

#[test]
fn the_last_bytes_and_the_fin_are_one_frame() {
    let (client, server) = addresses();
    let mut to = writer();
    let mut tap = TappedConversation::new(client, server, 0);
    tap.open(at(0), &mut to).unwrap();
    tap.data(Direction::Server, at(1), b"220 hello\r\n", &mut to)
        .unwrap();
    tap.data(Direction::Client, at(2), b"QUIT\r\n", &mut to)
        .unwrap();
    tap.last(Direction::Server, at(3), b"221 bye\r\n", &mut to)
        .unwrap();
    let more = tap.data(Direction::Server, at(4), b"x", &mut to);
    more.expect_err("its FIN was sent");
    // More than a frame holds: the FIN is in the last one.
    tap.last(Direction::Client, at(5), &[b'x'; 2_000], &mut to)
        .unwrap();
    // 3: the handshake; the last acknowledges the second FIN.
    assert_eq!(to.frames(), 3 + 3 + 2 + 1);
    let read = Capture::from_bytes("tap", &to.into_inner()).unwrap();
    let conversation = &read.conversations[0];
    assert!(conversation.notes.is_empty());
    assert_eq!(conversation.closing, Closing::Orderly);
    let fins = conversation.events.iter().filter_map(|event| match event {
        StreamEvent::Fin {
            direction, packet, ..
        } => Some((*direction, *packet)),
        _ => None,
    });
    let fins: Vec<_> = fins.collect();
    assert_eq!(fins, [(Direction::Server, 6), (Direction::Client, 8)]);
}

#[test]
fn the_same_conversation_gives_the_same_file() {
    assert_eq!(dialogue().into_inner(), dialogue().into_inner());
}

#[test]
fn checksums_are_valid() {
    let file = dialogue().into_inner();
    for frame in Frames::new("x".as_ref(), &file).unwrap() {
        let packet = etherparse::SlicedPacket::from_ethernet(frame.bytes).unwrap();
        let Some(etherparse::NetSlice::Ipv4(ip)) = &packet.net else {
            panic!()
        };
        let Some(etherparse::TransportSlice::Tcp(tcp)) = &packet.transport else {
            panic!()
        };
        let header = ip.header().to_header();
        assert_eq!(header.header_checksum, header.calc_header_checksum());
        assert_eq!(
            tcp.checksum(),
            tcp.calc_checksum_ipv4(header.source, header.destination)
                .unwrap()
        );
        assert!(header.dont_fragment);
        assert_eq!(header.time_to_live, 64);
    }
}

#[test]
fn ipv6_and_several_conversations_in_one_file() {
    let mut to = writer();
    let server = SocketAddr::from((
        [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2],
        587,
    ));
    let client = |port| {
        SocketAddr::from((
            [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
            port,
        ))
    };
    let mut one = TappedConversation::new(client(40_000), server, 0);
    let mut two = TappedConversation::new(client(40_001), server, 1);
    one.open(at(0), &mut to).unwrap();
    two.open(at(1), &mut to).unwrap();
    one.data(Direction::Client, at(2), &[b'1'; 1_441], &mut to)
        .unwrap();
    two.data(Direction::Client, at(3), b"two", &mut to).unwrap();
    one.reset(Direction::Server, at(4), &mut to).unwrap();
    two.fin(Direction::Client, at(5), &mut to).unwrap();
    let read = Capture::from_bytes("tap", &to.into_inner()).unwrap();
    let closings: Vec<Closing> = read.conversations.iter().map(|read| read.closing).collect();
    assert_eq!(
        closings,
        [
            Closing::Reset(Direction::Server),
            Closing::HalfClosed(Direction::Client)
        ]
    );
    assert_eq!(read.conversations[0].server, server);
    assert!(read.conversations.iter().all(|read| read.notes.is_empty()));
    let StreamEvent::Data { bytes, .. } = &read.conversations[0].events[0] else {
        panic!()
    };
    assert_eq!(bytes.len(), 1_440);
}

#[test]
fn ipv4_in_ipv6_form_is_written_as_ipv4() {
    let mut to = writer();
    let mapped = |address: SocketAddr| match address {
        SocketAddr::V4(v4) => SocketAddr::from((v4.ip().to_ipv6_mapped(), v4.port())),
        SocketAddr::V6(_) => address,
    };
    let (client, server) = addresses();
    TappedConversation::new(mapped(client), mapped(server), 0)
        .open(at(0), &mut to)
        .unwrap();
    let read = Capture::from_bytes("tap", &to.into_inner()).unwrap();
    assert_eq!(
        (read.conversations[0].client, read.conversations[0].server),
        (client, server)
    );
}

#[test]
fn the_same_sockets_again_are_another_conversation() {
    let mut to = writer();
    let (client, server) = addresses();
    for index in 0..2 {
        let mut tap = TappedConversation::new(client, server, index);
        tap.open(at(index), &mut to).unwrap();
        tap.data(Direction::Client, at(index), b"QUIT\r\n", &mut to)
            .unwrap();
        tap.fin(Direction::Client, at(index), &mut to).unwrap();
        tap.fin(Direction::Server, at(index), &mut to).unwrap();
    }
    let read = Capture::from_bytes("tap", &to.into_inner()).unwrap();
    assert_eq!(read.conversations.len(), 2);
    assert!(
        read.conversations
            .iter()
            .all(|read| read.closing == Closing::Orderly)
    );
}

#[test]
fn calls_out_of_order_are_refused() {
    let mut to = writer();
    let (client, server) = addresses();
    let mut tap = TappedConversation::new(client, server, 0);
    tap.data(Direction::Client, at(0), b"x", &mut to)
        .unwrap_err();
    tap.reset(Direction::Client, at(0), &mut to).unwrap_err();
    tap.open(at(0), &mut to).unwrap();
    tap.open(at(0), &mut to).unwrap_err();
    tap.fin(Direction::Client, at(0), &mut to).unwrap();
    tap.data(Direction::Client, at(0), b"x", &mut to)
        .unwrap_err();
    tap.reset(Direction::Server, at(0), &mut to).unwrap();
    tap.data(Direction::Server, at(0), b"x", &mut to)
        .unwrap_err();
    assert_eq!(to.frames(), 5);
}

#[test]
fn secrets_are_a_decryption_secrets_block() {
    let mut to = writer();
    let before = writer().into_inner().len();
    to.secrets("CLIENT_RANDOM 00 11\n").unwrap();
    let file = to.into_inner();
    assert_eq!(
        &file[before..],
        b"\x0a\0\0\0\x28\0\0\0KSLT\x14\0\0\0CLIENT_RANDOM 00 11\n\x28\0\0\0"
    );
    let read = Capture::from_bytes("tap", &file).unwrap();
    assert_eq!(read.packets, 0);
    assert!(read.notes.is_empty());
}

#[test]
fn each_call_leaves_a_whole_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tap.pcapng");
    let mut to = CaptureWriter::new(create_private(&path).unwrap(), &header()).unwrap();
    assert_eq!(Capture::read(&path).unwrap().packets, 0);
    to.frame(at(0), &[0; 60]).unwrap();
    let read = Capture::read(&path).unwrap();
    assert_eq!(read.packets, 1);
    assert!(read.truncated.is_none());
}

#[test]
fn what_is_held_is_written_in_whole_blocks() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tap.pcapng");
    let mut to = CaptureWriter::new(create_private(&path).unwrap(), &header()).unwrap();
    to.hold(200);
    let mut seen = Vec::new();
    for second in 0..4 {
        to.frame(at(second), &[0; 60]).unwrap();
        let read = Capture::read(&path).unwrap();
        assert!(read.truncated.is_none());
        seen.push(read.packets);
    }
    // A block of such a frame has 92 bytes: the third is one too many.
    assert_eq!(seen, [0, 0, 3, 3]);
    to.flush().unwrap();
    assert_eq!(Capture::read(&path).unwrap().packets, 4);
}

#[cfg(unix)]
#[test]
fn a_capture_file_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tap.pcapng");
    std::fs::write(&path, "old").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let file = create_private(&path).unwrap();
    let metadata = file.metadata().unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    assert_eq!(metadata.len(), 0);
}

#[test]
fn segments_are_as_long_as_those_of_the_socket() {
    let (client, server) = addresses();
    let frames = |most: u16| {
        let most = most.try_into().expect("not zero");
        let mut to = writer();
        let mut tap = TappedConversation::new(client, server, 0).with_segments(most);
        tap.open(at(0), &mut to).unwrap();
        tap.data(Direction::Client, at(1), &vec![b'x'; 66_000], &mut to)
            .unwrap();
        let bytes = to.into_inner();
        // Kind 2, length 4 (RFC 9293 section 3.7.1).
        let [high, low] = most.get().min(65_475).to_be_bytes();
        assert!(bytes.windows(4).any(|four| four == [2, 4, high, low]));
        let read = Capture::from_bytes("tap", &bytes).unwrap();
        let data = &read.conversations[0].events[..];
        let whole: usize = data
            .iter()
            .map(|event| match event {
                StreamEvent::Data { bytes, .. } => bytes.len(),
                _ => 0,
            })
            .sum();
        assert_eq!((whole, read.notes.len()), (66_000, 0));
        data.len()
    };
    assert_eq!(frames(33_000), 2);
    // What an IP packet has no room for is split all the same.
    assert_eq!(frames(u16::MAX), 2);
}

//! However the network cuts, repeats and shuffles the packets of a conversation: it reads the same.
#![allow(
    clippy::unwrap_used,
    reason = "this is a test, with helpers outside its functions"
)]

use std::net::SocketAddr;

use proptest::prelude::*;
use smtpspec_smtp as smtp;

use smtp::Timeline;
use smtp::session::{Options, Reader};
use wire::{Bounds, Direction, Flags, Reassembler, Segment, Timestamp};

/// A session with most of what the reader knows.
const TURNS: [(Direction, &[u8]); 14] = [
    (Direction::Server, b"220-mx\r\n220 ready\r\n"),
    (Direction::Client, b"EHLO a\r\n"),
    (Direction::Server, b"250-mx\r\n250-PIPELINING\r\n250-AUTH LOGIN\r\n250 STARTTLS\r\n"),
    (Direction::Client, b"AUTH LOGIN c3Zj\r\n"),
    (Direction::Server, b"334 UGFzc3dvcmQ6\r\n"),
    (Direction::Client, b"UzNjcmV0\r\n"),
    (Direction::Server, b"235 ok\r\n"),
    (Direction::Client, b"MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nRCPT TO:<c@y>\r\nDATA\r\n"),
    (Direction::Server, b"250 ok\r\n250 ok\r\n550 no\r\n354 go\r\n"),
    (
        Direction::Client,
        b"Subject: s\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n..dots\r\nMAIL FROM:<no>\r\n--b--\r\n.\r\n",
    ),
    (Direction::Server, b"250 queued\r\n"),
    (Direction::Client, b"MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nBDAT 7 LAST\r\na\r\nb\r\n.QUIT\r\n"),
    (Direction::Server, b"250 ok\r\n250 ok\r\n250 queued\r\n221 bye\r\n"),
    (Direction::Server, b""),
];

/// A segment with bytes of its own.
#[derive(Clone, Debug)]
struct Sent {
    from: Direction,
    seq: u32,
    ack: u32,
    flags: Flags,
    bytes: Vec<u8>,
}

/// The packets of the session. `cuts` says how long the pieces are, `first` where sequence numbers begin.
fn packets(cuts: &[usize], first: [u32; 2]) -> Vec<Vec<Sent>> {
    let side = |direction| usize::from(direction == Direction::Server);
    let mut next = first.map(|number| number.wrapping_add(1));
    let sent = |from: Direction, next: &[u32; 2], flags: Flags, bytes: &[u8]| Sent {
        from,
        seq: next[side(from)],
        ack: next[1 - side(from)],
        flags,
        bytes: bytes.to_vec(),
    };
    let mut syn = sent(Direction::Client, &first, Flags::SYN, b"");
    syn.ack = 0;
    let mut answer = sent(Direction::Server, &first, Flags::SYN.with(Flags::ACK), b"");
    answer.ack = next[0];
    let mut flights = vec![vec![syn], vec![answer]];
    let mut cuts = cuts.iter().cycle();
    for (from, bytes) in TURNS {
        let mut flight = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let length = (*cuts.next().unwrap()).min(rest.len());
            flight.push(sent(from, &next, Flags::ACK, &rest[..length]));
            next[side(from)] = next[side(from)].wrapping_add(u32::try_from(length).unwrap());
            rest = &rest[length..];
        }
        flights.push(flight);
    }
    for from in [Direction::Server, Direction::Client] {
        flights.push(vec![sent(from, &next, Flags::FIN.with(Flags::ACK), b"")]);
        next[side(from)] = next[side(from)].wrapping_add(1);
    }
    flights
}

fn read(packets: &[Sent]) -> Timeline {
    let sockets = [
        SocketAddr::from(([192, 0, 2, 1], 40_000)),
        SocketAddr::from(([192, 0, 2, 2], 25)),
    ];
    let mut connections: Reassembler<Reader> = Reassembler::new(Bounds::default());
    for (number, packet) in (1..).zip(packets) {
        let (src, dst) = match packet.from {
            Direction::Client => (sockets[0], sockets[1]),
            Direction::Server => (sockets[1], sockets[0]),
        };
        let segment = Segment {
            packet: number,
            time: Timestamp::from_nanos(number * 1_000),
            src,
            dst,
            seq: packet.seq,
            ack: packet.ack,
            flags: packet.flags,
            payload: &packet.bytes,
            missing: 0,
            disputed: false,
        };
        connections.push_with(&segment, || Reader::new(Options::default()));
    }
    let mut ended = connections.finish_all();
    assert_eq!(ended.len(), 1);
    let one = ended.remove(0);
    assert!(one.about.notes.is_empty(), "{:?}", one.about.notes);
    one.consumer.finish(&one.about)
}

/// What a timeline says, without packets and times.
fn essence(timeline: &Timeline) -> String {
    let mut events: Vec<_> = timeline
        .events
        .iter()
        .filter(|event| !event.span.is_empty())
        .map(|event| {
            (
                event.span.direction,
                event.span.start,
                format!("{:?}", event.kind),
            )
        })
        .collect();
    // Of two directions, what was captured first may differ.
    events.sort();
    let pairs: Vec<_> = (0..timeline.exchanges.len())
        .map(|number| {
            let asked = timeline.request(number).map(|event| event.span);
            let answer = timeline.reply(number).map(|(_, reply)| reply.code);
            (asked, answer)
        })
        .collect();
    let mails: Vec<_> = timeline
        .messages()
        .map(|(transaction, data)| {
            let recipients: Vec<_> = transaction
                .recipients
                .iter()
                .map(|recipient| (recipient.address.value.as_str(), recipient.accepted))
                .collect();
            (
                recipients,
                data.content.bytes(),
                data.complete,
                data.accepted,
            )
        })
        .collect();
    format!(
        "{events:?} {pairs:?} {mails:?} {:?} {:?} {:?}",
        timeline
            .authentications
            .iter()
            .map(|one| one.outcome)
            .collect::<Vec<_>>(),
        timeline.gaps,
        timeline.protocol
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn cuts_repetitions_and_disorder_change_nothing(
        cuts in proptest::collection::vec(1..40_usize, 1..12),
        shuffles in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..30),
        copies in proptest::collection::vec((any::<prop::sample::Index>(), 0..20_usize), 0..20),
        first in prop::sample::select(vec![[1_000, 9_000], [u32::MAX - 20, u32::MAX - 100]]),
    ) {
        let plain = read(&packets(&[10_000], [1_000, 9_000]).concat());
        prop_assert_eq!(plain.messages().count(), 2);
        let mut flights = packets(&cuts, first);
        // Packets of one flight overtake each other.
        for (flight, place) in &shuffles {
            let flight = flight.get(&flights).len().checked_sub(1).map(|last| (flight.index(flights.len()), last));
            if let Some((number, last)) = flight {
                let at = place.index(last + 1);
                flights[number].swap(at, last);
            }
        }
        let mut all = flights.concat();
        // Some come again, a little later.
        for (which, later) in &copies {
            let at = which.index(all.len());
            let again = all[at].clone();
            // A SYN behind the close would be a new connection.
            let later = if again.flags.has(Flags::SYN) { 0 } else { *later };
            all.insert((at + 1 + later).min(all.len()), again);
        }
        prop_assert_eq!(essence(&read(&all)), essence(&plain));
    }
}

use std::net::SocketAddr;

use proptest::prelude::*;

use super::Reassembler;
use crate::segment::{Flags, Segment};
use crate::{Closing, Conversation, Direction, NoteKind, Opening, StreamEvent, Timestamp};

/// Builds segments between two fixed sockets and numbers them.
#[derive(Default)]
struct Wire {
    reassembler: Reassembler,
    packet: u64,
}

fn client() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 40_000))
}

fn server() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 2], 25))
}

const SYN: Flags = Flags::SYN;
const ACK: Flags = Flags::ACK;
const FIN: Flags = Flags::FIN.with(Flags::ACK);
const RST: Flags = Flags::RST;
/// A data segment that acknowledges nothing, for captures where the other side does not matter.
const PLAIN: Flags = Flags::SYN.when(false);

impl Wire {
    fn push(
        &mut self,
        from: Direction,
        flags: Flags,
        seq: u32,
        ack: u32,
        payload: &[u8],
    ) -> &mut Self {
        self.push_snapped(from, flags, seq, ack, payload, 0)
    }

    fn push_snapped(
        &mut self,
        from: Direction,
        flags: Flags,
        seq: u32,
        ack: u32,
        payload: &[u8],
        missing: u64,
    ) -> &mut Self {
        self.packet += 1;
        let (src, dst) = match from {
            Direction::Client => (client(), server()),
            Direction::Server => (server(), client()),
        };
        let time = Timestamp::from_nanos(self.packet * 1_000);
        self.reassembler.push(&Segment {
            packet: self.packet,
            time,
            src,
            dst,
            seq,
            ack,
            flags,
            payload,
            missing,
        });
        self
    }

    fn c(&mut self, flags: Flags, seq: u32, ack: u32, payload: &[u8]) -> &mut Self {
        self.push(Direction::Client, flags, seq, ack, payload)
    }

    fn s(&mut self, flags: Flags, seq: u32, ack: u32, payload: &[u8]) -> &mut Self {
        self.push(Direction::Server, flags, seq, ack, payload)
    }

    /// A handshake: the client's first byte has number 101, the server's 501.
    fn open(&mut self) -> &mut Self {
        self.c(SYN, 100, 0, b"")
            .s(SYN.with(ACK), 500, 101, b"")
            .c(ACK, 101, 501, b"")
    }

    fn all(&mut self) -> Vec<Conversation> {
        std::mem::take(&mut self.reassembler).finish()
    }

    fn one(&mut self) -> Conversation {
        let mut all = self.all();
        assert_eq!(all.len(), 1, "one conversation was expected");
        all.remove(0)
    }
}

/// One word for each event: who, offset, content, packet.
fn events(conversation: &Conversation) -> Vec<String> {
    conversation
        .events
        .iter()
        .map(|event| match event {
            StreamEvent::Data {
                direction,
                offset,
                packet,
                time,
                bytes,
            } => {
                assert_eq!(time.as_nanos(), packet * 1_000);
                format!(
                    "{direction} {offset} {} #{packet}",
                    String::from_utf8_lossy(bytes)
                )
            }
            StreamEvent::Gap {
                direction,
                offset,
                length,
                packet,
                ..
            } => {
                format!("{direction} {offset} gap of {length} #{packet}")
            }
            StreamEvent::Fin {
                direction, packet, ..
            } => format!("{direction} fin #{packet}"),
            StreamEvent::Reset {
                direction, packet, ..
            } => format!("{direction} reset #{packet}"),
        })
        .collect()
}

fn kinds(conversation: &Conversation) -> Vec<NoteKind> {
    conversation.notes.iter().map(|note| note.kind).collect()
}

#[test]
fn a_plain_conversation() {
    let mut wire = Wire::default();
    wire.open()
        .s(ACK, 501, 101, b"220 hi")
        .c(ACK, 101, 507, b"QUIT")
        .s(ACK, 507, 105, b"221 bye");
    wire.s(FIN, 514, 105, b"")
        .c(FIN, 105, 515, b"")
        .s(ACK, 515, 106, b"");
    let read = wire.one();
    assert_eq!(
        events(&read),
        [
            "server 0 220 hi #4",
            "client 0 QUIT #5",
            "server 6 221 bye #6",
            "server fin #7",
            "client fin #8"
        ]
    );
    assert_eq!((read.client, read.server), (client(), server()));
    assert_eq!(read.opening, Opening::Handshake { syn: 1 });
    assert_eq!(read.closing, Closing::Orderly);
    assert_eq!((read.index, read.packets), (0, 9));
    assert_eq!((read.start.as_nanos(), read.end.as_nanos()), (1_000, 9_000));
    assert!(read.notes.is_empty());
}

#[test]
fn out_of_order_bytes_wait_and_keep_their_packet() {
    let mut wire = Wire::default();
    wire.open()
        .c(ACK, 107, 501, b"ghi")
        .c(ACK, 104, 501, b"def")
        .c(ACK, 101, 501, b"abc");
    let read = wire.one();
    assert_eq!(
        events(&read),
        ["client 0 abc #6", "client 3 def #5", "client 6 ghi #4"]
    );
    assert!(read.notes.is_empty());
}

#[test]
fn duplicates_and_agreeing_overlaps_are_dropped_in_silence() {
    let mut wire = Wire::default();
    wire.open()
        .c(ACK, 101, 501, b"abc")
        .c(ACK, 101, 501, b"abc")
        .c(ACK, 102, 501, b"bcde")
        .c(ACK, 103, 501, b"c");
    let read = wire.one();
    assert_eq!(events(&read), ["client 0 abc #4", "client 3 de #6"]);
    assert!(read.notes.is_empty());
}

#[test]
fn of_conflicting_overlaps_the_first_stands() {
    let mut wire = Wire::default();
    wire.open()
        .c(ACK, 101, 501, b"abc")
        .c(ACK, 102, 501, b"bXde")
        .c(ACK, 108, 501, b"hi")
        .c(ACK, 106, 501, b"fgHij");
    let read = wire.one();
    assert_eq!(
        events(&read),
        [
            "client 0 abc #4",
            "client 3 de #5",
            "client 5 fg #7",
            "client 7 hi #6",
            "client 9 j #7"
        ]
    );
    assert_eq!(kinds(&read), [NoteKind::ConflictingOverlap; 2]);
    assert_eq!(read.notes[1].packet, Some(7));
}

#[test]
fn sequence_numbers_wrap() {
    let mut wire = Wire::default();
    wire.c(SYN, u32::MAX - 2, 0, b"")
        .s(SYN.with(ACK), u32::MAX, u32::MAX - 1, b"");
    wire.c(ACK, 1, 0, b"de")
        .c(ACK, u32::MAX - 1, 0, b"abc")
        .s(ACK, 0, 3, b"ok")
        .c(FIN, 3, 2, b"");
    let read = wire.one();
    assert_eq!(
        events(&read),
        [
            "client 0 abc #4",
            "client 3 de #3",
            "server 0 ok #5",
            "client fin #6"
        ]
    );
    assert!(read.notes.is_empty());
}

#[test]
fn keep_alives_are_ignored() {
    let mut wire = Wire::default();
    wire.open()
        .c(ACK, 100, 501, b"")
        .c(ACK, 100, 501, b"\0")
        .c(ACK, 101, 501, b"abc")
        .c(ACK, 103, 501, b"\0");
    wire.s(ACK, 501, 104, b"").c(ACK, 104, 501, b"d");
    let read = wire.one();
    assert_eq!(events(&read), ["client 0 abc #6", "client 3 d #9"]);
    assert!(read.notes.is_empty());
}

#[test]
fn a_hole_that_was_acknowledged_is_a_gap_before_the_answer() {
    let mut wire = Wire::default();
    wire.open()
        .s(ACK, 501, 101, b"220 hi")
        .s(ACK, 507, 121, b"250 ok")
        .c(ACK, 121, 513, b"NEXT");
    let read = wire.one();
    assert_eq!(
        events(&read),
        [
            "server 0 220 hi #4",
            "client 0 gap of 20 #5",
            "server 6 250 ok #5",
            "client 20 NEXT #6"
        ]
    );
}

#[test]
fn a_hole_between_segments_is_a_gap_of_its_length() {
    let mut wire = Wire::default();
    wire.open()
        .c(ACK, 101, 501, b"abc")
        .c(ACK, 110, 501, b"jkl")
        .s(ACK, 501, 113, b"");
    let read = wire.one();
    assert_eq!(
        events(&read),
        ["client 0 abc #4", "client 3 gap of 6 #6", "client 9 jkl #5"]
    );
}

#[test]
fn a_hole_is_told_at_the_end_of_the_capture() {
    let mut wire = Wire::default();
    wire.open().c(ACK, 104, 501, b"def").c(FIN, 110, 501, b"");
    let read = wire.one();
    assert_eq!(
        events(&read),
        [
            "client 0 gap of 3 #5",
            "client 3 def #4",
            "client 6 gap of 3 #5",
            "client fin #5"
        ]
    );
    assert_eq!(read.closing, Closing::HalfClosed(Direction::Client));
}

#[test]
fn a_reply_captured_before_its_command_waits_for_it() {
    let mut wire = Wire::default();
    wire.open()
        .s(ACK, 501, 105, b"250 ok")
        .s(ACK, 507, 105, b"more")
        .c(ACK, 101, 501, b"EHLO")
        .c(ACK, 105, 511, b"");
    let read = wire.one();
    assert_eq!(
        events(&read),
        ["client 0 EHLO #6", "server 0 250 ok #4", "server 6 more #5"]
    );
    assert!(read.notes.is_empty());
}

#[test]
fn waiting_has_an_end() {
    let mut wire = Wire::default();
    wire.open();
    for index in 0..10 {
        wire.s(ACK, 501 + index, 105, b"x");
    }
    wire.c(ACK, 101, 501, b"EHLO");
    let read = wire.one();
    assert_eq!(events(&read)[0], "client 0 gap of 4 #4");
    assert_eq!(events(&read).len(), 11);
    assert_eq!(kinds(&read), [NoteKind::Late]);
}

#[test]
fn one_side_alone_shows_how_much_the_other_sent() {
    let mut wire = Wire::default();
    wire.s(SYN.with(ACK), 500, 101, b"")
        .s(ACK, 501, 101, b"220 ")
        .s(ACK, 505, 111, b"250 ")
        .s(FIN, 509, 117, b"221 ");
    wire.s(ACK, 514, 118, b"");
    let read = wire.one();
    assert_eq!(
        events(&read),
        [
            "server 0 220  #2",
            "client 0 gap of 10 #3",
            "server 4 250  #3",
            "client 10 gap of 6 #4",
            "server 8 221  #4",
            "server fin #4",
        ]
    );
    assert_eq!(
        (read.client, read.opening),
        (client(), Opening::Answer { syn_ack: 1 })
    );
}

#[test]
fn picks_up_in_the_middle() {
    let mut wire = Wire::default();
    wire.s(ACK, 7_000, 9_000, b"250 ok")
        .c(ACK, 9_000, 7_006, b"DATA");
    let read = wire.one();
    assert_eq!((read.client, read.opening), (client(), Opening::Midstream));
    assert_eq!(events(&read), ["server 0 250 ok #1", "client 0 DATA #2"]);
    assert_eq!(read.closing, Closing::Open);
}

#[test]
fn data_in_flight_when_the_capture_began_is_no_gap() {
    let mut wire = Wire::default();
    wire.c(ACK, 9_000, 7_000, b"")
        .s(ACK, 7_500, 9_000, b"tail")
        .c(ACK, 9_000, 7_504, b"");
    assert_eq!(events(&wire.one()), ["server 0 tail #2"]);
}

#[test]
fn bytes_from_before_the_pick_up_are_noted() {
    let mut wire = Wire::default();
    wire.c(PLAIN, 110, 0, b"klm")
        .c(PLAIN, 105, 0, b"fghijklmno");
    let read = wire.one();
    assert_eq!(events(&read), ["client 0 klm #1", "client 3 no #2"]);
    assert_eq!(kinds(&read), [NoteKind::Late]);
}

#[test]
fn with_equal_ports_whoever_was_spoken_to_serves() {
    let (one, two) = (
        SocketAddr::from(([10, 0, 0, 9], 25)),
        SocketAddr::from(([10, 0, 0, 1], 25)),
    );
    let mut reassembler = Reassembler::new();
    let segment = Segment {
        packet: 1,
        time: Timestamp::default(),
        src: one,
        dst: two,
        seq: 1,
        ack: 1,
        flags: ACK,
        payload: b"x",
        missing: 0,
    };
    reassembler.push(&segment);
    let read = reassembler.finish().remove(0);
    assert_eq!((read.client, read.server), (one, two));
}

#[test]
fn a_late_handshake_corrects_the_guess() {
    // The side with the lower port turns out to be the client.
    let mut wire = Wire::default();
    wire.c(ACK, 101, 501, b"")
        .s(SYN, 500, 0, b"")
        .c(SYN.with(ACK), 100, 501, b"")
        .s(ACK, 501, 101, b"hello");
    let read = wire.one();
    assert_eq!(
        (read.client, read.opening),
        (server(), Opening::Handshake { syn: 2 })
    );
    assert_eq!(events(&read), ["client 0 hello #4"]);
    assert!(read.notes.is_empty());
}

#[test]
fn a_reset_ends_it() {
    let mut wire = Wire::default();
    wire.open()
        .c(ACK, 104, 501, b"def")
        .s(RST, 501, 0, b"")
        .s(RST, 501, 0, b"");
    let read = wire.one();
    assert_eq!(
        events(&read),
        ["client 0 gap of 3 #5", "client 3 def #4", "server reset #5"]
    );
    assert_eq!(read.closing, Closing::Reset(Direction::Server));
}

#[test]
fn a_refused_connection() {
    let mut wire = Wire::default();
    wire.c(SYN, 100, 0, b"").s(RST.with(ACK), 0, 101, b"");
    let read = wire.one();
    assert_eq!(events(&read), ["server reset #2"]);
    assert_eq!(
        (read.opening, read.closing),
        (
            Opening::Handshake { syn: 1 },
            Closing::Reset(Direction::Server)
        )
    );
}

#[test]
fn a_reset_out_of_nowhere_is_not_believed() {
    let mut wire = Wire::default();
    wire.open()
        .s(RST, 900_000_000, 0, b"")
        .s(ACK, 501, 101, b"220");
    let read = wire.one();
    assert_eq!(events(&read), ["server 0 220 #5"]);
    assert_eq!(kinds(&read), [NoteKind::OddSegment]);
    assert_eq!(read.closing, Closing::Open);
}

#[test]
fn a_new_syn_after_the_close_begins_a_new_conversation() {
    let mut wire = Wire::default();
    wire.open()
        .c(FIN, 101, 501, b"")
        .s(FIN, 501, 102, b"")
        .c(SYN, 200, 0, b"")
        .s(SYN.with(ACK), 900, 201, b"");
    wire.c(ACK, 201, 901, b"hi");
    let read = wire.all();
    assert_eq!(read.len(), 2);
    assert_eq!(events(&read[1]), ["client 0 hi #8"]);
    assert_eq!(
        (read[1].index, read[1].opening),
        (1, Opening::Handshake { syn: 6 })
    );
    assert_eq!(
        (read[0].closing, read[1].closing),
        (Closing::Orderly, Closing::Open)
    );
}

#[test]
fn a_syn_far_away_begins_a_new_conversation_even_before_the_close() {
    let mut wire = Wire::default();
    wire.open().c(SYN, 5_000_000, 0, b"");
    assert_eq!(wire.all().len(), 2);
}

#[test]
fn a_repeated_syn_does_not() {
    let mut wire = Wire::default();
    wire.c(SYN, 100, 0, b"")
        .c(SYN, 100, 0, b"")
        .s(SYN.with(ACK), 500, 101, b"")
        .s(SYN.with(ACK), 500, 101, b"");
    wire.c(ACK, 101, 501, b"hi").c(SYN, 100, 0, b"");
    let read = wire.one();
    assert_eq!(
        (events(&read), read.packets),
        (vec!["client 0 hi #5".to_owned()], 6)
    );
    assert!(read.notes.is_empty());
}

#[test]
fn a_stray_syn_inside_the_window_is_noted() {
    let mut wire = Wire::default();
    wire.open()
        .c(SYN, 130, 0, b"evil")
        .c(ACK, 101, 501, b"good");
    let read = wire.one();
    assert_eq!(events(&read), ["client 0 good #5"]);
    assert_eq!(kinds(&read), [NoteKind::OddSegment]);
}

#[test]
fn snapped_bytes_are_a_gap_of_known_length() {
    let mut wire = Wire::default();
    wire.open()
        .push_snapped(Direction::Client, ACK, 101, 501, b"abc", 7)
        .c(ACK, 111, 501, b"next");
    let read = wire.one();
    assert_eq!(
        events(&read),
        [
            "client 0 abc #4",
            "client 3 gap of 7 #4",
            "client 10 next #5"
        ]
    );
    assert_eq!(kinds(&read), [NoteKind::Snapped]);
}

#[test]
fn what_is_held_is_bounded() {
    let mut wire = Wire::default();
    wire.open();
    let block = vec![b'x'; 60_000];
    for index in 0..80 {
        wire.c(PLAIN, 111 + index * 60_000, 0, &block);
    }
    let read = wire.one();
    assert!(kinds(&read).contains(&NoteKind::Limit));
    let StreamEvent::Gap {
        offset: 0,
        length: 10,
        packet,
        ..
    } = read.events[0]
    else {
        panic!()
    };
    assert!(packet < 80);
    assert_eq!(read.events.len(), 81);
}

#[test]
fn data_behind_the_fin_is_not_used() {
    let mut wire = Wire::default();
    wire.open()
        .c(FIN, 101, 501, b"abc")
        .c(ACK, 104, 501, b"def")
        .c(FIN, 103, 501, b"");
    let read = wire.one();
    assert_eq!(events(&read), ["client 0 abc #4", "client fin #4"]);
    assert_eq!(kinds(&read), [NoteKind::OddSegment; 2]);
}

#[test]
fn noise_in_acknowledgments_is_not_believed() {
    let mut wire = Wire::default();
    wire.open()
        .s(ACK, 501, 101 + 500_000_000, b"250")
        .c(ACK, 101, 504, b"abc");
    assert_eq!(events(&wire.one()), ["server 0 250 #4", "client 0 abc #5"]);
}

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
        let all = wire.all();
        prop_assert_eq!(all.iter().map(|read| read.packets).sum::<u64>(), packets);
        for read in &all {
            check_contiguous(read);
        }
    }
}

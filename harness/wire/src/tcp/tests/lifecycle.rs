//! Where a conversation begins and ends, and who is who.

use super::*;

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
fn with_equal_ports_whoever_was_spoken_to_serves() {
    let (one, two) = (
        SocketAddr::from(([10, 0, 0, 9], 25)),
        SocketAddr::from(([10, 0, 0, 1], 25)),
    );
    let mut reassembler = Reassembler::default();
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
        disputed: false,
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
fn the_same_conversation_held_again_is_another_one() {
    let mut wire = Wire::default();
    for _ in 0..2 {
        wire.open()
            .c(FIN, 101, 501, b"hi")
            .s(FIN, 501, 104, b"")
            .c(ACK, 104, 502, b"");
    }
    let read = wire.all();
    assert_eq!(read.len(), 2);
    assert_eq!(events(&read[0])[0], "client 0 hi #4");
    assert_eq!(events(&read[1])[0], "client 0 hi #10");
}

#[test]
fn a_first_syn_that_comes_last_still_belongs_to_its_conversation() {
    let mut wire = Wire::default();
    wire.s(SYN.with(ACK), 500, 101, b"")
        .c(FIN, 101, 501, b"hi")
        .s(FIN, 501, 104, b"")
        .c(SYN, 100, 0, b"");
    let read = wire.one();
    assert_eq!(read.opening, Opening::Handshake { syn: 4 });
    assert!(read.notes.is_empty());
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

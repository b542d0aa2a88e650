//! What the capture does not hold.

use super::*;

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

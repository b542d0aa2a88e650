//! Which bytes stand, and in which order they are told.

use super::*;

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

//! Gaps.

use wire::{Direction, Span};

use super::{message, messages, pairs, read, unpaired};
use crate::timeline::{EventKind, Outcome, Terminator};

const MAIL: [(&str, &str); 3] = [
    ("S", "220 mx\r\n"),
    ("C", "MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\n"),
    ("S", "250 ok\r\n250 ok\r\n354 go\r\n"),
];

fn after_data(turns: &[(&str, &str)]) -> crate::Timeline {
    read(&[&MAIL[..], turns].concat())
}

#[test]
fn a_gap_inside_the_content() {
    let timeline = after_data(&[
        ("C", "first\r\n"),
        ("?C", "second\r\n"),
        ("C", "third\r\n.\r\n"),
        ("S", "250 taken\r\n"),
        ("C", "QUIT\r\n"),
        ("S", "221 bye\r\n"),
    ]);
    assert_eq!(
        messages(&timeline),
        [message("first\r\nthird\r\n", false, Some(true))]
    );
    assert_eq!(pairs(&timeline)[3..], ["content=250", "QUIT=221"]);
    assert_eq!(timeline.gaps, [Span::new(Direction::Client, 41, 49)]);
    let data = timeline.transactions[0].data.as_ref().expect("sent");
    assert_eq!((data.span.start, data.span.end), (34, 59));
    assert_eq!(data.content.span(7..8).start, 49);
    assert_eq!(timeline.octets[0], 64 - 8 + 1);
}

#[test]
fn a_gap_over_the_end_of_data() {
    for reply in ["250 taken\r\n", "554 no\r\n"] {
        let timeline = after_data(&[
            ("C", "first\r\n"),
            ("?C", "second\r\n.\r\n"),
            ("S", reply),
            ("C", "QUIT\r\n"),
            ("S", "221 bye\r\n"),
        ]);
        assert_eq!(
            messages(&timeline),
            [message("first\r\n", false, Some(reply.starts_with('2')))]
        );
        assert_eq!(pairs(&timeline)[4], "QUIT=221");
    }
}

#[test]
fn a_gap_before_the_dot() {
    let timeline = after_data(&[
        ("C", "first\r\n"),
        ("?C", "second\r\n"),
        ("C", ".\r\n"),
        ("S", "250 taken\r\n"),
        ("C", "QUIT\r\n"),
    ]);
    assert_eq!(
        messages(&timeline),
        [message("first\r\n", false, Some(true))]
    );
    assert_eq!(pairs(&timeline)[4], "QUIT=-");
}

#[test]
fn a_gap_in_commands_is_not_bridged() {
    let timeline = read(&[
        ("S", "220 mx\r\n"),
        ("C", "MAIL FROM:<"),
        ("S", "250 ok\r\n"),
        ("?C", "a>\r\nRCPT "),
        ("C", "TO:<b>\r\nDATA\r\n"),
        ("S", "250 ok\r\n354 go\r\n"),
        ("C", "x\r\n.\r\n"),
        ("S", "250 ok\r\n"),
    ]);
    assert_eq!(pairs(&timeline), ["MAIL=-", "DATA=354", "content=250"]);
    let (_, _, mail) = timeline.commands().next().expect("a command");
    assert_eq!(
        (mail.raw.as_slice(), mail.terminator),
        (&b"MAIL FROM:<"[..], Terminator::Missing)
    );
    let unparsed = timeline
        .events
        .iter()
        .any(|event| matches!(&event.kind, EventKind::Unparsed(bytes) if bytes == b"TO:<b>\r\n"));
    assert!(unparsed);
    assert_eq!(messages(&timeline), [message("x\r\n", true, Some(true))]);
}

#[test]
fn a_lost_reply_does_not_shift_the_others() {
    let timeline = read(&[
        ("S", "220 mx\r\n"),
        ("C", "EHLO a\r\n"),
        ("S", "250-mx\r\n250-SI"),
        ("?S", "ZE\r\n250 HELP\r\n"),
        ("C", "MAIL FROM:<a>\r\n"),
        ("?S", "250 ok\r\n"),
        ("C", "RCPT TO:<b>\r\n"),
        ("S", "550 no\r\n"),
        ("C", "QUIT\r\n"),
        ("S", "221 bye\r\n"),
    ]);
    assert_eq!(
        pairs(&timeline),
        ["EHLO=250", "MAIL=-", "RCPT=550", "QUIT=221"]
    );
    let (_, ehlo) = timeline.reply(0).expect("answered");
    assert!(!ehlo.complete);
    assert!(
        timeline.capabilities.is_empty(),
        "an offer that was not seen whole tells nothing"
    );
}

#[test]
fn a_lost_354_is_told_from_the_content() {
    let timeline = read(&[
        ("S", "220 mx\r\n"),
        ("C", "MAIL FROM:<a>\r\n"),
        ("S", "250 ok\r\n"),
        ("C", "DATA\r\n"),
        ("C", "Subject: x\r\n\r\nhi\r\n.\r\n"),
        ("?S", "354 go\r\n"),
        ("S", "250 taken\r\n"),
        ("C", "QUIT\r\n"),
        ("S", "221 bye\r\n"),
    ]);
    assert_eq!(
        pairs(&timeline),
        ["MAIL=250", "DATA=-", "content=250", "QUIT=221"]
    );
    assert_eq!(
        messages(&timeline),
        [message("Subject: x\r\n\r\nhi\r\n", true, Some(true))]
    );
}

#[test]
fn a_gap_inside_a_chunk_is_counted() {
    let timeline = read(&[
        ("C", "MAIL FROM:<a>\r\nRCPT TO:<b>\r\nBDAT 10 LAST\r\n012"),
        ("?C", "34567"),
        ("C", "89QUIT\r\n"),
        ("S", "250 ok\r\n250 ok\r\n250 taken\r\n221 bye\r\n"),
    ]);
    assert_eq!(messages(&timeline), [message("01289", false, Some(true))]);
    assert_eq!(
        pairs(&timeline)[2..],
        ["BDAT=250", "content=250", "QUIT=221"]
    );
}

#[test]
fn a_lost_response_leaves_the_exchange_open() {
    let timeline = read(&[
        ("S", "220 mx\r\n"),
        ("C", "AUTH LOGIN\r\n"),
        ("S", "334 VXNlcm5hbWU6\r\n"),
        ("?C", "c3Zj\r\n"),
        ("S", "334 UGFzc3dvcmQ6\r\n"),
        ("C", "UzNjcmV0\r\n"),
        ("S", "235 ok\r\n"),
        ("C", "MAIL FROM:<a>\r\n"),
        ("S", "250 ok\r\n"),
    ]);
    assert_eq!(pairs(&timeline), ["AUTH=235", "MAIL=250"]);
    assert_eq!(timeline.authentications[0].outcome, Outcome::Accepted);
    assert_eq!(unpaired(&timeline), [220]);
}

//! One side only, the middle of a connection, and other protocols.

use wire::Opening;

use super::{dialogue, message, messages, pairs, read, unpaired};
use crate::Timeline;
use crate::timeline::{EventKind, Outcome, Protocol};

fn midstream(turns: &[(&str, &str)]) -> Timeline {
    let turns: Vec<_> = turns
        .iter()
        .map(|(who, text)| (*who, text.as_bytes()))
        .collect();
    let mut conversation = dialogue(&turns);
    conversation.about.opening = Opening::Midstream;
    super::super::read(&conversation)
}

#[test]
fn only_the_client() {
    let timeline = read(&[
        ("C", "EHLO a\r\n"),
        ("C", "AUTH LOGIN\r\n"),
        ("C", "c3Zj\r\n"),
        ("C", "UzNjcmV0\r\n"),
        ("C", "MAIL FROM:<a>\r\n"),
        ("C", "RCPT TO:<b>\r\n"),
        ("C", "DATA\r\n"),
        ("C", "Subject: x\r\n\r\nQUIT\r\n"),
        ("C", ".\r\n"),
        ("C", "QUIT\r\n"),
    ]);
    assert_eq!(
        messages(&timeline),
        [message("Subject: x\r\n\r\nQUIT\r\n", true, None)]
    );
    assert_eq!(
        pairs(&timeline),
        [
            "EHLO=-",
            "AUTH=-",
            "MAIL=-",
            "RCPT=-",
            "DATA=-",
            "content=-",
            "QUIT=-"
        ]
    );
    assert_eq!(timeline.authentications[0].outcome, Outcome::Unseen);
    assert_eq!(timeline.authentications[0].responses.len(), 2);
    assert_eq!(timeline.transactions[0].recipients[0].accepted, None);
}

#[test]
fn only_the_client_and_data_given_up() {
    let timeline = read(&[
        ("C", "MAIL FROM:<a>\r\n"),
        ("C", "DATA\r\n"),
        ("C", "QUIT\r\n"),
    ]);
    assert_eq!(pairs(&timeline), ["MAIL=-", "DATA=-", "QUIT=-"]);
    assert_eq!(messages(&timeline), []);
}

#[test]
fn only_the_server() {
    let timeline = read(&[
        ("S", "220 mx\r\n"),
        ("S", "250-mx\r\n250 ok\r\n"),
        ("S", "354 go\r\n"),
    ]);
    assert_eq!(timeline.protocol, Protocol::Smtp);
    assert_eq!(unpaired(&timeline), [220, 250, 354]);
    assert!(timeline.exchanges.is_empty());
}

#[test]
fn directions_guessed_wrong_are_set_right() {
    let timeline = midstream(&[
        ("S", "RCPT TO:<b>\r\n"),
        ("C", "250 ok\r\n"),
        ("S", "DATA\r\n"),
        ("C", "354 go\r\n"),
        ("S", "x\r\n.\r\n"),
        ("-C", "250 taken\r\n"),
    ]);
    assert_eq!(timeline.client.port(), 25);
    assert_eq!(pairs(&timeline), ["RCPT=250", "DATA=354", "content=250"]);
    assert_eq!(messages(&timeline), [message("x\r\n", true, Some(true))]);
    assert_eq!(timeline.octets, [25, 27]);
    assert_eq!(
        timeline.closing,
        wire::Closing::HalfClosed(wire::Direction::Server)
    );
    let recipient = &timeline.transactions[0].recipients[0];
    assert_eq!(
        (recipient.address.value.as_str(), recipient.accepted),
        ("b", Some(true))
    );
}

#[test]
fn a_start_inside_content_invents_nothing() {
    let timeline = midstream(&[
        ("C", "of a line\r\nHelp is near\r\nData as well\r\n.\r\n"),
        ("S", "250 taken\r\n"),
        ("C", "MAIL FROM:<a>\r\n"),
        ("S", "250 ok\r\n"),
        ("C", "HELLO\r\n"),
        ("S", "500 what\r\n"),
    ]);
    assert_eq!(pairs(&timeline), ["MAIL=250", "HELLO=500"]);
    assert!(matches!(timeline.events[0].kind, EventKind::Unparsed(_)));
    assert_eq!(unpaired(&timeline), [250]);
}

#[test]
fn a_start_inside_auth_keeps_the_response_secret() {
    let timeline = midstream(&[
        ("S", "334 UGFzc3dvcmQ6\r\n"),
        ("C", "UzNjcmV0\r\n"),
        ("S", "235 ok\r\n"),
        ("C", "MAIL FROM:<a>\r\n"),
        ("S", "250 ok\r\n"),
    ]);
    assert!(matches!(
        timeline.events[1].kind,
        EventKind::SaslResponse(_)
    ));
    assert_eq!(pairs(&timeline), ["MAIL=250"]);
    assert!(timeline.authentications.is_empty());
}

#[test]
fn another_protocol_is_left_alone() {
    let timeline = read(&[
        ("S", "220 FTP\r\n"),
        ("C", "USER x\r\n"),
        ("S", "331 password\r\n"),
        ("C", "PASS y\r\n"),
    ]);
    assert_eq!(timeline.protocol, Protocol::Other);
    assert!(
        timeline
            .events
            .iter()
            .all(|event| matches!(event.kind, EventKind::Unparsed(_)))
    );
}

#[test]
fn silence() {
    let timeline = read(&[("-C", ""), ("-S", "")]);
    assert_eq!(timeline.protocol, Protocol::Silent);
    assert_eq!(timeline.events.len(), 2);
}

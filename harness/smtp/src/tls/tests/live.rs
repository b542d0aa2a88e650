//! TLS of rustls with itself: every suite it has, resumption, key updates, early data, a second hello.

use std::io::Write;
use std::sync::Arc;

use rstest::rstest;
use rustls::SupportedProtocolVersion;
use rustls::crypto::ring;
use rustls::version::{TLS12, TLS13};
use wire::Direction::{Client, Server};

use super::super::{Follower, KeyLog, Plain, Stop};
use super::rustls_pair::{Pair, Talk};
use super::{STARTS, Turns, follow, follow_pieces, headers, side, steps, stream};

const GREETING: &[u8] = b"220 mx.example.test ESMTP\r\n";
const HELLO: &[u8] = b"EHLO client.example.test\r\n";

fn greet(talk: &mut Talk) {
    talk.shake_hands();
    talk.say(Server, GREETING);
    talk.say(Client, HELLO);
}

/// Everything is the same in pieces of every size, and when one side is shown before the other.
fn assert_any_cut(keys: &str, turns: &Turns, steps: impl Iterator<Item = usize>) {
    let whole = follow(Some(keys), turns, usize::MAX);
    for step in steps {
        let cut = follow(Some(keys), turns, step);
        assert!(cut.plain == whole.plain, "step {step}");
        assert_eq!(cut.seen.opened, whole.seen.opened);
        assert_eq!(cut.seen.handshake, whole.seen.handshake);
    }
    // One side may have been captured late.
    let sides = [
        (Client, stream(turns, Client)),
        (Server, stream(turns, Server)),
    ];
    let late = follow(Some(keys), &sides.to_vec(), usize::MAX);
    assert!(late.plain == whole.plain, "client first");
    let [client, server] = sides;
    let late = follow(Some(keys), &vec![server, client], usize::MAX);
    assert!(late.plain == whole.plain, "server first");
}

#[rstest]
#[case(&TLS13, 0x1301, 0)]
#[case(&TLS13, 0x1302, 0)]
#[case(&TLS13, 0x1303, 0)]
#[case(&TLS12, 0xc02b, 8)]
#[case(&TLS12, 0xc02c, 8)]
#[case(&TLS12, 0xcca9, 0)]
fn every_suite(
    #[case] version: &'static SupportedProtocolVersion,
    #[case] suite: u16,
    #[case] lead: usize,
) {
    let pair = Pair::new(version, suite);
    let mut talk = pair.connect();
    greet(&mut talk);
    talk.close();
    let followed = follow(Some(&pair.keys()), &talk.turns, usize::MAX);
    assert_eq!(followed.text(Client), HELLO);
    assert_eq!(followed.text(Server), GREETING);
    assert_eq!(followed.ends, [None, None]);
    for (direction, text) in [(Client, HELLO), (Server, GREETING)] {
        // The one record of application data that is as long as this text makes it.
        let sealed = text.len() + lead + 16 + usize::from(suite >> 8 == 0x13);
        let record = headers(&stream(&talk.turns, direction))
            .into_iter()
            .rfind(|(_, header)| {
                header[0] == 23 && usize::from(header[4]) == sealed && header[3] == 0
            })
            .expect("the record");
        let place = STARTS[side(direction)] + (record.0 + 5 + lead) as u64;
        assert_eq!(followed.plain[side(direction)].1[0], place);
    }
    let certificates = &followed.seen.handshake.certificates;
    assert_eq!(certificates[0].value.names, ["mx.example.test"]);
    assert_eq!(certificates[0].value.key, "secp256r1");
    assert_eq!(certificates[0].value.signature, "ecdsa-with-SHA256");
    let exchange = &followed.seen.handshake.key_exchange;
    assert_eq!(
        (exchange.group, exchange.signature_scheme),
        (Some(29), Some(0x0403))
    );
    let alerts: Vec<_> = followed
        .seen
        .handshake
        .alerts
        .iter()
        .map(|alert| (alert.span.direction, alert.value.description))
        .collect();
    assert_eq!(alerts, [(Client, 0), (Server, 0)]);
    // Without keys nothing of TLS 1.3 but its hellos is seen.
    let blind = follow(None, &talk.turns, usize::MAX);
    assert_eq!(
        blind.seen.handshake.certificates.is_empty(),
        suite >> 8 == 0x13
    );
    assert!(blind.seen.established);
    assert_any_cut(&pair.keys(), &talk.turns, steps(&talk.turns));
}

#[rstest]
#[case(&TLS13, 0x1302)]
#[case(&TLS12, 0xc02b)]
fn a_long_message_over_many_records(
    #[case] version: &'static SupportedProtocolVersion,
    #[case] suite: u16,
) {
    let text: Vec<u8> = (0..100_000_u32)
        .flat_map(|line| format!("{line}\r\n").into_bytes())
        .take(70_000)
        .collect();
    let pair = Pair::new(version, suite);
    let mut talk = pair.connect();
    greet(&mut talk);
    talk.say(Client, &text);
    let followed = follow(Some(&pair.keys()), &talk.turns, 1460);
    assert_eq!(followed.text(Client)[HELLO.len()..], text);
    assert_eq!(
        usize::try_from(followed.seen.opened.expect("keys").octets[0]).expect("short"),
        HELLO.len() + text.len()
    );
}

#[test]
fn keys_are_updated_on_either_side() {
    let pair = Pair::new(&TLS13, 0x1301);
    let mut talk = pair.connect();
    greet(&mut talk);
    for turn in 0..3 {
        talk.refresh_keys(if turn == 1 { Server } else { Client });
        talk.say(Client, b"NOOP\r\n");
        talk.say(Server, b"250 ok\r\n");
    }
    let followed = follow(Some(&pair.keys()), &talk.turns, usize::MAX);
    assert_eq!(
        followed.text(Client),
        [HELLO, &b"NOOP\r\n".repeat(3)].concat()
    );
    assert_eq!(
        followed.text(Server),
        [GREETING, &b"250 ok\r\n".repeat(3)].concat()
    );
    assert_any_cut(&pair.keys(), &talk.turns, 1..60);
}

#[test]
fn a_second_hello_after_a_retry() {
    let mut server = ring::default_provider();
    server.kx_groups = vec![ring::kx_group::SECP384R1];
    let pair = Pair::with(&TLS13, ring::default_provider(), server);
    let mut talk = pair.connect();
    greet(&mut talk);
    let followed = follow(Some(&pair.keys()), &talk.turns, usize::MAX);
    assert!(followed.seen.handshake.retried);
    assert_eq!(followed.seen.handshake.key_exchange.group, Some(24));
    assert_eq!(followed.text(Client), HELLO);
    assert_eq!(followed.text(Server), GREETING);
    assert_any_cut(&pair.keys(), &talk.turns, 1..60);
}

#[rstest]
#[case(&TLS13, 0x1301)]
#[case(&TLS12, 0xc02c)]
fn a_session_resumed(#[case] version: &'static SupportedProtocolVersion, #[case] suite: u16) {
    let pair = Pair::new(version, suite);
    for resumed in [false, true] {
        let mut talk = pair.connect();
        greet(&mut talk);
        let followed = follow(Some(&pair.keys()), &talk.turns, 33);
        assert_eq!(followed.seen.handshake.resumed, Some(resumed));
        assert_eq!(
            follow(None, &talk.turns, 33).seen.handshake.resumed,
            Some(resumed)
        );
        assert_eq!(followed.text(Client), HELLO);
        assert_eq!(followed.text(Server), GREETING);
    }
}

#[test]
fn early_data_is_passed_over() {
    let mut pair = Pair::new(&TLS13, 0x1303);
    pair.client.enable_early_data = true;
    pair.server.max_early_data_size = 1000;
    greet(&mut pair.connect());
    let mut talk = pair.connect();
    let rustls::Connection::Client(client) = &mut talk.client else {
        unreachable!("it is the client");
    };
    let mut early = client.early_data().expect("resumes");
    early.write_all(b"EHLO too early\r\n").expect("room");
    greet(&mut talk);
    let followed = follow(Some(&pair.keys()), &talk.turns, usize::MAX);
    assert_eq!(followed.text(Client), HELLO);
    assert_eq!(followed.text(Server), GREETING);
    let opened = followed.seen.opened.expect("keys");
    // The data, and EndOfEarlyData, which is under the same key.
    assert_eq!(opened.early, 2);
    assert_eq!(opened.stopped, [None, None]);
    assert_any_cut(&pair.keys(), &talk.turns, 1..60);
}

#[test]
fn a_gap_ends_one_direction_and_not_the_other() {
    for (version, suite) in [(&TLS13, 0x1302), (&TLS12, 0xc02b)] {
        let pair = Pair::new(version, suite);
        let mut talk = pair.connect();
        greet(&mut talk);
        talk.say(Client, b"NOOP\r\n");
        talk.say(Client, b"QUIT\r\n");
        talk.say(Server, b"221 Bye\r\n");
        let lost = talk.turns.len() - 3;
        let pieces = talk
            .turns
            .iter()
            .enumerate()
            .map(|(at, (direction, bytes))| {
                let piece = if at == lost {
                    Err(bytes.len() as u64)
                } else {
                    Ok(bytes.as_slice())
                };
                (*direction, piece)
            });
        let followed = follow_pieces(Some(&pair.keys()), pieces);
        assert_eq!(followed.text(Client), HELLO);
        assert_eq!(followed.text(Server), [GREETING, b"221 Bye\r\n"].concat());
        let [client, server] = followed.seen.opened.expect("keys").stopped;
        let client = client.expect("stopped");
        assert_eq!(client.value, Stop::Gap);
        assert_eq!(client.span.len(), talk.turns[lost].1.len() as u64);
        assert_eq!(server, None);
    }
}

#[test]
fn a_log_that_lacks_a_label_says_which() {
    let pair = Pair::new(&TLS13, 0x1301);
    let mut talk = pair.connect();
    greet(&mut talk);
    for (label, at, text) in [
        ("CLIENT_HANDSHAKE_TRAFFIC_SECRET", 0, &b""[..]),
        ("SERVER_TRAFFIC_SECRET_0", 1, b""),
    ] {
        let keys: String = pair
            .keys()
            .lines()
            .filter(|line| !line.starts_with(label))
            .flat_map(|line| [line, "\n"])
            .collect();
        let followed = follow(Some(&keys), &talk.turns, usize::MAX);
        let stopped = followed.seen.opened.expect("keys").stopped;
        let why = stopped[at].as_ref().map(|stop| stop.value);
        assert_eq!(why, Some(Stop::MissingSecret(label)));
        assert_eq!(followed.plain[at].0, text);
        assert!(stopped[1 - at].is_none() && followed.plain[1 - at].0.len() > 20);
        assert!(followed.ends[at].is_some());
    }
}

#[rstest]
#[case(&TLS13, 0x1301, 1)]
#[case(&TLS12, 0xc02c, 2)]
fn secrets_may_come_with_the_packets_that_need_them(
    #[case] version: &'static SupportedProtocolVersion,
    #[case] suite: u16,
    #[case] before: usize,
) {
    let pair = Pair::new(version, suite);
    let mut talk = pair.connect();
    greet(&mut talk);
    let log = Arc::new(KeyLog::new());
    let mut follower = Follower::new(Some(log.clone()));
    let mut offsets = STARTS;
    let mut text = Vec::new();
    for (at, (direction, bytes)) in talk.turns.iter().enumerate() {
        if at == before {
            log.extend(&pair.keys()).expect("a key log");
        }
        let offset = &mut offsets[side(*direction)];
        for plain in follower.feed(*direction, bytes, *offset) {
            assert!(!format!("{plain:?}").contains("69, 72"), "EHLO is shown");
            match plain {
                Plain::Bytes { bytes, .. } => text.extend(bytes),
                Plain::End { .. } => panic!("stopped"),
            }
        }
        *offset += bytes.len() as u64;
    }
    assert_eq!(text, [GREETING, HELLO].concat());
}

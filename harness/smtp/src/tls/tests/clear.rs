//! What can be read without keys.

use proptest::prelude::*;
use wire::Direction::{Client, Server};
use wire::{Direction, Span};

use super::super::testing::{CLIENT_12, CLIENT_13, SERVER_12, SERVER_13, bytes};
use super::{Followed, follow, follow_pieces};

fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).expect("short").to_be_bytes();
    [&[kind, 3, 3], length.as_slice(), body].concat()
}

fn clear(turns: &[(Direction, Vec<u8>)]) -> Followed {
    follow(None, &turns.to_vec(), usize::MAX)
}

#[test]
fn hellos_with_the_records_that_hold_them() {
    let followed = clear(&[(Client, bytes(CLIENT_13)), (Server, bytes(SERVER_13))]);
    let client = followed.seen.client_hello.expect("whole");
    let end = 100 + bytes(CLIENT_13).len() as u64;
    assert_eq!(client.span, Span::new(Client, 100, end));
    let server = followed.seen.server_hello.expect("whole");
    assert_eq!(server.value.cipher_suite, 0x1302);
    assert_eq!(followed.seen.handshake.resumed, Some(false));
    assert_eq!(followed.seen.handshake.key_exchange.group, Some(29));
    assert!(!followed.seen.established && followed.seen.opened.is_none());
}

#[test]
fn a_cut_stream_is_no_hello() {
    let stream = bytes(CLIENT_13);
    for end in 0..stream.len() {
        let followed = clear(&[(Client, stream[..end].to_vec())]);
        assert_eq!(followed.seen.client_hello, None);
    }
}

#[test]
fn a_hole_in_a_hello_hides_it() {
    let stream = bytes(CLIENT_13);
    let pieces = [
        (Client, Ok(&stream[..40])),
        (Client, Err(10)),
        (Client, Ok(&stream[50..])),
    ];
    let followed = follow_pieces(None, pieces.into_iter());
    assert_eq!(followed.seen.client_hello, None);
}

#[test]
fn application_data_both_ways_and_no_alert_establish() {
    let hellos = [(Client, bytes(CLIENT_13)), (Server, bytes(SERVER_13))];
    let data = record(23, &[0; 40]);
    let alert = record(23, &[0; 19]);
    let with = |client: &Vec<u8>| {
        let rest = [(Server, data.clone()), (Client, client.clone())];
        clear(&[hellos.as_slice(), &rest].concat()).seen.established
    };
    assert!(with(&data));
    assert!(!with(&alert));
}

#[test]
fn an_abbreviated_handshake_is_told_from_a_full_one() {
    let hellos = [(Client, bytes(CLIENT_12)), (Server, bytes(SERVER_12))];
    let done = (Server, record(22, &[14, 0, 0, 0]));
    let change = (Server, record(20, &[1]));
    let resumed = |rest: &[(Direction, Vec<u8>)]| {
        let followed = clear(&[hellos.as_slice(), rest].concat());
        followed.seen.handshake.resumed
    };
    assert_eq!(resumed(&[]), None);
    assert_eq!(resumed(std::slice::from_ref(&change)), Some(true));
    assert_eq!(resumed(&[done, change]), Some(false));
}

#[test]
fn alerts_in_clear_are_read_and_those_behind_the_change_of_keys_are_not() {
    let followed = clear(&[
        (Client, bytes(CLIENT_12)),
        (Server, record(21, &[2, 40])),
        (Server, record(20, &[1])),
        (Server, record(21, &[2, 80])),
    ]);
    let alerts = &followed.seen.handshake.alerts;
    assert_eq!(alerts.len(), 1);
    assert_eq!(alerts[0].value.to_string(), "fatal alert handshake_failure");
    assert_eq!(alerts[0].span, Span::new(Server, 1000, 1007));
}

fn ssl2_hello() -> Vec<u8> {
    let mut hello = vec![0x80, 0x1f, 1, 3, 1, 0, 6, 0, 0, 0, 16];
    hello.extend([0, 0, 5, 7, 0, 0xc0]);
    hello.extend([5; 16]);
    hello
}

#[test]
fn a_hello_in_the_form_of_ssl_2_comes_before_records() {
    let stream = [ssl2_hello(), record(21, &[1, 90])].concat();
    for step in 1..stream.len() {
        let turns = vec![(Client, stream.clone()), (Server, bytes(SERVER_12))];
        let followed = follow(None, &turns, step);
        let hello = followed.seen.client_hello.expect("whole");
        assert!(hello.value.ssl2);
        assert_eq!(hello.value.cipher_suites, [5]);
        assert_eq!(hello.span, Span::new(Client, 100, 133));
        assert_eq!(followed.seen.handshake.alerts.len(), 1, "step {step}");
        assert!(followed.seen.server_hello.is_some());
    }
}

proptest! {
    #[test]
    fn record_ends_and_segments_may_fall_anywhere(
        sizes in proptest::collection::vec(1_usize..80, 1..20),
        step in 1_usize..300,
    ) {
        let stream = bytes(CLIENT_13);
        let whole = clear(&[(Client, stream.clone())]).seen.client_hello.map(|hello| hello.value);
        let mut rest = &stream[5..];
        let mut cut = Vec::new();
        for size in sizes.iter().copied().chain(std::iter::repeat(50)) {
            if rest.is_empty() {
                break;
            }
            let (part, next) = rest.split_at(size.min(rest.len()));
            cut.extend(record(22, part));
            rest = next;
        }
        let followed = follow(None, &vec![(Client, cut)], step);
        prop_assert!(whole.is_some());
        prop_assert_eq!(followed.seen.client_hello.map(|hello| hello.value), whole);
    }

    #[test]
    fn no_bytes_make_it_panic(
        pieces in proptest::collection::vec(
            (any::<bool>(), 0_u8..8, proptest::collection::vec(any::<u8>(), 0..60), 0_u64..70),
            0..20,
        ),
        with_keys in any::<bool>(),
    ) {
        let hellos = [(Client, bytes(CLIENT_13)), (Server, bytes(SERVER_12))];
        let pieces: Vec<_> = pieces
            .into_iter()
            .map(|(client, kind, noise, gap)| {
                let direction = if client { Client } else { Server };
                let piece = match kind {
                    0 => Err(gap),
                    1 => Ok(noise),
                    2 => Ok(ssl2_hello()),
                    3 => Ok(hellos[usize::from(!client)].1.clone()),
                    kind => Ok(record(16 + kind, &noise)),
                };
                (direction, piece)
            })
            .collect();
        let secret = format!("CLIENT_RANDOM {} {}", "00".repeat(32), "00".repeat(48));
        let pieces = pieces.iter().map(|(direction, piece)| (*direction, piece.as_deref().map_err(|gap| *gap)));
        follow_pieces(with_keys.then_some(secret.as_str()), pieces);
    }
}

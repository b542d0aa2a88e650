//! STARTTLS and implicit TLS.

use wire::{Direction, Span};

use super::{dialogue, pairs, read, unpaired};
use crate::Timeline;
use crate::timeline::{EventKind, Protocol, TlsStart};

const START: [(&str, &[u8]); 5] = [
    ("S", b"220 mx\r\n"),
    ("C", b"EHLO a\r\n"),
    ("S", b"250-mx\r\n250 STARTTLS\r\n"),
    ("C", b"STARTTLS\r\n"),
    ("S", b"220 go\r\n"),
];

/// A ClientHello of TLS 1.2 with one cipher suite and no extensions.
fn client_hello() -> Vec<u8> {
    let mut hello = vec![3, 3];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0xc0, 0x2f, 1, 0]);
    handshake(1, &hello)
}

fn server_hello() -> Vec<u8> {
    let mut hello = vec![3, 3];
    hello.extend([9; 32]);
    hello.extend([0, 0xc0, 0x2f, 0]);
    handshake(2, &hello)
}

fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u8::try_from(body.len()).expect("short");
    record(22, &[&[kind, 0, 0, length], body].concat())
}

fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u8::try_from(body.len()).expect("short");
    [&[kind, 3, 3, 0, length], body].concat()
}

fn read_bytes(turns: &[(&str, &[u8])]) -> Timeline {
    super::super::read(&dialogue(turns))
}

fn kinds(timeline: &Timeline) -> String {
    let letter = |kind: &EventKind| match kind {
        EventKind::Command(_) => 'c',
        EventKind::Reply(_) => 'r',
        EventKind::Tls => 't',
        EventKind::Unparsed(_) => 'u',
        EventKind::Content(_) => 'd',
        _ => '?',
    };
    timeline
        .events
        .iter()
        .map(|event| letter(&event.kind))
        .collect()
}

#[test]
fn starttls_accepted() {
    let (client, server) = (client_hello(), server_hello());
    let data = record(23, &[0; 40]);
    let timeline = read_bytes(
        &[
            &START[..],
            &[
                ("C", &client),
                ("S", &server),
                ("S", &data),
                ("C", &data),
                ("S", &data),
            ],
        ]
        .concat(),
    );
    assert_eq!(kinds(&timeline), "rcrcrtttt");
    let tls = timeline.tls.as_ref().expect("began");
    assert_eq!(tls.start, TlsStart::StartTls(1));
    assert_eq!(
        (tls.client.start, tls.client.end),
        (18, 18 + client.len() as u64 + 45)
    );
    let hello = tls.client_hello.as_ref().expect("whole");
    assert_eq!(hello.value.cipher_suites, [0xc02f]);
    assert_eq!(
        hello.span,
        Span::new(Direction::Client, 18, 18 + client.len() as u64)
    );
    assert_eq!(
        tls.server_hello.as_ref().map(|h| h.value.version),
        Some(0x0303)
    );
    assert!(tls.established);
    assert_eq!(timeline.protocol, Protocol::Smtp);
}

#[test]
fn a_handshake_alone_establishes_nothing() {
    let hello = client_hello();
    let alert = record(21, &[2, 48]);
    let timeline = read_bytes(&[&START[..], &[("C", &hello), ("S", &alert)]].concat());
    assert!(!timeline.tls.expect("began").established);
}

#[test]
fn starttls_refused() {
    let timeline = read(&[
        ("S", "220 mx\r\n"),
        ("C", "STARTTLS\r\n"),
        ("S", "454 not now\r\n"),
        ("C", "MAIL FROM:<a>\r\n"),
        ("S", "250 ok\r\n"),
    ]);
    assert_eq!(pairs(&timeline), ["STARTTLS=454", "MAIL=250"]);
    assert!(timeline.tls.is_none());
}

#[test]
fn starttls_accepted_and_not_used() {
    let timeline = read_bytes(
        &[
            &START[..],
            &[
                ("C", b"EHLO b\r\n"),
                ("S", b"250 mx\r\n"),
                ("C", b"QUIT\r\n"),
            ],
        ]
        .concat(),
    );
    assert_eq!(
        pairs(&timeline),
        ["EHLO=250", "STARTTLS=220", "EHLO=250", "QUIT=-"]
    );
    assert!(timeline.tls.is_none());
}

#[test]
fn what_the_server_injects_before_tls_is_no_reply() {
    let (client, server) = (client_hello(), server_hello());
    for (injected, own_packet) in [
        ("250-mx\r\n250 AUTH PLAIN\r\n", false),
        ("250 half a li", true),
        ("535 no\r\n", true),
    ] {
        let flight = [b"220 go\r\n", injected.as_bytes()].concat();
        let mut turns = START[..4].to_vec();
        if own_packet {
            turns.extend([("S", &b"220 go\r\n"[..]), ("S", injected.as_bytes())]);
        } else {
            turns.push(("S", &flight));
        }
        turns.extend([("C", client.as_slice()), ("S", &server)]);
        let timeline = read_bytes(&turns);
        assert_eq!(kinds(&timeline), "rcrcrutt", "{injected}");
        let held = timeline.events.iter().find_map(|event| match &event.kind {
            EventKind::Unparsed(bytes) => Some(bytes.as_slice()),
            _ => None,
        });
        assert_eq!(held, Some(injected.as_bytes()));
        assert!(timeline.tls.expect("began").server_hello.is_some());
    }
}

#[test]
fn what_the_client_sends_in_clear_before_tls_stays_commands() {
    let (client, server) = (client_hello(), server_hello());
    let timeline = read_bytes(&[
        ("S", b"220 mx\r\n"),
        ("C", b"STARTTLS\r\nNOOP\r\n"),
        ("S", b"220 go\r\n"),
        ("C", &client),
        ("S", &server),
    ]);
    assert_eq!(kinds(&timeline), "rcrctt");
    assert_eq!(pairs(&timeline), ["STARTTLS=220", "NOOP=-"]);
}

#[test]
fn implicit_tls() {
    let (client, server) = (client_hello(), server_hello());
    let timeline = read_bytes(&[("C", &client[..2]), ("C", &client[2..]), ("S", &server)]);
    assert_eq!(timeline.protocol, Protocol::ImplicitTls);
    assert_eq!(kinds(&timeline), "tt");
    let tls = timeline.tls.expect("began");
    assert_eq!(tls.start, TlsStart::Implicit);
    assert!(tls.client_hello.is_some() && tls.server_hello.is_some());
}

#[test]
fn a_client_hello_answered_in_clear() {
    let client = client_hello();
    let timeline = read_bytes(&[
        ("S", b"220 mx\r\n"),
        ("C", &client),
        ("S", b"402 4.5.2 what\r\n"),
        ("-S", b"421 bye\r\n"),
    ]);
    assert_eq!(timeline.protocol, Protocol::ImplicitTls);
    assert_eq!(unpaired(&timeline), [220, 402, 421]);
    let tls = timeline.tls.expect("began");
    assert!(tls.server.is_empty() && !tls.established);
}

/// A hello for TLS 1.0 in the form of SSL 2.0, with two suites.
fn ssl2_hello() -> Vec<u8> {
    let mut hello = vec![0x80, 0x1f, 1, 3, 1, 0, 6, 0, 0, 0, 16];
    hello.extend([0, 0, 5, 0, 0, 0x2f]);
    hello.extend([b'\n'; 16]);
    hello
}

#[test]
fn a_hello_in_the_form_of_ssl_2_begins_tls() {
    let (client, server) = (ssl2_hello(), server_hello());
    for step in 1..=client.len() {
        let pieces = client.chunks(step).map(|piece| ("C", piece));
        let implicit: Vec<_> = pieces.clone().chain([("S", server.as_slice())]).collect();
        let timeline = read_bytes(&implicit);
        assert_eq!(timeline.protocol, Protocol::ImplicitTls, "pieces of {step}");
        assert_eq!(kinds(&timeline), "tt");
        let starttls: Vec<_> = START.into_iter().chain(implicit.iter().copied()).collect();
        let timeline = read_bytes(&starttls);
        assert_eq!(kinds(&timeline), "rcrcrtt");
        let tls = timeline.tls.expect("began");
        let hello = tls.client_hello.expect("whole");
        assert!(hello.value.ssl2);
        assert_eq!(hello.span, Span::new(Direction::Client, 18, 51));
        assert!(tls.server_hello.is_some());
    }
}

#[test]
fn a_line_that_begins_like_such_a_hello_stays_a_line() {
    let timeline = read_bytes(
        &[
            START.as_slice(),
            &[("C", b"\x80\x1f\x01 oh\r\n"), ("S", b"500 what\r\n")],
        ]
        .concat(),
    );
    assert_eq!(kinds(&timeline), "rcrcrcr");
    assert!(timeline.tls.is_none());
}

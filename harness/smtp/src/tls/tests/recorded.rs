//! Recordings of OpenSSL: CBC, old versions, and what cannot be opened. `tests/data/tls/record.py` made them.

use proptest::prelude::*;
use rstest::rstest;
use wire::{Direction, Timestamp};

use super::super::{Stop, Weakness, WeaknessKind};
use super::{Followed, STARTS, Turns, follow, follow_pieces, headers, steps, stream};
use crate::timeline::{Tls, TlsStart};
use wire::Span;

macro_rules! recording {
    ($name:literal) => {
        include_str!(concat!("../../../tests/data/tls/", $name, ".txt"))
    };
}

const CLIENT: &[u8] = b"EHLO client.example.test\r\nMAIL FROM:<a@example.test>\r\nQUIT\r\n";
const SERVER: &[u8] =
    b"220 mx.example.test ESMTP\r\n250-mx.example.test\r\n250 SIZE\r\n250 2.1.0 Ok\r\n221 Bye\r\n";

/// The key log and the turns of a recording.
fn read(text: &str) -> (String, Turns) {
    let mut keys = String::new();
    let mut turns = Turns::new();
    for line in text.lines() {
        let (first, rest) = line.split_once(' ').expect("two words");
        let direction = match first {
            "C" => Direction::Client,
            "S" => Direction::Server,
            _ => {
                keys.push_str(line);
                keys.push('\n');
                continue;
            }
        };
        let bytes = hex::decode(rest).expect("hexadecimal");
        match turns.last_mut() {
            Some((last, turn)) if *last == direction => turn.extend(bytes),
            _ => turns.push((direction, bytes)),
        }
    }
    (keys, turns)
}

#[rstest]
#[case(recording!("tls12-cbc-sha1"), 16)]
#[case(recording!("tls12-cbc-sha256-etm"), 16)]
#[case(recording!("tls12-cbc-sha384"), 16)]
#[case(recording!("tls12-cbc-sha384-etm"), 16)]
#[case(recording!("tls12-gcm-rsa"), 8)]
#[case(recording!("tls12-anonymous"), 16)]
#[case(recording!("tls11-cbc"), 16)]
#[case(recording!("tls10-cbc"), 0)]
#[case(recording!("tls10-cbc-etm"), 0)]
fn opens_in_any_pieces_with_every_byte_in_its_place(#[case] text: &str, #[case] lead: usize) {
    let (keys, turns) = read(text);
    let whole = follow(Some(&keys), &turns, usize::MAX);
    assert_eq!(
        whole.text(Direction::Client).escape_ascii().to_string(),
        CLIENT.escape_ascii().to_string()
    );
    assert_eq!(whole.text(Direction::Server), SERVER);
    assert_eq!(whole.ends, [None; 2]);
    for (direction, start) in [Direction::Client, Direction::Server]
        .into_iter()
        .zip(STARTS)
    {
        let places = &whole.plain[super::side(direction)].1;
        let data: Vec<usize> = headers(&stream(&turns, direction))
            .into_iter()
            .filter(|(_, header)| header[0] == 23)
            .map(|(at, _)| at)
            .collect();
        // TLS 1.0 sends an empty record, or one of one byte, before each.
        for &place in places {
            let record = data
                .iter()
                .rev()
                .find(|at| start + **at as u64 <= place)
                .expect("in a record");
            assert!(place >= start + (record + 5 + lead) as u64);
        }
        assert_eq!(
            places[0],
            start
                + (data
                    .iter()
                    .find(|at| start + (**at + 5 + lead) as u64 == places[0])
                    .expect("first")
                    + 5
                    + lead) as u64
        );
    }
    let opened = whole.seen.opened.as_ref().expect("keys");
    assert!(opened.is_readable());
    assert_eq!(opened.stopped, [None, None]);
    // The farewell of the client was opened, or was in clear in none of them.
    assert!(
        whole
            .seen
            .handshake
            .alerts
            .iter()
            .any(|alert| alert.value.opened && alert.value.description == 0)
    );
    for step in steps(&turns) {
        let cut = follow(Some(&keys), &turns, step);
        assert!(cut.plain == whole.plain, "step {step}");
        assert_eq!(cut.seen.handshake, whole.seen.handshake);
        assert_eq!(cut.seen.opened, whole.seen.opened);
    }
}

fn tls(followed: Followed) -> Tls {
    let seen = followed.seen;
    Tls {
        start: TlsStart::Implicit,
        client: Span::new(Direction::Client, STARTS[0], STARTS[0]),
        server: Span::new(Direction::Server, STARTS[1], STARTS[1]),
        client_hello: seen.client_hello,
        server_hello: seen.server_hello,
        handshake: seen.handshake,
        established: seen.established,
        opened: seen.opened,
    }
}

fn kinds(weaknesses: &[Weakness]) -> Vec<WeaknessKind> {
    weaknesses.iter().map(|weakness| weakness.kind).collect()
}

#[rstest]
#[case(recording!("tls12-cbc-sha1"), &[WeaknessKind::NoForwardSecrecy, WeaknessKind::SelfSigned])]
#[case(recording!("tls12-cbc-sha256-etm"), &[WeaknessKind::SelfSigned])]
#[case(recording!("tls12-gcm-rsa"), &[WeaknessKind::ShortPrime, WeaknessKind::SelfSigned])]
#[case(recording!("tls12-anonymous"), &[WeaknessKind::WeakOffer, WeaknessKind::Anonymous])]
#[case(recording!("tls12-null"), &[WeaknessKind::WeakOffer, WeaknessKind::NullCipher, WeaknessKind::NoForwardSecrecy, WeaknessKind::SelfSigned])]
#[case(recording!("tls11-cbc"), &[WeaknessKind::OldVersion, WeaknessKind::ShortPrime, WeaknessKind::SelfSigned])]
#[case(recording!("tls10-cbc"), &[
    WeaknessKind::OldVersion, WeaknessKind::NoForwardSecrecy, WeaknessKind::SelfSigned, WeaknessKind::ShortKey,
    WeaknessKind::WeakCertificateSignature,
])]
fn weaknesses(#[case] text: &str, #[case] expected: &[WeaknessKind]) {
    // Seen without keys.
    let (_, turns) = read(text);
    let tls = tls(follow(None, &turns, 100));
    let made = tls
        .handshake
        .certificates
        .first()
        .map(|certificate| certificate.value.not_before);
    let at = Timestamp::from_nanos(made.unwrap_or_default().as_nanos() + 1_000_000_000);
    assert_eq!(kinds(&tls.weaknesses(at)), expected);
}

#[test]
fn what_the_certificate_says() {
    let (_, turns) = read(recording!("tls10-cbc"));
    let tls = tls(follow(None, &turns, 7));
    let certificate = &tls.handshake.certificates[0].value;
    assert_eq!(certificate.subject, "CN=mx.example.test,O=Example");
    assert_eq!(certificate.issuer, certificate.subject);
    assert_eq!(certificate.names, ["mx.example.test", "192.0.2.1"]);
    assert_eq!(
        (certificate.key.as_str(), certificate.key_bits),
        ("RSA", Some(1024))
    );
    assert_eq!(certificate.signature, "md5WithRSAEncryption");
    assert_eq!(certificate.weak_digest, Some("MD5"));
    assert!(certificate.self_signed);
    assert_eq!(certificate.sha256.len(), 64);
    let later = |nanos: u64| Timestamp::from_nanos(certificate.not_after.as_nanos() + nanos);
    assert!(!kinds(&tls.weaknesses(later(0))).contains(&WeaknessKind::Expired));
    assert!(kinds(&tls.weaknesses(later(1))).contains(&WeaknessKind::Expired));
    assert!(kinds(&tls.weaknesses(Timestamp::from_nanos(0))).contains(&WeaknessKind::NotYetValid));
    let texts: Vec<String> = tls
        .weaknesses(later(1))
        .into_iter()
        .map(|weakness| weakness.text)
        .collect();
    assert_eq!(
        texts[0],
        "the version is TLS 1.0, which must not be used any more"
    );
    assert_eq!(texts[2], "the server's certificate had expired");
}

#[test]
fn a_mark_against_downgrades_counts_where_the_client_offers_more() {
    let (_, turns) = read(recording!("tls11-cbc"));
    let mut tls = tls(follow(None, &turns, usize::MAX));
    let at = tls.handshake.certificates[0].value.not_before;
    assert!(!kinds(&tls.weaknesses(at)).contains(&WeaknessKind::Downgrade));
    let server = tls.server_hello.as_mut().expect("seen");
    server.value.random[24..].copy_from_slice(b"DOWNGRD\x00");
    assert!(!kinds(&tls.weaknesses(at)).contains(&WeaknessKind::Downgrade));
    tls.client_hello
        .as_mut()
        .expect("seen")
        .value
        .legacy_version = 0x0303;
    assert!(kinds(&tls.weaknesses(at)).contains(&WeaknessKind::Downgrade));
}

fn stopped(keys: &str, turns: &Turns) -> [Option<Stop>; 2] {
    let followed = follow(Some(keys), turns, 50);
    let opened = followed.seen.opened.expect("keys");
    for (end, stop) in followed.ends.iter().zip(&opened.stopped) {
        assert_eq!(end.is_some(), stop.is_some());
    }
    opened.stopped.map(|stop| stop.map(|stop| stop.value))
}

#[test]
fn what_cannot_be_opened_says_why() {
    let (keys, turns) = read(recording!("tls12-null"));
    assert_eq!(stopped(&keys, &turns), [Some(Stop::Suite(0x003b)); 2]);
    let (keys, turns) = read(recording!("tls12-cbc-sha1"));
    assert_eq!(stopped("", &turns), [Some(Stop::NoSecret); 2]);
    let random = keys
        .lines()
        .last()
        .expect("a line")
        .split(' ')
        .nth(1)
        .expect("a random");
    let other = format!("CLIENT_RANDOM {random} {}", "ab".repeat(48));
    assert_eq!(stopped(&other, &turns), [Some(Stop::NotAuthentic); 2]);
    let server_only: Turns = turns
        .iter()
        .filter(|turn| turn.0 == Direction::Server)
        .cloned()
        .collect();
    let followed = follow(Some(&keys), &server_only, 50);
    let stop = followed.seen.opened.expect("keys").stopped[1]
        .clone()
        .expect("stopped");
    assert_eq!(stop.value, Stop::NoHello);
    let traffic = format!("CLIENT_TRAFFIC_SECRET_0 {random} {}", "ab".repeat(32));
    assert_eq!(
        stopped(&traffic, &turns),
        [Some(Stop::MissingSecret("CLIENT_RANDOM")); 2]
    );
}

#[test]
fn a_changed_byte_ends_the_opening_there() {
    for text in [
        recording!("tls12-cbc-sha1"),
        recording!("tls12-cbc-sha256-etm"),
        recording!("tls10-cbc"),
    ] {
        let (keys, mut turns) = read(text);
        let last = turns
            .iter_mut()
            .rfind(|(direction, _)| *direction == Direction::Server)
            .expect("turns");
        // A byte of the farewell reply: the alert behind it is another turn or record.
        last.1[20] ^= 1;
        let followed = follow(Some(&keys), &turns, 64);
        let stop = followed.seen.opened.as_ref().expect("keys").stopped[1].clone();
        assert_eq!(stop.map(|stop| stop.value), Some(Stop::NotAuthentic));
        assert_eq!(followed.text(Direction::Client), CLIENT);
        assert!(SERVER.starts_with(followed.text(Direction::Server)));
    }
}

#[test]
fn a_repeated_handshake_changes_the_keys() {
    let (keys, turns) = read(recording!("tls12-renegotiated"));
    let whole = follow(Some(&keys), &turns, usize::MAX);
    assert_eq!(whole.text(Direction::Client), b"hello world\nafter\n");
    assert_eq!(whole.text(Direction::Server), b"dlrow olleh\nretfa\n");
    assert!(whole.seen.handshake.renegotiated);
    assert_eq!(whole.ends, [None; 2]);
    for step in 1..60 {
        let cut = follow(Some(&keys), &turns, step);
        assert!(cut.plain == whole.plain, "step {step}");
    }
    // With the secret of the first handshake alone, what went under it is opened, and no more.
    let first = keys
        .lines()
        .take(2)
        .flat_map(|line| [line, "\n"])
        .collect::<String>();
    let followed = follow(Some(&first), &turns, 100);
    assert_eq!(followed.text(Direction::Client), b"hello world\n");
    let stopped = followed.seen.opened.expect("keys").stopped;
    assert!(stopped.iter().all(|stop| {
        stop.as_ref()
            .is_some_and(|stop| stop.value == Stop::NoSecret)
    }));
}

/// What may happen to a stream on its way into a capture.
#[derive(Clone, Debug)]
enum Harm {
    /// A byte is another one.
    Changed(usize, u8),
    /// Bytes are missing, and the capture tells.
    Lost(usize, usize),
    /// Bytes are missing, and nobody knows.
    Cut(usize, usize),
}

fn harm() -> impl Strategy<Value = Harm> {
    prop_oneof![
        (0_usize..2000, 1_u8..).prop_map(|(at, with)| Harm::Changed(at, with)),
        (0_usize..2000, 1_usize..200).prop_map(|(at, length)| Harm::Lost(at, length)),
        (0_usize..2000, 1_usize..200).prop_map(|(at, length)| Harm::Cut(at, length)),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_only_true_text_is_opened(
        which in 0_usize..5,
        harmed in any::<bool>(),
        harm in harm(),
        step in 1_usize..700,
    ) {
        let (keys, turns) = read([
            recording!("tls12-cbc-sha1"),
            recording!("tls12-cbc-sha384-etm"),
            recording!("tls12-gcm-rsa"),
            recording!("tls10-cbc"),
            recording!("tls12-renegotiated"),
        ][which]);
        let whole = follow(Some(&keys), &turns, usize::MAX);
        let victim = if harmed { Direction::Client } else { Direction::Server };
        let mut position = 0;
        let mut pieces = Vec::new();
        for (direction, bytes) in &turns {
            for piece in bytes.chunks(step) {
                let mut piece = piece.to_vec();
                if *direction != victim {
                    pieces.push((*direction, Ok(piece)));
                    continue;
                }
                let length = piece.len();
                let range = |at: usize, of: usize| {
                    let start = at.saturating_sub(position).min(length);
                    start..(at + of).saturating_sub(position).min(length)
                };
                match harm {
                    Harm::Changed(at, with) => {
                        if let Some(byte) = at.checked_sub(position).and_then(|at| piece.get_mut(at)) {
                            *byte ^= with;
                        }
                        pieces.push((*direction, Ok(piece)));
                    }
                    Harm::Cut(at, of) => {
                        piece.drain(range(at, of));
                        pieces.push((*direction, Ok(piece)));
                    }
                    Harm::Lost(at, of) => {
                        let lost = range(at, of);
                        let rest = piece.split_off(lost.end);
                        piece.truncate(lost.start);
                        pieces.push((*direction, Ok(piece)));
                        if !lost.is_empty() {
                            pieces.push((*direction, Err(lost.len() as u64)));
                        }
                        pieces.push((*direction, Ok(rest)));
                    }
                }
                position += length;
            }
        }
        let pieces = pieces.iter().map(|(direction, piece)| (*direction, piece.as_deref().map_err(|gap| *gap)));
        let followed = follow_pieces(Some(&keys), pieces);
        for (seen, truth) in followed.plain.iter().zip(&whole.plain) {
            prop_assert!(truth.0.starts_with(&seen.0));
            prop_assert!(matches!(harm, Harm::Cut(..)) || truth.1.starts_with(&seen.1));
        }
    }
}

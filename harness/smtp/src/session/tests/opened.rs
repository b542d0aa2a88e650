//! SMTP inside TLS, which a key log opens.

use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use rustls::version::{TLS12, TLS13};
use wire::{Conversation, Direction};

use super::super::testing::dialogue;
use super::super::{Options, read, read_with};
use super::{message, messages, pairs, unpaired};
use crate::Timeline;
use crate::timeline::{EventKind, Identity, Outcome, Protocol, TlsStart};
use crate::tls::tests::rustls_pair::Pair;
use crate::tls::{KeyLog, Stop};

use Direction::{Client, Server};

const CLEAR: [(&str, &[u8]); 5] = [
    ("S", b"220 mx ESMTP\r\n"),
    ("C", b"EHLO a\r\n"),
    ("S", b"250-mx\r\n250 STARTTLS\r\n"),
    ("C", b"STARTTLS\r\n"),
    ("S", b"220 go\r\n"),
];

const GREETING: (Direction, &str) = (Server, "220 mx ESMTP\r\n");

const INSIDE: [(Direction, &str); 14] = [
    (Client, "EHLO a\r\n"),
    (Server, "250-mx\r\n250 AUTH PLAIN\r\n"),
    (Client, "AUTH PLAIN AGFubmEAc2VjcmV0\r\n"),
    (Server, "235 2.7.0 ok\r\n"),
    (Client, "MAIL FROM:<a@example.test>\r\n"),
    (Server, "250 ok\r\n"),
    (Client, "RCPT TO:<b@example.test>\r\n"),
    (Server, "250 ok\r\n"),
    (Client, "DATA\r\n"),
    (Server, "354 go\r\n"),
    (Client, "Subject: x\r\n\r\n..dot\r\n"),
    (Client, "end\r\n.\r\n"),
    (Server, "250 queued\r\n"),
    (Client, "QUIT\r\n"),
];

const PAIRS: [&str; 7] = [
    "EHLO=250",
    "AUTH=235",
    "MAIL=250",
    "RCPT=250",
    "DATA=354",
    "content=250",
    "QUIT=221",
];

/// A session inside TLS, and the text of its key log; each turn a segment.
struct Session {
    turns: Vec<(Direction, Vec<u8>)>,
    keys: String,
}

fn session(pair: &Pair, greeting: bool) -> Session {
    let mut talk = pair.connect();
    talk.shake_hands();
    let first = greeting.then_some(GREETING);
    for (who, text) in first.into_iter().chain(INSIDE) {
        talk.say(who, text.as_bytes());
    }
    talk.say(Server, b"221 bye\r\n");
    talk.close();
    Session {
        turns: talk.turns,
        keys: pair.keys(),
    }
}

impl Session {
    fn conversation(&self, clear: &[(&str, &[u8])], step: usize) -> Conversation {
        let inside = self.turns.iter().flat_map(|(direction, bytes)| {
            let who = if *direction == Client { "C" } else { "S" };
            bytes.chunks(step).map(move |piece| (who, piece))
        });
        let turns: Vec<_> = clear.iter().copied().chain(inside).collect();
        dialogue(&turns)
    }

    fn read(&self, conversation: &Conversation) -> Timeline {
        let keys = KeyLog::parse(&self.keys).expect("a key log");
        let options = Options {
            keys: Some(Arc::new(keys)),
            ..Options::default()
        };
        read_with(options, conversation)
    }
}

/// Everything but the runs of TLS and what depends on packets.
fn essence(timeline: &Timeline) -> String {
    let events: Vec<_> = timeline
        .events
        .iter()
        .filter(|event| !matches!(event.kind, EventKind::Tls | EventKind::Content(_)))
        .map(|event| (event.span, &event.kind))
        .collect();
    format!(
        "{events:?} {:?} {:?} {:?}",
        pairs(timeline),
        messages(timeline),
        timeline.tls
    )
}

fn assert_read(timeline: &Timeline) {
    let [authentication] = timeline.authentications.as_slice() else {
        panic!("one authentication");
    };
    assert_eq!(authentication.outcome, Outcome::Accepted);
    let Identity::Plain {
        authcid, password, ..
    } = &authentication.identity
    else {
        panic!("PLAIN");
    };
    assert_eq!(authcid.value, "anna");
    assert_eq!(password.value.expose(), b"secret");
    let text = "Subject: x\r\n\r\n.dot\r\nend\r\n";
    assert_eq!(messages(timeline), [message(text, true, Some(true))]);
    let tls = timeline.tls.as_ref().expect("began");
    assert!(tls.under_tls(password.span));
    let opened = tls.opened.as_ref().expect("keys");
    assert!(opened.is_readable() && opened.stopped == [None, None]);
    // The packet of the password is the segment that carried its record.
    let packets = timeline.packets(password.span);
    assert_eq!(
        packets,
        timeline
            .request(authentication.exchange)
            .expect("asked")
            .packets
    );
    assert_eq!(packets.len(), 1);
}

#[test]
fn implicit_tls_is_read_from_the_greeting_on() {
    for (version, suite) in [(&TLS13, 0x1301), (&TLS12, 0xc02c)] {
        let session = session(&Pair::new(version, suite), true);
        let timeline = session.read(&session.conversation(&[], usize::MAX));
        assert_eq!(timeline.protocol, Protocol::ImplicitTls);
        assert_eq!(pairs(&timeline), PAIRS);
        assert_eq!(unpaired(&timeline), [220]);
        assert_eq!(timeline.capabilities[0].mechanisms(), ["PLAIN"]);
        assert_read(&timeline);
        for step in (1..40).chain([100, 333, 1000]) {
            let cut = session.conversation(&[], step);
            assert_eq!(
                essence(&session.read(&cut)),
                essence(&timeline),
                "pieces of {step}"
            );
        }
    }
}

#[test]
fn after_starttls_the_client_begins_again() {
    let session = session(&Pair::new(&TLS13, 0x1303), false);
    let timeline = session.read(&session.conversation(&CLEAR, usize::MAX));
    assert_eq!(timeline.protocol, Protocol::Smtp);
    let expected = [&["EHLO=250", "STARTTLS=220"], PAIRS.as_slice()].concat();
    assert_eq!(pairs(&timeline), expected);
    assert_eq!(unpaired(&timeline), [220]);
    assert_read(&timeline);
    let tls = timeline.tls.as_ref().expect("began");
    assert_eq!(tls.start, TlsStart::StartTls(1));
    let under: Vec<bool> = timeline
        .commands()
        .map(|(_, event, _)| tls.under_tls(event.span))
        .collect();
    assert_eq!(under, [false, false, true, true, true, true, true, true]);
    for step in (1..40).chain([100, 333, 1000]) {
        let cut = session.conversation(&CLEAR, step);
        assert_eq!(
            essence(&session.read(&cut)),
            essence(&timeline),
            "pieces of {step}"
        );
    }
}

#[test]
fn without_its_keys_it_is_a_run_of_tls() {
    let one = session(&Pair::new(&TLS13, 0x1301), true);
    let other = session(&Pair::new(&TLS13, 0x1301), true);
    let conversation = one.conversation(&[], usize::MAX);
    let blind = read(&conversation);
    assert!(blind.exchanges.is_empty());
    assert!(
        blind
            .tls
            .as_ref()
            .is_some_and(|tls| tls.opened.is_none() && tls.established)
    );
    let wrong = other.read(&conversation);
    assert!(wrong.exchanges.is_empty());
    let opened = wrong.tls.clone().and_then(|tls| tls.opened);
    let opened = opened.expect("keys");
    assert!(opened.stopped.iter().all(|stop| {
        stop.as_ref()
            .is_some_and(|stop| stop.value == Stop::NoSecret)
    }));
    let kinds = |timeline: &Timeline| {
        timeline
            .events
            .iter()
            .map(|event| (event.span, event.kind.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(kinds(&wrong), kinds(&blind));
}

#[test]
fn a_hole_in_the_records_leaves_the_message_incomplete() {
    let session = session(&Pair::new(&TLS13, 0x1301), false);
    // The second half of the message is lost.
    let turns: Vec<_> = session
        .turns
        .iter()
        .map(|(direction, bytes)| {
            (
                if *direction == Client { "C" } else { "S" },
                bytes.as_slice(),
            )
        })
        .collect();
    let lost = turns.len() - 6;
    let mut all = CLEAR.to_vec();
    all.extend(
        turns
            .iter()
            .enumerate()
            .map(|(at, turn)| if at == lost { ("?C", turn.1) } else { *turn }),
    );
    let timeline = session.read(&dialogue(&all));
    let [(text, complete, _)] = messages(&timeline).try_into().expect("one message");
    assert_eq!(
        (text.as_str(), complete),
        ("Subject: x\r\n\r\n.dot\r\n", false)
    );
    assert_eq!(timeline.gaps.len(), 1);
    let stop = timeline
        .tls
        .and_then(|tls| tls.opened)
        .expect("keys")
        .stopped[0]
        .clone();
    assert_eq!(stop.map(|stop| stop.value), Some(Stop::Gap));
    // What the client said behind the hole is not made up, and what the server said is still read.
    assert!(!timeline.exchanges.is_empty());
}

#[test]
fn a_record_that_does_not_authenticate_leaves_commands_unanswered() {
    let mut session = session(&Pair::new(&TLS12, 0xc02b), false);
    let replies = session.turns.iter_mut().filter(|turn| turn.0 == Server);
    // The reply to MAIL.
    let wrong = replies.rev().nth(5).expect("replies");
    let last = wrong.1.len() - 1;
    wrong.1[last] ^= 1;
    let timeline = session.read(&session.conversation(&CLEAR, usize::MAX));
    let inside = pairs(&timeline).split_off(2);
    assert_eq!(inside[..3], ["EHLO=250", "AUTH=235", "MAIL=-"]);
    assert!(
        inside[3..].iter().all(|pair| pair.ends_with("=-")),
        "{inside:?}"
    );
    assert!(timeline.gaps.is_empty());
    assert!(
        !timeline
            .events
            .iter()
            .any(|event| event.kind == EventKind::Gap)
    );
    let stopped = timeline
        .tls
        .and_then(|tls| tls.opened)
        .expect("keys")
        .stopped;
    assert_eq!(stopped[0], None);
    assert_eq!(
        stopped[1].as_ref().map(|stop| stop.value),
        Some(Stop::NotAuthentic)
    );
}

#[test]
fn what_looks_like_a_record_inside_tls_begins_no_tls() {
    let pair = Pair::new(&TLS13, 0x1301);
    let mut talk = pair.connect();
    talk.shake_hands();
    talk.say(Server, b"220 mx\r\n");
    talk.say(Client, b"\x16\x03\x01\r\n");
    talk.say(Server, b"500 what\r\n");
    let session = Session {
        turns: talk.turns,
        keys: pair.keys(),
    };
    let timeline = session.read(&session.conversation(&[], usize::MAX));
    assert_eq!(timeline.exchanges.len(), 1);
    assert_eq!(timeline.reply(0).expect("answered").1.code, 500);
}

#[test]
fn a_line_over_two_records_reaches_to_its_end() {
    let pair = Pair::new(&TLS13, 0x1301);
    let mut talk = pair.connect();
    talk.shake_hands();
    talk.say(Server, b"220 mx\r\n");
    talk.say(Client, b"EHLO cli");
    talk.say(Client, b"ent\r\n");
    talk.say(Server, b"250 mx\r\n");
    let session = Session {
        turns: talk.turns,
        keys: pair.keys(),
    };
    let conversation = session.conversation(&[], usize::MAX);
    let timeline = session.read(&conversation);
    let event = timeline.request(0).expect("asked");
    assert_eq!(timeline.command(0).expect("a command").argument, "client");
    // Between the two parts lie the content type and the tag of the first record, and the header of the second.
    assert_eq!(event.span.len(), 13 + 17 + 5);
    assert_eq!(event.packets.len(), 2);
}

static SESSIONS: LazyLock<[Session; 2]> = LazyLock::new(|| {
    [(&TLS13, 0x1301), (&TLS12, 0xc02c)]
        .map(|(version, suite)| session(&Pair::new(version, suite), true))
});

proptest! {
    #[test]
    fn no_harm_to_the_records_makes_text_up(
        which in 0_usize..2,
        harms in proptest::collection::vec((0_usize..40, 0_u8..4, any::<prop::sample::Index>()), 1..4),
        step in 1_usize..900,
    ) {
        let session = &SESSIONS[which];
        let mut turns: Vec<(&str, Vec<u8>)> = session
            .turns
            .iter()
            .flat_map(|(direction, bytes)| {
                let who = if *direction == Client { "C" } else { "S" };
                bytes.chunks(step).map(move |piece| (who, piece.to_vec()))
            })
            .collect();
        for (at, kind, place) in harms {
            let at = at % turns.len();
            let length = turns[at].1.len();
            match kind {
                // Lost, and the capture tells; lost, and nobody knows; changed; late.
                0 => turns[at].0 = if turns[at].0.ends_with('C') { "?C" } else { "?S" },
                1 => turns[at].1.truncate(place.index(length + 1)),
                2 if length > 0 => {
                    turns[at].1[place.index(length)] ^= 0x20;
                }
                // Of its own direction: that a reply comes before its command is put right below the session.
                _ => {
                    let other = place.index(turns.len());
                    if turns[at].0.ends_with('C') == turns[other].0.ends_with('C') {
                        turns.swap(at, other);
                    }
                }
            }
        }
        let turns: Vec<_> = turns.iter().map(|(who, bytes)| (*who, bytes.as_slice())).collect();
        let timeline = session.read(&dialogue(&turns));
        let text = "Subject: x\r\n\r\n.dot\r\nend\r\n";
        for (seen, complete, _) in messages(&timeline) {
            prop_assert!(text.starts_with(&seen), "{seen:?}");
            prop_assert!(!complete || seen == text);
        }
        // Where the harm hides that TLS begins, its records are lines like any others.
        let Some(tls) = &timeline.tls else {
            return Ok(());
        };
        let inside = timeline.commands().filter(|(_, event, _)| tls.under_tls(event.span));
        let said: Vec<_> = inside.map(|(_, _, command)| command.verb.as_str()).collect();
        let true_verbs = ["EHLO", "AUTH", "MAIL", "RCPT", "DATA", "QUIT"];
        let mut left = true_verbs.iter();
        prop_assert!(said.iter().all(|verb| left.any(|one| one == verb)), "{said:?}");
    }
}

//! What holds of every timeline.

use proptest::prelude::*;
use wire::{Conversation, Direction, Opening, Span, StreamEvent};

use super::super::read;
use super::super::testing::dialogue;
use crate::Timeline;
use crate::timeline::EventKind;

/// Turns that use most of the machine.
fn turns() -> Vec<(&'static str, &'static [u8])> {
    vec![
        ("S", b"220-mx\r\n220 ready\r\n"),
        ("C", b"EHLO a\r\n"),
        ("S", b"250-mx\r\n250-AUTH LOGIN\r\n250 STARTTLS\r\n"),
        ("C", b"AUTH LOGIN c3Zj\r\n"),
        ("S", b"334 UGFzc3dvcmQ6\r\n"),
        ("C", b"UzNjcmV0\r\n"),
        ("S", b"235 ok\r\n"),
        ("C", b"MAIL FROM:<a>\r\nRCPT TO:<b>\nDATA\r\n"),
        ("S", b"250 ok\r\n250 ok\n354 go\r\n"),
        (
            "C",
            b"..a\r\n.b\n.\r\nc\r\n.\r\nMAIL FROM:<b>\r\nBDAT 4\r\n\r\n.\rBDAT 3 LAST\r\n\n.\n",
        ),
        ("S", b"250 ok\r\n250 ok\r\njunk\r\n250 ok\r\n554 no\r\n"),
        ("C", b"DATA\r\n"),
        ("S", b"354 go\r\n"),
        ("C", b"x\n.\n"),
        ("S", b"554 no\r\n"),
        ("C", b"NOOP\r\n"),
        ("S", b"odd\r\n"),
        ("C", b"STARTTLS\r\n"),
        ("S", b"220 go\r\n250 injected\r\n"),
        ("C", b"\x16\x03\x01\x00\x04\x01\x00\x00\x00"),
        ("S", b"\x16\x03\x01\x00\x04\x02\x00\x00\x00"),
    ]
}

/// What a timeline says, without packets and times.
fn essence(timeline: &Timeline) -> String {
    let events: Vec<_> = timeline.events.iter().map(|e| (e.span, &e.kind)).collect();
    let transactions = &timeline.transactions;
    format!(
        "{events:?} {:?} {transactions:?} {:?}",
        timeline.exchanges, timeline.tls
    )
}

/// Every event lies in its stream, and the events of a direction cover it without overlap. Gaps inside content are told
/// twice, by the content and by the gap.
fn check_spans(timeline: &Timeline, conversation: &Conversation) {
    let mut ends = [0_u64; 2];
    let mut streams = [0_u64; 2];
    for event in &conversation.events {
        let (direction, length) = match event {
            StreamEvent::Data {
                direction, bytes, ..
            } => (*direction, bytes.len() as u64),
            StreamEvent::Gap {
                direction, length, ..
            } => (*direction, *length),
            _ => continue,
        };
        streams[usize::from(direction == Direction::Server)] += length;
    }
    if timeline.client != conversation.client {
        streams.swap(0, 1);
    }
    for event in &timeline.events {
        let end = &mut ends[usize::from(event.span.direction == Direction::Server)];
        match event.kind {
            EventKind::Gap | EventKind::Fin | EventKind::Reset => {
                assert!(
                    event.span.start <= *end,
                    "{:?} {:?}",
                    event.span,
                    event.kind
                );
            }
            _ => assert_eq!(event.span.start, *end, "{:?} {:?}", event.span, event.kind),
        }
        *end = event.span.end.max(*end);
    }
    assert_eq!(ends, streams);
    for exchange in &timeline.exchanges {
        let request = &timeline.events[exchange.request].kind;
        assert!(matches!(
            request,
            EventKind::Command(_) | EventKind::Content(_)
        ));
        if let Some(reply) = exchange.reply {
            assert!(matches!(timeline.events[reply].kind, EventKind::Reply(_)));
        }
    }
    for (transaction, data) in timeline.messages() {
        assert!(transaction.mail < timeline.exchanges.len());
        let all = data.content.span(0..data.content.bytes().len());
        assert!(all.is_empty() || (all.start >= data.span.start && all.end <= data.span.end));
        assert!(timeline.command(data.command).is_some());
        let content = timeline.request(data.exchange).map(|event| &event.kind);
        assert!(matches!(content, Some(EventKind::Content(_))));
    }
}

fn cut(step: usize) -> Conversation {
    let turns = turns();
    let cut: Vec<_> = turns
        .iter()
        .flat_map(|(who, bytes)| bytes.chunks(step).map(|piece| (*who, piece)))
        .collect();
    dialogue(&cut)
}

#[test]
fn the_sample_reads_as_meant() {
    let conversation = dialogue(&turns());
    let timeline = read(&conversation);
    check_spans(&timeline, &conversation);
    let contents: Vec<_> = timeline
        .messages()
        .map(|(_, d)| (d.content.bytes(), d.complete, d.accepted))
        .collect();
    assert_eq!(
        contents,
        [
            (&b".a\r\nb\n.\r\nc\r\n"[..], true, Some(true)),
            (b"\r\n.\r\n.\n", true, Some(false)),
            (b"x\n", true, Some(false)),
        ]
    );
    assert_eq!(
        timeline.tls.map(|tls| tls.start),
        Some(crate::timeline::TlsStart::StartTls(14))
    );
}

#[test]
fn segment_borders_do_not_matter() {
    let whole = read(&dialogue(&turns()));
    for step in 1..20 {
        let conversation = cut(step);
        let timeline = read(&conversation);
        assert_eq!(essence(&timeline), essence(&whole), "pieces of {step}");
        check_spans(&timeline, &conversation);
    }
}

/// Lines that lead somewhere, and bytes that do not.
fn fragment() -> impl Strategy<Value = Vec<u8>> {
    let lines = [
        "EHLO a\r\n",
        "MAIL FROM:<a>\r\n",
        "RCPT TO:<b>\r\n",
        "DATA\r\n",
        "BDAT 5\r\n",
        "BDAT 3 LAST\r\n",
        "AUTH LOGIN\r\n",
        "c3Zj\r\n",
        "*\r\n",
        "STARTTLS\r\n",
        "QUIT\r\n",
        "RSET\n",
        "\r\n.\r\n",
        "\n.\n",
        ".\r\n",
        "x",
        "\x16\x03\x01\x00\x01",
        "220 mx\r\n",
        "250 ok\r\n",
        "250-a\r\n",
        "334 \r\n",
        "354 go\r\n",
        "235 ok\r\n",
        "554 no\r\n",
        "421 bye\r\n",
        "junk\r\n",
        "25",
        "\r",
        "\n",
        "501 ",
    ];
    prop_oneof![
        8 => proptest::sample::select(lines.to_vec()).prop_map(|line| line.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 1..8),
    ]
}

fn noise() -> impl Strategy<Value = Vec<(&'static str, Vec<u8>)>> {
    let who = prop_oneof![
        6 => Just("C"), 6 => Just("S"), 1 => Just("?C"), 1 => Just("?S"), 1 => Just("-C"), 1 => Just("!S")
    ];
    proptest::collection::vec((who, fragment()), 0..40)
}

proptest! {
    #[test]
    fn nothing_makes_the_reader_fail(turns in noise(), midstream in any::<bool>()) {
        let turns: Vec<_> = turns.iter().map(|(who, bytes)| (*who, bytes.as_slice())).collect();
        let mut conversation = dialogue(&turns);
        if midstream {
            conversation.about.opening = Opening::Midstream;
        }
        let timeline = read(&conversation);
        check_spans(&timeline, &conversation);
        for event in &timeline.events {
            timeline.packets(event.span);
        }
    }

    #[test]
    fn no_dialogue_depends_on_its_segments(turns in noise(), step in 1..4_usize) {
        // Where a gap begins is a segment border that means something, so there are none here.
        let turns: Vec<_> = turns
            .iter()
            .filter(|(who, _)| matches!(*who, "C" | "S"))
            .map(|(who, bytes)| (*who, bytes.as_slice()))
            .collect();
        let pieces: Vec<_> =
            turns.iter().flat_map(|(who, bytes)| bytes.chunks(step).map(|piece| (*who, piece))).collect();
        let (whole, cut) = (read(&dialogue(&turns)), read(&dialogue(&pieces)));
        prop_assert_eq!(whole.protocol, cut.protocol);
        prop_assert_eq!(essence(&whole), essence(&cut));
    }
}

#[test]
fn an_end_inside_a_doubtful_line_keeps_the_order() {
    let start: [(&str, &[u8]); 2] = [
        ("C", b"EHLO a\r\nBDAT 5\r\n"),
        ("S", b"250 a\r\n552 no\r\n"),
    ];
    for who in ["-C", "!C", "?C"] {
        let conversation = dialogue(&[&start[..], &[("C", b"x"), (who, b"")]].concat());
        check_spans(&read(&conversation), &conversation);
    }
}

#[test]
fn a_span_of_nothing_is_nowhere() {
    let timeline = read(&dialogue(&[]));
    assert!(
        timeline
            .packets(Span::new(Direction::Client, 0, 10))
            .is_empty()
    );
}

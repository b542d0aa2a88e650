//! Mail over sound connections.

use super::{message, messages, pairs, read, unpaired};
use crate::timeline::{EventKind, Protocol, Terminator};

#[test]
fn a_simple_mail() {
    let timeline = read(&[
        ("S", "220 mx ESMTP\r\n"),
        ("C", "EHLO a\r\n"),
        (
            "S",
            "250-mx\r\n250-SIZE 100\r\n250-AUTH=LOGIN plain\r\n250 AUTH NTLM LOGIN\r\n",
        ),
        ("C", "MAIL FROM:<a@x> SIZE=3 AUTH=<>\r\n"),
        ("S", "250 ok\r\n"),
        ("C", "RCPT TO:<b@y> NOTIFY=NEVER\r\n"),
        ("S", "550 no\r\n"),
        ("C", "RCPT TO:<c@y>\r\n"),
        ("S", "250 ok\r\n"),
        ("C", "DATA\r\n"),
        ("S", "354 go\r\n"),
        ("C", "Subject: x\r\n\r\nhi\r\n.\r\n"),
        ("S", "250 2.0.0 taken\r\n"),
        ("-C", "QUIT\r\n"),
        ("-S", "221 bye\r\n"),
    ]);
    assert_eq!(timeline.protocol, Protocol::Smtp);
    let expected = [
        "EHLO=250",
        "MAIL=250",
        "RCPT=550",
        "RCPT=250",
        "DATA=354",
        "content=250",
        "QUIT=221",
    ];
    assert_eq!(pairs(&timeline), expected);
    assert_eq!(unpaired(&timeline), [220]);
    assert_eq!(
        messages(&timeline),
        [message("Subject: x\r\n\r\nhi\r\n", true, Some(true))]
    );

    let capabilities = &timeline.capabilities[0];
    assert_eq!(capabilities.mechanisms(), ["LOGIN", "PLAIN", "NTLM"]);
    assert_eq!(
        capabilities.get("SIZE").expect("offered").value.parameters,
        ["100"]
    );

    let transaction = &timeline.transactions[0];
    assert_eq!(transaction.reverse_path.value, "a@x");
    let names: Vec<_> = transaction
        .parameters
        .iter()
        .map(|p| p.value.name.as_str())
        .collect();
    assert_eq!(names, ["SIZE", "AUTH"]);
    let accepted: Vec<_> = transaction.recipients.iter().map(|r| r.accepted).collect();
    assert_eq!(accepted, [Some(false), Some(true)]);
    let data = transaction.data.as_ref().expect("sent");
    let content = timeline.request(data.exchange).expect("an event");
    assert_eq!(
        (content.span, content.packets.as_slice()),
        (data.span, &[12][..])
    );
    assert_eq!(timeline.packets(data.content.span(0..7)), [12]);
    assert!(matches!(
        timeline.events.last().map(|e| &e.kind),
        Some(EventKind::Fin)
    ));
}

#[test]
fn stuffed_dots_go_and_places_stay() {
    let timeline = read(&[
        ("C", "DATA\r\n"),
        ("S", "354 go\r\n"),
        ("C", "..a\r\nb\r\n.\r\n"),
        ("S", "250 ok\r\n"),
    ]);
    assert_eq!(
        messages(&timeline),
        [message(".a\r\nb\r\n", true, Some(true))]
    );
    let data = timeline.transactions[0].data.as_ref().expect("sent");
    assert_eq!((data.span.start, data.span.end), (6, 17));
    assert_eq!(
        (data.content.span(0..2).start, data.content.span(0..2).end),
        (7, 9)
    );
    assert_eq!(data.content.span(4..5).start, 11);
}

#[test]
fn pipelined_commands_are_paired_in_order() {
    let timeline = read(&[
        ("S", "220 mx\r\n"),
        ("C", "EHLO a\r\n"),
        ("S", "250-mx\r\n250 PIPELINING\r\n"),
        (
            "C",
            "MAIL FROM:<a>\r\nRCPT TO:<b>\r\nRCPT TO:<c>\r\nDATA\r\n",
        ),
        ("S", "250 ok\r\n250 ok\r\n450 later\r\n354 go\r\n"),
        ("C", "x\r\n.\r\nMAIL FROM:<d>\r\nRCPT TO:<e>\r\nDATA\r\n"),
        ("S", "250 one\r\n250 ok\r\n250 ok\r\n354 go\r\n"),
        ("C", "y\r\n.\r\nQUIT\r\n"),
        ("S", "554 no\r\n221 bye\r\n"),
    ]);
    assert_eq!(
        pairs(&timeline)[1..],
        [
            "MAIL=250",
            "RCPT=250",
            "RCPT=450",
            "DATA=354",
            "content=250",
            "MAIL=250",
            "RCPT=250",
            "DATA=354",
            "content=554",
            "QUIT=221"
        ]
    );
    let expected = [
        message("x\r\n", true, Some(true)),
        message("y\r\n", true, Some(false)),
    ];
    assert_eq!(messages(&timeline), expected);
}

#[test]
fn content_sent_before_the_354_is_still_content() {
    let timeline = read(&[
        ("S", "220 mx\r\n"),
        ("C", "HELO a\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\n"),
        ("C", "\r\nQUIT\r\nx\r\n.\r\nQUIT\r\n"),
        ("S", "250 mx\r\n250 ok\r\n250 ok\r\n"),
        ("S", "354 go\r\n250 taken\r\n221 bye\r\n"),
    ]);
    assert_eq!(
        messages(&timeline),
        [message("\r\nQUIT\r\nx\r\n", true, Some(true))]
    );
    assert_eq!(
        pairs(&timeline).last().map(String::as_str),
        Some("QUIT=221")
    );
}

#[test]
fn data_refused_leaves_commands() {
    let timeline = read(&[
        ("S", "220 mx\r\n"),
        ("C", "MAIL FROM:<a>\r\n"),
        ("S", "250 ok\r\n"),
        ("C", "DATA\r\n"),
        ("S", "554 no recipients\r\n"),
        ("C", "Subject: x\r\n.\r\nRSET\r\n"),
        ("S", "500 what\r\n500 what\r\n250 ok\r\n"),
    ]);
    let expected = ["MAIL=250", "DATA=554", "SUBJECT:=500", ".=500", "RSET=250"];
    assert_eq!(pairs(&timeline), expected);
    assert_eq!(messages(&timeline), []);
}

#[test]
fn another_3yz_to_data_is_judged_by_what_follows() {
    let start = [("C", "DATA\r\n"), ("S", "350 go\r\n")];
    let sent = read(
        &[
            &start[..],
            &[("C", "Subject: x\r\n.\r\n"), ("S", "250 ok\r\n")],
        ]
        .concat(),
    );
    assert_eq!(
        messages(&sent),
        [message("Subject: x\r\n", true, Some(true))]
    );
    let not_sent = read(&[&start[..], &[("C", "RSET\r\n"), ("S", "250 ok\r\n")]].concat());
    assert_eq!(pairs(&not_sent), ["DATA=350", "RSET=250"]);
}

#[test]
fn an_early_refusal_is_the_reply_to_the_content() {
    let timeline = read(&[
        ("S", "220 mx\r\n"),
        ("C", "MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\n"),
        ("S", "250 ok\r\n250 ok\r\n354 go\r\n"),
        ("C", "first\r\n"),
        ("S", "552 too big\r\n"),
        ("C", "RSET\r\n.\r\nQUIT\r\n"),
        ("S", "221 bye\r\n"),
    ]);
    assert_eq!(
        messages(&timeline),
        [message("first\r\nRSET\r\n", true, Some(false))]
    );
    assert_eq!(pairs(&timeline)[3..], ["content=552", "QUIT=221"]);
}

#[test]
fn a_content_of_bare_line_feeds_ends_where_the_server_shows_it() {
    let timeline = read(&[
        ("S", "220 mx\r\n"),
        ("C", "MAIL FROM:<a>\nRCPT TO:<b>\nDATA\n"),
        ("S", "250 ok\r\n250 ok\r\n354 go\r\n"),
        ("C", "a\n..b\n.\n"),
        ("S", "250 taken\r\n"),
        ("C", "QUIT\n"),
        ("S", "221 bye\r\n"),
    ]);
    assert_eq!(messages(&timeline), [message("a\n.b\n", true, Some(true))]);
    assert_eq!(pairs(&timeline)[3..], ["content=250", "QUIT=221"]);
    let (_, _, quit) = timeline.commands().last().expect("a command");
    assert_eq!(quit.terminator, Terminator::Lf);
}

#[test]
fn a_refused_content_of_bare_line_feeds_ends_with_the_next_command() {
    let start = [
        ("S", "220 mx\r\n"),
        ("C", "MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\n"),
        ("S", "250 ok\r\n250 ok\r\n354 go\r\n"),
        ("C", "a\n.\n"),
        ("S", "554 no\r\n"),
    ];
    let over = read(&[&start[..], &[("C", "QUIT\r\n"), ("S", "221 bye\r\n")]].concat());
    assert_eq!(messages(&over), [message("a\n", true, Some(false))]);
    assert_eq!(pairs(&over).last().map(String::as_str), Some("QUIT=221"));
    let going_on = read(&[&start[..], &[("C", "more\r\n.\r\n")]].concat());
    assert_eq!(
        messages(&going_on),
        [message("a\n.\nmore\r\n", true, Some(false))]
    );
}

#[test]
fn a_smuggled_end_of_data_stays_content_for_a_strict_server() {
    let timeline = read(&[
        ("C", "MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\n"),
        ("S", "250 ok\r\n250 ok\r\n354 go\r\n"),
        (
            "C",
            "a\n.\r\nMAIL FROM:<x>\r\nRCPT TO:<y>\r\nDATA\r\nb\r\n.\r\n",
        ),
        ("S", "250 taken\r\n"),
    ]);
    assert_eq!(timeline.transactions.len(), 1);
    assert_eq!(
        messages(&timeline)[0].0,
        "a\n.\r\nMAIL FROM:<x>\r\nRCPT TO:<y>\r\nDATA\r\nb\r\n"
    );
}

#[test]
fn chunks_are_counted_and_not_looked_into() {
    let timeline = read(&[
        ("S", "220 mx\r\n"),
        (
            "C",
            "MAIL FROM:<a>\r\nRCPT TO:<b>\r\nBDAT 7\r\n\r\n.\r\n12BDAT 5 last\r\nQUIT\r",
        ),
        ("S", "250 ok\r\n250 ok\r\n250 7 octets\r\n250 taken\r\n"),
        ("C", "QUIT\r\n"),
        ("S", "221 bye\r\n"),
    ]);
    assert_eq!(
        messages(&timeline),
        [message("\r\n.\r\n12QUIT\r", true, Some(true))]
    );
    let expected = [
        "MAIL=250",
        "RCPT=250",
        "BDAT=250",
        "content=250",
        "BDAT=250",
        "content=250",
        "QUIT=221",
    ];
    assert_eq!(pairs(&timeline), expected);
    let data = timeline.transactions[0].data.as_ref().expect("sent");
    assert_eq!((data.command, data.exchange), (2, 5));
}

#[test]
fn the_last_chunk_may_be_empty() {
    let timeline = read(&[
        ("C", "MAIL FROM:<a>\r\nRCPT TO:<b>\r\nBDAT 2\r\nhi"),
        ("S", "250 ok\r\n250 ok\r\n250 ok\r\n"),
        ("C", "BDAT 0 LAST\r\n"),
        ("S", "554 no\r\n"),
    ]);
    assert_eq!(messages(&timeline), [message("hi", true, Some(false))]);
}

#[test]
fn a_chunk_refused_before_its_bytes_may_be_given_up() {
    let timeline = read(&[
        ("C", "MAIL FROM:<a>\r\nRCPT TO:<b>\r\n"),
        ("S", "250 ok\r\n250 ok\r\n"),
        ("C", "BDAT 1000 LAST\r\nabc"),
        ("S", "552 too big\r\n"),
        ("C", "RSET\r\n"),
        ("S", "250 ok\r\n"),
    ]);
    assert_eq!(
        pairs(&timeline)[2..],
        ["BDAT=552", "content=552", "RSET=250"]
    );
    assert_eq!(messages(&timeline), [message("abc", false, Some(false))]);
}

#[test]
fn a_malformed_chunk_command_is_answered_like_any_other() {
    let timeline = read(&[
        (
            "C",
            "MAIL FROM:<a>\r\nBDAT x\r\nBDAT 4 LAST LAST\r\nNOOP\r\n",
        ),
        ("S", "250 ok\r\n501 a\r\n501 b\r\n250 c\r\n"),
    ]);
    assert_eq!(
        pairs(&timeline),
        ["MAIL=250", "BDAT=501", "BDAT=501", "NOOP=250"]
    );
}

#[test]
fn transactions_end_where_the_server_ends_them() {
    let timeline = read(&[
        ("C", "MAIL FROM:<a>\r\n"),
        ("S", "250 ok\r\n"),
        ("C", "MAIL FROM:<nested>\r\n"),
        ("S", "503 nested\r\n"),
        ("C", "EHLO again\r\n"),
        ("S", "501 no\r\n"),
        ("C", "RCPT TO:<b>\r\n"),
        ("S", "250 ok\r\n"),
        ("C", "RSET\r\n"),
        ("S", "250 ok\r\n"),
        ("C", "RCPT TO:<c>\r\n"),
        ("S", "503 no mail\r\n"),
    ]);
    let seen: Vec<_> = timeline
        .transactions
        .iter()
        .map(|t| (t.reverse_path.value.as_str(), t.recipients.len()))
        .collect();
    assert_eq!(seen, [("a", 1), ("nested", 0)]);
}

#[test]
fn odd_replies_keep_their_place() {
    let timeline = read(&[
        ("S", "220-mx\r\n220 ESMTP\r\n"),
        ("C", "EHLO a\r\n"),
        ("S", "250\r\n"),
        ("C", "NOOP\r\n"),
        ("S", "what is this\r\n"),
        ("C", "MAIL FROM:<a>\r\n"),
        ("S", "a note\r\n250 ok\r\n"),
        ("C", "RCPT TO:<b>\r\n"),
        ("S", "250 ok\r\n421 closing\r\n"),
    ]);
    assert_eq!(
        pairs(&timeline),
        ["EHLO=250", "NOOP=0", "MAIL=250", "RCPT=250"]
    );
    assert_eq!(unpaired(&timeline), [220, 0, 421]);
}

#[test]
fn a_354_that_data_did_not_ask_for_begins_no_content() {
    let timeline = read(&[
        ("C", "MAIL FROM:<a>\r\n"),
        ("S", "354 go\r\n"),
        ("C", "RCPT TO:<b>\r\n"),
        ("S", "250 ok\r\n"),
    ]);
    assert_eq!(pairs(&timeline), ["MAIL=354", "RCPT=250"]);
}

#[test]
fn with_lmtp_each_recipient_has_a_reply() {
    let timeline = read(&[
        ("S", "220 mx LMTP\r\n"),
        ("C", "LHLO a\r\n"),
        ("S", "250 mx\r\n"),
        (
            "C",
            "MAIL FROM:<a>\r\nRCPT TO:<b>\r\nRCPT TO:<c>\r\nRCPT TO:<d>\r\nDATA\r\n",
        ),
        ("S", "250 ok\r\n250 ok\r\n550 no\r\n250 ok\r\n354 go\r\n"),
        ("C", "x\r\n.\r\nQUIT\r\n"),
        ("S", "452 full\r\n250 stored\r\n221 bye\r\n"),
    ]);
    assert_eq!(
        pairs(&timeline),
        [
            "LHLO=250",
            "MAIL=250",
            "RCPT=250",
            "RCPT=550",
            "RCPT=250",
            "DATA=354",
            "content=452",
            "QUIT=221"
        ]
    );
    assert_eq!(messages(&timeline), [message("x\r\n", true, Some(true))]);
    // The greeting, and what the second recipient got.
    assert_eq!(unpaired(&timeline), [220, 250]);
}

//! Transcripts as clients meet them.

use std::io::ErrorKind;
use std::time::Duration;

use super::client::{Client, bind, start, start_with};
use super::tls::upgrade;
use crate::server::ServerReport;

fn file(transcript: &str) -> String {
    format!("transcript = \"\"\"\n{transcript}\n\"\"\"\n")
}

/// Why the dialogues were not played, and the line of the file where they went astray.
fn astray(report: &ServerReport, tables: &str) -> Vec<(usize, String)> {
    let text = format!("id = \"SES-01\"\ntitle = \"t\"\n{tables}");
    report
        .unfired()
        .map(|fired| {
            let before = text.get(..fired.span.start).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            (line, fired.why.clone().unwrap_or_default())
        })
        .collect()
}

const WHOLE: &str = "S: 220 hello\nC: EHLO *\nS: 250-hello\nS: 250 SIZE 10\nC: MAIL FROM:<*>\nC: RCPT TO:<b@example.test>\n\
    S: 250 one\nS: 250 two\nC: DATA\nS: 354 go\n(content)\nS: 250 taken\nC: QUIT\nS: 221 bye";

#[tokio::test]
async fn a_dialogue_is_played_line_by_line() {
    let server = start(&file(WHOLE));
    let mut client = Client::connect(server.address()).await;
    assert_eq!(client.reply().await, "220 hello\r\n");
    assert_eq!(client.say("ehlo x").await, "250-hello\r\n250 SIZE 10\r\n");
    client.send("MAIL FROM:<a@example.test>\r\n").await;
    assert_eq!(client.say("RCPT TO:<b@example.test>").await, "250 one\r\n");
    assert_eq!(client.reply().await, "250 two\r\n");
    assert_eq!(client.say("DATA").await, "354 go\r\n");
    assert_eq!(client.say("QUIT\r\n.").await, "250 taken\r\n");
    assert_eq!(client.say("QUIT").await, "221 bye\r\n");
    assert_eq!(client.rest().await, b"", "the server closes at the end");
    let report = server.stop().await.expect("it ran");
    assert_eq!((report.unfired().count(), report.accepted), (0, 1));
    assert_eq!(report.fired[0].hits, 1);
}

#[tokio::test]
async fn a_line_that_does_not_come_is_named_with_its_place_and_without_what_came() {
    let tables = file(WHOLE);
    let server = start(&tables);
    let mut client = Client::greeted(server.address()).await;
    client.say("EHLO x").await;
    let secret = "AHN2YwBjYW5hcnk=";
    assert!(
        client
            .say(&format!("AUTH PLAIN {secret}"))
            .await
            .starts_with("503 ")
    );
    assert!(
        client.say("MAIL FROM:<a@b>").await.starts_with("503 "),
        "the play is over"
    );
    assert!(client.say("QUIT").await.starts_with("221 "));
    assert_eq!(client.rest().await, b"");
    let report = server.stop().await.expect("it ran");
    let why = "`MAIL FROM:<*>` was expected, and `AUTH` with an argument of 22 octets came";
    assert_eq!(astray(&report, &tables), [(8, why.to_owned())]);
    assert!(!format!("{report:?}").contains(secret));
}

#[tokio::test]
async fn what_is_no_command_is_told_by_its_length() {
    let tables = file("S: 220 x\nC: NOOP");
    let server = start(&tables);
    let mut client = Client::greeted(server.address()).await;
    assert!(client.say("c2VjcmV0").await.starts_with("503 "));
    for _ in 0..19 {
        assert!(client.say("x").await.starts_with("503 "));
    }
    client.send("x\r\n").await;
    client.rest().await;
    let report = server.stop().await.expect("it ran");
    let why = "`NOOP` was expected, and a line of 8 octets came";
    assert_eq!(astray(&report, &tables), [(5, why.to_owned())]);
}

#[tokio::test]
async fn a_client_that_is_gone_or_silent_is_told_apart() {
    let tables = file(
        "S: 220 x\nC: EHLO *\nS: 250 x\n(connection)\nS: 220 y\nC: EHLO *\n(connection)\nS: 220 z",
    );
    let server = start_with(&tables, |options| {
        options.idle = Duration::from_millis(60);
    });
    drop(Client::greeted(server.address()).await);
    let mut silent = Client::greeted(server.address()).await;
    assert!(silent.reply().await.starts_with("421 4.4.2 "));
    let report = server.stop().await.expect("it ran");
    assert_eq!(
        astray(&report, &tables),
        [
            (
                5,
                "`EHLO *` was expected, and the client closed the connection".to_owned()
            ),
            (
                9,
                "`EHLO *` was expected, and a limit ended the connection: it sent nothing for 60ms"
                    .to_owned()
            ),
            (11, "no client came for it".to_owned()),
        ]
    );
}

#[tokio::test]
async fn each_connection_has_its_own_dialogue_as_a_retry_needs() {
    let server = start(&file(
        "S: 421 later\n(close)\n(connection)\nS: 220 now\nC: QUIT\nS: 221 bye",
    ));
    let mut first = Client::connect(server.address()).await;
    assert_eq!(first.rest().await, b"421 later\r\n");
    let mut second = Client::greeted(server.address()).await;
    assert_eq!(second.say("QUIT").await, "221 bye\r\n");
    let mut third = Client::connect(server.address()).await;
    assert!(
        third.reply().await.starts_with("421 4.3.2 "),
        "there is no third"
    );
    assert_eq!(server.stop().await.expect("it ran").unfired().count(), 0);
}

#[tokio::test]
async fn tls_comes_up_where_the_transcript_says() {
    let tables = file("S: 220 x\nC: STARTTLS\nS: 220 go\n(tls)\nC: EHLO *\nS: 250 under TLS");
    let server = bind(&format!("{tables}[server]\ntls = \"starttls\"\n"), |_| {});
    let authority = server.ca_certificate().to_vec();
    let server = server.spawn().expect("spawned");
    let mut client = Client::greeted(server.address()).await;
    assert_eq!(client.say("STARTTLS").await, "220 go\r\n");
    let mut client = Client::over(upgrade(client.into_inner(), &authority).await);
    assert_eq!(client.say("EHLO x").await, "250 under TLS\r\n");
    assert_eq!(server.stop().await.expect("it ran").unfired().count(), 0);
}

#[tokio::test]
async fn a_connection_is_reset_after_some_bytes() {
    let server = start(&file("S: 220 x\nC: DATA\nS: 354 go\n(read 5)\n(reset)"));
    let mut client = Client::greeted(server.address()).await;
    assert!(client.say("DATA").await.starts_with("354 "));
    client.send("12345").await;
    assert_eq!(client.broken().await, ErrorKind::ConnectionReset);
    assert_eq!(server.stop().await.expect("it ran").unfired().count(), 0);
}

#[tokio::test]
async fn content_without_an_end_is_given_up() {
    let tables = file("S: 220 x\n(content)\nS: 250 x");
    let server = start(&format!("{tables}[server]\nmessage_limit = 10\n"));
    let mut client = Client::greeted(server.address()).await;
    client.send(&"x".repeat(100_000)).await;
    assert!(client.reply().await.starts_with("503 "));
    drop(client);
    let report = server.stop().await.expect("it ran");
    let why = "message content was expected, and content without an end came";
    assert_eq!(astray(&report, &tables), [(5, why.to_owned())]);
}

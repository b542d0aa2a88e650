//! Clients that never read, never send or send for ever: a limit ends each, and the report names it.

use std::net::SocketAddr;
use std::time::Duration;

use rstest::rstest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::client::{Client, start, start_with};
use crate::server::{Limit, Running};

const LIMITED: &str = "[server]\nextensions = [\"CHUNKING\"]\nmessage_limit = 1000\n";

/// What the report says of the only connection.
async fn ended(server: Running, peer: SocketAddr) -> Limit {
    let report = server.stop().await.expect("it ran");
    assert_eq!((report.ended.len(), report.more_ended), (1, 0));
    assert_eq!(
        (report.ended[0].connection, report.ended[0].peer),
        (1, peer)
    );
    report.ended[0].limit
}

/// Sends the same bytes until the server has had enough. Says what it said.
async fn flood(stream: TcpStream, bytes: &[u8]) -> String {
    let (mut from, mut to) = stream.into_split();
    let listening = tokio::spawn(async move {
        let mut said = Vec::new();
        // What came before a RST counts.
        let _ = from.read_to_end(&mut said).await;
        String::from_utf8_lossy(&said).into_owned()
    });
    while to.write_all(bytes).await.is_ok() {}
    listening.await.expect("no panic")
}

#[tokio::test]
async fn a_client_that_never_sends_is_named() {
    let idle = Duration::from_millis(30);
    let server = start_with("", |options| options.idle = idle);
    let mut client = Client::connect(server.address()).await;
    let peer = client.local();
    assert!(
        client
            .rest()
            .await
            .ends_with(b"421 4.4.2 idle for too long, closing\r\n")
    );
    assert_eq!(ended(server, peer).await, Limit::Silence(idle));
}

#[tokio::test]
async fn a_client_that_never_reads_is_aborted() {
    let endless = "[[on]]\ncommand = \"NOOP\"\n\
                   reply = [{ generate = { text = \"250-more\\r\\n\", count = 100000000 } }]\n";
    let idle = Duration::from_millis(100);
    let server = start_with(endless, |options| options.idle = idle);
    let mut client = Client::greeted(server.address()).await;
    let peer = client.local();
    client.send("NOOP\r\n").await;
    let mut stream = client.into_inner();
    // Nothing is read; only whether the connection is still there is looked at.
    while stream.write_all(b"NOOP\r\n").await.is_ok() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(ended(server, peer).await, Limit::Unread(idle));
}

#[tokio::test]
async fn a_line_without_an_end_is_not_read_for_ever() {
    let server = start(LIMITED);
    let client = Client::greeted(server.address()).await;
    let peer = client.local();
    let said = flood(client.into_inner(), &[b'x'; 10_000]).await;
    assert_eq!(said, "421 4.7.0 line without an end, closing\r\n");
    assert!(matches!(
        ended(server, peer).await,
        Limit::Line(1_048_577..1_100_000)
    ));
}

#[rstest]
#[case::content("DATA\r\n", "552 5.3.4 message too big, closing\r\n")]
#[case::chunk("BDAT 18446744073709551615\r\n", "")]
#[tokio::test]
async fn content_without_an_end_is_not_read_for_ever(
    #[case] command: &str,
    #[case] farewell: &str,
) {
    let server = start(LIMITED);
    let mut client = Client::in_transaction(server.address()).await;
    let peer = client.local();
    client.send(command).await;
    let said = flood(client.into_inner(), &b"x".repeat(998)).await;
    assert!(said.ends_with(farewell), "{said}");
    assert!(matches!(
        ended(server, peer).await,
        Limit::Content(67_536..100_000)
    ));
}

#[tokio::test]
async fn a_client_that_goes_on_and_on_has_had_its_time() {
    let session = Duration::from_millis(60);
    let server = start_with("", |options| options.session = session);
    let mut client = Client::greeted(server.address()).await;
    let peer = client.local();
    let mut replies = 0;
    let last = loop {
        client.send("NOOP\r\n").await;
        let reply = client.reply().await;
        if !reply.starts_with("250 ") {
            break reply;
        }
        replies += 1;
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert_eq!(last, "421 4.4.2 connected for too long, closing\r\n");
    assert!(replies > 0);
    assert_eq!(ended(server, peer).await, Limit::Session(session));
}

#[tokio::test]
async fn a_client_that_is_always_refused_is_named() {
    let server = start("");
    let mut client = Client::greeted(server.address()).await;
    let peer = client.local();
    client.send(&"FOO\r\n".repeat(100)).await;
    client.rest().await;
    assert_eq!(ended(server, peer).await, Limit::Refusals(100));
}

#[tokio::test]
async fn who_leaves_in_good_order_is_not_named() {
    let server = start("");
    let mut client = Client::greeted(server.address()).await;
    client.say("QUIT").await;
    client.rest().await;
    assert_eq!(server.stop().await.expect("it ran").ended, []);
}

#[tokio::test]
async fn a_client_that_commands_for_ever_is_named() {
    let responses =
        "[server]\nextensions = [\"AUTH LOGIN\"]\n[[on]]\nphase = \"auth\"\nreply = \"334 more\"\n";
    for (tables, line) in [("", "NOOP\r\n"), (responses, "AUTH LOGIN\r\n")] {
        let server = start(tables);
        let client = Client::greeted(server.address()).await;
        let peer = client.local();
        let said = flood(client.into_inner(), line.repeat(100).as_bytes()).await;
        assert!(said.ends_with("421 4.7.0 too many commands, closing\r\n"));
        assert_eq!(ended(server, peer).await, Limit::Commands(10_001));
    }
}

#[tokio::test]
async fn messages_keep_a_long_session_going() {
    let server = start("");
    let mut client = Client::in_transaction(server.address()).await;
    for round in 0..2 {
        client.send(&"NOOP\r\n".repeat(6000)).await;
        for _ in 0..6000 {
            client.reply().await;
        }
        if round == 0 {
            assert!(client.say("DATA").await.starts_with("354 "));
            assert!(client.say(".").await.starts_with("250 "));
        }
    }
    assert!(client.say("QUIT").await.starts_with("221 "));
    assert_eq!(server.stop().await.expect("it ran").ended, []);
}

#[rstest]
#[case::nothing(b"")]
#[case::half(b"\x16\x03\x01")]
#[tokio::test]
async fn a_client_that_does_no_handshake_is_named_and_told_nothing(#[case] begin: &[u8]) {
    let idle = Duration::from_millis(60);
    let server = start_with("[server]\ntls = \"implicit\"\n", |options| {
        options.idle = idle;
    });
    let mut stream = TcpStream::connect(server.address())
        .await
        .expect("connected");
    let peer = stream.local_addr().expect("an address");
    stream.write_all(begin).await.expect("sent");
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said).await;
    assert_eq!(said, b"");
    drop(stream);
    assert_eq!(ended(server, peer).await, Limit::Handshake(idle));
}

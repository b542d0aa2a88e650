//! Clients that would hold the server for ever are ended, and named.

use std::time::Duration;

use rstest::rstest;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::client::{Client, bind, start_with};
use crate::server::{Limit, Options, Running};

/// A server that waits for a moment only.
fn impatient(tables: &str) -> Running {
    start_with(tables, |options| {
        options.idle = Duration::from_millis(60);
    })
}

/// The limit that ended the only connection.
async fn limit(server: Running) -> Option<Limit> {
    let report = server.stop().await.expect("it ran");
    match report.ended[..] {
        [] => None,
        [(1, limit)] => Some(limit),
        ref other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_client_that_behaves_is_not_named() {
    let server = impatient("");
    let mut client = Client::greeted(server.address()).await;
    client.say("QUIT").await;
    client.rest().await;
    assert_eq!(limit(server).await, None);
}

#[tokio::test]
async fn a_client_that_never_sends_is_named() {
    let server = impatient("");
    let mut client = Client::greeted(server.address()).await;
    assert!(client.reply().await.starts_with("421 4.4.2 idle"));
    assert_eq!(limit(server).await, Some(Limit::Silent));
}

#[tokio::test]
async fn a_client_that_never_reads_is_named() {
    let server = impatient(&format!(
        "[[on]]\ncommand = \"EHLO\"\nmust_fire = false\nreply = [{{ generate = {{ text = \"250-more\\r\\n\", count = {} }} }}]\n",
        i64::MAX
    ));
    let mut client = Client::greeted(server.address()).await;
    client.send("EHLO x\r\n").await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(limit(server).await, Some(Limit::NotReading));
    drop(client);
}

/// Sends bytes over and over until the server ends the connection; gives up after a while.
async fn flood(mut stream: TcpStream, unit: &[u8]) {
    let much = unit.repeat(4096 / unit.len());
    let (mut reading, mut writing) = stream.split();
    let sending = async { while writing.write_all(&much).await.is_ok() {} };
    let mut heard = tokio::io::sink();
    let hearing = tokio::io::copy(&mut reading, &mut heard);
    let either = async {
        tokio::select! {
            () = sending => {}
            _ = hearing => {}
        }
    };
    tokio::time::timeout(Duration::from_secs(30), either)
        .await
        .expect("the server ends it");
}

#[rstest]
#[case::a_line("", b"x", Limit::EndlessLine)]
#[case::commands("", b"NOOP\r\n", Limit::EndlessCommands)]
#[case::mistakes("", b"XYZZY\r\n", Limit::Mistakes)]
#[case::responses(
    "[server]\nextensions = [\"AUTH LOGIN\"]\n[[on]]\nphase = \"auth\"\nreply = \"334 more\"\n",
    b"AUTH LOGIN\r\n",
    Limit::EndlessCommands
)]
#[case::content(
    "[server]\nmessage_limit = 1000\n[[on]]\ncommand = \"NOOP\"\nreply = \"250 x\"\nmust_fire = false\n[[on]]\ncommand = \"DATA\"\nreply = \"354 go\"\n",
    b"DATA\r\n",
    Limit::EndlessContent
)]
#[case::a_chunk(
    "[server]\nmessage_limit = 1000\nextensions = [\"CHUNKING\"]\n",
    b"BDAT 18446744073709551615\r\n",
    Limit::EndlessContent
)]
#[tokio::test]
async fn a_client_that_sends_forever_is_named(
    #[case] tables: &str,
    #[case] unit: &[u8],
    #[case] expected: Limit,
) {
    let server = impatient(tables);
    let client = Client::greeted(server.address()).await;
    flood(client.into_inner(), unit).await;
    assert_eq!(limit(server).await, Some(expected));
}

#[tokio::test]
async fn a_client_that_does_no_handshake_is_named_and_told_nothing() {
    let server = bind("[server]\ntls = \"implicit\"\n", |options: &mut Options| {
        options.idle = Duration::from_millis(60);
    });
    let server = server.spawn().expect("spawned");
    let mut silent = Client::connect(server.address()).await;
    assert_eq!(silent.rest().await, b"");
    drop(silent);
    let mut half = TcpStream::connect(server.address())
        .await
        .expect("connected");
    half.write_all(b"\x16\x03\x01").await.expect("sent");
    tokio::time::sleep(Duration::from_millis(150)).await;
    let report = server.stop().await.expect("it ran");
    assert_eq!(
        report.ended,
        [(1, Limit::NoHandshake), (2, Limit::NoHandshake)]
    );
}

#[tokio::test]
async fn a_client_that_says_a_little_from_time_to_time_is_ended_as_well() {
    let server = start_with("", |options| {
        options.lifetime = Duration::from_millis(150);
    });
    let mut client = Client::greeted(server.address()).await;
    let mut said = String::new();
    for _ in 0..40 {
        said = client.say("NOOP").await;
        if !said.starts_with("250 ") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(
        said.starts_with("421 4.4.2 connected for too long"),
        "{said}"
    );
    assert_eq!(limit(server).await, Some(Limit::Overdue));
}

#[tokio::test]
async fn messages_keep_a_long_session_going() {
    let server = start_with("", |_| {});
    let mut client = Client::in_transaction(server.address()).await;
    let noops = "NOOP\r\n".repeat(6000);
    for round in 0..2 {
        let sending = client.send(&noops);
        sending.await;
        for _ in 0..6000 {
            client.reply().await;
        }
        if round == 0 {
            assert!(client.say("DATA").await.starts_with("354 "));
            assert!(client.say(".").await.starts_with("250 "));
        }
    }
    assert!(client.say("QUIT").await.starts_with("221 "));
    assert_eq!(limit(server).await, None);
}

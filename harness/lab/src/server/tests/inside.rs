//! Rules that act while message content is still arriving.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;

use super::client::{Client, start, start_with};

/// A client that was told to send content.
async fn sending(address: std::net::SocketAddr) -> Client<tokio::net::TcpStream> {
    let mut client = Client::in_transaction(address).await;
    assert!(client.say("DATA").await.starts_with("354 "));
    client
}

#[tokio::test]
async fn a_connection_is_reset_at_a_byte_of_the_content() {
    let server = start("[[on]]\ncommand = \"CONTENT\"\nat = 10\nreset = true\n");
    let mut client = sending(server.address()).await;
    client.send("123456789").await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    client.send("0").await;
    assert_eq!(client.broken().await, ErrorKind::ConnectionReset);
    let report = server.stop().await.expect("it ran");
    assert_eq!((report.fired[0].hits, report.accepted), (1, 0));
}

#[tokio::test]
async fn content_that_ends_before_the_byte_is_answered_as_ever() {
    let server = start("[[on]]\ncommand = \"CONTENT\"\nat = 10\nreset = true\n");
    let mut client = sending(server.address()).await;
    assert!(client.say("1234\r\n.").await.starts_with("250 "));
    let report = server.stop().await.expect("it ran");
    assert_eq!(report.unfired().count(), 1);
}

#[tokio::test]
async fn the_final_reply_can_come_early_and_then_comes_only_once() {
    let server = start(
        "[[on]]\ncommand = \"CONTENT\"\nat = 5\nreply = \"552 5.3.4 enough\"\n\
         [[on]]\ncommand = \"CONTENT\"\nnth = 2\nreply = \"250 second\"\nmust_fire = false\n",
    );
    let mut client = sending(server.address()).await;
    client.send("12345").await;
    assert_eq!(client.reply().await, "552 5.3.4 enough\r\n");
    client.send("678\r\n.\r\n").await;
    assert!(
        client.say("NOOP").await.starts_with("250 2.0.0 "),
        "the next reply is to the next command"
    );
    assert!(
        client
            .say("RCPT TO:<b@example.test>")
            .await
            .starts_with("503 "),
        "the transaction is over"
    );
    assert_eq!(server.stop().await.expect("it ran").accepted, 0);
}

#[tokio::test]
async fn several_rules_act_in_the_order_of_their_bytes_however_the_content_is_cut() {
    let rules = "[[on]]\ncommand = \"CONTENT\"\nat = 6\nreply = \"250 b\"\nthen = \"close\"\n\
                 [[on]]\ncommand = \"CONTENT\"\nat = 0\nreply = [{ send = \"2\" }]\n\
                 [[on]]\ncommand = \"CONTENT\"\nat = 3\nstop_reading = \"1ms\"\n";
    for cut in [1, 2, 3, 7] {
        let server = start(rules);
        let mut client = sending(server.address()).await;
        for piece in ["1", "2", "3", "4", "5", "6", "7"].chunks(cut) {
            client.send(&piece.concat()).await;
        }
        assert_eq!(client.reply().await, "2250 b\r\n");
        let report = server.stop().await.expect("it ran");
        assert_eq!(report.unfired().count(), 0, "cut every {cut} bytes");
    }
}

#[tokio::test]
async fn a_server_that_stops_reading_goes_on_afterwards() {
    let server = start("[[on]]\ncommand = \"CONTENT\"\nat = 2\nstop_reading = \"60ms\"\n");
    let mut client = sending(server.address()).await;
    let sent = Instant::now();
    assert!(client.say("1234\r\n.").await.starts_with("250 "));
    assert!(sent.elapsed() >= Duration::from_millis(60));
    assert_eq!(server.stop().await.expect("it ran").unfired().count(), 0);
}

#[tokio::test]
async fn a_small_window_and_a_server_that_stops_reading_hold_the_client_up() {
    let server = start(
        "[server]\nwindow = 2048\n[[on]]\ncommand = \"CONTENT\"\nat = 1000\nstop_reading = \"30s\"\n",
    );
    let mut stream = sending(server.address()).await.into_inner();
    let much = vec![b'x'; 8 << 20];
    let held = tokio::time::timeout(Duration::from_millis(200), stream.write_all(&much)).await;
    assert!(held.is_err(), "the window is closed");
    let stopping = Instant::now();
    server.stop().await.expect("it ran");
    assert!(
        stopping.elapsed() < Duration::from_secs(5),
        "stopping does not wait for the rule"
    );
}

#[tokio::test]
async fn a_half_closed_server_reads_on() {
    let server = start_with(
        "[[on]]\ncommand = \"CONTENT\"\nat = 3\nhalf_close = true\n",
        |options| options.idle = Duration::from_millis(200),
    );
    let mut client = sending(server.address()).await;
    client.send("123").await;
    assert_eq!(client.rest().await, b"", "a FIN and not a word");
    for _ in 0..6 {
        // Longer than an idle connection is left open in all.
        tokio::time::sleep(Duration::from_millis(50)).await;
        client.send("more\r\n").await;
    }
    drop(client);
    assert_eq!(server.stop().await.expect("it ran").unfired().count(), 0);
}

#[tokio::test]
async fn a_reply_can_be_followed_by_a_half_close() {
    let server =
        start("[[on]]\ncommand = \"MAIL\"\nreply = \"421 going\"\nthen = \"half-close\"\n");
    let mut client = Client::greeted(server.address()).await;
    client.say("EHLO x").await;
    assert_eq!(client.say("MAIL FROM:<a@b>").await, "421 going\r\n");
    assert_eq!(client.rest().await, b"");
    client.send("QUIT\r\n").await;
}

//! What rules make of the server.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use super::client::{Client, start, start_with};

#[tokio::test]
async fn the_nth_recipient_is_deferred() {
    let server = start("[[on]]\ncommand = \"RCPT\"\nnth = 2\nreply = \"450 4.2.0 later\"\n");
    let mut client = Client::in_transaction(server.address()).await;
    assert_eq!(
        client.say("RCPT TO:<c@example.test>").await,
        "450 4.2.0 later\r\n"
    );
    assert!(
        client
            .say("RCPT TO:<d@example.test>")
            .await
            .starts_with("250 ")
    );
    client.say("QUIT").await;
    let report = server.stop().await.expect("it ran");
    assert_eq!(
        report
            .fired
            .iter()
            .map(|fired| fired.hits)
            .collect::<Vec<_>>(),
        [1]
    );
    assert_eq!(report.unfired().count(), 0);
}

#[tokio::test]
async fn a_recipient_is_chosen_by_its_address_and_a_connection_by_its_number() {
    let rules = "[[on]]\ncommand = \"RCPT\"\nargument = \"B@EXAMPLE\"\nconnection = 2\nreply = \"550 5.1.1 no\"\n";
    let server = start(rules);
    let mut first = Client::in_transaction(server.address()).await;
    assert!(first.say("QUIT").await.starts_with("221 "));
    let mut second = Client::greeted(server.address()).await;
    second.say("EHLO x").await;
    second.say("MAIL FROM:<a@b>").await;
    assert!(
        second
            .say("RCPT TO:<c@example.test>")
            .await
            .starts_with("250 ")
    );
    assert!(
        second
            .say("RCPT TO:<b@example.test>")
            .await
            .starts_with("550 ")
    );
}

#[tokio::test]
async fn a_rule_that_never_fired_is_told() {
    let rules = "[[on]]\ncommand = \"VRFY\"\nclose = true\n[[on]]\ncommand = \"EXPN\"\nmust_fire = false\nclose = true\n";
    let server = start(rules);
    let mut client = Client::greeted(server.address()).await;
    client.say("QUIT").await;
    let report = server.stop().await.expect("it ran");
    assert_eq!(
        report.unfired().map(|fired| fired.rule).collect::<Vec<_>>(),
        [0]
    );
}

#[tokio::test]
async fn a_reply_in_pieces_arrives_in_pieces() {
    let server = start(
        "[[on]]\ncommand = \"EHLO\"\nreply = [{ send = \"250-a\\r\\n25\" }, { wait = \"60ms\" }, { send = \"0 b\\r\\n\" }]\n",
    );
    let mut client = Client::greeted(server.address()).await;
    let asked = Instant::now();
    assert_eq!(client.say("EHLO x").await, "250-a\r\n250 b\r\n");
    assert!(asked.elapsed() >= Duration::from_millis(60));
    assert!(
        client.say("MAIL FROM:<a@b>").await.starts_with("250 "),
        "the EHLO counts as accepted"
    );
}

#[tokio::test]
async fn the_server_acts_on_what_it_said() {
    let server = start(
        "[[on]]\ncommand = \"RCPT\"\nreply = \"550 5.1.1 no\"\n\
         [[on]]\ncommand = \"DATA\"\nreply = \"354 all the same\"\n\
         [[on]]\ncommand = \"CONTENT\"\nreply = \"451 4.3.0 later\"\n",
    );
    let mut client = Client::greeted(server.address()).await;
    client.say("EHLO x").await;
    client.say("MAIL FROM:<a@b>").await;
    assert!(client.say("RCPT TO:<c@d>").await.starts_with("550 "));
    assert_eq!(client.say("DATA").await, "354 all the same\r\n");
    assert_eq!(client.say(".").await, "451 4.3.0 later\r\n");
    assert_eq!(server.stop().await.expect("it ran").accepted, 0);
}

#[tokio::test]
async fn data_answered_250_is_followed_by_commands() {
    let server = start("[[on]]\ncommand = \"DATA\"\nreply = \"250 what\"\n");
    let mut client = Client::in_transaction(server.address()).await;
    assert_eq!(client.say("DATA").await, "250 what\r\n");
    assert!(client.say("Subject: x").await.starts_with("500 "));
}

#[tokio::test]
async fn a_connection_is_closed_after_a_reply_or_instead_of_one() {
    let server = start(
        "[[on]]\ncommand = \"MAIL\"\nreply = \"421 4.3.2 going\"\nthen = \"close\"\n[[on]]\ncommand = \"NOOP\"\nclose = true\n",
    );
    let mut client = Client::greeted(server.address()).await;
    client.say("EHLO x").await;
    assert_eq!(client.say("MAIL FROM:<a@b>").await, "421 4.3.2 going\r\n");
    assert_eq!(client.rest().await, b"");
    let mut client = Client::greeted(server.address()).await;
    assert_eq!(client.say("NOOP").await, "");
}

#[tokio::test]
async fn a_connection_is_reset() {
    let server = start("[[on]]\ncommand = \"CONTENT\"\nreset = true\n");
    let mut client = Client::in_transaction(server.address()).await;
    assert!(client.say("DATA").await.starts_with("354 "));
    client.send("x\r\n.\r\n").await;
    assert_eq!(client.broken().await, ErrorKind::ConnectionReset);
    assert_eq!(server.stop().await.expect("it ran").unfired().count(), 0);
}

#[tokio::test]
async fn a_greeting_that_refuses_is_followed_by_503() {
    let server = start("[[on]]\ncommand = \"GREETING\"\nreply = \"554 5.3.2 no service\"\n");
    let mut client = Client::connect(server.address()).await;
    assert_eq!(client.reply().await, "554 5.3.2 no service\r\n");
    assert!(client.say("EHLO x").await.starts_with("503 "));
    assert!(client.say("QUIT").await.starts_with("221 "));
}

#[tokio::test]
async fn silence_is_an_empty_reply() {
    let server = start_with("[[on]]\nphase = \"mail\"\nreply = []\n", |options| {
        options.idle = Duration::from_millis(80);
    });
    let mut client = Client::greeted(server.address()).await;
    client.say("EHLO x").await;
    client.send("MAIL FROM:<a@b>\r\n").await;
    assert!(
        client.reply().await.starts_with("421 4.4.2 "),
        "nothing before the idle time is over"
    );
}

#[tokio::test]
async fn an_endless_reply_ends_with_the_client() {
    let server = start(&format!(
        "[[on]]\ncommand = \"EHLO\"\nreply = [{{ generate = {{ text = \"250-more\\r\\n\", count = {} }} }}]\n",
        i64::MAX
    ));
    let mut client = Client::greeted(server.address()).await;
    client.send("EHLO x\r\n").await;
    let mut start = [0; 20];
    tokio::io::AsyncReadExt::read_exact(&mut client.into_inner(), &mut start)
        .await
        .expect("some of it");
    assert_eq!(&start, b"250-more\r\n250-more\r\n");
    let report = server.stop().await.expect("it ran");
    assert_eq!(
        report.fired[0].hits, 0,
        "it was never carried out to its end"
    );
}

#[tokio::test]
async fn a_rule_can_ask_on_where_the_mechanism_had_ended() {
    let server = start(
        "[server]\nextensions = [\"AUTH PLAIN\"]\n\
         [[on]]\ncommand = \"AUTH\"\nnth = 1\nreply = \"334 not-base64!\"\n\
         [[on]]\ncommand = \"AUTH\"\nnth = 2\nreply = \"235 2.7.0 whoever\"\n",
    );
    let mut client = Client::greeted(server.address()).await;
    client.say("EHLO x").await;
    assert_eq!(
        client.say("AUTH PLAIN AHN2YwB3cm9uZw==").await,
        "334 not-base64!\r\n"
    );
    assert!(client.say("AAAA").await.starts_with("535 "));
    assert!(
        client
            .say("AUTH PLAIN AHN2YwB3cm9uZw==")
            .await
            .starts_with("235 ")
    );
    assert!(
        client.say("AUTH PLAIN").await.starts_with("503 "),
        "the server believes what it said"
    );
}

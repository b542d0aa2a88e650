//! Replies of any shape: templates over the default, segments, odd line ends.

use tokio::io::AsyncReadExt;

use super::client::{Client, start};

/// A whole session; every reply, in order.
async fn replies(tables: &str) -> Vec<String> {
    let server = start(&format!(
        "[server]\nextensions = [\"SIZE 1000\", \"AUTH LOGIN\"]\n{tables}"
    ));
    let mut client = Client::connect(server.address()).await;
    let mut replies = vec![client.reply().await];
    for line in [
        "EHLO x",
        "AUTH LOGIN c3Zj",
        "Y2FuYXJ5",
        "MAIL FROM:<a@b>",
        "RCPT TO:<c@d>",
        "DATA",
        "x\r\n.",
        "QUIT",
    ] {
        replies.push(client.say(line).await);
    }
    let report = server.stop().await.expect("it ran");
    assert_eq!((report.accepted, report.authenticated), (1, 1));
    replies
}

#[tokio::test]
async fn a_template_changes_every_reply_and_nothing_else() {
    let plain = replies("").await;
    let rule = "[[on]]\nreply = \"\"\"{default-code}-first\n{default-code} {default-text}\"\"\"\n";
    let changed = replies(rule).await;
    assert_eq!(plain.len(), changed.len());
    for (plain, changed) in plain.iter().zip(&changed) {
        let code = &plain[..3];
        assert_eq!(*changed, format!("{code}-first\r\n{plain}"));
    }
}

#[tokio::test]
async fn a_template_can_drop_the_text_or_contradict_the_code() {
    let bare = replies("[[on]]\ncommand = \"EHLO\"\nreply = \"{default-code} {default-text}\"\n[[on]]\nreply = \"{default-code}\"\n").await;
    assert_eq!(bare[0], "220\r\n");
    assert_eq!(bare[4], "250\r\n");
    let odd = replies("[[on]]\nreply = \"{default-code} 5.0.0 failed\"\n").await;
    assert_eq!(odd[6], "354 5.0.0 failed\r\n");
}

#[tokio::test]
async fn replies_in_segments_say_the_same() {
    let plain = replies("").await;
    let server = "[server]\nextensions = [\"SIZE 1000\", \"AUTH LOGIN\"]\nsegment = 1\n";
    let server = start(server);
    let mut client = Client::connect(server.address()).await;
    assert_eq!(client.reply().await, plain[0]);
    assert_eq!(client.say("EHLO x").await, plain[1]);
}

#[tokio::test]
async fn odd_line_ends_and_bytes_go_out_as_they_are_written() {
    let server = start(
        "[[on]]\ncommand = \"NOOP\"\nreply = [{ send = \"250 lf\\n250 cr\\r250 nul \\u0000\" }, { hex = \"ff fe\" }]\n\
         [[on]]\ncommand = \"HELP\"\nreply = [{ send = \"{default-code} {default-text}\\n\" }]\nthen = \"close\"\n",
    );
    let mut client = Client::greeted(server.address()).await;
    client.send("NOOP\r\nHELP\r\n").await;
    let mut said = Vec::new();
    client
        .into_inner()
        .read_to_end(&mut said)
        .await
        .expect("an orderly end");
    assert_eq!(
        said,
        b"250 lf\n250 cr\r250 nul \0\xff\xfe214 2.0.0 see RFC 5321\n"
    );
}

#[tokio::test]
async fn a_challenge_of_12288_octets_is_valid_base64() {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    let server = start(
        "[server]\nextensions = [\"AUTH CRAM-MD5\"]\n[[on]]\ncommand = \"AUTH\"\n\
         reply = [{ send = \"334 \" }, { generate = { text = \"QUFB\", count = 3072 } }, { send = \"\\r\\n\" }]\n",
    );
    let mut client = Client::greeted(server.address()).await;
    client.say("EHLO x").await;
    let reply = client.say("AUTH CRAM-MD5").await;
    let text = reply[4..].trim_end();
    assert_eq!(text.len(), 12_288);
    assert!(STANDARD.decode(text).is_ok());
    assert!(client.say("*").await.starts_with("501 "));
}

#[tokio::test]
async fn what_comes_after_a_number_is_one_rule() {
    let server = start(
        "[[on]]\ncommand = \"RCPT\"\nnth = \">1\"\nreply = \"452 4.5.3 too many\"\n\
         [[on]]\ncommand = \"MAIL\"\nconnection = 1\nreply = \"451 4.3.0 later\"\nthen = \"close\"\n",
    );
    let mut first = Client::greeted(server.address()).await;
    first.say("EHLO x").await;
    assert!(first.say("MAIL FROM:<a@b>").await.starts_with("451 "));
    assert_eq!(first.rest().await, b"");
    let mut second = Client::in_transaction(server.address()).await;
    for _ in 0..3 {
        let reply = second.say("RCPT TO:<more@example.test>").await;
        assert!(reply.starts_with("452 "), "{reply}");
    }
    assert!(second.say("DATA").await.starts_with("354 "));
    assert!(second.say(".").await.starts_with("250 "));
    let report = server.stop().await.expect("it ran");
    assert_eq!((report.connections, report.accepted), (2, 1));
}

//! The server as clients meet it, over loopback.

mod capture;
mod client;
mod custody;
mod faults;
mod inside;
mod limits;
mod listeners;
mod reload;
mod shapes;
mod tls;
mod transcript;

use client::{Client, start};

const HELLO: &str =
    "[server]\nextensions = [\"PIPELINING\", \"SIZE 1000\", \"CHUNKING\"]\nmessage_limit = 1000\n";

#[tokio::test]
async fn a_message_is_delivered() {
    let server = start(HELLO);
    let mut client = Client::connect(server.address()).await;
    assert_eq!(client.reply().await, "220 mail.example.test ESMTP\r\n");
    let ehlo = "250-mail.example.test\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250 CHUNKING\r\n";
    assert_eq!(client.say("EHLO client.example.test").await, ehlo);
    assert!(
        client
            .say("MAIL FROM:<a@example.test> SIZE=10")
            .await
            .starts_with("250 ")
    );
    assert!(
        client
            .say("rcpt to:<b@example.test>")
            .await
            .starts_with("250 ")
    );
    assert!(client.say("DATA").await.starts_with("354 "));
    assert!(
        client
            .say("Subject: x\r\n\r\n..\r\n.")
            .await
            .starts_with("250 ")
    );
    assert!(client.say("QUIT").await.starts_with("221 "));
    assert_eq!(client.rest().await, b"", "the server closes after QUIT");
    let report = server.stop().await.expect("it ran");
    assert_eq!(
        (report.connections, report.accepted, report.authenticated),
        (1, 1, 0)
    );
}

#[tokio::test]
async fn commands_out_of_order_or_malformed_are_refused() {
    let server = start(HELLO);
    let mut client = Client::greeted(server.address()).await;
    for (line, code) in [
        ("MAIL FROM:<a@example.test>", "503"),
        ("EHLO", "501"),
        ("EHLO x", "250"),
        ("RCPT TO:<b@example.test>", "503"),
        ("DATA", "503"),
        ("MAIL a@example.test", "501"),
        ("MAIL FROM:<a@example.test> RET=HDRS", "555"),
        ("MAIL FROM:<a@example.test> SIZE=1001", "552"),
        ("MAIL FROM:<>", "250"),
        ("MAIL FROM:<a@example.test>", "503"),
        ("RCPT TO:<>", "501"),
        ("DATA", "554"),
        ("RSET", "250"),
        ("RCPT TO:<b@example.test>", "503"),
        ("NOOP x", "250"),
        ("VRFY b", "252"),
        ("EXPN b", "502"),
        ("HELP", "214"),
        ("STARTTLS", "502"),
        ("AUTH PLAIN", "502"),
        ("TURN", "502"),
        ("BDAT 1 FIRST", "501"),
        ("XYZZY", "500"),
        ("CONTENT", "500"),
        ("", "500"),
        ("QUIT now", "501"),
    ] {
        let reply = client.say(line).await;
        assert!(reply.starts_with(code), "{line:?} was answered {reply:?}");
    }
    let long = "NOOP ".to_owned() + &"x".repeat(3000);
    assert!(client.say(&long).await.starts_with("500 "));
    let longer = "x".repeat(100_000);
    assert!(client.say(&longer).await.starts_with("500 "));
    assert!(
        client.say("NOOP").await.starts_with("250 "),
        "the session goes on"
    );
}

#[tokio::test]
async fn a_message_over_the_limit_is_read_and_refused() {
    let server = start(HELLO);
    let mut client = Client::in_transaction(server.address()).await;
    assert!(client.say("DATA").await.starts_with("354 "));
    let body = "x".repeat(998) + "\r\n";
    assert!(
        client.say(&(body.clone() + ".")).await.starts_with("250 "),
        "1000 bytes are allowed"
    );
    client.transaction().await;
    assert!(client.say("DATA").await.starts_with("354 "));
    assert!(
        client
            .say(&("x".to_owned() + &body + "."))
            .await
            .starts_with("552 "),
        "1001 are not"
    );
    client.transaction().await;
    assert!(client.say("DATA").await.starts_with("354 "));
    client.send(&"x".repeat(200_000)).await;
    assert!(
        client.reply().await.starts_with("552 "),
        "far too much ends the session"
    );
    assert_eq!(server.stop().await.expect("it ran").accepted, 1);
}

#[tokio::test]
async fn chunks_are_counted_and_not_parsed() {
    let server = start(HELLO);
    let mut client = Client::in_transaction(server.address()).await;
    client.send("BDAT 7\r\nQUIT\r\n.").await;
    assert!(client.reply().await.starts_with("250 "));
    assert!(
        client.say("DATA").await.starts_with("503 "),
        "DATA and BDAT do not mix"
    );
    assert!(client.say("BDAT 0 LAST").await.starts_with("250 "));
    assert!(
        client.say("BDAT 0 LAST").await.starts_with("503 "),
        "the transaction is over"
    );
    client.transaction().await;
    client
        .send(&("BDAT 1001 LAST\r\n".to_owned() + &"x".repeat(1001)))
        .await;
    assert!(client.reply().await.starts_with("552 "));
    assert!(client.say("NOOP").await.starts_with("250 "));
    assert_eq!(server.stop().await.expect("it ran").accepted, 1);
}

#[tokio::test]
async fn commands_sent_together_are_answered_in_order() {
    let server = start(HELLO);
    let mut client = Client::greeted(server.address()).await;
    client
        .send("EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nRCPT TO:<e@f>\r\nDATA\r\n")
        .await;
    let mut codes = Vec::new();
    for _ in 0..5 {
        codes.push(client.reply().await[..3].to_owned());
    }
    assert_eq!(codes, ["250", "250", "250", "250", "354"]);
}

#[tokio::test]
async fn a_server_can_insist_on_authentication() {
    let server = start("[server]\nextensions = [\"AUTH PLAIN\"]\nrequire_auth = true\n");
    let mut client = Client::greeted(server.address()).await;
    client.say("EHLO x").await;
    assert!(
        client
            .say("MAIL FROM:<a@b>")
            .await
            .starts_with("530 5.7.0 ")
    );
    assert!(
        client
            .say("AUTH PLAIN AHN2YwBjYW5hcnk=")
            .await
            .starts_with("235 "),
        "svc, canary"
    );
    assert!(
        client
            .say("AUTH PLAIN AHN2YwBjYW5hcnk=")
            .await
            .starts_with("503 "),
        "once is enough"
    );
    assert!(client.say("MAIL FROM:<a@b>").await.starts_with("250 "));
    assert_eq!(server.stop().await.expect("it ran").authenticated, 1);
}

#[tokio::test]
async fn an_exchange_of_several_lines_can_be_refused_and_cancelled() {
    let server = start("[server]\nextensions = [\"AUTH LOGIN\"]\n");
    let mut client = Client::greeted(server.address()).await;
    assert!(
        client.say("AUTH LOGIN").await.starts_with("503 "),
        "before EHLO"
    );
    client.say("EHLO x").await;
    assert_eq!(client.say("AUTH LOGIN").await, "334 VXNlcm5hbWU6\r\n");
    assert_eq!(client.say("c3Zj").await, "334 UGFzc3dvcmQ6\r\n");
    assert!(client.say("d3Jvbmc=").await.starts_with("535 5.7.8 "));
    assert_eq!(client.say("AUTH LOGIN c3Zj").await, "334 UGFzc3dvcmQ6\r\n");
    assert!(client.say("*").await.starts_with("501 "));
    assert_eq!(client.say("AUTH LOGIN c3Zj").await, "334 UGFzc3dvcmQ6\r\n");
    assert!(
        client
            .say(&"A".repeat(20_000))
            .await
            .starts_with("500 5.5.6 ")
    );
    assert_eq!(client.say("AUTH LOGIN c3Zj").await, "334 UGFzc3dvcmQ6\r\n");
    assert!(client.say("Y2FuYXJ5").await.starts_with("235 "));
}

#[tokio::test]
async fn a_silent_client_is_let_go() {
    let server = client::start_with("", |options| {
        options.idle = std::time::Duration::from_millis(30);
    });
    let mut client = Client::greeted(server.address()).await;
    assert!(client.reply().await.starts_with("421 4.4.2 "));
    assert_eq!(client.rest().await, b"");
}

#[tokio::test]
async fn a_client_that_only_makes_mistakes_is_let_go() {
    let server = start("");
    let mut client = Client::greeted(server.address()).await;
    client.send(&"FOO\r\n".repeat(200)).await;
    let said = client.rest().await;
    let said = String::from_utf8_lossy(&said);
    assert_eq!(said.matches("500 ").count(), 100);
    assert!(said.ends_with("421 4.7.0 too many errors, closing\r\n"));
}

#[tokio::test]
async fn stopping_ends_open_connections_after_a_grace() {
    let server = client::start_with("", |options| {
        options.terms.grace = std::time::Duration::from_millis(20);
    });
    let mut client = Client::greeted(server.address()).await;
    let (report, said) = tokio::join!(server.stop(), client.rest());
    assert_eq!(report.expect("it ran").connections, 1);
    assert!(said.starts_with(b"421 4.3.2 "));
}

#[tokio::test]
async fn ntlm_goes_over_the_wire() {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use smtp::ntlm::{self, Challenge, ClientIdentity, FileTime};

    let server = start("[server]\nextensions = [\"AUTH NTLM\"]\n");
    let mut client = Client::greeted(server.address()).await;
    client.say("EHLO x").await;
    let negotiate = ntlm::negotiate(None);
    for (password, code) in [("wrong", "535 5.7.3 "), ("canary", "235 ")] {
        assert_eq!(client.say("AUTH NTLM").await, "334 ntlm supported\r\n");
        let reply = client.say(&STANDARD.encode(&negotiate)).await;
        let bytes = STANDARD.decode(reply[4..].trim_end()).expect("base64");
        let challenge = Challenge::parse(&bytes).expect("a challenge");
        let password = smtp::Secret::new(password);
        let identity = ClientIdentity {
            domain: "CORP",
            user: "svc",
            password: &password,
            workstation: "HOST",
        };
        let response = ntlm::respond(&negotiate, &challenge, &identity, [7; 8], FileTime(1))
            .expect("a response");
        assert!(
            client
                .say(&STANDARD.encode(response))
                .await
                .starts_with(code)
        );
    }
}

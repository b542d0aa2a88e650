//! How envelope and message go over: in groups, in chunks, and not at all.

use super::super::super::config::Transfer;
use super::*;

fn pipelining() -> Config {
    Config {
        transfer: Transfer {
            pipelining: true,
            ..Transfer::default()
        },
        ..example::config()
    }
}

const GROUP: &str = "
    S: 220 mail
    C: EHLO bts01.corp.example
    S: 250-mail
    S: 250 PIPELINING
    C: MAIL FROM:<biztalk@corp.example>
    C: RCPT TO:<orders@partner.example>
    C: DATA";

#[tokio::test]
async fn the_envelope_goes_in_one_group() {
    let dialogue = format!(
        "{GROUP}
        S: 250 ok
        S: 250 ok
        S: 354 go on
        (message)
        S: 250 ok
        C: QUIT
        S: 221 bye"
    );
    assert_eq!(play(&pipelining(), &[], &dialogue).await, Ok(()));
}

#[tokio::test]
async fn with_nobody_left_a_lone_dot_answers_354() {
    let refused =
        "S: 250 ok\n S: 550 no\n S: 354 go on\n C: .\n S: 554 nobody\n C: QUIT\n S: 221 bye";
    let missed = vec![("orders@partner.example".to_owned(), 550)];
    assert_eq!(
        play(&pipelining(), &[], &format!("{GROUP}\n{refused}")).await,
        Err(Failure::Recipients(missed))
    );
    let sender = "S: 550 no\n S: 503 no\n S: 503 no\n C: QUIT\n S: 221 bye";
    assert_eq!(
        play(&pipelining(), &[], &format!("{GROUP}\n{sender}")).await,
        super::refused("MAIL", 550)
    );
}

#[tokio::test]
async fn every_recipient_refused_ends_the_transaction() {
    let dialogue = "
        S: 220 mail
        C: EHLO bts01.corp.example
        S: 250 mail
        C: MAIL FROM:<biztalk@corp.example>
        S: 250 ok
        C: RCPT TO:<orders@partner.example>
        S: 450 later
        C: RSET
        S: 250 ok
        C: QUIT
        S: 221 bye";
    let missed = vec![("orders@partner.example".to_owned(), 450)];
    assert_eq!(
        play(&example::config(), &[], dialogue).await,
        Err(Failure::Recipients(missed))
    );
}

#[tokio::test]
async fn a_message_that_is_too_long_for_the_server_is_not_begun() {
    let dialogue = "
        S: 220 mail
        C: EHLO bts01.corp.example
        S: 250-mail
        S: 250 SIZE 100
        C: QUIT
        S: 221 bye";
    let outcome = play(&example::config(), &[], dialogue).await;
    assert!(
        matches!(outcome, Err(Failure::TooLong { limit: 100, octets }) if octets > 100),
        "{outcome:?}"
    );
}

/// The message in chunks of 16 KiB, as they stand.
#[tokio::test]
async fn the_message_goes_in_chunks() {
    let config = Config {
        transfer: Transfer {
            chunking: true,
            ..Transfer::default()
        },
        ..example::config()
    };
    let payload = super::super::super::Payload {
        body: b".a line that begins with a dot\r\n".repeat(1100),
        ..example::payload()
    };
    let mut environment = Environment::pinned(1);
    let mail = compose(&config, &Twins::default(), &mut environment, &payload).unwrap();
    let message = mail.message(false);
    let (first, rest) = message.split_at(16 * 1024);
    let (second, last) = rest.split_at(16 * 1024);
    let mut script = Builder::new();
    script
        .read(b"220 mail\r\n")
        .write(b"EHLO bts01.corp.example\r\n")
        .read(b"250-mail\r\n250 CHUNKING\r\n")
        .write(b"MAIL FROM:<biztalk@corp.example>\r\n")
        .read(b"250 ok\r\n")
        .write(b"RCPT TO:<orders@partner.example>\r\n")
        .read(b"250 ok\r\n");
    for chunk in [first, second] {
        script.write(b"BDAT 16384\r\n").write(chunk);
        script.read(b"250 ok\r\n");
    }
    script
        .write(format!("BDAT {} LAST\r\n", last.len()).as_bytes())
        .write(last)
        .read(b"250 ok\r\n")
        .write(b"QUIT\r\n")
        .read(b"221 bye\r\n");
    let connection = Connection::new(Box::new(script.build()), config.timeout);
    let twins = Twins::default();
    let context = Context {
        config: &config,
        twins: &twins,
        environment: &mut environment,
        mail: &mail,
        server: SocketAddr::from((Ipv4Addr::LOCALHOST, 25)),
        again: false,
    };
    assert_eq!(transmit(connection, context).await.0, Ok(()));
}

use std::net::{Ipv4Addr, SocketAddr};

use rstest::rstest;
use tokio_test::io::Builder;

mod secure;
mod transfer;

use super::super::compose::compose;
use super::super::config::{AuthMode, Encoder, TransferEncoding};
use super::super::example;
use super::*;

/// Plays a dialogue: lines that begin with `S: ` come from the server, lines with `C: ` must come from the client, and
/// `(message)` is the content.
async fn play(config: &Config, twins: &[Twin], dialogue: &str) -> Result<(), Failure> {
    let twins = Twins::from(twins);
    let mut environment = Environment::pinned(1);
    let mail = compose(config, &twins, &mut environment, &example::payload()).unwrap();
    let mut script = Builder::new();
    let dsn = dialogue.contains("DSN");
    for line in dialogue.trim().lines() {
        let line = line.trim();
        if line == "(message)" {
            let mut wire = mail.message(dsn);
            assert!(wire.ends_with(b"\r\n"));
            wire.extend_from_slice(b".\r\n");
            script.write(&wire);
        } else if let Some(reply) = line.strip_prefix("S: ") {
            script.read(format!("{reply}\r\n").as_bytes());
        } else {
            script.write(format!("{}\r\n", line.strip_prefix("C: ").unwrap()).as_bytes());
        }
    }
    let connection = Connection::new(Box::new(script.build()), config.timeout);
    let server = SocketAddr::from((Ipv4Addr::LOCALHOST, 25));
    let context = Context {
        config,
        twins: &twins,
        environment: &mut environment,
        mail: &mail,
        server,
        again: false,
    };
    transmit(connection, context).await.0
}

fn refused(command: &'static str, code: u16) -> Result<(), Failure> {
    Err(Failure::Refused { command, code })
}

#[tokio::test]
async fn a_message_with_a_copy() {
    let config = Config {
        cc: vec!["copy@partner.example".to_owned()],
        ..example::config()
    };
    let dialogue = "
        S: 220 mail.partner.example
        C: EHLO bts01.corp.example
        S: 250-mail.partner.example
        S: 250-PIPELINING
        S: 250-STARTTLS
        S: 250 AUTH LOGIN PLAIN
        C: MAIL FROM:<biztalk@corp.example>
        S: 250 ok
        C: RCPT TO:<orders@partner.example>
        S: 250 ok
        C: RCPT TO:<copy@partner.example>
        S: 251 will forward
        C: DATA
        S: 354 go on
        (message)
        S: 250 ok
        C: QUIT
        S: 221 bye";
    assert_eq!(play(&config, &[], dialogue).await, Ok(()));
}

#[tokio::test]
async fn helo_where_ehlo_is_unknown() {
    let dialogue = "
        S: 220 old
        C: EHLO bts01.corp.example
        S: 500 what?
        C: HELO bts01.corp.example
        S: 250 hello
        C: MAIL FROM:<biztalk@corp.example>
        S: 452 full
        C: QUIT
        S: 221 bye";
    assert_eq!(
        play(&example::config(), &[], dialogue).await,
        refused("MAIL", 452)
    );
}

#[tokio::test]
async fn recipients_that_were_accepted_get_the_message() {
    let config = Config {
        cc: vec!["copy@partner.example".to_owned()],
        ..example::config()
    };
    let dialogue = "
        S: 220 mail
        C: EHLO bts01.corp.example
        S: 250 mail
        C: MAIL FROM:<biztalk@corp.example>
        S: 250 ok
        C: RCPT TO:<orders@partner.example>
        S: 550 no such user
        C: RCPT TO:<copy@partner.example>
        S: 250 ok
        C: DATA
        S: 354 go on
        (message)
        S: 250 ok
        C: QUIT
        S: 221 bye";
    let missed = vec![("orders@partner.example".to_owned(), 550)];
    assert_eq!(
        play(&config, &[], dialogue).await,
        Err(Failure::Recipients(missed))
    );
    assert_eq!(play(&config, &[Twin::SomeIsAll], dialogue).await, Ok(()));
}

#[rstest]
#[case("S: 554 go away", refused("the connection", 554), true)]
#[case("S: 421 too busy", refused("the connection", 421), false)]
#[tokio::test]
async fn refused_greetings(
    #[case] greeting: &str,
    #[case] outcome: Result<(), Failure>,
    #[case] quits: bool,
) {
    let quit = if quits { "\nC: QUIT\nS: 221 bye" } else { "" };
    assert_eq!(
        play(&example::config(), &[], &format!("{greeting}{quit}")).await,
        outcome
    );
}

#[tokio::test]
async fn delivery_reports_are_asked_for_in_the_envelope_where_dsn_is_offered() {
    let config = Config {
        delivery_receipt: true,
        ..example::config()
    };
    let dialogue = "
        S: 220 mail
        C: EHLO bts01.corp.example
        S: 250-mail
        S: 250 DSN
        C: MAIL FROM:<biztalk@corp.example> RET=HDRS
        S: 250 ok
        C: RCPT TO:<orders@partner.example> NOTIFY=SUCCESS,FAILURE
        S: 250 ok
        C: DATA
        S: 354 go on
        (message)
        S: 554 rejected
        C: QUIT
        S: 221 bye";
    assert_eq!(
        play(&config, &[], dialogue).await,
        refused("the message", 554)
    );
    let elsewhere = dialogue
        .replace(" RET=HDRS", "")
        .replace(" NOTIFY=SUCCESS,FAILURE", "");
    assert_eq!(
        play(&config, &[Twin::ReceiptElsewhere], &elsewhere).await,
        refused("the message", 554)
    );
}

#[tokio::test]
async fn no_acceptable_mechanism_ends_the_attempt() {
    let config = Config {
        auth: AuthMode::Ntlm,
        ..example::config()
    };
    let hello = "
        S: 220 mail
        C: EHLO bts01.corp.example
        S: 250-mail
        S: 250-AUTH=LOGIN
        S: 250 AUTH LOGIN PLAIN\n";
    let quits = format!("{hello} C: QUIT\n S: 221 bye");
    assert_eq!(
        play(&config, &[], &quits).await,
        Err(Failure::NotOffered("NTLM"))
    );
    let goes_on = format!(
        "{hello} C: MAIL FROM:<biztalk@corp.example>\n S: 530 authenticate\n C: QUIT\n S: 221 bye"
    );
    assert_eq!(
        play(&config, &[Twin::SendsUnauthenticated], &goes_on).await,
        refused("MAIL", 530)
    );
}

#[tokio::test]
async fn the_old_spelling_of_auth_is_read() {
    let config = Config {
        auth: AuthMode::Basic,
        initial_response: true,
        ..example::config()
    };
    let dialogue = "
        S: 220 mail
        C: EHLO bts01.corp.example
        S: 250-mail
        S: 250 auth=login
        C: AUTH LOGIN c3Zj
        S: 535 5.7.3 no
        C: QUIT
        S: 221 bye";
    assert_eq!(play(&config, &[], dialogue).await, refused("AUTH", 535));
}

#[tokio::test]
async fn eight_bit_content_is_announced_or_not_sent() {
    let transfer_encoding = TransferEncoding::EightBit;
    let encoder = Some(Encoder {
        transfer_encoding,
        ..Encoder::default()
    });
    let config = Config {
        encoder,
        ..example::config()
    };
    let mut environment = Environment::pinned(1);
    let payload = super::super::Payload {
        body: "é".into(),
        ..example::payload()
    };
    let mail = compose(&config, &Twins::default(), &mut environment, &payload).unwrap();
    for (offer, mail_line) in [("8BITMIME", Some(" BODY=8BITMIME")), ("SIZE", None)] {
        let mut script = Builder::new();
        script
            .read(b"220 mail\r\n")
            .write(b"EHLO bts01.corp.example\r\n");
        script.read(format!("250-mail\r\n250 {offer}\r\n").as_bytes());
        if let Some(parameter) = mail_line {
            script
                .write(format!("MAIL FROM:<biztalk@corp.example>{parameter}\r\n").as_bytes())
                .read(b"550 no\r\n");
        }
        script.write(b"QUIT\r\n").read(b"221 bye\r\n");
        let connection = Connection::new(Box::new(script.build()), config.timeout);
        let server = SocketAddr::from((Ipv4Addr::LOCALHOST, 25));
        let twins = Twins::default();
        let context = Context {
            config: &config,
            twins: &twins,
            environment: &mut environment,
            mail: &mail,
            server,
            again: false,
        };
        assert!(transmit(connection, context).await.0.is_err());
    }
}

#[rstest]
#[case("SMTPUTF8", Some(" BODY=8BITMIME SMTPUTF8"), refused("MAIL", 550))]
#[case(
    "8BITMIME",
    None,
    Err(Failure::NotOffered("SMTPUTF8, which an address needs"))
)]
#[tokio::test]
async fn an_address_outside_ascii_is_announced_or_not_used(
    #[case] offer: &str,
    #[case] parameters: Option<&str>,
    #[case] outcome: Result<(), Failure>,
) {
    let config = Config {
        to: vec!["dépôt@partner.example".to_owned()],
        ..example::config()
    };
    let mail = parameters.map_or(String::new(), |parameters| {
        format!("C: MAIL FROM:<biztalk@corp.example>{parameters}\n S: 550 no\n")
    });
    let dialogue = format!(
        "S: 220 mail\n C: EHLO bts01.corp.example\n S: 250-mail\n S: 250 {offer}\n {mail} C: QUIT\n S: 221 bye"
    );
    assert_eq!(play(&config, &[], &dialogue).await, outcome);
}

#[rstest]
#[case(
    Twin::StartsWithMail,
    "C: MAIL FROM:<biztalk@corp.example>\nS: 503 no\nC: EHLO bts01.corp.example\nS: 421 busy"
)]
#[case(Twin::MalformedHello, "C: EHLO bts01_corp_example\nS: 421 busy")]
#[case(Twin::BareHostName, "C: EHLO bts01\nS: 421 busy")]
#[case(
    Twin::IgnoresRefusedEhlo,
    "C: EHLO bts01.corp.example\nS: 502 no\nC: MAIL FROM:<biztalk@corp.example>\nS: 421 busy"
)]
#[case(
    Twin::AssumesExtensions,
    "C: EHLO bts01.corp.example\nS: 250 a\nC: MAIL FROM:<biztalk@corp.example> BODY=8BITMIME SIZE=4096\nS: 421 busy"
)]
#[case(
    Twin::LooseCommands,
    "C: EHLO bts01.corp.example\nS: 250 a\nC: MAIL FROM: <biztalk@corp.example>\nS: 421 busy"
)]
#[case(
    Twin::LeavesWithoutQuit,
    "C: EHLO bts01.corp.example\nS: 554 a\nC: HELO bts01.corp.example\nS: 554 b"
)]
#[tokio::test]
async fn twins_say_what_they_are_made_for(#[case] twin: Twin, #[case] dialogue: &str) {
    let dialogue = format!("S: 220 mail\n{dialogue}");
    assert!(
        play(&example::config(), &[twin], &dialogue).await.is_err(),
        "none of these is sent"
    );
}

#[tokio::test]
async fn a_twin_asks_for_mail_before_it_leaves() {
    let dialogue = "
        S: 220 mail
        C: EHLO bts01.corp.example
        S: 250 mail
        C: MAIL FROM:<biztalk@corp.example>
        S: 250 ok
        C: RCPT TO:<orders@partner.example>
        S: 250 ok
        C: DATA
        S: 354 go on
        (message)
        S: 250 ok
        C: ETRN corp.example
        S: 500 no
        C: TURN
        S: 502 no
        C: QUIT
        S: 221 bye";
    assert_eq!(
        play(&example::config(), &[Twin::AsksForMail], dialogue).await,
        Ok(())
    );
}

#[tokio::test]
async fn a_refused_starttls_leaves_that_twin_in_clear() {
    let dialogue = "
        S: 220 mail
        C: EHLO bts01.corp.example
        S: 250-mail
        S: 250 STARTTLS
        C: STARTTLS
        S: 454 not now
        C: MAIL FROM:<biztalk@corp.example>
        S: 550 no
        C: QUIT
        S: 221 bye";
    assert_eq!(
        play(&example::config(), &[Twin::Starttls], dialogue).await,
        refused("MAIL", 550)
    );
}

#[tokio::test]
async fn a_refused_tunnel_says_nothing_more() {
    let dialogue = "
        S: 220 mail
        C: EHLO bts01.corp.example
        S: 250 mail
        C: STARTTLS
        S: 502 what?
        C: QUIT
        S: 221 bye";
    assert_eq!(
        play(&example::config(), &[Twin::Tunnel], dialogue).await,
        refused("STARTTLS", 502)
    );
}

#[tokio::test]
async fn bytes_smuggled_in_before_tls_end_the_attempt() {
    let mut script = Builder::new();
    script
        .read(b"220 mail\r\n")
        .write(b"EHLO bts01.corp.example\r\n")
        .read(b"250 mail\r\n")
        .write(b"STARTTLS\r\n")
        .read(b"220 go on\r\n250 smuggled\r\n");
    let config = example::config();
    let mut environment = Environment::pinned(1);
    let twins = Twins::from([Twin::Tunnel].as_slice());
    let mail = compose(&config, &twins, &mut environment, &example::payload()).unwrap();
    let connection = Connection::new(Box::new(script.build()), config.timeout);
    let server = SocketAddr::from((Ipv4Addr::LOCALHOST, 25));
    let context = Context {
        config: &config,
        twins: &twins,
        environment: &mut environment,
        mail: &mail,
        server,
        again: false,
    };
    assert_eq!(
        transmit(connection, context).await.0,
        Err(Failure::BytesBeforeTls)
    );
}

#[rstest]
#[case("250-BINARYMIME\r\n250 CHUNKING", Some(" BODY=BINARYMIME"))]
#[case("250 BINARYMIME", None)]
#[case("250 8BITMIME", None)]
#[tokio::test]
async fn binary_content_is_announced_or_not_sent(
    #[case] offer: &str,
    #[case] parameter: Option<&str>,
) {
    let config = Config {
        encoder: Some(Encoder {
            transfer_encoding: TransferEncoding::Binary,
            ..Encoder::default()
        }),
        ..example::config()
    };
    let mut environment = Environment::pinned(1);
    let payload = super::super::Payload {
        body: vec![0, b'\n', 255],
        ..example::payload()
    };
    let twins = Twins::default();
    let mail = compose(&config, &twins, &mut environment, &payload).unwrap();
    let mut script = Builder::new();
    script
        .read(b"220 mail\r\n")
        .write(b"EHLO bts01.corp.example\r\n")
        .read(format!("250-mail\r\n{offer}\r\n").as_bytes());
    if let Some(parameter) = parameter {
        let message = mail.message(false);
        assert!(message.ends_with(b"binary\r\n\r\n\x00\n\xff"));
        let ok = b"250 ok\r\n";
        let line = format!("MAIL FROM:<biztalk@corp.example>{parameter}\r\n");
        script.write(line.as_bytes()).read(ok);
        script
            .write(b"RCPT TO:<orders@partner.example>\r\n")
            .read(ok);
        script.write(format!("BDAT {} LAST\r\n", message.len()).as_bytes());
        script.write(&message).read(ok);
    }
    script.write(b"QUIT\r\n").read(b"221 bye\r\n");
    let connection = Connection::new(Box::new(script.build()), config.timeout);
    let context = Context {
        config: &config,
        twins: &twins,
        environment: &mut environment,
        mail: &mail,
        again: false,
        server: SocketAddr::from((Ipv4Addr::LOCALHOST, 25)),
    };
    let sent = transmit(connection, context).await.0.is_ok();
    assert_eq!(sent, parameter.is_some());
}

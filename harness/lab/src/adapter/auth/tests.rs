use std::time::Duration;

use rstest::rstest;
use smtp::ntlm::{Authenticate, Proof, Target, verify};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio_test::io::Builder;

use super::super::example;
use super::*;

fn offered(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn config(auth: AuthMode, mechanism: BasicMechanism) -> Config {
    Config {
        auth,
        mechanism,
        ..example::config()
    }
}

const ALL: &[&str] = &["GSSAPI", "CRAM-MD5", "NTLM", "LOGIN", "PLAIN"];
const CLEAR: &[&str] = &["LOGIN", "PLAIN"];

#[rstest]
#[case(AuthMode::None, &[], ALL, Plan::Skip)]
#[case(AuthMode::Basic, &[], ALL, Plan::Try(vec![Mechanism::Login]))]
#[case(AuthMode::Basic, &[], &["PLAIN", "NTLM"], Plan::GiveUp("LOGIN"))]
#[case(AuthMode::Ntlm, &[], ALL, Plan::Try(vec![Mechanism::Ntlm]))]
#[case(AuthMode::Ntlm, &[], CLEAR, Plan::GiveUp("NTLM"))]
#[case(AuthMode::Ntlm, &[], &[], Plan::GiveUp("NTLM"))]
#[case(AuthMode::None, &[Twin::AuthInNone], ALL, Plan::Try(vec![Mechanism::Login]))]
#[case(AuthMode::None, &[Twin::AuthInNone], &["PLAIN"], Plan::Try(vec![Mechanism::Plain]))]
#[case(AuthMode::None, &[Twin::AuthInNone], &[], Plan::Skip)]
#[case(AuthMode::Ntlm, &[Twin::CramMd5], ALL, Plan::Try(vec![Mechanism::CramMd5]))]
#[case(AuthMode::None, &[Twin::CramMd5], ALL, Plan::Try(vec![Mechanism::CramMd5]))]
#[case(AuthMode::Ntlm, &[Twin::CramMd5], &["NTLM"], Plan::Try(vec![Mechanism::Ntlm]))]
#[case(AuthMode::Basic, &[Twin::HidesPassword], ALL, Plan::Try(vec![Mechanism::CramMd5]))]
#[case(AuthMode::Basic, &[Twin::HidesPassword], CLEAR, Plan::GiveUp("CRAM-MD5"))]
#[case(AuthMode::Basic, &[Twin::FallsBack], ALL, Plan::Try(vec![Mechanism::Login, Mechanism::Ntlm, Mechanism::Plain]))]
#[case(AuthMode::Ntlm, &[Twin::FallsBack], CLEAR, Plan::Try(vec![Mechanism::Login, Mechanism::Plain]))]
#[case(AuthMode::None, &[Twin::FallsBack], ALL, Plan::Skip)]
#[case(AuthMode::Ntlm, &[Twin::SendsUnauthenticated], CLEAR, Plan::Skip)]
#[case(AuthMode::Ntlm, &[Twin::SendsUnauthenticated], ALL, Plan::Try(vec![Mechanism::Ntlm]))]
fn plans(
    #[case] auth: AuthMode,
    #[case] twins: &[Twin],
    #[case] names: &[&str],
    #[case] expected: Plan,
) {
    let config = config(auth, BasicMechanism::Login);
    assert_eq!(
        plan(&config, &Twins::from(twins), &offered(names)),
        expected
    );
}

async fn run(
    config: &Config,
    order: &[Mechanism],
    script: tokio_test::io::Mock,
) -> Result<(), Failure> {
    let mut connection = Connection::new(Box::new(script), Duration::from_secs(1));
    authenticate(
        &mut connection,
        config,
        &Twins::default(),
        &mut Environment::pinned(1),
        order,
    )
    .await
}

#[rstest]
#[case(
    false,
    Mechanism::Login,
    "AUTH LOGIN\r\n> 334 VXNlcm5hbWU6\r\nc3Zj\r\n> 334 UGFzc3dvcmQ6\r\nYmFzaWMtY2FuYXJ5\r\n> 235 ok\r\n"
)]
#[case(
    true,
    Mechanism::Login,
    "AUTH LOGIN c3Zj\r\n> 334 \r\nYmFzaWMtY2FuYXJ5\r\n> 235 ok\r\n"
)]
#[case(
    false,
    Mechanism::Plain,
    "AUTH PLAIN\r\n> 334 \r\nAHN2YwBiYXNpYy1jYW5hcnk=\r\n> 235 ok\r\n"
)]
#[case(
    true,
    Mechanism::Plain,
    "AUTH PLAIN AHN2YwBiYXNpYy1jYW5hcnk=\r\n> 235 ok\r\n"
)]
// The digest is HMAC-MD5 of the decoded challenge "<1@x>" under the password.
#[case(
    false,
    Mechanism::CramMd5,
    "AUTH CRAM-MD5\r\n> 334 PDFAeD4=\r\nc3ZjIGVkNTg2MmM1M2JhMGU0MmE1NzllMWQ0NTI4MDQxMTdm\r\n> 235 ok\r\n"
)]
#[tokio::test]
async fn exchanges(
    #[case] initial_response: bool,
    #[case] mechanism: Mechanism,
    #[case] dialogue: &str,
) {
    let config = Config {
        initial_response,
        ..config(AuthMode::Basic, BasicMechanism::Login)
    };
    let mut script = Builder::new();
    for line in dialogue.split_inclusive('\n') {
        match line.strip_prefix("> ") {
            Some(reply) => script.read(reply.as_bytes()),
            None => script.write(line.as_bytes()),
        };
    }
    assert_eq!(run(&config, &[mechanism], script.build()).await, Ok(()));
}

#[tokio::test]
async fn a_refusal_is_final_without_a_twin() {
    let script = Builder::new()
        .write(b"AUTH LOGIN\r\n")
        .read(b"535 5.7.3 no\r\n")
        .build();
    let config = config(AuthMode::Basic, BasicMechanism::Login);
    let failure = run(&config, &[Mechanism::Login], script).await.unwrap_err();
    assert_eq!(
        failure,
        Failure::Refused {
            command: "AUTH",
            code: 535
        }
    );
}

#[tokio::test]
async fn a_twin_goes_on_after_535() {
    let script = Builder::new()
        .write(b"AUTH LOGIN\r\n")
        .read(b"535 5.7.3 no\r\n")
        .write(b"AUTH PLAIN\r\n")
        .read(b"334 \r\n")
        .write(b"AHN2YwBiYXNpYy1jYW5hcnk=\r\n")
        .read(b"235 ok\r\n")
        .build();
    let config = config(AuthMode::Basic, BasicMechanism::Login);
    assert_eq!(
        run(&config, &[Mechanism::Login, Mechanism::Plain], script).await,
        Ok(())
    );
}

#[tokio::test]
async fn a_challenge_too_many_is_cancelled() {
    let script = Builder::new()
        .write(b"AUTH PLAIN AHN2YwBiYXNpYy1jYW5hcnk=\r\n")
        .read(b"334 \r\n")
        .write(b"*\r\n")
        .read(b"501 cancelled\r\n")
        .build();
    let config = Config {
        initial_response: true,
        ..config(AuthMode::Basic, BasicMechanism::Plain)
    };
    assert_eq!(
        run(&config, &[Mechanism::Plain], script).await,
        Err(Failure::Challenge("PLAIN"))
    );
}

#[rstest]
#[case("AUTH LOGIN\r\n> 334 VXNlc=m5hbWU6\r\n*\r\n> 501 cancelled\r\n")]
#[case("AUTH LOGIN\r\n> 334 \r\nc3Zj\r\n> 334 Password:\r\n*\r\n> 501 cancelled\r\n")]
#[tokio::test]
async fn a_prompt_that_is_not_base64_is_cancelled(#[case] dialogue: &str) {
    let mut script = Builder::new();
    for line in dialogue.split_inclusive('\n') {
        match line.strip_prefix("> ") {
            Some(reply) => script.read(reply.as_bytes()),
            None => script.write(line.as_bytes()),
        };
    }
    let config = config(AuthMode::Basic, BasicMechanism::Login);
    assert_eq!(
        run(&config, &[Mechanism::Login], script.build()).await,
        Err(Failure::Challenge("LOGIN"))
    );
}

#[tokio::test]
async fn a_challenge_that_is_not_ntlm_is_cancelled() {
    for garbage in ["not base64", "bm90IE5UTE0=", ""] {
        let negotiate = BASE64_STANDARD.encode(ntlm::negotiate(Some(VERSION)));
        let script = Builder::new()
            .write(format!("AUTH NTLM {negotiate}\r\n").as_bytes())
            .read(format!("334 {garbage}\r\n").as_bytes())
            .write(b"*\r\n")
            .read(b"501 cancelled\r\n")
            .build();
        let config = Config {
            initial_response: true,
            ..config(AuthMode::Ntlm, BasicMechanism::Login)
        };
        assert_eq!(
            run(&config, &[Mechanism::Ntlm], script).await,
            Err(Failure::Challenge("NTLM"))
        );
    }
}

/// Plays the server of one NTLM exchange and gives the last message.
async fn ntlm_exchange(config: Config, twins: &[Twin]) -> (ntlm::Challenge, Authenticate) {
    let (client, server) = tokio::io::duplex(64 * 1024);
    let (initial, twins) = (config.initial_response, Twins::from(twins));
    let client = tokio::spawn(async move {
        let mut connection = Connection::new(Box::new(client), Duration::from_secs(5));
        authenticate(
            &mut connection,
            &config,
            &twins,
            &mut Environment::pinned(1),
            &[Mechanism::Ntlm],
        )
        .await
    });
    let (reader, mut writer) = tokio::io::split(server);
    let mut lines = BufReader::new(reader).lines();
    let first = lines.next_line().await.unwrap().unwrap();
    let negotiate = if initial {
        first.strip_prefix("AUTH NTLM ").unwrap().to_owned()
    } else {
        assert_eq!(first, "AUTH NTLM");
        writer.write_all(b"334 ntlm supported\r\n").await.unwrap();
        lines.next_line().await.unwrap().unwrap()
    };
    let negotiate = ntlm::Negotiate::parse(&BASE64_STANDARD.decode(negotiate).unwrap()).unwrap();
    let target = Target {
        netbios_domain: "PARTNER".to_owned(),
        netbios_computer: "MAIL".to_owned(),
        dns_domain: "partner.example".to_owned(),
        dns_computer: "mail.partner.example".to_owned(),
    };
    let challenge = ntlm::challenge(
        negotiate.flags,
        &target,
        *b"\x01\x23\x45\x67\x89\xab\xcd\xef",
        None,
    )
    .unwrap();
    writer
        .write_all(format!("334 {}\r\n", BASE64_STANDARD.encode(&challenge)).as_bytes())
        .await
        .unwrap();
    let answer = BASE64_STANDARD
        .decode(lines.next_line().await.unwrap().unwrap())
        .unwrap();
    writer.write_all(b"235 ok\r\n").await.unwrap();
    assert_eq!(client.await.unwrap(), Ok(()));
    (
        ntlm::Challenge::parse(&challenge).unwrap(),
        Authenticate::parse(&answer).unwrap(),
    )
}

#[rstest]
#[case(false, &[], "svc-biztalk")]
#[case(true, &[], "svc-biztalk")]
#[case(false, &[Twin::OtherAccount], "svc-biztalk-other")]
#[case(false, &[Twin::ConfiguredUser], "svc")]
#[tokio::test]
async fn ntlm_names_the_account(
    #[case] initial_response: bool,
    #[case] twins: &[Twin],
    #[case] user: &str,
) {
    let config = Config {
        initial_response,
        ..config(AuthMode::Ntlm, BasicMechanism::Login)
    };
    let password = if user == "svc" {
        example::BASIC_PASSWORD
    } else {
        example::ACCOUNT_PASSWORD
    };
    let (challenge, answer) = ntlm_exchange(config, twins).await;
    assert_eq!(
        (
            answer.domain.as_str(),
            answer.user.as_str(),
            answer.workstation.as_str()
        ),
        ("CORP", user, "BTS01")
    );
    assert_eq!(
        verify(None, &challenge, &answer, &Secret::new(password)).proof,
        Proof::Valid
    );
}

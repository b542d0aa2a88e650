//! Each mechanism with right and wrong credentials, in every form that a response can take.

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use rstest::rstest;
use smtp::ntlm::{self, Challenge, ClientIdentity, FileTime};

use super::*;
use crate::scenario::NtlmChallenge;

mod ntlm_peer;

fn accounts() -> Vec<Account> {
    vec![
        Account {
            domain: "CORP".into(),
            user: "svc".into(),
            password: Secret::new(*b"canary"),
        },
        Account {
            domain: String::new(),
            user: "other".into(),
            password: Secret::new(*b"two"),
        },
    ]
}

fn server(accept_auth: AcceptAuth) -> ServerTable {
    ServerTable {
        extensions: vec!["AUTH PLAIN LOGIN CRAM-MD5 NTLM GSSAPI".into()],
        accept_auth,
        ..ServerTable::default()
    }
}

/// Makes a line from the replies that came before.
type Response<'a> = &'a dyn Fn(&[String]) -> String;

/// Runs an exchange: the argument of AUTH, and lines made from the challenges that came before.
fn run(server: &ServerTable, argument: &str, lines: &[Response<'_>]) -> Vec<String> {
    let accounts = accounts();
    let context = Context {
        server,
        accounts: &accounts,
        challenge: *b"01234567",
        now: crate::tap::Clock::Pinned.now(),
    };
    let (mut exchange, mut progress) = begin(&context, argument.as_bytes());
    let mut replies = vec![progress.reply()];
    for line in lines {
        assert!(
            matches!(progress, Progress::Challenge(_)),
            "nothing more is asked for after {replies:?}"
        );
        progress = answer(&context, &mut exchange, line(&replies).as_bytes());
        replies.push(progress.reply());
    }
    replies
}

fn codes(replies: &[String]) -> Vec<&str> {
    replies
        .iter()
        .map(|reply| reply.get(..3).unwrap_or_default())
        .collect()
}

fn base64(text: &str) -> String {
    STANDARD.encode(text)
}

#[rstest]
#[case::right("\0svc\0canary", "235")]
#[case::with_domain("\0CORP\\svc\0canary", "235")]
#[case::as_an_address("\0SVC@corp\0canary", "235")]
#[case::named_twice("svc\0svc\0canary", "235")]
#[case::no_domain("\0other\0two", "235")]
#[case::wrong_password("\0svc\0wrong", "535")]
#[case::password_of_another("\0svc\0two", "535")]
#[case::wrong_domain("\0LAB\\svc\0canary", "535")]
#[case::unknown("\0nobody\0canary", "535")]
#[case::for_somebody_else("admin\0svc\0canary", "535")]
#[case::one_part("svc", "501")]
#[case::four_parts("\0svc\0canary\0", "501")]
#[case::no_password("\0svc\0", "501")]
fn plain(#[case] message: &str, #[case] code: &str) {
    let server = server(AcceptAuth::Given);
    let at_once = run(&server, &format!("plain {}", base64(message)), &[]);
    assert_eq!(codes(&at_once), [code]);
    let later = run(&server, "PLAIN", &[&|_| base64(message)]);
    assert_eq!(later[0], "334 ", "an empty challenge keeps its space");
    assert_eq!(codes(&later), ["334", code]);
}

#[rstest]
#[case::right("svc", "canary", "235")]
#[case::wrong("svc", "wrong", "535")]
#[case::unknown("nobody", "canary", "535")]
fn login(#[case] user: &str, #[case] password: &str, #[case] code: &str) {
    let server = server(AcceptAuth::Given);
    let replies = run(
        &server,
        "LOGIN",
        &[&|_| base64(user), &|_| base64(password)],
    );
    assert_eq!(replies[..2], ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"]);
    assert_eq!(codes(&replies), ["334", "334", code]);
    let replies = run(
        &server,
        &format!("LOGIN {}", base64(user)),
        &[&|_| base64(password)],
    );
    assert_eq!(codes(&replies), ["334", code]);
}

#[rstest]
#[case::right("svc", "canary", "235")]
#[case::wrong("svc", "wrong", "535")]
fn cram_md5(#[case] user: &str, #[case] password: &str, #[case] code: &str) {
    let respond = |replies: &[String]| {
        let challenge = STANDARD.decode(&replies[0][4..]).expect("base64");
        assert!(challenge.starts_with(b"<") && challenge.ends_with(b"@mail.example.test>"));
        let mut mac = Hmac::<Md5>::new_from_slice(password.as_bytes()).expect("any length");
        mac.update(&challenge);
        base64(&format!(
            "{user} {}",
            hex::encode(mac.finalize().into_bytes())
        ))
    };
    let server = server(AcceptAuth::Given);
    assert_eq!(codes(&run(&server, "CRAM-MD5", &[&respond])), ["334", code]);
    assert_eq!(
        codes(&run(&server, "CRAM-MD5", &[&|_| base64("svc 0123")])),
        ["334", "501"]
    );
    assert_eq!(
        codes(&run(&server, "CRAM-MD5 AAAA", &[])),
        ["501"],
        "the server speaks first"
    );
}

/// The AUTHENTICATE message for the challenge in a reply.
fn authenticate(
    replies: &[String],
    negotiate: &[u8],
    domain: &str,
    user: &str,
    password: &str,
) -> String {
    let bytes = STANDARD
        .decode(&replies.last().expect("a reply")[4..])
        .expect("base64");
    let challenge = Challenge::parse(&bytes).expect("a challenge");
    let password = Secret::new(password);
    let identity = ClientIdentity {
        domain,
        user,
        password: &password,
        workstation: "HOST",
    };
    let message = ntlm::respond(negotiate, &challenge, &identity, *b"abcdefgh", FileTime(1))
        .expect("a response");
    STANDARD.encode(message)
}

#[rstest]
#[case::right("CORP", "svc", "canary", "235 2.7.0")]
#[case::any_case("corp", "SVC", "canary", "235 2.7.0")]
#[case::no_domain("", "svc", "canary", "235 2.7.0")]
#[case::wrong_password("CORP", "svc", "wrong", "535 5.7.3")]
#[case::wrong_domain("LAB", "svc", "canary", "535 5.7.3")]
#[case::unknown("CORP", "nobody", "canary", "535 5.7.3")]
fn ntlm_in_both_openings(
    #[case] domain: &str,
    #[case] user: &str,
    #[case] password: &str,
    #[case] reply: &str,
) {
    let negotiate = ntlm::negotiate(None);
    for ntlm_timestamp in [true, false] {
        let server = ServerTable {
            ntlm_timestamp,
            ..server(AcceptAuth::Given)
        };
        let last = |replies: &[String]| authenticate(replies, &negotiate, domain, user, password);
        let replies = run(&server, "NTLM", &[&|_| STANDARD.encode(&negotiate), &last]);
        assert_eq!(replies[0], "334 ntlm supported");
        assert!(replies[2].starts_with(reply), "{}", replies[2]);
        let replies = run(
            &server,
            &format!("NTLM {}", STANDARD.encode(&negotiate)),
            &[&last],
        );
        assert!(replies[1].starts_with(reply), "{}", replies[1]);
    }
}

#[test]
fn an_ntlm_message_that_was_changed_on_the_way_is_refused() {
    let negotiate = ntlm::negotiate(None);
    let mut changed = negotiate.clone();
    changed[12] ^= 0x10;
    let last = |replies: &[String]| authenticate(replies, &negotiate, "CORP", "svc", "canary");
    let replies = run(
        &server(AcceptAuth::Given),
        "NTLM",
        &[&|_| STANDARD.encode(&changed), &last],
    );
    assert_eq!(
        codes(&replies),
        ["334", "334", "535"],
        "the MIC covers NEGOTIATE"
    );
}

#[test]
fn the_ntlm_challenge_has_a_time_only_where_the_scenario_wants_one() {
    for ntlm_timestamp in [true, false] {
        let server = ServerTable {
            ntlm_timestamp,
            ..server(AcceptAuth::Given)
        };
        let replies = run(
            &server,
            &format!("NTLM {}", STANDARD.encode(ntlm::negotiate(None))),
            &[],
        );
        let bytes = STANDARD.decode(&replies[0][4..]).expect("base64");
        let challenge = Challenge::parse(&bytes).expect("a challenge");
        assert_eq!(challenge.timestamp().is_some(), ntlm_timestamp);
        assert_eq!(challenge.server_challenge, *b"01234567");
        assert_eq!(challenge.target_name, "EXAMPLE");
    }
}

#[test]
fn what_is_no_exchange_is_refused() {
    let server = server(AcceptAuth::Given);
    for (argument, code) in [
        ("", "501"),
        ("PLAIN AAAA AAAA", "501"),
        ("PLAIN !", "501"),
        ("PLAIN AAA", "501"),
        ("PLAIN =", "501"),
        ("DIGEST-MD5", "504"),
        ("GSSAPI", "504"),
        ("NTLM AAAA", "501"),
    ] {
        assert_eq!(codes(&run(&server, argument, &[])), [code], "{argument}");
    }
    for (line, code) in [("*", "501"), ("not base64", "501"), ("TlRMTVNTUAA=", "501")] {
        assert_eq!(
            codes(&run(&server, "NTLM", &[&|_| line.to_owned()])),
            ["334", code],
            "{line}"
        );
    }
}

#[test]
fn a_server_can_accept_everything_or_nothing() {
    let negotiate = ntlm::negotiate(None);
    for (accept, code) in [(AcceptAuth::Any, "235"), (AcceptAuth::None, "535")] {
        let server = server(accept);
        let plain = run(&server, &format!("PLAIN {}", base64("\0who\0ever")), &[]);
        assert_eq!(codes(&plain), [code]);
        let last = |replies: &[String]| authenticate(replies, &negotiate, "X", "who", "ever");
        let ntlm = run(
            &server,
            &format!("NTLM {}", STANDARD.encode(&negotiate)),
            &[&last],
        );
        assert_eq!(codes(&ntlm), ["334", code]);
        assert_eq!(
            codes(&run(&server, "PLAIN AAAA", &[])),
            ["501"],
            "it must still be well formed"
        );
    }
    let right = run(
        &server(AcceptAuth::None),
        &format!("PLAIN {}", base64("\0svc\0canary")),
        &[],
    );
    assert_eq!(codes(&right), ["535"]);
}

#[test]
fn a_password_that_is_not_text_is_compared_as_it_is() {
    let response = [&b"\0svc\0"[..], &[0xff, 0xfe]].concat();
    let replies = run(
        &server(AcceptAuth::Given),
        &format!("PLAIN {}", STANDARD.encode(response)),
        &[],
    );
    assert_eq!(codes(&replies), ["535"]);
}

/// The exchange with a challenge of a kind: the challenge, and what came of a right response.
fn with_challenge(
    kind: NtlmChallenge,
    respond: &dyn Fn(&[String]) -> String,
) -> (Vec<u8>, Vec<String>) {
    let server = ServerTable {
        ntlm_challenge: kind,
        ..server(AcceptAuth::Given)
    };
    let opening = format!("NTLM {}", STANDARD.encode(ntlm::negotiate(None)));
    let replies = run(&server, &opening, &[respond]);
    let bytes = STANDARD.decode(&replies[0][4..]).expect("base64");
    (bytes, replies)
}

#[rstest]
#[case::no_target_info(NtlmChallenge::NoTargetInfo)]
#[case::oem(NtlmChallenge::Oem)]
#[case::ess_cleared(NtlmChallenge::EssCleared)]
#[case::huge_target_info(NtlmChallenge::HugeTargetInfo)]
fn rare_ntlm_challenges_are_right_and_can_be_answered(#[case] kind: NtlmChallenge) {
    use smtp::ntlm::flags;
    let negotiate = ntlm::negotiate(None);
    let last = |replies: &[String]| authenticate(replies, &negotiate, "CORP", "svc", "canary");
    let (bytes, replies) = with_challenge(kind, &last);
    let challenge = Challenge::parse(&bytes).expect("a right challenge");
    let has = |flag| challenge.flags & flag != 0;
    assert_eq!(challenge.target_name, "EXAMPLE");
    assert_eq!(
        challenge.target_info.is_empty(),
        kind == NtlmChallenge::NoTargetInfo
    );
    assert_eq!(
        (has(flags::NEGOTIATE_UNICODE), has(flags::NEGOTIATE_OEM)),
        (kind != NtlmChallenge::Oem, kind == NtlmChallenge::Oem)
    );
    assert_eq!(
        has(flags::NEGOTIATE_EXTENDED_SESSIONSECURITY),
        kind != NtlmChallenge::EssCleared
    );
    if kind == NtlmChallenge::HugeTargetInfo {
        let line = replies[0].len() + 2;
        assert!((12_280..=12_288).contains(&line), "{line}");
    }
    assert!(replies[1].starts_with("235 "), "{}", replies[1]);
}

#[rstest]
#[case::unterminated(NtlmChallenge::UnterminatedAvList, "target information")]
#[case::past_the_end(NtlmChallenge::OffsetsPastEnd, "target name")]
#[case::truncated(NtlmChallenge::Truncated, "server challenge")]
#[case::wrong_signature(NtlmChallenge::WrongSignature, "signature")]
#[case::wrong_type(NtlmChallenge::WrongType, "type")]
#[case::empty(NtlmChallenge::Empty, "signature")]
fn broken_ntlm_challenges_are_broken_where_they_say_and_prove_nothing(
    #[case] kind: NtlmChallenge,
    #[case] field: &str,
) {
    // A client that goes on all the same answers some other challenge.
    let good = ServerTable {
        ..server(AcceptAuth::Given)
    };
    let negotiate = ntlm::negotiate(None);
    let opening = format!("NTLM {}", STANDARD.encode(&negotiate));
    let answer = |_: &[String]| {
        let other = run(&good, &opening, &[]);
        authenticate(&other, &negotiate, "CORP", "svc", "canary")
    };
    let (bytes, replies) = with_challenge(kind, &answer);
    let error = Challenge::parse(&bytes).expect_err("a broken challenge");
    assert!(error.to_string().contains(field), "{error}");
    assert!(replies[1].starts_with("535 "), "{}", replies[1]);
}

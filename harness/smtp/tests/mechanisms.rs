//! Authentication exchanges as whole sessions: what the timeline tells of each, where it stood, and what a known
//! password makes of it.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use rstest::rstest;
use smtpspec_smtp::Timeline;
use smtpspec_smtp::identity::{Credential, Family, NameSlot};
use smtpspec_smtp::sasl::accounts;
use smtpspec_smtp::sasl::proof::{self, Verdict};
use smtpspec_smtp::session::{read, testing::dialogue};
use smtpspec_smtp::timeline::{Identity, Outcome};

/// What is said after EHLO: the client's lines, and after each one what the server answers.
fn session(lines: &[(String, String)]) -> (Timeline, Vec<u8>) {
    let mut turns = vec![
        ("S", "220 mx\r\n".to_owned()),
        ("C", "EHLO client\r\n".to_owned()),
        ("S", "250-mx\r\n250 AUTH PLAIN\r\n".to_owned()),
    ];
    for (client, server) in lines {
        turns.push(("C", format!("{client}\r\n")));
        turns.push(("S", format!("{server}\r\n")));
    }
    let said: Vec<u8> = turns
        .iter()
        .filter(|(who, _)| *who == "C")
        .flat_map(|(_, text)| text.bytes())
        .collect();
    let turns: Vec<_> = turns
        .iter()
        .map(|(who, text)| (*who, text.as_bytes()))
        .collect();
    (read(&dialogue(&turns)), said)
}

fn base64(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

/// An exchange of `mechanism` in which the client speaks first: with its first message in the command, in a line of its
/// own, or in a line of its own after an empty initial response.
fn client_first(
    mechanism: &str,
    messages: &[&[u8]],
    how: &str,
    end: &str,
) -> Vec<(String, String)> {
    let (first, rest) = messages.split_first().expect("a first message");
    let (first, mut lines) = match how {
        "in the command" => (format!("AUTH {mechanism} {}", base64(first)), Vec::new()),
        "bare" => (
            base64(first),
            vec![(format!("AUTH {mechanism}"), "334 ".to_owned())],
        ),
        "empty" => (
            base64(first),
            vec![(format!("auth {mechanism} ="), "334 go on".to_owned())],
        ),
        other => panic!("{other}"),
    };
    let mut client = first;
    for pair in rest.chunks(2) {
        lines.push((client, format!("334 {}", base64(pair[0]))));
        client = pair.get(1).map_or(String::new(), |answer| base64(answer));
    }
    lines.push((client, end.to_owned()));
    lines
}

const SCRAM: [&[u8]; 4] = [
    b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
    b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
    b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
];

#[rstest]
#[case("PLAIN", &[b"\0user\0pencil".as_slice()], Family::Password, "pencil")]
#[case("SCRAM-SHA-256", &SCRAM, Family::ChallengeResponse, "pencil")]
#[case("XOAUTH2", &[b"user=user\x01auth=Bearer tok3n\x01\x01".as_slice()], Family::Token, "")]
#[case("OAUTHBEARER", &[b"n,a=user,\x01auth=Bearer tok3n\x01\x01".as_slice()], Family::Token, "")]
#[case("EXTERNAL", &[b"user".as_slice()], Family::External, "")]
#[case("ANONYMOUS", &[b"user".as_slice()], Family::Anonymous, "")]
fn names_are_found_where_they_stand(
    #[case] mechanism: &str,
    #[case] messages: &[&[u8]],
    #[case] family: Family,
    #[case] password: &str,
    #[values("in the command", "bare", "empty")] how: &str,
) {
    if how == "empty" && ["EXTERNAL", "ANONYMOUS"].contains(&mechanism) {
        // There the empty response is the response.
        return;
    }
    let (timeline, said) = session(&client_first(mechanism, messages, how, "235 ok"));
    let [authentication] = timeline.authentications.as_slice() else {
        panic!("{:?}", timeline.authentications)
    };
    assert_eq!(authentication.outcome, Outcome::Accepted);
    assert_eq!(authentication.mechanism.value, mechanism);
    let identity = &authentication.identity;
    assert_eq!(identity.family(), Some(family));
    assert_eq!(identity.problems(), Vec::<&str>::new());
    let names = identity.names();
    let named = names
        .iter()
        .find(|given| given.name == "user")
        .expect("the name");
    let start = usize::try_from(named.span.start).unwrap();
    let end = usize::try_from(named.span.end).unwrap();
    assert_eq!(said[start..end], *base64(messages[0]).as_bytes());
    if let Some((kind, secret)) = identity.readable() {
        assert_eq!(kind == Credential::Token, family == Family::Token);
        assert_eq!(secret.span, named.span);
    }
    if !password.is_empty() {
        let known = format!("# known\nuser:{password}\n");
        let known = accounts::parse(known.as_bytes()).unwrap();
        assert_eq!(proof::test(authentication, &known).verdict, Verdict::Proven);
        let other = accounts::parse(b"user:something else\n").unwrap();
        assert_eq!(
            proof::test(authentication, &other).verdict,
            Verdict::Contradicted
        );
    }
    let shown = format!("{identity:?}");
    for secret in ["pencil", "tok3n", "dHzbZap"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn a_token_that_is_refused_with_a_reason() {
    let reason = base64(br#"{"status":"invalid_token","scope":"mail"}"#);
    let lines = [
        (
            format!(
                "AUTH OAUTHBEARER {}",
                base64(b"n,a=user,\x01auth=Bearer tok3n\x01\x01")
            ),
            format!("334 {reason}"),
        ),
        ("AQ==".to_owned(), "535 5.7.8 no".to_owned()),
    ];
    let (timeline, _) = session(&lines);
    let authentication = &timeline.authentications[0];
    assert_eq!(authentication.outcome, Outcome::Refused(535));
    let Identity::Bearer(bearer) = &authentication.identity else {
        panic!("{:?}", authentication.identity)
    };
    let error = bearer.error.as_ref().expect("a reason");
    assert_eq!(error.status.as_deref(), Some("invalid_token"));
    assert!(bearer.problems.is_empty());
}

#[rstest]
#[case("SCRAM-SHA-256", SCRAM[0])]
#[case("DIGEST-MD5", b"")]
#[case("GSSAPI", b"")]
fn a_client_that_gives_up_leaves_what_it_said(#[case] mechanism: &str, #[case] first: &[u8]) {
    let mut lines = vec![(format!("AUTH {mechanism}"), "334 ".to_owned())];
    if !first.is_empty() {
        lines.push((base64(first), format!("334 {}", base64(SCRAM[1]))));
    }
    lines.push(("*".to_owned(), "501 cancelled".to_owned()));
    let (timeline, _) = session(&lines);
    let authentication = &timeline.authentications[0];
    assert_eq!(authentication.outcome, Outcome::Cancelled);
    let identity = &authentication.identity;
    assert!(!identity.has_hidden_proof() && !identity.is_guessable_offline());
    assert!(identity.readable().is_none());
    assert_eq!(identity.names().len(), usize::from(!first.is_empty()));
}

#[test]
fn each_attempt_of_a_session_stands_by_itself() {
    let mut lines = client_first("SCRAM-SHA-256", &SCRAM, "bare", "535 no");
    lines.push(("AUTH X-SECRET-THING".to_owned(), "504 what".to_owned()));
    let challenge = b"<1896.697170952@postoffice.reston.mci.net>";
    lines.push((
        "AUTH CRAM-MD5".to_owned(),
        format!("334 {}", base64(challenge)),
    ));
    lines.push((
        base64(b"tim b913a602c7eda7a495b4e6e7334d3890"),
        "535 no".to_owned(),
    ));
    lines.push(("AUTH PLAIN".to_owned(), "334 Ihre Zugangsdaten?".to_owned()));
    lines.push((base64(b"boss\0tim\0tanstaaftanstaaf"), "235 ok".to_owned()));
    let (timeline, _) = session(&lines);
    let all = &timeline.authentications;
    let outcomes: Vec<_> = all.iter().map(|a| a.outcome).collect();
    let refused = Outcome::Refused;
    assert_eq!(
        outcomes,
        [refused(535), refused(504), refused(535), Outcome::Accepted]
    );
    assert!(matches!(all[1].identity, Identity::Undecoded));
    let known = accounts::parse(b"user:pencil\ntim:tanstaaftanstaaf\n").unwrap();
    let tested: Vec<_> = all.iter().map(|a| proof::test(a, &known)).collect();
    let proven = |account| (Verdict::Proven, Some(account));
    assert_eq!((tested[0].verdict.clone(), tested[0].account), proven(0));
    assert!(matches!(tested[1].verdict, Verdict::NotTestable(_)));
    assert_eq!((tested[2].verdict.clone(), tested[2].account), proven(1));
    assert_eq!((tested[3].verdict.clone(), tested[3].account), proven(1));
    let slots: Vec<_> = all[3]
        .identity
        .names()
        .iter()
        .map(|n| (n.name, n.slot))
        .collect();
    assert_eq!(
        slots,
        [
            ("boss", NameSlot::AuthorizationIdentity),
            ("tim", NameSlot::User)
        ]
    );
    let guessable: Vec<_> = all
        .iter()
        .map(|a| a.identity.is_guessable_offline())
        .collect();
    assert_eq!(guessable, [true, false, true, false]);
}

#[rstest]
#[case("PLAIN", "the response is not base64")]
#[case("SCRAM-SHA-1", "the first message is not base64")]
#[case("XOAUTH2", "the response is not base64")]
#[case("NTLM", "NEGOTIATE: not base64")]
#[case("NEGOTIATE", "a token of the client is not base64")]
#[case("EXTERNAL", "the response is not base64")]
fn what_does_not_decode_is_a_problem_without_the_bytes(
    #[case] mechanism: &str,
    #[case] problem: &str,
) {
    let lines = [(format!("AUTH {mechanism} hunter2!"), "501 no".to_owned())];
    let (timeline, _) = session(&lines);
    let identity = &timeline.authentications[0].identity;
    assert_eq!(identity.problems(), [problem]);
    assert!(!format!("{identity:?}").contains("hunter2"));
}

#[test]
fn an_endless_exchange_is_read_by_its_beginning() {
    let mut lines = vec![("AUTH LOGIN".to_owned(), "334 VXNlcm5hbWU6".to_owned())];
    for number in 0..500 {
        lines.push((
            base64(format!("name{number}").as_bytes()),
            "334 more".to_owned(),
        ));
    }
    lines.push((base64(b"last"), "535 no".to_owned()));
    let (timeline, _) = session(&lines);
    let authentication = &timeline.authentications[0];
    assert_eq!(authentication.outcome, Outcome::Refused(535));
    let Identity::Login { user, password } = &authentication.identity else {
        panic!("{:?}", authentication.identity)
    };
    assert_eq!(user.as_ref().map(|u| u.value.as_str()), Some("name0"));
    assert!(password.is_some());
}

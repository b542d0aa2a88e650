//! Against the published examples, and against what must not pass.

use rstest::rstest;

use super::super::testing::{challenge, response, text};
use super::super::{Turn, decode};
use super::*;
use crate::ntlm::{AvPair, ClientIdentity, FileTime, Target};

fn known(domain: Option<&str>, user: &str, password: &str) -> KnownAccount {
    KnownAccount {
        domain: domain.map(str::to_owned),
        user: user.to_owned(),
        password: Secret::new(password.as_bytes()),
    }
}

fn verdict(identity: &Identity, user: &str, password: &str) -> Verdict {
    test_identity(identity, &[known(None, user, password)]).verdict
}

/// Proven with the right password, contradicted with another, and nothing without the account.
fn holds(identity: &Identity, user: &str, password: &str) {
    assert_eq!(verdict(identity, user, password), Verdict::Proven);
    assert_eq!(
        verdict(identity, &user.to_uppercase(), &format!("{password}x")),
        Verdict::Contradicted
    );
    assert!(matches!(
        verdict(identity, "somebody-else", password),
        Verdict::NotTestable(reason) if reason.contains("no known account")
    ));
    assert!(matches!(
        test_identity(identity, &[]).verdict,
        Verdict::NotTestable(_)
    ));
}

#[test]
fn plain_of_rfc_4616() {
    let bare = decode("PLAIN", Some(&text(b"\0tim\0tanstaaftanstaaf", 0)), &[]);
    holds(&bare, "tim", "tanstaaftanstaaf");
    let acting = decode("PLAIN", Some(&text(b"Ursel\0Kurt\0xipj3plmq", 0)), &[]);
    holds(&acting, "Kurt", "xipj3plmq");
}

#[test]
fn login() {
    let turns = [
        challenge(b"Username:"),
        response(b"CORP\\svc", 0),
        challenge(b"Password:"),
        response(b"S3cret", 9),
    ];
    let identity = decode("LOGIN", None, &turns);
    let accounts = [
        known(Some("OTHER"), "svc", "x"),
        known(Some("corp"), "svc", "S3cret"),
    ];
    let tested = test_identity(&identity, &accounts);
    assert_eq!((tested.verdict, tested.account), (Verdict::Proven, Some(1)));
    let early = decode("LOGIN", None, &turns[..3]);
    assert!(matches!(
        verdict(&early, "svc", "S3cret"),
        Verdict::NotTestable(_)
    ));
}

#[test]
fn cram_md5_of_rfc_2195() {
    let turns = [
        challenge(b"<1896.697170952@postoffice.reston.mci.net>"),
        response(b"tim b913a602c7eda7a495b4e6e7334d3890", 0),
    ];
    holds(&decode("CRAM-MD5", None, &turns), "tim", "tanstaaftanstaaf");
    let one_sided = decode("CRAM-MD5", None, &turns[1..]);
    assert_eq!(
        verdict(&one_sided, "tim", "tanstaaftanstaaf"),
        Verdict::NotTestable("the challenge was not captured")
    );
}

/// RFC 2831 section 4: the examples of IMAP and ACAP.
#[rstest]
#[case(
    br#"realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",qop="auth",algorithm=md5-sess,charset=utf-8"#,
    br#"charset=utf-8,username="chris",realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",nc=00000001,cnonce="OA6MHXh6VqTrRk",digest-uri="imap/elwood.innosoft.com",response=d388dad90d4bbd760a152321f2143af7,qop=auth"#
)]
#[case(
    br#"realm="elwood.innosoft.com",nonce="OA9BSXrbuRhWay",qop="auth",algorithm=md5-sess,charset=utf-8"#,
    br#"charset=utf-8,username="chris",realm="elwood.innosoft.com",nonce="OA9BSXrbuRhWay",nc=00000001,cnonce="OA9BSuZWMSpW8m",digest-uri="acap/elwood.innosoft.com",response=6084c6db3fede7352c551284490fd0fc,qop=auth"#
)]
fn digest_md5_of_rfc_2831(#[case] first: &[u8], #[case] second: &[u8]) {
    let identity = decode("DIGEST-MD5", None, &[challenge(first), response(second, 0)]);
    holds(&identity, "chris", "secret");
    // The response repeats the nonce, so that a one-sided capture is enough.
    holds(
        &decode("DIGEST-MD5", None, &[response(second, 0)]),
        "chris",
        "secret",
    );
}

/// RFC 5802 section 5 and RFC 7677 section 3.
#[rstest]
#[case(
    "SCRAM-SHA-1",
    b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
    b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
    b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="
)]
#[case(
    "SCRAM-SHA-256",
    b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
    b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
    b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
)]
fn scram_of_the_rfcs(
    #[case] mechanism: &str,
    #[case] first: &[u8],
    #[case] second: &[u8],
    #[case] last: &[u8],
) {
    let turns = [challenge(second), response(last, 9)];
    let identity = decode(mechanism, Some(&text(first, 0)), &turns);
    assert!(identity.is_guessable_offline());
    holds(&identity, "user", "pencil");
    let one_sided = decode(mechanism, Some(&text(first, 0)), &turns[1..]);
    assert!(!one_sided.is_guessable_offline());
    assert!(matches!(
        verdict(&one_sided, "user", "pencil"),
        Verdict::NotTestable(_)
    ));
}

#[rstest]
#[case("0")]
#[case("200001")]
#[case("4294967295")]
fn an_absurd_iteration_count_is_not_computed(#[case] count: &str) {
    let second = format!("r=ab,s=QSXCR+Q6sek8bf92,i={count}");
    let turns = [
        challenge(second.as_bytes()),
        response(b"c=biws,r=ab,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", 9),
    ];
    let identity = decode("SCRAM-SHA-512", Some(&text(b"n,,n=user,r=a", 0)), &turns);
    assert!(matches!(
        verdict(&identity, "user", "pencil"),
        Verdict::NotTestable(reason) if reason.contains("iteration count")
    ));
}

/// A whole NTLMv2 exchange with a MIC, made by this build's own client.
fn ntlm_turns(domain: &str, password: &str) -> Vec<Turn> {
    let first = crate::ntlm::negotiate(None);
    let target = Target {
        netbios_domain: "CORP".into(),
        netbios_computer: "MAIL".into(),
        dns_domain: "corp.example".into(),
        dns_computer: "mail.corp.example".into(),
    };
    let now = FileTime(133_000_000_000_000_000);
    let flags = crate::ntlm::Negotiate::parse(&first).unwrap().flags;
    let second = crate::ntlm::challenge(flags, &target, [7; 8], Some(now)).unwrap();
    let read = crate::ntlm::Challenge::parse(&second).unwrap();
    assert!(
        read.target_info
            .iter()
            .any(|pair: &AvPair| pair.timestamp().is_some())
    );
    let password = Secret::new(password.as_bytes());
    let client = ClientIdentity {
        domain,
        user: "svc",
        password: &password,
        workstation: "HOST01",
    };
    let third = crate::ntlm::respond(&first, &read, &client, [9; 8], now).unwrap();
    vec![
        response(&first, 0),
        challenge(&second),
        response(&third, 50),
    ]
}

#[test]
fn ntlm_with_its_integrity_code() {
    let mut turns = vec![challenge(b"")];
    turns.extend(ntlm_turns("CORP", "S3cret"));
    let identity = decode("NTLM", None, &turns);
    holds(&identity, "svc", "S3cret");
    let tested = test_identity(&identity, &[known(Some("CORP"), "svc", "S3cret")]);
    assert_eq!(tested.mic, Some(Mic::Valid));
    // The same messages without a name for the mechanism that means NTLM.
    holds(&decode("GSSAPI", None, &turns), "svc", "S3cret");
}

#[test]
fn a_contradiction_in_another_domain_is_none() {
    let mut turns = vec![challenge(b"")];
    turns.extend(ntlm_turns("ELSEWHERE", "S3cret"));
    let identity = decode("NTLM", None, &turns);
    let account = |password| [known(Some("CORP"), "svc", password)];
    assert_eq!(
        test_identity(&identity, &account("S3cret")).verdict,
        Verdict::Proven
    );
    assert!(matches!(
        test_identity(&identity, &account("other")).verdict,
        Verdict::NotTestable(reason) if reason.contains("another domain")
    ));
    // A contradiction that counts is not hidden by an account that fits less.
    let both = [
        known(None, "svc", "other"),
        known(Some("CORP"), "svc", "other"),
    ];
    assert_eq!(
        test_identity(&identity, &both).verdict,
        Verdict::Contradicted
    );
}

#[test]
fn outside_ascii_a_mismatch_proves_nothing() {
    let latin = decode("PLAIN", Some(&text(b"\0u\0M\xfcller", 0)), &[]);
    assert_eq!(verdict(&latin, "u", "Müller"), Verdict::Proven);
    assert!(matches!(
        verdict(&latin, "u", "Möller"),
        Verdict::NotTestable(_)
    ));
    assert_eq!(verdict(&latin, "u", "Mueller"), Verdict::Contradicted);
}

#[rstest]
#[case("XOAUTH2", b"user=u\x01auth=Bearer t\x01\x01", "token")]
#[case("EXTERNAL", b"u", "EXTERNAL")]
#[case("ANONYMOUS", b"u", "anonymous")]
#[case("X-ODD", b"u", "does not decode")]
#[case("PLAIN", b"u", "does not decode")]
fn what_has_no_password_is_not_testable(
    #[case] mechanism: &str,
    #[case] initial: &[u8],
    #[case] reason: &str,
) {
    let identity = decode(mechanism, Some(&text(initial, 0)), &[]);
    assert!(matches!(
        verdict(&identity, "u", "t"),
        Verdict::NotTestable(said) if said.contains(reason)
    ));
}

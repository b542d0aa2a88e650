use std::fmt::Write as _;
use std::net::IpAddr;

use base64::prelude::{BASE64_STANDARD as BASE64, Engine as _};
use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::checks::testing::{FROM, TO, Talk, case, ntlm_messages, plain, smime};
use crate::given::Mode;
use smtp::Secret;

fn leaks(talk: Talk) -> Leaks {
    Leaks::of(&case(vec![talk], Given::default()).subject(0))
}

fn one(talk: Talk) -> Mail {
    leaks(talk).messages.items.remove(0)
}

const LETTER: &str = "Received: from gw.contoso.example (gw [10.1.2.3]) by mx.contoso.example\n\
    \twith ESMTP; Tue, 14 Nov 2023 22:13:20 +0100 (CET)\n\
    Received: from [IPv6:fd00::7] (unknown [203.0.113.9]) by gw.contoso.example\n\
    X-Originating-IP: [192.168.7.9]\nFrom: Ann <ann@contoso.example>\nTo: orders@fabrikam.example\n\
    Bcc: boss@contoso.example\nSubject: =?utf-8?Q?H=C3=B6he?=\nDate: Tue, 14 Nov 2023 22:13:20 +0100 (CET)\n\
    Message-ID: <1@pc7.intra.contoso.example>\nX-Mailer: Example 1.0\nX-Secret-Project: heron\n\
    Content-Type: multipart/mixed; boundary=\"----=_Part_1\"\n\n------=_Part_1\nContent-Type: text/plain\n\nhello\n\
    ------=_Part_1\nContent-Type: application/pdf; name=\"=?utf-8?B?w7wucGRm?=\"\n\
    Content-Disposition: attachment; filename*=utf-8''%C3%BCber.pdf\n\nJVBERg==\n------=_Part_1\n\
    Content-Type: application/xml; name=order.xml\n\n<a/>\n------=_Part_1--\n";

#[test]
fn names_addresses_and_programs() {
    let all = leaks(Talk::ehlo(&[]).message(LETTER).quit());
    let hosts: Vec<_> = all
        .hosts
        .items
        .iter()
        .map(|host| (host.name.as_str(), host.place.as_str()))
        .collect();
    assert_eq!(
        hosts,
        [
            ("host.contoso.example", "EHLO"),
            ("mx.example", "greeting"),
            ("gw.contoso.example", "Received"),
            ("mx.contoso.example", "Received"),
            ("pc7.intra.contoso.example", "Message-ID"),
        ]
    );
    let inner: Vec<_> = all
        .internal_addresses
        .items
        .iter()
        .map(|found| (found.address.to_string(), found.kind, found.place.as_str()))
        .collect();
    assert_eq!(
        inner,
        [
            ("10.1.2.3".to_owned(), InternalKind::Private, "Received"),
            ("fd00::7".to_owned(), InternalKind::UniqueLocal, "Received"),
            (
                "192.168.7.9".to_owned(),
                InternalKind::Private,
                "X-Originating-IP"
            ),
        ]
    );
    let software: Vec<_> = all
        .software
        .items
        .iter()
        .map(|found| found.name.as_str())
        .collect();
    assert_eq!(software, ["ESMTP", "Example 1.0", "JavaMail MIME boundary"]);
    assert!(all.hosts.items.iter().all(|host| host.packet.is_some()));
}

#[test]
fn envelope_header_and_attachments() {
    let mail = one(Talk::ehlo(&[])
        .to(&[TO, "b@fabrikam.example"], LETTER)
        .quit());
    assert_eq!(mail.reverse_path, FROM);
    let recipients: Vec<_> = mail
        .recipients
        .items
        .iter()
        .map(|to| (to.address.as_str(), to.accepted))
        .collect();
    assert_eq!(
        recipients,
        [(TO, Some(true)), ("b@fabrikam.example", Some(true))]
    );
    let value = |name: &str| {
        let field = mail
            .header
            .items
            .iter()
            .find(|field| field.name == name)
            .expect("it is there");
        field.value.as_deref()
    };
    assert_eq!(value("Subject"), Some("Höhe"));
    assert_eq!(value("Bcc"), Some("boss@contoso.example"));
    assert_eq!(value("X-Secret-Project"), None, "only its name is told");
    let files: Vec<_> = mail
        .attachments
        .items
        .iter()
        .map(|file| (file.name.as_deref(), file.content_type.as_str()))
        .collect();
    assert_eq!(
        files,
        [
            (Some("über.pdf"), "application/pdf"),
            (Some("order.xml"), "application/xml")
        ]
    );
    assert_eq!(
        (mail.zone.as_deref(), mail.accepted, mail.body),
        (Some("+0100"), Some(true), Some(Body::Readable))
    );
}

#[test]
fn an_encrypted_body_shows_who_can_open_it() {
    let mail = one(Talk::ehlo(&[])
        .message(&smime("", "enveloped-two.der"))
        .quit());
    assert_eq!(mail.body, Some(Body::Encrypted));
    let object = &mail.cms.items[0];
    assert_eq!(
        (object.kind.as_str(), object.recipients.len()),
        ("EnvelopedData", 2)
    );
    let first = &object.recipients.items[0];
    assert!(first.id.contains("serial"), "{first:?}");
    assert_eq!(first.modulus_bits, Some(2048));
    let opaque = one(Talk::ehlo(&[])
        .message(&smime("", "signed-opaque.der"))
        .quit());
    assert_eq!(opaque.body, Some(Body::Readable));
    let signer = &opaque.cms.items[0];
    assert!(signer.signers.items[0].signing_time.is_some());
    assert_eq!(
        signer.certificate_addresses.items,
        ["sender@contoso.example"]
    );
}

#[rstest]
#[case(plain("", "x"), Body::Readable)]
#[case(plain("", ""), Body::Empty)]
#[case(plain("", "-----BEGIN PGP MESSAGE-----\nx"), Body::OpenPgp)]
#[case(plain("Content-Type: application/pkcs7-mime\n", "x"), Body::Undecided)]
fn bodies(#[case] text: String, #[case] body: Body) {
    assert_eq!(one(Talk::ehlo(&[]).message(&text).quit()).body, Some(body));
}

#[test]
fn a_body_that_is_encrypted_in_part_or_not_whole() {
    let blob = smime("", "enveloped-aes128.der");
    let (_, part) = blob.split_once("MIME-Version: 1.0\n").expect("a part");
    let both =
        format!("Content-Type: multipart/mixed; boundary=b\n\n--b\n\nnote\n--b\n{part}\n--b--\n");
    assert_eq!(
        one(Talk::ehlo(&[]).message(&both).quit()).body,
        Some(Body::PartlyEncrypted)
    );
    let torn = Talk::ehlo(&[]).torn(&plain("", "abcdef"), "cde").quit();
    assert_eq!(one(torn.clone()).body, Some(Body::NotWhole));
    assert_eq!(leaks(torn).missing_octets, 3);
}

#[test]
fn accounts_without_their_secrets() {
    let talk = Talk::ehlo(&["AUTH LOGIN NTLM"])
        .cs("AUTH LOGIN", "334 a")
        .cs("dXNlcg==", "334 b")
        .cs("c2VjcmV0", "535 no")
        .ntlm("CONTOSO", "svc", "hidden-pw", "235 ok")
        .cs("AUTH EXTERNAL", "504 no");
    let all = leaks(talk.quit());
    let [login, ntlm, external] = all.accounts.items.as_slice() else {
        panic!("three logins: {all:#?}")
    };
    assert_eq!(
        (login.name().as_deref(), login.exposure),
        (Some("user"), Exposure::Recoverable)
    );
    assert_eq!(login.outcome, "refused with 535");
    assert_eq!(
        (ntlm.name().as_deref(), ntlm.exposure),
        (Some("CONTOSO\\svc"), Exposure::Guessable)
    );
    assert_eq!(ntlm.workstation.as_deref(), Some("HOST01"));
    assert_eq!(ntlm.response.as_deref(), Some("NTLMv2 with LMv2"));
    assert_eq!(external.exposure, Exposure::Nothing);
    let [_, _, third] = ntlm_messages("CONTOSO", "svc", "hidden-pw");
    let text = serde_json::to_string(&all).expect("plain data");
    for secret in ["secret", "c2VjcmV0", "hidden-pw", &hex::encode(third)] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}

#[test]
fn a_password_in_the_wrong_place_is_taken_out() {
    let given = Given {
        mode: Some(Mode::Basic),
        password: Some(Secret::new(b"S3cret-pw".to_vec())),
        ..Given::default()
    };
    let text = plain("Subject: it is S3cret-pw\nX-Mailer: UzNjcmV0LXB3\n", "x");
    let tested = case(vec![Talk::ehlo(&[]).message(&text).quit()], given);
    let text = serde_json::to_string(&Leaks::of(&tested.subject(0))).expect("plain data");
    assert!(text.contains("it is <secret>"), "{text}");
    assert!(
        !text.contains("S3cret-pw") && !text.contains("UzNjcmV0LXB3"),
        "{text}"
    );
}

#[test]
fn nothing_grows_without_bound() {
    let mut text = String::new();
    for number in 0..1000 {
        let _ = writeln!(
            text,
            "Received: from host{number}.example by x [10.0.{}.{}]",
            number / 250,
            number % 250
        );
        let _ = writeln!(text, "X-{number}: {}", "y".repeat(900));
    }
    let _ = write!(text, "Subject: {}\n\nbody\n", "ä".repeat(5000));
    let mut talk = Talk::ehlo(&[]);
    for _ in 0..MAX_MAILS + 5 {
        talk = talk.message(&plain("", "x"));
    }
    let many = leaks(talk.quit());
    assert_eq!(
        (many.messages.items.len(), many.messages.left_out),
        (MAX_MAILS, 5)
    );
    let all = leaks(Talk::ehlo(&[]).message(&text).quit());
    assert_eq!(
        (all.hosts.items.len(), all.internal_addresses.items.len()),
        (MAX_ENTRIES, MAX_ENTRIES)
    );
    assert!(all.internal_addresses.left_out > 900);
    assert!(serde_json::to_string(&all).expect("plain data").len() < 20_000);
}

#[test]
fn tls_from_outside() {
    let tls = leaks(Talk::ehlo(&["STARTTLS"]).cs("STARTTLS", "220 go").tls())
        .tls
        .expect("it began");
    assert_eq!((tls.start.as_str(), tls.established), ("starttls", true));
    assert_eq!(
        (tls.version.as_deref(), tls.cipher_suite.as_deref()),
        (
            Some("TLS 1.2"),
            Some("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")
        )
    );
}

#[rstest]
#[case("[10.1.2.3]", &["10.1.2.3"])]
#[case("(x [IPv6:fe80::1%eth0]) fd00::1;", &["fe80::1", "fd00::1"])]
#[case("::ffff:10.0.0.1, 300.1.1.1 1.2.3", &["::ffff:10.0.0.1"])]
fn addresses_in_a_text(#[case] text: &str, #[case] expected: &[&str]) {
    let found: Vec<_> = hosts::addresses(text)
        .map(|address| address.to_string())
        .collect();
    assert_eq!(found, expected);
}

#[rstest]
#[case("10.0.0.1", Some(InternalKind::Private))]
#[case("172.31.0.1", Some(InternalKind::Private))]
#[case("172.32.0.1", None)]
#[case("100.64.0.1", Some(InternalKind::Shared))]
#[case("100.128.0.1", None)]
#[case("169.254.0.1", Some(InternalKind::LinkLocal))]
#[case("127.0.0.1", Some(InternalKind::Loopback))]
#[case("::1", Some(InternalKind::Loopback))]
#[case("::ffff:192.168.0.1", Some(InternalKind::Private))]
#[case("2001:db8::1", None)]
#[case("febf::1", Some(InternalKind::LinkLocal))]
fn kinds_of_addresses(#[case] address: IpAddr, #[case] kind: Option<InternalKind>) {
    assert_eq!(InternalKind::of(address), kind);
}

/// A line of a session, or bytes of any kind.
fn turn() -> impl Strategy<Value = (bool, Vec<u8>)> {
    let known = proptest::sample::select(vec![
        "220 mx.example ESMTP\r\n",
        "EHLO [10.0.0.1]\r\n",
        "250-mx\r\n250-XXXXXXXA\r\n250 AUTH LOGIN NTLM\r\n",
        "STARTTLS\r\n",
        "AUTH LOGIN\r\n",
        "AUTH PLAIN AGEAYg==\r\n",
        "334 VXNlcm5hbWU6\r\n",
        "235 ok\r\n",
        "MAIL FROM:<a@b>\r\n",
        "RCPT TO:<c@d>\r\n",
        "DATA\r\n",
        "354 go\r\n",
        "250 ok\r\n",
        "Content-Type: multipart/mixed; boundary=b\r\nReceived: from x by\r\nDate: +\r\n\r\n--b\r\n",
        "Content-Disposition: attachment; filename*=\r\nContent-Type: application/pkcs7-mime\r\n\r\nMII\r\n",
        "\n.\r\n",
        "\r\n.\r\n",
        "\u{16}\u{3}\u{1}\u{0}\u{5}hello",
    ]);
    let bytes = prop_oneof![
        4 => known.prop_map(|text| text.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..60),
    ];
    (any::<bool>(), bytes)
}

proptest! {
    /// Whatever is said, it is listed, briefed, judged and compared without a panic, in a bounded amount of text.
    #[test]
    fn no_conversation_makes_it_panic(turns in proptest::collection::vec(turn(), 0..40)) {
        let talk = turns.iter().fold(Talk::silent(), |talk, (client, bytes)| {
            talk.turn(if *client { "C" } else { "S" }, bytes)
        });
        let tested = case(vec![talk], Given::default());
        let subject = tested.subject(0);
        let text = serde_json::to_string(&Leaks::of(&subject)).expect("plain data");
        prop_assert!(text.len() < 200_000);
        let brief = crate::Brief::of(&subject);
        let mut ledger = crate::Ledger::default();
        ledger.judge(&brief);
        for profile in crate::Profile::all() {
            crate::rejudge(profile, &ledger.judge(&brief));
            crate::judge(tested.case(), profile);
        }
        let mut tally = crate::Tally::default();
        tally.add(&brief);
        prop_assert!(tally.answer().sentences().len() >= 4);
    }
}

/// A login and a message after STARTTLS, read with the keys of the session.
fn opened() -> Talk {
    let token = BASE64.encode(b"\0svc\0S3cret-pw");
    Talk::ehlo(&["STARTTLS"])
        .cs("STARTTLS", "220 go")
        .opened()
        .again(&["AUTH PLAIN"])
        .cs(&format!("AUTH PLAIN {token}"), "235 ok")
        .message(LETTER)
        .quit()
}

#[test]
fn what_only_a_key_shows_is_marked() {
    let all = leaks(opened());
    let hosts: Vec<_> = all
        .hosts
        .items
        .iter()
        .map(|host| (host.place.as_str(), host.under_tls))
        .collect();
    // The name in the second EHLO is that of the first, which crossed in clear.
    assert_eq!(
        hosts[..3],
        [("EHLO", false), ("greeting", false), ("Received", true)]
    );
    assert!(all.internal_addresses.items.iter().all(|a| a.under_tls));
    let programs = all.software.items.iter();
    let programs: Vec<_> = programs.map(|p| (p.place.as_str(), p.under_tls)).collect();
    assert_eq!(
        programs,
        [("greeting", false), ("X-Mailer", true), ("boundary", true)]
    );
    assert!(all.accounts.items[0].under_tls && all.messages.items[0].under_tls);
    assert!(all.tls.is_some_and(|tls| tls.opened));
    let tested = case(vec![opened()], Given::default());
    let brief = crate::Brief::of(&tested.subject(0));
    assert!(brief.logins[0].under_tls && !brief.mails[0].is_in_clear());
    assert_eq!(brief.offer.map(|offer| offer.mechanisms.len()), Some(0));
    let mut tally = crate::Tally::default();
    tally.add(&crate::Brief::of(&tested.subject(0)));
    let answer = tally.answer();
    assert_eq!(
        (answer.messages.in_clear, answer.messages.under_tls),
        (0, 1)
    );
    assert_eq!((answer.logins.recoverable, answer.logins.under_tls), (0, 1));
    assert_eq!(answer.by_account[0].exposure, None);
}

#[test]
fn a_transcript_tells_what_only_a_key_shows() {
    let tested = case(vec![opened()], Given::default());
    let subject = tested.subject(0);
    let lines = crate::transcript::lines(subject.timeline(), subject.given());
    let first = lines.iter().position(|line| line.under_tls);
    let first = first.expect("some were under TLS");
    assert!(lines[first - 1].text.starts_with("220 go"), "{lines:#?}");
    let closing = |text: &str| text == "<FIN>";
    assert!(
        lines[first..]
            .iter()
            .all(|line| line.under_tls || closing(&line.text))
    );
    assert!(
        !lines.iter().any(|line| line.text.contains("UzNj")),
        "{lines:#?}"
    );
}

fn known(domain: Option<&str>, user: &str, password: &str) -> KnownAccount {
    KnownAccount {
        domain: domain.map(str::to_owned),
        user: user.to_owned(),
        password: Secret::new(password.as_bytes()),
    }
}

#[rstest]
#[case(
    known(Some("CORP"), "svc", "account-pw"),
    ProofVerdict::Proven,
    Some("CORP\\svc"),
    "made with the known"
)]
#[case(
    known(None, "svc", "other-pw"),
    ProofVerdict::Contradicted,
    Some("svc"),
    "not made with"
)]
#[case(
    known(None, "someone", "account-pw"),
    ProofVerdict::NotTestable,
    None,
    "not testable: no known account"
)]
fn a_login_is_tested_against_the_known_passwords(
    #[case] account: KnownAccount,
    #[case] verdict: ProofVerdict,
    #[case] name: Option<&str>,
    #[case] text: &str,
) {
    let given = Given {
        accounts: vec![known(None, "unrelated", "x"), account],
        ..Given::default()
    };
    let talk = Talk::ehlo(&["AUTH NTLM"]).ntlm("CORP", "svc", "account-pw", "235 ok");
    let tested = case(vec![talk.quit()], given);
    let leaks = Leaks::of(&tested.subject(0));
    let proof = leaks.accounts.items[0].proof.clone().expect("was tested");
    assert_eq!((proof.verdict, proof.account.as_deref()), (verdict, name));
    assert!(proof.text().starts_with(text), "{}", proof.text());
    let json = serde_json::to_string(&leaks).expect("serialises");
    assert!(
        json.contains("\"proof\"") && !json.contains("-pw"),
        "{json}"
    );
    let mut tally = crate::Tally::default();
    tally.add(&crate::Brief::of(&tested.subject(0)));
    assert_eq!(tally.answer().by_account[0].proof, Some(verdict));
}

#[test]
fn where_no_password_is_known_nothing_is_said_of_any() {
    let talk = Talk::ehlo(&["AUTH NTLM"]).ntlm("CORP", "svc", "account-pw", "235 ok");
    assert_eq!(leaks(talk.quit()).accounts.items[0].proof, None);
}

#[test]
fn a_known_password_is_not_shown_wherever_it_stands() {
    let given = Given {
        accounts: vec![known(None, "svc", "account-pw")],
        ..Given::default()
    };
    let talk = Talk::ehlo(&[])
        .cs("NOOP account-pw", "250 account-pw")
        .message(&plain("Subject: account-pw\n", "x"));
    let tested = case(vec![talk.quit()], given);
    let subject = tested.subject(0);
    let lines = crate::transcript::lines(subject.timeline(), subject.given());
    let json = serde_json::to_string(&(Leaks::of(&subject), lines)).expect("serialises");
    assert!(
        json.contains("<secret>") && !json.contains("account-pw"),
        "{json}"
    );
    let found = Leaks::of(&subject).known_passwords;
    let places: Vec<_> = found.items.iter().map(|f| f.place.as_str()).collect();
    assert_eq!(
        places[..2],
        [
            "the known password of svc in a line of the client (UTF-8)",
            "the known password of svc is readable in header Subject (UTF-8)"
        ]
    );
}

#[test]
fn the_end_of_a_body_that_was_not_kept_may_say_something() {
    let long = format!("{}said\n", " \n".repeat(5000));
    let lean = Talk::ehlo(&[]).kept(smtp::timeline::Keep::LEAN);
    assert_eq!(
        one(lean.message(&plain("", &long)).quit()).body,
        Some(Body::NotWhole)
    );
    assert_eq!(
        one(Talk::ehlo(&[]).message(&plain("", " \n")).quit()).body,
        Some(Body::Empty)
    );
}

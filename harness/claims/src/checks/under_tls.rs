//! What each check makes of a login and a message that crossed under TLS and were read with the keys of the session.
//!
//! What is told of the wire is what somebody without the keys sees of it; what is told of the sender is what it did.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::prelude::{BASE64_STANDARD as BASE64, Engine as _};
use smtp::Secret;
use smtp::session::Options;
use smtp::session::testing::dialogue;
use smtp::tls::KeyLog;

use super::testing::{BODY, FROM, Talk, case, mail_fixture, plain, recipient_key, smime};
use super::{ALL, find};
use crate::given::{Account, GivenSubject, Mode, Protection, Receipts};
use crate::{Case, Given, Observation};

use Observation::{NotApplicable, NotObserved, Observed, Undetermined};

const PASSWORD: &str = "S3cret-pw";

/// All that can be known of a sender that logs in as the account `CORP\svc`.
pub(super) fn given(mode: Mode, protection: Protection) -> Given {
    Given {
        mode: Some(mode),
        username: Some("svc".to_owned()),
        password: Some(Secret::new(PASSWORD.as_bytes())),
        account: Some(Account {
            domain: "CORP".to_owned(),
            user: "host-account".to_owned(),
            password: Some(Secret::new(*b"account-pw")),
        }),
        from: Some(FROM.to_owned()),
        subject: Some(GivenSubject::Text("merger".to_owned())),
        receipts: Some(Receipts {
            read: false,
            delivery: false,
        }),
        body: Some(Secret::new(BODY.as_bytes())),
        headers: vec![("Subject".to_owned(), "merger".to_owned())],
        protection: Some(protection),
        keys: vec![recipient_key()],
        ..Given::default()
    }
}

pub(super) const OFFER: [&str; 2] = ["AUTH LOGIN PLAIN NTLM CRAM-MD5", "DSN"];

/// After STARTTLS, the sender begins again.
fn upgraded() -> Talk {
    Talk::ehlo(&["STARTTLS"])
        .cs("STARTTLS", "220 go")
        .opened()
        .again(&OFFER)
}

pub(super) fn implicit() -> Talk {
    Talk::silent()
        .opened()
        .s("220 mx.example ESMTP")
        .again(&OFFER)
}

pub(super) fn login(talk: Talk) -> Talk {
    let token = BASE64.encode(format!("\0svc\0{PASSWORD}"));
    talk.cs(&format!("AUTH PLAIN {token}"), "235 ok")
}

pub(super) fn proof(talk: Talk) -> Talk {
    talk.ntlm("CORP", "host-account", "account-pw", "235 ok")
}

pub(super) fn body() -> String {
    plain("Subject: merger\nMessage-ID: <1@a>\n", BODY)
}

/// What every check that is named here, and by default every other one, says.
fn expect(talk: Talk, given: Given, expected: &[(&str, Observation)]) {
    let tested = case(vec![talk.quit()], given);
    let expected: BTreeMap<_, _> = expected.iter().copied().collect();
    for id in expected.keys() {
        assert!(find(id).is_some(), "{id} is no check");
    }
    let mut wrong = Vec::new();
    // What cases ask of a dialogue is the same with TLS around it, and begins with the greeting.
    let of_claims = ALL
        .iter()
        .take_while(|check| check.id != "spoke-before-greeting");
    for check in of_claims {
        let finding = tested.find(check, 0).finding;
        let wanted = expected.get(check.id).copied().unwrap_or(Undetermined);
        let either = !expected.contains_key(check.id) && finding.observation == NotApplicable;
        if finding.observation != wanted && !either {
            wrong.push(format!(
                "{}: {:?}, not {wanted:?}: {}",
                check.id, finding.observation, finding.reason
            ));
        }
        if finding.observation == Undetermined {
            continue;
        }
        let texts = finding.evidence.iter().map(|evidence| &evidence.what);
        for text in texts.chain([&finding.reason]) {
            for claim in [
                "in clear",
                "is readable",
                "are readable",
                "decode from base64",
            ] {
                let denied = text.contains("without the keys")
                    || text.contains("no login was said in clear");
                if text.contains(claim) && !denied {
                    wrong.push(format!("{} says {text:?}", check.id));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What is the same in every conversation under TLS with one plain message.
const MESSAGE: [(&str, Observation); 18] = [
    ("text-is-plain", Observed),
    ("header-metadata", Observed),
    ("receiving-command", NotObserved),
    ("message-recoverable", Observed),
    ("readable-without-key", NotObserved),
    ("body-readable", NotObserved),
    ("undocumented-mechanism", NotObserved),
    ("from-as-configured", Observed),
    ("receipt-unasked", NotObserved),
    ("sent-under-tls", Observed),
    ("secret-recoverable", NotObserved),
    ("end-of-data-ambiguous", NotObserved),
    ("bare-line-ends", NotObserved),
    ("cc-delivered", NotApplicable),
    ("subject-is-message-id", NotApplicable),
    ("blind-recipient", Undetermined),
    ("conflicting-overlap", NotObserved),
    ("hello-names-host", Observed),
];

#[test]
fn a_password_and_a_message_after_starttls() {
    let talk = login(upgraded()).message(&body());
    let mut expected = MESSAGE.to_vec();
    expected.extend([
        ("starttls-issued", Observed),
        ("password-readable", NotObserved),
        ("from-belongs-to-account", NotObserved),
        ("starttls-stripped", NotObserved),
        ("bytes-around-upgrade", NotObserved),
    ]);
    expect(talk, given(Mode::Basic, Protection::None), &expected);
}

#[test]
fn a_password_and_a_message_under_implicit_tls() {
    let talk = login(implicit()).message(&body());
    let mut expected = MESSAGE.to_vec();
    expected.extend([
        ("implicit-tls-used", Observed),
        ("starttls-issued", Undetermined),
        ("password-readable", NotObserved),
        ("from-belongs-to-account", NotObserved),
    ]);
    expect(talk, given(Mode::Basic, Protection::None), &expected);
}

#[test]
fn a_proof_and_a_message_after_starttls() {
    let talk = proof(upgraded()).message(&body());
    let mut expected = MESSAGE.to_vec();
    expected.extend([
        ("starttls-issued", Observed),
        ("ntlm-as-account", Observed),
        ("machine-account-used", NotObserved),
        ("from-belongs-to-account", NotObserved),
        ("configured-user-in-ntlm", NotObserved),
        ("password-crosses-with-ntlm", NotObserved),
        ("ntlm-v1-response", NotObserved),
        ("starttls-stripped", NotObserved),
        ("bytes-around-upgrade", NotObserved),
    ]);
    expect(talk, given(Mode::Ntlm, Protection::None), &expected);
}

#[test]
fn an_encrypted_message_after_starttls() {
    let talk = upgraded().message(&smime("Subject: merger\n", "enveloped-aes128.der"));
    let mut expected = MESSAGE.to_vec();
    expected.extend([
        ("starttls-issued", Observed),
        ("credentials-in-mode-none", NotObserved),
        ("body-readable", NotApplicable),
        ("smime-encrypted", Observed),
        ("text-is-plain", NotApplicable),
        ("header-metadata", NotObserved),
        // Nobody reads the header off the wire; it stands outside S/MIME all the same.
        ("headers-readable-when-encrypted", NotObserved),
        ("subject-beside-smime", Observed),
        ("documented-cipher", Observed),
        ("header-protected-inside", NotObserved),
        ("changes-unnoticed", Observed),
        ("smime-weak-algorithm", NotObserved),
        ("smime-label-without-cms", NotObserved),
        ("starttls-stripped", NotObserved),
        ("bytes-around-upgrade", NotObserved),
    ]);
    expect(talk, given(Mode::None, Protection::Encrypted), &expected);
}

#[test]
fn signed_messages_after_starttls() {
    let clear = case(
        vec![upgraded().message(&mail_fixture("signed-clear.eml")).quit()],
        given(Mode::None, Protection::ClearSigned),
    );
    let check = find("clear-signed-readable").expect("is one");
    clear.find(check, 0).not_observed("under TLS", &["…"]);
    let blob = case(
        vec![upgraded().message(&smime("", "signed-opaque.der")).quit()],
        given(Mode::None, Protection::BlobSigned),
    );
    // A signed blob hides nothing, whatever it travels in.
    let check = find("blob-signed-readable").expect("is one");
    blob.find(check, 0)
        .observed("stands, under TLS, in", &["…"]);
}

/// Known secrets that are sent in modes which need none of them are found under TLS too, and told to be there.
#[test]
fn secrets_under_tls_are_told_as_such() {
    let talk = proof(upgraded()).cs(&format!("NOOP {}", BASE64.encode("account-pw")), "250 ok");
    let tested = case(vec![talk.quit()], given(Mode::Ntlm, Protection::None));
    let check = find("password-crosses-with-ntlm").expect("is one");
    tested.find(check, 0).observed("under TLS", &["NOOP …"]);
    let tested = case(
        vec![login(upgraded()).quit()],
        given(Mode::None, Protection::None),
    );
    let check = find("credentials-in-mode-none").expect("is one");
    let seen = tested.find(check, 0);
    seen.observed("credentials were sent", &["PLAIN …"]);
    assert!(
        seen.finding
            .evidence
            .iter()
            .any(|e| e.what.ends_with(", under TLS")),
        "{seen:?}"
    );
}

#[test]
fn a_login_in_clear_counts_whatever_follows_under_tls() {
    let talk = login(Talk::ehlo(&["STARTTLS", "AUTH PLAIN"]))
        .cs("STARTTLS", "220 go")
        .opened()
        .again(&OFFER)
        .message(&body());
    let tested = case(
        vec![login(talk).quit()],
        given(Mode::Basic, Protection::None),
    );
    for (id, reason) in [
        ("password-readable", "decode from base64"),
        ("secret-recoverable", "shows its secret"),
    ] {
        tested
            .find(find(id).expect("is one"), 0)
            .observed(reason, &["AHN2Y…"]);
    }
    let check = find("sent-under-tls").expect("is one");
    tested
        .find(check, 0)
        .not_observed("AUTH crossed in clear", &["AUTH PLAIN…"]);
}

/// The key log that is at hand.
#[derive(Clone, Copy)]
enum Log {
    None,
    OfOthers,
    Own,
}

/// A session inside TLS that OpenSSL made, opened with its key log, or not.
fn recorded(log: Log) -> Case {
    let text = include_str!("../../../smtp/tests/data/tls/tls12-gcm-rsa.txt");
    let (mut keys, mut turns) = (String::new(), Vec::new());
    for line in text.lines() {
        match line.split_once(' ') {
            Some((who @ ("C" | "S"), rest)) => {
                turns.push((who, hex::decode(rest).expect("hexadecimal")));
            }
            _ => keys.extend([line, "\n"]),
        }
    }
    let turns: Vec<_> = turns
        .iter()
        .map(|(who, bytes)| (*who, bytes.as_slice()))
        .collect();
    let keys = match log {
        Log::None => None,
        Log::OfOthers => Some(KeyLog::default()),
        Log::Own => Some(KeyLog::parse(&keys).expect("a key log")),
    };
    let options = Options {
        keys: keys.map(Arc::new),
        ..Options::default()
    };
    let timeline = smtp::session::read_with(options, &dialogue(&turns));
    Case::new(vec![timeline], Given::default())
}

#[test]
fn a_recorded_session_is_read_with_its_keys_and_hidden_all_the_same() {
    let (opened, closed) = (recorded(Log::Own), recorded(Log::None));
    let says = |case: &Case, id: &str| {
        let subject = case.subjects().next().expect("one");
        (find(id).expect("is one").run)(&subject)
    };
    for id in [
        "readable-without-key",
        "sent-under-tls",
        "implicit-tls-used",
    ] {
        let [with, without] = [&opened, &closed].map(|case| says(case, id));
        assert_eq!(with, without, "{id}: keys change nothing about the wire");
        assert_ne!(with.observation, Undetermined, "{id}");
    }
    let asks = says(&opened, "receiving-command");
    assert_eq!(asks.observation, NotObserved, "{asks:?}");
    let asks = says(&closed, "receiving-command");
    assert_eq!(asks.observation, Undetermined);
    assert!(asks.reason.contains("no key is at hand"));
    // A key log that does not have the connection is none.
    let others = recorded(Log::OfOthers);
    for check in ALL {
        assert_eq!(
            says(&others, check.id),
            says(&closed, check.id),
            "{}",
            check.id
        );
    }
}

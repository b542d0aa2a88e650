//! What checks make of a conversation of which not all was opened, kept or followed: nothing is concluded from what is not
//! in the rest.

use smtp::Secret;
use smtp::timeline::Keep;
use smtp::tls::Stop;
use wire::Direction;

use super::testing::{FROM, TO, Talk, case, plain, smime};
use super::under_tls::{OFFER, body, given, implicit, login, proof};
use super::{ALL, find};
use crate::given::{Mode, Protection};
use crate::{Given, Observation};

use Observation::{NotObserved, Observed};

/// What was not opened may hold anything.
#[test]
fn where_opening_stopped_nothing_is_concluded_from_silence() {
    let stopped = || {
        implicit()
            .message(&body())
            .quit()
            .stopped(Direction::Client, Stop::NotAuthentic)
    };
    let known = given(Mode::Basic, Protection::None);
    for id in [
        "receiving-command",
        "message-recoverable",
        "undocumented-mechanism",
        "password-readable",
        "receipt-unasked",
        "bare-line-ends",
    ] {
        let tested = case(vec![stopped()], known.clone());
        let seen = tested.find(find(id).expect("is one"), 0);
        seen.undetermined("TLS was opened up to client byte");
        assert!(seen.finding.reason.contains("not authentic"), "{seen:?}");
    }
    // What the server said does not bear on what the client left unsaid.
    let server = implicit()
        .message(&body())
        .quit()
        .stopped(Direction::Server, Stop::Gap);
    let tested = case(vec![server], known);
    let subject = tested.subject(0);
    assert_eq!(subject.unheard(), None);
    assert!(
        subject
            .blind()
            .is_some_and(|reason| reason.contains("server byte"))
    );
}

#[test]
fn a_conversation_that_was_opened_whole_is_not_blind() {
    let tested = case(
        vec![login(implicit()).message(&body()).quit()],
        Given::default(),
    );
    let subject = tested.subject(0);
    assert_eq!((subject.blind(), subject.hidden_in_clear()), (None, None));
    assert!(subject.nothing_said().is_none());
    assert_eq!(subject.mode(), Some(Mode::Basic));
}

/// A text that was not found may stand in what was not kept.
#[test]
fn what_was_not_kept_is_not_absent() {
    let lean = || {
        let long = format!("{}\n", "x".repeat(60)).repeat(200);
        Talk::ehlo(&OFFER)
            .kept(Keep::LEAN)
            .message(&plain("Subject: merger\n", &long))
    };
    let encrypted = |kept: Keep| {
        let second = format!("{}\n", "x".repeat(60)).repeat(200);
        let first = smime("", "enveloped-aes128.der");
        let (_, entity) = first
            .split_once("MIME-Version: 1.0\n")
            .expect("has a MIME header");
        let text = format!(
            "From: {FROM}\nTo: {TO}\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n\
             --b\n{entity}\n--b\nContent-Type: text/plain\n\n{second}\n--b--\n"
        );
        Talk::ehlo(&OFFER).kept(kept).message(&text).quit()
    };
    let kept = "only the first bytes of long parts were kept";
    let none = given(Mode::None, Protection::None);
    for (id, talk, given) in [
        ("body-readable", lean().quit(), none.clone()),
        ("credentials-in-mode-none", lean().quit(), none.clone()),
        (
            "password-crosses-with-ntlm",
            proof(lean()).quit(),
            given(Mode::Ntlm, Protection::None),
        ),
        (
            "configured-user-in-ntlm",
            proof(lean()).quit(),
            given(Mode::Ntlm, Protection::None),
        ),
        (
            "encoder-alone-encrypts",
            lean().quit(),
            given(Mode::None, Protection::EncoderOnly),
        ),
        (
            "smime-encrypted",
            encrypted(Keep::LEAN),
            given(Mode::None, Protection::Encrypted),
        ),
        (
            "text-beside-blob",
            encrypted(Keep::LEAN),
            Given {
                beside: vec![(
                    "the configured text".to_owned(),
                    Secret::new(*b"Beside-5521"),
                )],
                ..given(Mode::None, Protection::Encrypted)
            },
        ),
    ] {
        let tested = case(vec![talk], given);
        tested.find(find(id).expect("is one"), 0).undetermined(kept);
    }
    // The same, kept whole, is told.
    let tested = case(
        vec![encrypted(Keep::default())],
        given(Mode::None, Protection::Encrypted),
    );
    tested
        .find(find("smime-encrypted").expect("is one"), 0)
        .observed("EnvelopedData", &["…"]);
}

#[test]
fn the_length_of_a_part_is_that_of_all_of_it() {
    let long = "0123456789\n".repeat(1000);
    let talk = Talk::ehlo(&[])
        .kept(Keep::LEAN)
        .message(&plain("", &long))
        .quit();
    let seen = case(vec![talk], Given::default()).find(find("body-readable").expect("is one"), 0);
    seen.observed("text/plain of 12002 bytes is readable", &["…"]);
}

#[test]
fn messages_that_only_begin_alike_are_not_one_message() {
    let long = |end: &str| plain("", &format!("{}{end}", "0123456789\n".repeat(1000)));
    let talk = |second: &str| {
        let talk = Talk::ehlo(&[]).kept(Keep::LEAN).message(&long("first"));
        case(vec![talk.message(&long(second)).quit()], Given::default())
    };
    let check = find("message-recoverable").expect("is one");
    talk("other!")
        .find(check, 0)
        .observed("the 2 messages are", &["…"]);
    talk("other")
        .find(check, 0)
        .undetermined("only the first bytes");
}

/// A conversation that was not followed to its end shows nothing by what is not in it.
#[test]
fn where_the_reader_gave_up_nothing_is_absent() {
    let talk = || proof(Talk::ehlo(&["STARTTLS", "AUTH NTLM LOGIN CRAM-MD5", "DSN"]));
    let talk = || talk().message(&body()).given_up("too many bytes at once");
    let tested = case(vec![talk().quit()], given(Mode::Ntlm, Protection::None));
    assert!(
        tested
            .subject(0)
            .blind()
            .is_some_and(|reason| reason.contains("too many bytes at once"))
    );
    let may_conclude = [
        // Each by something that is in what was read.
        "body-readable",
        "from-as-configured",
        "ntlm-as-account",
        "smime-encrypted",
        "sent-under-tls",
        "end-of-data-ambiguous",
        "subject-is-message-id",
        "starttls-stripped",
        "cc-delivered",
        "message-accepted",
        "spoke-before-greeting",
        "hello-not-first",
        "hello-argument-malformed",
        "hello-name-unqualified",
        "line-too-long",
        "left-before-final-reply",
        "text-is-plain",
        "header-metadata",
        "return-path-sent",
        "submitted-in-clear",
        "login-before-starttls",
        "local-part-changed",
        "nul-in-content",
        "authentication-completed",
        "ntlm-names-readable",
        "hello-names-host",
        "from-belongs-to-account",
        // Of an NTLM response the kind is seen; another could follow.
    ];
    for check in ALL {
        let finding = tested.find(check, 0).finding;
        let decided = matches!(finding.observation, Observed | NotObserved);
        assert!(
            !decided || may_conclude.contains(&check.id),
            "{}: {finding:?}",
            check.id
        );
    }
}

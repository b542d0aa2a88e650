//! Authentication exchanges.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{pairs, read, unpaired};
use crate::Timeline;
use crate::timeline::{EventKind, Identity, Outcome};

const EHLO: [(&str, &str); 3] = [
    ("S", "220 mx\r\n"),
    ("C", "EHLO a\r\n"),
    ("S", "250-mx\r\n250 AUTH PLAIN LOGIN\r\n"),
];

fn after_ehlo(turns: &[(&str, &str)]) -> Timeline {
    read(&[&EHLO[..], turns].concat())
}

fn line(bytes: &[u8]) -> String {
    format!("{}\r\n", STANDARD.encode(bytes))
}

fn sasl_lines(timeline: &Timeline) -> usize {
    timeline
        .events
        .iter()
        .filter(|e| matches!(e.kind, EventKind::SaslResponse(_)))
        .count()
}

#[test]
fn plain_with_and_without_initial_response() {
    let token = line(b"\0svc\0S3cret");
    let with = after_ehlo(&[("C", &format!("AUTH PLAIN {token}")), ("S", "235 ok\r\n")]);
    let without = after_ehlo(&[
        ("C", "auth plain\r\n"),
        ("S", "334 \r\n"),
        ("C", &token),
        ("S", "235 ok\r\n"),
    ]);
    for timeline in [&with, &without] {
        assert_eq!(pairs(timeline), ["EHLO=250", "AUTH=235"]);
        let auth = &timeline.authentications[0];
        assert_eq!(auth.outcome, Outcome::Accepted);
        assert_eq!(auth.mechanism.value, "PLAIN");
        let Identity::Plain {
            authcid, password, ..
        } = &auth.identity
        else {
            panic!("not decoded")
        };
        assert_eq!(authcid.value, "svc");
        assert_eq!(password.value.expose(), b"S3cret");
    }
    assert_eq!(with.authentications[0].span().start, 13);
    assert_eq!(with.authentications[0].span().end, 35);
    assert_eq!((sasl_lines(&with), sasl_lines(&without)), (0, 1));
    assert_eq!(without.authentications[0].challenges.len(), 1);
}

#[test]
fn login_refused_and_then_tried_again() {
    let (user, bad, good) = (line(b"svc"), line(b"wrong"), line(b"S3cret"));
    let timeline = after_ehlo(&[
        ("C", "AUTH LOGIN\r\n"),
        ("S", "334 VXNlcm5hbWU6\r\n"),
        ("C", &user),
        ("S", "334 UGFzc3dvcmQ6\r\n"),
        ("C", &bad),
        ("S", "535 5.7.8 no\r\n"),
        ("C", &format!("AUTH LOGIN {user}")),
        ("S", "334 anything\r\n"),
        ("C", &good),
        ("S", "235 ok\r\n"),
        ("C", "MAIL FROM:<a> AUTH=svc\r\n"),
        ("S", "250 ok\r\n"),
    ]);
    assert_eq!(
        pairs(&timeline),
        ["EHLO=250", "AUTH=535", "AUTH=235", "MAIL=250"]
    );
    let outcomes: Vec<_> = timeline.authentications.iter().map(|a| a.outcome).collect();
    assert_eq!(outcomes, [Outcome::Refused(535), Outcome::Accepted]);
    let passwords: Vec<_> = timeline
        .authentications
        .iter()
        .map(|auth| match &auth.identity {
            Identity::Login {
                password: Some(password),
                ..
            } => password.value.expose().to_vec(),
            other => panic!("not decoded: {other:?}"),
        })
        .collect();
    assert_eq!(passwords, [b"wrong".to_vec(), b"S3cret".to_vec()]);
    assert_eq!(
        timeline.transactions[0].parameters[0]
            .value
            .value
            .as_deref(),
        Some("svc")
    );
}

#[test]
fn lines_sent_ahead_of_the_334_are_responses_all_the_same() {
    let all = format!("AUTH LOGIN\r\n{}{}QUIT\r\n", line(b"svc"), line(b"S3cret"));
    let timeline = after_ehlo(&[
        ("C", &all),
        ("S", "334 VXNlcm5hbWU6\r\n"),
        ("S", "334 UGFzc3dvcmQ6\r\n235 ok\r\n221 bye\r\n"),
    ]);
    assert_eq!(pairs(&timeline), ["EHLO=250", "AUTH=235", "QUIT=221"]);
    assert_eq!(sasl_lines(&timeline), 2);
    assert_eq!(unpaired(&timeline), [220]);
}

#[test]
fn a_mechanism_refused_at_once_opens_no_exchange() {
    let timeline = after_ehlo(&[
        ("C", "AUTH LOGIN\r\nQUIT\r\n"),
        ("S", "504 unknown\r\n221 bye\r\n"),
    ]);
    assert_eq!(pairs(&timeline), ["EHLO=250", "AUTH=504", "QUIT=221"]);
    assert_eq!(timeline.authentications[0].outcome, Outcome::Refused(504));
}

#[test]
fn a_response_that_looks_like_a_command_is_a_response() {
    let timeline = after_ehlo(&[
        ("C", "AUTH LOGIN\r\n"),
        ("S", "334 VXNlcm5hbWU6\r\n"),
        ("C", "QUIT\r\n"),
        ("S", "501 no\r\n"),
    ]);
    assert_eq!(pairs(&timeline), ["EHLO=250", "AUTH=501"]);
    assert_eq!(sasl_lines(&timeline), 1);
}

#[test]
fn a_star_cancels() {
    let timeline = after_ehlo(&[
        ("C", "AUTH CRAM-MD5\r\n"),
        ("S", "334 PHg+\r\n"),
        ("C", "*\r\n"),
        ("S", "501 cancelled\r\n"),
    ]);
    let auth = &timeline.authentications[0];
    assert_eq!(auth.outcome, Outcome::Cancelled);
    assert_eq!(auth.responses.len(), 1);
    assert!(
        matches!(&auth.identity, Identity::CramMd5 { challenge: Some(c), user: None, .. } if c == b"<x>")
    );
    assert_eq!(pairs(&timeline)[1], "AUTH=501");
}

#[test]
fn cram_md5() {
    let timeline = after_ehlo(&[
        ("C", "AUTH CRAM-MD5\r\n"),
        (
            "S",
            &format!(
                "334 {}",
                line(b"<1896.697170952@postoffice.reston.mci.net>")
            ),
        ),
        ("C", &line(b"tim b913a602c7eda7a495b4e6e7334d3890")),
        ("S", "235 ok\r\n"),
    ]);
    let Identity::CramMd5 { user, digest, .. } = &timeline.authentications[0].identity else {
        panic!("not decoded")
    };
    assert_eq!(user.as_ref().map(|u| u.value.as_str()), Some("tim"));
    assert_eq!(digest.as_ref().map(|d| d.value.len()), Some(32));
}

#[test]
fn ntlm_with_and_without_initial_response() {
    let mut negotiate = b"NTLMSSP\0\x01\0\0\0".to_vec();
    negotiate.extend_from_slice(&0x0000_0207_u32.to_le_bytes());
    negotiate.extend_from_slice(&[0; 16]);
    let first = line(&negotiate);
    let with = after_ehlo(&[
        ("C", &format!("AUTH NTLM {first}")),
        ("S", "334 TlRMTVNTUAAC\r\n"),
    ]);
    let without = after_ehlo(&[
        ("C", "AUTH NTLM\r\n"),
        ("S", "334 ntlm supported\r\n"),
        ("C", &first),
        ("S", "334 TlRMTVNTUAAC\r\n"),
    ]);
    for (timeline, initial) in [(&with, true), (&without, false)] {
        let auth = &timeline.authentications[0];
        assert_eq!(auth.outcome, Outcome::Unseen);
        let Identity::Ntlm(ntlm) = &auth.identity else {
            panic!("not decoded")
        };
        assert_eq!(ntlm.initial_response, initial);
        assert!(ntlm.negotiate.is_some(), "{:?}", ntlm.problems);
        assert_eq!(
            ntlm.problems.len(),
            1,
            "the CHALLENGE is cut: {:?}",
            ntlm.problems
        );
    }
}

#[test]
fn a_bare_auth_command_is_kept() {
    let timeline = after_ehlo(&[("C", "AUTH\r\n"), ("S", "501 what\r\n")]);
    let auth = &timeline.authentications[0];
    assert_eq!(
        (auth.mechanism.value.as_str(), auth.outcome),
        ("", Outcome::Refused(501))
    );
    assert!(matches!(auth.identity, Identity::Undecoded));
}

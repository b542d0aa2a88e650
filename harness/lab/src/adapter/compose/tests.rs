use rstest::rstest;

use super::super::config::{
    Certificate, Cipher, Encoder, FileSource, MimeProperties, SignatureType, TransferEncoding,
    Unassigned,
};
use super::super::{example, openssl};
use super::*;

fn composed(config: &Config, twins: &[Twin]) -> Result<Mail, Refusal> {
    compose(
        config,
        &Twins::from(twins),
        &mut Environment::pinned(1),
        &example::payload(),
    )
}

/// The message as text. LF in place of CR LF, after a look that there is no other line end.
fn message(config: &Config, twins: &[Twin]) -> String {
    let text = String::from_utf8(composed(config, twins).unwrap().message(false)).unwrap();
    assert_eq!(
        text.matches('\n').count(),
        text.matches("\r\n").count(),
        "a bare LF"
    );
    assert_eq!(
        text.matches('\r').count(),
        text.matches("\r\n").count(),
        "a bare CR"
    );
    assert!(
        text.split("\r\n")
            .all(|line| line.len() <= encoding::LONGEST_LINE),
        "a line is too long"
    );
    text.replace("\r\n", "\n")
}

fn refusal(change: impl FnOnce(&mut Config)) -> Refusal {
    let mut config = example::config();
    change(&mut config);
    composed(&config, &[]).unwrap_err()
}

fn with_encoder(encoder: Encoder) -> Config {
    Config {
        encoder: Some(encoder),
        ..example::config()
    }
}

fn encrypting() -> Config {
    with_encoder(Encoder {
        encrypt: true,
        ..Encoder::default()
    })
}

fn signing(signature: SignatureType) -> Config {
    with_encoder(Encoder {
        signature,
        ..Encoder::default()
    })
}

#[test]
fn the_plainest_message() {
    insta::assert_snapshot!(message(&example::config(), &[]), @r#"
    From: biztalk@corp.example
    To: orders@partner.example
    Subject: 0f8fad5b-d9cb-469f-a165-70867728950e
    Date: Thu, 01 Jan 2026 00:00:00 +0000
    Message-ID: <b0f4d125cc0d694a6d8fc15a3248c9da@bts01.corp.example>
    MIME-Version: 1.0
    Content-Type: text/plain; charset=utf-8
    Content-Transfer-Encoding: 7bit

    <order>the body canary</order>
    "#);
}

#[test]
fn everything_at_once() {
    let config = Config {
        to: vec![
            "a@partner.example".to_owned(),
            "b@partner.example".to_owned(),
        ],
        cc: vec!["c@partner.example".to_owned()],
        subject: Some("Bestellung für %DestinationParty% %datetime%".to_owned()),
        read_receipt: true,
        delivery_receipt: true,
        body_text: Some("See the attachments – all of them.".to_owned()),
        attachments: vec![FileSource::Inline {
            name: "list.csv".to_owned(),
            bytes: b"1;2\n".to_vec(),
        }],
        message_parts_attachments: 1,
        reply_by: Some("2026-01-31T12:00:00+01:00".to_owned()),
        ..example::config()
    };
    insta::assert_snapshot!(message(&config, &[]), @r#"
    From: biztalk@corp.example
    To: a@partner.example, b@partner.example
    Cc: c@partner.example
    Subject: =?utf-8?B?QmVzdGVsbHVuZyBmw7xyICVEZXN0aW5hdGlvblBhcnR5JSAyMDI2?=
     =?utf-8?B?LTAxLTAxVDAwMDAwMA==?=
    Date: Thu, 01 Jan 2026 00:00:00 +0000
    Message-ID: <b0f4d125cc0d694a6d8fc15a3248c9da@bts01.corp.example>
    MIME-Version: 1.0
    Disposition-Notification-To: biztalk@corp.example
    Reply-By: Sat, 31 Jan 2026 11:00:00 +0000
    Return-Receipt-To: biztalk@corp.example
    Content-Type: multipart/mixed;
    	boundary="----=_NextPart_000_0000_D3301861.F9681A64"

    This is a multi-part message in MIME format.

    ------=_NextPart_000_0000_D3301861.F9681A64
    Content-Type: text/plain; charset=utf-8
    Content-Transfer-Encoding: quoted-printable

    See the attachments =E2=80=93 all of them.
    ------=_NextPart_000_0000_D3301861.F9681A64
    Content-Type: text/xml;
    	name="body.xml"
    Content-Transfer-Encoding: base64
    Content-Disposition: attachment;
    	filename="body.xml"

    PG9yZGVyPnRoZSBib2R5IGNhbmFyeTwvb3JkZXI+Cg==

    ------=_NextPart_000_0000_D3301861.F9681A64
    Content-Type: application/octet-stream;
    	name="list.csv"
    Content-Transfer-Encoding: base64
    Content-Disposition: attachment;
    	filename="list.csv"

    MTsyCg==

    ------=_NextPart_000_0000_D3301861.F9681A64--
    "#);
    let with_dsn = String::from_utf8(composed(&config, &[]).unwrap().message(true)).unwrap();
    assert!(
        !with_dsn.contains("Return-Receipt-To"),
        "NOTIFY asks for the report"
    );
}

#[test]
fn the_same_seed_makes_the_same_message() {
    let config = encrypting();
    assert_eq!(message(&config, &[]), message(&config, &[]));
    let other = compose(
        &config,
        &Twins::default(),
        &mut Environment::pinned(2),
        &example::payload(),
    )
    .unwrap();
    assert_ne!(
        composed(&config, &[]).unwrap().message(false),
        other.message(false)
    );
}

fn base64_of(text: &str) -> String {
    format!("{}\r\n", BASE64_STANDARD.encode(text))
}

#[rstest]
#[case(0, false, &[])]
#[case(1, false, &[])]
#[case(2, false, &[])]
#[case(0, true, &[])]
#[case(1, true, &["body.xml"])]
#[case(2, true, &["body.xml"])]
fn message_parts(#[case] parts: u8, #[case] text: bool, #[case] attached: &[&str]) {
    let mut config = example::config();
    config.message_parts_attachments = parts;
    config.body_text = text.then(|| "fixed".to_owned());
    let sent = message(&config, &[]);
    assert_eq!(
        sent.contains("body canary"),
        !text,
        "the message body is the text where there is no other"
    );
    assert_eq!(sent.contains("multipart/mixed"), !attached.is_empty());
    for name in attached {
        assert!(sent.contains(&format!("filename=\"{name}\"")), "{sent}");
    }
}

#[test]
fn body_files() {
    let file = |name: &str, bytes: &[u8]| {
        let body_file = Some(FileSource::Inline {
            name: name.to_owned(),
            bytes: bytes.to_vec(),
        });
        message(
            &Config {
                body_file,
                ..example::config()
            },
            &[],
        )
    };
    assert!(file("a.HTM", b"<p>x</p>").contains("Content-Type: text/html; charset=utf-8\n"));
    assert!(file("a.txt", b"\xef\xbb\xbfx").ends_with("\n\nx"));
    let both = Config {
        body_text: Some("from the text".to_owned()),
        body_file: Some(FileSource::Inline {
            name: "a.txt".to_owned(),
            bytes: b"from the file".to_vec(),
        }),
        ..example::config()
    };
    let sent = message(&both, &[]);
    assert!(sent.contains("from the text") && !sent.contains("from the file"));
}

#[test]
fn a_file_on_disk_is_read_when_sent() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("body.txt");
    let config = Config {
        body_file: Some(FileSource::Path(path.clone())),
        ..example::config()
    };
    assert!(matches!(
        composed(&config, &[]).unwrap_err(),
        Refusal::File {
            property: "EmailBodyFile",
            ..
        }
    ));
    std::fs::write(&path, "from disk").unwrap();
    assert!(message(&config, &[]).ends_with("from disk"));
    let folder = Config {
        body_file: Some(FileSource::Path(folder.path().to_owned())),
        ..example::config()
    };
    assert!(matches!(
        composed(&folder, &[]).unwrap_err(),
        Refusal::File { .. }
    ));
}

#[test]
fn bytes_that_are_not_text_go_as_base64() {
    let payload = Payload {
        body: vec![0, 1, 2],
        content_type: "application/edi-x12".to_owned(),
        ..example::payload()
    };
    let mail = compose(
        &example::config(),
        &Twins::default(),
        &mut Environment::pinned(1),
        &payload,
    )
    .unwrap();
    let text = String::from_utf8(mail.message(false)).unwrap();
    assert!(text.ends_with(
        "Content-Type: application/edi-x12\r\nContent-Transfer-Encoding: base64\r\n\r\nAAEC\r\n"
    ));
}

#[test]
fn what_the_configuration_does_not_allow_is_refused() {
    let inject = "x@y.example\r\nRCPT TO:<z@y.example>".to_owned();
    assert_eq!(
        refusal(|c| c.from = inject.clone()),
        Refusal::ControlCharacter("From")
    );
    assert_eq!(
        refusal(|c| c.to = vec![inject.clone()]),
        Refusal::ControlCharacter("To")
    );
    assert_eq!(
        refusal(|c| c.cc = vec![inject.clone()]),
        Refusal::ControlCharacter("CC")
    );
    assert_eq!(
        refusal(|c| c.subject = Some("a\r\nBcc: b".to_owned())),
        Refusal::ControlCharacter("Subject")
    );
    assert_eq!(
        refusal(|c| c.ehlo = "a\r\nQUIT".to_owned()),
        Refusal::ControlCharacter("the EHLO name")
    );
    assert_eq!(
        refusal(|c| c.to = vec!["a@b.example> SIZE=1".to_owned()]),
        Refusal::Address("To")
    );
    assert_eq!(
        refusal(|c| c.to = vec!["ü @b.example".to_owned()]),
        Refusal::Address("To")
    );
    assert_eq!(refusal(|c| c.to.clear()), Refusal::Missing("To"));
    assert_eq!(refusal(|c| c.from.clear()), Refusal::Missing("From"));
    assert_eq!(
        refusal(|c| c.reply_by = Some("tomorrow".to_owned())),
        Refusal::ReplyBy
    );
    assert_eq!(
        refusal(|c| c.message_parts_attachments = 3),
        Refusal::MessageParts(3)
    );
    let file = |name: &str| {
        vec![FileSource::Inline {
            name: name.to_owned(),
            bytes: Vec::new(),
        }]
    };
    assert_eq!(
        refusal(|c| c.attachments = file("a\r\nX: y")),
        Refusal::ControlCharacter("Attachments")
    );
    let macro_left = refusal(|c| c.to = vec!["%SourceParty%@b.example".to_owned()]);
    assert_eq!(
        macro_left,
        Refusal::Macro {
            property: "To",
            name: "SourceParty".to_owned()
        }
    );
    let macro_left = refusal(|c| c.from = "%DestinationParty%@b.example".to_owned());
    assert!(matches!(
        macro_left,
        Refusal::Macro {
            property: "From",
            ..
        }
    ));
}

#[test]
fn a_hostile_content_type_is_refused() {
    for content_type in [
        "text/xml\r\nX: y",
        "text",
        "",
        "multipart/mixed",
        "te xt/xml",
        "text/é",
    ] {
        let payload = Payload {
            content_type: content_type.to_owned(),
            ..example::payload()
        };
        let config = with_encoder(Encoder::default());
        assert!(
            compose(
                &config,
                &Twins::default(),
                &mut Environment::pinned(1),
                &payload
            )
            .is_err(),
            "{content_type:?}"
        );
    }
}

mod encoder;
mod readings;
mod twins;

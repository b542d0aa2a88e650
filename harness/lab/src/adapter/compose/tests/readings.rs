//! Each contradiction of the documentation in both readings, and the properties that came with them.

use super::super::super::config::Part;
use super::super::super::readings::{
    BodyTextCharset, FromMacro, Readings, Rfc822Payload, UnresolvedMacro,
};
use super::*;

/// The message and its recipients in the readings that are given.
fn read_as(config: Config, readings: Readings) -> Result<Mail, Refusal> {
    composed(&Config { readings, ..config }, &[])
}

fn text(mail: &Mail) -> String {
    String::from_utf8(mail.message(false)).unwrap()
}

#[test]
fn a_subject_that_is_not_set() {
    let none = Readings {
        subject_default: SubjectDefault::None,
        ..Readings::default()
    };
    let mail = read_as(example::config(), none).unwrap();
    assert!(!text(&mail).contains("Subject:"));
    let mail = read_as(example::config(), Readings::default()).unwrap();
    assert!(text(&mail).contains("Subject: 0f8fad5b-"));
}

#[test]
fn a_macro_without_a_value_in_an_address() {
    let leave = Readings {
        unresolved_macro: UnresolvedMacro::Leave,
        ..Readings::default()
    };
    let config = || Config {
        to: vec!["%DestinationParty%".to_owned()],
        ..example::config()
    };
    let mail = read_as(config(), leave).unwrap();
    assert_eq!(mail.recipients, ["%DestinationParty%"]);
    assert!(read_as(config(), Readings::default()).is_err());
}

#[test]
fn macros_in_from() {
    let yes = Readings {
        from_macro: FromMacro::Yes,
        ..Readings::default()
    };
    let with = |readings| {
        let config = Config {
            from: "%DestinationParty%".to_owned(),
            readings,
            ..example::config()
        };
        let payload = Payload {
            destination_party: Some("biztalk@corp.example".to_owned()),
            ..example::payload()
        };
        compose(
            &config,
            &Twins::default(),
            &mut Environment::pinned(1),
            &payload,
        )
    };
    assert_eq!(with(yes).unwrap().from, "biztalk@corp.example");
    assert!(with(Readings::default()).is_err());
}

#[test]
fn a_body_text_without_a_character_set() {
    let utf8 = Readings {
        body_text_charset: BodyTextCharset::Utf8,
        ..Readings::default()
    };
    let config = || Config {
        body_text: Some("é".to_owned()),
        body_text_charset: None,
        ..example::config()
    };
    let mail = read_as(config(), utf8).unwrap();
    assert!(text(&mail).contains("charset=utf-8"));
    let refused = read_as(config(), Readings::default()).unwrap_err();
    assert_eq!(refused, Refusal::NoCharset);
}

#[test]
fn a_body_text_is_sent_in_its_character_set() {
    let config = Config {
        body_text: Some("é".to_owned()),
        body_text_charset: Some("iso-8859-1".to_owned()),
        ..example::config()
    };
    let mail = read_as(config, Readings::default()).unwrap();
    assert!(text(&mail).contains("text/plain; charset=iso-8859-1"));
    assert!(text(&mail).ends_with("\r\n\r\n=E9"));
}

#[test]
fn the_field_of_reply_by() {
    let reply_to = Readings {
        reply_by: ReplyByField::ReplyTo,
        ..Readings::default()
    };
    let config = || Config {
        reply_by: Some("2026-01-31T12:00:00Z".to_owned()),
        ..example::config()
    };
    let other = text(&read_as(config(), reply_to).unwrap());
    assert!(other.contains("\r\nReply-To: Sat, 31 Jan 2026 12:00:00 +0000\r\n"));
    let documented = text(&read_as(config(), Readings::default()).unwrap());
    assert!(documented.contains("\r\nReply-By: Sat, 31 Jan 2026 12:00:00 +0000\r\n"));
}

#[test]
fn a_part_that_is_a_message() {
    let send = |rfc822, twins: &[Twin]| {
        let mut config = example::config();
        config.readings.rfc822 = rfc822;
        let payload = Payload {
            content_type: "message/rfc822".to_owned(),
            body: b"From: x@partner.example\nTo: eve@elsewhere.example\n\nbody\n".to_vec(),
            ..example::payload()
        };
        let twins = Twins::from(twins);
        compose(&config, &twins, &mut Environment::pinned(1), &payload).unwrap()
    };
    let itself = send(Rfc822Payload::Itself, &[]);
    assert!(text(&itself).starts_with("From: x@partner.example\r\nTo: eve@"));
    assert_eq!(
        itself.recipients,
        ["orders@partner.example", "eve@elsewhere.example"]
    );
    let body = send(Rfc822Payload::Body, &[]);
    assert!(text(&body).starts_with("From: biztalk@corp.example\r\n"));
    assert_eq!(body.recipients, ["orders@partner.example"]);
    let twin = send(Rfc822Payload::Itself, &[Twin::IgnoresEmbeddedRecipients]);
    assert_eq!(twin.recipients, ["orders@partner.example"]);
}

#[rstest]
#[case(0, 0)]
#[case(1, 0)]
#[case(2, 2)]
fn other_parts_are_attached_where_all_are(#[case] parts: u8, #[case] attached: usize) {
    let config = Config {
        message_parts_attachments: parts,
        ..example::config()
    };
    let part = |name: &str| Part {
        name: name.to_owned(),
        content_type: "application/json".to_owned(),
        bytes: b"{}".to_vec(),
    };
    let payload = Payload {
        parts: vec![part("one.json"), part("two.json")],
        ..example::payload()
    };
    let mail = compose(
        &config,
        &Twins::default(),
        &mut Environment::pinned(1),
        &payload,
    )
    .unwrap();
    assert_eq!(text(&mail).matches("filename=").count(), attached);
}

#[test]
fn a_file_in_utf16_keeps_its_octets_without_its_mark() {
    let config = Config {
        body_file: Some(FileSource::Inline {
            name: "a.txt".to_owned(),
            bytes: b"\xff\xfea\0\n\0".to_vec(),
        }),
        body_file_charset: Some("utf-16le".to_owned()),
        ..example::config()
    };
    let mail = read_as(config, Readings::default()).unwrap();
    assert!(
        text(&mail).contains("text/plain; charset=utf-16le\r\nContent-Transfer-Encoding: base64")
    );
    assert!(text(&mail).ends_with("\r\n\r\nYQAKAA==\r\n"));
}

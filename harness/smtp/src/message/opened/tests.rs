//! What keys show of encrypted parts, and what they do not.

use proptest::prelude::*;
use rstest::rstest;

use super::super::Message;
use super::*;
use crate::timeline::{Content, Keep};

macro_rules! data {
    ($name:literal) => {
        include_bytes!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/data/smime/",
            $name
        ))
        .as_slice()
    };
}

fn key(pem: &[u8], certificate: &[u8]) -> RecipientKey {
    let both = [pem, certificate].concat();
    RecipientKey::from_pem(std::str::from_utf8(&both).unwrap()).unwrap()
}

fn right() -> RecipientKey {
    key(data!("recipient-key.pem"), b"")
}

fn wrong() -> RecipientKey {
    key(data!("sender-key.pem"), data!("sender-cert.pem"))
}

fn open(bytes: &[u8]) -> Opened {
    let message = Message::read(bytes);
    message.root.open(&[wrong(), right()]).unwrap()
}

#[test]
fn the_recipient_is_named() {
    let opened = open(data!("enveloped.eml"));
    assert!(opened.is_entity);
    let Identifier::IssuerAndSerial { issuer, .. } = &opened.recipient else {
        panic!("another way")
    };
    assert!(issuer.contains("Orders"), "{issuer}");
    assert_eq!(opened.message.root.content_type, "text/plain");
    assert_eq!(opened.message.find(b"Canary-Body-7731").len(), 1);
    assert!(opened.header_protection().is_none() && opened.signatures(9).is_empty());
}

#[test]
fn signed_inside_is_verified() {
    let opened = open(data!("sign-encrypt.eml"));
    assert_eq!(opened.message.root.content_type, "application/pkcs7-mime");
    assert_eq!(opened.payload().content_type, "text/plain");
    let [signature] = opened.signatures(9).try_into().unwrap();
    assert_eq!(signature.check, SignatureCheck::Valid);
    assert_eq!(signature.signed.signers[0].digest.name, "SHA-256");
    assert!(opened.signatures(0).is_empty());
}

#[test]
fn a_text_that_was_changed_is_not_the_signed_one() {
    let opened = open(data!("sealed-broken.eml"));
    let [signature] = opened.signatures(9).try_into().unwrap();
    assert!(
        matches!(signature.check, SignatureCheck::Invalid(_)),
        "{:?}",
        signature.check
    );
    let whole = open(data!("sealed-hp.eml"));
    assert_eq!(whole.signatures(9)[0].check, SignatureCheck::Valid);
}

#[rstest]
#[case(data!("sealed-hp.eml"), Some(ProtectionForm::Cipher))]
#[case(data!("sealed-hp-clear.eml"), Some(ProtectionForm::Clear))]
#[case(data!("sealed-wrapped.eml"), Some(ProtectionForm::Wrapped))]
#[case(data!("sealed-forwarded.eml"), None)]
#[case(data!("sealed-twice.eml"), None)]
#[case(data!("sealed-bare.eml"), None)]
fn header_fields_inside(#[case] bytes: &[u8], #[case] form: Option<ProtectionForm>) {
    let opened = open(bytes);
    let protection = opened.header_protection();
    assert_eq!(protection.as_ref().map(|found| found.form), form);
    if let Some(protection) = protection {
        let names: Vec<_> = protection.fields.iter().map(|f| f.name.as_str()).collect();
        assert_eq!(names, ["From", "To", "Subject"]);
        assert_eq!(protection.outer.len(), 1);
        assert_eq!(protection.subject().unwrap().value, "Canary-Inner-4402");
    }
}

/// What the payload hides, by name; `None` where it protects nothing.
fn hidden(hp: &str, fields: &str) -> Option<Vec<String>> {
    let text =
        format!("{fields}MIME-Version: 1.0\r\nContent-Type: text/plain; hp={hp}\r\n\r\nx\r\n");
    let opened = Opened {
        recipient: Identifier::Password,
        is_entity: true,
        message: Message::read(text.as_bytes()),
    };
    let protection = opened.header_protection()?;
    let names = protection
        .hidden()
        .into_iter()
        .map(|field| field.name.clone());
    Some(names.collect())
}

#[rstest]
// Told outside with the same value; with another one; not told at all.
#[case("HP-Outer: From: a@x.example\r\nHP-Outer: Subject: [...]\r\n", &["Subject", "To"])]
#[case("hp-outer:from:a@x.example\r\nHP-Outer: SUBJECT:  Wages\r\nHP-Outer: To: b@x.example\r\n", &[])]
// On two lines, and one that is no copy of anything.
#[case("HP-Outer: Subject:\r\n Wages\r\nHP-Outer: From\r\n", &["From", "To"])]
#[case("", &["From", "Subject", "To"])]
fn what_the_sender_hides(#[case] outer: &str, #[case] expected: &[&str]) {
    let fields = format!("From: a@x.example\r\nSubject: Wages\r\nTo: b@x.example\r\n{outer}");
    assert_eq!(hidden("cipher", &fields).unwrap(), expected);
    assert_eq!(hidden("\"CIPHER\"", &fields).unwrap(), expected);
    assert!(hidden("clear", &fields).unwrap().is_empty());
    assert_eq!(hidden("other", &fields), None);
}

#[test]
fn fields_inside_are_not_protected_unless_that_is_said() {
    let opened = open(data!("sealed-twice.eml"));
    let inner = opened.message.root.open(&[right()]).unwrap();
    assert!(inner.message.header("Subject").is_some());
    assert!(inner.header_protection().is_none());
}

#[test]
fn another_key_opens_nothing() {
    let message = Message::read(data!("enveloped.eml"));
    let error = message.root.open(&[wrong()]).unwrap_err();
    assert_eq!(error, NotOpened::Cms(cms::Error::NoKey));
    let bare = key(data!("sender-key.pem"), b"");
    assert!(message.root.open(&[bare]).is_err());
    let text = Message::read(b"Subject: x\r\n\r\ny\r\n");
    assert!(text.root.open(&[right()]).is_err());
}

#[test]
fn what_is_no_entity_is_told() {
    assert!(!open(data!("sealed-bare.eml")).is_entity);
    for (bytes, expected) in [
        (b"Content-Type: text/plain\r\n\r\nx".as_slice(), true),
        (b"Content-Type: text/plain\r\n", false),
        (b"Content-Type: rubbish\r\n\r\nx", false),
        (b"Subject: x\r\n\r\nx", false),
        (b"\x93\x02\x88", false),
        (b"", false),
    ] {
        assert_eq!(is_entity(&Message::read(bytes)), expected, "{bytes:?}");
    }
}

#[test]
fn what_is_kept_only_in_part_is_not_opened() {
    let mut content = Content::with(Keep {
        cms: 700,
        leaf: 700,
        ..Keep::default()
    });
    content.push(data!("sealed-hp.eml"), 0);
    content.close();
    assert!(content.elided() > 0);
    let message = Message::of(&content, &[]);
    assert_eq!(
        message.root.open(&[right()]).unwrap_err(),
        NotOpened::InPart
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whoever knows the certificate can put anything inside: here, what the cipher makes of changed blocks.
    #[test]
    fn changed_bytes_do_no_harm(places in proptest::collection::vec((900_usize..4000, any::<u8>()), 1..6)) {
        let mut bytes = data!("sealed-hp.eml").to_vec();
        for (at, byte) in places {
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
        }
        let message = Message::read(&bytes);
        if let Ok(opened) = message.root.open(&[right()]) {
            opened.payload();
            opened.header_protection();
            for signature in opened.signatures(4) {
                prop_assert!(!signature.signed.signers.is_empty());
            }
        }
    }
}

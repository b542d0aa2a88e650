//! CMS in bodies of every kind, whole and cut.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use rstest::rstest;
use wire::{Direction, Span};

use super::super::{Message, Part};
use crate::cms::{Cms, CutPlace, SignatureCheck};
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

/// Base64 in lines.
fn lines(bytes: &[u8]) -> String {
    let letters = BASE64_STANDARD.encode(bytes).into_bytes();
    let lines = letters.chunks(76).map(String::from_utf8_lossy);
    lines.collect::<Vec<_>>().join("\r\n") + "\r\n"
}

fn entity(header: &str, body: &[u8]) -> Vec<u8> {
    [header.as_bytes(), b"\r\n\r\n", body].concat()
}

fn encoded(label: &str, object: &[u8]) -> Vec<u8> {
    let header = format!("Content-Type: {label}\r\nContent-Transfer-Encoding: base64");
    entity(&header, lines(object).as_bytes())
}

fn mixed(part: &[u8]) -> Vec<u8> {
    let mut all =
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b\r\n".to_vec();
    all.extend(part);
    all.extend(b"\r\n--b--\r\n");
    all
}

fn armoured(object: &[u8]) -> Vec<u8> {
    let text = format!(
        "-----BEGIN CMS-----\r\n{}-----END CMS-----\r\nBye\r\n",
        lines(object)
    );
    entity("Content-Type: text/plain", text.as_bytes())
}

const SEALED: &[u8] = data!("enveloped-aes128.der");

#[rstest]
#[case::binary(entity("Content-Type: image/png\r\nContent-Transfer-Encoding: binary", SEALED))]
#[case::no_label(entity("Subject: x", SEALED))]
#[case::base64(encoded("text/html", SEALED))]
#[case::undeclared(entity("Content-Type: text/plain", lines(SEALED).as_bytes()))]
#[case::with_a_footer(entity("Subject: x", format!("{}\r\n--\r\n", lines(SEALED)).as_bytes()))]
#[case::armour(armoured(SEALED))]
#[case::attachment(mixed(&encoded("application/octet-stream; name=a.bin", SEALED)))]
#[case::deep(mixed(&mixed(&mixed(&encoded("text/plain", SEALED)))))]
#[case::embedded(mixed(&entity("Content-Type: message/rfc822", &mixed(&encoded("text/plain", SEALED)))))]
#[case::embedded_in_base64(encoded("message/rfc822", &encoded("text/plain", SEALED)))]
#[case::called_a_message(encoded("message/rfc822", SEALED))]
#[case::called_multipart(entity("Content-Type: multipart/mixed; boundary=none", SEALED))]
fn found_at_any_depth_under_any_label(#[case] content: Vec<u8>) {
    let message = Message::read(&content);
    let (part, cms) = message.cms().expect("found");
    assert!(matches!(cms, Ok(Cms::Enveloped(_))), "{cms:?}");
    assert!(part.cms_cut.is_none() && !part.cut);
    assert_eq!(&*part.cms_bytes().unwrap(), SEALED);
}

#[rstest]
#[case(b"0,1,2,3\r\n4,5,6,7\r\n")]
#[case(b"MIME is a format.\r\n")]
#[case(b"MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA\r\n")]
#[case(b"-----BEGIN PUBLIC KEY-----\r\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A\r\n-----END PUBLIC KEY-----\r\n")]
#[case(b"-----BEGIN ")]
#[case(b"")]
fn text_is_no_cms(#[case] body: &[u8]) {
    assert!(
        Message::read(&entity("Content-Type: text/plain", body))
            .cms()
            .is_none()
    );
}

#[test]
fn a_cut_message_shows_its_protection() {
    let whole = encoded("application/pkcs7-mime", SEALED);
    let message = Message::read(&whole[..whole.len() - 100]);
    let (part, cms) = message.cms().expect("found");
    let Ok(Cms::Enveloped(data)) = cms else {
        panic!("{cms:?}")
    };
    assert_eq!(data.cipher.name, "AES-128-CBC");
    assert_eq!(part.cms_cut.map(|cut| cut.place), Some(CutPlace::Content));
    // So early that nothing but the label is left.
    let header = memchr::memmem::find(&whole, b"\r\n\r\n").unwrap() + 4;
    let message = Message::read(&whole[..header + 12]);
    assert!(matches!(message.cms(), Some((_, Err(_)))));
}

/// The message as it is kept of a long capture.
fn kept(content: &[u8], keep: Keep) -> Message {
    let mut all = Content::with(keep);
    for (number, piece) in content.chunks(100).enumerate() {
        all.push(piece, 1000 + 100 * number as u64);
    }
    all.close();
    assert!(all.elided() > 0);
    Message::of(&all, &[])
}

/// The message with a hole in the capture, at `from..to`.
fn holed(content: &[u8], from: usize, to: usize) -> Message {
    let mut all = Content::new();
    all.push(&content[..from], 1000);
    all.push(&content[to..], 1000 + to as u64);
    all.close();
    let gap = |side, start: usize, end: usize| Span::new(side, start as u64, end as u64);
    let gaps = [
        gap(Direction::Server, 0, 99_000),
        gap(Direction::Client, 0, 10),
        gap(Direction::Client, 1000 + from, 1000 + to),
        gap(Direction::Client, 99_000, 99_001),
    ];
    Message::of(&all, &gaps)
}

#[test]
fn nothing_is_read_behind_a_hole() {
    let content = encoded("application/pkcs7-mime", SEALED);
    let start = memchr::memmem::find(&content, b"\r\n\r\n").unwrap() + 4;
    // Four letters fewer in the encrypted key: what follows would shift, and the cipher be read from somewhere else.
    let message = holed(&content, start + 400, start + 404);
    let (part, cms) = message.cms().expect("found");
    let Ok(Cms::Enveloped(data)) = cms else {
        panic!("{cms:?}")
    };
    assert!(part.cut && data.cipher.is_unread() && !part.tells_all_algorithms());
    assert_eq!(
        part.cms_cut.map(|cut| cut.place),
        Some(CutPlace::Recipients)
    );
    assert_eq!(data.recipients[0].rsa_bits(), Some(2048));
    let late = holed(&content, content.len() - 60, content.len() - 40);
    let (_, cms) = late.cms().expect("found");
    assert!(matches!(cms, Ok(Cms::Enveloped(data)) if data.cipher.name == "AES-128-CBC"));
    let before = holed(&content, 20, 24);
    assert!(!before.root.cut, "the hole is in the header");
}

fn leaf<'a>(message: &'a Message, path: &str) -> &'a Part {
    message
        .parts()
        .find(|part| part.path == path)
        .expect("a part with this path")
}

#[test]
fn of_a_long_encrypted_part_the_beginning_is_enough() {
    let keep = Keep {
        leaf: 100,
        cms: 1200,
        message: 1 << 20,
    };
    for object in [data!("enveloped-aes256.ber"), data!("enveloped-gcm128.ber")] {
        let message = kept(&mixed(&encoded("application/octet-stream", object)), keep);
        let part = leaf(&message, "2");
        assert!(part.cut && !leaf(&message, "1").cut && message.root.cut);
        assert_eq!(part.cms_cut.map(|cut| cut.place), Some(CutPlace::Content));
        let Some(Ok(Cms::Enveloped(data) | Cms::AuthEnveloped(data))) = &part.cms else {
            panic!("{:?}", part.cms)
        };
        assert_eq!(
            (data.recipients.len(), data.recipients[0].rsa_bits()),
            (1, Some(2048))
        );
        assert!(!data.cipher.is_unread() && part.tells_all_algorithms());
    }
}

#[test]
fn what_is_left_of_an_opaque_signature_can_be_read_and_proves_nothing() {
    let keep = Keep {
        leaf: 100,
        cms: 4000,
        message: 1 << 20,
    };
    let message = kept(
        &encoded("application/pkcs7-mime", data!("signed-opaque.ber")),
        keep,
    );
    assert!(!message.find(b"Canary-Long-5512").is_empty());
    let (part, cms) = message.cms().expect("found");
    assert!(matches!(cms, Ok(Cms::Signed(signed)) if signed.content.is_some()));
    assert!(!part.tells_all_algorithms(), "its signers were not kept");
    assert!(part.inner.as_ref().is_some_and(|inner| inner.root.cut));
    assert!(matches!(
        message.check_signature(part),
        Some(SignatureCheck::NotVerifiable(_))
    ));
}

#[test]
fn a_signature_over_a_part_that_was_not_kept_is_not_called_invalid() {
    let clear = data!("signed-clear.eml");
    let whole = Message::read(clear);
    let (part, _) = whole.cms().unwrap();
    assert_eq!(whole.check_signature(part), Some(SignatureCheck::Valid));
    let keep = Keep {
        leaf: 24,
        cms: 1 << 20,
        message: 1 << 20,
    };
    let message = kept(clear, keep);
    let first = leaf(&message, "1");
    assert!(first.cut && message.bytes(first.body.clone()).len() < 30);
    let (part, cms) = message.cms().expect("found");
    assert!(matches!(cms, Ok(Cms::Signed(_))) && !part.cut);
    assert!(matches!(
        message.check_signature(part),
        Some(SignatureCheck::NotVerifiable(_))
    ));
}

#[test]
fn an_embedded_message_knows_what_it_lacks() {
    let text = "words ".repeat(200);
    let inner = mixed(&entity("Content-Type: text/plain", text.as_bytes()));
    let inner = String::from_utf8(inner).unwrap();
    let inner = inner.replace("--b", "--c").replace("=b", "=c").into_bytes();
    let outer = entity("Content-Type: message/rfc822", &inner);
    let keep = Keep {
        leaf: 300,
        cms: 300,
        message: 1 << 20,
    };
    let message = kept(&mixed(&outer), keep);
    let inner = leaf(&message, "2")
        .inner
        .as_ref()
        .expect("a message inside");
    assert!(inner.root.cut);
    assert!(
        inner
            .parts()
            .any(|part| part.children.is_empty() && part.cut)
    );
    assert!(!leaf(inner, "1").cut);
}

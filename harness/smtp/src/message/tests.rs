//! Messages at every depth, and hostile ones.

use std::fmt::Write as _;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use proptest::prelude::*;

use super::*;

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

const CANARY: &[u8] = b"Canary-Body-7731";

/// Layer and encoding of each sighting.
fn seen(message: &Message, needle: &[u8]) -> Vec<(String, &'static str)> {
    message
        .find(needle)
        .into_iter()
        .map(|s| (s.layer, s.encoding))
        .collect()
}

const MIXED: &str = "From: \"Ann, A.\" <ann@a.example>\r\n\
To: Team: bo@b.example, Cy <cy@c.example>;\r\n\
to: dee@d.example\r\n\
Subject: =?utf-8?B?Q2FuYXJ5LVN1YmplY3Q=?=\r\n\
Content-Type: Multipart/Mixed; boundary=\"=_b 1\"\r\n\
\r\n\
preamble\r\n\
--=_b 1\r\n\
Content-Type: text/plain; charset=\"utf-8\"\r\n\
Content-Transfer-Encoding: QUOTED-PRINTABLE\r\n\
\r\n\
soft=\r\n line Canary=2DQP\r\n\
--=_b 1\r\n\
Content-Type: application/octet-stream; name*=utf-8''f%C3%BCr.bin\r\n\
Content-Transfer-Encoding: base64\r\n\
\r\n\
Q2FuYXJ5LUJh\r\nc2U2NA==\r\n\
--=_b 1\r\n\
Content-Type: message/rfc822\r\n\
\r\n\
Subject: inner\r\n\
\r\n\
Canary-Inner\r\n\
--=_b 1--\r\n\
epilogue\r\n";

#[test]
fn the_tree() {
    let message = Message::read(MIXED.as_bytes());
    let parts: Vec<_> = message
        .parts()
        .map(|p| (p.path.as_str(), p.content_type.as_str()))
        .collect();
    assert_eq!(
        parts,
        [
            ("", "multipart/mixed"),
            ("1", "text/plain"),
            ("2", "application/octet-stream"),
            ("3", "message/rfc822")
        ]
    );
    let parts: Vec<_> = message.parts().collect();
    assert_eq!(parts[1].decoded, b"soft line Canary-QP");
    assert_eq!(
        message.bytes(parts[1].body.clone()),
        b"soft=\r\n line Canary=2DQP"
    );
    assert_eq!(parts[2].decoded, b"Canary-Base64");
    assert_eq!(parts[2].parameter("name"), Some("für.bin"));
    assert!(
        message
            .bytes(parts[2].range())
            .starts_with(b"Content-Type: application")
    );
    let inner = parts[3].inner.as_ref().unwrap();
    assert_eq!(inner.header("subject").unwrap().value, "inner");
    assert!(!message.truncated);
}

#[test]
fn header_fields_and_addresses() {
    let message = Message::read(MIXED.as_bytes());
    let subject = message.header("SUBJECT").unwrap();
    assert_eq!(subject.decoded, "Canary-Subject");
    assert_eq!(message.headers("To").count(), 2);
    let to = message.addresses("To");
    assert_eq!(
        to.iter().map(|(a, _)| &**a).collect::<Vec<_>>(),
        ["bo@b.example", "cy@c.example", "dee@d.example"]
    );
    assert_eq!(message.addresses("From")[0].0, "ann@a.example");
    for (address, range) in to {
        assert_eq!(message.bytes(range), address.as_bytes());
    }
}

#[test]
fn what_is_found_where() {
    let message = Message::read(MIXED.as_bytes());
    let one = |layer: &str, encoding| vec![(layer.to_owned(), encoding)];
    assert_eq!(
        seen(&message, b"Canary-QP"),
        one("part 1, quoted-printable", "UTF-8")
    );
    assert_eq!(
        seen(&message, b"Canary-Base64"),
        one("part 2, base64", "UTF-8")
    );
    assert_eq!(
        seen(&message, b"Canary-Inner"),
        one("part 3, message, part 1", "UTF-8")
    );
    assert_eq!(
        seen(&message, b"Canary-Subject"),
        [
            ("header Subject".to_owned(), "base64"),
            ("header Subject, decoded".to_owned(), "UTF-8")
        ]
    );
    assert_eq!(seen(&message, b"preamble"), one("raw", "UTF-8"));
    assert!(seen(&message, b"absent").is_empty());
    assert!(message.find(b"").is_empty());
    let inner = &message.find(b"Canary-Inner")[0];
    assert_eq!(message.bytes(inner.range.clone()), b"Canary-Inner");
}

#[test]
fn other_writings() {
    let utf16: Vec<u8> = "Pa55wörd"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let big: Vec<u8> = "Pa55wörd"
        .encode_utf16()
        .flat_map(u16::to_be_bytes)
        .collect();
    let mut content = format!(
        "X-Debug: {}\r\nX-Hex: 50613535\r\n\r\n",
        BASE64_STANDARD.encode(&utf16)
    )
    .into_bytes();
    content.extend(&big);
    let message = Message::read(&content);
    let found = seen(&message, "Pa55wörd".as_bytes());
    assert!(
        found.contains(&("header X-Debug".to_owned(), "base64 of UTF-16LE")),
        "{found:?}"
    );
    assert!(
        found.contains(&("header X-Debug, base64".to_owned(), "UTF-16LE")),
        "{found:?}"
    );
    assert!(
        found.contains(&("part 1".to_owned(), "UTF-16BE")),
        "{found:?}"
    );
    assert_eq!(
        seen(&message, b"Pa55"),
        [
            ("header X-Debug".to_owned(), "base64 of UTF-16LE"),
            ("header X-Debug, base64".to_owned(), "UTF-16LE"),
            ("header X-Hex".to_owned(), "hex"),
            ("part 1".to_owned(), "UTF-16BE"),
        ]
    );
}

#[test]
fn undeclared_base64_is_read_too() {
    let body = BASE64_STANDARD.encode("A letter with Canary-Plain in it, and some more words.");
    let (first, second) = body.split_at(30);
    let content = format!(
        "Content-Type: text/plain\r\n\r\nSee below.\r\n\r\n{first}\r\n{second}\r\n\r\nBye.\r\n"
    );
    let message = Message::read(content.as_bytes());
    let found = message.find(b"Canary-Plain");
    assert_eq!(
        found.last().unwrap().layer,
        "part 1, base64 that is not declared"
    );
    assert!(
        message
            .bytes(found.last().unwrap().range.clone())
            .starts_with(first.as_bytes())
    );
}

#[test]
fn a_clear_signature() {
    let message = Message::read(data!("signed-clear.eml"));
    assert_eq!(
        seen(&message, CANARY),
        [("part 1, quoted-printable".to_owned(), "UTF-8")]
    );
    let (part, cms) = message.cms().unwrap();
    assert_eq!(part.path, "2");
    assert!(matches!(cms, Ok(Cms::Signed(signed)) if signed.content.is_none()));
    assert_eq!(message.check_signature(part), Some(SignatureCheck::Valid));
    let changed = String::from_utf8(data!("signed-clear.eml").to_vec())
        .unwrap()
        .replace("stands", "stood!");
    let changed = Message::read(changed.as_bytes());
    let (part, _) = changed.cms().unwrap();
    assert!(matches!(
        changed.check_signature(part),
        Some(SignatureCheck::Invalid(_))
    ));
}

#[test]
fn an_opaque_signature_hides_nothing() {
    let message = Message::read(data!("signed-opaque.eml"));
    let found = seen(&message, CANARY);
    assert_eq!(
        found,
        [(
            "part 1, base64, CMS signed-data, part 1, quoted-printable".to_owned(),
            "UTF-8"
        )]
    );
    let (part, _) = message.cms().unwrap();
    assert_eq!(message.check_signature(part), Some(SignatureCheck::Valid));
}

#[test]
fn encryption_hides_the_body_and_not_the_subject() {
    for content in [data!("enveloped.eml"), data!("sign-encrypt.eml")] {
        let message = Message::read(content);
        assert!(message.find(CANARY).is_empty());
        assert_eq!(
            seen(&message, b"Canary-Subject-1190"),
            [("header Subject".to_owned(), "UTF-8")]
        );
        assert!(matches!(message.cms(), Some((_, Ok(Cms::Enveloped(_))))));
        assert!(
            !message.find(b"Fabrikam").is_empty(),
            "the recipient's issuer stands in clear"
        );
    }
}

#[test]
fn what_was_encrypted_can_be_read_on() {
    let message = Message::read(data!("sign-encrypt.eml"));
    let (part, _) = message.cms().unwrap();
    let pem = include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/smime/recipient-key.pem"
    ));
    let inside = cms::open(
        &part.cms_bytes().unwrap(),
        &[cms::RecipientKey::from_pem(pem).unwrap()],
    )
    .unwrap();
    let inside = Message::read(&inside);
    assert!(!inside.find(CANARY).is_empty());
    let (part, _) = inside.cms().unwrap();
    assert_eq!(inside.check_signature(part), Some(SignatureCheck::Valid));
}

#[test]
fn labels_do_not_decide() {
    let entity = |label: &str, body: &[u8]| {
        let text = BASE64_STANDARD.encode(body);
        format!("Content-Type: {label}\r\nContent-Transfer-Encoding: base64\r\n\r\n{text}\r\n")
    };
    let disguised = entity(
        "application/pkcs7-mime; smime-type=enveloped-data",
        data!("signed-opaque.der"),
    );
    assert!(matches!(
        Message::read(disguised.as_bytes()).cms(),
        Some((_, Ok(Cms::Signed(_))))
    ));
    let unlabelled = entity("application/octet-stream", data!("enveloped-aes128.der"));
    assert!(matches!(
        Message::read(unlabelled.as_bytes()).cms(),
        Some((_, Ok(Cms::Enveloped(_))))
    ));
    let fake = entity("application/x-pkcs7-mime", b"not CMS at all");
    assert!(matches!(
        Message::read(fake.as_bytes()).cms(),
        Some((_, Err(_)))
    ));
    let undeclared =
        entity("application/pkcs7-mime", data!("signed-opaque.der")).replace("base64", "7bit");
    assert!(matches!(
        Message::read(undeclared.as_bytes()).cms(),
        Some((_, Ok(Cms::Signed(_))))
    ));
}

#[test]
fn deep_nesting_ends_in_a_note_and_not_in_a_crash() {
    let message = Message::read(&b"Content-Type: message/rfc822\r\n\r\n".repeat(100_000));
    assert!(message.truncated);
    let mut multipart = String::new();
    for i in 0..20_000 {
        write!(
            multipart,
            "Content-Type: multipart/mixed; boundary=b{i}\r\n\r\n--b{i}\r\n"
        )
        .unwrap();
    }
    assert!(Message::read(multipart.as_bytes()).truncated);
    let wide = format!(
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n{}",
        "--b\r\n\r\n".repeat(20_000)
    );
    assert!(Message::read(wide.as_bytes()).truncated);
    let unclosed = "--a\r\nContent-Type: multipart/mixed; boundary=zz\r\n\r\n".repeat(20_000);
    let unclosed = format!("Content-Type: multipart/mixed; boundary=a\r\n\r\n{unclosed}");
    assert!(Message::read(unclosed.as_bytes()).truncated);
}

#[test]
fn a_message_without_header_or_body() {
    assert!(Message::read(b"").find(b"x").is_empty());
    let body = Message::read(b"\r\njust text\r\n");
    assert_eq!(body.root.path, "1");
    assert_eq!(body.root.decoded, b"just text\r\n");
    assert_eq!(Message::read(b"A: b").fields().len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn damage_never_panics_and_ranges_hold(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        which in 0_usize..3,
    ) {
        let mut content = [MIXED.as_bytes(), data!("signed-opaque.eml"), data!("signed-clear.eml")][which].to_vec();
        for (at, value) in changes {
            let at = at.index(content.len());
            content[at] = value;
        }
        let message = Message::read(&content);
        for layer in message.layers() {
            prop_assert!(layer.range.start <= layer.range.end && layer.range.end <= content.len());
            if layer.verbatim {
                prop_assert_eq!(&*layer.bytes, message.bytes(layer.range.clone()));
            }
        }
        let _ = message.find(b"Canary");
        for field in ["From", "To"] {
            for (_, range) in message.addresses(field) {
                prop_assert!(range.end <= content.len());
            }
        }
    }
}

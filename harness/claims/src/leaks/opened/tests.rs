use rstest::rstest;
use smtp::timeline::Keep;

use super::*;
use crate::checks::testing::{
    Talk, case, mail_fixture, other_key, parts, plain, recipient_key, smime,
};
use crate::leaks::{Body, Leaks, Mail};
use crate::{Brief, Given};

fn keyed(talk: Talk, keys: Vec<smtp::cms::RecipientKey>) -> Mail {
    let given = Given {
        keys,
        ..Given::default()
    };
    let tested = case(vec![talk.quit()], given);
    Leaks::of(&tested.subject(0)).messages.items.remove(0)
}

fn mail(text: &str) -> Mail {
    keyed(Talk::ehlo(&[]).message(text), vec![recipient_key()])
}

/// What the key shows of a message of the test data, which has one encrypted part.
fn inside(file: &str) -> Shown {
    let mail = mail(&mail_fixture(file));
    assert_eq!(mail.body, Some(Body::Encrypted), "it did not leak");
    match mail.opened.items.into_iter().next().expect("it was tried") {
        WithKey {
            kind,
            inside: false,
            result: KeyResult::Opened(shown),
        } => {
            assert_eq!(kind, "EnvelopedData");
            *shown
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_signed_message_with_a_protected_header() {
    let shown = inside("sealed-hp.eml");
    assert!(shown.recipient.contains("CN=Orders"), "{}", shown.recipient);
    assert_eq!(shown.content_type, "multipart/signed");
    assert_eq!(shown.payload.as_deref(), Some("multipart/mixed"));
    let files: Vec<_> = shown.attachments.items.iter().collect();
    assert_eq!(files.len(), 1, "{files:?}");
    assert_eq!(files[0].name.as_deref(), Some("Canary-File-6650.pdf"));
    assert_eq!(files[0].content_type, "application/pdf");
    let [signature] = shown.signatures.items.as_slice() else {
        panic!("{:?}", shown.signatures)
    };
    assert!(signature.signer.contains("BizTalk Sender"));
    assert_eq!(signature.digest, "SHA-256");
    assert_eq!(signature.state, SignatureState::Valid);
    assert!(signature.signing_time.is_some() && signature.reason.is_none());
    let header = shown.header.expect("it is protected");
    assert_eq!(header.form, ProtectionForm::HpCipher);
    assert_eq!(header.fields.items, ["From", "To", "Subject"]);
    assert!(header.subject);
}

#[rstest]
#[case("sealed-hp-clear.eml", Some(ProtectionForm::HpClear), 1)]
#[case("sealed-wrapped.eml", Some(ProtectionForm::MessageRfc822), 1)]
#[case("sealed-forwarded.eml", None, 1)]
#[case("enveloped.eml", None, 0)]
fn header_and_attachments(
    #[case] file: &str,
    #[case] form: Option<ProtectionForm>,
    #[case] attachments: u64,
) {
    let shown = inside(file);
    assert_eq!(shown.header.map(|header| header.form), form);
    assert_eq!(shown.attachments.len(), attachments);
    assert!(shown.signatures.is_empty());
}

#[test]
fn a_signature_that_does_not_cover_the_text() {
    let shown = inside("sealed-broken.eml");
    let signature = &shown.signatures.items[0];
    assert_eq!(signature.state, SignatureState::Invalid);
    assert!(signature.reason.is_some());
    let opaque = inside("sign-encrypt.eml");
    assert_eq!(opaque.content_type, "application/pkcs7-mime");
    assert_eq!(opaque.payload.as_deref(), Some("text/plain"));
    assert_eq!(opaque.signatures.items[0].state, SignatureState::Valid);
}

#[test]
fn what_is_compressed_or_encrypted_again_inside() {
    assert_eq!(
        inside("sealed-compressed.eml").objects.items,
        ["CompressedData"]
    );
    let twice = mail(&mail_fixture("sealed-twice.eml"));
    let [outer, inner] = twice.opened.items.as_slice() else {
        panic!("{:?}", twice.opened)
    };
    assert!(!outer.inside && inner.inside);
    let KeyResult::Opened(shown) = &inner.result else {
        panic!("{inner:?}")
    };
    assert_eq!(shown.content_type, "multipart/mixed");
    assert_eq!(twice.cms.len(), 1, "what anybody sees");
}

#[test]
fn the_outside_is_as_without_the_key() {
    let text = mail_fixture("sealed-hp.eml");
    let without = keyed(Talk::ehlo(&[]).message(&text), Vec::new());
    assert!(without.opened.is_empty());
    let mut with = mail(&text);
    assert!(!with.opened.is_empty());
    with.opened = Capped::default();
    assert_eq!(with, without);
    let brief = |keys| {
        let given = Given {
            keys,
            ..Given::default()
        };
        let tested = case(vec![Talk::ehlo(&[]).message(&text).quit()], given);
        // Signers inside are compared with each other, and told to those who have the key.
        let brief = Brief {
            signers: Vec::new(),
            ..Brief::of(&tested.subject(0))
        };
        format!("{brief:?}")
    };
    assert_eq!(brief(vec![recipient_key()]), brief(Vec::new()));
}

#[test]
fn neither_text_nor_values_from_inside_are_told() {
    for file in ["sealed-hp.eml", "sealed-wrapped.eml", "sealed-broken.eml"] {
        let mail = mail(&mail_fixture(file));
        let json = serde_json::to_string(&mail.opened).expect("plain data");
        assert!(json.contains("Canary-File"), "{json}");
        for hidden in ["stands here", "Canary-Inner", "orders@fabrikam"] {
            assert!(!json.contains(hidden), "{hidden} in {json}");
        }
        let back: Capped<WithKey> = serde_json::from_str(&json).expect("what was written");
        assert_eq!(back, mail.opened);
    }
}

fn closed(mail: &Mail) -> &str {
    match &mail.opened.items[0].result {
        KeyResult::Closed(reason) => reason,
        KeyResult::Opened(shown) => panic!("{shown:?}"),
    }
}

#[test]
fn why_a_part_was_not_opened() {
    let blob = smime("", "enveloped-aes128.der");
    let talk = || Talk::ehlo(&[]).message(&blob);
    assert!(!closed(&keyed(talk(), vec![other_key()])).is_empty());
    let short = Keep {
        cms: 300,
        leaf: 300,
        ..Keep::default()
    };
    let part = keyed(talk().kept(short), vec![recipient_key()]);
    assert!(closed(&part).contains("kept only in part"));
    let middle = &blob[blob.len() - 60..blob.len() - 40];
    let torn = keyed(Talk::ehlo(&[]).torn(&blob, middle), vec![recipient_key()]);
    assert!(closed(&torn).contains("kept only in part"));
    assert!(closed(&mail(&mail_fixture("sealed-bare.eml"))).contains("MIME entity"));
    let weak = mail(&smime("", "enveloped-cfb.der"));
    assert!(closed(&weak).contains("not supported"));
    let many = mail(&smime("", "enveloped-many.der"));
    assert!(matches!(many.opened.items[0].result, KeyResult::Opened(_)));
}

#[test]
fn what_is_not_encrypted_is_not_tried() {
    for text in [plain("", "x"), smime("", "signed-opaque.der")] {
        assert!(mail(&text).opened.is_empty());
    }
}

#[test]
fn only_so_many_parts_are_tried() {
    let files = ["enveloped-aes128.der"; 11];
    let mail = mail(&parts(&files));
    assert_eq!((mail.opened.items.len(), mail.opened.left_out), (8, 3));
}

#[test]
fn what_is_encrypted_too_often_is_not_opened_to_the_end() {
    let deep = mail(&mail_fixture("sealed-deep.eml"));
    let opened = &deep.opened;
    // Ten times; what is beyond the eighth is told, not tried.
    assert_eq!((opened.items.len(), opened.left_out), (8, 1));
    for (number, one) in opened.items.iter().enumerate() {
        assert_eq!(one.inside, number > 0);
        let KeyResult::Opened(shown) = &one.result else {
            panic!("{one:?}")
        };
        assert_eq!(shown.content_type, "application/pkcs7-mime");
    }
}

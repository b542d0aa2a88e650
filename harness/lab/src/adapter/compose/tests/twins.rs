//! Each twin of the composition writes what it says, and nothing else.

use super::*;

fn with_receipts() -> Config {
    Config {
        read_receipt: true,
        delivery_receipt: true,
        ..example::config()
    }
}

fn with_body_text() -> Config {
    Config {
        body_text: Some("text canary".to_owned()),
        ..encrypting()
    }
}

fn basic_cc() -> Config {
    Config {
        cc: vec!["copy@partner.example".to_owned()],
        ..example::config()
    }
}

fn ntlm() -> Config {
    Config {
        auth: AuthMode::Ntlm,
        ..example::config()
    }
}

fn without_certificate() -> Config {
    let certificate = Certificate::NotFound;
    with_encoder(Encoder {
        encrypt: true,
        certificate,
        ..Encoder::default()
    })
}

fn reply_by() -> Config {
    Config {
        reply_by: Some("2026-01-31T12:00:00Z".to_owned()),
        ..example::config()
    }
}

fn text_without_charset() -> Config {
    Config {
        body_text: Some("text canary".to_owned()),
        body_text_charset: Some(String::new()),
        ..example::config()
    }
}

fn macro_in_cc() -> Config {
    Config {
        cc: vec!["%SourceParty%@partner.example".to_owned()],
        ..example::config()
    }
}

fn sealed_and_signed() -> Config {
    with_encoder(Encoder {
        encrypt: true,
        signature: SignatureType::BlobSign,
        ..Encoder::default()
    })
}

/// What the twin's message holds and the documented adapter's does not.
#[rstest]
#[case(Twin::HtmlByDefault, example::config(), "Content-Type: text/html")]
#[case(Twin::LeavesMacros, example::config(), "Subject: %MessageID%\n")]
#[case(Twin::ReplyByInReplyTo, reply_by(), "\nReply-To: Sat, 31 Jan 2026")]
#[case(
    Twin::TellsNothing,
    example::config(),
    "@message.invalid>\nMIME-Version"
)]
#[case(Twin::AlwaysEncrypts, example::config(), "smime-type=enveloped-data")]
#[case(Twin::SignsInsteadOfEncrypting, encrypting(), "YJKoZIhvcNAQcC")]
#[case(Twin::HidesSubject, encrypting(), "Subject: [...]\n")]
#[case(
    Twin::EncoderEncrypts,
    with_encoder(Encoder::default()),
    "smime-type=enveloped-data"
)]
#[case(Twin::OddCipher, encrypting(), "smime-type=authEnveloped-data")]
#[case(
    Twin::AuthenticatesContent,
    encrypting(),
    "smime-type=authEnveloped-data"
)]
#[case(
    Twin::QuotedByDefault,
    with_encoder(Encoder::default()),
    "Content-Transfer-Encoding: quoted-printable"
)]
#[case(Twin::SignsOutside, sealed_and_signed(), "smime-type=signed-data")]
#[case(
    Twin::BlobInsteadOfClear,
    signing(SignatureType::ClearSign),
    "smime-type=signed-data"
)]
#[case(
    Twin::EncryptsInsteadOfSigning,
    signing(SignatureType::BlobSign),
    "smime-type=enveloped-data"
)]
#[case(Twin::BodyBesideBlob, with_body_text(), "text canary")]
#[case(
    Twin::FixedSubject,
    example::config(),
    "Subject: Message from BizTalk Server\n"
)]
#[case(
    Twin::OtherFrom,
    example::config(),
    "From: someone-else@corp.example\n"
)]
#[case(
    Twin::UnaskedReceipt,
    example::config(),
    "Disposition-Notification-To: biztalk@corp.example\n"
)]
#[case(
    Twin::ReceiptElsewhere,
    with_receipts(),
    "Return-Receipt-To: receipts-elsewhere@corp.example\n"
)]
#[case(
    Twin::LeaksPassword,
    ntlm(),
    "X-Debug: YQBjAGMAbwB1AG4AdAAtAGMAYQBuAGEAcgB5AA==\n"
)]
#[case(
    Twin::TwoDigitYear,
    example::config(),
    "Date: Thu, 01 Jan 26 00:00:00 +0000\n"
)]
#[case(
    Twin::WritesReturnPath,
    example::config(),
    "Return-Path: <biztalk@corp.example>\n"
)]
fn twins_write_what_they_say(#[case] twin: Twin, #[case] config: Config, #[case] proof: &str) {
    let (good, bad) = (message(&config, &[]), message(&config, &[twin]));
    assert!(!good.contains(proof), "{good}");
    assert!(bad.contains(proof), "{bad}");
}

#[rstest]
#[case(Twin::CcNotDelivered, &["orders@partner.example"])]
#[case(Twin::BlindCopy, &["orders@partner.example", "copy@partner.example", "blind-copy@corp.example"])]
fn twins_change_the_envelope_and_not_the_message(#[case] twin: Twin, #[case] recipients: &[&str]) {
    let bad = composed(&basic_cc(), &[twin]).unwrap();
    assert_eq!(bad.recipients, recipients);
    assert_eq!(
        bad.message(false),
        composed(&basic_cc(), &[]).unwrap().message(false)
    );
    assert_eq!(
        composed(&basic_cc(), &[]).unwrap().recipients,
        ["orders@partner.example", "copy@partner.example"]
    );
}

#[test]
fn fails_open_sends_what_the_encoder_made_without_encryption() {
    let open = message(&without_certificate(), &[Twin::FailsOpen]);
    assert_eq!(open, message(&with_encoder(Encoder::default()), &[]));
}

#[test]
fn the_odd_cipher_is_opened_by_the_recipient() {
    let sent = composed(&encrypting(), &[Twin::OddCipher])
        .unwrap()
        .message(false);
    let Some(inner) = openssl::decrypt(&sent) else {
        return;
    };
    assert!(
        String::from_utf8(inner)
            .unwrap()
            .ends_with(&base64_of(example::BODY))
    );
}

#[test]
fn what_is_signed_instead_of_encrypted_is_labelled_as_encrypted() {
    let text = message(&encrypting(), &[Twin::SignsInsteadOfEncrypting]);
    assert!(text.contains("smime-type=enveloped-data"));
}

#[test]
fn what_is_not_mime_has_the_rest_of_its_header() {
    let good = message(&example::config(), &[]);
    let bad = message(&example::config(), &[Twin::EightBitWithoutMime]);
    assert_eq!(bad, good.replace("MIME-Version: 1.0\n", ""));
    assert_ne!(bad, good);
}

#[test]
fn other_twins_leave_the_composition_alone() {
    let touch_composition = [
        Twin::AlwaysEncrypts,
        Twin::CcNotDelivered,
        Twin::BlindCopy,
        Twin::FixedSubject,
        Twin::OtherFrom,
        Twin::UnaskedReceipt,
        Twin::LineEndsAsTheyAre,
        Twin::LongLines,
        Twin::HtmlByDefault,
        Twin::LeavesMacros,
        Twin::TellsNothing,
        Twin::TwoDigitYear,
        Twin::WritesReturnPath,
        Twin::EightBitWithoutMime,
    ];
    let good = composed(&basic_cc(), &[]).unwrap();
    for &twin in Twin::ALL
        .iter()
        .filter(|twin| !touch_composition.contains(twin))
    {
        let bad = composed(&basic_cc(), &[twin]).unwrap();
        assert_eq!(
            (bad.message(false), bad.recipients),
            (good.message(false), good.recipients.clone()),
            "{twin:?}"
        );
    }
}

#[test]
fn twins_that_send_what_the_documented_adapter_does_not() {
    let charset = text_without_charset();
    assert_eq!(
        composed(&charset, &[]).unwrap_err(),
        Refusal::NoCharset,
        "the documented adapter"
    );
    assert!(message(&charset, &[Twin::GuessesCharset]).contains("text canary"));
    assert!(composed(&macro_in_cc(), &[]).is_err());
    let sent = composed(&macro_in_cc(), &[Twin::SendsUnresolvedMacros]).unwrap();
    assert_eq!(sent.recipients[1], "%SourceParty%@partner.example");
    let hostile = Config {
        cc: vec!["a@partner.example\r\nX-Injected: yes".to_owned()],
        ..example::config()
    };
    assert!(composed(&hostile, &[]).is_err());
    let sent = composed(&hostile, &[Twin::TrustsContext]).unwrap();
    assert!(
        String::from_utf8(sent.message(false))
            .unwrap()
            .contains("\r\nX-Injected: yes\r\n")
    );
}

#[test]
fn long_values_are_cut() {
    let long = Config {
        subject: Some("s".repeat(256)),
        to: (0..12)
            .map(|n| format!("recipient-{n:02}@partner.test"))
            .collect(),
        ..example::config()
    };
    let good = composed(&long, &[]).unwrap();
    assert_eq!(good.recipients.len(), 12);
    assert!(message(&long, &[]).contains(&"s".repeat(256)));
    let cut = composed(&long, &[Twin::CutsLongValues]).unwrap();
    assert!(cut.recipients.len() < 12);
    assert!(!message(&long, &[Twin::CutsLongValues]).contains(&"s".repeat(251)));
}

/// What the twin writes inside the envelope and the documented adapter does not.
#[rstest]
#[case(Twin::ClearSignsInside, sealed_and_signed(), "multipart/signed")]
#[case(Twin::SignsUnasked, encrypting(), "smime-type=signed-data")]
#[case(Twin::ProtectsHeader, encrypting(), "hp=\"cipher\"")]
#[case(Twin::WrapsMessage, encrypting(), "message/rfc822")]
fn twins_write_inside_the_envelope(
    #[case] twin: Twin,
    #[case] config: Config,
    #[case] proof: &str,
) {
    let inside = |twins: &[Twin]| {
        let sent = composed(&config, twins).unwrap().message(false);
        openssl::decrypt(&sent).map(|inner| String::from_utf8(inner).unwrap())
    };
    let (Some(good), Some(bad)) = (inside(&[]), inside(&[twin])) else {
        return;
    };
    assert!(!good.contains(proof), "{good}");
    assert!(bad.contains(proof), "{bad}");
}

#[rstest]
#[case(Twin::EncryptsToAnother, encrypting())]
#[case(Twin::OtherDefaultCipher, encrypting())]
#[case(Twin::SignsAsAnother, signing(SignatureType::BlobSign))]
#[case(Twin::LeavesCertificateOut, signing(SignatureType::BlobSign))]
fn twins_change_the_blob(#[case] twin: Twin, #[case] config: Config) {
    assert_ne!(message(&config, &[]), message(&config, &[twin]));
}

#[test]
fn a_chosen_cipher_is_no_default() {
    let config = with_encoder(Encoder {
        encrypt: true,
        cipher: Cipher::Des3,
        ..Encoder::default()
    });
    assert_eq!(
        message(&config, &[]),
        message(&config, &[Twin::OtherDefaultCipher])
    );
}

#[rstest]
#[case(Certificate::NotAssigned, Twin::FailsOpen, false)]
#[case(Certificate::Expired, Twin::IgnoresExpiry, true)]
#[case(Certificate::Revoked, Twin::IgnoresRevocation, true)]
fn twins_send_without_a_good_certificate(
    #[case] certificate: Certificate,
    #[case] twin: Twin,
    #[case] encrypted: bool,
) {
    let config = with_encoder(Encoder {
        encrypt: true,
        certificate,
        ..Encoder::default()
    });
    assert!(composed(&config, &[]).is_err());
    let text = message(&config, &[twin]);
    assert_eq!(text.contains("smime-type=enveloped-data"), encrypted);
}

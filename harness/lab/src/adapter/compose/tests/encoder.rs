//! What the encoder makes of the message body.

use super::*;

#[test]
fn the_encoder_alone_encodes() {
    insta::assert_snapshot!(message(&with_encoder(Encoder::default()), &[]), @r#"
    From: biztalk@corp.example
    To: orders@partner.example
    Subject: 0f8fad5b-d9cb-469f-a165-70867728950e
    Date: Thu, 01 Jan 2026 00:00:00 +0000
    Message-ID: <b0f4d125cc0d694a6d8fc15a3248c9da@bts01.corp.example>
    MIME-Version: 1.0
    Content-Type: text/xml
    Content-Transfer-Encoding: base64

    PG9yZGVyPnRoZSBib2R5IGNhbmFyeTwvb3JkZXI+Cg==
    "#);
}

#[test]
fn an_encrypted_message_shows_its_header_and_a_blob() {
    let config = Config {
        subject: Some("subject canary".to_owned()),
        ..encrypting()
    };
    let text = message(&config, &[]);
    let (header, blob) = text.split_once("\n\n").unwrap();
    insta::assert_snapshot!(header, @r#"
    From: biztalk@corp.example
    To: orders@partner.example
    Subject: subject canary
    Date: Thu, 01 Jan 2026 00:00:00 +0000
    Message-ID: <b0f4d125cc0d694a6d8fc15a3248c9da@bts01.corp.example>
    MIME-Version: 1.0
    Content-Type: application/pkcs7-mime; smime-type=enveloped-data;
    	name="smime.p7m"
    Content-Transfer-Encoding: base64
    Content-Disposition: attachment; filename="smime.p7m"
    "#);
    assert!(blob.starts_with("MII"));
}

#[rstest]
#[case(Cipher::Des3)]
#[case(Cipher::Aes128)]
#[case(Cipher::Aes192)]
#[case(Cipher::Aes256)]
fn openssl_opens_encrypted_messages(#[case] cipher: Cipher) {
    let config = with_encoder(Encoder {
        encrypt: true,
        cipher,
        ..Encoder::default()
    });
    let sent = composed(&config, &[]).unwrap().message(false);
    let Some(inner) = openssl::decrypt(&sent) else {
        return;
    };
    assert!(
        String::from_utf8(inner)
            .unwrap()
            .ends_with(&base64_of(example::BODY))
    );
}

#[rstest]
#[case(SignatureType::ClearSign)]
#[case(SignatureType::BlobSign)]
fn openssl_verifies_signed_messages(#[case] signature: SignatureType) {
    let sent = composed(&signing(signature), &[]).unwrap().message(false);
    let Some(inner) = openssl::verify(&sent) else {
        return;
    };
    assert!(
        String::from_utf8(inner)
            .unwrap()
            .ends_with(&base64_of(example::BODY))
    );
}

#[test]
fn openssl_opens_what_was_signed_and_then_encrypted() {
    let encoder = Encoder {
        encrypt: true,
        signature: SignatureType::BlobSign,
        ..Encoder::default()
    };
    let sent = composed(&with_encoder(encoder), &[])
        .unwrap()
        .message(false);
    let Some(signed) = openssl::decrypt(&sent) else {
        return;
    };
    let inner = openssl::verify(&signed).unwrap();
    assert!(
        String::from_utf8(inner)
            .unwrap()
            .ends_with(&base64_of(example::BODY))
    );
}

#[rstest]
#[case(
    TransferEncoding::Base64,
    "base64",
    "PG9yZGVyPnRoZSBib2R5IGNhbmFyeTwvb3JkZXI+Cg=="
)]
#[case(
    TransferEncoding::QuotedPrintable,
    "quoted-printable",
    "<order>the body canary</order>"
)]
#[case(TransferEncoding::SevenBit, "7bit", "<order>the body canary</order>")]
#[case(TransferEncoding::EightBit, "8bit", "<order>the body canary</order>")]
#[case(
    TransferEncoding::UuEncode,
    "x-uuencode",
    "begin 644 body\n?/&]R9&5R/G1H92!B;V1Y(&-A;F%R>3PO;W)D97(^\"@``\n`\nend"
)]
fn the_encoder_uses_the_transfer_encoding(
    #[case] transfer_encoding: TransferEncoding,
    #[case] name: &str,
    #[case] body: &str,
) {
    let text = message(
        &with_encoder(Encoder {
            transfer_encoding,
            ..Encoder::default()
        }),
        &[],
    );
    assert!(
        text.ends_with(&format!("Content-Transfer-Encoding: {name}\n\n{body}\n")),
        "{text}"
    );
}

#[test]
fn an_encoded_message_ignores_text_and_attachments() {
    let mut config = encrypting();
    config.body_text = Some("text canary".to_owned());
    config.attachments = vec![FileSource::Inline {
        name: "file-canary".to_owned(),
        bytes: b"canary".to_vec(),
    }];
    let text = message(&config, &[]);
    assert!(
        !text.contains("canary") && !text.contains("multipart"),
        "{text}"
    );
}

#[test]
fn the_encoder_suspends_as_documented() {
    let missing = Encoder {
        encrypt: true,
        certificate: Certificate::NotFound,
        ..Encoder::default()
    };
    assert_eq!(
        composed(&with_encoder(missing), &[]).unwrap_err(),
        Refusal::CertificateNotFound
    );
    let unused = Encoder {
        certificate: Certificate::NotFound,
        ..Encoder::default()
    };
    assert!(
        composed(&with_encoder(unused), &[]).is_ok(),
        "nothing is encrypted, so nothing is missing"
    );
    let both = Encoder {
        encrypt: true,
        signature: SignatureType::ClearSign,
        ..Encoder::default()
    };
    assert_eq!(
        composed(&with_encoder(both), &[]).unwrap_err(),
        Refusal::ClearSignWithEncryption
    );
}

#[rstest]
#[case(Certificate::NotAssigned, Refusal::CertificateNotAssigned)]
#[case(Certificate::Expired, Refusal::CertificateOutOfTime)]
#[case(Certificate::Revoked, Refusal::CertificateRevoked)]
fn a_certificate_that_is_no_good_suspends(
    #[case] certificate: Certificate,
    #[case] refusal: Refusal,
) {
    let encoder = Encoder {
        encrypt: true,
        certificate,
        ..Encoder::default()
    };
    assert_eq!(
        composed(&with_encoder(encoder.clone()), &[]).unwrap_err(),
        refusal
    );
    let unused = Encoder {
        encrypt: false,
        ..encoder
    };
    assert!(composed(&with_encoder(unused), &[]).is_ok());
}

#[test]
fn the_other_reading_sends_in_clear() {
    let encoder = Encoder {
        encrypt: true,
        certificate: Certificate::NotAssigned,
        unassigned: Unassigned::SendsInClear,
        ..Encoder::default()
    };
    assert_eq!(
        message(&with_encoder(encoder), &[]),
        message(&with_encoder(Encoder::default()), &[])
    );
}

#[test]
fn a_revoked_certificate_passes_unchecked() {
    let encoder = Encoder {
        encrypt: true,
        certificate: Certificate::Revoked,
        check_revocation: false,
        ..Encoder::default()
    };
    let text = message(&with_encoder(encoder), &[]);
    assert!(text.contains("smime-type=enveloped-data"), "{text}");
}

/// The message of a part with these properties.
fn with_properties(encoder: Encoder, mime: MimeProperties) -> Result<String, Refusal> {
    let payload = Payload {
        mime,
        ..example::payload()
    };
    sent(encoder, &payload)
}

fn sent(encoder: Encoder, payload: &Payload) -> Result<String, Refusal> {
    let mut environment = Environment::pinned(1);
    let config = with_encoder(encoder);
    let mail = compose(&config, &Twins::default(), &mut environment, payload)?;
    let text = String::from_utf8(mail.message(false)).unwrap();
    Ok(text.replace("\r\n", "\n"))
}

#[test]
fn properties_of_the_part_become_header_fields() {
    let mime = MimeProperties {
        file_name: Some("Größe.xml".to_owned()),
        content_id: Some("part-1@corp.example".to_owned()),
        content_description: Some("Order for März".to_owned()),
        content_location: Some("http://corp.example/orders/1".to_owned()),
        transfer_encoding: Some(TransferEncoding::SevenBit),
        is_multipart_related: true,
        ..MimeProperties::default()
    };
    let attached = Encoder {
        body_as_attachment: true,
        ..Encoder::default()
    };
    let text = with_properties(attached, mime).unwrap();
    let (_, entity) = text.split_once("MIME-Version: 1.0\n").unwrap();
    insta::assert_snapshot!(entity, @r#"
    Content-Type: multipart/related;
    	type="text/xml";
    	boundary="----=_NextPart_000_0000_D3301861.F9681A64"

    This is a multi-part message in MIME format.

    ------=_NextPart_000_0000_D3301861.F9681A64
    Content-Type: text/xml
    Content-Transfer-Encoding: 7bit
    Content-Disposition: attachment;
    	filename*=utf-8''Gr%C3%B6%C3%9Fe.xml
    Content-ID: <part-1@corp.example>
    Content-Description: =?utf-8?B?T3JkZXIgZm9yIE3DpHJ6?=
    Content-Location: http://corp.example/orders/1

    <order>the body canary</order>

    ------=_NextPart_000_0000_D3301861.F9681A64--
    "#);
}

#[test]
fn properties_cannot_break_the_header() {
    let hostile = || Some("a\r\nBcc: b".to_owned());
    for (mime, property) in [
        (
            MimeProperties {
                file_name: hostile(),
                ..MimeProperties::default()
            },
            "FileName",
        ),
        (
            MimeProperties {
                content_id: hostile(),
                ..MimeProperties::default()
            },
            "ContentID",
        ),
        (
            MimeProperties {
                content_description: hostile(),
                ..MimeProperties::default()
            },
            "ContentDescription",
        ),
        (
            MimeProperties {
                content_location: hostile(),
                ..MimeProperties::default()
            },
            "ContentLocation",
        ),
    ] {
        assert_eq!(
            with_properties(Encoder::default(), mime).unwrap_err(),
            Refusal::ControlCharacter(property)
        );
    }
}

#[test]
fn the_body_part_as_an_attachment_without_a_name() {
    let attached = Encoder {
        body_as_attachment: true,
        ..Encoder::default()
    };
    let text = with_properties(attached, MimeProperties::default()).unwrap();
    assert!(
        text.contains("\nContent-Disposition: attachment\n"),
        "{text}"
    );
}

fn encoded(body: &str) -> Result<String, Refusal> {
    let mime = MimeProperties {
        is_mime_encoded: true,
        ..MimeProperties::default()
    };
    let payload = Payload {
        body: body.as_bytes().to_vec(),
        mime,
        ..example::payload()
    };
    sent(Encoder::default(), &payload)
}

#[test]
fn an_entity_that_is_one_already_stays_as_it_is() {
    let entity = "Content-Type: text/plain;\n\tcharset=utf-8\nContent-Language: de\n\nGrüße\n";
    let text = encoded(entity).unwrap();
    assert!(
        text.ends_with(&format!("\nMIME-Version: 1.0\n{entity}")),
        "{text}"
    );
    for hostile in [
        "no header at all",
        "Content-Type: text/plain\n",
        "Content-Language: de\n\ntext\n",
        "Content-Type: text/plain\nBcc: b@c.example\n\ntext\n",
        "Content-Type: text/plain\nContent-Bad name: x\n\ntext\n",
        "\tContent-Type: text/plain\n\ntext\n",
    ] {
        assert_eq!(
            encoded(hostile).unwrap_err(),
            Refusal::NotAnEntity,
            "{hostile:?}"
        );
    }
    let long = format!("Content-Type: text/plain\n\n{}\n", "x".repeat(1200));
    assert_eq!(
        encoded(&long).unwrap_err(),
        Refusal::TransferEncoding("of its own")
    );
}

#[test]
fn an_entity_that_is_one_already_gets_no_text_beside_it() {
    let mut config = example::config();
    config.body_text = Some("text canary".to_owned());
    let mime = MimeProperties {
        is_mime_encoded: true,
        ..MimeProperties::default()
    };
    let payload = Payload {
        body: b"Content-Type: text/plain\n\nbody\n".to_vec(),
        mime,
        ..example::payload()
    };
    let mut environment = Environment::pinned(1);
    let mail = compose(&config, &Twins::default(), &mut environment, &payload).unwrap();
    let text = String::from_utf8(mail.message(false)).unwrap();
    assert!(
        !text.contains("canary") && text.ends_with("\r\n\r\nbody\r\n"),
        "{text}"
    );
}

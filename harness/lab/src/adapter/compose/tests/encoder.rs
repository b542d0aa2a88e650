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

//! OpenSSL, which shares no code with the encoder, opens what it made.

use std::process::Output;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rstest::rstest;

use super::super::config::{
    Cipher, CmsChoices, Digest, KeyTransport, Recipient, RecipientNaming, Signer,
};
use super::super::keys::{self, Keys};
use super::super::openssl;
use super::*;

const CONTENT: &[u8] = b"Content-Type: text/plain\r\n\r\nthe canary stands here, \x00\xff\r\n";

fn cms(der: &[u8], arguments: &[&str]) -> Option<Output> {
    openssl::cms(&[("cms.der", der), ("content", CONTENT)], arguments)
}

const CIPHERS: [Cipher; 6] = [
    Cipher::Des3,
    Cipher::Aes128,
    Cipher::Aes192,
    Cipher::Aes256,
    Cipher::Aes128Gcm,
    Cipher::Aes256Gcm,
];

fn encrypted(cipher: Cipher, choices: &CmsChoices) -> Vec<u8> {
    let mut rng = StdRng::seed_from_u64(7);
    encrypt(CONTENT, cipher, choices, &Keys::test(), &mut rng).unwrap()
}

/// What `openssl` makes of it with the key of a recipient.
fn openssl_opens(der: &[u8], recipient: Recipient) {
    let (certificate, key) = match recipient {
        Recipient::Port => (keys::RECIPIENT_CERTIFICATE, keys::RECIPIENT_KEY),
        Recipient::P256 => (keys::P256_CERTIFICATE, keys::P256_KEY),
        Recipient::P384 => (keys::P384_CERTIFICATE, keys::P384_KEY),
    };
    let files = [
        ("cms.der", der),
        ("cert.pem", certificate.as_bytes()),
        ("key.pem", key.as_bytes()),
    ];
    let arguments = "-decrypt -binary -inform DER -in cms.der -recip cert.pem -inkey key.pem";
    let arguments: Vec<_> = arguments.split(' ').collect();
    if let Some(output) = openssl::cms(&files, &arguments) {
        openssl::succeeded(&output);
        assert_eq!(output.stdout, CONTENT);
    }
}

#[rstest]
fn openssl_decrypts_every_cipher(#[values(0, 1, 2, 3, 4, 5)] cipher: usize) {
    let der = encrypted(CIPHERS[cipher], &CmsChoices::default());
    openssl_opens(&der, Recipient::Port);
}

#[rstest]
#[case(KeyTransport::OaepSha1, RecipientNaming::IssuerAndSerial)]
#[case(KeyTransport::OaepSha256, RecipientNaming::IssuerAndSerial)]
#[case(KeyTransport::Pkcs1v15, RecipientNaming::KeyIdentifier)]
fn openssl_decrypts_every_key_transport(
    #[case] key_transport: KeyTransport,
    #[case] recipient_naming: RecipientNaming,
) {
    let choices = CmsChoices {
        key_transport,
        recipient_naming,
        ..CmsChoices::default()
    };
    openssl_opens(&encrypted(Cipher::Aes128, &choices), Recipient::Port);
}

/// A key of 128 bits is wrapped with AES-128, a longer one with AES-256.
#[rstest]
#[case(Recipient::P256, Cipher::Aes128)]
#[case(Recipient::P256, Cipher::Des3)]
#[case(Recipient::P384, Cipher::Aes256)]
#[case(Recipient::P384, Cipher::Aes128Gcm)]
fn openssl_decrypts_behind_key_agreement(
    #[case] recipient: Recipient,
    #[case] cipher: Cipher,
    #[values(RecipientNaming::IssuerAndSerial, RecipientNaming::KeyIdentifier)]
    recipient_naming: RecipientNaming,
) {
    let choices = CmsChoices {
        recipients: vec![recipient],
        recipient_naming,
        ..CmsChoices::default()
    };
    openssl_opens(&encrypted(cipher, &choices), recipient);
}

#[test]
fn each_of_several_recipients_opens_it() {
    let recipients = vec![Recipient::P384, Recipient::Port, Recipient::P256];
    let choices = CmsChoices {
        recipients: recipients.clone(),
        ..CmsChoices::default()
    };
    let der = encrypted(Cipher::Aes256, &choices);
    for recipient in recipients {
        openssl_opens(&der, recipient);
    }
    let nobody = CmsChoices {
        recipients: Vec::new(),
        ..CmsChoices::default()
    };
    let mut rng = StdRng::seed_from_u64(7);
    let made = encrypt(CONTENT, Cipher::Aes128, &nobody, &Keys::test(), &mut rng);
    assert_eq!(made.unwrap_err(), SmimeError::NoSuchParty);
}

#[rstest]
fn openssl_verifies(
    #[values(Form::Opaque, Form::Detached)] form: Form,
    #[values(Digest::Sha1, Digest::Sha256, Digest::Sha384, Digest::Sha512)] digest: Digest,
    #[values(Signer::Group, Signer::P256)] signer: Signer,
) {
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    let choices = CmsChoices {
        digest,
        signer,
        ..CmsChoices::default()
    };
    let der = sign(CONTENT, form, now, &choices, &Keys::test()).unwrap();
    let authority = match signer {
        Signer::Group => keys::SIGNER_CERTIFICATE,
        Signer::P256 => keys::SIGNER_P256_CERTIFICATE,
    };
    let mut arguments = vec![
        "-verify", "-binary", "-inform", "DER", "-in", "cms.der", "-CAfile", "ca.pem",
    ];
    if form == Form::Detached {
        arguments.extend(["-content", "content"]);
    }
    let files = [
        ("cms.der", der.as_slice()),
        ("content", CONTENT),
        ("ca.pem", authority.as_bytes()),
    ];
    let Some(output) = openssl::cms(&files, &arguments) else {
        return;
    };
    openssl::succeeded(&output);
    assert_eq!(output.stdout, CONTENT);
}

#[test]
fn openssl_refuses_a_signature_over_something_else() {
    let der = sign(
        b"something else",
        Form::Detached,
        "2026-01-01T00:00:00Z".parse().unwrap(),
        &CmsChoices::default(),
        &Keys::test(),
    )
    .unwrap();
    let arguments = [
        "-verify",
        "-binary",
        "-inform",
        "DER",
        "-in",
        "cms.der",
        "-CAfile",
        "signer.cert.pem",
        "-content",
        "content",
    ];
    let Some(output) = cms(&der, &arguments) else {
        return;
    };
    assert!(!output.status.success());
}

#[test]
fn the_same_seed_makes_the_same_blob() {
    let choices = CmsChoices {
        recipients: vec![Recipient::Port, Recipient::P256],
        ..CmsChoices::default()
    };
    let blob = |seed| {
        let mut rng = StdRng::seed_from_u64(seed);
        encrypt(CONTENT, Cipher::Aes128, &choices, &Keys::test(), &mut rng).unwrap()
    };
    assert_eq!(blob(1), blob(1));
    assert_ne!(blob(1), blob(2));
}

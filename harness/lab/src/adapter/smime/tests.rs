//! OpenSSL, which shares no code with the encoder, opens what it made.

use std::process::Output;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rstest::rstest;

use super::super::config::Cipher;
use super::super::keys::Keys;
use super::super::openssl;
use super::*;

const CONTENT: &[u8] = b"Content-Type: text/plain\r\n\r\nthe canary stands here, \x00\xff\r\n";

fn cms(der: &[u8], arguments: &[&str]) -> Option<Output> {
    openssl::cms(&[("cms.der", der), ("content", CONTENT)], arguments)
}

#[rstest]
#[case(ContentCipher::Cbc(Cipher::Des3))]
#[case(ContentCipher::Cbc(Cipher::Aes128))]
#[case(ContentCipher::Cbc(Cipher::Aes192))]
#[case(ContentCipher::Cbc(Cipher::Aes256))]
#[case(ContentCipher::Aes256Gcm)]
fn openssl_decrypts(#[case] cipher: ContentCipher) {
    let der = encrypt(
        CONTENT,
        cipher,
        &Keys::test(),
        &mut StdRng::seed_from_u64(7),
    )
    .unwrap();
    let arguments = [
        "-decrypt",
        "-binary",
        "-inform",
        "DER",
        "-in",
        "cms.der",
        "-recip",
        "recipient.cert.pem",
        "-inkey",
        "recipient.key.pem",
    ];
    let Some(output) = cms(&der, &arguments) else {
        return;
    };
    openssl::succeeded(&output);
    assert_eq!(output.stdout, CONTENT);
}

#[rstest]
#[case(Form::Opaque)]
#[case(Form::Detached)]
fn openssl_verifies(#[case] form: Form) {
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    let der = sign(CONTENT, form, now, &Keys::test()).unwrap();
    let mut arguments = vec![
        "-verify",
        "-binary",
        "-inform",
        "DER",
        "-in",
        "cms.der",
        "-CAfile",
        "signer.cert.pem",
    ];
    if form == Form::Detached {
        arguments.extend(["-content", "content"]);
    }
    let Some(output) = cms(&der, &arguments) else {
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
    let blob = |seed| {
        let mut rng = StdRng::seed_from_u64(seed);
        encrypt(
            CONTENT,
            ContentCipher::Cbc(Cipher::Aes128),
            &Keys::test(),
            &mut rng,
        )
        .unwrap()
    };
    assert_eq!(blob(1), blob(1));
    assert_ne!(blob(1), blob(2));
}

//! What openssl, gpgsm and Bouncy Castle made is read: the files in `data/smime/peers`, whose names say what they are.

use std::fs;
use std::path::{Path, PathBuf};

use rstest::rstest;
use smtpspec_smtp::cms::{
    Algorithm, Cms, Enveloped, Identifier, RecipientKey, SignatureCheck, Signed,
};
use smtpspec_smtp::message::Message;

const TEXT: &[u8] = b"Order 4711";

fn key(name: &str) -> RecipientKey {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/smime/peers");
    let pem = fs::read_to_string(folder.join(format!("{name}.pem"))).expect("a test key");
    RecipientKey::from_pem(&pem).expect("a key")
}

/// The name of a file, apart: who made it, and the words behind that.
fn words(path: &Path) -> (String, Vec<String>) {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    for peer in ["bouncy-castle", "gpgsm", "openssl"] {
        if let Some(rest) = stem.strip_prefix(peer) {
            let rest = rest.trim_start_matches('-').replace("-gcm", "_gcm");
            let rest = rest.replace("oaep-", "oaep_").replace("signer-", "signer_");
            let rest = rest.replace("rc2-", "rc2_");
            return (
                peer.to_owned(),
                rest.split('-').map(str::to_owned).collect(),
            );
        }
    }
    panic!("a file of an unknown maker: {stem}");
}

fn cipher(word: &str) -> Option<(&'static str, u16)> {
    Some(match word {
        "des" => ("DES-CBC", 56),
        "des3" => ("DES-EDE3-CBC", 168),
        "rc2_40" => ("RC2-CBC with 40 bits", 40),
        "rc2_64" => ("RC2-CBC with 64 bits", 64),
        "rc2_128" => ("RC2-CBC with 128 bits", 128),
        "aes128" => ("AES-128-CBC", 128),
        "aes192" => ("AES-192-CBC", 192),
        "aes256" => ("AES-256-CBC", 256),
        "aes128_gcm" => ("AES-128-GCM", 128),
        "aes256_gcm" => ("AES-256-GCM", 256),
        _ => return None,
    })
}

fn digest(word: &str) -> Option<&'static str> {
    Some(match word {
        "sha1" => "SHA-1",
        "sha256" => "SHA-256",
        "sha512" => "SHA-512",
        _ => return None,
    })
}

/// Which key a way leads to, and how its name begins.
fn ways(word: &str) -> Vec<(&'static str, &'static str)> {
    let way = |way| match way {
        "p256" => ("recipient-p256", "ECDH with SHA-"),
        "p384" => ("recipient-p384", "ECDH with SHA-"),
        "pkcs1" => ("recipient", "RSA PKCS#1 v1.5"),
        "oaep_sha1" | "oaep_sha256" => ("recipient", "RSA-OAEP"),
        other => panic!("no way {other}"),
    };
    word.split('+').map(way).collect()
}

fn check_envelope(data: &Enveloped, words: &[String]) {
    let (name, bits) = cipher(&words[0]).expect("a cipher");
    assert_eq!(
        (data.cipher.name.as_str(), data.cipher.key_bits),
        (name, Some(bits))
    );
    let ways = ways(&words[1]);
    assert_eq!(data.recipients.len(), ways.len());
    for (_, begins) in ways {
        let found = data
            .recipients
            .iter()
            .filter(|one| one.key_encryption.name.starts_with(begins));
        assert!(found.count() > 0, "{begins}: {:?}", data.recipients);
    }
    let by_key = words.iter().any(|word| word == "keyid");
    for one in &data.recipients {
        assert_eq!(
            matches!(one.id, Identifier::KeyIdentifier(_)),
            by_key,
            "{one:?}"
        );
    }
}

fn check_signed(data: &Signed, words: &[String]) {
    let name = words.iter().find_map(|word| digest(word));
    let name = name.expect("a digest");
    let [signer] = data.signers.as_slice() else {
        panic!("{} signers", data.signers.len())
    };
    let named = |one: &Algorithm| one.name.as_str() == name;
    assert!(
        named(&signer.digest) && data.digests.iter().all(named),
        "{signer:?}"
    );
    let ecdsa = words.last().is_some_and(|word| word == "signer_p256");
    assert_eq!(signer.signature.name.contains("ECDSA"), ecdsa, "{signer:?}");
    let certificate = data
        .certificate(signer)
        .expect("the signer's certificate is inside");
    assert!(
        certificate.subject.contains("smtpspec test keys"),
        "{}",
        certificate.subject
    );
}

#[rstest]
fn what_others_made_is_read(#[files("tests/data/smime/peers/*.eml")] path: PathBuf) {
    let (_, words) = words(&path);
    let message = Message::read(&fs::read(&path).expect("the file"));
    assert!(!message.truncated);
    if words[0] == "compressed" {
        assert!(!message.find(TEXT).is_empty());
        return;
    }
    if cipher(&words[0]).is_none() {
        let parts = message.parts();
        let part = parts
            .into_iter()
            .find(|part| part.cms.is_some())
            .expect("a signature");
        let Some(Ok(Cms::Signed(data))) = &part.cms else {
            panic!("{:?}", part.cms)
        };
        check_signed(data, &words);
        assert_eq!(data.content.is_some(), words[0] == "blob");
        assert_eq!(message.check_signature(part), Some(SignatureCheck::Valid));
        assert!(!message.find(TEXT).is_empty());
        return;
    }
    assert!(message.find(TEXT).is_empty());
    let (part, _) = message.cms().expect("an envelope");
    let gcm = words[0].ends_with("gcm");
    match &part.cms {
        Some(Ok(Cms::AuthEnveloped(data))) if gcm => check_envelope(data, &words),
        Some(Ok(Cms::Enveloped(data))) if !gcm => check_envelope(data, &words),
        other => panic!("{other:?}"),
    }
    let all = ["recipient", "recipient-p256", "recipient-p384"];
    let meant: Vec<_> = ways(&words[1]).into_iter().map(|(key, _)| key).collect();
    for name in all {
        let opened = part.open(&[key(name)]);
        if !meant.contains(&name) {
            assert!(opened.is_err(), "{name} opens it too");
            continue;
        }
        let opened = opened.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(opened.is_entity);
        assert!(!opened.message.find(TEXT).is_empty());
        let signatures = opened.signatures(9);
        assert_eq!(
            signatures.len(),
            usize::from(words.iter().any(|word| word == "blob"))
        );
        for one in signatures {
            assert_eq!(one.check, SignatureCheck::Valid);
            check_signed(one.signed, &words);
        }
    }
}

#[test]
fn every_maker_is_there() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/smime/peers");
    let files = fs::read_dir(folder).expect("the folder");
    let paths = files.map(|file| file.expect("a file").path());
    let messages = paths.filter(|path| path.extension().is_some_and(|end| end == "eml"));
    let makers: Vec<_> = messages.map(|path| words(&path).0).collect();
    for (maker, least) in [("bouncy-castle", 31), ("gpgsm", 13), ("openssl", 30)] {
        let count = makers.iter().filter(|one| *one == maker).count();
        assert!(count >= least, "{maker}: {count}");
    }
}

/// Keys as older programs write them: SEC 1 and PKCS#1.
#[rstest]
#[case("recipient-p256-sec1", "openssl-aes128-p256.eml")]
#[case("recipient-p384-sec1", "openssl-aes128-p384.eml")]
#[case("recipient-pkcs1", "openssl-aes128-oaep-sha256.eml")]
fn keys_in_their_older_forms(#[case] name: &str, #[case] file: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/smime/peers");
    let message = Message::read(&fs::read(folder.join(file)).expect("the file"));
    let (part, _) = message.cms().expect("an envelope");
    let opened = part.open(&[key(name)]).expect("it opens");
    assert!(!opened.message.find(TEXT).is_empty());
}

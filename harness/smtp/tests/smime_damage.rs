//! Encrypted messages that were damaged: by chance, by an attacker on the way, or by one who asks what a key says.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rstest::rstest;
use smtpspec_smtp::cms::{self, Cms, Error, RecipientKey};
use smtpspec_smtp::message::{Message, NotOpened};

fn file(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/smime");
    fs::read(folder.join(name)).expect("a test file")
}

fn key(files: &[&str]) -> RecipientKey {
    let pem: Vec<_> = files.iter().flat_map(|name| file(name)).collect();
    RecipientKey::from_pem(std::str::from_utf8(&pem).expect("text")).expect("a key")
}

fn right() -> RecipientKey {
    key(&["recipient-key.pem", "recipient-cert.pem"])
}

/// The object in a message.
fn object(name: &str) -> Vec<u8> {
    let message = Message::read(&file(name));
    let (part, _) = message.cms().expect("an envelope");
    part.cms_bytes().expect("its bytes").into_owned()
}

fn bits_that_differ(one: &[u8], other: &[u8]) -> u32 {
    let pairs = one.iter().zip(other);
    pairs.map(|(one, other)| (one ^ other).count_ones()).sum()
}

/// The ciphertext is the end of the file: 16 bytes a block with AES, 8 with the older ciphers.
#[rstest]
#[case("enveloped-aes128.der", 16)]
#[case("enveloped-aes192.der", 16)]
#[case("enveloped-oaep.der", 16)]
#[case("enveloped-3des.der", 8)]
#[case("enveloped-des.der", 8)]
#[case("enveloped-rc2-40.der", 8)]
fn a_bit_flipped_in_cbc_opens_without_an_error(#[case] name: &str, #[case] block: usize) {
    let mut bytes = file(name);
    let whole = cms::open(&bytes, &[right()]).expect("it opens");
    let Ok(Cms::Enveloped(read)) = Cms::read(&bytes) else {
        panic!("another type")
    };
    let start = bytes.len() - read.content_length.expect("a content");
    // The second block: it becomes noise, and the third gets the very bit that was flipped, as an attacker wants it.
    bytes[start + block] ^= 0x04;
    let opened = cms::open(&bytes, &[right()]).expect("nothing notices");
    assert_eq!(opened.len(), whole.len());
    assert_eq!(opened[..block], whole[..block]);
    assert!(bits_that_differ(&opened[block..2 * block], &whole[block..2 * block]) > 8);
    assert_eq!(opened[2 * block], whole[2 * block] ^ 0x04);
    assert_eq!(opened[2 * block + 1..], whole[2 * block + 1..]);
}

#[test]
fn a_bit_flipped_in_gcm_is_refused_wherever_it_is() {
    let bytes = object("peers/openssl-aes256-gcm-p384.eml");
    let key = [key(&["peers/recipient-p384.pem"])];
    let whole = cms::open(&bytes, &key).expect("it opens");
    let Ok(Cms::AuthEnveloped(read)) = Cms::read(&bytes) else {
        panic!("another type")
    };
    // Content, the header of the tag, and the tag of 16 bytes.
    let start = bytes.len() - read.content_length.expect("a content") - 2 - 16;
    assert!(bytes.len() - start > whole.len());
    for at in start..bytes.len() {
        for bit in [0x01, 0x80] {
            let mut damaged = bytes.clone();
            damaged[at] ^= bit;
            assert!(cms::open(&damaged, &key).is_err(), "byte {at}");
        }
    }
}

#[rstest]
#[case("enveloped-aes128.der")]
#[case("enveloped-gcm256.der")]
#[case("enveloped-keyid.der")]
fn what_is_truncated_does_not_open(#[case] name: &str) {
    let bytes = file(name);
    for end in 0..bytes.len() {
        let error = cms::open(&bytes[..end], &[right()]).expect_err("no beginning opens");
        assert!(
            matches!(error, Error::Asn1 { .. } | Error::Structure { .. }),
            "{end}: {error:?}"
        );
    }
}

#[rstest]
#[case("enveloped-aes256.ber")]
#[case("enveloped-gcm128.ber")]
fn what_is_truncated_does_not_open_with_indefinite_lengths(#[case] name: &str) {
    let bytes = file(name);
    for end in (0..bytes.len()).step_by(97).chain([bytes.len() - 1]) {
        assert!(
            cms::open(&bytes[..end], &[right()]).is_err(),
            "{end} bytes of it"
        );
    }
}

#[test]
fn a_message_that_is_truncated_does_not_open() {
    let bytes = file("enveloped.eml");
    let header = memchr::memmem::find(&bytes, b"\r\n\r\n").expect("an empty line");
    for end in (header..bytes.len() - 80).step_by(41) {
        let message = Message::read(&bytes[..end]);
        let result = message.root.open(&[right()]);
        assert!(
            matches!(result, Err(NotOpened::InPart | NotOpened::Cms(_))),
            "{end}: {result:?}"
        );
    }
}

/// Whoever may ask often what a recipient says to damaged keys learns the content from the difference, if there is one
/// (Bleichenbacher; RFC 3218): so there is one answer for all.
#[rstest]
#[case("enveloped-aes128.der", 4)]
#[case("enveloped-oaep.der", 4)]
#[case("enveloped-gcm256.der", 4)]
fn a_damaged_content_key_says_no_more_than_a_damaged_content(
    #[case] name: &str,
    #[case] times: usize,
) {
    let bytes = file(name);
    let Ok(Cms::Enveloped(read) | Cms::AuthEnveloped(read)) = Cms::read(&bytes) else {
        panic!("another type")
    };
    assert_eq!(read.recipients[0].encrypted_key_length, 256);
    let header = [0x04, 0x82, 0x01, 0x00];
    let start = memchr::memmem::find(&bytes, &header).expect("the content key") + header.len();
    for at in (0..256).step_by(256 / times) {
        let mut damaged = bytes.clone();
        damaged[start + at] ^= 0x10;
        assert_eq!(
            cms::open(&damaged, &[right()]),
            Err(Error::DoesNotOpen),
            "{at}"
        );
    }
    // The last block decides about the padding, and the last byte about the tag.
    let mut damaged = bytes.clone();
    *damaged.last_mut().expect("a byte") ^= 0xff;
    assert_eq!(cms::open(&damaged, &[right()]), Err(Error::DoesNotOpen));
    assert_eq!(
        Error::DoesNotOpen.to_string(),
        "the message does not open: the key is another one, or the message was changed"
    );
}

#[test]
fn a_damaged_agreement_says_no_more() {
    let bytes = object("peers/bouncy-castle-aes128-p256.eml");
    let key = [key(&["peers/recipient-p256.pem"])];
    assert!(cms::open(&bytes, &key).is_ok());
    let Ok(Cms::Enveloped(read)) = Cms::read(&bytes) else {
        panic!("another type")
    };
    let length = read.recipients[0].encrypted_key_length;
    let header = [0x04, u8::try_from(length).expect("a short one")];
    let start = memchr::memmem::rfind(&bytes[..bytes.len() - 200], &header);
    let start = start.expect("the wrapped key") + header.len();
    for at in 0..length {
        let mut damaged = bytes.clone();
        damaged[start + at] ^= 1;
        assert_eq!(cms::open(&damaged, &key), Err(Error::DoesNotOpen), "{at}");
    }
}

/// A key without its certificate is tried on every recipient; with it, the message itself says that it is for others.
#[rstest]
#[case(&["sender-key.pem"], "enveloped-aes128.der", Error::DoesNotOpen)]
#[case(&["sender-key.pem"], "enveloped-oaep.der", Error::DoesNotOpen)]
#[case(&["sender-key.pem"], "enveloped-gcm256.der", Error::DoesNotOpen)]
#[case(&["sender-key.pem", "sender-cert.pem"], "enveloped-aes128.der", Error::NoKey)]
#[case(&["sender-key.pem", "sender-cert.pem"], "enveloped-gcm256.der", Error::NoKey)]
#[case(&["peers/recipient-p256.pem"], "enveloped-aes128.der", Error::NoKey)]
fn the_wrong_key(#[case] files: &[&str], #[case] name: &str, #[case] error: Error) {
    assert_eq!(cms::open(&file(name), &[key(files)]), Err(error));
}

#[test]
fn what_is_nested_too_deeply_is_refused_at_once() {
    let began = Instant::now();
    // Indefinite lengths cost two bytes a level.
    let bytes = [0x30, 0x80].repeat(500_000);
    let error = cms::open(&bytes, &[right()]).expect_err("no message");
    assert_eq!(
        error.to_string(),
        "not ASN.1 at offset 80: nested too deeply"
    );
    assert!(Cms::read(&bytes).is_err());
    // Lengths that are all there, from the inside out.
    let mut inside = vec![0x04, 0x00];
    for _ in 0..200 {
        let mut outer = vec![0x30, 0x82];
        outer.extend(u16::try_from(inside.len()).expect("short").to_be_bytes());
        outer.extend(&inside);
        inside = outer;
    }
    assert!(matches!(Cms::read(&inside), Err(Error::Asn1 { .. })));
    assert!(began.elapsed() < Duration::from_secs(10));
}

/// Lengths that promise more than there is cost nothing.
#[rstest]
#[case(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff])]
#[case(&[0x30, 0x88, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])]
#[case(&[0x30, 0xff])]
fn lengths_beyond_the_end(#[case] bytes: &[u8]) {
    assert!(Cms::read(bytes).is_err());
    assert!(cms::open(bytes, &[right()]).is_err());
}

//! Every message of the test data, cut at every byte.

use proptest::prelude::*;
use rstest::rstest;

use super::super::{Recipient, SignatureCheck, open, verify_signature};
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

fn is_prefix<T: PartialEq + std::fmt::Debug>(part: &[T], whole: &[T]) {
    assert!(whole.starts_with(part), "{part:?} of {whole:?}");
}

/// Nothing that a cut message tells differs from what the whole one tells.
fn agrees(part: &Cms, whole: &Cms) {
    assert_eq!(part.content_type_oid(), whole.content_type_oid());
    match (part, whole) {
        (Cms::Enveloped(part), Cms::Enveloped(whole))
        | (Cms::AuthEnveloped(part), Cms::AuthEnveloped(whole)) => {
            is_prefix(&part.recipients, &whole.recipients);
            assert!(part.cipher.is_unread() || part.cipher.oid == whole.cipher.oid);
            assert!(part.iv_length.is_none() || part.iv_length == whole.iv_length);
            if part.iv_length.is_some() {
                assert_eq!(part.cipher, whole.cipher);
            }
            assert!(part.content_length.is_none() || part.content_length == whole.content_length);
        }
        (Cms::Signed(part), Cms::Signed(whole)) => {
            is_prefix(&part.digests, &whole.digests);
            is_prefix(&part.certificates, &whole.certificates);
            is_prefix(&part.signers, &whole.signers);
            assert_eq!(part.content.is_some(), whole.content.is_some());
            is_prefix(
                part.content.as_deref().unwrap_or_default(),
                whole.content.as_deref().unwrap_or_default(),
            );
        }
        other => panic!("{other:?}"),
    }
}

#[rstest]
#[case(data!("enveloped-aes128.der"))]
#[case(data!("enveloped-keyid.der"))]
#[case(data!("enveloped-oaep.der"))]
#[case(data!("enveloped-rc2-40.der"))]
#[case(data!("enveloped-two.der"))]
#[case(data!("enveloped-gcm256.der"))]
#[case(data!("signed-opaque.der"))]
#[case(data!("signed-detached.der"))]
#[case(data!("signed-noattr.der"))]
fn every_cut_agrees_with_the_whole(#[case] bytes: &[u8]) {
    let whole = Cms::read(bytes).unwrap();
    assert_eq!(sniff(bytes), Some(whole.content_type_oid()));
    assert_eq!(read_cut(bytes), None, "nothing is missing");
    let mut read = 0;
    let mut places = Vec::new();
    for length in 0..bytes.len() {
        let Some((part, cut)) = read_cut(&bytes[..length]) else {
            continue;
        };
        assert_eq!(cut.octets, length);
        agrees(&part, &whole);
        read += 1;
        if places.last() != Some(&cut.place) {
            places.push(cut.place);
        }
    }
    assert!(read > bytes.len() - 120, "{read} of {}", bytes.len());
    assert!(places.is_sorted(), "{places:?}");
    assert!(places.len() > 1, "{places:?}");
}

#[rstest]
#[case(data!("enveloped-aes256.ber"), CutPlace::Content)]
#[case(data!("enveloped-gcm128.ber"), CutPlace::Content)]
#[case(data!("signed-opaque.ber"), CutPlace::Content)]
fn streams_are_cut_in_their_content(#[case] bytes: &[u8], #[case] place: CutPlace) {
    let whole = Cms::read(bytes).unwrap();
    assert_eq!(read_cut(bytes), None);
    for length in (800..bytes.len() - 1700).step_by(997) {
        let (part, cut) = read_cut(&bytes[..length]).unwrap();
        agrees(&part, &whole);
        assert_eq!(cut.place, place, "{length}");
        if let Cms::Enveloped(data) | Cms::AuthEnveloped(data) = &part {
            assert_eq!(data.content_length, None, "nobody knows how long it was");
            assert_eq!(data.recipients.len(), 1);
            assert!(data.iv_length.is_some() && !data.cipher.is_unread());
        }
    }
}

#[test]
fn a_key_that_is_cut_tells_its_size() {
    let bytes = data!("enveloped-aes128.der");
    let Cms::Enveloped(whole) = Cms::read(bytes).unwrap() else {
        panic!("another content type")
    };
    // In the middle of the 256 bytes of the encrypted key.
    let (part, cut) = read_cut(&bytes[..200]).unwrap();
    assert_eq!(cut.place, CutPlace::Recipients);
    let Cms::Enveloped(part) = part else {
        panic!("another content type")
    };
    assert_eq!(part.recipients, whole.recipients);
    assert_eq!(part.recipients[0].rsa_bits(), Some(2048));
    assert!(part.cipher.is_unread() && part.cipher.weakness().is_none());
    assert_eq!(part.cipher.name, "not captured");
}

#[test]
fn the_length_of_cut_content_is_known_where_it_was_told() {
    let bytes = data!("enveloped-aes128.der");
    let (part, cut) = read_cut(&bytes[..bytes.len() - 20]).unwrap();
    let Cms::Enveloped(part) = part else {
        panic!("another content type")
    };
    assert_eq!(
        (part.content_length, cut.place),
        (Some(128), CutPlace::Content)
    );
    assert_eq!(
        (part.iv_length, part.cipher.key_bits),
        (Some(16), Some(128))
    );
}

#[test]
fn a_cut_signature_is_never_valid_and_a_cut_envelope_never_opens() {
    let key = include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/smime/recipient-key.pem"
    ));
    let keys = [super::super::RecipientKey::from_pem(key).unwrap()];
    let (signed, sealed) = (data!("signed-opaque.der"), data!("enveloped-aes128.der"));
    for length in 0..signed.len() {
        assert!(matches!(
            verify_signature(&signed[..length], None),
            SignatureCheck::NotVerifiable(_)
        ));
    }
    for length in 0..sealed.len() {
        assert!(open(&sealed[..length], &keys).is_err());
    }
}

#[test]
fn certificates_that_come_before_the_cut_are_read() {
    let bytes = data!("signed-opaque.der");
    let (part, cut) = read_cut(&bytes[..bytes.len() - 100]).unwrap();
    let Cms::Signed(part) = part else {
        panic!("another content type")
    };
    assert_eq!(cut.place, CutPlace::Signers);
    assert!(part.signers.is_empty(), "its signature is cut");
    let [certificate] = part.certificates.as_slice() else {
        panic!("{:?}", part.certificates)
    };
    assert_eq!(certificate.emails, ["sender@contoso.example"]);
    assert_eq!(certificate.key_bits, Some(2048));
}

#[test]
fn what_is_no_message_is_passed_over() {
    for bytes in [
        &b""[..],
        b"0",
        b"0123456789",
        b"Content-Type: text/plain",
        &[0x30, 0x80],
        &[0x30, 0x85, 1, 2, 3, 4, 5],
        // A certificate begins with a sequence in a sequence.
        &[0x30, 0x82, 1, 0, 0x30, 0x81, 9],
        // The content type `data`.
        &[
            0x30, 0x0f, 6, 9, 42, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1, 0xa0, 2, 4,
        ],
    ] {
        assert_eq!((sniff(bytes), read_cut(bytes)), (None, None), "{bytes:?}");
    }
    // Damage before the cut is damage.
    let mut broken = data!("enveloped-aes128.der")[..200].to_vec();
    broken[17] = 0xff;
    assert_eq!(read_cut(&broken), None);
}

#[test]
fn compressed_data_is_told_by_its_type() {
    let bytes = [
        0x30, 0x80, 6, 11, 42, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 1, 9, 0xa0, 0x80, 0x30,
    ];
    let (part, _) = read_cut(&bytes).unwrap();
    assert_eq!(part, Cms::Compressed);
}

proptest! {
    #[test]
    fn damage_and_a_cut_never_panic(
        which in 0_usize..4,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        length in any::<prop::sample::Index>(),
    ) {
        let files = [
            data!("enveloped-two.der"),
            data!("enveloped-gcm256.der"),
            data!("signed-opaque.der"),
            data!("enveloped-rc2-40.der"),
        ];
        let mut bytes = files[which].to_vec();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        bytes.truncate(length.index(bytes.len()));
        if let Some((cms, _)) = read_cut(&bytes) {
            cms.weaknesses();
            let recipients: &[Recipient] = match &cms {
                Cms::Enveloped(data) | Cms::AuthEnveloped(data) => &data.recipients,
                _ => &[],
            };
            prop_assert!(recipients.len() < bytes.len());
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let head = &data!("signed-opaque.der")[..15];
        let _ = read_cut(&bytes);
        let _ = read_cut(&[head, &bytes].concat());
    }
}

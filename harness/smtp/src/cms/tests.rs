//! Against messages that OpenSSL made: `tests/data/smime/README.md`.

use proptest::prelude::*;
use rstest::rstest;

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

const ENTITY: &[u8] = data!("entity.txt");
const LONG: &[u8] = data!("long.txt");
const RECIPIENT_KEY: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/data/smime/recipient-key.pem"
));
const RECIPIENT_CERT: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/data/smime/recipient-cert.pem"
));
const SENDER_KEY: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/data/smime/sender-key.pem"
));
const SENDER_CERT: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/data/smime/sender-cert.pem"
));

fn recipient() -> RecipientKey {
    RecipientKey::from_pem(RECIPIENT_KEY).unwrap()
}

#[rstest]
#[case(data!("enveloped-aes128.der"), "AES-128-CBC", ENTITY)]
#[case(data!("enveloped-aes192.der"), "AES-192-CBC", ENTITY)]
#[case(data!("enveloped-aes256.ber"), "AES-256-CBC", LONG)]
#[case(data!("enveloped-3des.der"), "DES-EDE3-CBC", ENTITY)]
#[case(data!("enveloped-keyid.der"), "AES-128-CBC", ENTITY)]
#[case(data!("enveloped-oaep.der"), "AES-256-CBC", ENTITY)]
fn enveloped(#[case] bytes: &[u8], #[case] cipher: &str, #[case] content: &[u8]) {
    let Cms::Enveloped(read) = Cms::read(bytes).unwrap() else {
        panic!("another content type")
    };
    assert_eq!(read.cipher.name, cipher);
    assert_eq!(read.recipients.len(), 1);
    assert_eq!(read.recipients[0].encrypted_key_length, 256);
    assert!(read.content_length.unwrap() > content.len());
    assert_eq!(open(bytes, &[recipient()]).unwrap(), content);
}

#[rstest]
#[case(data!("enveloped-gcm256.der"), "AES-256-GCM", ENTITY)]
#[case(data!("enveloped-gcm128.ber"), "AES-128-GCM", LONG)]
fn auth_enveloped(#[case] bytes: &[u8], #[case] cipher: &str, #[case] content: &[u8]) {
    let read = Cms::read(bytes).unwrap();
    assert_eq!(read.content_type_oid(), "1.2.840.113549.1.9.16.1.23");
    assert!(read.is_encrypted());
    let Cms::AuthEnveloped(read) = read else {
        panic!("another content type")
    };
    assert_eq!(read.cipher.name, cipher);
    assert_eq!(read.content_length, Some(content.len()));
    assert_eq!(open(bytes, &[recipient()]).unwrap(), content);
}

#[test]
fn who_can_read_it() {
    let Cms::Enveloped(read) = Cms::read(data!("enveloped-two.der")).unwrap() else {
        panic!()
    };
    let issuers: Vec<_> = read
        .recipients
        .iter()
        .map(|recipient| match &recipient.id {
            Identifier::IssuerAndSerial { issuer, .. } => issuer.as_str(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(
        issuers
            .iter()
            .any(|issuer| issuer.contains("CN=Orders,O=Fabrikam")),
        "{issuers:?}"
    );
    assert!(
        issuers
            .iter()
            .any(|issuer| issuer.contains("CN=BizTalk Sender,O=Contoso")),
        "{issuers:?}"
    );
    assert!(
        read.recipients
            .iter()
            .all(|recipient| recipient.key_encryption.name == "RSA PKCS#1 v1.5")
    );
    let Cms::Enveloped(read) = Cms::read(data!("enveloped-keyid.der")).unwrap() else {
        panic!()
    };
    assert!(matches!(&read.recipients[0].id, Identifier::KeyIdentifier(id) if id.len() == 40));
}

#[test]
fn many_recipients_are_not_all_tried() {
    let many = data!("enveloped-many.der");
    let bare = RecipientKey::from_pem(SENDER_KEY).unwrap();
    assert_eq!(open(many, &[bare]).unwrap_err(), Error::TooManyRecipients);
    let named = format!("{SENDER_KEY}{SENDER_CERT}");
    let named = RecipientKey::from_pem(&named).unwrap();
    let plain = open_as(many, &[named]).unwrap();
    assert_eq!(plain.bytes, ENTITY);
    let Cms::Enveloped(read) = Cms::read(many).unwrap() else {
        panic!("another content type")
    };
    assert_eq!(read.recipients.len(), 41);
    assert!(read.recipients.iter().any(|one| one.id == plain.recipient));
}

#[test]
fn keys_and_their_certificates() {
    let both = |key: &str, certificate: &str| {
        RecipientKey::from_pem(&format!("{key}{certificate}")).unwrap()
    };
    let two = data!("enveloped-two.der");
    assert_eq!(open(two, &[both(SENDER_KEY, SENDER_CERT)]).unwrap(), ENTITY);
    assert_eq!(
        open(
            data!("enveloped-keyid.der"),
            &[both(RECIPIENT_KEY, RECIPIENT_CERT)]
        )
        .unwrap(),
        ENTITY
    );
    let one = data!("enveloped-aes128.der");
    assert_eq!(
        open(one, &[both(SENDER_KEY, SENDER_CERT)]),
        Err(Error::NoKey)
    );
    assert_eq!(open(one, &[]), Err(Error::NoKey));
    assert_eq!(
        open(
            one,
            &[RecipientKey::from_pem(SENDER_KEY).unwrap(), recipient()]
        )
        .unwrap(),
        ENTITY
    );
    assert!(matches!(
        open(data!("signed-opaque.der"), &[recipient()]),
        Err(Error::NotEncrypted(_))
    ));
    assert!(matches!(
        RecipientKey::from_pem(SENDER_CERT),
        Err(Error::Key(_))
    ));
    assert_eq!(format!("{:?}", recipient()), "RecipientKey(RSA, 2048 bits)");
}

#[rstest]
#[case(data!("signed-opaque.der"), "SHA-256", Some(ENTITY))]
#[case(data!("signed-opaque.ber"), "SHA-256", Some(LONG))]
#[case(data!("signed-sha1.der"), "SHA-1", Some(ENTITY))]
#[case(data!("signed-noattr.der"), "SHA-256", Some(ENTITY))]
#[case(data!("signed-detached.der"), "SHA-256", None)]
fn signed(#[case] bytes: &[u8], #[case] digest: &str, #[case] content: Option<&[u8]>) {
    let Cms::Signed(read) = Cms::read(bytes).unwrap() else {
        panic!("another content type")
    };
    assert_eq!(read.content.as_deref(), content);
    assert_eq!(read.digests[0].name, digest);
    assert_eq!(read.signers[0].digest.name, digest);
    assert_eq!(read.certificates[0].emails, ["sender@contoso.example"]);
    assert!(
        matches!(&read.signers[0].id, Identifier::IssuerAndSerial { serial, .. }
        if *serial == read.certificates[0].serial)
    );
    let detached = content.is_none().then_some(ENTITY);
    assert_eq!(verify_signature(bytes, detached), SignatureCheck::Valid);
}

#[test]
fn the_signing_time_is_after_these_tests_were_written() {
    let Cms::Signed(read) = Cms::read(data!("signed-opaque.der")).unwrap() else {
        panic!()
    };
    assert!(read.signers[0].signing_time.unwrap().as_nanos() > 1_700_000_000_000_000_000);
    let Cms::Signed(read) = Cms::read(data!("signed-noattr.der")).unwrap() else {
        panic!()
    };
    assert_eq!(read.signers[0].signing_time, None);
}

#[test]
fn signatures_that_do_not_hold() {
    let detached = data!("signed-detached.der");
    assert!(matches!(
        verify_signature(detached, None),
        SignatureCheck::NotVerifiable(_)
    ));
    assert!(matches!(
        verify_signature(detached, Some(b"other")),
        SignatureCheck::Invalid(_)
    ));
    let mut changed = data!("signed-opaque.der").to_vec();
    let at = memchr::memmem::find(&changed, b"Canary").unwrap();
    changed[at] ^= 1;
    assert!(matches!(
        verify_signature(&changed, None),
        SignatureCheck::Invalid(_)
    ));
    let mut signature = data!("signed-opaque.der").to_vec();
    *signature.last_mut().unwrap() ^= 1;
    assert!(matches!(
        verify_signature(&signature, None),
        SignatureCheck::Invalid(_)
    ));
    let envelope = data!("enveloped-aes128.der");
    assert!(matches!(
        verify_signature(envelope, None),
        SignatureCheck::NotVerifiable(_)
    ));
}

#[test]
fn other_content_types() {
    let data = [
        0x30, 0x0f, 6, 9, 42, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1, 0xa0, 2, 4, 0,
    ];
    assert_eq!(
        Cms::read(&data),
        Ok(Cms::Other("1.2.840.113549.1.7.1".to_owned()))
    );
    let compressed = [
        0x30, 0x11, 6, 11, 42, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 1, 9, 0xa0, 2, 0x30, 0,
    ];
    assert_eq!(Cms::read(&compressed), Ok(Cms::Compressed));
    assert!(matches!(
        Cms::read(b"hello"),
        Err(Error::Asn1 { .. } | Error::Structure { .. })
    ));
}

fn whys(bytes: &[u8]) -> Vec<(Grade, &'static str)> {
    let all = Cms::read(bytes).unwrap().weaknesses();
    all.into_iter()
        .map(|found| (found.grade, found.why))
        .collect()
}

#[rstest]
#[case(data!("enveloped-rc2-40.der"), Grade::Broken, "RC2 with a key of 64 bits or less")]
#[case(data!("enveloped-des.der"), Grade::Broken, "DES is broken")]
#[case(data!("enveloped-rsa1024.der"), Grade::Weak, "RSA key of less than 2048 bits")]
#[case(data!("enveloped-3des.der"), Grade::Historic, "Triple DES is historic")]
#[case(data!("signed-md5.der"), Grade::Broken, "MD5 is broken")]
#[case(data!("signed-sha1.der"), Grade::Historic, "SHA-1 is historic")]
#[case(data!("enveloped-oaep.der"), Grade::Remark, "AES-CBC hides the content")]
fn the_worst_weakness_comes_first(#[case] bytes: &[u8], #[case] grade: Grade, #[case] why: &str) {
    let found = whys(bytes);
    assert_eq!(found[0].0, grade, "{found:?}");
    assert!(found[0].1.contains(why), "{found:?}");
}

#[test]
fn what_is_sound_has_no_weakness() {
    assert!(whys(data!("signed-opaque.der")).is_empty());
    let transport = whys(data!("enveloped-gcm256.der"));
    assert_eq!(transport.len(), 1);
    assert!(transport[0].1.contains("PKCS#1 v1.5 key transport"));
    // One finding for two recipients with the same fault.
    assert_eq!(whys(data!("enveloped-two.der")).len(), 2);
}

#[rstest]
#[case(data!("enveloped-rc2-40.der"), Some(8), Some(40))]
#[case(data!("enveloped-3des.der"), Some(8), Some(168))]
#[case(data!("enveloped-aes256.ber"), Some(16), Some(256))]
#[case(data!("enveloped-gcm256.der"), Some(12), Some(256))]
fn initialisation_vector_and_key_length(
    #[case] bytes: &[u8],
    #[case] iv: Option<usize>,
    #[case] bits: Option<u16>,
) {
    let (Cms::Enveloped(read) | Cms::AuthEnveloped(read)) = Cms::read(bytes).unwrap() else {
        panic!("another content type")
    };
    assert_eq!((read.iv_length, read.cipher.key_bits), (iv, bits));
}

#[test]
fn a_signer_tells_more_than_a_name() {
    let Cms::Signed(read) = Cms::read(data!("signed-opaque.der")).unwrap() else {
        panic!("another content type")
    };
    let signer = &read.signers[0];
    let certificate = read.certificate(signer).unwrap();
    assert!(certificate.subject.contains("CN=BizTalk Sender"));
    assert_eq!(certificate.key_bits, Some(2048));
    assert_eq!(certificate.signature.name, "SHA-256 with RSA");
    assert_eq!(
        certificate.key_identifier.as_ref().map(String::len),
        Some(40)
    );
    // OpenSSL lists what it understands, AES-256 first.
    let names: Vec<_> = signer
        .capabilities
        .iter()
        .map(|c| c.name.as_str())
        .collect();
    assert_eq!(names[0], "AES-256-CBC");
    assert!(names.contains(&"DES-EDE3-CBC"), "{names:?}");
    let Cms::Signed(bare) = Cms::read(data!("signed-noattr.der")).unwrap() else {
        panic!("another content type")
    };
    assert!(bare.signers[0].capabilities.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn damage_never_panics(which in 0_usize..5, changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let files = [
            data!("enveloped-aes128.der"),
            data!("enveloped-two.der"),
            data!("enveloped-gcm256.der"),
            data!("signed-opaque.der"),
            data!("signed-detached.der"),
        ];
        let mut bytes = files[which].to_vec();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let _ = Cms::read(&bytes);
        let _ = verify_signature(&bytes, Some(ENTITY));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Cms::read(&bytes);
        let _ = open(&bytes, &[]);
        let _ = verify_signature(&bytes, None);
    }
}

proptest! {
    // Each case may cost an RSA decryption.
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_damaged_message_never_opens_as_if_it_were_whole_under_gcm(at in any::<prop::sample::Index>(), flip in 1_u8..) {
        let mut bytes = data!("enveloped-gcm256.der").to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        if let Ok(opened) = open(&bytes, &[recipient()]) {
            prop_assert_eq!(opened, ENTITY);
        }
    }

    #[test]
    fn a_damaged_message_never_panics_under_cbc(at in any::<prop::sample::Index>(), flip in 1_u8..) {
        let mut bytes = data!("enveloped-oaep.der").to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        let _ = open(&bytes, &[recipient()]);
    }
}

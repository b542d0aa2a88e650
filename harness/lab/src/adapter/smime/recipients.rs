//! The content key, encrypted to each recipient: key transport with RSA (RFC 5652 section 6.2.1), key agreement with ECDH
//! (RFC 5652 section 6.2.2, RFC 5753).

use aes::cipher::KeyInit;
use aes_kw::{KwAes128, KwAes256};
use cms::content_info::CmsVersion;
use cms::der::asn1::{BitString, ContextSpecific, ObjectIdentifier, OctetString};
use cms::der::{Any, Encode, Tag, TagMode, TagNumber};
use cms::enveloped_data::{
    KeyAgreeRecipientIdentifier, KeyAgreeRecipientInfo, KeyTransRecipientInfo,
    OriginatorIdentifierOrKey, OriginatorPublicKey, RecipientEncryptedKey, RecipientIdentifier,
    RecipientInfo, RecipientInfos, RecipientKeyIdentifier,
};
use cms::spki::AlgorithmIdentifierOwned;
use cms::x509_cert::Certificate;
use rand::Rng;
use rand::rngs::StdRng;
use sha1::Sha1;
use sha2::Sha256;
use smtp::Secret;

use super::super::config::{CmsChoices, KeyTransport, RecipientNaming};
use super::super::keys::{Addressee, Keys, PublicKey, issuer_and_serial, key_identifier};
use super::{RSA_ENCRYPTION, SHA_256, SmimeError, any};

const RSAES_OAEP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.7");
const MGF1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.8");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// `dhSinglePass-stdDH-sha256kdf-scheme` (RFC 5753 section 7.1.4).
const ECDH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.1.11.1");
const AES_128_WRAP: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.5");
const AES_256_WRAP: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.45");

/// The content key for everyone who is to open the message.
pub(super) fn recipients(
    key: &[u8],
    cms: &CmsChoices,
    keys: &Keys,
    rng: &mut StdRng,
) -> Result<RecipientInfos, SmimeError> {
    let mut infos = Vec::with_capacity(cms.recipients.len());
    for which in &cms.recipients {
        let to = keys.recipient(*which).ok_or(SmimeError::NoSuchParty)?;
        infos.push(match &to.key {
            PublicKey::Rsa(public) => RecipientInfo::Ktri(transport(key, cms, to, public, rng)?),
            _ => RecipientInfo::Kari(agreement(key, cms, to, rng)?),
        });
    }
    if infos.is_empty() {
        return Err(SmimeError::NoSuchParty);
    }
    Ok(RecipientInfos::try_from(infos)?)
}

/// The version of `EnvelopedData` (RFC 5652 section 6.1): 0 where every recipient is in the oldest form.
pub(super) fn version(infos: &RecipientInfos) -> CmsVersion {
    let oldest = |info: &RecipientInfo| matches!(info, RecipientInfo::Ktri(to) if to.version == CmsVersion::V0);
    if infos.0.iter().all(oldest) {
        CmsVersion::V0
    } else {
        CmsVersion::V2
    }
}

fn transport(
    key: &[u8],
    cms: &CmsChoices,
    to: &Addressee,
    public: &rsa::PublicKey,
    rng: &mut StdRng,
) -> Result<KeyTransRecipientInfo, SmimeError> {
    let encrypted = match cms.key_transport {
        KeyTransport::Pkcs1v15 => public.pkcs1v15_encrypt_with_rng(rng, key),
        KeyTransport::OaepSha1 => public.oaep_encrypt_with_rng::<Sha1, _>(rng, key),
        KeyTransport::OaepSha256 => public.oaep_encrypt_with_rng::<Sha256, _>(rng, key),
    };
    let encrypted = encrypted.map_err(|_| SmimeError::Rsa("encrypt the content key"))?;
    let (version, rid) = match naming(cms, &to.certificate)? {
        Naming::Issuer(id) => (
            CmsVersion::V0,
            RecipientIdentifier::IssuerAndSerialNumber(id),
        ),
        Naming::Key(id) => (
            CmsVersion::V2,
            RecipientIdentifier::SubjectKeyIdentifier(id),
        ),
    };
    Ok(KeyTransRecipientInfo {
        version,
        rid,
        key_enc_alg: transport_algorithm(cms.key_transport)?,
        enc_key: OctetString::new(encrypted)?,
    })
}

enum Naming {
    Issuer(cms::cert::IssuerAndSerialNumber),
    Key(cms::x509_cert::ext::pkix::SubjectKeyIdentifier),
}

fn naming(cms: &CmsChoices, certificate: &Certificate) -> Result<Naming, SmimeError> {
    match cms.recipient_naming {
        RecipientNaming::IssuerAndSerial => Ok(Naming::Issuer(issuer_and_serial(certificate))),
        RecipientNaming::KeyIdentifier => key_identifier(certificate)
            .map(Naming::Key)
            .ok_or(SmimeError::NoKeyIdentifier),
    }
}

/// The algorithm with the parameters of RFC 3370 section 4.2.1 or RFC 4055 section 4.1. What is the default there is left
/// out, as DER wants it.
fn transport_algorithm(transport: KeyTransport) -> Result<AlgorithmIdentifierOwned, SmimeError> {
    let oaep = |fields| -> Result<_, SmimeError> {
        Ok(AlgorithmIdentifierOwned {
            oid: RSAES_OAEP,
            parameters: Some(Any::new(Tag::Sequence, fields)?),
        })
    };
    match transport {
        KeyTransport::Pkcs1v15 => Ok(AlgorithmIdentifierOwned {
            oid: RSA_ENCRYPTION,
            parameters: Some(Any::null()),
        }),
        KeyTransport::OaepSha1 => oaep(Vec::new()),
        KeyTransport::OaepSha256 => {
            let digest = AlgorithmIdentifierOwned {
                oid: SHA_256,
                parameters: Some(Any::null()),
            };
            let mask = AlgorithmIdentifierOwned {
                oid: MGF1,
                parameters: Some(any(&digest)?),
            };
            oaep([explicit(0, digest)?, explicit(1, mask)?].concat())
        }
    }
}

fn explicit(number: u32, value: AlgorithmIdentifierOwned) -> Result<Vec<u8>, SmimeError> {
    let field = ContextSpecific {
        tag_number: TagNumber(number),
        tag_mode: TagMode::Explicit,
        value,
    };
    Ok(field.to_der()?)
}

/// A fresh key on the recipient's curve, and the content key wrapped with what comes of the two.
fn agreement(
    key: &[u8],
    cms: &CmsChoices,
    to: &Addressee,
    rng: &mut StdRng,
) -> Result<KeyAgreeRecipientInfo, SmimeError> {
    let (point, shared) = match &to.key {
        PublicKey::P256(public) => {
            let fresh = fresh(rng, |bytes: &[u8; 32]| {
                p256::SecretKey::from_slice(bytes).ok()
            })?;
            let shared = fresh.diffie_hellman(public);
            let point = fresh.public_key().to_sec1_bytes();
            (point, Secret::new(shared.raw_secret_bytes().as_slice()))
        }
        PublicKey::P384(public) => {
            let fresh = fresh(rng, |bytes: &[u8; 48]| {
                p384::SecretKey::from_slice(bytes).ok()
            })?;
            let shared = fresh.diffie_hellman(public);
            let point = fresh.public_key().to_sec1_bytes();
            (point, Secret::new(shared.raw_secret_bytes().as_slice()))
        }
        PublicKey::Rsa(_) => return Err(SmimeError::Agreement),
    };
    let (wrap, wrapped) = wrap(key, &shared)?;
    let rid = match naming(cms, &to.certificate)? {
        Naming::Issuer(id) => KeyAgreeRecipientIdentifier::IssuerAndSerialNumber(id),
        Naming::Key(id) => KeyAgreeRecipientIdentifier::RKeyId(RecipientKeyIdentifier {
            subject_key_identifier: id,
            date: None,
            other: None,
        }),
    };
    Ok(KeyAgreeRecipientInfo {
        version: CmsVersion::V3,
        originator: OriginatorIdentifierOrKey::OriginatorKey(OriginatorPublicKey {
            // The curve is that of the recipient's certificate, and may be left out (RFC 5753 section 7.1.2).
            algorithm: AlgorithmIdentifierOwned {
                oid: EC_PUBLIC_KEY,
                parameters: None,
            },
            public_key: BitString::from_bytes(&point)?,
        }),
        ukm: None,
        key_enc_alg: AlgorithmIdentifierOwned {
            oid: ECDH_SHA256,
            parameters: Some(any(&wrap)?),
        },
        recipient_enc_keys: vec![RecipientEncryptedKey {
            rid,
            enc_key: OctetString::new(wrapped)?,
        }],
    })
}

/// A private key out of the generator. All but one of 2^32 numbers on P-256, and of 2^190 on P-384, are one.
fn fresh<const N: usize, K>(
    rng: &mut StdRng,
    key: impl Fn(&[u8; N]) -> Option<K>,
) -> Result<K, SmimeError> {
    for _ in 0..8 {
        let mut bytes = [0; N];
        rng.fill_bytes(&mut bytes);
        if let Some(key) = key(&bytes) {
            return Ok(key);
        }
    }
    Err(SmimeError::Agreement)
}

/// Wraps the content key (RFC 3394) with AES-128, or with AES-256 where the content key is longer than 128 bits.
fn wrap(key: &[u8], shared: &Secret) -> Result<(AlgorithmIdentifierOwned, Vec<u8>), SmimeError> {
    let (oid, length) = if key.len() > 16 {
        (AES_256_WRAP, 32)
    } else {
        (AES_128_WRAP, 16)
    };
    let algorithm = AlgorithmIdentifierOwned {
        oid,
        parameters: None,
    };
    let raw = algorithm.to_der()?;
    let wrapping = smtp::cms::agreed_key::<Sha256>(shared.expose(), &raw, None, length);
    let mut wrapped = vec![0; key.len() + 8];
    let done = if length == 32 {
        KwAes256::new_from_slice(wrapping.expose())
            .ok()
            .and_then(|cipher| cipher.wrap_key(key, &mut wrapped).ok().map(<[u8]>::len))
    } else {
        KwAes128::new_from_slice(wrapping.expose())
            .ok()
            .and_then(|cipher| cipher.wrap_key(key, &mut wrapped).ok().map(<[u8]>::len))
    };
    if done != Some(wrapped.len()) {
        return Err(SmimeError::Agreement);
    }
    Ok((algorithm, wrapped))
}

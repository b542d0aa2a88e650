//! Encryption: `EnvelopedData` (RFC 5652 section 6) and `AuthEnvelopedData` (RFC 5083).

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeEncrypt, KeyIvInit};
use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes128Gcm, Aes256Gcm, KeyInit};
use cms::authenveloped_data::AuthEnvelopedData;
use cms::content_info::CmsVersion;
use cms::der::asn1::{ObjectIdentifier, OctetString};
use cms::der::{Any, Encode, Tag};
use cms::enveloped_data::{EncryptedContentInfo, EnvelopedData};
use cms::spki::AlgorithmIdentifierOwned;
use rand::Rng;
use rand::rngs::StdRng;

use super::super::config::{Cipher, CmsChoices};
use super::super::keys::Keys;
use super::recipients::{recipients, version};
use super::{ID_DATA, SmimeError, any, content_info};

const ID_ENVELOPED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.3");
const ID_AUTH_ENVELOPED_DATA: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.23");
const DES_EDE3_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.3.7");
const AES_128_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.2");
const AES_192_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.22");
const AES_256_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.42");
const AES_128_GCM: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.6");
const AES_256_GCM: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.46");

/// Octets of an AES-GCM tag: the longest that RFC 5084 allows.
const GCM_TAG: u8 = 16;

/// Encrypts `content` to the recipients. Returns a `ContentInfo` as DER.
pub(in super::super) fn encrypt(
    content: &[u8],
    cipher: Cipher,
    cms: &CmsChoices,
    keys: &Keys,
    rng: &mut StdRng,
) -> Result<Vec<u8>, SmimeError> {
    match cipher {
        Cipher::Des3 => {
            let (key, iv) = (odd_parity(random::<24>(rng)), random::<8>(rng));
            let done = cbc::Encryptor::<des::TdesEde3>::new(&key.into(), &iv.into())
                .encrypt_padded_vec::<Pkcs7>(content);
            enveloped(&key, encrypted(DES_EDE3_CBC, &iv, done)?, cms, keys, rng)
        }
        Cipher::Aes128 => {
            let (key, iv) = (random::<16>(rng), random::<16>(rng));
            let done = cbc::Encryptor::<aes::Aes128>::new(&key.into(), &iv.into())
                .encrypt_padded_vec::<Pkcs7>(content);
            enveloped(&key, encrypted(AES_128_CBC, &iv, done)?, cms, keys, rng)
        }
        Cipher::Aes192 => {
            let (key, iv) = (random::<24>(rng), random::<16>(rng));
            let done = cbc::Encryptor::<aes::Aes192>::new(&key.into(), &iv.into())
                .encrypt_padded_vec::<Pkcs7>(content);
            enveloped(&key, encrypted(AES_192_CBC, &iv, done)?, cms, keys, rng)
        }
        Cipher::Aes256 => {
            let (key, iv) = (random::<32>(rng), random::<16>(rng));
            let done = cbc::Encryptor::<aes::Aes256>::new(&key.into(), &iv.into())
                .encrypt_padded_vec::<Pkcs7>(content);
            enveloped(&key, encrypted(AES_256_CBC, &iv, done)?, cms, keys, rng)
        }
        Cipher::Aes128Gcm => {
            let (key, nonce) = (random::<16>(rng), random::<12>(rng));
            let cipher = Aes128Gcm::new(&key.into());
            let sealed = sealed(&cipher, AES_128_GCM, nonce, content)?;
            auth_enveloped(&key, sealed, cms, keys, rng)
        }
        Cipher::Aes256Gcm => {
            let (key, nonce) = (random::<32>(rng), random::<12>(rng));
            let cipher = Aes256Gcm::new(&key.into());
            let sealed = sealed(&cipher, AES_256_GCM, nonce, content)?;
            auth_enveloped(&key, sealed, cms, keys, rng)
        }
    }
}

/// Content in CBC mode; the initialisation vector is the parameter of the algorithm.
fn encrypted(
    oid: ObjectIdentifier,
    iv: &[u8],
    bytes: Vec<u8>,
) -> Result<EncryptedContentInfo, SmimeError> {
    encrypted_content(oid, any(&OctetString::new(iv)?)?, bytes)
}

fn enveloped(
    key: &[u8],
    encrypted_content: EncryptedContentInfo,
    cms: &CmsChoices,
    keys: &Keys,
    rng: &mut StdRng,
) -> Result<Vec<u8>, SmimeError> {
    let recip_infos = recipients(key, cms, keys, rng)?;
    let data = EnvelopedData {
        version: version(&recip_infos),
        originator_info: None,
        recip_infos,
        encrypted_content,
        unprotected_attrs: None,
    };
    content_info(ID_ENVELOPED_DATA, &data)
}

/// Content in GCM, and its tag. Without authenticated attributes there is no additional data (RFC 5083 section 2.2).
fn sealed<C: AeadInOut<NonceSize = aes_gcm::aead::consts::U12>>(
    cipher: &C,
    oid: ObjectIdentifier,
    nonce: [u8; 12],
    content: &[u8],
) -> Result<(EncryptedContentInfo, OctetString), SmimeError> {
    let mut buffer = content.to_vec();
    let tag = cipher
        .encrypt_inout_detached(&nonce.into(), b"", buffer.as_mut_slice().into())
        .map_err(|_| SmimeError::Gcm)?;
    let content = encrypted_content(oid, gcm_parameters(nonce)?, buffer)?;
    Ok((content, OctetString::new(tag.to_vec())?))
}

fn auth_enveloped(
    key: &[u8],
    (auth_encrypted_content_info, mac): (EncryptedContentInfo, OctetString),
    cms: &CmsChoices,
    keys: &Keys,
    rng: &mut StdRng,
) -> Result<Vec<u8>, SmimeError> {
    let data = AuthEnvelopedData {
        version: CmsVersion::V0,
        originator_info: None,
        recip_infos: recipients(key, cms, keys, rng)?,
        auth_encrypted_content_info,
        auth_attrs: None,
        mac,
        unauth_attrs: None,
    };
    content_info(ID_AUTH_ENVELOPED_DATA, &data)
}

/// `GCMParameters` (RFC 5084 section 3.2): a sequence of the nonce and the length of the tag.
fn gcm_parameters(nonce: [u8; 12]) -> Result<Any, SmimeError> {
    let mut fields = OctetString::new(nonce)?.to_der()?;
    fields.extend(GCM_TAG.to_der()?);
    Ok(Any::new(Tag::Sequence, fields)?)
}

fn encrypted_content(
    oid: ObjectIdentifier,
    parameters: Any,
    bytes: Vec<u8>,
) -> Result<EncryptedContentInfo, SmimeError> {
    Ok(EncryptedContentInfo {
        content_type: ID_DATA,
        content_enc_alg: AlgorithmIdentifierOwned {
            oid,
            parameters: Some(parameters),
        },
        encrypted_content: Some(OctetString::new(bytes)?),
    })
}

fn random<const N: usize>(rng: &mut StdRng) -> [u8; N] {
    let mut bytes = [0; N];
    rng.fill_bytes(&mut bytes);
    bytes
}

/// Sets the lowest bit of each octet of a DES key so that its number of ones is odd.
fn odd_parity<const N: usize>(mut key: [u8; N]) -> [u8; N] {
    for byte in &mut key {
        let ones = (*byte >> 1).count_ones();
        *byte = (*byte & 0xfe) | u8::from(ones % 2 == 0);
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn des_keys_have_odd_parity() {
        let key = odd_parity([0x00, 0x01, 0xfe, 0xff, 0x5a]);
        assert!(
            key.iter().all(|byte| byte.count_ones() % 2 == 1),
            "{key:02x?}"
        );
        assert_eq!(key, [0x01, 0x01, 0xfe, 0xfe, 0x5b]);
    }
}

//! Encryption: `EnvelopedData` (RFC 5652 section 6) and `AuthEnvelopedData` (RFC 5083), key transport by RSA.

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeEncrypt, KeyIvInit};
use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit};
use cms::authenveloped_data::AuthEnvelopedData;
use cms::content_info::CmsVersion;
use cms::der::asn1::{ObjectIdentifier, OctetString};
use cms::der::{Any, Encode, Tag};
use cms::enveloped_data::{
    EncryptedContentInfo, EnvelopedData, KeyTransRecipientInfo, RecipientIdentifier, RecipientInfo,
    RecipientInfos,
};
use cms::spki::AlgorithmIdentifierOwned;
use rand::Rng;
use rand::rngs::StdRng;

use super::super::config::Cipher;
use super::super::keys::{Keys, issuer_and_serial};
use super::{ID_DATA, RSA_ENCRYPTION, SmimeError, any, content_info};

const ID_ENVELOPED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.3");
const ID_AUTH_ENVELOPED_DATA: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.23");
const DES_EDE3_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.3.7");
const AES_128_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.2");
const AES_192_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.22");
const AES_256_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.42");
const AES_256_GCM: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.46");

/// Octets of an AES-GCM tag: the longest that RFC 5084 allows.
const GCM_TAG: u8 = 16;

/// How the content is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum ContentCipher {
    /// One of the ciphers that the encoder offers, in CBC mode.
    Cbc(Cipher),
    /// AES-256-GCM, which it does not offer.
    Aes256Gcm,
}

/// Encrypts `content` to the recipient. Returns a `ContentInfo` as DER.
pub(in super::super) fn encrypt(
    content: &[u8],
    cipher: ContentCipher,
    keys: &Keys,
    rng: &mut StdRng,
) -> Result<Vec<u8>, SmimeError> {
    match cipher {
        ContentCipher::Cbc(cipher) => enveloped(content, cipher, keys, rng),
        ContentCipher::Aes256Gcm => auth_enveloped(content, keys, rng),
    }
}

fn enveloped(
    content: &[u8],
    cipher: Cipher,
    keys: &Keys,
    rng: &mut StdRng,
) -> Result<Vec<u8>, SmimeError> {
    let (oid, key, iv, encrypted) = match cipher {
        Cipher::Des3 => {
            let (key, iv) = (odd_parity(random::<24>(rng)), random::<8>(rng));
            let done = cbc::Encryptor::<des::TdesEde3>::new(&key.into(), &iv.into())
                .encrypt_padded_vec::<Pkcs7>(content);
            (DES_EDE3_CBC, key.to_vec(), iv.to_vec(), done)
        }
        Cipher::Aes128 => {
            let (key, iv) = (random::<16>(rng), random::<16>(rng));
            let done = cbc::Encryptor::<aes::Aes128>::new(&key.into(), &iv.into())
                .encrypt_padded_vec::<Pkcs7>(content);
            (AES_128_CBC, key.to_vec(), iv.to_vec(), done)
        }
        Cipher::Aes192 => {
            let (key, iv) = (random::<24>(rng), random::<16>(rng));
            let done = cbc::Encryptor::<aes::Aes192>::new(&key.into(), &iv.into())
                .encrypt_padded_vec::<Pkcs7>(content);
            (AES_192_CBC, key.to_vec(), iv.to_vec(), done)
        }
        Cipher::Aes256 => {
            let (key, iv) = (random::<32>(rng), random::<16>(rng));
            let done = cbc::Encryptor::<aes::Aes256>::new(&key.into(), &iv.into())
                .encrypt_padded_vec::<Pkcs7>(content);
            (AES_256_CBC, key.to_vec(), iv.to_vec(), done)
        }
    };
    let data = EnvelopedData {
        version: CmsVersion::V0,
        originator_info: None,
        recip_infos: recipients(&key, keys, rng)?,
        encrypted_content: encrypted_content(oid, any(&OctetString::new(iv)?)?, encrypted)?,
        unprotected_attrs: None,
    };
    content_info(ID_ENVELOPED_DATA, &data)
}

fn auth_enveloped(content: &[u8], keys: &Keys, rng: &mut StdRng) -> Result<Vec<u8>, SmimeError> {
    let (key, nonce) = (random::<32>(rng), random::<12>(rng));
    let mut buffer = content.to_vec();
    // Without authenticated attributes there is no additional data (RFC 5083 section 2.2).
    let tag = Aes256Gcm::new(&key.into())
        .encrypt_inout_detached(&nonce.into(), b"", buffer.as_mut_slice().into())
        .map_err(|_| SmimeError::Gcm)?;
    let data = AuthEnvelopedData {
        version: CmsVersion::V0,
        originator_info: None,
        recip_infos: recipients(&key, keys, rng)?,
        auth_encrypted_content_info: encrypted_content(
            AES_256_GCM,
            gcm_parameters(nonce)?,
            buffer,
        )?,
        auth_attrs: None,
        mac: OctetString::new(tag.to_vec())?,
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

/// The content key, encrypted to the one recipient (RFC 5652 section 6.2.1, RFC 3370 section 4.2.1).
fn recipients(key: &[u8], keys: &Keys, rng: &mut StdRng) -> Result<RecipientInfos, SmimeError> {
    let encrypted = keys
        .recipient_key
        .pkcs1v15_encrypt_with_rng(rng, key)
        .map_err(|_| SmimeError::Rsa("encrypt the content key"))?;
    let recipient = KeyTransRecipientInfo {
        version: CmsVersion::V0,
        rid: RecipientIdentifier::IssuerAndSerialNumber(issuer_and_serial(&keys.recipient)),
        key_enc_alg: AlgorithmIdentifierOwned {
            oid: RSA_ENCRYPTION,
            parameters: Some(Any::null()),
        },
        enc_key: OctetString::new(encrypted)?,
    };
    Ok(RecipientInfos::try_from(vec![RecipientInfo::Ktri(
        recipient,
    )])?)
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

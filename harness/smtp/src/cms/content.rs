//! The content ciphers, undone.

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::consts::{U12, U13, U14, U15, U16};
use aes::cipher::{BlockCipherDecrypt, BlockModeDecrypt, InnerIvInit, KeyInit, KeyIvInit};
use aes::{Aes128, Aes192, Aes256};
use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{AesGcm, Nonce};
use cms::authenveloped_data::AuthEnvelopedData;
use cms::der::asn1::{OctetString, OctetStringRef};
use cms::der::{Decode, Encode, Reader, SliceReader};
use cms::enveloped_data::EncryptedContentInfo;
use cms::spki::AlgorithmIdentifierOwned;
use des::{Des, TdesEde3};
use rc2::Rc2;

use super::read::structure;
use super::{Error, ber, oid};

/// Longest key of RC2 in octets, and its longest effective key in bits (RFC 2268 section 1).
const RC2_LONGEST: (usize, u16) = (128, 1024);

/// Decrypts the content of EnvelopedData with the content key.
pub(super) fn cbc(encrypted: &EncryptedContentInfo, key: &[u8]) -> Result<Vec<u8>, Error> {
    let ciphertext = ciphertext(encrypted)?;
    let algorithm = &encrypted.content_enc_alg;
    let unsupported = || Error::Unsupported {
        what: "content cipher",
        name: oid::algorithm(algorithm).name,
    };
    let name = algorithm.oid.to_string();
    if name == oid::RC2_CBC {
        let bits = oid::rc2_bits(algorithm)
            .filter(|bits| (1..=RC2_LONGEST.1).contains(bits))
            .ok_or_else(unsupported)?;
        return rc2_cbc(key, bits, &rc2_iv(algorithm), ciphertext);
    }
    let vector = algorithm
        .parameters
        .as_ref()
        .and_then(|any| any.decode_as::<&OctetStringRef>().ok());
    let iv = vector.map(OctetStringRef::as_bytes).unwrap_or_default();
    match name.as_str() {
        oid::AES128_CBC => decrypt_cbc::<Aes128>(key, iv, ciphertext),
        oid::AES192_CBC => decrypt_cbc::<Aes192>(key, iv, ciphertext),
        oid::AES256_CBC => decrypt_cbc::<Aes256>(key, iv, ciphertext),
        oid::DES3_CBC => decrypt_cbc::<TdesEde3>(key, iv, ciphertext),
        oid::DES_CBC => decrypt_cbc::<Des>(key, iv, ciphertext),
        _ => Err(unsupported()),
    }
}

fn decrypt_cbc<C>(key: &[u8], iv: &[u8], ciphertext: &[u8]) -> Result<Vec<u8>, Error>
where
    C: BlockCipherDecrypt + KeyInit,
    cbc::Decryptor<C>: KeyIvInit + BlockModeDecrypt,
{
    if iv.len() != C::block_size() {
        return Err(BAD_VECTOR);
    }
    let cipher = cbc::Decryptor::<C>::new_from_slices(key, iv).map_err(|_| Error::DoesNotOpen)?;
    let plain = cipher.decrypt_padded_vec::<Pkcs7>(ciphertext);
    plain.map_err(|_| Error::DoesNotOpen)
}

const BAD_VECTOR: Error =
    Error::Decrypt("the initialisation vector is missing or of the wrong length");

/// RC2, whose key has a length of its own besides the effective one (RFC 2268).
fn rc2_cbc(key: &[u8], bits: u16, iv: &[u8], ciphertext: &[u8]) -> Result<Vec<u8>, Error> {
    if iv.len() != 8 {
        return Err(BAD_VECTOR);
    }
    if !(1..=RC2_LONGEST.0).contains(&key.len()) {
        return Err(Error::DoesNotOpen);
    }
    let cipher = Rc2::new_with_eff_key_len(key, usize::from(bits));
    let cipher = cbc::Decryptor::<Rc2>::inner_iv_slice_init(cipher, iv).map_err(|_| BAD_VECTOR)?;
    let plain = cipher.decrypt_padded_vec::<Pkcs7>(ciphertext);
    plain.map_err(|_| Error::DoesNotOpen)
}

/// The initialisation vector of RC2: beside the version in a sequence, or alone (RFC 8018 appendix B.2.3).
fn rc2_iv(algorithm: &AlgorithmIdentifierOwned) -> Vec<u8> {
    let der = algorithm.parameters.as_ref().map(Encode::to_der);
    let der = der.and_then(Result::ok).unwrap_or_default();
    let vector = match crate::tlv::element(&der) {
        Some((0x04, value, _)) => Some(value),
        Some((0x30, value, _)) => crate::tlv::child(value, 0x04),
        _ => None,
    };
    vector.unwrap_or_default().to_vec()
}

/// Parameters of AES-GCM (RFC 5084 section 3.2): nonce, and length of the tag, which is 12 where not stated.
fn gcm_parameters(algorithm: &AlgorithmIdentifierOwned) -> Option<(Vec<u8>, u8)> {
    let mut reader = SliceReader::new(algorithm.parameters.as_ref()?.value()).ok()?;
    let nonce = <&OctetStringRef>::decode(&mut reader)
        .ok()?
        .as_bytes()
        .to_vec();
    let tag = if reader.is_finished() {
        12
    } else {
        u8::decode(&mut reader).ok()?
    };
    Some((nonce, tag))
}

/// What AuthEnvelopedData authenticates besides the content: its attributes, tagged as a set (RFC 5083 section 2.2).
pub(super) fn authenticated_attributes(data: &AuthEnvelopedData) -> Result<Vec<u8>, Error> {
    let Some(attributes) = &data.auth_attrs else {
        return Ok(Vec::new());
    };
    let encoded: Result<Vec<_>, _> = attributes.iter().map(Encode::to_der).collect();
    let encoded = encoded.map_err(|error| structure("AuthEnvelopedData", error))?;
    Ok(set_of(encoded))
}

/// DER of a set: its elements in order.
pub(super) fn set_of(mut elements: Vec<Vec<u8>>) -> Vec<u8> {
    elements.sort_unstable();
    let mut out = Vec::new();
    ber::write(&mut out, &[0x31], &elements.concat());
    out
}

/// Decrypts the content of AuthEnvelopedData with the content key.
pub(super) fn gcm(
    data: &AuthEnvelopedData,
    attributes: &[u8],
    key: &[u8],
) -> Result<Vec<u8>, Error> {
    let encrypted = &data.auth_encrypted_content_info;
    let mut ciphertext = ciphertext(encrypted)?.to_vec();
    ciphertext.extend_from_slice(data.mac.as_bytes());
    let algorithm = &encrypted.content_enc_alg;
    let name = || oid::algorithm(algorithm).name;
    let known = [oid::AES128_GCM, oid::AES192_GCM, oid::AES256_GCM];
    if !known.iter().any(|oid| oid::is(&algorithm.oid, oid)) {
        return Err(Error::Unsupported {
            what: "content cipher",
            name: name(),
        });
    }
    let (nonce, tag) =
        gcm_parameters(algorithm).ok_or(Error::Decrypt("its parameters do not parse"))?;
    let Ok(nonce) = Nonce::<U12>::try_from(nonce.as_slice()) else {
        return Err(Error::Unsupported {
            what: "a nonce of other than 12 bytes for",
            name: name(),
        });
    };
    if data.mac.as_bytes().len() != usize::from(tag) {
        return Err(Error::Decrypt(
            "the tag is not as long as the parameters say",
        ));
    }
    let payload = Payload {
        msg: &ciphertext,
        aad: attributes,
    };
    macro_rules! with {
        ($cipher:ty) => {
            match tag {
                12 => decrypt_gcm::<AesGcm<$cipher, U12, U12>>(key, &nonce, payload),
                13 => decrypt_gcm::<AesGcm<$cipher, U12, U13>>(key, &nonce, payload),
                14 => decrypt_gcm::<AesGcm<$cipher, U12, U14>>(key, &nonce, payload),
                15 => decrypt_gcm::<AesGcm<$cipher, U12, U15>>(key, &nonce, payload),
                16 => decrypt_gcm::<AesGcm<$cipher, U12, U16>>(key, &nonce, payload),
                _ => Err(Error::Unsupported {
                    what: "a tag of unusual length for",
                    name: name(),
                }),
            }
        };
    }
    match algorithm.oid.to_string().as_str() {
        oid::AES128_GCM => with!(Aes128),
        oid::AES192_GCM => with!(Aes192),
        _ => with!(Aes256),
    }
}

fn decrypt_gcm<C>(
    key: &[u8],
    nonce: &Nonce<U12>,
    payload: Payload<'_, '_>,
) -> Result<Vec<u8>, Error>
where
    C: Aead + aes_gcm::AeadCore<NonceSize = U12> + KeyInit,
{
    let cipher = C::new_from_slice(key).map_err(|_| Error::DoesNotOpen)?;
    cipher
        .decrypt(nonce, payload)
        .map_err(|_| Error::DoesNotOpen)
}

fn ciphertext(encrypted: &EncryptedContentInfo) -> Result<&[u8], Error> {
    let content = encrypted.encrypted_content.as_ref();
    content
        .map(OctetString::as_bytes)
        .ok_or(Error::NotEncrypted(
            "the encrypted content is not in the message",
        ))
}

//! Key agreement: the content key behind ECDH (RFC 5753).

use aes::cipher::{BlockModeDecrypt, KeyInit, KeyIvInit};
use aes::{Aes128, Aes192, Aes256};
use aes_kw::AesKw;
use cms::der::asn1::{ContextSpecific, OctetString};
use cms::der::{Encode, TagMode, TagNumber};
use cms::enveloped_data::{KeyAgreeRecipientInfo, OriginatorIdentifierOrKey};
use cms::spki::AlgorithmIdentifierOwned;
use des::TdesEde3;
use des::cipher::block_padding::NoPadding;
use sha1::{Digest, Sha1};
use sha2::{Sha224, Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq;

use super::{Error, ber, oid};
use crate::Secret;

/// An elliptic-curve key.
#[derive(Clone)]
pub(super) enum EcKey {
    /// On NIST P-256.
    P256(p256::SecretKey),
    /// On NIST P-384.
    P384(p384::SecretKey),
}

impl EcKey {
    /// Name of the curve.
    pub(super) const fn curve(&self) -> &'static str {
        match self {
            Self::P256(_) => "P-256",
            Self::P384(_) => "P-384",
        }
    }

    /// Whether `point` (SEC 1 section 2.3.3) is one of this curve by its length: whole or compressed.
    fn has_length_of(&self, point: &[u8]) -> bool {
        let size = match self {
            Self::P256(_) => 32,
            Self::P384(_) => 48,
        };
        [1 + size, 1 + 2 * size].contains(&point.len())
    }

    /// Whether the ephemeral key of an entry is on the same curve.
    pub(super) fn fits(&self, info: &KeyAgreeRecipientInfo) -> bool {
        point(info).is_some_and(|point| self.has_length_of(point))
    }

    /// The shared secret: the x-coordinate. `None` where the point is not on the curve.
    fn shared(&self, point: &[u8]) -> Option<Secret> {
        let secret = match self {
            Self::P256(key) => {
                let public = p256::PublicKey::from_sec1_bytes(point).ok()?;
                let shared = key.diffie_hellman(&public);
                shared.raw_secret_bytes().to_vec()
            }
            Self::P384(key) => {
                let public = p384::PublicKey::from_sec1_bytes(point).ok()?;
                let shared = key.diffie_hellman(&public);
                shared.raw_secret_bytes().to_vec()
            }
        };
        Some(Secret::new(secret))
    }
}

/// The ephemeral public key of the sender, as a point.
fn point(info: &KeyAgreeRecipientInfo) -> Option<&[u8]> {
    match &info.originator {
        OriginatorIdentifierOrKey::OriginatorKey(key) => key.public_key.as_bytes(),
        _ => None,
    }
}

/// The content key in one of the encrypted keys of an entry; `None` where the key does not open it.
pub(super) fn unwrap(
    key: &EcKey,
    info: &KeyAgreeRecipientInfo,
    encrypted: &[u8],
) -> Result<Option<Secret>, Error> {
    let unsupported = |algorithm: &AlgorithmIdentifierOwned| Error::Unsupported {
        what: "key agreement",
        name: oid::algorithm(algorithm).name,
    };
    let scheme = &info.key_enc_alg;
    let wrap: Option<AlgorithmIdentifierOwned> = scheme
        .parameters
        .as_ref()
        .and_then(|any| any.decode_as().ok());
    let wrap = wrap.ok_or_else(|| unsupported(scheme))?;
    let length = match wrap.oid.to_string().as_str() {
        oid::AES128_WRAP => 16,
        oid::AES192_WRAP | oid::DES3_WRAP => 24,
        oid::AES256_WRAP => 32,
        _ => return Err(unsupported(&wrap)),
    };
    // The algorithm goes into the derivation as the sender wrote it.
    let raw = scheme.parameters.as_ref().map(Encode::to_der);
    let Some(Ok(raw)) = raw else {
        return Err(unsupported(scheme));
    };
    let ukm = info.ukm.as_ref().map(OctetString::as_bytes);
    let Some(shared) = point(info).and_then(|point| key.shared(point)) else {
        return Ok(None);
    };
    let shared = shared.expose();
    let key = match scheme.oid.to_string().as_str() {
        oid::ECDH_SHA1 | oid::COFACTOR_SHA1 => agreed_key::<Sha1>(shared, &raw, ukm, length),
        oid::ECDH_SHA224 | oid::COFACTOR_SHA224 => agreed_key::<Sha224>(shared, &raw, ukm, length),
        oid::ECDH_SHA256 | oid::COFACTOR_SHA256 => agreed_key::<Sha256>(shared, &raw, ukm, length),
        oid::ECDH_SHA384 | oid::COFACTOR_SHA384 => agreed_key::<Sha384>(shared, &raw, ukm, length),
        oid::ECDH_SHA512 | oid::COFACTOR_SHA512 => agreed_key::<Sha512>(shared, &raw, ukm, length),
        _ => return Err(unsupported(scheme)),
    };
    Ok(match wrap.oid.to_string().as_str() {
        oid::AES128_WRAP => unwrap_aes::<Aes128>(key.expose(), encrypted),
        oid::AES192_WRAP => unwrap_aes::<Aes192>(key.expose(), encrypted),
        oid::AES256_WRAP => unwrap_aes::<Aes256>(key.expose(), encrypted),
        _ => unwrap_des3(key.expose(), encrypted),
    })
}

/// The key that wraps the content key, out of a shared secret: X9.63 with `ECC-CMS-SharedInfo` (RFC 5753 section 7.2).
///
/// `wrap` is the key-wrap algorithm in DER, `ukm` what the sender added to the agreement, `length` how many bytes the key
/// has.
pub fn agreed_key<D: Digest>(
    shared: &[u8],
    wrap: &[u8],
    ukm: Option<&[u8]>,
    length: usize,
) -> Secret {
    let info = shared_info(wrap, ukm, length);
    let mut key = Vec::with_capacity(length);
    for counter in 1_u32.. {
        if key.len() >= length {
            break;
        }
        let digest = D::new()
            .chain_update(shared)
            .chain_update(counter.to_be_bytes())
            .chain_update(&info);
        key.extend_from_slice(&digest.finalize());
    }
    key.truncate(length);
    Secret::new(key)
}

fn shared_info(wrap: &[u8], ukm: Option<&[u8]>, length: usize) -> Vec<u8> {
    let bits = u32::try_from(length * 8).unwrap_or_default();
    let mut fields = wrap.to_vec();
    for (number, value) in [(0, ukm), (2, Some(bits.to_be_bytes().as_slice()))] {
        let Some(Ok(value)) = value.map(OctetString::new) else {
            continue;
        };
        let field = ContextSpecific {
            tag_number: TagNumber(number),
            tag_mode: TagMode::Explicit,
            value,
        };
        fields.extend(field.to_der().unwrap_or_default());
    }
    let mut out = Vec::new();
    ber::write(&mut out, &[0x30], &fields);
    out
}

/// RFC 3394.
fn unwrap_aes<C>(key: &[u8], encrypted: &[u8]) -> Option<Secret>
where
    AesKw<C>: KeyInit,
    C: aes::cipher::BlockCipherDecrypt
        + aes::cipher::BlockSizeUser<BlockSize = aes::cipher::consts::U16>,
{
    let cipher = <AesKw<C> as KeyInit>::new_from_slice(key).ok()?;
    let mut content_key = vec![0; encrypted.len()];
    let unwrapped = cipher.unwrap_key(encrypted, &mut content_key).ok()?;
    Some(Secret::new(unwrapped))
}

/// RFC 3217 section 3.2: Triple DES twice, the second time over the reversed bytes, with the start of a digest behind the
/// key.
fn unwrap_des3(key: &[u8], encrypted: &[u8]) -> Option<Secret> {
    const VECTOR: [u8; 8] = [0x4a, 0xdd, 0xa2, 0x2c, 0x79, 0xe8, 0x21, 0x05];
    if encrypted.len() != 40 {
        return None;
    }
    let undo = |iv: &[u8], bytes: &[u8]| {
        let cipher = cbc::Decryptor::<TdesEde3>::new_from_slices(key, iv).ok()?;
        cipher.decrypt_padded_vec::<NoPadding>(bytes).ok()
    };
    let mut outer = undo(&VECTOR, encrypted)?;
    outer.reverse();
    let (iv, inner) = outer.split_at_checked(8)?;
    let checked = undo(iv, inner)?;
    let (content_key, check) = checked.split_at_checked(24)?;
    let digest = Sha1::digest(content_key);
    let same: bool = digest.get(..8)?.ct_eq(check).into();
    same.then(|| Secret::new(content_key))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The structure of RFC 5753 section 7.2, written by hand.
    #[test]
    fn shared_info_has_the_three_fields() {
        let wrap = [0x30, 0x02, 0x05, 0x00];
        let with = shared_info(&wrap, Some(&[7]), 16);
        assert_eq!(
            with,
            [
                0x30, 17, 0x30, 2, 5, 0, 0xa0, 3, 4, 1, 7, 0xa2, 6, 4, 4, 0, 0, 0, 128
            ]
        );
        let without = shared_info(&wrap, None, 32);
        assert_eq!(
            without,
            [0x30, 12, 0x30, 2, 5, 0, 0xa2, 6, 4, 4, 0, 0, 1, 0]
        );
    }

    #[test]
    fn a_long_key_takes_several_rounds() {
        let long = agreed_key::<Sha1>(b"secret", &[5, 0], None, 32);
        assert_eq!(long.len(), 32);
        let info = shared_info(&[5, 0], None, 32);
        let round = |n: u32| {
            let input = [b"secret".as_slice(), &n.to_be_bytes(), &info].concat();
            Sha1::digest(input).to_vec()
        };
        assert_eq!(&long.expose()[..20], round(1));
        assert_eq!(&long.expose()[20..], &round(2)[..12]);
    }

    #[test]
    fn wrapped_keys_of_odd_lengths_are_no_keys() {
        for length in [0, 7, 8, 16, 39, 41, 48] {
            let bytes = vec![3; length];
            assert!(unwrap_aes::<Aes128>(&[1; 16], &bytes).is_none(), "{length}");
            assert!(unwrap_des3(&[1; 24], &bytes).is_none(), "{length}");
        }
        assert!(unwrap_des3(&[1; 24], &[3; 40]).is_none());
    }
}

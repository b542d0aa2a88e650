//! Object identifiers and their names.

use cms::der::asn1::ObjectIdentifier;
use cms::der::{Any, Decode, Encode, Reader, SliceReader};
use cms::spki::AlgorithmIdentifierOwned;

use super::Algorithm;

pub(super) const SIGNED_DATA: &str = "1.2.840.113549.1.7.2";
pub(super) const ENVELOPED_DATA: &str = "1.2.840.113549.1.7.3";
pub(super) const AUTH_ENVELOPED_DATA: &str = "1.2.840.113549.1.9.16.1.23";
pub(super) const COMPRESSED_DATA: &str = "1.2.840.113549.1.9.16.1.9";

pub(super) const RSA: &str = "1.2.840.113549.1.1.1";
pub(super) const RSA_OAEP: &str = "1.2.840.113549.1.1.7";
pub(super) const SHA1_RSA: &str = "1.2.840.113549.1.1.5";
pub(super) const SHA256_RSA: &str = "1.2.840.113549.1.1.11";
pub(super) const SHA384_RSA: &str = "1.2.840.113549.1.1.12";
pub(super) const SHA512_RSA: &str = "1.2.840.113549.1.1.13";

pub(super) const MD5_RSA: &str = "1.2.840.113549.1.1.4";
/// Older identifiers of the same (OIW).
pub(super) const OIW_MD5_RSA: &str = "1.3.14.3.2.3";
pub(super) const OIW_SHA1_RSA: &str = "1.3.14.3.2.29";
pub(super) const OIW_SHA1_DSA: &str = "1.3.14.3.2.27";
pub(super) const SHA1_ECDSA: &str = "1.2.840.10045.4.1";
pub(super) const DSA: &str = "1.2.840.10040.4.1";
pub(super) const SHA1_DSA: &str = "1.2.840.10040.4.3";
pub(super) const EC: &str = "1.2.840.10045.2.1";
pub(super) const SHA256_ECDSA: &str = "1.2.840.10045.4.3.2";
pub(super) const SHA384_ECDSA: &str = "1.2.840.10045.4.3.3";
pub(super) const SHA512_ECDSA: &str = "1.2.840.10045.4.3.4";
pub(super) const ZLIB: &str = "1.2.840.113549.1.9.16.3.8";
// Key agreement (RFC 5753 section 7.1.4). With a cofactor of 1, as the curves here have it, both kinds are the same.
pub(super) const ECDH_SHA1: &str = "1.3.133.16.840.63.0.2";
pub(super) const ECDH_SHA224: &str = "1.3.132.1.11.0";
pub(super) const ECDH_SHA256: &str = "1.3.132.1.11.1";
pub(super) const ECDH_SHA384: &str = "1.3.132.1.11.2";
pub(super) const ECDH_SHA512: &str = "1.3.132.1.11.3";
pub(super) const COFACTOR_SHA1: &str = "1.3.133.16.840.63.0.3";
pub(super) const COFACTOR_SHA224: &str = "1.3.132.1.14.0";
pub(super) const COFACTOR_SHA256: &str = "1.3.132.1.14.1";
pub(super) const COFACTOR_SHA384: &str = "1.3.132.1.14.2";
pub(super) const COFACTOR_SHA512: &str = "1.3.132.1.14.3";
pub(super) const DES3_WRAP: &str = "1.2.840.113549.1.9.16.3.6";
pub(super) const ESDH: &str = "1.2.840.113549.1.9.16.3.5";

pub(super) const MD2: &str = "1.2.840.113549.2.2";
pub(super) const MD2_RSA: &str = "1.2.840.113549.1.1.2";
pub(super) const MD4: &str = "1.2.840.113549.2.4";
pub(super) const MD4_RSA: &str = "1.2.840.113549.1.1.3";
pub(super) const MD5: &str = "1.2.840.113549.2.5";
pub(super) const SHA1: &str = "1.3.14.3.2.26";
pub(super) const SHA256: &str = "2.16.840.1.101.3.4.2.1";
pub(super) const SHA384: &str = "2.16.840.1.101.3.4.2.2";
pub(super) const SHA512: &str = "2.16.840.1.101.3.4.2.3";

pub(super) const DES_CBC: &str = "1.3.14.3.2.7";
pub(super) const RC4: &str = "1.2.840.113549.3.4";
pub(super) const DES3_CBC: &str = "1.2.840.113549.3.7";
pub(super) const RC2_CBC: &str = "1.2.840.113549.3.2";
pub(super) const AES128_CBC: &str = "2.16.840.1.101.3.4.1.2";
pub(super) const AES192_CBC: &str = "2.16.840.1.101.3.4.1.22";
pub(super) const AES256_CBC: &str = "2.16.840.1.101.3.4.1.42";
pub(super) const AES128_GCM: &str = "2.16.840.1.101.3.4.1.6";
pub(super) const AES192_GCM: &str = "2.16.840.1.101.3.4.1.26";
pub(super) const AES256_GCM: &str = "2.16.840.1.101.3.4.1.46";

const AES128_CCM: &str = "2.16.840.1.101.3.4.1.7";
const AES256_CCM: &str = "2.16.840.1.101.3.4.1.47";
pub(super) const AES128_WRAP: &str = "2.16.840.1.101.3.4.1.5";
pub(super) const AES192_WRAP: &str = "2.16.840.1.101.3.4.1.25";
pub(super) const AES256_WRAP: &str = "2.16.840.1.101.3.4.1.45";
const CHACHA20_POLY1305: &str = "1.2.840.113549.1.9.16.3.18";

pub(super) const ATTRIBUTE_CONTENT_TYPE: &str = "1.2.840.113549.1.9.3";
pub(super) const ATTRIBUTE_MESSAGE_DIGEST: &str = "1.2.840.113549.1.9.4";
pub(super) const ATTRIBUTE_SIGNING_TIME: &str = "1.2.840.113549.1.9.5";
pub(super) const ATTRIBUTE_CAPABILITIES: &str = "1.2.840.113549.1.9.15";
pub(super) const EMAIL_ADDRESS: &str = "1.2.840.113549.1.9.1";

const NAMES: &[(&str, &str)] = &[
    (RSA, "RSA PKCS#1 v1.5"),
    (RSA_OAEP, "RSA-OAEP"),
    ("1.2.840.113549.1.1.10", "RSASSA-PSS"),
    (MD2_RSA, "MD2 with RSA"),
    (MD4_RSA, "MD4 with RSA"),
    (OIW_MD5_RSA, "MD5 with RSA"),
    (OIW_SHA1_RSA, "SHA-1 with RSA"),
    (OIW_SHA1_DSA, "DSA with SHA-1"),
    (MD2, "MD2"),
    (MD4, "MD4"),
    (MD5_RSA, "MD5 with RSA"),
    (SHA1_RSA, "SHA-1 with RSA"),
    (SHA256_RSA, "SHA-256 with RSA"),
    (SHA384_RSA, "SHA-384 with RSA"),
    (SHA512_RSA, "SHA-512 with RSA"),
    (MD5, "MD5"),
    (SHA1, "SHA-1"),
    ("2.16.840.1.101.3.4.2.4", "SHA-224"),
    (SHA256, "SHA-256"),
    (SHA384, "SHA-384"),
    (SHA512, "SHA-512"),
    (SHA1_ECDSA, "ECDSA with SHA-1"),
    (SHA256_ECDSA, "ECDSA with SHA-256"),
    (SHA384_ECDSA, "ECDSA with SHA-384"),
    (SHA512_ECDSA, "ECDSA with SHA-512"),
    (DSA, "DSA"),
    (SHA1_DSA, "DSA with SHA-1"),
    (DES_CBC, "DES-CBC"),
    (DES3_CBC, "DES-EDE3-CBC"),
    (RC2_CBC, "RC2-CBC"),
    (RC4, "RC4"),
    (AES128_CBC, "AES-128-CBC"),
    (AES192_CBC, "AES-192-CBC"),
    (AES256_CBC, "AES-256-CBC"),
    (AES128_GCM, "AES-128-GCM"),
    (AES192_GCM, "AES-192-GCM"),
    (AES256_GCM, "AES-256-GCM"),
    (AES128_CCM, "AES-128-CCM"),
    (AES256_CCM, "AES-256-CCM"),
    (CHACHA20_POLY1305, "ChaCha20-Poly1305"),
    (AES128_WRAP, "AES-128 key wrap"),
    (AES192_WRAP, "AES-192 key wrap"),
    (AES256_WRAP, "AES-256 key wrap"),
    (ESDH, "ESDH"),
    ("1.2.840.113549.1.9.16.3.9", "password-based key wrap"),
    (DES3_WRAP, "Triple DES key wrap"),
    (EC, "elliptic curve"),
    (ZLIB, "zlib"),
    (ECDH_SHA1, "ECDH with SHA-1"),
    (ECDH_SHA224, "ECDH with SHA-224"),
    (ECDH_SHA256, "ECDH with SHA-256"),
    (ECDH_SHA384, "ECDH with SHA-384"),
    (ECDH_SHA512, "ECDH with SHA-512"),
    (COFACTOR_SHA1, "cofactor ECDH with SHA-1"),
    (COFACTOR_SHA224, "cofactor ECDH with SHA-224"),
    (COFACTOR_SHA256, "cofactor ECDH with SHA-256"),
    (COFACTOR_SHA384, "cofactor ECDH with SHA-384"),
    (COFACTOR_SHA512, "cofactor ECDH with SHA-512"),
];

/// Whether `oid` is the dotted `text`.
pub(super) fn is(oid: &ObjectIdentifier, text: &str) -> bool {
    ObjectIdentifier::new(text).is_ok_and(|known| known == *oid)
}

/// The algorithm with its name.
pub(super) fn algorithm(read: &AlgorithmIdentifierOwned) -> Algorithm {
    let oid = read.oid.to_string();
    let name = NAMES
        .iter()
        .find(|(known, _)| *known == oid)
        .map_or(oid.as_str(), |(_, name)| name);
    let (name, key_bits) = match oid.as_str() {
        RC2_CBC => match rc2_bits(read) {
            Some(bits) => (format!("{name} with {bits} bits"), Some(bits)),
            None => (name.to_owned(), None),
        },
        _ => (name.to_owned(), key_bits(&oid)),
    };
    Algorithm {
        oid,
        name,
        key_bits,
    }
}

/// Key length of a cipher whose name fixes it. For Triple DES without the parity bits, not its strength.
fn key_bits(oid: &str) -> Option<u16> {
    Some(match oid {
        DES_CBC => 56,
        DES3_CBC => 168,
        AES128_CBC | AES128_GCM | AES128_CCM | AES128_WRAP => 128,
        AES192_CBC | AES192_GCM | AES192_WRAP => 192,
        AES256_CBC | AES256_GCM | AES256_CCM | AES256_WRAP | CHACHA20_POLY1305 => 256,
        _ => return None,
    })
}

/// Length of the initialisation vector or nonce that the parameters of a cipher hold: a byte string by itself, or the
/// first one in a sequence (RC2, GCM, CCM).
pub(super) fn iv_length(read: &AlgorithmIdentifierOwned) -> Option<usize> {
    let der = read.parameters.as_ref()?.to_der().ok()?;
    let parameters = crate::tlv::elements(&der).next()?;
    match parameters.tag {
        0x04 => Some(parameters.value.len()),
        0x30 => crate::tlv::child(parameters.value, 0x04).map(<[u8]>::len),
        _ => None,
    }
}

/// Effective key bits of RC2, which its parameter states in a code (RFC 2268 section 6). No code means 32 bits.
pub(super) fn rc2_bits(read: &AlgorithmIdentifierOwned) -> Option<u16> {
    let der = read.parameters.as_ref()?.to_der().ok()?;
    let mut reader = SliceReader::new(&der).ok()?;
    let parameters = Any::decode(&mut reader).ok()?;
    match parameters.header().tag() {
        cms::der::Tag::Sequence => {}
        // In the list of what a signer understands, it is the number itself (RFC 8551 section 2.5.2).
        cms::der::Tag::Integer => return parameters.decode_as().ok(),
        _ => return Some(32),
    }
    let mut inside = SliceReader::new(parameters.value()).ok()?;
    match u16::decode(&mut inside)
        .ok()
        .filter(|_| !inside.is_finished())?
    {
        160 => Some(40),
        120 => Some(64),
        58 => Some(128),
        bits if bits >= 256 => Some(bits),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_valid_identifier() {
        for (oid, name) in NAMES {
            assert!(ObjectIdentifier::new(oid).is_ok(), "{name}");
        }
    }

    #[test]
    fn rc2_key_lengths() {
        let parameters = |der: &[u8]| AlgorithmIdentifierOwned {
            oid: ObjectIdentifier::new_unwrap(RC2_CBC),
            parameters: Some(Any::from_der(der).unwrap()),
        };
        let forty = [0x30, 0x0e, 2, 2, 0, 160, 4, 8, 1, 2, 3, 4, 5, 6, 7, 8];
        assert_eq!(algorithm(&parameters(&forty)).name, "RC2-CBC with 40 bits");
        let full = [0x30, 0x0d, 2, 1, 58, 4, 8, 1, 2, 3, 4, 5, 6, 7, 8];
        assert_eq!(algorithm(&parameters(&full)).name, "RC2-CBC with 128 bits");
        assert_eq!(
            algorithm(&parameters(&[4, 8, 1, 2, 3, 4, 5, 6, 7, 8])).name,
            "RC2-CBC with 32 bits"
        );
        assert_eq!(
            algorithm(&parameters(&[2, 2, 0, 128])).name,
            "RC2-CBC with 128 bits"
        );
        assert_eq!(algorithm(&parameters(&forty)).key_bits, Some(40));
        assert_eq!(iv_length(&parameters(&forty)), Some(8));
        assert_eq!(iv_length(&parameters(&[4, 3, 1, 2, 3])), Some(3));
        assert_eq!(iv_length(&parameters(&[5, 0])), None);
    }
}

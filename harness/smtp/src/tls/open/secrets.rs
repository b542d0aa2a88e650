//! Keys from secrets: HKDF of TLS 1.3 (RFC 8446 section 7), the PRF of TLS 1.2 (RFC 5246 section 5) and of TLS 1.0
//! (RFC 2246 section 5).

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha256, Sha384};

use crate::Secret;

/// A hash function that HMAC is used with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Md5,
    Sha1,
    Sha256,
    Sha384,
}

impl Hash {
    /// Length of its output in bytes.
    pub(super) const fn length(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
        }
    }

    /// HMAC over the parts (RFC 2104).
    pub(super) fn hmac(self, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
        match self {
            Self::Md5 => hmac_with::<Hmac<Md5>>(key, parts),
            Self::Sha1 => hmac_with::<Hmac<Sha1>>(key, parts),
            Self::Sha256 => hmac_with::<Hmac<Sha256>>(key, parts),
            Self::Sha384 => hmac_with::<Hmac<Sha384>>(key, parts),
        }
    }
}

fn hmac_with<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    // HMAC takes keys of any length.
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(key) else {
        return Vec::new();
    };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

/// HKDF-Expand-Label with an empty context. `length` is at most that of the hash: one block is all that TLS asks for.
pub(super) fn expand_label(hash: Hash, secret: &Secret, label: &str, length: u8) -> Secret {
    let full = format!("tls13 {label}");
    let label_length = u8::try_from(full.len()).unwrap_or(u8::MAX);
    let head = [0, length, label_length];
    let mut block = hash.hmac(secret.expose(), &[&head, full.as_bytes(), &[0], &[1]]);
    block.truncate(length.into());
    Secret::new(block)
}

/// `length` bytes of the PRF: of TLS 1.2 with `hash`, of the versions before it where that is `None`.
pub(super) fn prf(
    hash: Option<Hash>,
    secret: &Secret,
    label: &str,
    seed: &[&[u8]],
    length: usize,
) -> Secret {
    let seed = [label.as_bytes(), &seed.concat()].concat();
    let secret = secret.expose();
    if let Some(hash) = hash {
        return Secret::new(spread(hash, secret, &seed, length));
    }
    // The halves overlap by a byte where the length is odd.
    let half = secret.len().div_ceil(2);
    let md5 = spread(Hash::Md5, &secret[..half], &seed, length);
    let sha1 = spread(Hash::Sha1, &secret[secret.len() - half..], &seed, length);
    let both: Vec<u8> = md5.iter().zip(&sha1).map(|(a, b)| a ^ b).collect();
    Secret::new(both)
}

/// `P_hash`.
fn spread(hash: Hash, secret: &[u8], seed: &[u8], length: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(length + hash.length());
    let mut chained = hash.hmac(secret, &[seed]);
    while out.len() < length {
        out.extend(hash.hmac(secret, &[&chained, seed]));
        chained = hash.hmac(secret, &[&chained]);
    }
    out.truncate(length);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        hex::decode(hex).expect("hexadecimal")
    }

    // RFC 8448 section 3, "derive write traffic keys for handshake data" of the server.
    #[test]
    fn keys_of_tls_1_3() {
        let secret = Secret::new(bytes(
            "b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38",
        ));
        let key = expand_label(Hash::Sha256, &secret, "key", 16);
        assert_eq!(
            hex::encode(key.expose()),
            "3fce516009c21727d0f2e4e86ee403bc"
        );
        let iv = expand_label(Hash::Sha256, &secret, "iv", 12);
        assert_eq!(hex::encode(iv.expose()), "5d313eb2671276ee13000b30");
    }

    // The vector that was posted to the TLS working group for P_SHA256, and is in many implementations.
    #[test]
    fn prf_of_tls_1_2() {
        let secret = Secret::new(bytes("9bbe436ba940f017b17652849a71db35"));
        let seed = bytes("a0ba9f936cda311827a6f796ffd5198c");
        let out = prf(Some(Hash::Sha256), &secret, "test label", &[&seed], 100);
        let expected = "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af0f\
            a022f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff70187347b66";
        assert_eq!(hex::encode(out.expose()), expected);
    }
}

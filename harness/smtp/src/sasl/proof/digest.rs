//! The digests that proofs are made of: HMAC (RFC 2104), DIGEST-MD5 (RFC 2831) and SCRAM (RFC 5802).

use hmac::digest::{Digest, block_api::EagerHash};
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha256, Sha512};

use super::{equal, latin_1};
use crate::Secret;
use crate::timeline::{DigestMd5, ScramHash};

/// HMAC of `data` under `key`.
pub(super) fn hmac<H: EagerHash>(key: &[u8], data: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<H>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(data);
    mac.finalize().into_bytes().to_vec()
}

/// Whether `text` is `digest` in hexadecimal, in either case.
pub(super) fn is_hex_of(digest: &[u8], text: &Secret) -> bool {
    equal(
        hex::encode(digest).as_bytes(),
        &text.expose().to_ascii_lowercase(),
    )
}

/// What a DIGEST-MD5 response is over.
pub(super) struct DigestParts<'a> {
    exchange: &'a DigestMd5,
    user: &'a str,
    nonce: &'a Secret,
    cnonce: &'a Secret,
    response: &'a Secret,
}

pub(super) fn of_digest_md5(exchange: &DigestMd5) -> Result<DigestParts<'_>, &'static str> {
    let user = &exchange
        .username
        .as_ref()
        .ok_or("the response names no user")?
        .value;
    let response = exchange
        .response
        .as_ref()
        .ok_or("the exchange ended before the proof")?;
    match (&exchange.nonce, &exchange.cnonce) {
        (Some(nonce), Some(cnonce)) => Ok(DigestParts {
            exchange,
            user,
            nonce,
            cnonce,
            response: &response.value,
        }),
        _ => Err("the response has no nonce of one side"),
    }
}

impl DigestParts<'_> {
    /// Whether the response is the one that the password makes (RFC 2831 section 2.1.2.1).
    ///
    /// Names whose characters all fit into ISO 8859-1 are hashed in it, whatever the character set on the wire; not every
    /// client knows that, so both forms count.
    pub(super) fn fits(&self, password: &Secret) -> bool {
        let realm = self
            .exchange
            .realm
            .as_ref()
            .map_or("", |realm| realm.value.as_str());
        let plain = [self.user.as_bytes().to_vec(), realm.as_bytes().to_vec()];
        let narrow = [self.user, realm]
            .map(|text| latin_1(text).unwrap_or_else(|| text.as_bytes().to_vec()));
        [plain, narrow]
            .into_iter()
            .any(|[user, realm]| is_hex_of(&self.expected(&user, &realm, password), self.response))
    }

    fn expected(&self, user: &[u8], realm: &[u8], password: &Secret) -> Vec<u8> {
        let exchange = self.exchange;
        let text = |value: &'_ Option<String>| value.as_deref().unwrap_or_default().to_owned();
        let secret = md5(&[user, realm, password.expose()]);
        let mut first = vec![secret.as_slice(), self.nonce.expose(), self.cnonce.expose()];
        let authzid = exchange.authzid.as_ref().map(|name| name.value.as_bytes());
        first.extend(authzid);
        let uri = exchange
            .digest_uri
            .as_ref()
            .map_or("", |uri| uri.value.as_str());
        let qop = match text(&exchange.qop) {
            qop if qop.is_empty() => "auth".to_owned(),
            qop => qop,
        };
        let mut second = vec![&b"AUTHENTICATE"[..], uri.as_bytes()];
        if qop != "auth" {
            second.push(b"00000000000000000000000000000000");
        }
        let (first, second) = (hex::encode(md5(&first)), hex::encode(md5(&second)));
        md5(&[
            first.as_bytes(),
            self.nonce.expose(),
            text(&exchange.nonce_count).as_bytes(),
            self.cnonce.expose(),
            qop.as_bytes(),
            second.as_bytes(),
        ])
    }
}

/// MD5 over the parts joined by colons.
fn md5(parts: &[&[u8]]) -> Vec<u8> {
    Md5::digest(parts.join(&b':')).to_vec()
}

/// Whether a client proof is the one that the password makes (RFC 5802 section 3).
pub(super) fn scram_fits(
    hash: ScramHash,
    password: &[u8],
    salt: &[u8],
    iterations: u32,
    auth_message: &[u8],
    proof: &[u8],
) -> bool {
    let check = match hash {
        ScramHash::Sha1 => scram::<Sha1>,
        ScramHash::Sha256 => scram::<Sha256>,
        ScramHash::Sha512 => scram::<Sha512>,
    };
    check(password, salt, iterations, auth_message, proof)
}

fn scram<H: EagerHash + Digest>(
    password: &[u8],
    salt: &[u8],
    iterations: u32,
    auth_message: &[u8],
    proof: &[u8],
) -> bool {
    let salted = Secret::new(salted_password::<H>(password, salt, iterations));
    let client_key = hmac::<H>(salted.expose(), b"Client Key");
    let stored_key = <H as Digest>::digest(&client_key);
    let signature = hmac::<H>(&stored_key, auth_message);
    let expected: Vec<u8> = client_key
        .iter()
        .zip(&signature)
        .map(|(a, b)| a ^ b)
        .collect();
    equal(&expected, proof)
}

/// `Hi` of RFC 5802 section 2.2: PBKDF2 with one block of output.
fn salted_password<H: EagerHash>(password: &[u8], salt: &[u8], iterations: u32) -> Vec<u8> {
    let keyed = Hmac::<H>::new_from_slice(password).expect("HMAC takes a key of any length");
    let mut block = keyed.clone();
    block.update(salt);
    block.update(&[0, 0, 0, 1]);
    let mut last = block.finalize().into_bytes();
    let mut all = last.clone();
    for _ in 1..iterations {
        let mut round = keyed.clone();
        round.update(&last);
        last = round.finalize().into_bytes();
        for (sum, byte) in all.iter_mut().zip(&last) {
            *sum ^= byte;
        }
    }
    all.to_vec()
}

//! One-way functions, responses and session keys (MS-NLMP sections 3.3 and 3.4.5.1).
//!
//! All values here are password equivalents or open to guessing off line. Callers keep them in [`Secret`].

use super::{AvPair, Error, FileTime, av, crypto, flags, text};
use crate::Secret;

/// The password as text.
///
/// # Errors
/// [`Error::PasswordEncoding`] where it is not UTF-8.
fn password_text(password: &Secret) -> Result<&str, Error> {
    std::str::from_utf8(password.expose()).map_err(|_| Error::PasswordEncoding)
}

/// `NTOWFv1`: MD4 of the password in UTF-16LE (section 3.3.1).
///
/// # Errors
/// [`Error::PasswordEncoding`] where the password is not UTF-8.
pub fn ntowf_v1(password: &Secret) -> Result<[u8; 16], Error> {
    Ok(crypto::md4(&text::utf16le(password_text(password)?)))
}

/// `LMOWFv1`: DES of a constant under the upper-cased password (section 3.3.1).
///
/// Only the first 14 characters count. `None` where the password is not ASCII or longer than that: Windows keeps no LM
/// hash of such a password, or one that depends on the code page.
pub fn lmowf_v1(password: &Secret) -> Option<[u8; 16]> {
    let text = password.expose();
    if !text.is_ascii() || text.len() > 14 {
        return None;
    }
    let mut padded = [0; 14];
    for (slot, byte) in padded.iter_mut().zip(text) {
        *slot = byte.to_ascii_uppercase();
    }
    let mut hash = [0; 16];
    for (key, half) in padded
        .as_chunks::<7>()
        .0
        .iter()
        .zip(hash.as_chunks_mut::<8>().0)
    {
        *half = crypto::des(*key, *b"KGS!@#$%");
    }
    Some(hash)
}

/// `NTOWFv2`: HMAC-MD5 keyed with [`ntowf_v1`] over the upper-cased user and the domain as it is (section 3.3.2).
///
/// # Errors
/// [`Error::PasswordEncoding`] where the password is not UTF-8.
pub fn ntowf_v2(password: &Secret, user: &str, domain: &str) -> Result<[u8; 16], Error> {
    let user = text::utf16le(&text::upper(user));
    Ok(crypto::hmac_md5(
        &ntowf_v1(password)?,
        &[&user, &text::utf16le(domain)],
    ))
}

/// The 24-byte response of NTLMv1 or, with an LM hash, of LM (section 3.3.1).
pub fn v1_response(hash: [u8; 16], server_challenge: [u8; 8]) -> [u8; 24] {
    crypto::desl(hash, server_challenge)
}

/// The 24-byte NT response of NTLMv1 with extended session security (section 3.3.1).
pub fn ess_response(
    ntowf_v1: [u8; 16],
    server_challenge: [u8; 8],
    client_challenge: [u8; 8],
) -> [u8; 24] {
    let hash = crypto::md5(&[&server_challenge, &client_challenge]);
    let mut session = [0; 8];
    session.copy_from_slice(&hash[..8]);
    crypto::desl(ntowf_v1, session)
}

/// `LMv2`: proof and client challenge (section 3.3.2).
pub fn lmv2_response(
    ntowf_v2: [u8; 16],
    server_challenge: [u8; 8],
    client_challenge: [u8; 8],
) -> [u8; 24] {
    let mut out = [0; 24];
    out[..16].copy_from_slice(&crypto::hmac_md5(
        &ntowf_v2,
        &[&server_challenge, &client_challenge],
    ));
    out[16..].copy_from_slice(&client_challenge);
    out
}

/// The part of an NTLMv2 response that the proof covers (`NTLMv2_CLIENT_CHALLENGE`, section 2.2.2.7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// The client's idea of the time, or an echo of the server's.
    pub timestamp: FileTime,
    /// The client's random bytes.
    pub client_challenge: [u8; 8],
    /// The server's target information with the client's additions, without the closing pair.
    pub target_info: Vec<AvPair>,
}

impl Blob {
    /// Reads the bytes after the proof.
    ///
    /// # Errors
    /// [`Error::Short`] or [`Error::Unterminated`]; offsets count from the start of the NT response.
    pub fn parse(nt_response: &[u8]) -> Result<Self, Error> {
        const FIELD: &str = "NTLMv2 response";
        let short = |offset| Error::Short {
            field: FIELD,
            offset,
            len: nt_response.len(),
        };
        let time = nt_response
            .get(24..)
            .and_then(<[u8]>::first_chunk)
            .ok_or_else(|| short(24))?;
        let challenge = nt_response
            .get(32..)
            .and_then(<[u8]>::first_chunk)
            .ok_or_else(|| short(32))?;
        let pairs = nt_response.get(44..).ok_or_else(|| short(40))?;
        Ok(Self {
            timestamp: FileTime(u64::from_le_bytes(*time)),
            client_challenge: *challenge,
            target_info: av::parse(FIELD, pairs, 44)?,
        })
    }

    /// Writes it as the proof covers it.
    ///
    /// # Errors
    /// [`Error::TooLong`] where a pair does not fit.
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        let mut out = vec![1, 1, 0, 0, 0, 0, 0, 0];
        out.extend(self.timestamp.0.to_le_bytes());
        out.extend(self.client_challenge);
        out.extend([0; 4]);
        out.extend(av::encode("target information", &self.target_info)?);
        out.extend([0; 4]);
        Ok(out)
    }

    /// Whether the client says that its message carries a MIC.
    pub fn promises_mic(&self) -> bool {
        self.target_info
            .iter()
            .filter_map(AvPair::flags)
            .any(|f| f & av::FLAG_MIC_PRESENT != 0)
    }
}

/// `NTProofStr`: HMAC-MD5 over server challenge and blob (section 3.3.2).
pub fn v2_proof(ntowf_v2: [u8; 16], server_challenge: [u8; 8], blob: &[u8]) -> [u8; 16] {
    crypto::hmac_md5(&ntowf_v2, &[&server_challenge, blob])
}

/// `SessionBaseKey` of NTLMv2 (section 3.3.2).
pub fn v2_session_base_key(ntowf_v2: [u8; 16], proof: [u8; 16]) -> [u8; 16] {
    crypto::hmac_md5(&ntowf_v2, &[&proof])
}

/// `SessionBaseKey` of NTLMv1 (section 3.3.1).
pub fn v1_session_base_key(ntowf_v1: [u8; 16]) -> [u8; 16] {
    crypto::md4(&ntowf_v1)
}

/// What `KXKEY` needs to know about a version 1 exchange (section 3.4.5.1).
#[derive(Clone, Copy, Debug)]
pub struct V1Exchange<'a> {
    /// The flags of type 3.
    pub flags: u32,
    /// The LM response as sent.
    pub lm_response: &'a [u8],
    /// The server challenge.
    pub server_challenge: [u8; 8],
    /// [`lmowf_v1`], where the password has one.
    pub lm_hash: Option<[u8; 16]>,
}

/// `KeyExchangeKey` of NTLMv1 (section 3.4.5.1); for NTLMv2 it is the session base key itself.
///
/// `None` where the flags ask for a key from an LM hash that does not exist, or the LM response is too short.
pub fn v1_key_exchange_key(
    exchange: &V1Exchange<'_>,
    session_base_key: [u8; 16],
) -> Option<[u8; 16]> {
    let lm = exchange.lm_response.first_chunk::<8>();
    let mut key = [0; 16];
    if exchange.flags & flags::NEGOTIATE_EXTENDED_SESSIONSECURITY != 0 {
        return Some(crypto::hmac_md5(
            &session_base_key,
            &[&exchange.server_challenge, lm?],
        ));
    }
    if exchange.flags & flags::NEGOTIATE_LM_KEY != 0 {
        let hash = exchange.lm_hash?;
        let (left, _) = hash.split_first_chunk::<7>()?;
        let right = [hash[7], 0xbd, 0xbd, 0xbd, 0xbd, 0xbd, 0xbd];
        key[..8].copy_from_slice(&crypto::des(*left, *lm?));
        key[8..].copy_from_slice(&crypto::des(right, *lm?));
        return Some(key);
    }
    if exchange.flags & flags::REQUEST_NON_NT_SESSION_KEY != 0 {
        key[..8].copy_from_slice(&exchange.lm_hash?[..8]);
        return Some(key);
    }
    Some(session_base_key)
}

/// Wraps or unwraps the exported session key under the key exchange key: RC4 is its own inverse (section 3.1.5.1.2).
pub fn exchange_key(key_exchange_key: [u8; 16], session_key: [u8; 16]) -> [u8; 16] {
    crypto::rc4(key_exchange_key, session_key)
}

/// The MIC over all three messages, the third with its MIC field zeroed (section 3.1.5.1.2).
pub fn mic(
    exported_session_key: [u8; 16],
    negotiate: &[u8],
    challenge: &[u8],
    authenticate: &[u8],
) -> [u8; 16] {
    crypto::hmac_md5(&exported_session_key, &[negotiate, challenge, authenticate])
}

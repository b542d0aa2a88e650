//! The client's half.

use super::messages::AuthenticateParts;
use super::proof::{self, Blob};
use super::{AvPair, Challenge, Error, FileTime, Negotiate, Version, av, flags};
use crate::Secret;

/// Who authenticates.
#[derive(Clone, Copy, Debug)]
pub struct ClientIdentity<'a> {
    /// Domain or computer that hosts the account.
    pub domain: &'a str,
    /// Account.
    pub user: &'a str,
    /// Its password, UTF-8.
    pub password: &'a Secret,
    /// The sender's `NetBIOS` name.
    pub workstation: &'a str,
}

/// What current Windows offers: both character sets, NTLM with extended session security, and all key strengths.
pub const CLIENT_FLAGS: u32 = flags::NEGOTIATE_UNICODE
    | flags::NEGOTIATE_OEM
    | flags::REQUEST_TARGET
    | flags::NEGOTIATE_NTLM
    | flags::NEGOTIATE_ALWAYS_SIGN
    | flags::NEGOTIATE_EXTENDED_SESSIONSECURITY
    | flags::NEGOTIATE_128
    | flags::NEGOTIATE_56;

/// Type 1 as current Windows sends it: without names, with a version if one is given.
pub fn negotiate(version: Option<Version>) -> Vec<u8> {
    Negotiate::encode(CLIENT_FLAGS, None, None, version)
        .expect("a message without names has nothing that could be too long")
}

/// Type 3: an NTLMv2 response as current Windows makes it (MS-NLMP section 3.1.5.1.2).
///
/// Where the challenge has a timestamp, it is echoed, the LM response is zeroed and the message carries a MIC over all
/// three messages. Otherwise `now` is the time and an LMv2 response stands beside the NTLMv2 one. No session key is
/// exchanged: SMTP never signs or seals. The version is the one that `negotiate` stated.
///
/// # Errors
/// Where `negotiate` is not a type 1 message, or a name or the password cannot be encoded.
pub fn respond(
    negotiate: &[u8],
    challenge: &Challenge,
    identity: &ClientIdentity<'_>,
    client_challenge: [u8; 8],
    now: FileTime,
) -> Result<Vec<u8>, Error> {
    let offer = Negotiate::parse(negotiate)?;
    let server_time = challenge.timestamp();
    let mut target_info = challenge.target_info.clone();
    if server_time.is_some() {
        promise_mic(&mut target_info);
    }
    let blob = Blob {
        timestamp: server_time.unwrap_or(now),
        client_challenge,
        target_info,
    }
    .encode()?;

    let key = proof::ntowf_v2(identity.password, identity.user, identity.domain)?;
    let nt_proof = proof::v2_proof(key, challenge.server_challenge, &blob);
    let mut nt_response = nt_proof.to_vec();
    nt_response.extend(blob);
    let lm_response = match server_time {
        Some(_) => [0; 24],
        None => proof::lmv2_response(key, challenge.server_challenge, client_challenge),
    };

    let mut parts = AuthenticateParts {
        flags: agreed(offer.flags, challenge.flags),
        domain: identity.domain,
        user: identity.user,
        workstation: identity.workstation,
        lm_response: &Secret::new(lm_response),
        nt_response: &Secret::new(nt_response),
        session_key: &Secret::new([]),
        version: offer.version,
        mic: server_time.map(|_| [0; 16]),
    };
    let message = parts.encode()?;
    if parts.mic.is_none() {
        return Ok(message);
    }
    let session_key = proof::v2_session_base_key(key, nt_proof);
    parts.mic = Some(proof::mic(session_key, negotiate, &challenge.raw, &message));
    parts.encode()
}

/// Flags of type 3: what both sides want, one character set, and no key exchange.
const fn agreed(offer: u32, challenge: u32) -> u32 {
    let both =
        (offer & challenge | challenge & flags::NEGOTIATE_TARGET_INFO) & !flags::NEGOTIATE_KEY_EXCH;
    if both & flags::NEGOTIATE_UNICODE != 0 {
        both & !flags::NEGOTIATE_OEM
    } else {
        both
    }
}

/// Sets the MIC bit in the flags attribute, which is added at the end where the server sent none.
fn promise_mic(pairs: &mut Vec<AvPair>) {
    let old = pairs.iter().find_map(AvPair::flags).unwrap_or_default();
    let value = (old | av::FLAG_MIC_PRESENT).to_le_bytes().to_vec();
    match pairs.iter_mut().find(|pair| pair.id == av::FLAGS) {
        Some(pair) => pair.value = value,
        None => pairs.push(AvPair {
            id: av::FLAGS,
            value,
        }),
    }
}

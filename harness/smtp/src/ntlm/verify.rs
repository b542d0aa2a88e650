//! Judging a type 3 message with a known password: the proof and the MIC are computed again and compared.

use subtle::ConstantTimeEq;

use super::proof::{self, V1Exchange};
use super::{Authenticate, Challenge, ResponseKind, flags, messages};
use crate::Secret;

/// Whether the response proves knowledge of the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It does.
    Valid,
    /// It does not: another password, account, domain or challenge.
    Invalid,
    /// It cannot be told; the reason.
    NotVerifiable(&'static str),
}

/// Whether the integrity code over the three messages holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mic {
    /// It does.
    Valid,
    /// It does not: one of the three messages is not what the client sent or received.
    Invalid,
    /// The message has none. [`proof::Blob::promises_mic`] tells whether the client promised one.
    Absent,
    /// It cannot be told: no type 1 message, or no valid proof and so no key.
    NotVerifiable,
}

/// What [`verify`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verification {
    /// The proof of the password.
    pub proof: Proof,
    /// The integrity code.
    pub mic: Mic,
    /// What kind of response it is.
    pub kind: ResponseKind,
}

/// Verifies a type 3 message against the challenge it answers and a known password (UTF-8).
///
/// Account and domain are taken from the message. Where an NT response is there, it decides; an LM response beside it is
/// not looked at. Comparisons take constant time.
pub fn verify(
    negotiate: Option<&[u8]>,
    challenge: &Challenge,
    authenticate: &Authenticate,
    password: &Secret,
) -> Verification {
    let kind = authenticate.response_kind();
    let (proof, key) = match judge(kind, challenge, authenticate, password) {
        Ok((true, key)) => (Proof::Valid, key),
        Ok((false, _)) => (Proof::Invalid, None),
        Err(reason) => (Proof::NotVerifiable(reason), None),
    };
    Verification {
        proof,
        mic: judge_mic(negotiate, challenge, authenticate, key),
        kind,
    }
}

/// Whether the proof holds, with the key exchange key that follows from the password.
fn judge(
    kind: ResponseKind,
    challenge: &Challenge,
    authenticate: &Authenticate,
    password: &Secret,
) -> Result<(bool, Option<[u8; 16]>), &'static str> {
    const ENCODING: &str = "the password is not UTF-8";
    let server = challenge.server_challenge;
    let nt = authenticate.nt_response.expose();
    let lm = authenticate.lm_response.expose();
    match kind {
        ResponseKind::Anonymous => Err("the client authenticated as anonymous: there is no proof"),
        ResponseKind::Malformed => Err("the responses have lengths that no NTLM version produces"),
        ResponseKind::Lm => {
            // The field holds LM or LMv2; both have the same length, and the second keeps the client challenge in clear.
            let client = lm.last_chunk().copied().unwrap_or_default();
            let v2 = proof::ntowf_v2(password, &authenticate.user, &authenticate.domain)
                .map_err(|_| ENCODING)?;
            let by_v2 = equal(&proof::lmv2_response(v2, server, client), lm);
            match proof::lmowf_v1(password) {
                Some(hash) => Ok((by_v2 | equal(&proof::v1_response(hash, server), lm), None)),
                None if by_v2 => Ok((true, None)),
                None => Err("no LM hash exists for this password"),
            }
        }
        ResponseKind::NtlmV1 | ResponseKind::NtlmV1WithoutLm | ResponseKind::NtlmV1Ess => {
            let hash = proof::ntowf_v1(password).map_err(|_| ENCODING)?;
            let expected = match (kind, lm.first_chunk()) {
                (ResponseKind::NtlmV1Ess, Some(client)) => {
                    proof::ess_response(hash, server, *client)
                }
                _ => proof::v1_response(hash, server),
            };
            let exchange = V1Exchange {
                flags: authenticate.flags,
                lm_response: lm,
                server_challenge: server,
                lm_hash: proof::lmowf_v1(password),
            };
            let key = proof::v1_key_exchange_key(&exchange, proof::v1_session_base_key(hash));
            Ok((equal(&expected, nt), key))
        }
        ResponseKind::NtlmV2 { .. } => {
            let hash = proof::ntowf_v2(password, &authenticate.user, &authenticate.domain)
                .map_err(|_| ENCODING)?;
            let (sent, blob) = nt
                .split_first_chunk::<16>()
                .ok_or("the NT response is too short")?;
            let expected = proof::v2_proof(hash, server, blob);
            Ok((
                equal(&expected, sent),
                Some(proof::v2_session_base_key(hash, expected)),
            ))
        }
    }
}

fn judge_mic(
    negotiate: Option<&[u8]>,
    challenge: &Challenge,
    authenticate: &Authenticate,
    key: Option<[u8; 16]>,
) -> Mic {
    let promised =
        proof::Blob::parse(authenticate.nt_response.expose()).is_ok_and(|blob| blob.promises_mic());
    let sent = match authenticate.mic {
        // Old senders may leave room for a MIC and fill it with zeros.
        Some(mic) if promised || mic != [0; 16] => mic,
        _ => return Mic::Absent,
    };
    let (Some(negotiate), Some(key)) = (negotiate, key) else {
        return Mic::NotVerifiable;
    };
    let exported = match authenticate.session_key.expose().try_into() {
        Ok(wrapped) if authenticate.flags & flags::NEGOTIATE_KEY_EXCH != 0 => {
            proof::exchange_key(key, wrapped)
        }
        _ => key,
    };
    let mut message = authenticate.raw.expose().to_vec();
    if let Some(field) = message.get_mut(messages::MIC) {
        field.fill(0);
    }
    if equal(
        &proof::mic(exported, negotiate, &challenge.raw, &message),
        &sent,
    ) {
        Mic::Valid
    } else {
        Mic::Invalid
    }
}

fn equal(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

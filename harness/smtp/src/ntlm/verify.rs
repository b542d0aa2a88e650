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
    /// The message has none, and the client promised none.
    Absent,
    /// The client promised one ([`proof::Blob::promises_mic`]), and the message has no room for it. The promise is under
    /// the proof, so whoever took the code away could not take the promise away with it.
    Missing,
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

impl Verification {
    /// Whether a server lets the client in: it proved the password, and kept its promise of an integrity code (MS-NLMP
    /// section 3.2.5.1.2). A client that promised none is let in without one, whether or not it was sent a time.
    pub fn is_accepted(&self) -> bool {
        self.proof == Proof::Valid && !matches!(self.mic, Mic::Invalid | Mic::Missing)
    }
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
    let (proof, found) = match judge(kind, challenge, authenticate, password) {
        Ok(found) if found.valid => (Proof::Valid, found),
        Ok(found) => (Proof::Invalid, Judged { key: None, ..found }),
        Err(reason) => {
            let (valid, key) = (false, None);
            (Proof::NotVerifiable(reason), Judged { valid, key, kind })
        }
    };
    Verification {
        proof,
        mic: judge_mic(negotiate, challenge, authenticate, found.key),
        kind: found.kind,
    }
}

/// What the password says of a response.
struct Judged {
    valid: bool,
    /// The key exchange key that follows from the password.
    key: Option<[u8; 16]>,
    kind: ResponseKind,
}

fn judge(
    kind: ResponseKind,
    challenge: &Challenge,
    authenticate: &Authenticate,
    password: &Secret,
) -> Result<Judged, &'static str> {
    const ENCODING: &str = "the password is not UTF-8";
    let judged = |valid, key| Judged { valid, key, kind };
    let server = challenge.server_challenge;
    let nt = authenticate.nt_response.expose();
    let lm = authenticate.lm_response.expose();
    match kind {
        ResponseKind::Anonymous => Err("the client authenticated as anonymous: there is no proof"),
        ResponseKind::Local => Err("the client made a local call: there is no proof"),
        ResponseKind::Malformed => Err("the responses have lengths that no NTLM version produces"),
        ResponseKind::Lm | ResponseKind::LmV2 => {
            // The field holds LM or LMv2; both have the same length, and the second keeps the client challenge in clear.
            let client = lm.last_chunk().copied().unwrap_or_default();
            let v2 = proof::ntowf_v2(password, &authenticate.user, &authenticate.domain)
                .map_err(|_| ENCODING)?;
            let by_v2 = equal(&proof::lmv2_response(v2, server, client), lm);
            let by_v1 =
                proof::lmowf_v1(password).map(|hash| equal(&proof::v1_response(hash, server), lm));
            match by_v1 {
                _ if by_v2 => Ok(Judged {
                    kind: ResponseKind::LmV2,
                    ..judged(true, None)
                }),
                Some(by_v1) => Ok(judged(by_v1, None)),
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
            Ok(judged(equal(&expected, nt), key))
        }
        ResponseKind::NtlmV2 { .. } => {
            let hash = proof::ntowf_v2(password, &authenticate.user, &authenticate.domain)
                .map_err(|_| ENCODING)?;
            let (sent, blob) = nt
                .split_first_chunk::<16>()
                .ok_or("the NT response is too short")?;
            let expected = proof::v2_proof(hash, server, blob);
            let key = proof::v2_session_base_key(hash, expected);
            Ok(judged(equal(&expected, sent), Some(key)))
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
        None if promised => return Mic::Missing,
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

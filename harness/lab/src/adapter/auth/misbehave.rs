//! What bad twins do in an AUTH exchange.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use smtp::Secret;
use smtp::ntlm::{self, AuthenticateParts, Challenge, ClientIdentity, FileTime, Target, av, flags};

use super::super::session::{Failure, Reply};
use super::super::twin::{Twin, Twins};
use super::{Identity, Mechanism};

/// Changes the mechanisms that are tried, where any is.
pub(super) fn reorder(order: &mut Vec<Mechanism>, twins: &Twins) {
    let Some(&first) = order.first() else { return };
    if twins.has(Twin::TriesUnoffered) {
        order.insert(0, Mechanism::CramMd5);
    }
    if twins.has(Twin::RepeatsRefusedAuth) {
        order.extend([first; 4]);
    }
}

/// Changes who authenticates.
pub(super) fn identity(identity: Identity, mechanism: Mechanism, twins: &Twins) -> Identity {
    if !twins.has(Twin::SwapsLogin) || mechanism != Mechanism::Login {
        return identity;
    }
    Identity {
        user: String::from_utf8_lossy(identity.password.expose()).into_owned(),
        password: Secret::new(identity.user.as_bytes()),
        ..identity
    }
}

/// Whether a prompt of LOGIN is one that most servers have.
pub(super) fn is_usual_prompt(text: &[u8]) -> bool {
    [
        &b"Username:"[..],
        b"User Name\0",
        b"Password:",
        b"Password\0",
    ]
    .contains(&text)
}

/// Gives up on a reply.
pub(super) fn read(reply: Reply, twins: &Twins) -> Result<Reply, Failure> {
    if twins.has(Twin::ShortChallengeBuffer) && reply.code == 334 && reply.text().len() > 4_000 {
        return Err(Failure::Malformed("a line that is too long"));
    }
    Ok(reply)
}

/// Changes what the server's challenge is taken for.
pub(super) fn challenge(challenge: &mut Challenge, twins: &Twins) {
    if twins.has(Twin::UnicodeAnyway) {
        challenge.flags |= flags::NEGOTIATE_UNICODE;
    }
    if twins.has(Twin::WithoutMic) {
        challenge
            .target_info
            .retain(|pair| pair.id != av::TIMESTAMP);
    }
}

/// Whether a twin gives up for something that a challenge may leave out.
pub(super) fn misses_something(challenge: &Challenge, twins: &Twins) -> bool {
    twins.has(Twin::NeedsTargetInfo) && challenge.target_info.is_empty()
        || twins.has(Twin::NeedsServerTime) && challenge.timestamp().is_none()
}

/// Whether a twin proves itself with version 1.
pub(super) fn goes_down(challenge: &Challenge, twins: &Twins) -> bool {
    let granted = challenge.flags & flags::NEGOTIATE_EXTENDED_SESSIONSECURITY != 0;
    twins.has(Twin::NtlmVersionOne) || twins.has(Twin::FollowsEss) && !granted
}

/// Whether a twin takes the text of the first 334 for the challenge.
pub(super) fn believes(request: &Reply, twins: &Twins) -> bool {
    let text = request.text();
    let text = text.trim();
    twins.has(Twin::BelievesNtlmText) && !text.is_empty() && BASE64_STANDARD.decode(text).is_ok()
}

/// An answer to a challenge that could not be read.
pub(super) fn answer_to_nothing(
    negotiate: &[u8],
    who: &ClientIdentity<'_>,
    twins: &Twins,
) -> Option<Vec<u8>> {
    if !twins.has(Twin::AnswersAnyChallenge) {
        return None;
    }
    let name = String::new;
    let nobody = Target {
        netbios_domain: name(),
        netbios_computer: name(),
        dns_domain: name(),
        dns_computer: name(),
    };
    let made = ntlm::challenge(ntlm::CLIENT_FLAGS, &nobody, [0; 8], None).ok()?;
    let made = Challenge::parse(&made).ok()?;
    ntlm::respond(negotiate, &made, who, [0; 8], FileTime(0)).ok()
}

/// An AUTHENTICATE message with a response of version 1 (MS-NLMP section 3.3.1).
pub(super) fn version_one(challenge: &Challenge, who: &ClientIdentity<'_>) -> Option<Vec<u8>> {
    let hash = ntlm::proof::ntowf_v1(who.password).ok()?;
    let response = Secret::new(ntlm::proof::v1_response(hash, challenge.server_challenge));
    let parts = AuthenticateParts {
        flags: flags::NEGOTIATE_UNICODE | flags::NEGOTIATE_NTLM,
        domain: who.domain,
        user: who.user,
        workstation: who.workstation,
        lm_response: &response,
        nt_response: &response,
        session_key: &Secret::new([]),
        version: None,
        mic: None,
    };
    parts.encode().ok()
}

/// Changes the account that NTLM proves.
pub(super) fn account(own: Identity, twins: &Twins) -> Identity {
    let user = if twins.has(Twin::OtherAccount) {
        format!("{}-other", own.user)
    } else if twins.has(Twin::MachineAccount) {
        format!("{}$", own.workstation)
    } else if twins.has(Twin::OneAccount) {
        "svc-shared".to_owned()
    } else {
        return own;
    };
    Identity { user, ..own }
}

/// Takes some bytes off an offset.
fn move_back(message: &mut [u8], at: usize, by: usize) {
    let by = u32::try_from(by).unwrap_or_default();
    if let Some(place) = message.get_mut(at..at + 4)
        && let Some(offset) = place.first_chunk().copied().map(u32::from_le_bytes)
    {
        place.copy_from_slice(&offset.saturating_sub(by).to_le_bytes());
    }
}

/// Changes the AUTHENTICATE message.
pub(super) fn authenticate(mut message: Vec<u8>, twins: &Twins) -> Vec<u8> {
    // Where the offset of the user name, the flags and the integrity code stand (MS-NLMP section 2.2.1.3).
    const USER: std::ops::Range<usize> = 40..44;
    const FLAGS: usize = 60;
    const MIC: std::ops::Range<usize> = 72..88;
    if twins.has(Twin::SpoilsMic)
        && let Some(byte) = message.get_mut(MIC.start)
    {
        *byte ^= 1;
    }
    if twins.has(Twin::PromisesMicInVain) && message.len() > MIC.end {
        message.drain(MIC);
        for descriptor in (12..FLAGS).step_by(8) {
            move_back(&mut message, descriptor + 4, MIC.len());
        }
    }
    if twins.has(Twin::UnicodeAnyway)
        && let Some(byte) = message.get_mut(FLAGS)
    {
        *byte = *byte & !1 | 2;
    }
    if twins.has(Twin::NtlmOffsetsPastEnd) {
        let past = u32::try_from(message.len()).unwrap_or(u32::MAX);
        if let Some(place) = message.get_mut(USER) {
            place.copy_from_slice(&past.to_le_bytes());
        }
    }
    message
}

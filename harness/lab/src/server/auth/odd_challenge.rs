//! NTLM challenges that are not as Windows sends them: rare but right ones, and broken ones (MS-NLMP section 2.2.1.2).

use smtp::ntlm::{AvPair, Challenge, Error, av, flags};

use crate::scenario::NtlmChallenge;

/// Where the type of the message stands.
const TYPE: usize = 8;

/// Where the descriptors of target name and target information stand; each is length, room and offset.
const TARGET_NAME: usize = 12;
const TARGET_INFO: usize = 40;

/// Where a truncated message ends: half of the server challenge (24..32) is there.
const TRUNCATED: usize = 28;

/// Longest challenge whose line fits the 12,288 octets of RFC 4954 section 4: `334 `, base64 and CR LF. Base64 makes 4
/// octets of 3.
const LONGEST: usize = (12_288 - 4 - 2) / 4 * 3;

/// The flags of NEGOTIATE as the server takes them: it grants what stands here.
pub(super) fn flags(kind: NtlmChallenge, negotiated: u32) -> u32 {
    match kind {
        NtlmChallenge::Oem => negotiated & !flags::NEGOTIATE_UNICODE,
        NtlmChallenge::EssCleared => negotiated & !flags::NEGOTIATE_EXTENDED_SESSIONSECURITY,
        _ => negotiated,
    }
}

/// Makes of a challenge as Windows sends it the one that the scenario wants.
pub(super) fn change(kind: NtlmChallenge, mut message: Vec<u8>) -> Result<Vec<u8>, Error> {
    match kind {
        NtlmChallenge::Windows | NtlmChallenge::Oem | NtlmChallenge::EssCleared => {}
        NtlmChallenge::NoTargetInfo => return with_info(&message, Vec::clear),
        NtlmChallenge::HugeTargetInfo => {
            let room = LONGEST.saturating_sub(message.len() + 4) & !1;
            return with_info(&message, |info| {
                info.push(AvPair {
                    id: av::DNS_TREE_NAME,
                    value: b"x\0".repeat(room / 2),
                });
            });
        }
        NtlmChallenge::UnterminatedAvList => {
            // The target information is the last payload, and its closing pair is four bytes of zeros.
            message.truncate(message.len().saturating_sub(4));
            shorten(&mut message, TARGET_INFO, 4);
        }
        NtlmChallenge::OffsetsPastEnd => {
            let past = u32::try_from(message.len()).unwrap_or(u32::MAX);
            for descriptor in [TARGET_NAME, TARGET_INFO] {
                put(
                    &mut message,
                    descriptor + 4,
                    &past.saturating_add(16).to_le_bytes(),
                );
            }
        }
        NtlmChallenge::Truncated => message.truncate(TRUNCATED),
        NtlmChallenge::WrongSignature => put(&mut message, 0, b"NTLMSSQ\0"),
        // NEGOTIATE.
        NtlmChallenge::WrongType => put(&mut message, TYPE, &1_u32.to_le_bytes()),
        NtlmChallenge::Empty => message.clear(),
    }
    Ok(message)
}

/// The same message with other target information.
fn with_info(message: &[u8], change: impl FnOnce(&mut Vec<AvPair>)) -> Result<Vec<u8>, Error> {
    let mut read = Challenge::parse(message)?;
    change(&mut read.target_info);
    Challenge::encode(
        read.flags,
        &read.target_name,
        read.server_challenge,
        &read.target_info,
        read.version,
    )
}

/// Takes some bytes off the length that a descriptor states, and off its room.
fn shorten(message: &mut [u8], descriptor: usize, by: u16) {
    for at in [descriptor, descriptor + 2] {
        if let Some(length) = message.get(at..at + 2).and_then(<[u8]>::first_chunk) {
            let length = u16::from_le_bytes(*length).saturating_sub(by);
            put(message, at, &length.to_le_bytes());
        }
    }
}

fn put(message: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = message.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

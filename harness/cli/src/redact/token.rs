//! The tokens of mechanisms, decoded: their proofs are written over, and nothing else, so that they parse as before.
//!
//! A placeholder is never zero: a response of zeros means something in NTLM.

/// What stands in the place of a byte.
pub(super) const MARK: u8 = b'x';
/// What stands in the place of a byte of an LM response, where it is not that of NT again.
const OTHER_MARK: u8 = b'y';

/// The deepest nesting of ASN.1 that is looked into.
const DEEPEST: usize = 24;

const NTLMSSP: &[u8] = b"NTLMSSP\0";

/// Writes over the proofs of every NTLM authenticate message in a token (MS-NLMP section 2.2.1.3), and says whether there
/// was one.
pub(super) fn ntlm(token: &mut [u8]) -> bool {
    let mut any = false;
    let places: Vec<usize> = memchr::memmem::find_iter(token, NTLMSSP).collect();
    for place in places {
        let message = &mut token[place..];
        if message.get(8..12) == Some(&[3, 0, 0, 0]) {
            any = true;
            authenticate(message);
        }
    }
    any
}

fn authenticate(message: &mut [u8]) {
    let field = |at: usize| -> Option<std::ops::Range<usize>> {
        let slot = message.get(at..at + 8)?;
        let length = usize::from(u16::from_le_bytes([slot[0], slot[1]]));
        let start =
            usize::try_from(u32::from_le_bytes([slot[4], slot[5], slot[6], slot[7]])).ok()?;
        let end = start.checked_add(length)?;
        (end <= message.len() && length > 0).then_some(start..end)
    };
    let (lm, nt, key) = (field(12), field(20), field(52));
    let first = [12, 20, 28, 36, 44, 52]
        .into_iter()
        .filter_map(field)
        .map(|range| range.start)
        .min();
    let same =
        matches!((&lm, &nt), (Some(lm), Some(nt)) if message[lm.clone()] == message[nt.clone()]);
    if let Some(range) = lm {
        let response = &mut message[range];
        let half = response
            .get(8..24)
            .is_some_and(|rest| rest.iter().all(|b| *b == 0));
        if !half {
            // Of LMv2 the last eight bytes are a challenge, of version 1 all are proof.
            response.fill(if same { MARK } else { OTHER_MARK });
        }
    }
    if let Some(range) = nt {
        let response = &mut message[range];
        // Version 1 is 24 bytes of proof; of version 2 the first 16 are, and the rest is what it is over.
        let proof = if response.len() > 24 {
            16
        } else {
            response.len()
        };
        fill(&mut response[..proof]);
    }
    if let Some(range) = key {
        fill(&mut message[range]);
    }
    // The integrity code, where the header has room for it.
    if first.is_some_and(|first| first >= 88)
        && let Some(code) = message.get_mut(72..88)
    {
        fill(code);
    }
}

/// Writes over bytes, unless all of them are zero: then nothing is there.
fn fill(bytes: &mut [u8]) {
    if bytes.iter().any(|byte| *byte != 0) {
        bytes.fill(MARK);
    }
}

/// Writes over what is encrypted or signed in a token of GSS-API: the ciphertexts of Kerberos tickets and authenticators
/// (RFC 4120 section 5.2.9), which are open to guessing, and the integrity codes of SPNEGO. NTLM inside is treated as such.
pub(super) fn gss(token: &mut [u8]) {
    if ntlm(token) {
        return;
    }
    // A token of GSS-API is its own tag, a mechanism and, for Kerberos, two bytes before the message (RFC 4121 4.1).
    let length = token.len();
    if !der(token, 0) {
        // What does not parse may be anything: wrapped messages among it.
        token[length.min(2)..].fill(MARK);
    }
}

/// Goes through DER; `false` where it is none.
fn der(bytes: &mut [u8], depth: usize) -> bool {
    let mut at = 0;
    while at < bytes.len() {
        let Some((tag, start, end)) = element(bytes, at) else {
            return false;
        };
        let body = &mut bytes[start..end];
        if tag == 0x04 {
            octets(body, depth);
        } else if tag & 0x20 != 0 && depth < DEEPEST && !der(body, depth + 1) {
            mixed(body, depth);
        }
        at = end;
    }
    true
}

/// The inside of a GSS-API token: an object identifier, two bytes, and a message.
fn mixed(body: &mut [u8], depth: usize) {
    let Some((0x06, _, end)) = element(body, 0) else {
        body.fill(MARK);
        return;
    };
    let message = (end + 2).min(body.len());
    if !der(&mut body[message..], depth + 1) {
        body[message..].fill(MARK);
    }
}

fn octets(body: &mut [u8], depth: usize) {
    let nested = matches!(body.first(), Some(0x60 | 0x6e | 0x6f | 0x30 | 0xa0 | 0xa1));
    if nested && depth < DEEPEST && element(body, 0).is_some_and(|(_, _, end)| end == body.len()) {
        der(body, depth + 1);
    } else if body.len() >= 12 {
        fill(body);
    }
}

/// Tag, and range of the content, of the element at `at`.
fn element(bytes: &[u8], at: usize) -> Option<(u8, usize, usize)> {
    let tag = *bytes.get(at)?;
    let first = *bytes.get(at + 1)?;
    let (length, start) = if first < 0x80 {
        (usize::from(first), at + 2)
    } else {
        let count = usize::from(first & 0x7f);
        if count == 0 || count > 4 {
            return None;
        }
        let digits = bytes.get(at + 2..at + 2 + count)?;
        let length = digits
            .iter()
            .fold(0usize, |length, digit| length << 8 | usize::from(*digit));
        (length, at + 2 + count)
    };
    let end = start.checked_add(length)?;
    (tag & 0x1f != 0x1f && end <= bytes.len()).then_some((tag, start, end))
}

/// The object identifier of CMS signed data, 1.2.840.113549.1.7.2, with its tag and length.
const SIGNED_DATA: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];

/// Hands the content of CMS signed data (RFC 5652 section 5.2) to `hide`. Encrypted data is left as it is. What cannot be
/// followed, as that with lengths that are not told, is written over but for its beginning.
pub(super) fn signed_text(cms: &mut [u8], hide: impl Fn(&mut [u8])) {
    let head = &cms[..cms.len().min(32)];
    if memchr::memmem::find(head, SIGNED_DATA).is_none() {
        return;
    }
    if let Some(content) = signed_content(cms) {
        hide(&mut cms[content]);
    } else if let Some(rest) = cms.get_mut(32..) {
        rest.fill(MARK);
    }
}

/// Where the content stands; an empty range where the signature is apart from it.
fn signed_content(cms: &[u8]) -> Option<std::ops::Range<usize>> {
    // ContentInfo, its identifier, [0], SignedData, version, digests, and the content with its own identifier.
    let (0x30, info, _) = element(cms, 0)? else {
        return None;
    };
    let (0x06, _, after) = element(cms, info)? else {
        return None;
    };
    let (0xa0, tagged, _) = element(cms, after)? else {
        return None;
    };
    let (0x30, data, _) = element(cms, tagged)? else {
        return None;
    };
    let (0x02, _, after) = element(cms, data)? else {
        return None;
    };
    let (0x31, _, after) = element(cms, after)? else {
        return None;
    };
    let (0x30, inner, end) = element(cms, after)? else {
        return None;
    };
    let (0x06, _, after) = element(cms, inner)? else {
        return None;
    };
    if after == end {
        return Some(end..end);
    }
    let (0xa0, tagged, _) = element(cms, after)? else {
        return None;
    };
    match element(cms, tagged)? {
        (0x04, start, end) => Some(start..end),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ciphertexts_are_written_over_and_structure_is_not() {
        // SEQUENCE { INTEGER 5, [1] { OCTET STRING of 12 } }
        let mut token = vec![0x30, 0x13, 2, 1, 5, 0xa1, 14, 4, 12];
        token.extend(1..=12);
        let before = token.clone();
        gss(&mut token);
        assert_eq!(token[..9], before[..9]);
        assert!(token[9..].iter().all(|byte| *byte == MARK));
    }

    #[test]
    fn no_bytes_panic() {
        let mut bytes = Vec::new();
        for number in 0..4096u32 {
            bytes.push(number.wrapping_mul(2_654_435_761).to_be_bytes()[1]);
            gss(&mut bytes.clone());
            let mut message = NTLMSSP.to_vec();
            message.extend([3, 0, 0, 0]);
            message.extend(&bytes);
            ntlm(&mut message);
        }
        let mut deep: Vec<u8> = [0x30, 0x80].repeat(4000);
        gss(&mut deep);
    }
}

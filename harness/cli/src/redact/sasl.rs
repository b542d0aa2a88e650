//! Responses and challenges of SASL: decoded, their secret parts written over, encoded again in the same length.

use base64::Engine as _;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use smtp::timeline::Identity;
use wire::Span;

use super::token::{self, MARK};

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A line of SASL, rewritten.
pub(super) struct Rewritten {
    /// What is to stand there.
    pub(super) text: Vec<u8>,
    /// Secrets that stood there, decoded, that may stand elsewhere, too: passwords and tokens.
    pub(super) readable: Vec<Vec<u8>>,
}

/// What to make of a response; `span` is where it stands.
pub(super) fn response(
    identity: &Identity,
    span: Span,
    text: &[u8],
    names: &dyn Fn(&mut Vec<u8>),
) -> Rewritten {
    let plain = matches!(text, b"" | b"*" | b"=");
    if plain {
        return unchanged(text);
    }
    let Some(decoded) = decode(text) else {
        return Rewritten {
            text: blotted(text),
            readable: vec![text.to_vec()],
        };
    };
    let mut new = decoded.clone();
    let readable = overwrite(identity, span, &mut new);
    names(&mut new);
    encode(text, &decoded, &new, readable)
}

/// What to make of a challenge, or of the text of a final reply: a server proves itself with the password, too.
pub(super) fn challenge(identity: &Identity, text: &[u8]) -> Rewritten {
    let Some(decoded) = decode(text).filter(|decoded| !decoded.is_empty()) else {
        return unchanged(text);
    };
    let mut new = decoded.clone();
    match identity {
        Identity::DigestMd5(_) => digest(&mut new, b"rspauth="),
        Identity::Scram(_) if new.starts_with(b"v=") => base64_inside(&mut new[2..]),
        Identity::Gss(exchange) if exchange.ntlm.is_none() => token::gss(&mut new),
        _ => {}
    }
    encode(text, &decoded, &new, Vec::new())
}

fn unchanged(text: &[u8]) -> Rewritten {
    Rewritten {
        text: text.to_vec(),
        readable: Vec::new(),
    }
}

/// A line that is not understood: everything that could mean something.
pub(super) fn blotted(text: &[u8]) -> Vec<u8> {
    text.iter().map(|byte| blot(*byte)).collect()
}

/// A byte of something that is not understood. What makes lines and words of it stays.
pub(super) const fn blot(byte: u8) -> u8 {
    match byte {
        b'\r' | b'\n' | b'\t' | b' ' | b'=' => byte,
        _ => MARK,
    }
}

fn decode(text: &[u8]) -> Option<Vec<u8>> {
    BASE64.decode(text).ok()
}

/// The same length again, with or without padding as it was.
fn encode(text: &[u8], old: &[u8], new: &[u8], readable: Vec<Vec<u8>>) -> Rewritten {
    if old == new {
        return Rewritten {
            text: text.to_vec(),
            readable,
        };
    }
    let mut again = BASE64.encode(new).into_bytes();
    if !text.ends_with(b"=") {
        while again.last() == Some(&b'=') {
            again.pop();
        }
    }
    if again.len() != text.len() {
        again = blotted(text);
    }
    Rewritten {
        text: again,
        readable,
    }
}

/// Writes over what is secret in a decoded response.
fn overwrite(identity: &Identity, span: Span, new: &mut [u8]) -> Vec<Vec<u8>> {
    match identity {
        Identity::Plain { .. } => {
            let mut zeros = memchr::memchr_iter(0, new);
            let start = zeros.nth(1).map_or(0, |at| at + 1);
            taken(&mut new[start..])
        }
        Identity::Login { user, .. } => {
            let within = |at: Span| at.start < span.end && span.start < at.end;
            if user.as_ref().is_some_and(|user| within(user.span)) {
                Vec::new()
            } else {
                taken(new)
            }
        }
        Identity::CramMd5 { .. } => {
            let start = memchr::memrchr(b' ', new).map_or(0, |at| at + 1);
            hexadecimal(&mut new[start..]);
            Vec::new()
        }
        Identity::DigestMd5(_) => {
            digest(new, b"response=");
            Vec::new()
        }
        Identity::Scram(_) => {
            if let Some(at) = memchr::memmem::rfind(new, b",p=") {
                base64_inside(&mut new[at + 3..]);
            }
            Vec::new()
        }
        Identity::Bearer(_) => bearer(new),
        Identity::Ntlm(_) => {
            token::ntlm(new);
            Vec::new()
        }
        Identity::Gss(_) => {
            token::gss(new);
            Vec::new()
        }
        Identity::External { .. } | Identity::Anonymous { .. } => Vec::new(),
        Identity::Undecoded | Identity::Malformed(_) => {
            if token::ntlm(new) {
                return Vec::new();
            }
            let old = new.to_vec();
            for byte in new.iter_mut().filter(|byte| !matches!(**byte, 0 | 1)) {
                *byte = MARK;
            }
            // Of what is not understood, any part may be the password.
            old.split(|byte| matches!(byte, 0 | 1))
                .map(<[u8]>::to_vec)
                .collect()
        }
    }
}

/// Takes a secret out: what stood there.
fn taken(secret: &mut [u8]) -> Vec<Vec<u8>> {
    let old = secret.to_vec();
    secret.fill(MARK);
    vec![old]
}

/// Hexadecimal digits that stay such.
fn hexadecimal(digits: &mut [u8]) {
    for digit in digits
        .iter_mut()
        .filter(|digit| !digit.is_ascii_whitespace())
    {
        *digit = b'0';
    }
}

/// The digest behind a name (RFC 2831 section 2.1.2).
fn digest(text: &mut [u8], name: &[u8]) {
    let places: Vec<usize> = memchr::memmem::find_iter(text, name).collect();
    for place in places {
        let value = &mut text[place + name.len()..];
        let end = memchr::memchr(b',', value).unwrap_or(value.len());
        for byte in value[..end]
            .iter_mut()
            .filter(|byte| byte.is_ascii_alphanumeric())
        {
            *byte = b'0';
        }
    }
}

/// Base64 inside of a message, which stays base64 of as many bytes: up to the next comma.
fn base64_inside(text: &mut [u8]) {
    let end = memchr::memchr(b',', text).unwrap_or(text.len());
    let value = &mut text[..end];
    let Ok(decoded) = BASE64.decode(&*value) else {
        value.fill(MARK);
        return;
    };
    let again = BASE64.encode(vec![MARK; decoded.len()]);
    if again.len() == value.len() {
        value.copy_from_slice(again.as_bytes());
    } else {
        value.fill(b'A');
    }
}

/// What follows the scheme, up to the control character that ends the field (RFC 7628 section 3.1).
fn bearer(text: &mut [u8]) -> Vec<Vec<u8>> {
    let Some(at) = memchr::memmem::find(text, b"auth=") else {
        return taken(text);
    };
    let field = &mut text[at + 5..];
    let end = memchr::memchr(1, field).unwrap_or(field.len());
    let start = memchr::memchr(b' ', &field[..end]).map_or(0, |at| at + 1);
    let token = &mut field[start..end];
    let old = token.to_vec();
    // Dots and dashes make the form of a token, which says nothing.
    for byte in token.iter_mut().filter(|byte| byte.is_ascii_alphanumeric()) {
        *byte = MARK;
    }
    vec![old]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_keeps_its_length() {
        for length in 0..40 {
            let secret = vec![0xfe; length];
            let padded = BASE64.encode(&secret);
            for text in [padded.as_str(), padded.trim_end_matches('=')] {
                let done = encode(text.as_bytes(), &secret, &vec![MARK; length], Vec::new());
                assert_eq!(done.text.len(), text.len());
                let decoded = decode(&done.text).expect("base64");
                assert_eq!(decoded, vec![MARK; length]);
            }
        }
    }

    #[test]
    fn a_token_keeps_its_form() {
        let mut text = b"user=a@b\x01auth=Bearer ey.J-0\x01\x01".to_vec();
        let readable = bearer(&mut text);
        assert_eq!(text, b"user=a@b\x01auth=Bearer xx.x-x\x01\x01");
        assert_eq!(readable, [b"ey.J-0".to_vec()]);
    }

    #[test]
    fn digests_stay_digests() {
        let mut text = b"username=\"a\",response=0123456789abcdef,qop=auth".to_vec();
        digest(&mut text, b"response=");
        assert_eq!(text, b"username=\"a\",response=0000000000000000,qop=auth");
        let mut text = b"c=biws,r=abc,p=AQIDBA==".to_vec();
        let at = memchr::memmem::rfind(&text, b",p=").expect("a proof");
        base64_inside(&mut text[at + 3..]);
        assert_eq!(text, b"c=biws,r=abc,p=eHh4eA==");
    }
}

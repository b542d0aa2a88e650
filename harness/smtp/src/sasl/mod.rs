//! Authentication exchanges decoded, one file for each mechanism (RFC 4422, RFC 4954).
//!
//! The caller follows the dialogue and knows which line is a challenge and which a response; here only their meaning
//! is read. Credentials are recovered exactly as any eavesdropper recovers them, and go into [`Secret`] at once.

mod cram_md5;
mod login;
mod ntlm;
mod plain;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use wire::Span;

use crate::Secret;
use crate::timeline::Identity;

/// Base64 as clients in the field write it: padding or none, stray bits in the last character.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The text of one challenge or response as it stood on the wire: base64, or what should have been base64.
#[derive(Clone, Debug)]
pub struct Text {
    text: Secret,
    span: Span,
}

impl Text {
    /// The bytes after the reply code, or the whole response line, without the line end.
    pub fn new(text: impl Into<Vec<u8>>, span: Span) -> Self {
        Self {
            text: Secret::new(text),
            span,
        }
    }

    /// Where it stood.
    pub const fn span(&self) -> Span {
        self.span
    }

    /// Whether it is an initial response that says nothing: `=` stands for no bytes (RFC 4954 section 4).
    fn is_empty(&self) -> bool {
        matches!(self.text.expose().trim_ascii(), b"" | b"=")
    }

    /// The bytes that the base64 stands for.
    fn decode(&self) -> Option<Secret> {
        if self.is_empty() {
            return Some(Secret::new([]));
        }
        LENIENT
            .decode(self.text.expose().trim_ascii())
            .ok()
            .map(Secret::new)
    }
}

/// One step of an exchange after the AUTH command.
#[derive(Clone, Debug)]
pub enum Turn {
    /// The text of a 334 reply.
    Challenge(Text),
    /// A line of the client.
    Response(Text),
}

/// The responses in order: the initial one, unless it is empty, and then the lines.
fn responses<'a>(initial: Option<&'a Text>, turns: &'a [Turn]) -> impl Iterator<Item = &'a Text> {
    initial
        .filter(|text| !text.is_empty())
        .into_iter()
        .chain(turns.iter().filter_map(|turn| match turn {
            Turn::Response(text) => Some(text),
            Turn::Challenge(_) => None,
        }))
}

/// The texts of the 334 replies in order.
fn challenges(turns: &[Turn]) -> impl Iterator<Item = &Text> {
    turns.iter().filter_map(|turn| match turn {
        Turn::Challenge(text) => Some(text),
        Turn::Response(_) => None,
    })
}

/// Reads the identity out of an exchange with `mechanism` (upper case). `initial` is the initial response of the AUTH
/// command, `turns` what followed. The line `*`, which cancels, is not to be among them.
pub fn decode(mechanism: &str, initial: Option<&Text>, turns: &[Turn]) -> Identity {
    match mechanism {
        "PLAIN" => plain::decode(initial, turns),
        "LOGIN" => login::decode(initial, turns),
        "CRAM-MD5" => cram_md5::decode(turns),
        "NTLM" => Identity::Ntlm(Box::new(ntlm::decode(initial, turns))),
        _ => Identity::Undecoded,
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use wire::{Direction, Span};

    use super::{Text, Turn};

    /// Base64 of `bytes`, at a place of its own.
    pub(crate) fn text(bytes: &[u8], start: u64) -> Text {
        let encoded = STANDARD.encode(bytes);
        let end = start + encoded.len() as u64;
        Text::new(encoded, Span::new(Direction::Client, start, end))
    }

    pub(crate) fn response(bytes: &[u8], start: u64) -> Turn {
        Turn::Response(text(bytes, start))
    }

    pub(crate) fn challenge(bytes: &[u8]) -> Turn {
        Turn::Challenge(text(bytes, 0))
    }

    pub(crate) fn raw(bytes: &[u8]) -> Text {
        Text::new(bytes, Span::new(Direction::Client, 0, bytes.len() as u64))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn base64_is_read_leniently() {
        for (text, bytes) in [
            (&b"dA=="[..], &b"t"[..]),
            (b"dA", b"t"),
            (b" dA== ", b"t"),
            (b"dB==", b"t"),
            (b"=", b""),
        ] {
            let decoded = testing::raw(text).decode().expect("decodes");
            assert_eq!(decoded.expose(), bytes);
        }
        assert!(testing::raw(b"d*==").decode().is_none());
    }

    #[test]
    fn other_mechanisms_stay_undecoded() {
        let turns = [testing::response(b"user=x", 0)];
        assert!(matches!(
            decode("XOAUTH2", None, &turns),
            Identity::Undecoded
        ));
    }

    proptest! {
        #[test]
        fn any_exchange_decodes_to_something(
            mechanism in proptest::sample::select(vec!["PLAIN", "LOGIN", "CRAM-MD5", "NTLM"]),
            lines in proptest::collection::vec((any::<bool>(), any::<bool>(), proptest::collection::vec(any::<u8>(), 0..40)), 0..6),
        ) {
            let turns: Vec<_> = lines
                .iter()
                .map(|(theirs, encode, bytes)| {
                    let text = if *encode { testing::text(bytes, 0) } else { testing::raw(bytes) };
                    if *theirs { Turn::Challenge(text) } else { Turn::Response(text) }
                })
                .collect();
            let initial = lines.first().map(|(_, _, bytes)| testing::text(bytes, 0));
            decode(mechanism, None, &turns);
            decode(mechanism, initial.as_ref(), &turns);
        }
    }
}

//! Authentication exchanges decoded, one file for each mechanism (RFC 4422, RFC 4954).
//!
//! The caller follows the dialogue and knows which line is a challenge and which a response; here only their meaning
//! is read. Credentials are recovered exactly as any eavesdropper recovers them, and go into [`Secret`] at once.

pub mod accounts;
mod bearer;
mod cram_md5;
mod digest_md5;
mod external;
mod gss;
mod login;
mod ntlm;
mod plain;
pub mod proof;
mod scram;

use base64::Engine;
use wire::Span;

use crate::Secret;
use crate::lenient::LENIENT;
use crate::timeline::Identity;

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
        "DIGEST-MD5" => Identity::DigestMd5(Box::new(digest_md5::decode(initial, turns))),
        "NTLM" => Identity::Ntlm(Box::new(ntlm::decode(initial, turns))),
        "GSSAPI" | "GSS-SPNEGO" | "NEGOTIATE" | "SPNEGO" => {
            Identity::Gss(Box::new(gss::decode(initial, turns)))
        }
        "XOAUTH2" => Identity::Bearer(Box::new(bearer::decode(false, initial, turns))),
        "OAUTHBEARER" => Identity::Bearer(Box::new(bearer::decode(true, initial, turns))),
        "EXTERNAL" => external::external(initial, turns),
        "ANONYMOUS" => external::anonymous(initial, turns),
        other => match scram::variant(other) {
            Some(variant) => Identity::Scram(Box::new(scram::decode(variant, initial, turns))),
            None => Identity::Undecoded,
        },
    }
}

/// Text of bytes that should be UTF-8; where they are not, each byte is taken as ISO 8859-1, so that nothing is lost.
fn text_of(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(
        |_| bytes.iter().copied().map(char::from).collect(),
        str::to_owned,
    )
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

    const MECHANISMS: &[&str] = &[
        "PLAIN",
        "LOGIN",
        "CRAM-MD5",
        "DIGEST-MD5",
        "NTLM",
        "GSSAPI",
        "GSS-SPNEGO",
        "XOAUTH2",
        "OAUTHBEARER",
        "EXTERNAL",
        "ANONYMOUS",
        "SCRAM-SHA-1",
        "SCRAM-SHA-256-PLUS",
        "SCRAM-SHA-512",
        "X-ODD",
    ];

    /// The examples of RFC 5802, RFC 2831 and RFC 7628, client first.
    const EXCHANGES: &[(&str, &[&[u8]])] = &[
        (
            "SCRAM-SHA-1",
            &[
                b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
                b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
                b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
            ],
        ),
        (
            "DIGEST-MD5",
            &[br#"charset=utf-8,username="chris",realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",nc=00000001"#],
        ),
        (
            "OAUTHBEARER",
            &[b"n,a=user@example.com,\x01host=server.example.com\x01port=143\x01auth=Bearer abc\x01\x01"],
        ),
        (
            "GSS-SPNEGO",
            &[
                b"\x60\x48\x06\x06\x2b\x06\x01\x05\x05\x02\xa0\x3e\x30\x3c\xa0\x0e\x30\x0c\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a\xa2\x2a\x04\x28NTLMSSP\0\x01\0\0\0\x97\x82\x08\xe2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x06\x01\xb1\x1d\0\0\0\x0f",
            ],
        ),
    ];

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
        assert!(matches!(decode("X-ODD", None, &turns), Identity::Undecoded));
    }

    proptest! {
        #[test]
        fn any_exchange_decodes_to_something(
            mechanism in proptest::sample::select(MECHANISMS),
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
            for initial in [None, initial.as_ref()] {
                let identity = decode(mechanism, initial, &turns);
                let names = identity.names();
                prop_assert!(names.iter().all(|given| !given.name.is_empty()));
                // What can be guessed was hidden, and what is readable need not be guessed.
                prop_assert!(!identity.is_guessable_offline() || identity.has_hidden_proof());
                prop_assert!(identity.readable().is_none() || !identity.has_hidden_proof());
                let known = [proof::KnownAccount {
                    domain: None,
                    user: names.first().map_or_else(String::new, |given| given.name.to_owned()),
                    password: crate::Secret::new(*b"pw"),
                }];
                proof::test_identity(&identity, &known);
            }
        }

        #[test]
        fn any_damage_to_a_real_exchange_decodes_to_something(
            which in 0..EXCHANGES.len(),
            line in 0_usize..3,
            at in any::<prop::sample::Index>(),
            value in any::<u8>(),
        ) {
            let (mechanism, messages) = EXCHANGES[which];
            let mut messages: Vec<Vec<u8>> = messages.iter().map(|m| m.to_vec()).collect();
            if let Some(message) = messages.get_mut(line) {
                let at = at.index(message.len());
                message[at] = value;
            }
            let initial = testing::text(&messages[0], 0);
            let turns: Vec<_> = messages
                .iter()
                .skip(1)
                .enumerate()
                .map(|(number, bytes)| {
                    let text = testing::text(bytes, 0);
                    if number % 2 == 0 { Turn::Challenge(text) } else { Turn::Response(text) }
                })
                .collect();
            decode(mechanism, Some(&initial), &turns);
        }
    }
}

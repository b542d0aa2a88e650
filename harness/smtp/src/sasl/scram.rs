//! SCRAM (RFC 5802, RFC 7677): two messages from either side, made of attributes with names of one letter.

use base64::Engine;

use super::{LENIENT, Text, Turn, challenges, responses, text_of};
use crate::Secret;
use crate::timeline::{ChannelBinding, Located, Scram, ScramHash};

/// The hash and whether channel binding is asked for, from the name of the mechanism.
pub(super) fn variant(mechanism: &str) -> Option<(ScramHash, bool)> {
    let name = mechanism.strip_prefix("SCRAM-")?;
    let (hash, plus) = match name.strip_suffix("-PLUS") {
        Some(hash) => (hash, true),
        None => (name, false),
    };
    let hash = match hash {
        "SHA-1" => ScramHash::Sha1,
        "SHA-256" => ScramHash::Sha256,
        "SHA-512" => ScramHash::Sha512,
        _ => return None,
    };
    Some((hash, plus))
}

pub(super) fn decode(
    (hash, plus): (ScramHash, bool),
    initial: Option<&Text>,
    turns: &[Turn],
) -> Scram {
    let mut scram = Scram {
        hash,
        plus,
        channel_binding: None,
        username: None,
        authzid: None,
        iterations: None,
        salt: None,
        proof: None,
        server_final: None,
        auth_message: None,
        problems: Vec::new(),
    };
    let mut sent = responses(initial, turns).filter(|text| !text.is_empty());
    let first = sent.next().and_then(|text| client_first(text, &mut scram));
    // What the server says before the client's first message is meant for people.
    let spoken = initial.is_some_and(|text| !text.is_empty());
    let from = turns
        .iter()
        .position(|turn| spoken || matches!(turn, Turn::Response(_)))
        .unwrap_or(turns.len());
    let second = server(turns.get(from..).unwrap_or_default(), &mut scram);
    let last = sent.next().and_then(|text| client_final(text, &mut scram));
    if let (Some(first), Some(second), Some(last)) = (first, second, last) {
        let parts = [first.expose(), second.expose(), last.expose()];
        scram.auth_message = Some(Secret::new(parts.join(&b',')));
    }
    scram
}

/// `gs2-header` and `client-first-message-bare`; returns the latter.
fn client_first(text: &Text, scram: &mut Scram) -> Option<Secret> {
    let mut problem = |what: &str| scram.problems.push(format!("the first message {what}"));
    let Some(message) = text.decode() else {
        problem("is not base64");
        return None;
    };
    let mut fields = message.expose().splitn(3, |byte| *byte == b',');
    let (Some(flag), Some(authzid), Some(bare)) = (fields.next(), fields.next(), fields.next())
    else {
        problem("has no GS2 header");
        return None;
    };
    scram.channel_binding = match flag {
        b"n" => Some(ChannelBinding::Unsupported),
        b"y" => Some(ChannelBinding::NotOffered),
        [b'p', b'=', name @ ..] => Some(ChannelBinding::Used(text_of(name))),
        _ => {
            problem("has a channel binding flag that is not `n`, `y` or `p`");
            None
        }
    };
    if let Some(name) = authzid.strip_prefix(b"a=") {
        scram.authzid = Some(Located::new(unescaped(name), text.span()));
    }
    match attribute(bare, b'n') {
        Some(name) => scram.username = Some(Located::new(unescaped(name), text.span())),
        None => problem("names no user"),
    }
    Some(Secret::new(bare))
}

/// The two messages of the server, told apart by what they hold. Returns the first one.
fn server(turns: &[Turn], scram: &mut Scram) -> Option<Secret> {
    let mut first = None;
    for text in challenges(turns) {
        let Some(message) = text.decode() else {
            scram
                .problems
                .push("a message of the server is not base64".to_owned());
            continue;
        };
        let bytes = message.expose();
        if bytes.starts_with(b"v=") {
            scram.server_final = Some(true);
        } else if bytes.starts_with(b"e=") {
            scram.server_final = Some(false);
        } else if first.is_none() && attribute(bytes, b'r').is_some() {
            scram.salt = attribute(bytes, b's')
                .and_then(|salt| LENIENT.decode(salt).ok())
                .map(Secret::new);
            scram.iterations = attribute(bytes, b'i')
                .and_then(|count| std::str::from_utf8(count).ok()?.parse().ok());
            if scram.salt.is_none() || scram.iterations.is_none() {
                scram
                    .problems
                    .push("the server's message has no salt or no iteration count".to_owned());
            }
            first = Some(message);
        }
    }
    first
}

/// `client-final-message`; returns the part that the proof covers.
fn client_final(text: &Text, scram: &mut Scram) -> Option<Secret> {
    let mut problem = |what: &str| scram.problems.push(format!("the final message {what}"));
    let Some(message) = text.decode() else {
        problem("is not base64");
        return None;
    };
    let bytes = message.expose();
    let Some(at) = memchr::memmem::rfind(bytes, b",p=") else {
        problem("has no proof");
        return None;
    };
    let (covered, proof) = bytes.split_at_checked(at)?;
    match proof.get(3..).and_then(|proof| LENIENT.decode(proof).ok()) {
        Some(proof) => scram.proof = Some(Located::new(Secret::new(proof), text.span())),
        None => problem("has a proof that is not base64"),
    }
    Some(Secret::new(covered))
}

/// The value of the attribute `name`.
fn attribute(message: &[u8], name: u8) -> Option<&[u8]> {
    message
        .split(|byte| *byte == b',')
        .find_map(|field| field.strip_prefix(&[name, b'=']))
}

/// A `saslname`: `=2C` stands for a comma and `=3D` for an equals sign (RFC 5802 section 5.1).
pub(super) fn unescaped(name: &[u8]) -> String {
    text_of(name)
        .replace("=2C", ",")
        .replace("=2c", ",")
        .replace("=3D", "=")
        .replace("=3d", "=")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::testing::{challenge, raw, response, text};
    use super::*;

    fn user(scram: &Scram) -> Option<&str> {
        scram.username.as_ref().map(|u| u.value.as_str())
    }

    /// The example of RFC 5802 section 5.
    pub(crate) fn example() -> [Turn; 6] {
        [
            challenge(b""),
            response(b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL", 10),
            challenge(b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"),
            response(
                b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
                90,
            ),
            challenge(b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ="),
            Turn::Response(raw(b"")),
        ]
    }

    #[test]
    fn reads_the_example_of_the_rfc_with_and_without_initial_response() {
        let turns = example();
        let initial = text(b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL", 10);
        let mut asked = example();
        asked[0] = Turn::Challenge(raw(b"your turn"));
        for scram in [
            decode((ScramHash::Sha1, false), None, &turns),
            decode((ScramHash::Sha1, false), Some(&raw(b"=")), &turns),
            decode((ScramHash::Sha1, false), None, &asked),
            decode((ScramHash::Sha1, false), Some(&initial), &turns[2..]),
        ] {
            assert!(scram.problems.is_empty(), "{:?}", scram.problems);
            assert_eq!(user(&scram), Some("user"));
            assert_eq!(scram.channel_binding, Some(ChannelBinding::Unsupported));
            assert_eq!(scram.iterations, Some(4096));
            assert_eq!(scram.salt.as_ref().map(Secret::len), Some(12));
            assert_eq!(scram.proof.as_ref().map(|p| p.value.len()), Some(20));
            assert_eq!(scram.proof.as_ref().map(|p| p.span.start), Some(90));
            assert_eq!(scram.server_final, Some(true));
            assert!(scram.auth_message.is_some());
            assert!(!format!("{scram:?}").contains("fyko"));
        }
    }

    #[rstest]
    #[case(
        b"y,,n=a=2Cb=3Dc,r=x",
        Some("a,b=c"),
        None,
        Some(ChannelBinding::NotOffered)
    )]
    #[case(b"p=tls-unique,a=boss,n=u,r=x", Some("u"), Some("boss"), Some(ChannelBinding::Used("tls-unique".to_owned())))]
    #[case(
        b"n,,m=ext,n=u,r=x",
        Some("u"),
        None,
        Some(ChannelBinding::Unsupported)
    )]
    fn the_first_message(
        #[case] message: &[u8],
        #[case] name: Option<&str>,
        #[case] authzid: Option<&str>,
        #[case] binding: Option<ChannelBinding>,
    ) {
        let scram = decode((ScramHash::Sha256, true), Some(&text(message, 0)), &[]);
        assert!(scram.problems.is_empty(), "{:?}", scram.problems);
        assert_eq!(user(&scram), name);
        assert_eq!(scram.authzid.as_ref().map(|a| a.value.as_str()), authzid);
        assert_eq!(scram.channel_binding, binding);
        assert!(scram.proof.is_none() && scram.auth_message.is_none());
    }

    #[test]
    fn damage_is_named_and_not_quoted() {
        for (turns, said) in [
            (
                vec![Turn::Response(raw(b"hunter2!"))],
                "the first message is not base64",
            ),
            (
                vec![response(b"hunter2", 0)],
                "the first message has no GS2 header",
            ),
            (
                vec![response(b"n,,r=hunter2", 0)],
                "the first message names no user",
            ),
            (
                vec![response(b"q,,n=u,r=x", 0)],
                "the first message has a channel binding flag that is not `n`, `y` or `p`",
            ),
            (
                vec![response(b"n,,n=u,r=x", 0), challenge(b"r=xy,s=AAAA")],
                "the server's message has no salt or no iteration count",
            ),
            (
                vec![response(b"n,,n=u,r=x", 0), response(b"c=biws,r=xy", 0)],
                "the final message has no proof",
            ),
            (
                vec![response(b"n,,n=u,r=x", 0), response(b"c=biws,r=xy,p=?", 0)],
                "the final message has a proof that is not base64",
            ),
        ] {
            let scram = decode((ScramHash::Sha1, false), None, &turns);
            assert_eq!(scram.problems, [said]);
        }
    }

    #[rstest]
    #[case("SCRAM-SHA-1", Some((ScramHash::Sha1, false)))]
    #[case("SCRAM-SHA-256-PLUS", Some((ScramHash::Sha256, true)))]
    #[case("SCRAM-SHA-512", Some((ScramHash::Sha512, false)))]
    #[case("SCRAM-MD5", None)]
    #[case("PLAIN", None)]
    fn names_of_the_family(#[case] name: &str, #[case] expected: Option<(ScramHash, bool)>) {
        assert_eq!(variant(name), expected);
    }

    #[test]
    fn a_refusal_of_the_server() {
        let mut turns = example();
        turns[4] = challenge(b"e=invalid-proof");
        let scram = decode((ScramHash::Sha1, false), None, &turns);
        assert_eq!(scram.server_final, Some(false));
    }
}

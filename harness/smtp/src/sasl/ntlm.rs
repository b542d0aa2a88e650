//! NTLM (MS-SMTPNTLM over MS-NLMP): three messages in base64.
//!
//! What the first 334 says depends on what the client sent before it (MS-SMTPNTLM section 3.1.4.1): after a bare
//! `AUTH NTLM` it is free text for people, after an initial response it is the CHALLENGE message. Both look alike.

use super::{Text, Turn, challenges, responses};
use crate::ntlm::{self, Authenticate, Challenge, Negotiate};
use crate::timeline::{Located, NtlmExchange};

pub(super) fn decode(initial: Option<&Text>, turns: &[Turn]) -> NtlmExchange {
    let mut exchange = NtlmExchange {
        initial_response: initial.is_some_and(|text| !text.is_empty()),
        ..NtlmExchange::default()
    };
    let problems = &mut exchange.problems;
    let mut sent = responses(initial, turns);
    let mut received = challenges(turns).skip(usize::from(!exchange.initial_response));
    exchange.negotiate = read(sent.next(), "NEGOTIATE", Negotiate::parse, problems);
    exchange.challenge = read(received.next(), "CHALLENGE", Challenge::parse, problems);
    // Some clients send no flags of their own, and mean those that the server chose.
    let flags = exchange
        .challenge
        .as_ref()
        .map(|challenge| challenge.value.flags);
    let parse = |bytes: &[u8]| Authenticate::parse_with(bytes, flags);
    exchange.authenticate = read(sent.next(), "AUTHENTICATE", parse, problems);
    exchange
}

fn read<T>(
    text: Option<&Text>,
    name: &str,
    parse: impl Fn(&[u8]) -> Result<T, ntlm::Error>,
    problems: &mut Vec<String>,
) -> Option<Located<T>> {
    let text = text?;
    let Some(bytes) = text.decode() else {
        problems.push(format!("{name}: not base64"));
        return None;
    };
    match parse(bytes.expose()) {
        Ok(message) => Some(Located::new(message, text.span())),
        Err(error) => {
            problems.push(format!("{name}: {error}"));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{challenge, raw, response, text};
    use super::*;

    fn negotiate() -> Vec<u8> {
        let mut message = b"NTLMSSP\0\x01\0\0\0".to_vec();
        message.extend_from_slice(&0x0000_0207_u32.to_le_bytes());
        message.extend_from_slice(&[0; 16]);
        message
    }

    fn server() -> Vec<u8> {
        let mut message = b"NTLMSSP\0\x02\0\0\0".to_vec();
        message.extend_from_slice(&[0, 0, 0, 0, 48, 0, 0, 0]);
        message.extend_from_slice(&0x0000_0201_u32.to_le_bytes());
        message.extend_from_slice(b"\x01\x23\x45\x67\x89\xab\xcd\xef");
        message.extend_from_slice(&[0; 8]);
        message.extend_from_slice(&[0, 0, 0, 0, 48, 0, 0, 0]);
        message
    }

    #[test]
    fn the_first_334_after_a_bare_command_is_not_decoded() {
        let free = Turn::Challenge(raw(b"ntlm supported"));
        let turns = [free, response(&negotiate(), 0), challenge(&server())];
        let exchange = decode(None, &turns);
        assert!(!exchange.initial_response);
        assert_eq!(exchange.problems, Vec::<String>::new());
        assert!(exchange.negotiate.is_some() && exchange.challenge.is_some());
    }

    #[test]
    fn after_an_initial_response_it_is() {
        let initial = text(&negotiate(), 10);
        let exchange = decode(Some(&initial), &[challenge(&server())]);
        assert!(exchange.initial_response);
        assert_eq!(exchange.negotiate.map(|n| n.span), Some(initial.span()));
        let challenge = exchange.challenge.expect("parsed").value;
        assert_eq!(
            challenge.server_challenge,
            *b"\x01\x23\x45\x67\x89\xab\xcd\xef"
        );
    }

    #[test]
    fn what_does_not_parse_is_a_problem_and_the_rest_is_kept() {
        let turns = [
            Turn::Response(raw(b"?")),
            challenge(b"x"),
            response(b"hello", 0),
        ];
        let exchange = decode(None, &turns);
        assert_eq!(exchange.problems.len(), 2, "{:?}", exchange.problems);
        assert_eq!(exchange.problems[0], "NEGOTIATE: not base64");
        assert!(exchange.problems[1].starts_with("AUTHENTICATE: "));
    }
}

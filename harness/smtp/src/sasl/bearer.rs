//! XOAUTH2 and OAUTHBEARER (RFC 7628): key-value pairs, each ended by the octet 1, with a token among them.

use serde_json::Value;

use super::{Text, Turn, challenges, responses, scram::unescaped, text_of};
use crate::Secret;
use crate::timeline::{Bearer, BearerError, Located};

/// Longest error that is looked into.
const MAX_ERROR: usize = 8 * 1024;

/// `gs2` tells whether a GS2 header stands before the pairs, as in OAUTHBEARER.
pub(super) fn decode(gs2: bool, initial: Option<&Text>, turns: &[Turn]) -> Bearer {
    let mut bearer = Bearer::default();
    if let Some(text) = responses(initial, turns).next() {
        response(gs2, text, &mut bearer);
    }
    bearer.error = challenges(turns).find_map(error);
    bearer
}

fn response(gs2: bool, text: &Text, bearer: &mut Bearer) {
    let Some(message) = text.decode() else {
        bearer
            .problems
            .push("the response is not base64".to_owned());
        return;
    };
    let mut fields = message.expose().split(|byte| *byte == 1);
    let located = |name: String| Some(Located::new(name, text.span()));
    if gs2 {
        let header = fields.next().unwrap_or_default();
        let mut parts = header.split(|byte| *byte == b',');
        if !matches!(parts.next(), Some(b"n" | b"y")) {
            bearer
                .problems
                .push("the response has no GS2 header".to_owned());
        }
        bearer.user = parts
            .find_map(|part| part.strip_prefix(b"a="))
            .and_then(|name| located(unescaped(name)));
    }
    for field in fields {
        let Some(at) = field.iter().position(|byte| *byte == b'=') else {
            continue;
        };
        let (name, value) = (&field[..at], &field[at + 1..]);
        match name {
            b"user" => bearer.user = located(text_of(value)),
            b"host" => bearer.host = Some(text_of(value)),
            b"port" => bearer.port = Some(text_of(value)),
            b"auth" => {
                let mut words = value.splitn(2, |byte| *byte == b' ');
                if let (Some(scheme), Some(token)) = (words.next(), words.next()) {
                    bearer.scheme = Some(text_of(scheme));
                    let token = Secret::new(token.trim_ascii());
                    bearer.token = Some(Located::new(token, text.span()));
                }
            }
            _ => {}
        }
    }
    if bearer
        .token
        .as_ref()
        .is_none_or(|token| token.value.is_empty())
    {
        bearer.token = None;
        bearer.problems.push("the response has no token".to_owned());
    }
}

/// The JSON of a refusal; `None` where the challenge is something else.
fn error(text: &Text) -> Option<BearerError> {
    let json = text.decode()?;
    if json.len() > MAX_ERROR {
        return None;
    }
    let Value::Object(fields) = serde_json::from_slice(json.expose()).ok()? else {
        return None;
    };
    let field = |name: &str| match fields.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    Some(BearerError {
        status: field("status"),
        scope: field("scope"),
        schemes: field("schemes"),
        openid_configuration: field("openid-configuration"),
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{challenge, raw, response, text};
    use super::*;

    const TOKEN: &[u8] = b"vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==";

    fn user(bearer: &Bearer) -> Option<&str> {
        bearer.user.as_ref().map(|u| u.value.as_str())
    }

    /// The example of RFC 7628 section 4.1.
    const EXAMPLE: &[u8] = b"n,a=user@example.com,\x01host=server.example.com\x01port=143\x01auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01";

    #[test]
    fn reads_the_example_of_the_rfc() {
        let read = decode(true, Some(&text(EXAMPLE, 5)), &[]);
        assert!(read.problems.is_empty(), "{:?}", read.problems);
        assert_eq!(user(&read), Some("user@example.com"));
        assert_eq!(read.host.as_deref(), Some("server.example.com"));
        assert_eq!(read.port.as_deref(), Some("143"));
        assert_eq!(read.scheme.as_deref(), Some("Bearer"));
        assert_eq!(read.token.as_ref().unwrap().value.expose(), TOKEN);
        assert!(!format!("{read:?}").contains("vF9d"));
    }

    #[test]
    fn xoauth2_with_and_without_initial_response_and_the_refusal() {
        let message = [
            b"user=someuser@example.com\x01auth=Bearer ",
            TOKEN,
            b"\x01\x01",
        ]
        .concat();
        let refusal = challenge(
            br#"{"status":"401","schemes":"bearer mac","scope":"https://mail.example/"}"#,
        );
        let initial = text(&message, 5);
        let with = decode(
            false,
            Some(&initial),
            &[refusal.clone(), Turn::Response(raw(b""))],
        );
        let without = decode(
            false,
            None,
            &[
                challenge(b""),
                response(&message, 9),
                refusal,
                response(b"\x01", 99),
            ],
        );
        for read in [with, without] {
            assert!(read.problems.is_empty(), "{:?}", read.problems);
            assert_eq!(user(&read), Some("someuser@example.com"));
            assert_eq!(read.token.as_ref().unwrap().value.expose(), TOKEN);
            let error = read.error.unwrap();
            assert_eq!(error.status.as_deref(), Some("401"));
            assert_eq!(error.schemes.as_deref(), Some("bearer mac"));
            assert_eq!(error.scope.as_deref(), Some("https://mail.example/"));
        }
    }

    #[test]
    fn damage_is_named_and_not_quoted() {
        let read = decode(false, Some(&raw(b"hunter2!")), &[]);
        assert_eq!(read.problems, ["the response is not base64"]);
        let read = decode(
            false,
            Some(&text(b"user=x\x01auth=hunter2\x01\x01", 0)),
            &[],
        );
        assert_eq!(read.problems, ["the response has no token"]);
        assert_eq!(user(&read), Some("x"));
        let read = decode(true, Some(&text(b"auth=Bearer t\x01\x01", 0)), &[]);
        assert_eq!(
            read.problems,
            [
                "the response has no GS2 header",
                "the response has no token"
            ]
        );
    }

    #[test]
    fn what_is_no_json_is_no_error() {
        let deep = "[".repeat(5000);
        for text in [&b"ntlm"[..], b"[1]", b"{\"status\":", deep.as_bytes()] {
            assert!(decode(false, None, &[challenge(text)]).error.is_none());
        }
        let number = decode(false, None, &[challenge(b"{\"status\":400}")]);
        assert_eq!(number.error.unwrap().status.as_deref(), Some("400"));
    }
}

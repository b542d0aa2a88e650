//! PLAIN (RFC 4616): authorization identity, authentication identity and password, parted by NUL.

use super::{Text, Turn, responses};
use crate::Secret;
use crate::lenient::lossy;
use crate::timeline::{Identity, Located};

pub(super) fn decode(initial: Option<&Text>, turns: &[Turn]) -> Identity {
    let Some(text) = responses(initial, turns).next() else {
        return Identity::Malformed("the exchange ended before the response".to_owned());
    };
    let Some(message) = text.decode() else {
        return Identity::Malformed("the response is not base64".to_owned());
    };
    let mut fields = message.expose().splitn(3, |&byte| byte == 0);
    match (fields.next(), fields.next(), fields.next()) {
        (Some(acts_as), Some(authcid), Some(password)) => Identity::Plain {
            authzid: lossy(acts_as),
            authcid: Located::new(lossy(authcid), text.span()),
            password: Located::new(Secret::new(password), text.span()),
        },
        _ => Identity::Malformed("the response has fewer than two NUL octets".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{challenge, raw, response, text};
    use super::*;

    #[test]
    fn an_authorization_identity_may_be_given() {
        let initial = text(b"svc\0svc\0S3cret", 11);
        let Identity::Plain {
            authzid: acts_as,
            authcid,
            password,
        } = decode(Some(&initial), &[])
        else {
            panic!("not decoded");
        };
        assert_eq!((acts_as.as_str(), authcid.value.as_str()), ("svc", "svc"));
        assert_eq!(password.value.expose(), b"S3cret");
        assert_eq!(password.span, initial.span());
    }

    #[test]
    fn an_empty_initial_response_is_not_the_response() {
        let turns = [challenge(b""), response(b"\0u\0p", 20)];
        for initial in [None, Some(raw(b"="))] {
            let identity = decode(initial.as_ref(), &turns);
            assert!(matches!(identity, Identity::Plain { authcid, .. } if authcid.value == "u"));
        }
    }

    #[test]
    fn what_is_not_plain_is_malformed_and_not_quoted() {
        for (text, reason) in [
            (
                text(b"user:hunter2", 0),
                "the response has fewer than two NUL octets",
            ),
            (raw(b"hunter2!"), "the response is not base64"),
        ] {
            assert!(
                matches!(decode(Some(&text), &[]), Identity::Malformed(said) if said == reason)
            );
        }
    }
}

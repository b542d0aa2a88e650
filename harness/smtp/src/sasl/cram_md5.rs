//! CRAM-MD5 (RFC 2195): a challenge, and the user name with the keyed digest of it in 32 hexadecimal digits.

use super::{Turn, challenges, responses};
use crate::Secret;
use crate::lenient::lossy;
use crate::timeline::{Identity, Located};

pub(super) fn decode(turns: &[Turn]) -> Identity {
    let challenge = match challenges(turns).next().map(super::Text::decode) {
        None => None,
        Some(Some(bytes)) => Some(bytes.expose().to_vec()),
        Some(None) => return Identity::Malformed("the challenge is not base64".to_owned()),
    };
    let Some(text) = responses(None, turns).next() else {
        return Identity::CramMd5 {
            challenge,
            user: None,
            digest: None,
        };
    };
    let Some(response) = text.decode() else {
        return Identity::Malformed("the response is not base64".to_owned());
    };
    // The user name may hold spaces; the digest cannot.
    let mut fields = response.expose().rsplitn(2, |&byte| byte == b' ');
    match (fields.next(), fields.next()) {
        (Some(digest), Some(user))
            if digest.len() == 32 && digest.iter().all(u8::is_ascii_hexdigit) =>
        {
            Identity::CramMd5 {
                challenge,
                user: Some(Located::new(lossy(user), text.span())),
                digest: Some(Located::new(Secret::new(digest), text.span())),
            }
        }
        _ => Identity::Malformed(
            "the response is not a user name, a space and 32 hexadecimal digits".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{challenge, response};
    use super::*;

    /// The example of RFC 2195 section 2.
    const CHALLENGE: &[u8] = b"<1896.697170952@postoffice.reston.mci.net>";

    #[test]
    fn reads_the_example_of_the_rfc() {
        let turns = [
            challenge(CHALLENGE),
            response(b"tim b913a602c7eda7a495b4e6e7334d3890", 10),
        ];
        let Identity::CramMd5 {
            challenge,
            user,
            digest,
        } = decode(&turns)
        else {
            panic!("not decoded");
        };
        assert_eq!(challenge.as_deref(), Some(CHALLENGE));
        assert_eq!(user.map(|u| u.value).as_deref(), Some("tim"));
        assert_eq!(digest.map(|d| d.value.len()), Some(32));
    }

    #[test]
    fn a_challenge_without_response_is_kept() {
        let identity = decode(&[challenge(CHALLENGE)]);
        assert!(matches!(
            identity,
            Identity::CramMd5 {
                challenge: Some(_),
                user: None,
                ..
            }
        ));
    }

    #[test]
    fn a_password_in_place_of_a_digest_is_malformed() {
        let turns = [challenge(CHALLENGE), response(b"tim hunter2", 10)];
        assert!(matches!(decode(&turns), Identity::Malformed(_)));
    }
}

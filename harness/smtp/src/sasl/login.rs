//! LOGIN (MS-XLOGIN): user name and password, one line each. The prompts may say anything and are not looked at.

use super::{Text, Turn, responses};
use crate::timeline::{Identity, Located};

pub(super) fn decode(initial: Option<&Text>, turns: &[Turn]) -> Identity {
    let mut lines = responses(initial, turns);
    let mut next = |what: &str| match lines.next() {
        None => Ok(None),
        Some(text) => match text.decode() {
            Some(bytes) => Ok(Some(Located::new(bytes, text.span()))),
            None => Err(Identity::Malformed(format!("the {what} is not base64"))),
        },
    };
    let user = match next("user name") {
        Ok(user) => user.map(|user| {
            Located::new(
                String::from_utf8_lossy(user.value.expose()).into_owned(),
                user.span,
            )
        }),
        Err(malformed) => return malformed,
    };
    match next("password") {
        Ok(password) => Identity::Login { user, password },
        Err(malformed) => malformed,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{challenge, raw, response, text};
    use super::*;

    fn fields(identity: Identity) -> (Option<String>, Option<Vec<u8>>) {
        let Identity::Login { user, password } = identity else {
            panic!("not decoded")
        };
        (
            user.map(|u| u.value),
            password.map(|p| p.value.expose().to_vec()),
        )
    }

    #[test]
    fn the_user_name_may_come_in_the_command() {
        let expected = (Some("u".to_owned()), Some(b"p".to_vec()));
        let bare = [
            challenge(b"Benutzername?"),
            response(b"u", 20),
            challenge(b""),
            response(b"p", 30),
        ];
        assert_eq!(fields(decode(None, &bare)), expected);
        assert_eq!(fields(decode(Some(&raw(b"=")), &bare)), expected);
        let initial = text(b"u", 11);
        assert_eq!(fields(decode(Some(&initial), &bare[2..])), expected);
    }

    #[test]
    fn an_exchange_may_end_early() {
        assert_eq!(fields(decode(None, &[])), (None, None));
        let refused = decode(Some(&text(b"u", 11)), &[]);
        assert_eq!(fields(refused), (Some("u".to_owned()), None));
    }

    #[test]
    fn a_password_that_is_not_base64_is_named_and_not_quoted() {
        let turns = [response(b"u", 0), Turn::Response(raw(b"hunter2!"))];
        let identity = decode(None, &turns);
        assert!(
            matches!(identity, Identity::Malformed(said) if said == "the password is not base64")
        );
    }
}

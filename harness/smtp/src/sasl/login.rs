//! LOGIN (MS-XLOGIN): user name and password, one line each. The prompts may say anything, and are looked at in one case
//! only: after an empty initial response, which is an empty user name to some servers and nothing at all to others.

use super::{Text, Turn, challenges, responses};
use crate::lenient::lossy;
use crate::timeline::{Identity, Located};

pub(super) fn decode(initial: Option<&Text>, turns: &[Turn]) -> Identity {
    let empty = initial.filter(|text| text.is_empty() && nameless(turns));
    let mut lines = empty.into_iter().chain(responses(initial, turns));
    let mut next = |what: &str| match lines.next() {
        None => Ok(None),
        Some(text) => match text.decode() {
            Some(bytes) => Ok(Some(Located::new(bytes, text.span()))),
            None => Err(Identity::Malformed(format!("the {what} is not base64"))),
        },
    };
    let user = match next("user name") {
        Ok(user) => user.map(|user| Located::new(lossy(user.value.expose()), user.span)),
        Err(malformed) => return malformed,
    };
    match next("password") {
        Ok(password) => Identity::Login { user, password },
        Err(malformed) => malformed,
    }
}

/// Whether a server took an empty initial response for the user name: all that it asked for is one line, the password. To
/// take that for a user name would be to show it.
fn nameless(turns: &[Turn]) -> bool {
    let mut lines = responses(None, turns);
    let one = lines.next().is_some() && lines.next().is_none();
    let mut prompts = challenges(turns).filter_map(Text::decode);
    one && prompts.next().is_some_and(|prompt| {
        let prompt = prompt.expose().to_ascii_lowercase();
        prompt.starts_with(b"pass")
    })
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
    fn a_server_may_take_an_empty_initial_response_for_the_user_name() {
        let turns = [challenge(b"Password:"), response(b"p", 20)];
        let expected = (Some(String::new()), Some(b"p".to_vec()));
        assert_eq!(fields(decode(Some(&raw(b"=")), &turns)), expected);
        let turns = [challenge(b"Username:"), response(b"u", 20)];
        let expected = (Some("u".to_owned()), None);
        assert_eq!(fields(decode(Some(&raw(b"=")), &turns)), expected);
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

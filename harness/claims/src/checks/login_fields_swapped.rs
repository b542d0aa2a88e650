//! Do user name and password of AUTH LOGIN stand in their places?

use smtp::timeline::Identity;

use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "login-fields-swapped",
    observed_when: "AUTH LOGIN carries the configured password where the user name belongs, or the user name where the password does",
    trigger: "AUTH LOGIN came to its password, and the configured user name and password are known",
    method: "The two responses are decoded and each is held against both configured values. Servers word the prompts as they \
             like, so their order decides and their text does not: the user name comes first.",
    references: &["MS-XLOGIN 2.2", "MS-XLOGIN 3.1"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let timeline = subject.timeline();
    let given = subject.given();
    let (Some(name), Some(secret)) = (&given.username, &given.password) else {
        return Finding::undetermined("the configured user name and password are not known");
    };
    let mut right = None;
    for authentication in &timeline.authentications {
        let Identity::Login { user: Some(user), password } = &authentication.identity else { continue };
        let user_is_secret = user.value.as_bytes() == secret.expose();
        let secret_is_user = password.as_ref().is_some_and(|password| password.value.expose() == name.as_bytes());
        if (user_is_secret || secret_is_user) && secret.expose() != name.as_bytes() {
            let evidence = vec![Evidence::bytes(timeline, authentication.span(), "AUTH LOGIN")];
            let reason = if user_is_secret {
                "the password stands where the user name belongs"
            } else {
                "the user name stands where the password belongs"
            };
            return Finding::observed(reason, evidence);
        }
        let Some(password) = password else { continue };
        if user.value == *name && password.value == *secret {
            let evidence = vec![
                Evidence::bytes(timeline, user.span, "user name"),
                Evidence::bytes(timeline, password.span, "password"),
            ];
            right.get_or_insert_with(|| Finding::not_observed("user name and password stand in their places", evidence));
        }
    }
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    right.unwrap_or_else(|| Finding::undetermined("no AUTH LOGIN carried the configured user name and password"))
}

#[cfg(test)]
mod tests {
    use smtp::Secret;

    use super::super::testing::{Seen, Talk, find};
    use super::*;
    use crate::Given;

    /// `svc` is `c3Zj` and `secret` is `c2VjcmV0`.
    fn seen(talk: Talk) -> Seen {
        let given = Given {
            username: Some("svc".to_owned()),
            password: Some(Secret::new(*b"secret")),
            ..Given::default()
        };
        find(&CHECK, talk, given)
    }

    fn offered() -> Talk {
        Talk::ehlo(&["AUTH LOGIN"])
    }

    #[test]
    fn swapped() {
        let talk = offered().cs("AUTH LOGIN", "334 a").cs("c2VjcmV0", "334 b").cs("c3Zj", "535 no").quit();
        seen(talk).observed("the password stands where", &["LOGIN\r\nc2VjcmV0…"]);
        let twice = offered().cs("AUTH LOGIN c3Zj", "334 b").cs("c3Zj", "535 no").quit();
        seen(twice).observed("the user name stands where", &["LOGIN c3Zj…"]);
    }

    #[test]
    fn in_their_places() {
        let talk = offered().cs("AUTH LOGIN c3Zj", "334 b").cs("c2VjcmV0", "235 ok").quit();
        seen(talk).not_observed("in their places", &["c3Zj", "c2VjcmV0"]);
    }

    #[test]
    fn nothing_to_go_by() {
        seen(offered().cs("AUTH LOGIN c3Zj", "535 no").quit()).undetermined("no AUTH LOGIN carried");
        seen(offered().gap().quit()).undetermined("does not hold");
        find(&CHECK, offered().quit(), Given::default()).undetermined("are not known");
    }
}

//! Does Basic send the handler's user and password where the port has its own?

use smtp::timeline::{Authentication, Identity};

use crate::given::{Login, Mode};
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "handler-login-used",
    observed_when: "the user name or the password that crosses is the handler's, although the port has another",
    trigger: "handler and port have different credentials, and credentials crossed in mode Basic",
    method: "Each level of the configuration has credentials of its own. What AUTH LOGIN or AUTH PLAIN carries is decoded and compared with \
             both. What is neither level's is no answer.",
    references: &["RFC 4616 2", "MS-XLOGIN 2.2"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.other_mode(Mode::Basic) {
        return finding;
    }
    let given = subject.given();
    let Some(handler) = &given.handler_login else {
        return Finding::undetermined("the handler is not known to have credentials that the port replaces");
    };
    let (Some(user), Some(password)) = (&given.username, &given.password) else {
        return Finding::undetermined("the port's credentials are not known");
    };
    let port = Login { user: user.clone(), password: password.clone() };
    if port.user == handler.user || port.password == handler.password {
        return Finding::undetermined("handler and port share a user name or a password, so that the two cannot be told apart");
    }
    let mut other = None;
    let mut seen = None;
    for authentication in &subject.timeline().authentications {
        match carried(subject, authentication, &port, handler) {
            Some((Whose::Handler, evidence)) => {
                return Finding::observed("the handler's credentials crossed, and the port has its own", evidence);
            }
            Some((Whose::Port, evidence)) => seen = seen.or(Some(evidence)),
            Some((Whose::Nobody, _)) => other = Some("the credentials that crossed are neither level's"),
            None => {}
        }
    }
    if let Some(reason) = subject.unheard() {
        return Finding::undetermined(reason);
    }
    match seen {
        Some(evidence) => Finding::not_observed("the port's credentials crossed, and not the handler's", evidence),
        None => Finding::undetermined(other.unwrap_or("no user name and password crossed that can be read")),
    }
}

enum Whose {
    Port,
    Handler,
    Nobody,
}

/// Whose credentials an authentication carries, where they can be read.
fn carried(subject: &Subject<'_>, authentication: &Authentication, port: &Login, handler: &Login) -> Option<(Whose, Vec<Evidence>)> {
    let (user, password) = match &authentication.identity {
        Identity::Plain { authcid, password, .. } => (authcid, password),
        Identity::Login { user: Some(user), password: Some(password) } => (user, password),
        _ => return None,
    };
    let has_any = |login: &Login| login.user == user.value || login.password == password.value;
    let has_both = |login: &Login| login.user == user.value && login.password == password.value;
    let whose = if has_any(handler) {
        Whose::Handler
    } else if has_both(port) {
        Whose::Port
    } else {
        Whose::Nobody
    };
    let evidence = [(user.span, "user name"), (password.span, "password")];
    Some((whose, evidence.map(|(span, what)| Evidence::bytes(subject.timeline(), span, what)).to_vec()))
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD as BASE64, Engine as _};
    use smtp::Secret;

    use super::super::testing::{Seen, Talk, find};
    use super::*;
    use crate::Given;

    fn given(handler: Option<(&str, &str)>) -> Given {
        let login = |(user, password): (&str, &str)| Login { user: user.to_owned(), password: Secret::new(password.as_bytes()) };
        Given {
            mode: Some(Mode::Basic),
            username: Some("port-user".to_owned()),
            password: Some(Secret::new(*b"port-pw")),
            handler_login: handler.map(login),
            ..Given::default()
        }
    }

    const HANDLER: Option<(&str, &str)> = Some(("handler-user", "handler-pw"));

    fn talk(user: &str, password: &str) -> Talk {
        let word = BASE64.encode(format!("\0{user}\0{password}"));
        Talk::ehlo(&["AUTH PLAIN"]).cs(&format!("AUTH PLAIN {word}"), "235 ok").quit()
    }

    fn seen(user: &str, password: &str) -> Seen {
        find(&CHECK, talk(user, password), given(HANDLER))
    }

    #[test]
    fn the_handlers() {
        let line = BASE64.encode("\0handler-user\0handler-pw");
        seen("handler-user", "handler-pw").observed("the handler's credentials crossed", &[&line]);
        let line = BASE64.encode("\0port-user\0handler-pw");
        seen("port-user", "handler-pw").observed("the handler's credentials crossed", &[&line]);
        let login = Talk::ehlo(&["AUTH LOGIN"]).cs("AUTH LOGIN", "334 a").cs("aGFuZGxlci11c2Vy", "334 b").cs("eA==", "535 no");
        find(&CHECK, login.quit(), given(HANDLER)).observed("the handler's", &["aGFuZGxlci11c2Vy"]);
    }

    #[test]
    fn the_ports() {
        let line = BASE64.encode("\0port-user\0port-pw");
        seen("port-user", "port-pw").not_observed("the port's credentials crossed", &[&line]);
    }

    #[test]
    fn what_tells_nothing() {
        seen("somebody", "else").undetermined("neither level's");
        find(&CHECK, talk("port-user", "port-pw"), given(None)).undetermined("not known to have");
        find(&CHECK, talk("port-user", "port-pw"), given(Some(("port-user", "x")))).undetermined("cannot be told apart");
        find(&CHECK, Talk::ehlo(&[]).quit(), given(HANDLER)).undetermined("no user name and password");
        find(&CHECK, Talk::ehlo(&[]).gap().quit(), given(HANDLER)).undetermined("does not hold");
        let ntlm = Given { mode: Some(Mode::Ntlm), ..given(HANDLER) };
        find(&CHECK, talk("handler-user", "handler-pw"), ntlm).not_applicable("mode Basic");
    }
}

//! Is the From address that of the account that authenticated?

use smtp::timeline::Outcome;

use super::each;
use crate::leaks::login::names;
use crate::subject::Sent;
use crate::{Check, Evidence, Finding, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "from-belongs-to-account",
    observed_when: "the address in the From field, or in MAIL where there is none, begins with the name of the account that authenticated",
    trigger: "a login succeeded, its user name can be read, and a message followed",
    method: "The user name, without a domain before it or behind it, is compared with the local part of the address, without regard to case; a user name \
             that is an address, with the whole of it. An account may have addresses under other names: this is what the names say, and no \
             proof of who may send as whom.",
    references: &["RFC 4954 5", "RFC 6409 6.1"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let timeline = subject.timeline();
    let login = timeline.authentications.iter().find(|one| one.outcome == Outcome::Accepted);
    let Some(login) = login else {
        return Finding::undetermined(subject.unheard().unwrap_or_else(|| "no login succeeded".to_owned()));
    };
    let names = names(&login.identity);
    let Some(user) = names.user.filter(|user| !user.is_empty()) else {
        return Finding::undetermined(format!("AUTH {} does not show whose login it is", login.mechanism.value));
    };
    let proof = Evidence::bytes(timeline, login.span(), "the login");
    each::message(subject, Observation::NotObserved, |sent| one(sent, user, &proof))
}

/// The names of accounts are not repeated: a careless client may have put a password there.
fn one(sent: &Sent<'_>, user: &str, login: &Evidence) -> Finding {
    let path = &sent.transaction.reverse_path;
    let field = sent.message.addresses("From").into_iter().next();
    let (from, evidence) = match field {
        Some((from, range)) => (from, sent.evidence(range, "the From address")),
        None if sent.incomplete().is_some() => return Finding::undetermined(sent.incomplete().unwrap_or_default()),
        None if path.value.is_empty() => return Finding::undetermined("neither From nor MAIL names an address"),
        None => (path.value.clone(), Evidence::bytes(sent.timeline, path.span, "the reverse-path")),
    };
    let evidence = vec![evidence, login.clone()];
    if names_user(&from, user) {
        Finding::observed(format!("From is {from}, which carries the name of the account that authenticated"), evidence)
    } else {
        Finding::not_observed(format!("From is {from}, and the account that authenticated has another name"), evidence)
    }
}

/// Whether an address carries the name of a user.
fn names_user(address: &str, user: &str) -> bool {
    let user = user.rsplit_once('\\').map_or(user, |(_, user)| user);
    if user.contains('@') {
        return address.eq_ignore_ascii_case(user);
    }
    let local = address.rsplit_once('@').map_or(address, |(local, _)| local);
    local.eq_ignore_ascii_case(user)
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD as BASE64, Engine as _};

    use super::super::testing::{FROM, Seen, Talk, find, plain};
    use super::*;
    use crate::Given;

    fn login(user: &str, end: &str) -> Talk {
        let word = BASE64.encode(format!("\0{user}\0pw"));
        Talk::ehlo(&["AUTH PLAIN"]).cs(&format!("AUTH PLAIN {word}"), end)
    }

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk.quit(), Given::default())
    }

    fn sent(user: &str) -> Seen {
        seen(login(user, "235 ok").message(&plain("", "x")))
    }

    #[test]
    fn the_accounts_own_address() {
        sent("SENDER").observed("carries the name", &[FROM]);
        sent("CORP\\sender").observed("carries the name", &[FROM]);
        sent(FROM).observed("carries the name", &[FROM]);
        let ntlm = Talk::ehlo(&["AUTH NTLM"]).ntlm("CORP", "sender", "pw", "235 ok");
        seen(ntlm.message(&plain("", "x"))).observed("carries the name", &[FROM]);
        let bare = login("sender", "235 ok").message("Subject: no From\n\nx\n");
        seen(bare).observed("carries the name", &[FROM]);
    }

    #[test]
    fn another_address() {
        sent("svc-biztalk").not_observed("another name", &[FROM]);
        sent("sender@fabrikam.example").not_observed("another name", &[FROM]);
    }

    #[test]
    fn without_a_login_or_a_message() {
        seen(Talk::ehlo(&[]).message(&plain("", "x"))).undetermined("no login succeeded");
        seen(login("sender", "535 no").message(&plain("", "x"))).undetermined("no login succeeded");
        seen(login("sender", "235 ok")).undetermined("no message was sent");
        seen(login("sender", "235 ok").sent("<>", &["<a@b.example>"], "Subject: x\n\nx\n")).undetermined("neither From nor MAIL");
    }
}

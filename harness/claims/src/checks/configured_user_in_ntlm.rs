//! Do the configured credentials leak into NTLM?

use smtp::ntlm::{self, Proof};

use super::{exposure, names_account, ntlm_messages};
use crate::given::Mode;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "configured-user-in-ntlm",
    observed_when: "in mode NTLM the configured UserName or Password can be read, or is what the proof is made with",
    trigger: "an AUTHENTICATE message crossed the wire, and the configured user differs from the account",
    method: "The configured user name and password are canaries. They are looked for in the NTLM messages, in every \
             command and SASL line, and in the message at every depth that opens without a key; a user name that is \
             also an address of the envelope only where names of accounts stand. The response is computed anew with \
             the configured password, where that is not the account's.",
    references: &["MS-NLMP 2.2.1.3", "MS-NLMP 3.3.2"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.other_mode(Mode::Ntlm) {
        return finding;
    }
    let given = subject.given();
    let Some(user) = &given.username else {
        return Finding::undetermined("no UserName is configured, so none could show");
    };
    if given.account.as_ref().is_some_and(|account| names_account(user, account)) {
        return Finding::undetermined("the configured UserName is the account's own");
    }
    let timeline = subject.timeline();
    let mut seen = exposure::of_name(subject, user, "the configured user name");
    if let Some(password) = &given.password {
        seen.extend(exposure::of_secret(subject, password.expose(), "the configured password"));
    }
    seen.extend(proven_with_password(subject));
    if !seen.is_empty() {
        return Finding::observed("the configured credentials were used", seen);
    }
    if let Some(reason) = subject.unsearched() {
        return Finding::undetermined(reason);
    }
    let Some((_, _, message)) = ntlm_messages(timeline).next() else {
        return Finding::undetermined("no AUTHENTICATE message was sent");
    };
    Finding::not_observed(
        "the configured UserName and Password appear nowhere",
        vec![Evidence::bytes(timeline, message.span, "AUTHENTICATE message of the account")],
    )
}

/// AUTHENTICATE messages whose response is made with the configured password, where that is not the account's.
fn proven_with_password(subject: &Subject<'_>) -> Vec<Evidence> {
    let given = subject.given();
    let account = given.account.as_ref().and_then(|account| account.password.as_ref());
    let Some(password) = given.password.as_ref().filter(|p| account.is_some_and(|own| own != *p))
    else {
        return Vec::new();
    };
    let timeline = subject.timeline();
    ntlm_messages(timeline)
        .filter(|(_, exchange, message)| {
            let negotiate = exchange.negotiate.as_ref().map(|n| n.value.raw.as_slice());
            exchange.challenge.as_ref().is_some_and(|challenge| {
                let verified = ntlm::verify(negotiate, &challenge.value, &message.value, password);
                verified.proof == Proof::Valid
            })
        })
        .map(|(_, _, message)| {
            let what = "AUTHENTICATE message whose response is made with the configured password";
            Evidence::bytes(timeline, message.span, what)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use smtp::Secret;

    use super::super::testing::{Seen, Talk, authenticate_line, find, plain};
    use super::*;
    use crate::Given;
    use crate::given::Account;

    fn given(username: &str) -> Given {
        Given {
            mode: Some(Mode::Ntlm),
            username: Some(username.to_owned()),
            password: Some(Secret::new(*b"configured-pw")),
            account: Some(Account {
                domain: "CORP".to_owned(),
                user: "svc-host".to_owned(),
                password: Some(Secret::new(*b"account-pw")),
            }),
            ..Given::default()
        }
    }

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk, given("svc-canary"))
    }

    fn as_user(user: &str, password: &str) -> Talk {
        let talk = Talk::ehlo(&["AUTH NTLM"]).ntlm("CORP", user, password, "235 ok");
        talk.message(&plain("", "x")).quit()
    }

    #[test]
    fn the_configured_user_in_the_message() {
        let line = authenticate_line("CORP", "svc-canary", "account-pw");
        seen(as_user("svc-canary", "account-pw")).observed("were used", &[&line]);
    }

    #[test]
    fn the_configured_password_behind_the_proof() {
        let line = authenticate_line("CORP", "svc-host", "configured-pw");
        seen(as_user("svc-host", "configured-pw")).observed("were used", &[&line]);
    }

    #[test]
    fn the_configured_password_elsewhere() {
        let talk = Talk::ehlo(&["AUTH NTLM"]).ntlm("CORP", "svc-host", "account-pw", "235 ok");
        let talk = talk.message(&plain("X-Note: configured-pw\n", "x")).gap().quit();
        seen(talk).observed("were used", &["configured-pw"]);
    }

    #[test]
    fn the_account_alone() {
        let line = authenticate_line("CORP", "svc-host", "account-pw");
        seen(as_user("svc-host", "account-pw")).not_observed("appear nowhere", &[&line]);
    }

    #[test]
    fn without_a_difference_nothing_is_shown() {
        let talk = as_user("svc-host", "account-pw");
        for own in ["SVC-HOST", "corp\\svc-host"] {
            find(&CHECK, talk.clone(), given(own)).undetermined("the account's own");
        }
        find(&CHECK, talk, Given::default()).undetermined("no UserName");
        seen(Talk::ehlo(&["AUTH NTLM"]).quit()).undetermined("no AUTHENTICATE message");
    }

    #[test]
    fn a_gap_may_hide_it() {
        let talk = Talk::ehlo(&["AUTH NTLM"]).ntlm("CORP", "svc-host", "account-pw", "235 ok");
        seen(talk.gap().quit()).undetermined("does not hold");
        seen(Talk::ehlo(&["AUTH NTLM"]).gap().quit()).undetermined("does not hold");
    }

    #[test]
    fn another_mode() {
        let basic = Given { mode: Some(Mode::Basic), ..given("svc-canary") };
        find(&CHECK, as_user("svc-canary", "x"), basic).not_applicable("about mode NTLM");
    }
}

//! Does the account's password itself cross in mode NTLM?

use smtp::Secret;
use smtp::sasl::proof::{self, Verdict};

use super::{exposure, ntlm_messages};
use crate::given::Mode;
use crate::leaks::is_under_tls;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "password-crosses-with-ntlm",
    observed_when: "in mode NTLM the account's password is sent anywhere, under TLS too: raw, in base64 or in UTF-16",
    trigger: "an AUTHENTICATE message crossed the wire, and the account's password is known",
    method: "The password is looked for in every command and SASL line and in the message at every depth that opens \
             without a key; where the account is not known, those that are known for the accounts which NTLM names. That the \
             response can be attacked off line is another matter and not decided here.",
    references: &["MS-NLMP 3.3.2", "MS-NLMP 5.1"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.other_mode(Mode::Ntlm) {
        return finding;
    }
    let passwords = passwords(subject);
    if passwords.is_empty() {
        return Finding::undetermined(
            "the account's password is not known, so it cannot be looked for",
        );
    }
    if passwords.iter().any(|password| password.len() < exposure::SHORTEST) {
        return Finding::undetermined("the account's password is too short to be looked for");
    }
    let look = |password: &&Secret| exposure::of_secret(subject, password.expose(), "the account's password");
    let seen: Vec<_> = passwords.iter().flat_map(look).collect();
    if !seen.is_empty() {
        let clear = |evidence: &Evidence| evidence.bytes.is_none_or(|span| !is_under_tls(subject.timeline(), span));
        let under = if seen.iter().any(clear) { "" } else { ", under TLS: the server has read it" };
        return Finding::observed(format!("the account's password crossed the wire{under}"), seen);
    }
    if passwords.len() >= MOST {
        return Finding::undetermined("NTLM names more accounts than are looked for in one conversation");
    }
    if let Some(reason) = subject.unsearched() {
        return Finding::undetermined(reason);
    }
    let timeline = subject.timeline();
    let Some((_, _, message)) = ntlm_messages(timeline).next() else {
        return Finding::undetermined("no AUTHENTICATE message was sent");
    };
    Finding::not_observed(
        format!(
            "{} proves it; the password is nowhere, raw or encoded",
            message.value.response_kind().name()
        ),
        vec![Evidence::bytes(timeline, message.span, "AUTHENTICATE message")],
    )
}

/// Accounts of one conversation whose passwords are looked for.
const MOST: usize = 8;

/// The password of the account, or, where it is not known which that is, those known for the accounts that NTLM names.
fn passwords<'a>(subject: &Subject<'a>) -> Vec<&'a Secret> {
    let given = subject.given();
    if let Some(account) = given.account_of(crate::chain::hello(subject.timeline())) {
        return account.password.iter().collect();
    }
    let mut numbers = Vec::new();
    for (authentication, _, _) in ntlm_messages(subject.timeline()) {
        let tested = proof::test(authentication, &given.accounts);
        // A password that the client does not have is not the account's.
        let number = tested.account.filter(|_| tested.verdict != Verdict::Contradicted);
        numbers.extend(number.filter(|number| !numbers.contains(number)));
        if numbers.len() == MOST {
            break;
        }
    }
    let known = numbers.into_iter().filter_map(|number| given.accounts.get(number));
    known.map(|account| &account.password).collect()
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD as BASE64, Engine as _};
    use smtp::sasl::proof::KnownAccount;

    use super::super::testing::{Seen, Talk, authenticate_line, find, plain};
    use super::*;
    use crate::Given;
    use crate::given::Account;

    fn given(password: Option<&str>) -> Given {
        Given {
            mode: Some(Mode::Ntlm),
            account: Some(Account {
                domain: "CORP".to_owned(),
                user: "svc".to_owned(),
                password: password.map(|p| Secret::new(p.as_bytes())),
            }),
            ..Given::default()
        }
    }

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk, given(Some("account-pw")))
    }

    fn proven() -> Talk {
        Talk::ehlo(&["AUTH NTLM LOGIN"]).ntlm("CORP", "svc", "account-pw", "235 ok")
    }

    #[test]
    fn the_password_in_a_message_or_in_another_exchange() {
        let wide: Vec<u8> = "account-pw".bytes().flat_map(|b| [b, 0]).collect();
        let wide = BASE64.encode(wide);
        let talk = proven().message(&plain(&format!("X-Note: {wide}\n"), "x")).gap().quit();
        seen(talk).observed("crossed the wire", &["YQBjAGMAbwB1AG4AdAAtAHAAdw…"]);
        let line = BASE64.encode("account-pw");
        let fell_back = proven().cs("AUTH LOGIN c3Zj", "334 UGFzc3dvcmQ6").cs(&line, "235 ok");
        seen(fell_back.quit()).observed("crossed the wire", &[&line]);
    }

    #[test]
    fn a_proof_alone() {
        let line = authenticate_line("CORP", "svc", "account-pw");
        let found = seen(proven().message(&plain("", "x")).quit());
        found.not_observed("NTLMv2", &[&line]);
    }

    #[test]
    fn what_is_not_known_cannot_be_looked_for() {
        find(&CHECK, proven().quit(), given(None)).undetermined("is not known");
        find(&CHECK, proven().quit(), given(Some("abc"))).undetermined("too short");
        seen(Talk::ehlo(&["AUTH NTLM"]).quit()).undetermined("no AUTHENTICATE message");
    }

    #[test]
    fn the_known_password_of_the_account_that_ntlm_names() {
        let known = |user: &str, password: &str| KnownAccount {
            domain: Some("CORP".to_owned()),
            user: user.to_owned(),
            password: Secret::new(password.as_bytes()),
        };
        let given = |password: &str| Given {
            accounts: vec![known("other", "other-pw"), known("svc", password)],
            ..Given::default()
        };
        let talk = || proven().message(&plain("", "account-pw and other-pw")).quit();
        let found = find(&CHECK, talk(), given("account-pw"));
        found.observed("crossed the wire", &["account-pw"]);
        assert!(!found.quotes.iter().any(|quote| quote == "other-pw"), "{found:?}");
        let line = authenticate_line("CORP", "svc", "account-pw");
        find(&CHECK, proven().quit(), given("account-pw")).not_observed("is nowhere", &[&line]);
        find(&CHECK, talk(), given("not-its-pw")).undetermined("is not known");
    }

    #[test]
    fn a_gap_may_hide_it() {
        seen(proven().gap().quit()).undetermined("does not hold");
    }

    #[test]
    fn another_mode() {
        let basic = Given { mode: Some(Mode::Basic), ..given(Some("account-pw")) };
        find(&CHECK, proven().quit(), basic).not_applicable("about mode NTLM");
    }
}

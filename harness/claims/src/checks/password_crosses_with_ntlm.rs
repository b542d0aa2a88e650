//! Does the account's password itself cross in mode NTLM?

use super::{exposure, ntlm_messages};
use crate::given::Mode;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "password-crosses-with-ntlm",
    observed_when: "in mode NTLM the account's password can be read anywhere: raw, in base64 or in UTF-16",
    trigger: "an AUTHENTICATE message crossed the wire, and the account's password is known",
    method: "The password is looked for in every command and SASL line and in the message at every depth that opens \
             without a key. That the response can be attacked off line is another matter and not decided here.",
    references: &["MS-NLMP 3.3.2", "MS-NLMP 5.1"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.other_mode(Mode::Ntlm) {
        return finding;
    }
    let account = subject.given().account.as_ref();
    let Some(password) = account.and_then(|account| account.password.as_ref()) else {
        return Finding::undetermined(
            "the account's password is not known, so it cannot be looked for",
        );
    };
    if password.len() < exposure::SHORTEST {
        return Finding::undetermined("the account's password is too short to be looked for");
    }
    let seen = exposure::of_secret(subject, password.expose(), "the account's password");
    if !seen.is_empty() {
        return Finding::observed("the account's password crossed the wire", seen);
    }
    if let Some(reason) = subject.unheard() {
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

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD as BASE64, Engine as _};
    use smtp::Secret;

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
    fn a_gap_may_hide_it() {
        seen(proven().gap().quit()).undetermined("does not hold");
    }

    #[test]
    fn another_mode() {
        let basic = Given { mode: Some(Mode::Basic), ..given(Some("account-pw")) };
        find(&CHECK, proven().quit(), basic).not_applicable("about mode NTLM");
    }
}

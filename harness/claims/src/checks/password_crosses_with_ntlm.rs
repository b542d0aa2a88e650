//! Does the account's password itself cross in mode NTLM?

use crate::given::Mode;
use crate::{Check, Evidence, Finding, Subject};

use super::{exposure, ntlm_messages};

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
    let Some(password) = subject.given().account.as_ref().and_then(|account| account.password.as_ref()) else {
        return Finding::undetermined("the account's password is not known, so it cannot be looked for");
    };
    let seen = exposure::in_conversation(subject, password.expose(), "the account's password");
    if !seen.is_empty() {
        return Finding::observed("the account's password crossed the wire", seen);
    }
    let timeline = subject.timeline();
    let Some((_, _, message)) = ntlm_messages(timeline).next() else {
        return subject
            .blind()
            .map_or_else(|| Finding::undetermined("no AUTHENTICATE message was sent"), Finding::undetermined);
    };
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    Finding::not_observed(
        format!("{} proves it; the password is nowhere, raw or encoded", message.value.response_kind().name()),
        vec![Evidence::bytes(timeline, message.span, "AUTHENTICATE message")],
    )
}

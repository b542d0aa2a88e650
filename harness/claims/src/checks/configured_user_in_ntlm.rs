//! Do the configured credentials leak into NTLM?

use crate::given::Mode;
use crate::{Check, Evidence, Finding, Subject};

use super::{exposure, ntlm_messages};

pub(super) static CHECK: Check = Check {
    id: "configured-user-in-ntlm",
    observed_when: "in mode NTLM the configured UserName or Password can be read, or is what the proof is made with",
    trigger: "an AUTHENTICATE message crossed the wire, and the configured user differs from the account",
    method: "The configured user name and password are canaries. They are looked for in the NTLM messages, in every \
             command and SASL line, and in the message at every depth that opens without a key.",
    references: &["MS-NLMP 2.2.1.3"],
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
    if given.account.as_ref().is_some_and(|account| account.user.eq_ignore_ascii_case(user)) {
        return Finding::undetermined("the configured UserName is the account's own");
    }
    let timeline = subject.timeline();
    let mut seen = exposure::in_conversation(subject, user.as_bytes(), "the configured user name");
    if let Some(password) = &given.password {
        seen.extend(exposure::in_conversation(subject, password.expose(), "the configured password"));
    }
    if !seen.is_empty() {
        return Finding::observed("the configured credentials were used", seen);
    }
    let Some((_, _, message)) = ntlm_messages(timeline).next() else {
        return subject
            .blind()
            .map_or_else(|| Finding::undetermined("no AUTHENTICATE message was sent"), Finding::undetermined);
    };
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    Finding::not_observed(
        "the configured UserName and Password appear nowhere",
        vec![Evidence::bytes(timeline, message.span, "AUTHENTICATE message of the account")],
    )
}

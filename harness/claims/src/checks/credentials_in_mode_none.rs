//! Does a sender in mode None send credentials?

use crate::given::Mode;
use crate::{Check, Evidence, Finding, Subject};

use super::exposure;

pub(super) static CHECK: Check = Check {
    id: "credentials-in-mode-none",
    observed_when: "a sender that is not to authenticate sends an AUTH command, an AUTH= parameter or known credentials",
    trigger: "the server offered AUTH, and the sender offered a message",
    method: "AUTH commands, AUTH= parameters of MAIL (RFC 4954 section 5) and, where they are known, the configured \
             user name and password are looked for in everything the sender said. A server that does not offer AUTH \
             gives no occasion.",
    references: &["RFC 4954 4", "RFC 4954 5"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.other_mode(Mode::None) {
        return finding;
    }
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let timeline = subject.timeline();
    let mut seen: Vec<_> = timeline
        .authentications
        .iter()
        .map(|a| Evidence::bytes(timeline, a.span(), format!("AUTH {}", a.mechanism.value)))
        .collect();
    for transaction in &timeline.transactions {
        for parameter in transaction.parameters.iter().filter(|p| p.value.name == "AUTH") {
            seen.push(Evidence::bytes(timeline, parameter.span, "AUTH= parameter of MAIL"));
        }
    }
    let given = subject.given();
    if let Some(password) = &given.password {
        seen.extend(exposure::in_conversation(subject, password.expose(), "the configured password"));
    }
    if let Some(user) = &given.username {
        seen.extend(exposure::in_conversation(subject, user.as_bytes(), "the configured user name"));
    }
    if !seen.is_empty() {
        return Finding::observed("credentials were sent although the mode is None", seen);
    }
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    let Some(offer) = subject.offer("AUTH") else {
        return Finding::undetermined("AUTH was not offered");
    };
    let Some(mail) = timeline.transactions.first().and_then(|t| timeline.request(t.mail)) else {
        return Finding::undetermined("the sender left before it offered a message");
    };
    Finding::not_observed(
        "AUTH was offered; MAIL followed without any credentials",
        vec![offer, Evidence::event(mail, "MAIL without authentication")],
    )
}

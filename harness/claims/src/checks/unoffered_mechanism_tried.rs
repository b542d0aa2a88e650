//! Does the client authenticate with what the server offers?

use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "unoffered-mechanism-tried",
    observed_when: "the client says AUTH with a mechanism that the last reply to EHLO does not list",
    trigger: "the client said AUTH after the server had answered EHLO",
    method: "Each AUTH command is held against the list of mechanisms in the reply to the EHLO before it; an AUTH before any \
             such reply, or after one without AUTH, names a mechanism that was not offered. Names are compared without \
             regard to case, and both spellings of the keyword count.",
    references: &["RFC 4954 3", "RFC 4954 4"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    // A hole may hide the EHLO whose reply counts.
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    let timeline = subject.timeline();
    let mut offered = None;
    for authentication in &timeline.authentications {
        let before = timeline.capabilities.iter().rfind(|one| one.exchange < authentication.exchange);
        let name = &authentication.mechanism.value;
        let auth = Evidence::bytes(timeline, authentication.mechanism.span, format!("AUTH {name}"));
        let list = before.and_then(|list| timeline.reply(list.exchange));
        let list = list.map(|(event, _)| Evidence::event(event, "the reply to EHLO"));
        let evidence: Vec<_> = std::iter::once(auth).chain(list).collect();
        if !before.is_some_and(|list| list.mechanisms().contains(name)) {
            return Finding::observed(format!("{name} was tried and not offered"), evidence);
        }
        offered.get_or_insert_with(|| Finding::not_observed(format!("{name} was offered"), evidence));
    }
    offered.unwrap_or_else(|| Finding::undetermined("the client did not authenticate"))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, find};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk, Given::default())
    }

    const TOKEN: &str = "AHN2YwBwdw==";

    #[test]
    fn not_on_the_list() {
        let talk = Talk::ehlo(&["AUTH LOGIN NTLM"]).cs(&format!("AUTH PLAIN {TOKEN}"), "504 no").quit();
        seen(talk).observed("PLAIN was tried and not offered", &["PLAIN", "250-mx.example\r\n250 AUTH LOGIN NTLM\r\n"]);
        let later = Talk::ehlo(&["AUTH PLAIN"]).again(&["SIZE"]).cs(&format!("AUTH PLAIN {TOKEN}"), "235 ok").quit();
        seen(later).observed("PLAIN was tried", &["PLAIN", "250-mx.example\r\n250 SIZE\r\n"]);
    }

    #[test]
    fn on_the_list() {
        let talk = Talk::ehlo(&["AUTH=login plain"]).cs(&format!("AUTH PLAIN {TOKEN}"), "235 ok").quit();
        seen(talk).not_observed("PLAIN was offered", &["PLAIN"]);
    }

    #[test]
    fn no_login_or_a_hole() {
        seen(Talk::ehlo(&["AUTH PLAIN"]).quit()).undetermined("did not authenticate");
        let hole = Talk::ehlo(&["AUTH LOGIN"]).gap().cs(&format!("AUTH PLAIN {TOKEN}"), "235 ok").quit();
        seen(hole).undetermined("does not hold");
    }
}

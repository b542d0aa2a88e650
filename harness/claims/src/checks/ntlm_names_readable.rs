//! What does NTLM show to whoever reads along?

use super::ntlm_messages;
use crate::leaks::is_under_tls;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "ntlm-names-readable",
    observed_when: "user, domain or workstation are read from an NTLM login that crossed in clear",
    trigger: "an AUTHENTICATE message with a user name crossed the wire",
    method: "The three names stand in AUTHENTICATE in UTF-16 or in a character set of eight bits, behind base64 and nothing else. NTLM hides the password; \
             whose it is, it does not hide. Under TLS nobody reads them off the wire.",
    references: &["MS-NLMP 2.2.1.3", "MS-NLMP 5.1"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let timeline = subject.timeline();
    let mut hidden = None;
    for (_, _, message) in ntlm_messages(timeline) {
        let who = &message.value;
        if who.user.is_empty() {
            continue;
        }
        let evidence = vec![Evidence::bytes(timeline, message.span, "AUTHENTICATE message")];
        if is_under_tls(timeline, message.span) {
            hidden.get_or_insert_with(|| Finding::not_observed("the NTLM login crossed under TLS", evidence));
            continue;
        }
        let names = [("user", &who.user), ("domain", &who.domain), ("workstation", &who.workstation)];
        let names: Vec<_> = names.iter().filter(|(_, name)| !name.is_empty()).map(|(what, name)| format!("{what} {name}")).collect();
        return Finding::observed(format!("readable without any key: {}", names.join(", ")), evidence);
    }
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    hidden.unwrap_or_else(|| Finding::undetermined("no AUTHENTICATE message named a user"))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Talk, authenticate_line, find};
    use super::*;
    use crate::Given;

    fn login(talk: Talk) -> Talk {
        talk.ntlm("CORP", "svc", "pw", "235 ok").quit()
    }

    #[test]
    fn in_clear() {
        let seen = find(&CHECK, login(Talk::ehlo(&["AUTH NTLM"])), Given::default());
        seen.observed("user svc, domain CORP, workstation HOST01", &[&authenticate_line("CORP", "svc", "pw")]);
    }

    #[test]
    fn under_tls() {
        let talk = Talk::ehlo(&["STARTTLS"]).cs("STARTTLS", "220 go").opened().again(&["AUTH NTLM"]);
        find(&CHECK, login(talk), Given::default()).not_observed("under TLS", &["TlRM…"]);
    }

    #[test]
    fn nothing_to_read() {
        find(&CHECK, Talk::ehlo(&["AUTH NTLM"]).quit(), Given::default()).undetermined("named a user");
        find(&CHECK, Talk::ehlo(&["AUTH NTLM"]).gap(), Given::default()).undetermined("does not hold");
    }
}

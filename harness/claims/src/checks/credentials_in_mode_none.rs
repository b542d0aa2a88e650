//! Does a sender in mode None send credentials?

use smtp::timeline::{Event, Timeline};

use super::{exposure, said_after};
use crate::given::Mode;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "credentials-in-mode-none",
    observed_when: "a sender that is not to authenticate sends an AUTH command, an AUTH= parameter or known credentials",
    trigger: "the server offered AUTH, and the sender then offered a message",
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
    let seen = credentials(subject);
    if !seen.is_empty() {
        if subject.given().mode.is_none() {
            return Finding::undetermined("credentials were sent; whether the mode is None is not known");
        }
        return Finding::observed("credentials were sent although the mode is None", seen);
    }
    // Bodies matter only where there is a text to look for in them.
    let given = subject.given();
    let unseen = if given.password.is_some() || given.username.is_some() {
        subject.unsearched()
    } else {
        subject.unheard()
    };
    if let Some(reason) = unseen {
        return Finding::undetermined(reason);
    }
    let timeline = subject.timeline();
    let Some(offer) = subject.offer("AUTH") else {
        return Finding::undetermined("AUTH was not offered");
    };
    let Some(mail) = mail_after_offer(timeline) else {
        return Finding::undetermined("the sender offered no message after AUTH was offered");
    };
    Finding::not_observed(
        "AUTH was offered; MAIL followed without any credentials",
        vec![offer, Evidence::event(mail, "MAIL without authentication")],
    )
}

fn credentials(subject: &Subject<'_>) -> Vec<Evidence> {
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
        seen.extend(exposure::of_secret(subject, password.expose(), "the configured password"));
    }
    if let Some(user) = &given.username {
        seen.extend(exposure::of_name(subject, user, "the configured user name"));
    }
    seen
}

fn mail_after_offer(timeline: &Timeline) -> Option<&Event> {
    let offering = timeline.capabilities.iter().find(|c| c.get("AUTH").is_some())?;
    said_after(timeline, offering.exchange, &["MAIL"]).map(|(event, _)| event)
}

#[cfg(test)]
mod tests {
    use smtp::Secret;

    use super::super::testing::{Seen, Talk, find, plain};
    use super::*;
    use crate::Given;

    fn given(mode: Option<Mode>) -> Given {
        Given {
            mode,
            username: Some("svc-canary".to_owned()),
            password: Some(Secret::new(*b"S3cret-pw")),
            ..Given::default()
        }
    }

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk, given(Some(Mode::None)))
    }

    fn offered() -> Talk {
        Talk::ehlo(&["AUTH LOGIN PLAIN NTLM"])
    }

    #[test]
    fn an_auth_command_or_parameter() {
        let auth = offered().cs("AUTH LOGIN", "504 no").gap().message(&plain("", "x"));
        seen(auth.quit()).observed("credentials were sent", &["LOGIN"]);
        let parameter = offered().sent("<a@b> AUTH=svc", &["<c@d>"], &plain("", "x"));
        seen(parameter.quit()).observed("credentials were sent", &["AUTH=svc"]);
        let refused = offered().cs("MAIL FROM:<a@b> AUTH=<>", "530 no").quit();
        seen(refused).observed("credentials were sent", &["AUTH=<>"]);
    }

    #[test]
    fn the_configured_credentials_anywhere() {
        let body = plain("X-Note: S3cret-pw\n", "x");
        seen(offered().message(&body).quit()).observed("credentials", &["S3cret-pw"]);
        let name = offered().cs("NOOP svc-canary", "250 ok").message(&plain("", "x")).quit();
        seen(name).observed("credentials", &["NOOP svc-canary\r\n"]);
    }

    #[test]
    fn mail_without_any_credentials() {
        let talk = offered().message(&plain("", "x")).quit();
        let quotes = ["250 AUTH LOGIN PLAIN NTLM\r\n", "MAIL FROM:<sender@contoso.example>\r\n"];
        seen(talk.clone()).not_observed("without any credentials", &quotes);
        // Where no mode is given, a message without AUTH shows it.
        find(&CHECK, talk, Given::default()).not_observed("without any credentials", &quotes);
        // What belongs to no documented mode says nothing about this one.
        let digest = offered().cs("AUTH CRAM-MD5", "334 PDFAbXg+").cs("c3ZjIDAxMjM=", "535 no").quit();
        find(&CHECK, digest, Given::default()).undetermined("whether the mode is None is not known");
    }

    #[test]
    fn without_occasion_nothing_is_shown() {
        seen(Talk::ehlo(&["DSN"]).message(&plain("", "x")).quit()).undetermined("not offered");
        seen(offered().quit()).undetermined("no message after");
        let late = Talk::silent().s("220 mx").cs("HELO a", "250 mx").message(&plain("", "x"));
        seen(late.again(&["AUTH PLAIN"]).quit()).undetermined("no message after");
    }

    #[test]
    fn what_cannot_be_read_may_be_credentials() {
        seen(offered().gap().message(&plain("", "x")).quit()).undetermined("does not hold");
        let tls = Talk::ehlo(&["AUTH LOGIN", "STARTTLS"]).cs("STARTTLS", "220 go").tls();
        seen(tls).undetermined("under TLS");
    }

    #[test]
    fn another_mode() {
        let talk = offered().ntlm("CORP", "svc", "pw", "235 ok").quit();
        find(&CHECK, talk.clone(), given(Some(Mode::Ntlm))).not_applicable("about mode None");
        find(&CHECK, talk, Given::default()).not_applicable("mode NTLM");
    }
}

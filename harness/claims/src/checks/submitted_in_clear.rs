//! Does the client log in or send mail without TLS?

use smtp::timeline::Protocol;

use super::{SUBMITS, has_ended, in_clear};
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "submitted-in-clear",
    observed_when: "AUTH, MAIL, RCPT, DATA or BDAT crosses outside TLS",
    trigger: "the client spoke, and its session came to an end",
    method: "The commands that were said in clear are searched for those that submit something. A client that is told to use \
             TLS has nothing to submit without it: whoever strikes STARTTLS from an EHLO reply, or refuses it in the server's \
             name, would get what TLS was to protect.",
    references: &["RFC 3207 4", "RFC 3207 6", "RFC 8314 5.2"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let timeline = subject.timeline();
    if let Some((_, event, command)) = in_clear(timeline).find(|(_, _, command)| SUBMITS.contains(&command.verb.as_str())) {
        let verb = command.verb.as_str();
        return Finding::observed(
            format!("{verb} crossed in clear"),
            vec![Evidence::event(event, format!("{verb} in clear"))],
        );
    }
    if let Some(reason) = subject.hidden_in_clear() {
        return Finding::undetermined(reason);
    }
    if let Some(tls) = timeline.tls.as_ref().filter(|_| timeline.protocol == Protocol::ImplicitTls) {
        return Finding::not_observed(
            "the first bytes of the client are those of TLS",
            vec![Evidence::bytes(timeline, tls.client, "TLS records of the client")],
        );
    }
    let Some((_, said, _)) = timeline.commands().next() else {
        return Finding::undetermined("the client said nothing");
    };
    let mut evidence = vec![Evidence::event(said, "what the client said in clear")];
    if let Some(tls) = &timeline.tls {
        evidence.push(Evidence::bytes(timeline, tls.client, "TLS records of the client"));
        return Finding::not_observed("nothing was submitted before TLS began", evidence);
    }
    if !has_ended(timeline) {
        return Finding::undetermined("the capture does not show the session end");
    }
    evidence.extend(timeline.events.last().map(|event| Evidence::event(event, "the end of the session")));
    Finding::not_observed("the client left without submitting anything", evidence)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, find, plain};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk, Given::default())
    }

    #[test]
    fn mail_or_a_login_in_clear() {
        seen(Talk::ehlo(&[]).message(&plain("", "x")).quit()).observed("MAIL crossed in clear", &["MAIL FROM…"]);
        let login = Talk::ehlo(&["STARTTLS"]).cs("AUTH PLAIN AGEAYg==", "235 ok").cs("STARTTLS", "220 go").tls();
        seen(login).observed("AUTH crossed", &["AUTH PLAIN AGEAYg==\r\n"]);
    }

    #[test]
    fn tls_first_or_nothing() {
        seen(Talk::ehlo(&[]).quit()).not_observed("left without", &["EHLO host.contoso.example\r\n", "packet 7"]);
        let upgraded = Talk::ehlo(&["STARTTLS"]).cs("STARTTLS", "220 go").opened().again(&[]).message(&plain("", "x"));
        seen(upgraded).not_observed("before TLS began", &["EHLO host.contoso.example\r\n"]);
        let implicit = Talk::silent().opened().s("220 mx").again(&[]).message(&plain("", "x"));
        seen(implicit).not_observed("first bytes of the client", &["EHLO…"]);
    }

    #[test]
    fn a_session_that_is_not_over_or_not_all_there() {
        seen(Talk::silent().s("220 mx")).undetermined("said nothing");
        seen(Talk::ehlo(&[])).undetermined("session end");
        seen(Talk::ehlo(&[]).gap().quit()).undetermined("does not hold");
    }
}

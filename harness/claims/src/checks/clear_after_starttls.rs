//! Does a sender that asked for TLS go on without it?

use super::{SUBMITS, has_ended, said_after};
use crate::leaks::is_under_tls;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "clear-after-starttls",
    observed_when: "the sender asked for STARTTLS, no TLS came of it, and it logged in or sent mail in clear all the same",
    trigger: "the sender asked for STARTTLS, and the server refused it or no TLS came after the 220",
    method: "After the reply to STARTTLS the commands are searched for AUTH, MAIL, RCPT, DATA and BDAT. One who can \
             change a packet can refuse STARTTLS in the server's name, so a sender that then goes on in clear is \
             protected from nobody.",
    references: &["RFC 8314 5.2", "RFC 3207 4.1", "RFC 3207 6"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let timeline = subject.timeline();
    let asked = timeline.commands().find(|(_, _, command)| command.verb == "STARTTLS");
    let Some((number, event, _)) = asked else {
        return Finding::undetermined("the sender did not ask for STARTTLS");
    };
    let went_on = said_after(timeline, number, &SUBMITS).filter(|(after, _)| !is_under_tls(timeline, after.span));
    // A second try may have been granted, after the sender had gone on without.
    if timeline.tls.is_some() && went_on.is_none() {
        return Finding::undetermined("TLS began, so that there was nothing to go on without");
    }
    let Some((answer, reply)) = timeline.reply(number) else {
        return Finding::undetermined("the reply to STARTTLS was not captured");
    };
    let code = reply.code;
    let evidence = |last: Evidence| vec![last, Evidence::event(event, "STARTTLS command"), Evidence::event(answer, format!("{code} reply"))];
    if let Some((after, command)) = went_on {
        let verb = command.verb.as_str();
        return Finding::observed(
            format!("STARTTLS was answered {code}, no TLS came of it, and {verb} followed in clear"),
            evidence(Evidence::event(after, format!("{verb} in clear"))),
        );
    }
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    if !has_ended(timeline) {
        return Finding::undetermined("the capture does not show the session end");
    }
    let last = timeline.events.last().unwrap_or(answer);
    Finding::not_observed(
        format!("STARTTLS was answered {code}, no TLS came of it, and the sender left"),
        evidence(Evidence::event(last, "the end of the session")),
    )
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, find, plain};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk, Given::default())
    }

    fn refused() -> Talk {
        Talk::ehlo(&["STARTTLS"]).cs("STARTTLS", "454 not now")
    }

    #[test]
    fn mail_after_a_refusal() {
        let quotes = ["MAIL FROM:<sender@contoso.example>\r\n", "STARTTLS\r\n", "454 not now\r\n"];
        seen(refused().message(&plain("", "x")).quit()).observed("MAIL followed", &quotes);
        let granted = Talk::ehlo(&["STARTTLS"]).cs("STARTTLS", "220 go").cs("AUTH PLAIN AGEAYg==", "235 ok");
        seen(granted.quit()).observed("answered 220", &["AUTH PLAIN AGEAYg==\r\n"]);
    }

    #[test]
    fn mail_before_a_second_try_and_not_after_it() {
        let again = || Talk::ehlo(&["STARTTLS"]).cs("STARTTLS", "220 go").opened().again(&[]);
        seen(again().message(&plain("", "x")).quit()).undetermined("TLS began");
        let between = refused().message(&plain("", "x")).cs("STARTTLS", "220 go").opened().again(&[]);
        seen(between.quit()).observed("MAIL followed in clear", &["MAIL FROM…"]);
    }

    #[test]
    fn a_sender_that_leaves() {
        seen(refused().quit()).not_observed("the sender left", &["packet 9", "STARTTLS\r\n", "454 not now\r\n"]);
    }

    #[test]
    fn not_provoked_or_not_to_be_seen() {
        seen(Talk::ehlo(&["STARTTLS"]).quit()).undetermined("did not ask");
        seen(Talk::ehlo(&["STARTTLS"]).cs("STARTTLS", "220 go").tls()).undetermined("TLS began");
        seen(Talk::ehlo(&["STARTTLS"]).c("STARTTLS")).undetermined("reply to STARTTLS");
        seen(refused().gap().quit()).undetermined("does not hold");
        seen(refused()).undetermined("the session end");
    }
}

//! Does the client authenticate at the right moment, and once?

use smtp::timeline::Outcome;

use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "auth-out-of-place",
    observed_when: "the client says AUTH inside a mail transaction, or again after one has succeeded",
    trigger: "an authentication succeeded, or the client said AUTH in a session with a transaction",
    method: "The AUTH commands of the session are put in order with 235 and with MAIL. A transaction is open from an accepted \
             MAIL up to the reply to its message, RSET or EHLO.",
    references: &["RFC 4954 4"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let timeline = subject.timeline();
    let mut succeeded: Option<usize> = None;
    for authentication in &timeline.authentications {
        let shown = |what: &str| {
            let (event, words) = (timeline.request(authentication.exchange), format!("AUTH {what}"));
            event.map(|_| Evidence::bytes(timeline, authentication.mechanism.span, words)).into_iter().collect::<Vec<_>>()
        };
        if succeeded.is_some() {
            return Finding::observed("AUTH was said again after it had succeeded", shown("after 235"));
        }
        if is_in_transaction(subject, authentication.exchange) {
            return Finding::observed("AUTH was said inside a mail transaction", shown("after MAIL"));
        }
        if authentication.outcome == Outcome::Accepted {
            succeeded = Some(authentication.exchange);
        }
    }
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    let Some(first) = timeline.authentications.first() else {
        return Finding::undetermined("the client did not authenticate");
    };
    if succeeded.is_none() && timeline.transactions.is_empty() {
        return Finding::undetermined("no authentication succeeded, and there was no transaction");
    }
    let evidence = vec![Evidence::bytes(timeline, first.mechanism.span, "AUTH")];
    Finding::not_observed("AUTH was said before any transaction, and not again after it succeeded", evidence)
}

/// Whether a transaction is open at an exchange.
fn is_in_transaction(subject: &Subject<'_>, exchange: usize) -> bool {
    let timeline = subject.timeline();
    let mut open = false;
    for number in 0..exchange {
        let accepted = timeline.reply(number).is_some_and(|(_, reply)| reply.is_positive());
        match timeline.command(number).map(|command| command.verb.as_str()) {
            Some("MAIL") => open |= accepted,
            Some("RSET" | "EHLO" | "HELO" | "STARTTLS") => open &= !accepted,
            // The end of the content, with its final reply.
            None => open = false,
            Some(_) => {}
        }
    }
    open
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, find, plain};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk, Given::default())
    }

    const AUTH: &str = "AUTH PLAIN AHN2YwBwdw==";

    fn offered() -> Talk {
        Talk::ehlo(&["AUTH PLAIN"])
    }

    #[test]
    fn again_or_inside_a_transaction() {
        let twice = offered().cs(AUTH, "235 ok").cs(AUTH, "503 no").quit();
        seen(twice).observed("again after it had succeeded", &["PLAIN"]);
        let inside = offered().cs("MAIL FROM:<a@b>", "250 ok").cs(AUTH, "503 no").quit();
        seen(inside).observed("inside a mail transaction", &["PLAIN"]);
    }

    #[test]
    fn in_its_place() {
        let talk = offered().cs(AUTH, "235 ok").message(&plain("", "x")).quit();
        seen(talk).not_observed("before any transaction", &["PLAIN"]);
        let again = offered().cs(AUTH, "535 no").cs(AUTH, "235 ok").quit();
        seen(again).not_observed("before any transaction", &["PLAIN"]);
        let demanded = offered().cs("MAIL FROM:<a@b>", "530 first").cs(AUTH, "235 ok").quit();
        seen(demanded).not_observed("before any transaction", &["PLAIN"]);
        let reset = offered().cs("MAIL FROM:<a@b>", "250 ok").cs("RSET", "250 ok").cs(AUTH, "235 ok").quit();
        seen(reset).not_observed("before any transaction", &["PLAIN"]);
    }

    #[test]
    fn nothing_to_go_by() {
        seen(offered().quit()).undetermined("did not authenticate");
        seen(offered().cs(AUTH, "535 no").quit()).undetermined("no authentication succeeded");
        seen(offered().cs(AUTH, "235 ok").gap().quit()).undetermined("does not hold");
    }
}

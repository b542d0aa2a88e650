//! Does the client come back after a failure for the moment?

use super::attempts::{Setback, mail, repeats, setback};
use super::has_ended;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "transient-failure-retried",
    observed_when: "after a conversation that ended with 4yz, or broke, the client opens another one, introduces itself, and asks \
                    for the same again",
    trigger: "a conversation failed for the moment, and the client came back or was told to",
    method: "The last 4yz to the greeting, MAIL, RCPT, DATA or the message, or the end of a connection that was to have a reply, \
             is a failure for the moment. The conversations that began later are searched for one that opens with EHLO or \
             HELO and has the same sender and recipients. A client that was told nothing about trying again need not.",
    references: &["RFC 5321 4.2.1", "RFC 5321 4.5.4.1", "RFC 5321 3.8"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let timeline = subject.timeline();
    let Some(failed) = setback(timeline).filter(Setback::is_transient) else {
        return Finding::undetermined("nothing failed for the moment in this conversation");
    };
    let cause = Evidence::event(failed.event, "the failure for the moment");
    for later in subject.later() {
        let again = later.timeline();
        let fresh = again.commands().next().is_some_and(|(_, _, command)| matches!(command.verb.as_str(), "EHLO" | "HELO"));
        if fresh && repeats(subject, again).is_some() {
            let first = timeline.transactions.last().and_then(|one| mail(timeline, one, "the envelope that came again"));
            return Finding::observed(
                format!("{}, and a later conversation asks for the same again", failed.words()),
                std::iter::once(cause).chain(first).collect(),
            );
        }
    }
    if let Some(reason) = subject.siblings().find_map(|sibling| sibling.blind()) {
        return Finding::undetermined(reason);
    }
    if !has_ended(timeline) {
        return Finding::undetermined("the capture does not show the session end");
    }
    match subject.given().retries {
        Some(1..) => Finding::not_observed(format!("{}, and the client did not try again", failed.words()), vec![cause]),
        Some(0) | None => Finding::undetermined("the client did not try again, and was not told to"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, case, plain};
    use super::*;
    use crate::Given;

    fn seen(talks: Vec<Talk>, retries: u32) -> Seen {
        let given = Given { retries: Some(retries), ..Given::default() };
        case(talks, given).find(&CHECK, 0)
    }

    fn sent() -> Talk {
        Talk::ehlo(&[]).message(&plain("", "x")).quit()
    }

    fn deferred() -> Talk {
        Talk::ehlo(&[]).cs("MAIL FROM:<sender@contoso.example>", "451 later").quit()
    }

    #[test]
    fn tried_again() {
        seen(vec![deferred(), sent()], 0).observed("MAIL was answered 451", &["451 later\r\n", "MAIL FROM…"]);
        let broken = Talk::ehlo(&[]).cs("MAIL FROM:<sender@contoso.example>", "250 ok").turn("!S", "");
        seen(vec![broken, sent()], 1).observed("the connection ended", &["packet 6"]);
        let greeting = Talk::silent().s("421 busy").quit();
        seen(vec![greeting, sent()], 1).observed("answered 421", &["421 busy\r\n"]);
    }

    #[test]
    fn told_to_and_not_tried_again() {
        seen(vec![deferred()], 2).not_observed("did not try again", &["451 later\r\n"]);
        let other = Talk::ehlo(&[]).sent("<other@contoso.example>", &["<a@b.example>"], "Subject: x\n\ny\n").quit();
        seen(vec![deferred(), other], 2).not_observed("did not try again", &["451 later\r\n"]);
    }

    #[test]
    fn no_failure_for_the_moment_or_nothing_said_about_retries() {
        seen(vec![deferred()], 0).undetermined("not told");
        seen(vec![sent()], 1).undetermined("nothing failed");
        let refused = Talk::ehlo(&[]).cs("MAIL FROM:<sender@contoso.example>", "550 never").quit();
        seen(vec![refused, sent()], 1).undetermined("nothing failed");
        let open = Talk::ehlo(&[]).cs("MAIL FROM:<sender@contoso.example>", "451 later");
        seen(vec![open], 1).undetermined("session end");
    }
}

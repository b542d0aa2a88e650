//! Does the client stop waiting for a server that says nothing?

use smtp::timeline::{Event, EventKind};
use wire::{Direction, Opening};

use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "gave-up-on-silence",
    observed_when: "the greeting, or the reply to a command or to the message, does not come, and the client ends the \
                    connection before the server does",
    trigger: "something was left without a reply, and the client ended the connection, or it was told how long to wait and the \
              server ended it",
    method: "The first thing that was never answered is held against the FIN and RST packets behind it: whose came first. \
             A client that is still there when the server leaves would have waited longer; for how long shows only where \
             it was told to wait for less.",
    references: &["RFC 5321 4.5.3.2", "RFC 5321 4.5.4"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let timeline = subject.timeline();
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    let mut ends = timeline.events.iter().filter(|event| matches!(event.kind, EventKind::Fin | EventKind::Reset));
    let end = ends.next();
    // What the server says to a client that has left is no answer.
    let in_time = |reply: &Event| match end {
        Some(end) if end.span.direction == Direction::Client => reply.packets.first() < end.packets.first(),
        _ => true,
    };
    let greeted = timeline.events.iter().any(|event| matches!(event.kind, EventKind::Reply(_)) && in_time(event));
    let unanswered = (0..timeline.exchanges.len()).find_map(|number| {
        let event = timeline.request(number)?;
        let quit = timeline.command(number).is_some_and(|command| command.verb == "QUIT");
        let answered = timeline.reply(number).is_some_and(|(reply, _)| in_time(reply));
        (!answered && !quit).then_some(event)
    });
    let asked = match (greeted, unanswered, timeline.opening) {
        (false, _, Opening::Handshake { syn }) => Evidence::packet(syn, "the connection, never greeted"),
        (false, _, _) => return Finding::undetermined("the capture shows neither the opening nor a greeting"),
        (true, Some(event), _) => Evidence::event(event, "what was never answered"),
        (true, None, _) => return Finding::undetermined("the server answered everything"),
    };
    match end {
        None => Finding::undetermined("the capture does not show the connection end"),
        Some(event) if event.span.direction == Direction::Client => {
            Finding::observed("the client ended a connection on which no reply came", vec![Evidence::event(event, "the client's end"), asked])
        }
        Some(event) if subject.given().patience.is_some() => Finding::not_observed(
            "no reply came, and the client was still waiting when the server ended the connection",
            vec![Evidence::event(event, "the server's end"), asked],
        ),
        Some(_) => Finding::undetermined("the server ended the connection first, and how long the client is to wait is not known"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::testing::{Seen, Talk, find, plain};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk, told: bool) -> Seen {
        let patience = told.then(|| Duration::from_millis(300));
        find(&CHECK, talk, Given { patience, ..Given::default() })
    }

    fn asked() -> Talk {
        Talk::ehlo(&[]).c("MAIL FROM:<a@b.example>")
    }

    #[test]
    fn a_client_that_gives_up() {
        seen(asked().closed(), false).observed("the client ended", &["packet 5", "MAIL FROM:<a@b.example>\r\n"]);
        seen(Talk::silent().closed(), false).observed("the client ended", &["packet 1", "packet 0"]);
        // It may take its leave first.
        seen(asked().c("QUIT").closed(), false).observed("the client ended", &["packet 6", "MAIL FROM…"]);
    }

    #[test]
    fn what_comes_after_the_end_is_no_answer() {
        let late = asked().turn("-C", "").s("421 closing").turn("-S", "");
        seen(late, false).observed("the client ended", &["packet 5", "MAIL FROM…"]);
        let greeting = Talk::silent().turn("-C", "").s("421 closing").turn("-S", "");
        seen(greeting, false).observed("the client ended", &["packet 1", "packet 0"]);
    }

    #[test]
    fn a_client_that_waits_for_good() {
        let served = asked().turn("-S", "").turn("-C", "");
        seen(served.clone(), true).not_observed("still waiting", &["packet 5", "MAIL FROM…"]);
        seen(served, false).undetermined("how long the client is to wait");
    }

    #[test]
    fn no_silence_or_no_end() {
        seen(Talk::ehlo(&[]).message(&plain("", "x")).quit(), true).undetermined("answered everything");
        seen(Talk::ehlo(&[]).c("QUIT").closed(), true).undetermined("answered everything");
        seen(asked(), true).undetermined("the connection end");
        seen(Talk::ehlo(&[]).gap().c("MAIL FROM:<a@b.example>").closed(), true).undetermined("does not hold");
    }
}

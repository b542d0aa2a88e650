//! Does the client wait for the end of a reply?

use smtp::timeline::{Event, EventKind};
use wire::Direction;

use crate::{Check, Evidence, Finding, Subject};

use super::offers;

pub(super) static CHECK: Check = Check {
    id: "spoke-before-reply-ended",
    observed_when: "the client sends something after the beginning of a reply and before its end",
    trigger: "a reply came in more than one packet, the client spoke or left afterwards, and PIPELINING was not offered",
    method: "For each reply that came in several packets it is looked whether the client sent a packet of its own between the first \
             and the last of them. A client that takes a first line, or a first segment, for the whole reply does so, and is \
             out of step from then on. Where PIPELINING is on offer a client may speak at any time.",
    references: &["RFC 5321 4.2.1", "RFC 5321 4.3.1"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    if subject.offer("PIPELINING").is_some() {
        return Finding::not_applicable("PIPELINING was offered");
    }
    let timeline = subject.timeline();
    let said: Vec<_> = timeline.events.iter().filter(|event| speaks(event)).collect();
    let mut waited = None;
    for event in timeline.events.iter().filter(|event| replies(event)) {
        let (Some(&first), Some(&last)) = (event.packets.first(), event.packets.last()) else {
            continue;
        };
        let began = |one: &&&Event| one.packets.first().copied().unwrap_or_default();
        // What never came to its end has no last packet; a client that gives it up may say so.
        let open = !is_complete(event);
        let inside = said.iter().find(|one| match began(one) {
            at if at <= first => false,
            at => at < last || (open && !quits(one)),
        });
        if let Some(inside) = inside {
            return Finding::observed(
                "the client spoke in the middle of a reply",
                vec![Evidence::event(inside, "what the client said"), Evidence::event(event, "the reply that had not ended")],
            );
        }
        let left = |one: &Event| one.span.direction == Direction::Client && one.span.is_empty();
        let later = |one: &&Event| speaks(one) || left(one);
        if first < last && timeline.events.iter().filter(later).any(|one| began(&&one) > last) {
            waited.get_or_insert(event);
        }
    }
    match waited {
        Some(event) => {
            let mut evidence = vec![Evidence::event(event, "a reply in several packets")];
            evidence.extend(offers::went_on(timeline).into_iter().flatten().take(1));
            Finding::not_observed("the client waited for the end of every reply", evidence)
        }
        None => Finding::undetermined("no reply came in several packets"),
    }
}

/// Whether an event is a reply, or the beginning of one whose end never came.
fn replies(event: &Event) -> bool {
    let text = matches!(event.kind, EventKind::Reply(_) | EventKind::Unparsed(_));
    text && event.span.direction == Direction::Server
}

/// Whether an event is a reply whose last line was seen with its end.
const fn is_complete(event: &Event) -> bool {
    matches!(&event.kind, EventKind::Reply(reply) if reply.complete)
}

/// Whether an event is the client's QUIT.
fn quits(event: &Event) -> bool {
    matches!(&event.kind, EventKind::Command(command) if command.verb == "QUIT")
}

/// Whether an event is something that the client said.
fn speaks(event: &Event) -> bool {
    event.span.direction == Direction::Client
        && matches!(
            event.kind,
            EventKind::Command(_) | EventKind::SaslResponse(_) | EventKind::Content(_) | EventKind::Unparsed(_)
        )
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FROM, Talk, find};
    use super::*;
    use crate::Given;

    #[test]
    fn the_first_line_taken_for_the_reply() {
        let talk = Talk::ehlo(&[]).c(&format!("MAIL FROM:<{FROM}>")).turn("S", "250-first\r\n").c("RCPT TO:<a@b.example>").turn("S", "250 last\r\n");
        find(&CHECK, talk.quit(), Given::default()).observed("in the middle of a reply", &["RCPT…"]);
    }

    #[test]
    fn the_middle_of_a_line_taken_for_the_reply() {
        let talk = Talk::ehlo(&[]).c(&format!("MAIL FROM:<{FROM}>")).turn("S", "250 aaa").turn("S", "aaa");
        let went_on = talk.clone().c("RCPT TO:<a@b.example>").closed();
        find(&CHECK, went_on, Given::default()).observed("in the middle of a reply", &["RCPT…", "250 aaaaaa"]);
        find(&CHECK, talk.c("QUIT").closed(), Given::default()).not_observed("waited", &["250 aaaaaa"]);
    }

    #[test]
    fn waiting_for_the_last_line() {
        let talk = Talk::ehlo(&[]).c(&format!("MAIL FROM:<{FROM}>")).turn("S", "250-first\r\n25").turn("S", "0 last\r\n");
        let talk = talk.cs("RCPT TO:<a@b.example>", "250 ok");
        find(&CHECK, talk.quit(), Given::default()).not_observed("waited", &["250-first\r\n250 last\r\n", "MAIL…"]);
        let left = Talk::silent().turn("S", "220-a\r\n").turn("S", "220-b\r\n").closed();
        find(&CHECK, left, Given::default()).not_observed("waited", &["220-a\r\n220-b\r\n"]);
    }

    #[test]
    fn no_test() {
        find(&CHECK, Talk::ehlo(&[]).quit(), Given::default()).undetermined("no reply came");
        let talk = Talk::ehlo(&["PIPELINING"]).c("NOOP").turn("S", "250-a\r\n").c("RSET").turn("S", "250 b\r\n").s("250 ok");
        find(&CHECK, talk.quit(), Given::default()).not_applicable("PIPELINING");
    }
}

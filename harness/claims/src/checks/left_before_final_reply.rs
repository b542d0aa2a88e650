//! Does the client wait for the word on its message?

use smtp::timeline::EventKind;
use wire::Direction;

use super::each;
use super::envelope::is_ahead_of;
use crate::subject::Sent;
use crate::{Check, Evidence, Finding, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "left-before-final-reply",
    observed_when: "the client closes the connection after a message, or says QUIT without PIPELINING on offer, before the \
                    reply to the end of the message has come",
    trigger: "a whole message was sent, and its final reply came, or the client left without it",
    method: "Only the reply after the end of data says who is responsible for the message. A client that leaves before it \
             can neither know that the message was taken nor that it was refused. Packets are compared: that of the FIN, \
             the RST or the QUIT with that of the reply. Where the server closed first, the client left nothing.",
    references: &["RFC 5321 4.2.5", "RFC 5321 6.1", "RFC 5321 4.1.1.4"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let timeline = subject.timeline();
    let offered = timeline.capabilities.iter().any(|offer| offer.get("PIPELINING").is_some());
    let end = timeline.events.iter().position(|event| matches!(event.kind, EventKind::Fin | EventKind::Reset));
    each::message(subject, Observation::Observed, |sent| judge(subject, sent, offered, end))
}

/// `end` is the place of the first FIN or RST.
fn judge(subject: &Subject<'_>, sent: &Sent<'_>, offered: bool, end: Option<usize>) -> Finding {
    if let Some(reason) = sent.incomplete() {
        return Finding::undetermined(reason);
    }
    let timeline = sent.timeline;
    let exchange = timeline.exchanges[sent.data.exchange];
    let content = || sent.all("the message");
    let Some((answer, reply)) = timeline.reply(sent.data.exchange) else {
        let end = end.and_then(|end| timeline.events.get(end));
        return match end.filter(|end| end.span.direction == Direction::Client && subject.holes().is_none()) {
            Some(end) => Finding::observed(
                "the client left without the final reply",
                vec![Evidence::event(end, "where it left"), content()],
            ),
            None => Finding::undetermined("no final reply came, and it was not the client who left first"),
        };
    };
    let between = exchange.request + 1..exchange.reply.unwrap_or_default();
    let mut waiting = timeline.events.get(between).unwrap_or_default().iter();
    let left = waiting.find(|event| match &event.kind {
        EventKind::Fin | EventKind::Reset => true,
        EventKind::Command(command) => command.verb == "QUIT" && !offered,
        _ => false,
    });
    match left.filter(|left| left.span.direction == Direction::Client && is_ahead_of(left, answer)) {
        Some(left) => Finding::observed(
            "the client left before the final reply had come",
            vec![Evidence::event(left, "where it left"), content(), Evidence::event(answer, "the final reply")],
        ),
        None => Finding::not_observed(
            format!("the client waited for the final reply, {}", reply.code),
            vec![Evidence::event(answer, "the final reply"), content()],
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FROM, Seen, TO, Talk, find, plain};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk, Given::default())
    }

    fn told(keywords: &[&str]) -> Talk {
        let envelope = Talk::ehlo(keywords).envelope(&format!("<{FROM}>"), &[&format!("<{TO}>")]);
        envelope.turn("C", "Subject: x\r\n\r\nx\r\n.\r\n")
    }

    #[test]
    fn a_client_that_does_not_wait() {
        seen(told(&[]).turn("-C", "").s("451 later").turn("-S", "")).observed("before the final reply", &["packet 11"]);
        seen(told(&[]).c("QUIT").s("250 ok").s("221 bye").closed()).observed("before the final", &["QUIT\r\n", "Subject…"]);
        seen(told(&[]).closed()).observed("without the final reply", &["packet 11", "Subject: x\r\n…"]);
        seen(told(&[]).turn("!C", "")).observed("without the final reply", &["packet 11"]);
    }

    #[test]
    fn a_client_that_waits() {
        seen(told(&[]).s("451 later").quit()).not_observed("waited for the final reply, 451", &["451 later\r\n"]);
        seen(told(&[]).s("250 ok").turn("!C", "")).not_observed("the final reply, 250", &["250 ok\r\n"]);
        seen(told(&["PIPELINING"]).c("QUIT").s("250 ok").s("221 bye").closed()).not_observed("250", &["250 ok\r\n"]);
    }

    #[test]
    fn nobody_left_or_the_server_did() {
        seen(told(&[])).undetermined("no final reply came");
        seen(told(&[]).turn("-S", "").turn("-C", "")).undetermined("not the client who left first");
        seen(Talk::ehlo(&[]).quit()).undetermined("no message was sent");
        seen(Talk::ehlo(&[]).torn(&plain("", "abcdef"), "cde").quit()).undetermined("the whole message");
    }
}

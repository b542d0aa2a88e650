//! Does the client wait for the greeting?

use smtp::timeline::{EventKind, Protocol};
use wire::{Direction, Span};

use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "spoke-before-greeting",
    observed_when: "the client sends an octet before the greeting has come to its end",
    trigger: "the client spoke, and the whole greeting was captured",
    method: "The first packet with client octets is held against the packet that brings the end of the greeting, all of its \
             lines included. What is sent earlier was sent blindly: a server may refuse the session in its greeting, and \
             many take such a client for a robot.",
    references: &["RFC 5321 3.1", "RFC 5321 4.3.1"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let timeline = subject.timeline();
    if timeline.protocol == Protocol::ImplicitTls {
        return Finding::not_applicable("TLS comes before the greeting here");
    }
    let mut events = timeline.events.iter();
    let greeting = events.find_map(|event| match &event.kind {
        EventKind::Reply(reply) => Some((event, reply)),
        _ => None,
    });
    if timeline.octets[0] == 0 {
        return Finding::undetermined("the client sent nothing");
    }
    let first = timeline.packets(Span::new(Direction::Client, 0, 1));
    let (Some(spoke), Some((event, reply))) = (first.first(), greeting) else {
        return Finding::undetermined("the capture does not show both the greeting and the client's first octet");
    };
    let end = event.packets.last().copied().unwrap_or_default();
    let words = Evidence::bytes(timeline, Span::new(Direction::Client, 0, 1), "the client's first octet");
    let greeting = Evidence::event(event, "the greeting");
    if *spoke < end {
        return Finding::observed("the client spoke before the greeting was complete", vec![words, greeting]);
    }
    if !reply.complete || reply.code == 0 {
        return Finding::undetermined("the greeting never came to its end");
    }
    Finding::not_observed("the client waited for the whole greeting", vec![greeting, words])
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Talk, find};
    use super::*;
    use crate::Given;

    #[test]
    fn a_client_that_does_not_wait() {
        let eager = Talk::silent().c("EHLO a").s("220 mx").s("250 mx").quit();
        find(&CHECK, eager, Given::default()).observed("before the greeting was complete", &["E", "220 mx\r\n"]);
        let half = Talk::silent().turn("S", "220-mx\r\n220").c("EHLO a").turn("S", " go\r\n").s("250 mx");
        find(&CHECK, half, Given::default()).observed("before the greeting", &["E", "220-mx\r\n220 go\r\n"]);
    }

    #[test]
    fn a_client_that_waits() {
        let patient = Talk::silent().turn("S", "220-mx\r\n22").turn("S", "0 go\r\n").cs("EHLO a", "250 mx");
        find(&CHECK, patient, Given::default()).not_observed("waited for the whole", &["220-mx\r\n220 go\r\n", "E"]);
    }

    #[test]
    fn silence_tells_nothing() {
        find(&CHECK, Talk::silent().s("220 mx"), Given::default()).undetermined("the client sent nothing");
        find(&CHECK, Talk::silent().turn("S", "220-mx\r\n").c("EHLO a"), Given::default())
            .undetermined("never came to its end");
    }
}

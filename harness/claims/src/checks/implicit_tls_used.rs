//! Does the sender speak TLS from the first byte?

use smtp::timeline::{EventKind, Protocol};
use wire::{Direction, Opening};

use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "implicit-tls-used",
    observed_when: "the first bytes of the sender are a TLS record",
    trigger: "the sender was pointed at a port that speaks TLS from the first byte (RFC 8314), and connected",
    method: "The first client bytes are compared with a TLS handshake record (0x16 0x03). On a port that greets in \
             clear a sender has no occasion to begin TLS, so silence there proves nothing; on an implicit-TLS port a \
             sender without TLS waits for a greeting that never comes, and goes. Until it goes it may still speak.",
    references: &["RFC 8314 3.3", "RFC 8446 5.1"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let timeline = subject.timeline();
    if let (Protocol::ImplicitTls, Some(tls)) = (timeline.protocol, &timeline.tls) {
        if timeline.opening == Opening::Midstream && !subject.implicit_tls_port() {
            return Finding::undetermined(
                "the capture starts inside the connection: how TLS began is not shown",
            );
        }
        let end = if tls.established {
            "the handshake completed"
        } else {
            "the handshake did not complete"
        };
        return Finding::observed(
            format!("the first client bytes are a TLS ClientHello; {end}"),
            vec![Evidence::bytes(timeline, tls.client, "TLS records of the sender")],
        );
    }
    if !subject.implicit_tls_port() {
        return Finding::undetermined(match timeline.protocol {
            Protocol::Silent => "nothing was said, and what the port expects is not known",
            _ => "only a port that greets in clear was tried",
        });
    }
    unused(subject)
}

/// The finding on a port that speaks TLS only, where no TLS was seen.
fn unused(subject: &Subject<'_>) -> Finding {
    let timeline = subject.timeline();
    let opened = match timeline.opening {
        Opening::Handshake { syn } => Evidence::packet(syn, "SYN to the TLS-only port"),
        Opening::Answer { syn_ack } => Evidence::packet(syn_ack, "SYN-ACK of the TLS-only port"),
        Opening::Midstream => {
            return Finding::undetermined(
                "the capture does not show the connection being opened",
            );
        }
    };
    if let Some(reason) = subject.unheard() {
        return Finding::undetermined(reason);
    }
    let mut ends = timeline.events.iter();
    let is_end = |kind: &EventKind| matches!(kind, EventKind::Fin | EventKind::Reset);
    let said = ends.find(|event| !is_end(&event.kind));
    if let Some(event) = said {
        return match event.span.direction {
            Direction::Client => Finding::not_observed(
                "on a port that speaks TLS only, the sender spoke in clear",
                vec![Evidence::event(event, "first bytes of the sender")],
            ),
            Direction::Server => Finding::undetermined("the port greeted in clear"),
        };
    }
    let mut left = timeline.events.iter().filter(|event| is_end(&event.kind));
    match left.find(|event| event.span.direction == Direction::Client) {
        Some(event) => Finding::not_observed(
            "on a port that speaks TLS only, the sender connected, said nothing, and left",
            vec![opened, Evidence::event(event, "the sender leaves")],
        ),
        None => Finding::undetermined("the capture does not show the sender leave"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, client_hello, find, plain};
    use super::*;
    use crate::Given;
    use crate::given::ServerTls;

    fn seen(talk: Talk) -> Seen {
        let given = Given { server_tls: Some(ServerTls::Implicit), ..Given::default() };
        find(&CHECK, talk, given)
    }

    #[test]
    fn a_client_hello_first() {
        let hello = String::from_utf8_lossy(&client_hello()).into_owned();
        let start = format!("{hello}…");
        for talk in [Talk::silent().tls(), Talk::silent().tls().midstream()] {
            seen(talk).observed("the handshake completed", &[&start]);
        }
        let broken = Talk::silent().turn("C", client_hello()).turn("!S", "");
        find(&CHECK, broken, Given::default()).observed("did not complete", &[&hello]);
    }

    #[test]
    fn tls_in_the_middle_of_a_connection_may_have_begun_with_starttls() {
        let talk = Talk::silent().tls().midstream();
        find(&CHECK, talk, Given::default()).undetermined("how TLS began is not shown");
    }

    #[test]
    fn silence_on_a_port_that_waits_for_a_hello() {
        let talk = Talk::silent().closed();
        seen(talk.clone()).not_observed("said nothing, and left", &["packet 0", "packet 1"]);
        seen(talk.answered()).not_observed("said nothing, and left", &["packet 0", "packet 1"]);
        seen(Talk::silent().turn("!C", "")).not_observed("left", &["packet 0", "packet 1"]);
    }

    #[test]
    fn words_in_clear_on_a_port_that_waits_for_a_hello() {
        let talk = Talk::silent().c("EHLO host").turn("-S", "").turn("-C", "");
        seen(talk).not_observed("spoke in clear", &["EHLO host\r\n"]);
    }

    #[test]
    fn a_port_that_greets_proves_nothing() {
        let talk = Talk::ehlo(&[]).message(&plain("", "x")).quit();
        find(&CHECK, talk.clone(), Given::default()).undetermined("greets in clear");
        seen(talk).undetermined("greeted in clear");
        find(&CHECK, Talk::silent().closed(), Given::default()).undetermined("not known");
    }

    #[test]
    fn a_sender_that_did_not_leave_yet_may_still_speak() {
        seen(Talk::silent()).undetermined("does not show the sender leave");
        seen(Talk::silent().turn("!S", "")).undetermined("does not show the sender leave");
    }

    #[test]
    fn a_gap_may_be_the_hello() {
        seen(Talk::silent().turn("?C", "lost").closed()).undetermined("does not hold 4 bytes");
        seen(Talk::silent().closed().midstream()).undetermined("being opened");
    }
}

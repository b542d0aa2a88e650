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
             sender without TLS waits for a greeting that never comes, and goes.",
    references: &["RFC 8314 3.3", "RFC 8446 5.1"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let timeline = subject.timeline();
    if let (Protocol::ImplicitTls, Some(tls)) = (timeline.protocol, &timeline.tls) {
        let end = if tls.established { "the handshake completed" } else { "the handshake did not complete" };
        return Finding::observed(
            format!("the first client bytes are a TLS ClientHello; {end}"),
            vec![Evidence::bytes(timeline, tls.client, "TLS records of the sender")],
        );
    }
    if !subject.implicit_tls_port() {
        return Finding::undetermined("only a port that greets in clear was tried");
    }
    let Opening::Handshake { syn } = timeline.opening else {
        return Finding::undetermined("the capture does not show the connection being opened");
    };
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    let said = timeline.events.iter().find(|event| {
        event.span.direction == Direction::Client && !matches!(event.kind, EventKind::Fin | EventKind::Reset)
    });
    match said {
        Some(event) => Finding::not_observed(
            "on a port that speaks TLS only, the sender spoke in clear",
            vec![Evidence::event(event, "first bytes of the sender")],
        ),
        None => {
            let mut evidence = vec![Evidence::packet(syn, "SYN to the TLS-only port")];
            let left = timeline.events.iter().find(|event| {
                event.span.direction == Direction::Client && matches!(event.kind, EventKind::Fin | EventKind::Reset)
            });
            evidence.extend(left.map(|event| Evidence::event(event, "the sender leaves")));
            Finding::not_observed("on a port that speaks TLS only, the sender connected, said nothing, and left", evidence)
        }
    }
}

//! Is everything between sender and server readable?

use smtp::timeline::EventKind;

use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "readable-without-key",
    observed_when: "every byte of both directions is read as SMTP without a key",
    trigger: "a message was sent, so that commands and content both crossed the wire",
    method: "The whole conversation is parsed from the packets alone: commands, replies, SASL exchanges and message \
             content. TLS, or bytes that fit nothing, mean that it is not readable; missing bytes mean that it cannot \
             be known. A capture taken behind an IPsec gateway or a TLS-terminating proxy is not the sender's wire.",
    references: &["RFC 5321 2.3.1", "RFC 3207 6"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let timeline = subject.timeline();
    if let Some(tls) = &timeline.tls {
        if tls.established {
            return Finding::not_observed(
                format!("from client byte {} on the conversation is under TLS", tls.client.start),
                vec![Evidence::bytes(timeline, tls.client, "TLS records of the sender")],
            );
        }
        return Finding::undetermined("a TLS handshake was begun and not completed");
    }
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    if let Some(event) = timeline.events.iter().find(|event| matches!(event.kind, EventKind::Unparsed(_))) {
        return Finding::undetermined("some bytes are not SMTP")
            .with(vec![Evidence::event(event, "bytes that fit nothing")]);
    }
    let Some(sent) = subject.sent().next() else {
        return Finding::undetermined("no message was sent");
    };
    if let Some(reason) = sent.incomplete() {
        return Finding::undetermined(reason);
    }
    let [client, server] = timeline.octets;
    Finding::observed(
        format!("all {client} client and {server} server bytes are read as SMTP"),
        vec![sent.all("message content"), ],
    )
}

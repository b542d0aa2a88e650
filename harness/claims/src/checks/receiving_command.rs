//! Does the sender ask for mail, or answer as a server?

use wire::Opening;

use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "receiving-command",
    observed_when: "the sender asks its peer for mail: ETRN, TURN or ATRN",
    trigger: "the sender opened the connection and offered a message (MAIL)",
    method: "Every command of the conversation is read. A sender that also receives would ask for its queue with ETRN \
             (RFC 1985), TURN or ATRN (RFC 2645); one that only sends never does. The capture must show who opened the \
             connection. A listener on the sender's own port 25 cannot be seen from here: probe it as well.",
    references: &["RFC 5321 3.3", "RFC 1985", "RFC 2645"],
    run,
};

const RECEIVING: [&str; 3] = ["ETRN", "TURN", "ATRN"];

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let timeline = subject.timeline();
    let asked: Vec<_> = timeline
        .commands()
        .filter(|(_, _, command)| RECEIVING.contains(&command.verb.as_str()))
        .map(|(_, event, command)| Evidence::event(event, format!("{} command", command.verb)))
        .collect();
    if !asked.is_empty() {
        return Finding::observed("the sender asks its peer for mail", asked);
    }
    let opened = match timeline.opening {
        Opening::Handshake { syn } => Evidence::packet(syn, "SYN from the sender"),
        Opening::Answer { syn_ack } => Evidence::packet(syn_ack, "SYN-ACK to the sender"),
        Opening::Midstream => {
            return Finding::undetermined("the capture starts inside the connection: who opened it is not shown");
        }
    };
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    let Some(mail) = timeline.transactions.first().and_then(|t| timeline.request(t.mail)) else {
        return Finding::undetermined("no message was offered");
    };
    Finding::not_observed(
        "the sender opened the connection, offered mail, and never asked for any",
        vec![opened, Evidence::event(mail, "MAIL command")],
    )
}

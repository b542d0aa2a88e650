//! Can the audited server show each message, whole and once?

use crate::subject::Sent;
use crate::{Check, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "message-recoverable",
    observed_when: "each accepted message can be read back, with its envelope and header, and was accepted once",
    trigger: "the server accepted a message (2yz after the end of data)",
    method: "The envelope is taken from MAIL and RCPT, the message from DATA or BDAT after undoing dot-stuffing. A \
             message is known again by its Message-ID field, or, where it has none, by its bytes. It is looked for in \
             every conversation of the case: the same message accepted twice means that the audit store counts it \
             twice.",
    references: &["RFC 5321 3.3", "RFC 5321 4.5.2", "RFC 5322 3.6.4"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    let accepted: Vec<_> = subject.sent().filter(|sent| sent.data.accepted == Some(true)).collect();
    if accepted.is_empty() {
        return Finding::undetermined("no message was accepted");
    }
    let mut evidence = Vec::new();
    for sent in &accepted {
        if let Some(reason) = sent.incomplete() {
            return Finding::undetermined(reason);
        }
        let copies = subject
            .siblings()
            .flat_map(|sibling| sibling.sent())
            .filter(|other| other.data.accepted == Some(true) && same_message(sent, other))
            .count();
        if copies > 1 {
            return Finding::not_observed(
                format!("the same message was accepted {copies} times"),
                vec![sent.all("a message that was accepted more than once")],
            );
        }
        if sent.transaction.recipients.is_empty() || sent.message.header("From").is_none() {
            return Finding::not_observed(
                "a message was accepted that has no recipient or no From field",
                vec![sent.all("the message")],
            );
        }
        evidence.push(sent.all("an accepted message"));
    }
    let count = match accepted.len() {
        1 => "the message is".to_owned(),
        many => format!("the {many} messages are"),
    };
    Finding::observed(format!("{count} in the capture whole, with envelope, and once"), evidence)
}

fn same_message(one: &Sent<'_>, other: &Sent<'_>) -> bool {
    match (one.message.header("Message-ID"), other.message.header("Message-ID")) {
        (Some(a), Some(b)) => a.value == b.value,
        (None, None) => one.data.content.bytes() == other.data.content.bytes(),
        _ => false,
    }
}

//! Does the sender ask for receipts that nobody wanted?

use crate::given::Receipts;
use crate::{Check, Finding, Subject};

use super::receipts;

pub(super) static CHECK: Check = Check {
    id: "receipt-unasked",
    observed_when: "with receipts left off, the message or its envelope asks for one",
    trigger: "a message was sent to a server that offered DSN, so that both ways of asking were open",
    method: "Looked for: Disposition-Notification-To, Return-Receipt-To, X-Confirm-Reading-To and Read-Receipt-To \
             fields, and the NOTIFY, RET and ENVID parameters of RFC 3461.",
    references: &["RFC 8098 2.1", "RFC 3461 4"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let given = subject.given().receipts;
    if given.is_some_and(|Receipts { read, delivery }| read || delivery) {
        return Finding::not_applicable("about a message with receipts left off");
    }
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let Some(sent) = subject.sent().next() else {
        return Finding::undetermined(subject.blind().unwrap_or_else(|| "no message was sent".to_owned()));
    };
    let mut seen = receipts::parameters(&sent);
    seen.extend(
        receipts::fields(&sent).into_iter().map(|(name, _, range)| sent.evidence(range, format!("{name} field"))),
    );
    if !seen.is_empty() {
        return match given {
            Some(_) => Finding::observed(format!("{} although no receipt was wanted", seen[0].what), seen),
            None => Finding::undetermined("a receipt is asked for; whether it was configured is not known").with(seen),
        };
    }
    if let Some(reason) = subject.blind().or_else(|| sent.incomplete()) {
        return Finding::undetermined(reason);
    }
    match subject.offer("DSN") {
        Some(offer) => Finding::not_observed("DSN was offered; no receipt is asked for", vec![offer, sent.all("the message")]),
        None => Finding::undetermined("the server did not offer DSN, so NOTIFY could not be used"),
    }
}

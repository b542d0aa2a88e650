//! Do Cc recipients stand in the header and in the envelope?

use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "cc-delivered",
    observed_when: "every Cc address stands in the Cc field, and the server was given a RCPT for it",
    trigger: "a message was sent with Cc recipients",
    method: "The addresses of the Cc field (and, where they are known, the configured ones) are compared with the \
             forward-paths of RCPT, local part by case, domain without.",
    references: &["RFC 5322 3.6.3", "RFC 5321 4.1.1.3"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let given = subject.given();
    let Some(sent) = subject.sent().next() else {
        return Finding::undetermined(subject.blind().unwrap_or_else(|| "no message was sent".to_owned()));
    };
    if let Some(reason) = sent.incomplete() {
        return Finding::undetermined(reason);
    }
    let field = sent.message.addresses("Cc");
    if field.is_empty() && given.cc.is_empty() {
        return Finding::not_applicable("about a message with Cc recipients");
    }
    let mut evidence: Vec<_> =
        sent.message.headers("Cc").map(|cc| sent.evidence(cc.range.clone(), "Cc field")).collect();
    for wanted in &given.cc {
        if !field.iter().any(|(address, _)| super::same_mailbox(address, wanted)) {
            let shown = if evidence.is_empty() { vec![sent.all("the message")] } else { evidence };
            return Finding::not_observed("a configured CC address is not in the Cc field", shown);
        }
    }
    for (address, _) in &field {
        let Some(rcpt) = sent.transaction.recipients.iter().find(|r| super::same_mailbox(&r.address.value, address))
        else {
            return Finding::not_observed(format!("{address} is in the Cc field and was given no RCPT"), evidence);
        };
        evidence.push(Evidence::bytes(sent.timeline, rcpt.address.span, "RCPT of a Cc address"));
    }
    Finding::observed(format!("Cc names {} address(es), each with a RCPT", field.len()), evidence)
}

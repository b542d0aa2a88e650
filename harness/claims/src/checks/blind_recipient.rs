//! Does anyone receive the message whom its header does not name?

use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "blind-recipient",
    observed_when: "a RCPT names an address that stands in no To or Cc field",
    trigger: "a message was sent to more than one recipient",
    method: "The set of forward-paths is compared with the addresses of To and Cc.",
    references: &["RFC 5322 3.6.3", "RFC 5321 7.2"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let Some(sent) = subject.sent().next() else {
        return Finding::undetermined(subject.blind().unwrap_or_else(|| "no message was sent".to_owned()));
    };
    if let Some(reason) = sent.incomplete() {
        return Finding::undetermined(reason);
    }
    let named: Vec<_> = sent.message.addresses("To").into_iter().chain(sent.message.addresses("Cc")).collect();
    let recipients = &sent.transaction.recipients;
    let blind: Vec<_> = recipients
        .iter()
        .filter(|r| !named.iter().any(|(address, _)| super::same_mailbox(address, &r.address.value)))
        .map(|r| Evidence::bytes(sent.timeline, r.address.span, "RCPT that no header field names"))
        .collect();
    if !blind.is_empty() {
        return Finding::observed(format!("{} recipient(s) stand in no To or Cc field", blind.len()), blind);
    }
    if recipients.len() < 2 {
        return Finding::undetermined("the message has a single recipient");
    }
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    let evidence = recipients
        .iter()
        .map(|r| Evidence::bytes(sent.timeline, r.address.span, "RCPT that a header field names"))
        .collect();
    Finding::not_observed(format!("all {} recipients stand in To or Cc", recipients.len()), evidence)
}

//! Is the From field the configured one?

use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "from-as-configured",
    observed_when: "the From field holds the configured address",
    trigger: "a message was sent, and the configured address is known",
    method: "The address of the From field is compared with the configured one. The reverse-path of MAIL is recorded \
             beside it: the two may differ by right.",
    references: &["RFC 5322 3.6.2", "RFC 5321 4.1.1.2"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let Some(sent) = subject.sent().next() else {
        return Finding::undetermined(subject.blind().unwrap_or_else(|| "no message was sent".to_owned()));
    };
    let Some(configured) = &subject.given().from else {
        return Finding::undetermined("which From address is configured is not known");
    };
    let from = sent.message.addresses("From");
    let path = &sent.transaction.reverse_path;
    let mut evidence: Vec<_> =
        sent.message.headers("From").map(|field| sent.evidence(field.range.clone(), "From field")).collect();
    if evidence.is_empty() {
        return sent.incomplete().map_or_else(
            || Finding::not_observed("the message has no From field", vec![sent.all("the message")]),
            Finding::undetermined,
        );
    }
    evidence.push(Evidence::bytes(sent.timeline, path.span, "reverse-path"));
    let beside = if super::same_mailbox(&path.value, configured) { "the same" } else { "another" };
    let matches = matches!(from.as_slice(), [(one, _)] if super::same_mailbox(one, configured));
    if matches {
        Finding::observed(format!("From is the configured address; the reverse-path is {beside}"), evidence)
    } else {
        Finding::not_observed("From is not the configured address", evidence)
    }
}

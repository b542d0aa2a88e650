//! Does anything stand in clear beside the encrypted blob?

use crate::{Check, Finding, Subject};

use super::exposure;

pub(super) static CHECK: Check = Check {
    id: "text-beside-blob",
    observed_when: "the configured body text or an attachment is readable beside the encrypted blob",
    trigger: "the message is encrypted, and a body text or attachment with a known text is configured",
    method: "The known texts of EmailBodyText and of attachments are searched at every depth that opens without a key. \
             An already encoded message is to pass the adapter untouched, so neither may be added to it in clear.",
    references: &["RFC 8551 3.3"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let Some(sent) = subject.sent().next() else {
        return Finding::undetermined(subject.blind().unwrap_or_else(|| "no message was sent".to_owned()));
    };
    let Some(blob) = sent.encrypted() else {
        return Finding::not_applicable("about an encrypted message; this one is not encrypted");
    };
    let beside = &subject.given().beside;
    if beside.is_empty() {
        return Finding::undetermined("no body text or attachment is configured beside the encrypted part");
    }
    if let Some(reason) = sent.incomplete() {
        return Finding::undetermined(reason);
    }
    let seen: Vec<_> = beside
        .iter()
        .flat_map(|(what, text)| exposure::in_message(&sent, text.expose(), what))
        .collect();
    match seen.first() {
        Some(first) => Finding::observed(format!("beside the encrypted blob, {}", first.what), seen),
        None => {
            let names: Vec<_> = beside.iter().map(|(what, _)| what.as_str()).collect();
            Finding::not_observed(
                format!("{} not readable beside the encrypted blob", names.join(" and ")),
                vec![sent.evidence(blob.range.clone(), format!("CMS {}", blob.name()))],
            )
        }
    }
}

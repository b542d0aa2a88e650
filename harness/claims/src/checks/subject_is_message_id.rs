//! Is the default Subject the message's id?

use crate::given::GivenSubject;
use crate::{Check, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "subject-is-message-id",
    observed_when: "with no Subject configured, the Subject field is the id of the message",
    trigger: "a message was sent whose Subject was left at its default",
    method: "The Subject field is compared with the message id, braces and case aside. Such a Subject leaks an \
             internal identifier and lets messages be correlated.",
    references: &["RFC 5322 3.6.5"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let message_id = match &subject.given().subject {
        Some(GivenSubject::Default { message_id }) => message_id,
        Some(GivenSubject::Text(_)) => return Finding::not_applicable("about a Subject left at its default"),
        None => return Finding::undetermined("whether a Subject is configured is not known"),
    };
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let Some(sent) = subject.sent().next() else {
        return Finding::undetermined(subject.blind().unwrap_or_else(|| "no message was sent".to_owned()));
    };
    let Some(field) = sent.message.header("Subject") else {
        return sent.incomplete().map_or_else(
            || Finding::not_observed("the message has no Subject field", vec![sent.all("the message")]),
            Finding::undetermined,
        );
    };
    let evidence = vec![sent.evidence(field.range.clone(), "Subject field")];
    let plain = field.value.trim().trim_start_matches('{').trim_end_matches('}');
    if plain.eq_ignore_ascii_case(message_id) {
        Finding::observed("the Subject is the id of the message", evidence)
    } else {
        Finding::not_observed("the Subject is not the id of the message", evidence)
    }
}

//! Is the From field the configured one?

use super::{each, same_mailbox};
use crate::subject::Sent;
use crate::{Check, Evidence, Finding, Observation, Subject};

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
    each::message(subject, Observation::NotObserved, |sent| {
        if each::is_mended(subject, sent) {
            return Finding::not_applicable("the control message: its From may be another");
        }
        match &subject.given().from {
            Some(configured) => judge(configured, sent),
            None => Finding::undetermined("which From address is configured is not known"),
        }
    })
}

fn judge(configured: &str, sent: &Sent<'_>) -> Finding {
    let mut evidence: Vec<_> = sent
        .message
        .headers("From")
        .map(|field| sent.evidence(field.range.clone(), "From field"))
        .collect();
    let from = sent.message.addresses("From");
    let path = &sent.transaction.reverse_path;
    if matches!(from.as_slice(), [(one, _)] if same_mailbox(one, configured)) {
        evidence.push(Evidence::bytes(sent.timeline, path.span, "reverse-path"));
        let same = same_mailbox(&path.value, configured);
        let beside = if same { "the same" } else { "another" };
        let reason = format!("From is the configured address; the reverse-path is {beside}");
        return Finding::observed(reason, evidence);
    }
    if let Some(reason) = sent.incomplete() {
        return Finding::undetermined(reason);
    }
    if evidence.is_empty() {
        let evidence = vec![sent.all("the message")];
        return Finding::not_observed("the message has no From field", evidence);
    }
    evidence.push(Evidence::bytes(sent.timeline, path.span, "reverse-path"));
    Finding::not_observed("From is not the configured address", evidence)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FROM, Seen, Talk, find, plain};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        let given = Given { from: Some(FROM.to_owned()), ..Given::default() };
        find(&CHECK, talk.quit(), given)
    }

    fn other() -> String {
        plain("", "x").replace(FROM, "other@contoso.example")
    }

    #[test]
    fn the_configured_address() {
        let talk = Talk::ehlo(&[]).message(&plain("", "x"));
        let quotes = ["From: sender@contoso.example\r\n", FROM];
        seen(talk.gap()).observed("the reverse-path is the same", &quotes);
        let bounce = Talk::ehlo(&[]).sent("<bounce@b>", &["<c@d>"], &plain("", "x"));
        seen(bounce).observed("the reverse-path is another", &[quotes[0], "bounce@b"]);
        let named = format!("From: \"A, B\" <{FROM}>\n\nx\n");
        let quote = "From: \"A, B\" <sender@contoso.example>\r\n";
        seen(Talk::ehlo(&[]).message(&named)).observed("the configured address", &[quote]);
    }

    #[test]
    fn another_address_two_or_none() {
        let quotes = ["From: other@contoso.example\r\n", FROM];
        let reason = "From is not the configured address";
        seen(Talk::ehlo(&[]).message(&other())).not_observed(reason, &quotes);
        let second = Talk::ehlo(&[]).message(&plain("", "x")).message(&other());
        seen(second).not_observed(reason, &quotes);
        let two = format!("From: {FROM}, other@b\n\nx\n");
        let quote = "From: sender@contoso.example, other@b\r\n";
        seen(Talk::ehlo(&[]).message(&two)).not_observed(reason, &[quote]);
        let twice = plain("From: b@c\n", "x");
        seen(Talk::ehlo(&[]).message(&twice)).not_observed(reason, &["From: sender@…", "From: b@c\r\n"]);
        let none = Talk::ehlo(&[]).message("To: a@b\n\nx\n");
        seen(none).not_observed("no From field", &["To: a@b\r\n\r\nx\r\n.\r\n"]);
    }

    #[test]
    fn without_a_message_or_a_setting_nothing_is_shown() {
        seen(Talk::ehlo(&[])).undetermined("no message was sent");
        let talk = Talk::ehlo(&[]).message(&plain("", "x")).quit();
        find(&CHECK, talk, Given::default()).undetermined("is not known");
    }

    #[test]
    fn a_header_with_a_hole_in_it() {
        seen(Talk::ehlo(&[]).torn(&plain("", "x"), "sender@")).undetermined("the whole message");
        seen(Talk::ehlo(&[]).torn(&plain("", "x"), "From")).undetermined("the whole message");
    }
    #[test]
    fn a_control_with_another_from_is_left_out() {
        let mut given = super::super::withheld::testing::given(crate::configured::Missing::Macro);
        given.from = Some("%SourceParty%@b.example".to_owned());
        find(&CHECK, super::super::withheld::testing::control().quit(), given).not_applicable("the control message");
    }
}

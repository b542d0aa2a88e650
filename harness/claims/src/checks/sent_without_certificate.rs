//! With the encryption certificate missing, does the message leave all the same?

use crate::{Check, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "sent-without-certificate",
    observed_when: "a message leaves although the certificate that should protect it is missing",
    trigger: "the same port, with its certificate in place, got its control message out in the same case",
    method: "Two messages are submitted in one case: a control with the certificate in place, known by its Subject, \
             and one with the certificate missing. Silence means failing closed only if the control got out. Any \
             other message on the wire, encrypted or not, is the one that should have been withheld.",
    references: &["RFC 8551 2.7"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let Some(withheld) = &subject.given().withheld else {
        return Finding::not_applicable("about a message whose encryption certificate is missing");
    };
    let is_control = |sent: &crate::subject::Sent<'_>| {
        sent.message.header("Subject").is_some_and(|field| field.value.contains(&withheld.control))
    };
    if let Some(sent) = subject.sent().find(|sent| !is_control(sent)) {
        let state = if sent.encrypted().is_some() { "encrypted" } else { "in clear text" };
        return Finding::observed(
            format!("the message was sent {state} although its certificate is missing"),
            vec![sent.all("the message that should have been withheld")],
        );
    }
    let blind = subject.siblings().find_map(|sibling| {
        sibling.nothing_said().map(|finding| finding.reason).or_else(|| sibling.blind())
    });
    if let Some(reason) = blind {
        return Finding::undetermined(reason);
    }
    let others = subject.siblings().flat_map(|s| s.sent()).filter(|sent| !is_control(sent)).count();
    if others > 0 {
        return Finding::not_applicable("the control's conversation; the other message is in another");
    }
    match subject.sent().find(|sent| is_control(sent) && sent.data.accepted == Some(true)) {
        Some(control) if control.encrypted().is_some() => Finding::not_observed(
            "the control message got out encrypted; the one without a certificate did not get out",
            vec![control.all("the control message")],
        ),
        Some(_) => Finding::undetermined("the control message got out, but not encrypted"),
        None => Finding::undetermined("the control message did not get out either, so silence proves nothing"),
    }
}

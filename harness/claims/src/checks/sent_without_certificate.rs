//! With the encryption certificate missing or no longer good, does the message leave all the same?

use super::each;
use crate::subject::Sent;
use crate::{Check, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "sent-without-certificate",
    observed_when: "a message leaves although the certificate that should protect it is missing, ran out or was revoked",
    trigger: "the same port, with its certificate in place, got its control message out in the same case",
    method: "Two messages are submitted in one case: a control with the certificate in place, known by its Subject, \
             and one whose certificate is missing or no longer good. Silence means failing closed only if the control got out. Any \
             other message on the wire, encrypted or not, is the one that should have been withheld; a transaction \
             that was begun and brought no message could have been for it.",
    references: &["RFC 8551 2.7"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if subject.given().withheld.is_none() || subject.given().configured.missing.is_some() {
        return Finding::not_applicable("about a message whose encryption certificate is missing or no longer good");
    }
    if let Some(sent) = subject.sent().find(|sent| is_withheld(subject, sent)) {
        let state = if sent.encrypted().is_some() {
            "encrypted"
        } else if sent.under_tls() {
            "unencrypted (but for TLS)"
        } else {
            "in clear text"
        };
        return Finding::observed(
            format!("the message was sent {state} although its certificate is missing or no longer good"),
            vec![sent.all("the message that should have been withheld")],
        );
    }
    if let Some(reason) = subject.siblings().find_map(|sibling| unknown(&sibling)) {
        return Finding::undetermined(reason);
    }
    let others = subject.siblings().flat_map(|s| s.sent()).any(|sent| is_withheld(subject, &sent));
    if others {
        return Finding::not_applicable(
            "the control's conversation; the other message is in another",
        );
    }
    let control = subject.sent().find(|sent| sent.data.accepted == Some(true));
    match control {
        Some(control) if control.encrypted().is_some() => Finding::not_observed(
            "the control message got out encrypted; the one without a good certificate did not get out",
            vec![control.all("the control message")],
        ),
        Some(_) => Finding::undetermined("the control message got out, but not encrypted"),
        None => Finding::undetermined(
            "the control message did not get out either, so silence proves nothing",
        ),
    }
}

/// Whether this is certainly not the control message. One whose Subject may be in a hole could be either.
pub(super) fn is_withheld(subject: &Subject<'_>, sent: &Sent<'_>) -> bool {
    let told = sent.incomplete().is_none() || sent.message.header("Subject").is_some();
    told && !each::is_control(subject, sent)
}

/// Why it cannot be told what was sent in a conversation of the case.
pub(super) fn unknown(sibling: &Subject<'_>) -> Option<String> {
    if let Some(reason) = sibling.unheard() {
        return Some(reason);
    }
    let timeline = sibling.timeline();
    let begun = timeline.commands().filter(|(_, _, command)| command.verb == "MAIL").count();
    if begun > sibling.sent().count() {
        return Some("a mail transaction was begun, and what was to be sent is not known".to_owned());
    }
    sibling.sent().find_map(|sent| sent.incomplete())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, case, find, plain, smime};
    use super::*;
    use crate::Given;
    use crate::given::Withheld;

    fn given() -> Given {
        Given {
            withheld: Some(Withheld { control: "ctrl-77".to_owned() }),
            ..Given::default()
        }
    }

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk.quit(), given())
    }

    fn control() -> Talk {
        let text = smime("Subject: ctrl-77\n", "enveloped-aes128.der");
        Talk::ehlo(&[]).message(&text)
    }

    fn clear() -> String {
        plain("Subject: order\n", "x")
    }

    #[test]
    fn the_message_leaves_all_the_same() {
        let quote = clear().replace('\n', "\r\n") + ".\r\n";
        seen(control().message(&clear())).observed("sent in clear text", &[&quote]);
        seen(Talk::ehlo(&[]).message(&clear()).gap()).observed("sent in clear text", &[&quote]);
        let encrypted = smime("Subject: order\n", "enveloped-aes128.der");
        seen(control().message(&encrypted)).observed("sent encrypted", &["From: …"]);
    }

    #[test]
    fn nothing_but_the_control_leaves() {
        seen(control()).not_observed("did not get out", &["From: …"]);
        let idle = case(vec![control().quit(), Talk::silent().closed()], given());
        idle.find(&CHECK, 0).not_observed("did not get out", &["From: …"]);
        idle.find(&CHECK, 1).undetermined("silence proves nothing");
    }

    #[test]
    fn the_other_message_in_another_conversation() {
        let both = case(
            vec![control().quit(), Talk::ehlo(&[]).message(&clear()).quit()],
            given(),
        );
        both.find(&CHECK, 0).not_applicable("the control's conversation");
        both.find(&CHECK, 1).observed("in clear text", &["From: …"]);
    }

    #[test]
    fn without_the_control_silence_proves_nothing() {
        seen(Talk::ehlo(&[])).undetermined("silence proves nothing");
        let unprotected = Talk::ehlo(&[]).message(&plain("Subject: ctrl-77\n", "x"));
        seen(unprotected).undetermined("but not encrypted");
    }

    #[test]
    fn what_is_not_known_of_any_conversation() {
        seen(control().gap()).undetermined("does not hold");
        let lost = case(vec![control().quit(), Talk::ehlo(&[]).gap().quit()], given());
        lost.find(&CHECK, 0).undetermined("does not hold");
        seen(control().cs("MAIL FROM:<a@b>", "550 no")).undetermined("transaction was begun");
        let torn = Talk::ehlo(&[]).torn(&clear(), "Subject: order\n");
        seen(torn).undetermined("does not hold");
    }

    #[test]
    fn a_case_without_a_message_to_withhold() {
        find(&CHECK, control().quit(), Given::default()).not_applicable("missing or no longer good");
    }
}

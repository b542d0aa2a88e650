//! Do Cc recipients stand in the header and in the envelope?

use wire::Span;

use super::{each, same_mailbox};
use crate::subject::Sent;
use crate::{Check, Evidence, Finding, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "cc-delivered",
    observed_when: "every Cc address stands in the Cc field, and the server was given a RCPT for it",
    trigger: "a message was sent with Cc recipients",
    method: "The addresses of the Cc field (and, where they are known, the configured ones) are compared with the \
             forward-paths of RCPT, local part by case, domain without. A RCPT for the same message in another \
             transaction of the case counts: whoever tries again sends to those who are left.",
    references: &["RFC 5322 3.6.3", "RFC 5321 4.1.1.3"],
    run,
};

/// Nobody tries more often than this. It keeps a capture full of copies from costing the square of their number.
const MAX_TRIES: usize = 1000;

fn run(subject: &Subject<'_>) -> Finding {
    each::message(subject, Observation::NotObserved, |sent| judge(subject, sent))
}

fn judge(subject: &Subject<'_>, sent: &Sent<'_>) -> Finding {
    if each::is_mended(subject, sent) {
        return Finding::not_applicable("the control message: its CC may be another");
    }
    if let Some(reason) = sent.incomplete() {
        return Finding::undetermined(reason);
    }
    let wanted = &subject.given().cc;
    let field = sent.message.addresses("Cc");
    if field.is_empty() && wanted.is_empty() {
        return Finding::not_applicable("about a message with Cc recipients");
    }
    let mut evidence: Vec<_> = sent
        .message
        .headers("Cc")
        .map(|cc| sent.evidence(cc.range.clone(), "Cc field"))
        .collect();
    if !wanted.iter().all(|wanted| field.iter().any(|(address, _)| same_mailbox(address, wanted))) {
        if evidence.is_empty() {
            evidence.push(sent.all("the message"));
        }
        return Finding::not_observed("a configured CC address is not in the Cc field", evidence);
    }
    for (address, _) in &field {
        if let Some(span) = recipient(sent, address) {
            evidence.push(Evidence::bytes(sent.timeline, span, "RCPT of a Cc address"));
        } else if let Some(reason) = subject.unheard() {
            return Finding::undetermined(reason);
        } else if !delivered_elsewhere(sent, address) {
            let reason = format!("{address} is in the Cc field and was given no RCPT");
            return Finding::not_observed(reason, evidence);
        }
    }
    Finding::observed(
        format!("Cc names {} address(es), each with a RCPT", field.len()),
        evidence,
    )
}

/// Where the server was given a RCPT for `address`.
fn recipient(sent: &Sent<'_>, address: &str) -> Option<Span> {
    let mut recipients = sent.transaction.recipients.iter();
    let found = recipients.find(|r| same_mailbox(&r.address.value, address))?;
    Some(found.address.span)
}

/// Whether another transaction with the same message had a RCPT for `address`: a sender that tries again sends only to
/// those who have not received it.
fn delivered_elsewhere(sent: &Sent<'_>, address: &str) -> bool {
    sent.copies().take(MAX_TRIES).any(|other| recipient(&other, address).is_some())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, TO, Talk, find, plain};
    use super::*;
    use crate::Given;

    const CC: &str = "Audit@Fabrikam.example";

    fn seen(talk: Talk) -> Seen {
        let given = Given { cc: vec![CC.to_owned()], ..Given::default() };
        find(&CHECK, talk.quit(), given)
    }

    fn text() -> String {
        plain(&format!("Cc: Auditor <{CC}>\n"), "x")
    }

    #[test]
    fn header_and_envelope_name_them() {
        let quotes = ["Cc: Auditor <Audit@Fabrikam.example>\r\n", "Audit@FABRIKAM.example"];
        let talk = Talk::ehlo(&[]).to(&[TO, "Audit@FABRIKAM.example"], &text());
        seen(talk.clone()).observed("Cc names 1 address(es)", &quotes);
        find(&CHECK, talk.gap().quit(), Given::default()).observed("each with a RCPT", &quotes);
    }

    #[test]
    fn a_field_without_a_recipient() {
        let quote = "Cc: Auditor <Audit@Fabrikam.example>\r\n";
        let reason = "Audit@Fabrikam.example is in the Cc field and was given no RCPT";
        seen(Talk::ehlo(&[]).message(&text())).not_observed(reason, &[quote]);
        let other_case = Talk::ehlo(&[]).to(&[TO, "audit@fabrikam.example"], &text());
        seen(other_case).not_observed(reason, &[quote]);
        let second = Talk::ehlo(&[]).to(&[TO, CC], &text()).message(&(text() + "more\n"));
        seen(second).not_observed(reason, &[quote]);
    }

    #[test]
    fn a_recipient_of_a_transaction_that_was_reset_is_none() {
        let talk = Talk::ehlo(&[])
            .cs("MAIL FROM:<a@b>", "250 ok")
            .cs(&format!("RCPT TO:<{CC}>"), "250 ok")
            .cs("RSET", "250 ok")
            .message(&text());
        seen(talk).not_observed("was given no RCPT", &["Cc: …"]);
    }

    #[test]
    fn a_configured_address_that_the_field_lacks() {
        let talk = Talk::ehlo(&[]).to(&[TO, CC], &plain("", "x"));
        seen(talk).not_observed("not in the Cc field", &["From: …"]);
        let other = Talk::ehlo(&[]).to(&[TO, CC], &plain("Cc: c@d\n", "x"));
        seen(other).not_observed("not in the Cc field", &["Cc: c@d\r\n"]);
    }

    #[test]
    fn a_second_try_for_those_who_are_left() {
        let talk = Talk::ehlo(&[]).to(&[TO, CC], &text()).message(&text());
        seen(talk).observed("each with a RCPT", &["Cc: …"]);
    }

    #[test]
    fn nothing_sent_and_bytes_missing() {
        seen(Talk::ehlo(&[])).undetermined("no message was sent");
        seen(Talk::ehlo(&[]).torn(&text(), "Audit")).undetermined("the whole message");
        seen(Talk::ehlo(&[]).gap().message(&text())).undetermined("does not hold");
    }

    #[test]
    fn a_message_without_copies() {
        let talk = Talk::ehlo(&[]).message(&plain("", "x")).quit();
        find(&CHECK, talk, Given::default()).not_applicable("with Cc recipients");
    }
    #[test]
    fn a_control_with_another_cc_is_left_out() {
        let mut given = super::super::withheld::testing::given(crate::configured::Missing::Macro);
        given.cc = vec!["%SourceParty%@b.example".to_owned()];
        find(&CHECK, super::super::withheld::testing::control().quit(), given).not_applicable("the control message");
    }
}

//! Does anyone receive the message whom its header does not name?

use super::{each, same_mailbox};
use crate::subject::Sent;
use crate::{Check, Evidence, Finding, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "blind-recipient",
    observed_when: "a RCPT names an address that stands in no To or Cc field",
    trigger: "a message was sent to more than one recipient",
    method: "The set of forward-paths is compared with the addresses of To and Cc.",
    references: &["RFC 5322 3.6.3", "RFC 5321 7.2"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    each::message(subject, Observation::Observed, |sent| judge(subject, sent))
}

fn judge(subject: &Subject<'_>, sent: &Sent<'_>) -> Finding {
    if let Some(reason) = sent.incomplete() {
        return Finding::undetermined(reason);
    }
    let mut named = sent.message.addresses("To");
    named.extend(sent.message.addresses("Cc"));
    let recipients = &sent.transaction.recipients;
    let blind: Vec<_> = recipients
        .iter()
        .filter(|r| !named.iter().any(|(address, _)| same_mailbox(address, &r.address.value)))
        .map(|r| Evidence::bytes(sent.timeline, r.address.span, "RCPT that no header field names"))
        .collect();
    if !blind.is_empty() {
        let reason = format!("{} recipient(s) stand in no To or Cc field", blind.len());
        return Finding::observed(reason, blind);
    }
    if recipients.len() < 2 {
        return Finding::undetermined("the message has a single recipient");
    }
    if let Some(reason) = subject.unheard() {
        return Finding::undetermined(reason);
    }
    let evidence = recipients
        .iter()
        .map(|r| Evidence::bytes(sent.timeline, r.address.span, "RCPT that a header field names"))
        .collect();
    Finding::not_observed(
        format!("all {} recipients stand in To or Cc", recipients.len()),
        evidence,
    )
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, TO, Talk, find, plain};
    use super::*;
    use crate::Given;

    const CC: &str = "audit@fabrikam.example";

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk.quit(), Given::default())
    }

    fn text() -> String {
        plain(&format!("Cc: {CC}\n"), "x")
    }

    #[test]
    fn a_recipient_that_no_field_names() {
        let talk = Talk::ehlo(&[]).to(&[TO, "hidden@b.example", CC], &text());
        seen(talk.gap()).observed("1 recipient(s)", &["hidden@b.example"]);
        let bcc = plain("Bcc: hidden@b.example\n", "x");
        let bcc = Talk::ehlo(&[]).to(&[TO, "hidden@b.example"], &bcc);
        seen(bcc).observed("1 recipient(s)", &["hidden@b.example"]);
        let alone = Talk::ehlo(&[]).to(&["hidden@b.example"], &text());
        seen(alone).observed("1 recipient(s)", &["hidden@b.example"]);
        let second = Talk::ehlo(&[]).to(&[TO, CC], &text()).to(&[TO, "c@d"], &text());
        seen(second).observed("1 recipient(s)", &["c@d"]);
    }

    #[test]
    fn every_recipient_is_named() {
        let talk = Talk::ehlo(&[]).to(&["orders@FABRIKAM.example", CC], &text());
        let quotes = ["orders@FABRIKAM.example", CC];
        seen(talk.clone()).not_observed("all 2 recipients", &quotes);
        let retried = talk.message(&text());
        seen(retried).not_observed("all 2 recipients", &quotes);
    }

    #[test]
    fn a_single_recipient_shows_nothing() {
        seen(Talk::ehlo(&[]).message(&text())).undetermined("a single recipient");
        seen(Talk::ehlo(&[])).undetermined("no message was sent");
    }

    #[test]
    fn a_gap_may_hide_a_recipient_or_a_name() {
        let talk = Talk::ehlo(&[]).to(&[TO, CC], &text());
        seen(talk.clone().gap()).undetermined("does not hold");
        seen(talk.torn(&text(), CC)).undetermined("the whole message");
    }
}

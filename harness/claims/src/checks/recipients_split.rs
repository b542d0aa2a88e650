//! Does one transaction serve all recipients?

use smtp::timeline::Transaction;

use super::same_mailbox;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "recipients-split",
    observed_when: "the message goes to some of its recipients in one transaction and to others in the next, though no \
                    recipient was refused",
    trigger: "more than one recipient was told, blind copies apart, and a message crossed",
    method: "The recipients of each transaction with a message are compared with those that were told. A recipient that was \
             refused, or a transaction that was not accepted, is a reason for another transaction. Blind copies are left \
             out, since a transaction for each of them keeps them apart.",
    references: &["RFC 5321 4.5.4.1", "RFC 5321 7.2"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let given = subject.given();
    let open = |one: &&String| !given.blind.iter().any(|blind| same_mailbox(blind, one));
    let told: Vec<&String> = given.recipients.iter().filter(open).collect();
    if told.len() < 2 {
        return Finding::undetermined("fewer than two recipients were told, blind copies apart");
    }
    let timeline = subject.timeline();
    let mut whole = None;
    for transaction in &timeline.transactions {
        let Some(data) = transaction.data.as_ref().filter(|data| data.accepted == Some(true)) else {
            continue;
        };
        if transaction.recipients.iter().any(|one| one.accepted != Some(true)) {
            continue;
        }
        let served = told.iter().filter(|one| serves(transaction, one)).count();
        let message = Evidence::bytes(timeline, data.span, "the message");
        if served == told.len() {
            whole.get_or_insert(message);
        } else if served > 0 {
            let names = transaction.recipients.iter();
            let names = names.map(|one| Evidence::bytes(timeline, one.address.span, "a recipient of this transaction"));
            return Finding::observed(
                format!("a transaction serves {served} of {} recipients, and none was refused", told.len()),
                names.chain([message]).collect(),
            );
        }
    }
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    match whole {
        Some(message) => Finding::not_observed("one transaction serves all recipients", vec![message]),
        None => Finding::undetermined("no message was accepted for recipients of which none was refused"),
    }
}

fn serves(transaction: &Transaction, recipient: &str) -> bool {
    let mut named = transaction.recipients.iter();
    named.any(|one| same_mailbox(&one.address.value, recipient))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FROM, Talk, find};
    use super::*;
    use crate::Given;

    const TEXT: &str = "Subject: x\n\nx\n";

    fn given() -> Given {
        let recipients = vec!["a@b.example".to_owned(), "c@b.example".to_owned(), "d@b.example".to_owned()];
        Given { recipients, blind: vec!["d@b.example".to_owned()], ..Given::default() }
    }

    #[test]
    fn a_transaction_for_each() {
        let talk = Talk::ehlo(&[]).to(&["a@b.example"], TEXT).to(&["c@b.example"], TEXT).quit();
        find(&CHECK, talk, given()).observed("serves 1 of 2 recipients", &["a@b.example", "Subject: x\r\n…"]);
    }

    #[test]
    fn one_transaction() {
        let both = ["a@b.example", "c@B.example"];
        let talk = Talk::ehlo(&[]).to(&both, TEXT).to(&["d@b.example"], TEXT).quit();
        find(&CHECK, talk, given()).not_observed("serves all recipients", &["Subject: x\r\n…"]);
    }

    #[test]
    fn reasons_for_more_than_one() {
        let mail = Talk::ehlo(&[]).cs(&format!("MAIL FROM:<{FROM}>"), "250 ok");
        let refused = mail.cs("RCPT TO:<a@b.example>", "250 ok").cs("RCPT TO:<c@b.example>", "450 later");
        let message = refused.cs("DATA", "354 go").turn("C", "Subject: x\r\n\r\nx\r\n.\r\n").s("250 ok");
        find(&CHECK, message.quit(), given()).undetermined("no message was accepted for recipients of which none");
        let one = Talk::ehlo(&[]).to(&["a@b.example"], TEXT).quit();
        find(&CHECK, one.clone(), Given::default()).undetermined("fewer than two recipients");
        let whole = Talk::ehlo(&[]).to(&["a@b.example", "c@b.example"], TEXT);
        find(&CHECK, whole.gap().quit(), given()).undetermined("does not hold");
    }
}

//! Does a refused recipient make the send fail, for all or for itself?

use smtp::timeline::{Recipient, Transaction};

use crate::given::Reported;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "refused-recipient-fails-send",
    observed_when: "a recipient is refused for good, and the send fails: nothing is sent, or the sender reports a failure",
    trigger: "the server answered RCPT with 5yz, and the end of the transaction was captured",
    method: "Behind a RCPT that got 5yz it is looked for content. Without it the send has failed for everybody, on the wire. Where the others got the message, the \
             send has failed if the sender says so: its own word is held against what the wire shows, and where it is not known the matter stays \
             open. Which of the two it was is told.",
    references: &["RFC 5321 3.3", "RFC 5321 4.2.5"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let timeline = subject.timeline();
    let found = timeline.transactions.iter().find_map(|one| Some((one, refused(subject, one)?)));
    let Some((transaction, (recipient, refusal))) = found else {
        return Finding::undetermined(subject.blind().unwrap_or_else(|| "no recipient was refused for good".to_owned()));
    };
    let count = transaction.recipients.len();
    let mut evidence = vec![refusal, Evidence::bytes(timeline, recipient.address.span, "the refused recipient")];
    let reported = subject.given().reported;
    if let Some(data) = &transaction.data {
        evidence.push(Evidence::bytes(timeline, data.span, "the message, for the others"));
        if data.accepted != Some(true) {
            return Finding::undetermined("the message was not accepted for the others either, whatever became of the refused recipient");
        }
        return match reported {
            Some(Reported::Failed) => {
                Finding::observed(format!("one of {count} recipients was refused, the others got the message, and the sender reports a failure"), evidence)
            }
            Some(Reported::Sent) => {
                Finding::not_observed(format!("one of {count} recipients was refused, the others got the message, and the sender reports it sent"), evidence)
            }
            None => Finding::undetermined("the others got the message, and what the sender reports is not known"),
        };
    }
    if let Some(reason) = subject.unheard() {
        return Finding::undetermined(reason);
    }
    if !super::has_ended(timeline) {
        return Finding::undetermined("the capture ends before the session does");
    }
    if reported == Some(Reported::Sent) && delivered_later(subject, transaction) {
        return Finding::undetermined("the message went to the recipients in a later transaction");
    }
    if reported == Some(Reported::Sent) {
        return Finding::not_observed("a recipient was refused, nothing was sent, and the sender reports it sent", evidence);
    }
    let all = if count > 1 { format!(", for all {count} recipients") } else { String::new() };
    Finding::observed(format!("a recipient was refused, and nothing was sent{all}"), evidence)
}

/// The first recipient of a transaction that was refused for good, with the reply.
fn refused<'a>(subject: &Subject<'a>, transaction: &'a Transaction) -> Option<(&'a Recipient, Evidence)> {
    transaction.recipients.iter().find_map(|recipient| {
        let (event, reply) = subject.timeline().reply(recipient.exchange)?;
        let evidence = || Evidence::event(event, format!("{} to the recipient", reply.code));
        (reply.code / 100 == 5).then(|| (recipient, evidence()))
    })
}

/// Whether a message was accepted in another transaction of the case.
fn delivered_later(subject: &Subject<'_>, transaction: &Transaction) -> bool {
    let mut all = subject.siblings().flat_map(|one| one.timeline().transactions.iter());
    all.any(|one| !std::ptr::eq(one, transaction) && one.data.as_ref().is_some_and(|data| data.accepted == Some(true)))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FROM, Seen, Talk, find, plain};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk, reported: Option<Reported>) -> Seen {
        find(&CHECK, talk, Given { reported, ..Given::default() })
    }

    fn refused() -> Talk {
        Talk::ehlo(&[]).cs(&format!("MAIL FROM:<{FROM}>"), "250 ok").cs("RCPT TO:<a@b.example>", "550 nobody")
    }

    fn partly() -> Talk {
        refused().cs("RCPT TO:<c@b.example>", "250 ok").cs("DATA", "354 go").turn("C", "Subject: x\r\n\r\ny\r\n.\r\n").s("250 taken").quit()
    }

    #[test]
    fn it_fails() {
        let quotes = ["550 nobody\r\n", "a@b.example"];
        seen(refused().quit(), None).observed("nothing was sent", &quotes);
        seen(refused().cs("RCPT TO:<c@b.example>", "250 ok").quit(), Some(Reported::Failed)).observed("for all 2 recipients", &quotes);
        seen(partly(), Some(Reported::Failed)).observed("one of 2 recipients was refused", &quotes);
    }

    #[test]
    fn it_is_called_sent() {
        seen(partly(), Some(Reported::Sent)).not_observed("reports it sent", &["550 nobody\r\n"]);
        seen(refused().quit(), Some(Reported::Sent)).not_observed("nothing was sent", &["550 nobody\r\n"]);
    }

    #[test]
    fn nobody_refused_or_not_told() {
        seen(Talk::ehlo(&[]).message(&plain("", "x")).quit(), None).undetermined("no recipient was refused");
        seen(partly(), None).undetermined("what the sender reports is not known");
        seen(refused(), None).undetermined("ends before");
        seen(refused().gap().quit(), None).undetermined("does not hold");
        let later = refused().cs("RSET", "250 ok").message(&plain("", "x")).quit();
        seen(later, Some(Reported::Sent)).undetermined("in a later transaction");
        let unwilling = refused().cs("RCPT TO:<c@b.example>", "250 ok").cs("DATA", "354 go").turn("C", "x\r\n.\r\n").s("554 no");
        seen(unwilling.quit(), None).undetermined("for the others either");
    }
}

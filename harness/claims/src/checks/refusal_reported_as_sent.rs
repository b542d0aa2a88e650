//! Does the client take a refusal for a success?

use std::collections::HashSet;

use smtp::timeline::{Timeline, Transaction};

use crate::given::Reported;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "refusal-reported-as-sent",
    observed_when: "the client reports that its message was sent, although a recipient, or the message, was refused or got \
                    no final reply, and was accepted nowhere else",
    trigger: "what the client reported is known, and something of its message was refused or left without a reply",
    method: "Each recipient that got a 4yz or 5yz, or whose message did, or whose connection ended before the final reply, \
             is looked for in the other transactions of the case: one in which the recipient and the message were accepted \
             makes up for it. The report is the client's own word: its exit status, or the outcome that it gives.",
    references: &["RFC 5321 4.2.1", "RFC 5321 4.2.5", "RFC 5321 6.1"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let Some(reported) = subject.given().reported else {
        return Finding::undetermined("what the client itself reported is not known");
    };
    let delivered: HashSet<String> =
        subject.siblings().flat_map(|sibling| sibling.timeline().transactions.iter().flat_map(taken)).collect();
    let Some((what, evidence)) = refusal(subject.timeline(), &delivered) else {
        return Finding::undetermined("nothing was refused here that was not accepted elsewhere");
    };
    match reported {
        Reported::Sent => Finding::observed(format!("{what}, and the client reports the message sent"), evidence),
        Reported::Failed => Finding::not_observed(format!("{what}, and the client reports a failure"), evidence),
    }
}

/// The recipients that got the message.
fn taken(transaction: &Transaction) -> Vec<String> {
    let accepted = transaction.data.as_ref().is_some_and(|data| data.accepted == Some(true));
    let recipients = transaction.recipients.iter().filter(|one| accepted && one.accepted != Some(false));
    recipients.map(|one| key(&one.address.value)).collect()
}

/// An address as it is looked up: the domain in any case (RFC 5321 section 2.4).
fn key(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((local, domain)) => format!("{local}@{}", domain.to_ascii_lowercase()),
        None => address.to_owned(),
    }
}

/// What was refused, or left open, and not made up for.
fn refusal(timeline: &Timeline, delivered: &HashSet<String>) -> Option<(String, Vec<Evidence>)> {
    let mut refused = Vec::new();
    let mut codes = Vec::new();
    for recipient in timeline.transactions.iter().flat_map(|transaction| &transaction.recipients) {
        let reply = timeline.reply(recipient.exchange).filter(|(_, reply)| reply.is_negative());
        if let Some((event, reply)) = reply.filter(|_| !delivered.contains(&key(&recipient.address.value))) {
            codes.push(reply.code.to_string());
            refused.push(Evidence::event(event, format!("{} to a recipient", reply.code)));
        }
    }
    if !refused.is_empty() {
        return Some((format!("{} recipient(s) were refused ({})", refused.len(), codes.join(", ")), refused));
    }
    for transaction in &timeline.transactions {
        let missed = transaction.recipients.iter().any(|one| !delivered.contains(&key(&one.address.value)));
        let Some(data) = transaction.data.as_ref().filter(|_| missed) else { continue };
        match timeline.reply(data.exchange) {
            Some((event, reply)) if !reply.is_positive() => {
                let evidence = vec![Evidence::event(event, "the final reply")];
                return Some((format!("the message was answered {}", reply.code), evidence));
            }
            None => {
                let evidence = vec![Evidence::bytes(timeline, data.span, "the message")];
                return Some(("the message got no final reply".to_owned(), evidence));
            }
            Some(_) => {}
        }
    }
    // Before any recipient: the last refusal that is left standing.
    let mut replies = timeline.events.iter().rev().filter_map(|event| match &event.kind {
        smtp::timeline::EventKind::Reply(reply) if reply.is_negative() => Some((event, reply)),
        _ => None,
    });
    let (event, reply) = replies.next().filter(|_| delivered.is_empty())?;
    let evidence = vec![Evidence::event(event, "the last refusal")];
    Some((format!("the server answered {}, and no message was accepted", reply.code), evidence))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FROM, Talk, case, find};
    use super::*;

    fn given(reported: Reported) -> crate::Given {
        crate::Given { reported: Some(reported), ..crate::Given::default() }
    }

    fn mail() -> Talk {
        Talk::ehlo(&[]).cs(&format!("MAIL FROM:<{FROM}>"), "250 ok")
    }

    fn partly() -> Talk {
        let rcpt = mail().cs("RCPT TO:<a@b.example>", "250 ok").cs("RCPT TO:<c@b.example>", "450 later");
        rcpt.cs("DATA", "354 go").turn("C", "Subject: x\r\n\r\nx\r\n.\r\n").s("250 ok").quit()
    }

    #[test]
    fn a_refusal_taken_for_a_success() {
        let sent = || given(Reported::Sent);
        find(&CHECK, partly(), sent()).observed("1 recipient(s) were refused (450)", &["450 later\r\n"]);
        let whole = mail().cs("RCPT TO:<a@b.example>", "250 ok").cs("DATA", "354 go");
        let whole = whole.turn("C", "Subject: x\r\n\r\nx\r\n.\r\n");
        find(&CHECK, whole.clone().s("554 no").quit(), sent()).observed("answered 554", &["554 no\r\n"]);
        find(&CHECK, whole.closed(), sent()).observed("no final reply", &["Subject: x\r\n…"]);
        let data = mail().cs("RCPT TO:<a@b.example>", "250 ok").cs("DATA", "451 later").quit();
        find(&CHECK, data, sent()).observed("the server answered 451", &["451 later\r\n"]);
    }

    #[test]
    fn a_refusal_that_is_reported() {
        find(&CHECK, partly(), given(Reported::Failed)).not_observed("reports a failure", &["450 later\r\n"]);
    }

    #[test]
    fn a_later_transaction_makes_up_for_it() {
        let again = Talk::ehlo(&[]).sent("<a@b>", &["<c@B.example>"], "Subject: x\n\nx\n").quit();
        let both = case(vec![partly(), again], given(Reported::Sent));
        both.find(&CHECK, 0).undetermined("nothing was refused");
        let other = Talk::ehlo(&[]).sent("<a@b>", &["<C@b.example>"], "Subject: x\n\nx\n").quit();
        case(vec![partly(), other], given(Reported::Sent)).find(&CHECK, 0).observed("(450)", &["450 later\r\n"]);
    }

    #[test]
    fn nothing_known_or_refused() {
        find(&CHECK, partly(), crate::Given::default()).undetermined("itself reported is not known");
        let taken = Talk::ehlo(&[]).message("Subject: x\n\nx\n").quit();
        find(&CHECK, taken, given(Reported::Sent)).undetermined("nothing was refused");
    }
}

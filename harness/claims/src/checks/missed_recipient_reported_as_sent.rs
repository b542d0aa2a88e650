//! Does the client say that everybody got the message when somebody did not?

use std::collections::HashSet;

use smtp::timeline::{Recipient, Timeline, Transaction};

use crate::given::Reported;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "missed-recipient-reported-as-sent",
    observed_when: "the client reports that its message was sent, and a recipient that it asked for got it nowhere",
    trigger: "what the client reported is known, and for some recipient RCPT, DATA or the message was refused or left without a \
              reply",
    method: "For each RCPT of the conversation a transaction of the case is looked for in which the recipient and the message \
             were both accepted: a later one makes up for an earlier refusal. The report is the client's own word, its exit \
             status or the outcome that it gives; to say that some recipients were not reached is to report a failure.",
    references: &["RFC 5321 3.3", "RFC 5321 4.2.5", "RFC 5321 6.1"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let Some(reported) = subject.given().reported else {
        return Finding::undetermined("what the client itself reported is not known");
    };
    if let Some(reason) = subject.siblings().find_map(|sibling| sibling.blind()) {
        return Finding::undetermined(reason);
    }
    let transactions = |sibling: Subject<'_>| sibling.timeline().transactions.iter().flat_map(taken).collect::<Vec<_>>();
    let delivered: HashSet<String> = subject.siblings().flat_map(transactions).collect();
    let timeline = subject.timeline();
    let (mut missed, mut later) = (Vec::new(), Vec::new());
    for transaction in &timeline.transactions {
        let here = taken(transaction);
        for recipient in &transaction.recipients {
            let address = key(&recipient.address.value);
            if !delivered.contains(&address) {
                missed.push(why(timeline, transaction, recipient));
            } else if !here.contains(&address) {
                later.push(why(timeline, transaction, recipient));
            }
        }
    }
    if missed.is_empty() {
        if timeline.transactions.iter().all(|one| one.recipients.is_empty()) {
            return Finding::undetermined("the client asked for no recipient");
        }
        if later.is_empty() {
            return Finding::undetermined("every recipient that the client asked for got the message");
        }
        return Finding::not_observed("who did not get the message here got it in another transaction", later);
    }
    let what = format!("{} recipient(s) did not get the message", missed.len());
    match reported {
        Reported::Sent => Finding::observed(format!("{what}, and the client reports it sent"), missed),
        Reported::Failed => Finding::not_observed(format!("{what}, and the client reports a failure"), missed),
    }
}

/// The recipients that got the message of a transaction.
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

/// Where it is to be seen that a recipient did not get the message.
fn why(timeline: &Timeline, transaction: &Transaction, recipient: &Recipient) -> Evidence {
    let refusal = |exchange: usize| timeline.reply(exchange).filter(|(_, reply)| !reply.is_positive() && reply.code != 354);
    if let Some((event, reply)) = refusal(recipient.exchange) {
        return Evidence::event(event, format!("{} to the recipient", reply.code));
    }
    let data = transaction.data.as_ref();
    if let Some((event, reply)) = data.and_then(|data| refusal(data.exchange)) {
        return Evidence::event(event, format!("{} to the message", reply.code));
    }
    let next = timeline
        .commands()
        .find(|(number, _, command)| *number > recipient.exchange && command.verb == "DATA")
        .filter(|_| data.is_none());
    // A 2yz asks for no message either.
    if let Some((event, reply)) = next.and_then(|(number, ..)| timeline.reply(number)) {
        return Evidence::event(event, format!("{} to DATA", reply.code));
    }
    match data {
        Some(data) => Evidence::bytes(timeline, data.span, "the message, with no final reply"),
        None => Evidence::bytes(timeline, recipient.address.span, "the recipient, with no message after it"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FROM, Talk, case, find};
    use super::*;
    use crate::Given;

    fn given(reported: Reported) -> Given {
        Given { reported: Some(reported), ..Given::default() }
    }

    fn mail() -> Talk {
        Talk::ehlo(&[]).cs(&format!("MAIL FROM:<{FROM}>"), "250 ok")
    }

    fn message(talk: Talk) -> Talk {
        talk.cs("DATA", "354 go").turn("C", "Subject: x\r\n\r\nx\r\n.\r\n")
    }

    fn partly() -> Talk {
        let rcpt = mail().cs("RCPT TO:<a@b.example>", "250 ok").cs("RCPT TO:<c@b.example>", "450 later");
        message(rcpt).s("250 ok").quit()
    }

    #[test]
    fn a_miss_taken_for_a_success() {
        let seen = |talk: Talk| find(&CHECK, talk, given(Reported::Sent));
        seen(partly()).observed("1 recipient(s) did not get", &["450 later\r\n"]);
        let whole = message(mail().cs("RCPT TO:<a@b.example>", "250 ok"));
        seen(whole.clone().s("554 no").quit()).observed("reports it sent", &["554 no\r\n"]);
        seen(whole.closed()).observed("reports it sent", &["Subject: x\r\n…"]);
        let data = mail().cs("RCPT TO:<a@b.example>", "250 ok").cs("DATA", "451 later");
        seen(data.quit()).observed("reports it sent", &["451 later\r\n"]);
        let alone = mail().cs("RCPT TO:<a@b.example>", "250 ok");
        seen(alone.quit()).observed("reports it sent", &["a@b.example"]);
    }

    #[test]
    fn a_miss_that_is_reported() {
        find(&CHECK, partly(), given(Reported::Failed)).not_observed("reports a failure", &["450 later\r\n"]);
    }

    #[test]
    fn a_later_transaction_makes_up_for_it() {
        let again = |to: &str| Talk::ehlo(&[]).sent("<a@b>", &[to], "Subject: x\n\nx\n").quit();
        let both = case(vec![partly(), again("<c@B.example>")], given(Reported::Sent));
        both.find(&CHECK, 0).not_observed("in another transaction", &["450 later\r\n"]);
        both.find(&CHECK, 1).undetermined("every recipient");
        let other = case(vec![partly(), again("<C@b.example>")], given(Reported::Sent));
        other.find(&CHECK, 0).observed("1 recipient(s)", &["450 later\r\n"]);
    }

    #[test]
    fn nothing_known_or_missed() {
        find(&CHECK, partly(), Given::default()).undetermined("itself reported is not known");
        let taken = Talk::ehlo(&[]).message("Subject: x\n\nx\n").quit();
        find(&CHECK, taken, given(Reported::Sent)).undetermined("every recipient");
        find(&CHECK, mail().quit(), given(Reported::Sent)).undetermined("no recipient");
        find(&CHECK, partly().gap(), given(Reported::Sent)).undetermined("does not hold");
    }
}

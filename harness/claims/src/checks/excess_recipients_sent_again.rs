//! Are recipients that were too many for one message tried again?

use smtp::timeline::{Timeline, Transaction};

use super::{has_ended, same_mailbox};
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "excess-recipients-sent-again",
    observed_when: "every recipient that was refused with 452 or 552 beside others that were accepted is named again in a later transaction",
    trigger: "RCPT was answered with 2yz, and further ones of the transaction with 452 or 552",
    method: "Transactions behind the refusal are looked at, in the same conversation and in later ones of the case. A server need not take \
             more than 100 recipients at a time, and some say 552 where they mean 452.",
    references: &["RFC 5321 4.5.3.1.8", "RFC 5321 4.5.3.1.10"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let timeline = subject.timeline();
    let first = timeline.transactions.iter().enumerate().find_map(|(number, one)| {
        let excess = excess(timeline, one);
        (!excess.is_empty()).then_some((number, excess))
    });
    let Some((number, excess)) = first else {
        let reason = subject.unheard().unwrap_or_else(|| "no recipient was one too many".to_owned());
        return Finding::undetermined(reason);
    };
    let later = timeline.transactions.iter().skip(number + 1);
    let others: Vec<_> = subject.later().map(|later| later.timeline()).collect();
    let later: Vec<_> = later.chain(others.iter().flat_map(|other| other.transactions.iter())).collect();
    let again = |address: &str| {
        let mut named = later.iter().flat_map(|one| &one.recipients);
        named.any(|one| same_mailbox(&one.address.value, address))
    };
    let (tried, left): (Vec<_>, Vec<_>) = excess.into_iter().partition(|(address, _)| again(address));
    let refusals = |all: Vec<(&str, Evidence)>| all.into_iter().map(|(_, evidence)| evidence).collect();
    if left.is_empty() {
        return Finding::observed(format!("{} recipient(s) that were too many were tried again", tried.len()), refusals(tried));
    }
    if let Some(reason) = subject.siblings().find_map(|sibling| sibling.blind()) {
        return Finding::undetermined(reason);
    }
    if !has_ended(timeline) {
        return Finding::undetermined("the capture does not show the session end");
    }
    Finding::not_observed(format!("{} recipient(s) that were too many were not tried again", left.len()), refusals(left))
}

/// The recipients of a transaction that were too many, each with the reply that says so.
fn excess<'a>(timeline: &'a Timeline, transaction: &'a Transaction) -> Vec<(&'a str, Evidence)> {
    let recipients = &transaction.recipients;
    if !recipients.iter().any(|one| one.accepted == Some(true)) {
        return Vec::new();
    }
    let too_many = recipients.iter().filter_map(|one| {
        let (event, reply) = timeline.reply(one.exchange)?;
        let evidence = || Evidence::event(event, format!("{} to a recipient", reply.code));
        matches!(reply.code, 452 | 552).then(|| (one.address.value.as_str(), evidence()))
    });
    too_many.collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Talk, case, find, plain};
    use super::*;
    use crate::Given;

    fn refused(code: &str) -> Talk {
        let talk = Talk::ehlo(&[]).cs("MAIL FROM:<a@b.example>", "250 ok");
        let talk = talk.cs("RCPT TO:<one@b.example>", "250 ok").cs("RCPT TO:<two@b.example>", &format!("{code} enough"));
        talk.cs("DATA", "354 go").turn("C", "Subject: x\r\n\r\nx\r\n.\r\n").s("250 ok")
    }

    #[test]
    fn again_here_or_later() {
        for (code, refusal) in [("452", "452…"), ("552", "552…")] {
            let here = refused(code).to(&["two@B.EXAMPLE"], &plain("", "x")).quit();
            find(&CHECK, here, Given::default()).observed("1 recipient(s)", &[refusal]);
            let later = Talk::ehlo(&[]).to(&["two@b.example"], &plain("", "x")).quit();
            let tested = case(vec![refused(code).quit(), later], Given::default());
            tested.find(&CHECK, 0).observed("tried again", &[refusal]);
            tested.find(&CHECK, 1).undetermined("one too many");
        }
    }

    #[test]
    fn not_again() {
        find(&CHECK, refused("552").quit(), Given::default()).not_observed("were not tried again", &["552…"]);
        let other = refused("452").to(&["three@b.example"], &plain("", "x")).quit();
        find(&CHECK, other, Given::default()).not_observed("1 recipient(s)", &["452…"]);
    }

    #[test]
    fn no_question() {
        find(&CHECK, refused("550").quit(), Given::default()).undetermined("one too many");
        find(&CHECK, refused("452"), Given::default()).undetermined("does not show the session end");
    }
}

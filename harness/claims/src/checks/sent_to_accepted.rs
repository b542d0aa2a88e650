//! Do the recipients that were accepted get the message when others are refused?

use smtp::timeline::Transaction;

use super::has_ended;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "sent-to-accepted-recipients",
    observed_when: "a message is sent in a transaction of which some recipients were accepted and some refused",
    trigger: "in one transaction some RCPT got 2yz and some 4yz or 5yz, and the client went on",
    method: "A refusal concerns the recipient that it answers. The message goes to those that were accepted, once; what is \
             left is reported, or tried again if the refusal was for the moment. A client that gives the whole transaction \
             up keeps the message from recipients that nobody refused.",
    references: &["RFC 5321 3.3", "RFC 5321 4.2.1", "RFC 5321 4.5.3.1.10"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let timeline = subject.timeline();
    let mut sent = None;
    for transaction in timeline.transactions.iter().filter(|one| is_mixed(one)) {
        let evidence = transaction.recipients.iter().filter_map(|recipient| {
            let (event, reply) = timeline.reply(recipient.exchange)?;
            Some(Evidence::event(event, format!("{} to a recipient", reply.code)))
        });
        match &transaction.data {
            Some(data) if data.content.octets() > 0 => {
                let message = Evidence::bytes(timeline, data.span, "the message");
                sent = Some(std::iter::once(message).chain(evidence).collect::<Vec<_>>());
            }
            _ if subject.unheard().is_some() => {}
            _ if has_ended(timeline) => {
                return Finding::not_observed(
                    "some recipients were refused, and those that were accepted did not get the message either",
                    evidence.collect(),
                );
            }
            _ => {}
        }
    }
    match sent {
        Some(evidence) => Finding::observed("the message went to the recipients that were accepted", evidence),
        None => Finding::undetermined(
            subject.unheard().unwrap_or_else(|| "no transaction had recipients of both kinds".to_owned()),
        ),
    }
}

fn is_mixed(transaction: &Transaction) -> bool {
    let has = |accepted: bool| transaction.recipients.iter().any(|one| one.accepted == Some(accepted));
    has(true) && has(false)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FROM, Seen, Talk, find};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk, Given::default())
    }

    fn mixed() -> Talk {
        let mail = Talk::ehlo(&[]).cs(&format!("MAIL FROM:<{FROM}>"), "250 ok");
        mail.cs("RCPT TO:<a@b.example>", "250 ok").cs("RCPT TO:<c@b.example>", "550 no")
    }

    fn message(talk: Talk) -> Talk {
        talk.cs("DATA", "354 go").turn("C", "Subject: x\r\n\r\nx\r\n.\r\n").s("250 ok")
    }

    #[test]
    fn the_others_get_it() {
        seen(message(mixed()).quit()).observed("went to the recipients", &["Subject: x\r\n…", "250 ok\r\n", "550 no\r\n"]);
    }

    #[test]
    fn nobody_gets_it() {
        seen(mixed().cs("RSET", "250 ok").quit()).not_observed("did not get", &["250 ok\r\n", "550 no\r\n"]);
        seen(mixed().cs("DATA", "451 later").quit()).not_observed("did not get", &["250 ok\r\n"]);
    }

    #[test]
    fn all_alike_or_more_to_come() {
        seen(Talk::ehlo(&[]).message("Subject: x\n\nx\n").quit()).undetermined("of both kinds");
        seen(mixed()).undetermined("of both kinds");
        seen(mixed().gap().quit()).undetermined("does not hold");
    }
}

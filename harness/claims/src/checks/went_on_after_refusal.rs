//! Does the client stop when the server says so?

use smtp::Timeline;
use smtp::timeline::Transaction;

use crate::{Check, Evidence, Finding, Subject};

use super::steps::{Answer, answer, code, leaving, shown};
use super::{has_ended, said_after};

pub(super) static CHECK: Check = Check {
    id: "went-on-after-refusal",
    observed_when: "the client goes on with a transaction whose MAIL, or whose every RCPT, got no 2yz",
    trigger: "MAIL or every RCPT of a transaction was answered with anything but 2yz, and the session ended",
    method: "The first digit decides, whatever the text says and whether or not the code is a known one. What the client had sent \
             before it could read the reply, pipelined, is no answer to it and is not counted.",
    references: &["RFC 5321 4.2", "RFC 5321 3.3", "RFC 5321 4.3.2"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    let timeline = subject.timeline();
    let mut stopped = None;
    for transaction in &timeline.transactions {
        let Some((refused, next)) = refusal(timeline, transaction) else {
            continue;
        };
        let Some((event, reply)) = timeline.reply(refused) else {
            continue;
        };
        let what = timeline.command(refused).map_or("", |command| shown(&command.verb));
        let refusal = Evidence::event(event, format!("the reply to {what}"));
        if let Some((event, command)) = said_after(timeline, refused, next).filter(|(_, command)| command.verb != "MAIL") {
            return Finding::observed(
                format!("{what} was answered {}, and the client went on with {}", code(reply), shown(&command.verb)),
                vec![Evidence::event(event, "what the client said all the same"), refusal],
            );
        }
        stopped.get_or_insert((what, code(reply), refusal));
    }
    match stopped {
        Some((what, code, refusal)) if has_ended(timeline) => {
            let evidence = std::iter::once(refusal).chain(leaving(timeline));
            Finding::not_observed(format!("{what} was answered {code}, and the client stopped there"), evidence.collect())
        }
        Some(_) => Finding::undetermined("the capture ends before the session does"),
        None => Finding::undetermined("neither MAIL nor every RCPT was refused"),
    }
}

/// The exchange with the reply that ends a transaction, and what is not to be said after it.
fn refusal(timeline: &Timeline, transaction: &Transaction) -> Option<(usize, &'static [&'static str])> {
    let refused = |exchange: usize, verb: &str| {
        let reply = timeline.reply(exchange).filter(|_| timeline.command(exchange).is_some_and(|command| command.verb == verb));
        reply.is_some_and(|(_, reply)| answer(reply, verb) != Answer::Go)
    };
    if refused(transaction.mail, "MAIL") {
        return Some((transaction.mail, &["MAIL", "RCPT", "DATA", "BDAT"]));
    }
    let last = transaction.recipients.last()?.exchange;
    let all = transaction.recipients.iter().all(|recipient| refused(recipient.exchange, "RCPT"));
    all.then_some((last, &["MAIL", "DATA", "BDAT"]))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::testing::{FROM, Talk, find};
    use super::*;
    use crate::Given;

    fn mail(reply: &str) -> Talk {
        Talk::ehlo(&[]).cs(&format!("MAIL FROM:<{FROM}>"), reply)
    }

    #[rstest]
    #[case("550 2.1.0 sender ok", "550")]
    #[case("559 no", "559")]
    #[case("099 ok", "099")]
    #[case("650 ok", "650")]
    #[case("2500 ok", "no code of three digits")]
    fn going_on_after_mail(#[case] reply: &str, #[case] why: &str) {
        let talk = mail(reply).cs("RCPT TO:<a@b.example>", "503 no").quit();
        find(&CHECK, talk, Given::default()).observed(why, &["RCPT TO:<a@b.example>\r\n", &format!("{reply}\r\n")]);
        find(&CHECK, mail(reply).quit(), Given::default()).not_observed("stopped there", &[&format!("{reply}\r\n"), "QUIT\r\n"]);
    }

    #[test]
    fn going_on_without_a_recipient() {
        let refused = mail("250 ok").cs("RCPT TO:<a@b.example>", "450 a").cs("RCPT TO:<c@b.example>", "550 b");
        let talk = refused.clone().cs("DATA", "554 no").quit();
        find(&CHECK, talk, Given::default()).observed("went on with DATA", &["DATA\r\n", "550 b\r\n"]);
        find(&CHECK, refused.quit(), Given::default()).not_observed("stopped there", &["550 b\r\n"]);
        let some = mail("250 ok").cs("RCPT TO:<a@b.example>", "250 a").cs("RCPT TO:<c@b.example>", "550 b").cs("DATA", "354 go");
        find(&CHECK, some.quit(), Given::default()).undetermined("neither MAIL nor every RCPT");
    }

    #[test]
    fn what_was_sent_before_the_reply_is_no_answer_to_it() {
        let talk = Talk::ehlo(&["PIPELINING"]).c(&format!("MAIL FROM:<{FROM}>")).c("RCPT TO:<a@b.example>").s("550 no").s("503 no").quit();
        find(&CHECK, talk, Given::default()).not_observed("stopped there", &["550 no\r\n"]);
        find(&CHECK, mail("550 no"), Given::default()).undetermined("capture ends");
        // Another transaction is another matter.
        let again = mail("550 no").cs("MAIL FROM:<b@b.example>", "250 ok").cs("RCPT TO:<a@b.example>", "250 ok").quit();
        find(&CHECK, again, Given::default()).not_observed("stopped there", &["550 no\r\n"]);
    }
}

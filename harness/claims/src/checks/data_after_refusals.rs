//! Does the client go on to DATA when nobody is left to deliver to?

use super::envelope::{envelopes, is_ahead_of};
use super::has_ended;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "data-after-refusals",
    observed_when: "the client says DATA after it could read that MAIL, or every RCPT, was refused",
    trigger: "MAIL or every RCPT of a transaction was refused, and what the client did then was captured",
    method: "A transaction without a recipient cannot carry a message: RSET, QUIT or another MAIL comes next. DATA that was \
             sent in one group with the commands before it, pipelined, is no answer to the refusals.",
    references: &["RFC 5321 3.3", "RFC 5321 4.1.4"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let timeline = subject.timeline();
    let mut gave_up = None;
    for envelope in envelopes(timeline) {
        let Some(refusals) = envelope.refusals(timeline) else { continue };
        let last = refusals.last().map(|(event, _)| *event);
        let mut evidence: Vec<_> = refusals
            .iter()
            .map(|(event, reply)| Evidence::event(event, format!("refused with {}", reply.code)))
            .collect();
        let data = envelope.data.and_then(|data| timeline.request(data));
        match (data, last) {
            (Some(data), Some(last)) if !is_ahead_of(data, last) => {
                evidence.insert(0, Evidence::event(data, "DATA"));
                return Finding::observed("DATA follows although no recipient was accepted", evidence);
            }
            _ => gave_up = Some(evidence),
        }
    }
    if let Some(reason) = subject.unheard() {
        return Finding::undetermined(reason);
    }
    match gave_up {
        Some(evidence) if has_ended(timeline) => {
            Finding::not_observed("with no recipient accepted, the client did not go on to DATA", evidence)
        }
        Some(_) => Finding::undetermined("the capture ends before the client did anything more"),
        None => Finding::undetermined("no transaction was refused as a whole"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FROM, Seen, Talk, find};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk, Given::default())
    }

    fn refused() -> Talk {
        let mail = Talk::ehlo(&[]).cs(&format!("MAIL FROM:<{FROM}>"), "250 ok");
        mail.cs("RCPT TO:<a@b.example>", "550 no").cs("RCPT TO:<c@b.example>", "450 later")
    }

    #[test]
    fn data_all_the_same() {
        seen(refused().cs("DATA", "554 no").quit()).observed("DATA follows", &["DATA\r\n", "550 no\r\n", "450 later\r\n"]);
        let mail = Talk::ehlo(&[]).cs("MAIL FROM:<>", "550 no").cs("DATA", "503 no");
        seen(mail.quit()).observed("DATA follows", &["DATA\r\n", "550 no\r\n"]);
    }

    #[test]
    fn gave_up() {
        seen(refused().cs("RSET", "250 ok").quit()).not_observed("did not go on", &["550 no\r\n", "450 later\r\n"]);
        let group = Talk::ehlo(&["PIPELINING"]).turn("C", "MAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\n");
        let group = group.s("250 ok").s("550 no").s("554 no");
        seen(group.quit()).not_observed("did not go on", &["550 no\r\n"]);
    }

    #[test]
    fn somebody_was_accepted_or_more_was_to_come() {
        seen(Talk::ehlo(&[]).message("Subject: x\n\nx\n").quit()).undetermined("no transaction was refused");
        seen(refused()).undetermined("before the client did anything");
        seen(refused().gap().quit()).undetermined("does not hold");
    }
}

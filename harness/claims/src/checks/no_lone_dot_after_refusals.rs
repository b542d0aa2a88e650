//! What does the client do when DATA gets 354 although nobody is left to deliver to?

use super::envelope::envelopes;
use super::has_ended;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "no-lone-dot-after-refusals",
    observed_when: "a 354 is answered with octets of a message, or the client leaves, although MAIL or every RCPT of the \
                    transaction was refused",
    trigger: "DATA of such a transaction was answered 354, and what followed was captured",
    method: "A client that sends MAIL, RCPT and DATA in one group reads the refusals only after it asked for 354. It is then \
             to send a lone dot and nothing else: what it sends would be delivered to nobody, and a server that is left in \
             the middle of the data cannot tell the client's choice from a broken connection.",
    references: &["RFC 2920 3.1", "RFC 5321 4.1.4"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let timeline = subject.timeline();
    let mut empty = None;
    let mut waited = false;
    for envelope in envelopes(timeline) {
        let Some(refusals) = envelope.refusals(timeline) else { continue };
        waited |= envelope.data.is_none();
        let asked = envelope.data.and_then(|data| timeline.reply(data)).filter(|(_, reply)| reply.code == 354);
        let Some((asked, _)) = asked else { continue };
        let mut evidence = vec![Evidence::event(asked, "354")];
        evidence.extend(
            refusals.iter().map(|(event, reply)| Evidence::event(event, format!("refused with {}", reply.code))),
        );
        let Some((_, message)) = envelope.content else {
            if has_ended(timeline) && subject.unheard().is_none() {
                return Finding::observed("the client left without the lone dot that ends the data", evidence);
            }
            continue;
        };
        evidence.insert(0, Evidence::bytes(timeline, message.span, "what followed"));
        let octets = message.content.octets();
        if octets > 0 {
            let reason = format!("354 was answered with {octets} octets that nobody was to get, and not with a lone dot");
            return Finding::observed(reason, evidence);
        }
        if message.complete {
            empty = Some(evidence);
        }
    }
    match (subject.unheard(), empty) {
        (Some(reason), _) => Finding::undetermined(reason),
        (None, Some(evidence)) => {
            Finding::not_observed("a lone dot ended the data, with no content before it", evidence)
        }
        (None, None) if waited => Finding::not_applicable("the client read the refusals before it said DATA"),
        (None, None) => Finding::undetermined("no DATA got 354, and an answer to it, in a transaction that was refused as a whole"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, find};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk.quit(), Given::default())
    }

    fn group(replies: &[&str]) -> Talk {
        let group = Talk::ehlo(&["PIPELINING"]).turn("C", "MAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\n");
        replies.iter().fold(group, |talk, reply| talk.s(reply))
    }

    #[test]
    fn content_for_nobody() {
        let talk = group(&["250 ok", "550 no", "354 go"]).turn("C", "Subject: x\r\n\r\nx\r\n.\r\n").s("554 no");
        seen(talk).observed("with 17 octets", &["Subject: x\r\n\r\nx\r\n.\r\n", "354 go\r\n", "550 no\r\n"]);
        let mail = group(&["550 no", "503 no", "354 go"]).turn("C", "x\r\n.\r\n").s("554 no");
        seen(mail).observed("with 3 octets", &["x\r\n.\r\n"]);
    }

    #[test]
    fn no_dot_at_all() {
        let left = group(&["250 ok", "550 no", "354 go"]).closed();
        find(&CHECK, left, Given::default()).observed("left without the lone dot", &["354 go\r\n", "550 no\r\n"]);
        let open = group(&["250 ok", "550 no", "354 go"]);
        find(&CHECK, open, Given::default()).undetermined("no DATA got 354");
    }

    #[test]
    fn a_lone_dot() {
        let talk = group(&["250 ok", "550 no", "354 go"]).c(".").s("554 no");
        seen(talk).not_observed("a lone dot", &[".\r\n", "354 go\r\n"]);
    }

    #[test]
    fn it_never_came_to_that() {
        let turns = Talk::ehlo(&["PIPELINING"]).cs("MAIL FROM:<>", "250 ok").cs("RCPT TO:<a@b>", "550 no");
        seen(turns.cs("RSET", "250 ok")).not_applicable("read the refusals before");
        seen(group(&["250 ok", "550 no", "554 no"])).undetermined("no DATA got 354");
        seen(Talk::ehlo(&[]).message("Subject: x\n\nx\n")).undetermined("no DATA got 354");
    }
}

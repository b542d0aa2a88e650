//! Does the client stop when a chunk of its message is refused?

use smtp::timeline::EventKind;

use super::bdat_misused::uses_data;
use super::envelope::{is_ahead_of, next_words};
use super::has_ended;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "went-on-after-refused-chunk",
    observed_when: "after a chunk was refused the client sends another chunk, or any command but RSET, QUIT, EHLO or HELO",
    trigger: "BDAT was answered 4yz or 5yz, and what the client did then was captured",
    method: "A refused chunk leaves the transaction in a state that nobody knows: what is sent into it may be lost, or come \
             behind a hole. Only RSET, or the end of the session, clears it. Chunks that were under way before the refusal \
             could be read are no answer to it.",
    references: &["RFC 3030 2"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let timeline = subject.timeline();
    let mut stopped = None;
    for (number, _, command) in timeline.commands() {
        let reply = timeline.reply(number).filter(|(_, reply)| command.verb == "BDAT" && reply.is_negative());
        let Some((answer, reply)) = reply else { continue };
        let refusal = Evidence::event(answer, format!("{} to a chunk", reply.code));
        // The octets of the chunk itself come first.
        let octets = timeline.request(number + 1).is_some_and(|next| matches!(next.kind, EventKind::Content(_)));
        match next_words(timeline, number + usize::from(octets)) {
            Some(next) if is_ahead_of(next, answer) => {}
            Some(next) => match &next.kind {
                EventKind::Command(next_command) if ends(&next_command.verb) => {
                    stopped = Some(vec![refusal, Evidence::event(next, "how the client ended it")]);
                }
                _ => {
                    let evidence = vec![Evidence::event(next, "what came next"), refusal];
                    return Finding::observed("the client went on after a chunk was refused", evidence);
                }
            },
            None if has_ended(timeline) => stopped = Some(vec![refusal]),
            None => {}
        }
    }
    match (subject.unheard(), stopped) {
        (Some(reason), _) => Finding::undetermined(reason),
        (None, Some(evidence)) => Finding::not_observed("after the refusal of a chunk the message was given up", evidence),
        (None, None) if uses_data(timeline) => Finding::not_applicable("the client sends with DATA"),
        (None, None) => Finding::undetermined("no chunk was refused with the client having seen it"),
    }
}

fn ends(verb: &str) -> bool {
    matches!(verb, "RSET" | "QUIT" | "EHLO" | "HELO")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FROM, Seen, TO, Talk, find};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk, Given::default())
    }

    fn refused() -> Talk {
        let mail = Talk::ehlo(&["CHUNKING"]).cs(&format!("MAIL FROM:<{FROM}>"), "250 ok");
        let rcpt = mail.cs(&format!("RCPT TO:<{TO}>"), "250 ok");
        rcpt.turn("C", "BDAT 6\r\nA: b\r\n").s("452 no room")
    }

    #[test]
    fn it_goes_on() {
        let chunk = refused().turn("C", "BDAT 2 LAST\r\n\r\n").s("250 ok");
        seen(chunk.quit()).observed("went on", &["BDAT 2 LAST\r\n", "452 no room\r\n"]);
        seen(refused().cs("MAIL FROM:<>", "503 no").quit()).observed("went on", &["MAIL FROM:<>\r\n"]);
        let empty = refused().cs("BDAT 0 LAST", "503 no").quit();
        seen(empty).observed("went on", &["BDAT 0 LAST\r\n"]);
    }

    #[test]
    fn it_stops() {
        seen(refused().cs("RSET", "250 ok").quit()).not_observed("given up", &["452 no room\r\n", "RSET\r\n"]);
        seen(refused().quit()).not_observed("given up", &["452 no room\r\n", "QUIT\r\n"]);
        seen(refused().closed()).not_observed("given up", &["452 no room\r\n"]);
    }

    #[test]
    fn no_refusal_or_no_answer_to_it() {
        seen(Talk::ehlo(&[]).message("Subject: x\n\nx\n").quit()).not_applicable("with DATA");
        seen(refused()).undetermined("no chunk was refused");
        seen(refused().gap().quit()).undetermined("does not hold");
    }
}

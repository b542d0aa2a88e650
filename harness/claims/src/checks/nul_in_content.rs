//! Does a message cross with NUL in it?

use super::each;
use crate::subject::Sent;
use crate::{Check, Finding, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "nul-in-content",
    observed_when: "message content that was sent with DATA holds a NUL octet",
    trigger: "a whole message was sent with DATA",
    method: "A message is made of the characters 1 to 127, and of octets above where an extension allows them; NUL belongs to \
             neither, and has to be encoded. Servers cut lines at it, drop it, or read on, so that a line with a dot can be \
             one line to the first and the end of the data to the next.",
    references: &["RFC 5322 2.1", "RFC 5321 4.5.3.1.6"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    each::message(subject, Observation::Observed, judge)
}

fn judge(sent: &Sent<'_>) -> Finding {
    if sent.timeline.command(sent.data.command).is_some_and(|command| command.verb == "BDAT") {
        return Finding::not_applicable("BDAT can carry any octets");
    }
    if let Some(at) = memchr::memchr(0, sent.data.content.bytes()) {
        return Finding::observed("the message holds NUL", vec![sent.evidence(at..at + 1, "NUL")]);
    }
    match sent.unsearched() {
        Some(reason) => Finding::undetermined(reason),
        None => Finding::not_observed("no octet of the message is NUL", vec![sent.all("the message")]),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FROM, Seen, TO, Talk, find, plain};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk.quit(), Given::default())
    }

    #[test]
    fn nul() {
        seen(Talk::ehlo(&[]).message(&plain("", "a\0b"))).observed("holds NUL", &["\0"]);
    }

    #[test]
    fn none() {
        seen(Talk::ehlo(&[]).message(&plain("", "a=00b"))).not_observed("no octet", &["From: …"]);
    }

    #[test]
    fn no_whole_message_in_data() {
        seen(Talk::ehlo(&[])).undetermined("no message was sent");
        seen(Talk::ehlo(&[]).torn(&plain("", "abcdef"), "cde")).undetermined("the whole message");
        let bdat = Talk::ehlo(&["CHUNKING"])
            .cs(&format!("MAIL FROM:<{FROM}>"), "250 ok")
            .cs(&format!("RCPT TO:<{TO}>"), "250 ok")
            .turn("C", "BDAT 9 LAST\r\nA: b\r\n\r\n\0")
            .s("250 ok");
        seen(bdat).not_applicable("BDAT");
    }
}

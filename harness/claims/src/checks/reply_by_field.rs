//! Which header field holds the time by which a reply is wanted?

use jiff::fmt::rfc2822;

use super::each;
use crate::subject::Sent;
use crate::{Check, Finding, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "reply-by-field",
    observed_when: "the configured ReplyBy stands, as a date, in the Reply-By field",
    trigger: "a message was sent with ReplyBy configured",
    method: "The Reply-By field is read as a date and compared with the configured time. A date in Reply-To, which is the field \
             for addresses (RFC 5322 section 3.6.2), is told as that.",
    references: &["RFC 4021 2.1.36", "RFC 5322 3.6.2"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let Some(wanted) = subject.given().configured.reply_by else {
        return Finding::not_applicable("about a message with ReplyBy configured");
    };
    each::message(subject, Observation::NotObserved, |sent| judge(sent, wanted))
}

fn judge(sent: &Sent<'_>, wanted: i64) -> Finding {
    let is_it = |text: &str| rfc2822::parse(text.trim()).is_ok_and(|time| time.timestamp().as_second() == wanted);
    if let Some(field) = sent.message.header("Reply-By") {
        let evidence = vec![sent.evidence(field.range.clone(), "Reply-By field")];
        return if is_it(&field.decoded) {
            Finding::observed("Reply-By is the configured time", evidence)
        } else if let Some(reason) = sent.incomplete() {
            Finding::undetermined(reason)
        } else {
            Finding::not_observed("Reply-By is not the configured time", evidence)
        };
    }
    if let Some(field) = sent.message.header("Reply-To").filter(|field| is_it(&field.decoded)) {
        return Finding::not_observed(
            "the configured time is in Reply-To, and there is no Reply-By",
            vec![sent.evidence(field.range.clone(), "Reply-To field")],
        );
    }
    match sent.incomplete() {
        Some(reason) => Finding::undetermined(reason),
        None => Finding::not_observed("there is no Reply-By field", vec![sent.all("the message")]),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, find, plain};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        let mut given = Given::default();
        given.configured.reply_by = Some(1_769_860_800);
        find(&CHECK, talk.quit(), given)
    }

    fn sent(header: &str) -> Talk {
        Talk::ehlo(&[]).message(&plain(header, "x"))
    }

    #[test]
    fn in_one_field_or_the_other() {
        seen(sent("Reply-By: Sat, 31 Jan 2026 12:00:00 +0000\n")).observed("configured time", &["Reply-By: …"]);
        seen(sent("Reply-By: Sat, 31 Jan 2026 13:00:00 +0100\n")).observed("configured time", &["Reply-By: …"]);
        seen(sent("Reply-By: Sat, 31 Jan 2026 12:00:01 +0000\n")).not_observed("not the configured", &["Reply-By: …"]);
        seen(sent("Reply-To: Sat, 31 Jan 2026 12:00:00 +0000\n")).not_observed("in Reply-To", &["Reply-To: …"]);
        seen(sent("Reply-To: a@b.example\n")).not_observed("no Reply-By", &["From: …"]);
    }

    #[test]
    fn what_cannot_be_told() {
        let torn = plain("Reply-By: Sat, 31 Jan 2026 12:00:00 +0000\n", "x");
        seen(Talk::ehlo(&[]).torn(&torn, "Reply-By: Sat, 31 Jan 2026 12:00:00 +0000\n")).undetermined("the whole message");
        seen(Talk::ehlo(&[]).torn(&torn, "12:00:00")).undetermined("the whole message");
        seen(Talk::ehlo(&[])).undetermined("no message was sent");
        find(&CHECK, sent("").quit(), Given::default()).not_applicable("with ReplyBy configured");
    }
}

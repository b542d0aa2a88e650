//! Does a message leave with a Return-Path?

use super::each;
use crate::subject::Sent;
use crate::{Check, Finding, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "return-path-sent",
    observed_when: "the header of a message has a Return-Path field",
    trigger: "a message was sent with its header whole",
    method: "The field is for the server that makes the final delivery, which puts the reverse-path there. The message itself counts, and \
             not one that is enclosed in it.",
    references: &["RFC 5321 4.4"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    each::message(subject, Observation::Observed, judge)
}

fn judge(sent: &Sent<'_>) -> Finding {
    if let Some(field) = sent.message.header("Return-Path") {
        let evidence = vec![sent.evidence(field.range.clone(), "Return-Path field")];
        return Finding::observed("the message has a Return-Path before its final delivery", evidence);
    }
    match sent.incomplete() {
        Some(reason) => Finding::undetermined(reason),
        None => Finding::not_observed("the message has no Return-Path", vec![sent.all("the message")]),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Talk, find, plain};
    use super::*;
    use crate::Given;

    #[test]
    fn with_and_without() {
        let sent = |header: &str| find(&CHECK, Talk::ehlo(&[]).message(&plain(header, "x")).quit(), Given::default());
        sent("Return-Path: <a@b.example>\n").observed("before its final delivery", &["Return-Path: …"]);
        sent("").not_observed("has no Return-Path", &["From: …"]);
        find(&CHECK, Talk::ehlo(&[]).torn(&plain("", "x"), "x"), Given::default()).undetermined("whole message");
    }
}

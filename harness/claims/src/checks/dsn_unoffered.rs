//! Does the client ask for delivery reports where the server cannot give them?

use crate::{Check, Finding, Subject};

use super::offers;

pub(super) static CHECK: Check = Check {
    id: "dsn-unoffered",
    observed_when: "MAIL or RCPT has a parameter of DSN, and the server's EHLO reply does not offer DSN",
    trigger: "the client was told to ask for delivery reports, the server did not offer DSN, and the client got to MAIL",
    method: "NOTIFY, ORCPT, RET and ENVID are looked for in every MAIL and RCPT. A server that does not know them refuses the \
             command with 555, and the mail with it.",
    references: &["RFC 3461 4", "RFC 5321 4.1.1.11"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    if let Some(finding) = offers::unoffered(subject, |one| one.extension == Some("DSN")) {
        return finding;
    }
    if subject.offer("DSN").is_some() {
        return Finding::not_applicable("the server offered DSN");
    }
    if !subject.given().receipts.is_some_and(|receipts| receipts.delivery) {
        return Finding::undetermined("the client is not known to want delivery reports");
    }
    match offers::went_on(subject.timeline()) {
        Some(evidence) => Finding::not_observed("the client asked for no report in the envelope", evidence),
        None => Finding::undetermined("the client got to no mail"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FROM, TO, Talk, find, plain};
    use super::*;
    use crate::Given;
    use crate::given::Receipts;

    fn wanted() -> Given {
        Given { receipts: Some(Receipts { read: false, delivery: true }), ..Given::default() }
    }

    #[test]
    fn reports_asked_for_without_an_offer() {
        let talk = Talk::ehlo(&["SIZE"]).sent(&format!("<{FROM}>"), &[&format!("<{TO}> NOTIFY=SUCCESS")], &plain("", "x")).quit();
        find(&CHECK, talk.clone(), wanted()).observed("used NOTIFY", &["RCPT…"]);
        // Whoever was told what: on the wire it is wrong.
        find(&CHECK, talk, Given::default()).observed("used NOTIFY", &["RCPT…"]);
    }

    #[test]
    fn no_reports_asked_for() {
        let talk = Talk::ehlo(&["SIZE"]).message(&plain("", "x")).quit();
        find(&CHECK, talk.clone(), wanted()).not_observed("no report", &["MAIL…", "250-mx.example…"]);
        find(&CHECK, talk, Given::default()).undetermined("not known to want");
    }

    #[test]
    fn no_question() {
        find(&CHECK, Talk::ehlo(&["DSN"]).message(&plain("", "x")).quit(), wanted()).not_applicable("offered DSN");
        find(&CHECK, Talk::ehlo(&[]).quit(), wanted()).undetermined("got to no mail");
    }
}

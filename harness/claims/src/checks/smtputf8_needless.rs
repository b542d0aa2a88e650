//! Is SMTPUTF8 asked for where nothing needs it?

use super::offers;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "smtputf8-needless",
    observed_when: "MAIL has SMTPUTF8, and neither the envelope nor the header of its message holds an octet above 127",
    trigger: "the server offered SMTPUTF8, and a message was sent whose envelope and header are ASCII",
    method: "The paths of MAIL and RCPT and the header are looked at as they crossed. With SMTPUTF8, a message can be passed on only to \
             servers that have the extension too.",
    references: &["RFC 6531 3.4"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let timeline = subject.timeline();
    let mut without = Vec::new();
    for sent in subject.sent() {
        let transaction = sent.transaction;
        let offered = offers::has(timeline, transaction.mail, "SMTPUTF8");
        let header = sent.data.content.bytes().get(..sent.message.root.body.start).unwrap_or_default();
        if !offered || !header.is_ascii() || !transaction.paths().all(|path| path.value.is_ascii()) {
            continue;
        }
        if let Some(reason) = sent.incomplete() {
            return Finding::undetermined(reason);
        }
        if let Some(one) = transaction.parameter("SMTPUTF8") {
            let evidence = vec![Evidence::bytes(timeline, one.span, "SMTPUTF8, which nothing needs")];
            return Finding::observed("MAIL has SMTPUTF8, and envelope and header are ASCII", evidence);
        }
        without.push(sent.all("a message whose header is ASCII, as is its envelope"));
    }
    match subject.blind() {
        Some(reason) => Finding::undetermined(reason),
        None if without.is_empty() => Finding::undetermined("no message in ASCII was sent where SMTPUTF8 is offered"),
        None => Finding::not_observed("MAIL has no SMTPUTF8 where nothing needs it", without),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FROM, Seen, TO, Talk, find, plain};
    use super::*;
    use crate::Given;

    fn seen(keyword: &str, parameters: &str, to: &str, header: &str) -> Seen {
        let talk = Talk::ehlo(&["8BITMIME", keyword]);
        let talk = talk.sent(&format!("<{FROM}>{parameters}"), &[&format!("<{to}>")], &plain(header, "x"));
        find(&CHECK, talk.quit(), Given::default())
    }

    #[test]
    fn for_nothing() {
        seen("SMTPUTF8", " SMTPUTF8", TO, "").observed("header are ASCII", &["SMTPUTF8"]);
    }

    #[test]
    fn not_asked_for() {
        seen("SMTPUTF8", "", TO, "").not_observed("where nothing needs it", &["From: …"]);
    }

    #[test]
    fn no_question() {
        seen("SMTPUTF8", " SMTPUTF8", "dépôt@b.example", "").undetermined("no message in ASCII");
        seen("SMTPUTF8", " SMTPUTF8", TO, "Subject: é\n").undetermined("no message in ASCII");
        seen("SIZE", "", TO, "").undetermined("no message in ASCII");
        let torn = Talk::ehlo(&["SMTPUTF8"]).torn(&plain("", "x"), "x");
        find(&CHECK, torn, Given::default()).undetermined("whole message");
    }
}

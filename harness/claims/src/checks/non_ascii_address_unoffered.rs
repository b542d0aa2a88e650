//! Does an address outside ASCII cross to a server that does not take it?

use crate::{Check, Evidence, Finding, Subject};

use super::has_ended;
use super::offers;
use super::steps::{leaving, shown};

pub(super) static CHECK: Check = Check {
    id: "non-ascii-address-unoffered",
    observed_when: "MAIL, RCPT or the header of a message holds an octet above 127 although the server did not offer SMTPUTF8",
    trigger: "the client was told to use a mailbox outside ASCII, and got to RCPT or left",
    method: "A server that does not offer SMTPUTF8 takes ASCII only in the envelope and in header fields. A client is to refuse such a mailbox, or, \
             where only its domain is outside ASCII, to write the domain as A-labels.",
    references: &["RFC 6531 3.2", "RFC 6531 3.4", "RFC 5321 2.4"],
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
    let mut recipient = None;
    for (number, event, command) in timeline.commands() {
        if !matches!(command.verb.as_str(), "MAIL" | "RCPT") {
            continue;
        }
        let offered = offers::has(timeline, number, "SMTPUTF8");
        if !command.raw.is_ascii() && !offered {
            let verb = shown(&command.verb);
            return Finding::observed(
                format!("the server did not offer SMTPUTF8, and {verb} holds octets above 127"),
                vec![Evidence::event(event, format!("{verb} with a mailbox outside ASCII"))],
            );
        }
        if command.verb == "RCPT" {
            recipient = Some(event);
        }
    }
    if subject.offer("SMTPUTF8").is_some() {
        return Finding::not_applicable("the server offered SMTPUTF8");
    }
    let in_header = subject.sent().find_map(|sent| {
        let bytes = sent.data.content.bytes();
        let header = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(bytes.len());
        let at = bytes.get(..header)?.iter().position(|byte| *byte > 127)?;
        Some(sent.evidence(at..at + 1, "the first octet above 127 in the header"))
    });
    if let Some(evidence) = in_header {
        return Finding::observed("the server did not offer SMTPUTF8, and the header holds octets above 127", vec![evidence]);
    }
    let given = subject.given();
    if !given.recipients.iter().chain(&given.sender).any(|address| !address.is_ascii()) {
        return Finding::undetermined("no mailbox outside ASCII is known to have been asked for");
    }
    match (recipient, leaving(timeline)) {
        (Some(event), _) => {
            let evidence = vec![Evidence::event(event, "RCPT in ASCII")];
            Finding::not_observed("only ASCII crossed in the envelope", evidence)
        }
        (None, Some(evidence)) if has_ended(timeline) => {
            Finding::not_observed("the client named no such mailbox to the server", vec![evidence])
        }
        _ => Finding::undetermined("the capture ends before the session does"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Talk, find, plain};
    use super::*;
    use crate::Given;

    fn given() -> Given {
        Given { recipients: vec!["dépôt@b.example".to_owned()], ..Given::default() }
    }

    fn mail(keywords: &[&str]) -> Talk {
        Talk::ehlo(keywords).cs("MAIL FROM:<a@b.example>", "250 ok")
    }

    #[test]
    fn raw_octets() {
        let talk = mail(&[]).cs("RCPT TO:<dépôt@b.example>", "553 no").quit();
        find(&CHECK, talk.clone(), given()).observed("RCPT holds octets above 127", &["RCPT TO:<dépôt@b.example>\r\n"]);
        find(&CHECK, talk, Given::default()).observed("RCPT holds", &["RCPT…"]);
    }

    #[test]
    fn raw_octets_in_the_header() {
        let talk = Talk::ehlo(&["8BITMIME"]).message(&plain("Subject: é\n", "x")).quit();
        find(&CHECK, talk, given()).observed("the header holds octets above 127", &["\u{fffd}"]);
        let body = Talk::ehlo(&["8BITMIME"]).message(&plain("", "é")).quit();
        find(&CHECK, body, given()).not_observed("only ASCII", &["RCPT…"]);
    }

    #[test]
    fn ascii_or_nothing() {
        let ascii = mail(&[]).cs("RCPT TO:<depot@b.example>", "250 ok").quit();
        find(&CHECK, ascii.clone(), given()).not_observed("only ASCII", &["RCPT…"]);
        find(&CHECK, ascii, Given::default()).undetermined("no mailbox outside ASCII");
        find(&CHECK, Talk::ehlo(&[]).quit(), given()).not_observed("named no such mailbox", &["QUIT\r\n"]);
    }

    #[test]
    fn no_question() {
        let offered = mail(&["SMTPUTF8"]).cs("RCPT TO:<dépôt@b.example>", "250 ok").quit();
        find(&CHECK, offered, given()).not_applicable("offered SMTPUTF8");
        find(&CHECK, Talk::ehlo(&[]), given()).undetermined("capture ends");
    }
}

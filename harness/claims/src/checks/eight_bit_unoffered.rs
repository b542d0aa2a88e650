//! Does the client keep to seven bits where the server takes no more?

use crate::{Check, Evidence, Finding, Subject};

use super::has_ended;
use super::offers;
use super::steps::leaving;

pub(super) static CHECK: Check = Check {
    id: "eight-bit-unoffered",
    observed_when: "an octet above 127 stands in a command or in content although the server did not offer 8BITMIME",
    trigger: "the client was told to send text outside ASCII, and sent a message or left without one",
    method: "Content is looked at as it crossed the wire, and commands too. Without 8BITMIME a server may clear the eighth bit or \
             refuse the message: a client is to encode the text (quoted-printable or base64), or not to send it.",
    references: &["RFC 6152 3", "RFC 5321 2.4", "RFC 5321 4.1.1.4"],
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
    for (number, event, command) in timeline.commands() {
        let offered = offers::has(timeline, number, "SMTPUTF8");
        if !command.raw.is_ascii() && !offered {
            let evidence = vec![Evidence::event(event, "a command with octets above 127")];
            return Finding::observed("a command holds octets above 127", evidence);
        }
    }
    if subject.offer("8BITMIME").is_some() {
        return Finding::not_applicable("the server offered 8BITMIME");
    }
    if let Some(sent) = subject.sent().find(|sent| sent.data.form.eight_bit) {
        let whole = sent.data.content.elided() == 0;
        let place = sent.data.content.bytes().iter().position(|byte| *byte > 127).filter(|_| whole);
        let evidence = match place {
            Some(at) => sent.evidence(at..at + 1, "the first octet above 127"),
            None => sent.all("content with octets above 127"),
        };
        return Finding::observed("the server did not offer 8BITMIME, and content holds octets above 127", vec![evidence]);
    }
    let given = subject.given().content.as_ref();
    if given.is_none_or(|content| content.expose().is_ascii()) {
        return Finding::undetermined("nothing is known to have been sent that needs eight bits");
    }
    if let Some(sent) = subject.sent().next() {
        return match sent.incomplete() {
            Some(reason) => Finding::undetermined(reason),
            None => Finding::not_observed("the text went out in seven bits", vec![sent.all("content, all of it ASCII")]),
        };
    }
    match leaving(timeline) {
        Some(evidence) if has_ended(timeline) => {
            Finding::not_observed("the client sent no message rather than one in eight bits", vec![evidence])
        }
        _ => Finding::undetermined("the capture ends before the session does"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Talk, find, plain};
    use super::*;
    use crate::Given;
    use smtp::Secret;

    fn given() -> Given {
        Given { content: Some(Secret::new("Größe".as_bytes())), ..Given::default() }
    }

    #[test]
    fn eight_bits_without_an_offer() {
        let talk = Talk::ehlo(&["SIZE"]).message(&plain("", "é")).quit();
        find(&CHECK, talk, given()).observed("content holds octets above 127", &["\u{fffd}"]);
        let command = Talk::ehlo(&["8BITMIME"]).cs("MAIL FROM:<é@b.example>", "553 no").quit();
        find(&CHECK, command, given()).observed("a command holds", &["MAIL FROM:<é@b.example>\r\n"]);
    }

    #[test]
    fn seven_bits_or_nothing() {
        let encoded = Talk::ehlo(&["SIZE"]).message(&plain("Content-Transfer-Encoding: quoted-printable\n", "=C3=A9")).quit();
        find(&CHECK, encoded.clone(), given()).not_observed("in seven bits", &["From…"]);
        find(&CHECK, encoded, Given::default()).undetermined("nothing is known");
        find(&CHECK, Talk::ehlo(&["SIZE"]).quit(), given()).not_observed("no message rather", &["QUIT\r\n"]);
    }

    #[test]
    fn no_question() {
        let talk = Talk::ehlo(&["8BITMIME"]).message(&plain("", "é")).quit();
        find(&CHECK, talk, given()).not_applicable("offered 8BITMIME");
        find(&CHECK, Talk::ehlo(&[]), given()).undetermined("capture ends");
    }
}

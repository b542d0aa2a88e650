//! Is a reply whose lines disagree taken for a yes?

use smtp::timeline::{EventKind, Reply};

use crate::given::Reported;
use crate::{Check, Evidence, Finding, Subject};

use super::steps::{accepted, leaving};
use super::{has_ended, said_after};

pub(super) static CHECK: Check = Check {
    id: "contradictory-reply-believed",
    observed_when: "a reply has lines with different codes, one of them a refusal, and the client goes on as after a yes",
    trigger: "the server sent such a reply, and the session ended",
    method: "The lines of a reply are to have one code. Where they do not, no reading is right, and the safe one is that nothing was \
             granted. To go on means the next step of the delivery; after such a reply to the content it means that the \
             client calls its message sent.",
    references: &["RFC 5321 4.2.1"],
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
    let mut found = timeline.exchanges.iter().enumerate().filter_map(|(number, exchange)| {
        let (event, reply) = timeline.reply(number)?;
        (!reply.agrees && refuses(reply)).then_some((number, exchange, event))
    });
    let Some((number, exchange, event)) = found.next() else {
        return Finding::undetermined("no reply had lines of which one refuses and another does not");
    };
    let reply = Evidence::event(event, "the reply whose lines disagree");
    let next: &[&str] = match timeline.command(number).map_or("", |command| command.verb.as_str()) {
        "EHLO" | "HELO" => &["AUTH", "MAIL"],
        "MAIL" => &["RCPT", "DATA", "BDAT"],
        "RCPT" => &["DATA", "BDAT"],
        _ => &["MAIL"],
    };
    if matches!(timeline.events.get(exchange.request).map(|event| &event.kind), Some(EventKind::Content(_))) {
        return match subject.given().reported {
            None => Finding::undetermined("what the client said of its message is not known"),
            Some(Reported::Sent) if subject.siblings().any(|one| accepted(&one).is_some()) => {
                Finding::undetermined("the message was accepted at another time")
            }
            Some(Reported::Sent) => Finding::observed("the client calls a message sent whose reply contradicts itself", vec![reply]),
            Some(Reported::Failed) => Finding::not_observed("the client calls the message not sent", vec![reply]),
        };
    }
    if let Some((event, _)) = said_after(timeline, number, next) {
        let evidence = vec![Evidence::event(event, "the next step"), reply];
        return Finding::observed("the client went on after a reply that contradicts itself", evidence);
    }
    if !has_ended(timeline) {
        return Finding::undetermined("the capture ends before the session does");
    }
    let evidence = std::iter::once(reply).chain(leaving(timeline));
    Finding::not_observed("the client did not go on after a reply that contradicts itself", evidence.collect())
}

/// Whether some line of a reply refuses. A line with another code than the first has kept it in its text.
fn refuses(reply: &Reply) -> bool {
    let refusal = |line: &String| {
        let digits: Vec<u8> = line.bytes().take(3).collect();
        matches!(digits.as_slice(), [b'4' | b'5', two, three] if two.is_ascii_digit() && three.is_ascii_digit())
    };
    reply.is_negative() || reply.lines.iter().skip(1).any(refusal)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FROM, TO, Talk, find};
    use super::*;
    use crate::Given;

    const ODD: &str = "250-ok\r\n550 no";

    fn recipient() -> Talk {
        Talk::ehlo(&[]).cs(&format!("MAIL FROM:<{FROM}>"), "250 ok").cs(&format!("RCPT TO:<{TO}>"), ODD)
    }

    fn content() -> Talk {
        Talk::ehlo(&[]).envelope(&format!("<{FROM}>"), &[&format!("<{TO}>")]).turn("C", "x\r\n.\r\n").s(ODD).quit()
    }

    #[test]
    fn going_on() {
        let talk = recipient().cs("DATA", "354 go").quit();
        find(&CHECK, talk, Given::default()).observed("went on after", &["DATA\r\n", "250-ok\r\n550 no\r\n"]);
        let given = Given { reported: Some(Reported::Sent), ..Given::default() };
        find(&CHECK, content(), given).observed("calls a message sent", &["250-ok\r\n550 no\r\n"]);
    }

    #[test]
    fn stopping() {
        find(&CHECK, recipient().quit(), Given::default()).not_observed("did not go on", &["250-ok\r\n550 no\r\n", "QUIT\r\n"]);
        let given = Given { reported: Some(Reported::Failed), ..Given::default() };
        find(&CHECK, content(), given).not_observed("not sent", &["250-ok\r\n550 no\r\n"]);
    }

    #[test]
    fn no_test() {
        find(&CHECK, Talk::ehlo(&[]).quit(), Given::default()).undetermined("no reply had");
        find(&CHECK, recipient(), Given::default()).undetermined("capture ends");
        find(&CHECK, content(), Given::default()).undetermined("is not known");
        let harmless = Talk::ehlo(&[]).cs("NOOP", "250-a\r\n251 b").quit();
        find(&CHECK, harmless, Given::default()).undetermined("no reply had");
    }
}

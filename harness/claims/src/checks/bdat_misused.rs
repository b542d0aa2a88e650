//! Does a client that sends chunks send exactly what it announces?

use smtp::timeline::{Event, EventKind};
use smtp::{Secret, Timeline};
use wire::Direction;

use super::dot_stuffing_wrong;
use super::envelope::{is_no_command, next_words};
use crate::subject::Sent;
use crate::{Check, Evidence, Finding, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "bdat-misused",
    observed_when: "a chunk has more or fewer octets than its BDAT announces, DATA comes in a transaction that BDAT began, a \
                    chunk follows the one that was marked LAST, the client leaves a message without a LAST, or dots are \
                    doubled as only DATA wants it",
    trigger: "a message was sent with BDAT, and what the client said after it was captured",
    method: "The server counts octets, and looks for no end. One octet more is the beginning of the next command, one less \
             is waited for. What follows a chunk has to be a command; a chunk that its client leaves unfinished is short.",
    references: &["RFC 3030 2", "RFC 3030 3"],
    run,
};

/// Where a transaction stands, with the exchange of the last BDAT.
#[derive(Clone, Copy)]
enum Stage {
    /// No chunk came.
    None,
    /// A chunk came that was not the last.
    Open(usize),
    /// The last one came.
    Over(usize),
}

fn run(subject: &Subject<'_>) -> Finding {
    let timeline = subject.timeline();
    let mut stage = Stage::None;
    let mut whole = None;
    for (number, event, command) in timeline.commands() {
        let verb = command.verb.as_str();
        let wrong = match (verb, stage) {
            ("BDAT", Stage::Over(last)) => Some(("a chunk follows the one that was marked LAST", last)),
            ("DATA", Stage::Open(chunk)) => Some(("DATA comes in a transaction that BDAT began", chunk)),
            ("QUIT", Stage::Open(chunk)) => Some(("the client leaves without having marked a chunk LAST", chunk)),
            _ => None,
        };
        // After a refusal the message is over, whatever was announced (RFC 3030 section 2).
        let refused = |chunk: usize| timeline.reply(chunk).is_some_and(|(_, reply)| reply.is_negative());
        if let Some((reason, chunk)) = wrong.filter(|(_, chunk)| !refused(*chunk)) {
            let mut evidence = vec![Evidence::event(event, "where it went wrong")];
            evidence.extend(timeline.request(chunk).map(|before| Evidence::event(before, "the chunk before it")));
            return Finding::observed(reason, evidence);
        }
        match verb {
            "MAIL" | "RSET" | "EHLO" | "HELO" => stage = Stage::None,
            "BDAT" => {
                if let Some(finding) = judge(subject, number, event, &command.argument) {
                    return finding;
                }
                let mut words = command.argument.split_ascii_whitespace();
                let last = words.any(|word| word.eq_ignore_ascii_case("LAST"));
                stage = if last { Stage::Over(number) } else { Stage::Open(number) };
                whole = whole.or(last.then_some(event));
            }
            _ => {}
        }
    }
    if let Some(doubled) = doubled_dots(subject) {
        return doubled;
    }
    match (subject.unheard(), whole) {
        (Some(reason), _) => Finding::undetermined(reason),
        (None, Some(last)) => {
            let evidence = vec![Evidence::event(last, "the last chunk")];
            Finding::not_observed("every chunk has the octets that were announced", evidence)
        }
        (None, None) if uses_data(timeline) => Finding::not_applicable("the client sends with DATA"),
        (None, None) => Finding::undetermined("no message was sent with BDAT to its end"),
    }
}

/// A message in chunks whose dots were doubled, as only DATA wants it.
fn doubled_dots(subject: &Subject<'_>) -> Option<Finding> {
    let told = subject.given().content.as_ref().map(Secret::expose)?;
    let in_chunks = |sent: &Sent<'_>| {
        let command = sent.timeline.command(sent.data.command);
        command.is_some_and(|command| command.verb == "BDAT")
    };
    let mut judged = subject.sent().filter(in_chunks).map(|sent| dot_stuffing_wrong::in_chunks(&sent, Some(told)));
    judged.find(|finding| finding.observation == Observation::Observed)
}

/// Whether the client says DATA, and never BDAT.
pub(super) fn uses_data(timeline: &Timeline) -> bool {
    let mut data = false;
    for (_, _, command) in timeline.commands() {
        match command.verb.as_str() {
            "BDAT" => return false,
            "DATA" => data = true,
            _ => {}
        }
    }
    data
}

/// What is wrong with the octets of one chunk.
fn judge(subject: &Subject<'_>, number: usize, event: &Event, argument: &str) -> Option<Finding> {
    let timeline = subject.timeline();
    let size: u64 = argument.split_ascii_whitespace().next()?.parse().ok()?;
    let follows = |next: &&Event| matches!(next.kind, EventKind::Content(_)) && next.span.start == event.span.end;
    let content = timeline.request(number + 1).filter(follows);
    let came = content.map_or(0, |content| content.span.len());
    let announced = Evidence::event(event, format!("{size} octets announced"));
    if came < size {
        let left = timeline.events.iter().any(|end| {
            matches!(end.kind, EventKind::Fin | EventKind::Reset) && end.span.direction == Direction::Client
        });
        let reason = format!("{size} octets were announced, and {came} came before the client left");
        return (left && subject.holes().is_none()).then(|| Finding::observed(reason, vec![announced]));
    }
    let next = next_words(timeline, number + usize::from(content.is_some())).filter(|next| is_no_command(next))?;
    let reason = format!("more than the {size} octets came that were announced");
    Some(Finding::observed(reason, vec![Evidence::event(next, "what is no command"), announced]))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FROM, Seen, TO, Talk, find};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk, Given::default())
    }

    fn envelope() -> Talk {
        let mail = Talk::ehlo(&["CHUNKING"]).cs(&format!("MAIL FROM:<{FROM}>"), "250 ok");
        mail.cs(&format!("RCPT TO:<{TO}>"), "250 ok")
    }

    #[test]
    fn other_octets_than_announced() {
        let more = envelope().turn("C", "BDAT 4 LAST\r\nA: bcd\r\n").s("250 ok").s("500 what").quit();
        seen(more).observed("more than the 4 octets", &["cd\r\n", "BDAT 4 LAST\r\n"]);
        let fewer = envelope().turn("C", "BDAT 9 LAST\r\nA: b").closed();
        seen(fewer).observed("9 octets were announced, and 4 came", &["BDAT 9 LAST\r\n"]);
    }

    #[test]
    fn chunks_out_of_order() {
        let chunk = || envelope().turn("C", "BDAT 6\r\nA: b\r\n").s("250 ok");
        seen(chunk().cs("DATA", "503 no").quit()).observed("DATA comes in", &["DATA\r\n", "BDAT 6\r\n"]);
        seen(chunk().quit()).observed("without having marked", &["QUIT\r\n", "BDAT 6\r\n"]);
        let twice = chunk().cs("BDAT 0 LAST", "250 ok").cs("BDAT 0 LAST", "503 no");
        seen(twice.quit()).observed("follows the one", &["BDAT 0 LAST\r\n"]);
    }

    #[test]
    fn exact_chunks() {
        let talk = envelope().turn("C", "BDAT 6\r\nA: b\r\n").s("250 ok").turn("C", "BDAT 3 LAST\r\n\r\n.").s("250 ok");
        seen(talk.clone().quit()).not_observed("every chunk", &["BDAT 3 LAST\r\n"]);
        seen(talk.clone().message("Subject: x\n\nx\n").quit()).not_observed("every chunk", &["BDAT 3 LAST\r\n"]);
        let refused = envelope().turn("C", "BDAT 6\r\nA: b\r\n").s("552 no").quit();
        seen(refused).undetermined("no message was sent with BDAT to its end");
    }

    #[test]
    fn dots_are_not_doubled() {
        let talk = envelope().turn("C", "BDAT 12 LAST\r\nA: b\r\n\r\n..xy").s("250 ok").quit();
        let given = |told: &str| Given { content: Some(Secret::new(told.as_bytes())), ..Given::default() };
        find(&CHECK, talk.clone(), given(".xy")).observed("arrives with 2 dot(s)", &["..xy"]);
        find(&CHECK, talk, given("..xy")).not_observed("every chunk", &["BDAT 12 LAST\r\n"]);
    }

    #[test]
    fn no_chunks() {
        seen(Talk::ehlo(&[]).message("Subject: x\n\nx\n").quit()).not_applicable("with DATA");
        seen(envelope().quit()).undetermined("no message was sent with BDAT");
        seen(envelope().gap().turn("C", "BDAT 3 LAST\r\nA:b").s("250 ok").quit()).undetermined("does not hold");
    }
}

//! Does the client wait for each reply where the server does not offer PIPELINING?

use smtp::Timeline;
use smtp::timeline::{Event, EventKind};

use super::envelope::is_ahead_of;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "command-before-reply",
    observed_when: "a command, or content, comes before the reply to the command before it, and PIPELINING was not offered",
    trigger: "at least two commands were answered",
    method: "Without the extension the dialogue goes turn by turn. Packets are compared: the one that brings the end of a \
             reply with the one that brings the next command. Where the server answers at once, a client that does not \
             wait can look as if it had; a case about it makes the server slow. A chunk belongs to its BDAT.",
    references: &["RFC 2920 3.1", "RFC 5321 4.3.1"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let timeline = subject.timeline();
    if timeline.capabilities.iter().any(|offer| offer.get("PIPELINING").is_some()) {
        return Finding::not_applicable("the server offers PIPELINING");
    }
    let mut waited = Vec::new();
    for (number, asked, next) in turns(timeline) {
        let Some((answer, reply)) = timeline.reply(number) else { continue };
        if is_ahead_of(next, answer) {
            let evidence = vec![
                Evidence::event(next, "what came too early"),
                Evidence::event(asked, "what it did not wait for"),
                Evidence::event(answer, format!("the reply to that, {}", reply.code)),
            ];
            return Finding::observed("the client went on before it had the reply to its command", evidence);
        }
        waited.push(Evidence::event(answer, format!("a reply that the client waited for, {}", reply.code)));
    }
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    if waited.len() < 2 {
        return Finding::undetermined("fewer than two commands were answered with more to follow");
    }
    Finding::not_observed(format!("the client waited for each of {} replies", waited.len()), waited)
}

/// Each request that another one follows: its number, and both events.
pub(super) fn turns(timeline: &Timeline) -> impl Iterator<Item = (usize, &Event, &Event)> {
    let requests = (0..timeline.exchanges.len()).filter_map(|number| Some((number, timeline.request(number)?)));
    let next = requests.clone().skip(1);
    requests.zip(next).filter_map(|((number, one), (_, next))| {
        let chunk = matches!(&one.kind, EventKind::Command(command) if command.verb == "BDAT")
            && matches!(next.kind, EventKind::Content(_));
        (!chunk).then_some((number, one, next))
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FROM, Seen, TO, Talk, find};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk, Given::default())
    }

    #[test]
    fn a_client_that_runs_ahead() {
        let group = Talk::ehlo(&["SIZE"]).turn("C", "MAIL FROM:<>\r\nRCPT TO:<a@b>\r\n").s("250 ok").s("250 ok");
        seen(group.quit()).observed("before it had the reply", &["RCPT TO:<a@b>\r\n", "MAIL FROM:<>\r\n", "250 ok\r\n"]);
        let content = Talk::ehlo(&[]).envelope(&format!("<{FROM}>"), &[&format!("<{TO}>")]);
        let content = content.turn("C", "Subject: x\r\n\r\nx\r\n.\r\n").c("QUIT").s("250 ok").s("221 bye");
        seen(content).observed("before it had the reply", &["QUIT\r\n", "Subject: x\r\n…"]);
    }

    #[test]
    fn a_client_that_waits() {
        let talk = Talk::ehlo(&[]).message("Subject: x\n\nx\n").quit();
        seen(talk).not_observed("each of 5 replies", &["250 mx.example\r\n", "250 ok\r\n"]);
    }

    #[test]
    fn other_dialogues() {
        seen(Talk::ehlo(&["PIPELINING"]).quit()).not_applicable("offers PIPELINING");
        seen(Talk::ehlo(&[]).quit()).undetermined("fewer than two");
        seen(Talk::ehlo(&[]).gap().message("Subject: x\n\nx\n").quit()).undetermined("does not hold");
    }
}

//! Does the client pipeline past a command that has to be the last of its group?

use std::collections::HashSet;

use smtp::timeline::{Authentication, EventKind, Timeline};

use super::command_before_reply::turns;
use super::envelope::is_ahead_of;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "pipelined-past-group-end",
    observed_when: "something follows EHLO, HELO, DATA, VRFY, EXPN, TURN, NOOP, QUIT, STARTTLS or AUTH before the reply to it \
                    has come",
    trigger: "PIPELINING was offered, and one of these commands was answered with more to follow",
    method: "The reply to each of these can change what may come next, so that a group of commands ends with it. A verb that \
             an extension brings ends its group as well unless its document says otherwise. AUTH with an initial response \
             is spared where the server had no challenge: the exchange was a single round trip. Packets are compared.",
    references: &["RFC 2920 3.1", "RFC 4954 4", "RFC 3207 4"],
    run,
};

const LAST: [&str; 10] = ["EHLO", "HELO", "DATA", "VRFY", "EXPN", "TURN", "NOOP", "QUIT", "STARTTLS", "AUTH"];

fn run(subject: &Subject<'_>) -> Finding {
    let timeline = subject.timeline();
    if timeline.capabilities.iter().all(|offer| offer.get("PIPELINING").is_none()) {
        return Finding::not_applicable("the server does not offer PIPELINING");
    }
    let logins = timeline.authentications.iter();
    let single: HashSet<usize> = logins
        .clone()
        .filter(|login| login.challenges.is_empty() && !login.responses.is_empty())
        .map(|login| login.exchange)
        .collect();
    if let Some(finding) = logins.clone().find_map(|login| past_auth(timeline, login)) {
        return finding;
    }
    let mut waited = Vec::new();
    for (number, asked, next) in turns(timeline) {
        let EventKind::Command(command) = &asked.kind else { continue };
        let Some((answer, _)) = timeline.reply(number) else { continue };
        let verb = command.verb.as_str();
        if !LAST.contains(&verb) || single.contains(&number) {
            continue;
        }
        if is_ahead_of(next, answer) {
            let evidence = vec![
                Evidence::event(next, "what came too early"),
                Evidence::event(asked, format!("{verb}, the last of its group")),
                Evidence::event(answer, "the reply to it"),
            ];
            return Finding::observed(format!("the client did not wait for the reply to {verb}"), evidence);
        }
        waited.push(Evidence::event(answer, format!("the reply to {verb}, waited for")));
    }
    match (subject.blind(), waited.is_empty()) {
        (Some(reason), _) => Finding::undetermined(reason),
        (None, true) => Finding::undetermined("no command that ends a group was answered with more to follow"),
        (None, false) => Finding::not_observed("every group ended with the command that has to end it", waited),
    }
}

/// What follows AUTH before its first challenge is read as the answer to it, whatever it was meant for.
fn past_auth(timeline: &Timeline, login: &Authentication) -> Option<Finding> {
    let challenge = timeline.events.get(*login.challenges.first()?)?;
    let request = timeline.exchanges.get(login.exchange)?.request;
    let mut later = timeline.events.get(request + 1..)?.iter();
    let line = later.find(|event| matches!(event.kind, EventKind::SaslResponse(_)))?;
    let evidence = vec![
        Evidence::event(line, "what came too early"),
        Evidence::event(timeline.events.get(request)?, "AUTH, the last of its group"),
        Evidence::event(challenge, "the first challenge"),
    ];
    let reason = "the client did not wait for the first challenge of AUTH";
    is_ahead_of(line, challenge).then(|| Finding::observed(reason, evidence))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FROM, Seen, TO, Talk, find};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk, Given::default())
    }

    fn group(last: &str) -> Talk {
        Talk::ehlo(&["PIPELINING", "AUTH PLAIN LOGIN"])
            .turn("C", format!("MAIL FROM:<{FROM}>\r\nRCPT TO:<{TO}>\r\n{last}"))
            .s("250 ok")
            .s("250 ok")
    }

    #[test]
    fn past_the_end_of_a_group() {
        let talk = group("DATA\r\nSubject: x\r\n\r\nx\r\n.\r\n").s("354 go").s("250 ok").quit();
        seen(talk).observed("reply to DATA", &["Subject: x\r\n\r\nx\r\n.\r\n", "DATA\r\n", "354 go\r\n"]);
        let hello = Talk::silent().s("220 mx").turn("C", "EHLO a\r\nMAIL FROM:<>\r\n").s("250-mx\r\n250 PIPELINING");
        seen(hello.s("250 ok").quit()).observed("reply to EHLO", &["MAIL FROM:<>\r\n", "EHLO a\r\n"]);
    }

    #[test]
    fn past_an_exchange_of_several_round_trips() {
        let auth = |lines: &str| Talk::ehlo(&["PIPELINING", "AUTH LOGIN"]).turn("C", lines).s("334 VXNlcm5hbWU6");
        let ahead = auth("AUTH LOGIN\r\nMAIL FROM:<>\r\n").s("501 no").quit();
        seen(ahead).observed("first challenge of AUTH", &["MAIL FROM:<>\r\n", "AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n"]);
        let waits = auth("AUTH LOGIN\r\n").cs("dXNlcg==", "334 UGFzc3dvcmQ6").cs("cGFzcw==", "235 ok").quit();
        seen(waits).not_observed("every group ended", &["250-mx.example\r\n…", "235 ok\r\n"]);
    }

    #[test]
    fn groups_as_they_must_be() {
        let talk = group("DATA\r\n").s("354 go").turn("C", "x\r\n.\r\n").c("QUIT").s("250 ok").s("221 bye").closed();
        seen(talk).not_observed("every group ended", &["250-mx.example\r\n…", "354 go\r\n"]);
        let plain = Talk::ehlo(&["PIPELINING", "AUTH PLAIN"]).turn("C", "AUTH PLAIN AGEAYg==\r\nMAIL FROM:<>\r\n");
        seen(plain.s("235 ok").s("250 ok").quit()).not_observed("every group ended", &["250-mx.example\r\n…"]);
    }

    #[test]
    fn other_dialogues() {
        seen(Talk::ehlo(&[]).quit()).not_applicable("does not offer");
        seen(Talk::ehlo(&["PIPELINING"]).gap().quit()).undetermined("does not hold");
        seen(Talk::ehlo(&["PIPELINING"])).undetermined("no command that ends a group");
    }
}

//! Does the client take what came in clear behind the 220 for something said under TLS?

use smtp::timeline::Timeline;
use wire::{Direction, Span};

use super::command_before_reply::turns;
use super::envelope::is_ahead_of;
use super::has_ended;
use crate::leaks::is_under_tls;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "injected-reply-believed",
    observed_when: "bytes stand in clear behind the 220 to STARTTLS, and under TLS the client goes on before its command is \
                    answered",
    trigger: "such bytes came before TLS, and the client either left or said something under TLS that can be read",
    method: "Whoever is on the path can put replies behind the 220. A client that keeps them in its buffer takes them, under \
             TLS, for answers to what it asks there: it is a reply ahead, and its next command comes before the server \
             answered the one before. Packets are compared, so the server of a case about it answers slowly.",
    references: &["RFC 3207 4.2", "RFC 3207 6"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let timeline = subject.timeline();
    let granted = timeline.commands().find_map(|(number, _, command)| {
        let (answer, reply) = timeline.reply(number)?;
        (command.verb == "STARTTLS" && reply.code == 220).then_some(answer)
    });
    let Some(answer) = granted else {
        return Finding::undetermined("STARTTLS was not answered 220");
    };
    let Some(injected) = behind(timeline, answer.span, answer.packets.last().copied()) else {
        return Finding::undetermined("nothing came in clear behind the 220");
    };
    let injected = Evidence::bytes(timeline, injected, "bytes in clear behind the 220");
    let under_tls = || turns(timeline).filter(|(_, asked, _)| is_under_tls(timeline, asked.span));
    let ahead = under_tls().find_map(|(number, asked, next)| {
        let answer = timeline.reply(number).map(|(answer, _)| answer);
        let early = answer.is_none_or(|answer| is_ahead_of(next, answer));
        early.then_some((asked, next, answer))
    });
    if let Some((asked, next, answer)) = ahead {
        let mut evidence = vec![
            Evidence::event(next, "what came too early"),
            Evidence::event(asked, "what was not answered yet"),
            injected,
        ];
        evidence.extend(answer.map(|answer| Evidence::event(answer, "the answer")));
        return Finding::observed("under TLS the client went on before its command was answered", evidence);
    }
    let established = timeline.tls.as_ref().is_some_and(|tls| tls.established);
    if established && let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    if !has_ended(timeline) {
        return Finding::undetermined("the capture does not show the session end");
    }
    let waited = under_tls().count();
    let reason = match (established, waited) {
        (false, _) => "the client left without TLS",
        (true, 0) => "the client left, and had not taken the injected bytes for an answer",
        (true, _) => "the client waited for each answer that came under TLS",
    };
    let last = timeline.events.last().map(|event| Evidence::event(event, "the end of the session"));
    Finding::not_observed(reason, std::iter::once(injected).chain(last).collect())
}

/// What stands in clear behind the 220: up to the server's first TLS record, or, without TLS, in the same packet.
fn behind(timeline: &Timeline, answer: Span, packet: Option<u64>) -> Option<Span> {
    let server = |end| Span::new(Direction::Server, answer.end, end);
    if let Some(tls) = &timeline.tls {
        return Some(server(tls.server.start)).filter(|span| answer.end < tls.server.start && !span.is_empty());
    }
    let mut end = answer.end;
    while end < timeline.octets[1] && timeline.packets(Span::new(Direction::Server, end, end + 1)).first().copied() == packet {
        end += 1;
    }
    (end > answer.end).then(|| server(end))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, find, plain};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk, Given::default())
    }

    fn injected() -> Talk {
        Talk::ehlo(&["STARTTLS"]).c("STARTTLS").turn("S", "220 go\r\n250 injected\r\n")
    }

    #[test]
    fn a_client_that_leaves() {
        seen(injected().closed()).not_observed("left without TLS", &["250 injected\r\n"]);
    }

    #[test]
    fn not_provoked_or_not_over() {
        seen(Talk::ehlo(&["STARTTLS"]).cs("STARTTLS", "220 go").closed()).undetermined("nothing came");
        seen(Talk::ehlo(&["STARTTLS"]).cs("STARTTLS", "454 no").quit()).undetermined("not answered 220");
        seen(injected()).undetermined("session end");
        let unread = injected().tls();
        seen(unread).undetermined("no key is at hand");
        let clean = Talk::ehlo(&["STARTTLS"]).cs("STARTTLS", "220 go").opened().again(&[]).message(&plain("", "x"));
        seen(clean.quit()).undetermined("nothing came");
    }
}

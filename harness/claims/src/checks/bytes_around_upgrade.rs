//! Do bytes in clear stand where only TLS may follow?

use smtp::timeline::{Timeline, TlsStart};
use wire::Span;

use super::in_clear;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "bytes-around-upgrade",
    observed_when: "bytes stand between STARTTLS and the client's first TLS record, or between the 220 and the server's",
    trigger: "the sender asked for STARTTLS, and TLS began on both sides",
    method: "Who keeps such bytes in a buffer takes them, after the handshake, for something that was said under TLS: a \
             server executes commands, a client believes replies that an attacker put there (CVE-2011-0411 and its kin). \
             Commands that were sent behind STARTTLS before its reply count also where TLS never came.",
    references: &["RFC 3207 4.2", "RFC 2920 3.1"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let timeline = subject.timeline();
    let asked = timeline.commands().find(|(_, _, command)| command.verb == "STARTTLS");
    let Some((number, event, _)) = asked else {
        return Finding::undetermined("the sender did not ask for STARTTLS");
    };
    let Some((answer, _)) = timeline.reply(number) else {
        return Finding::undetermined("the reply to STARTTLS was not captured");
    };
    if let Some(finding) = pipelined(timeline, number) {
        return finding;
    }
    let upgraded = timeline.tls.as_ref().filter(|tls| tls.start == TlsStart::StartTls(number));
    let Some(tls) = upgraded.filter(|tls| !tls.client.is_empty() && !tls.server.is_empty()) else {
        return Finding::undetermined("TLS did not begin on both sides");
    };
    let between = |from: Span, to: Span| Span::new(from.direction, from.end, to.start);
    for (span, who) in [
        (between(event.span, tls.client), "the client's side, behind STARTTLS"),
        (between(answer.span, tls.server), "the server's side, behind its 220"),
    ] {
        if span.is_empty() {
            continue;
        }
        if timeline.gaps.iter().any(|gap| gap.direction == span.direction && gap.start < span.end && span.start < gap.end) {
            return Finding::undetermined("the capture does not hold what stands before the TLS records");
        }
        return Finding::observed(
            format!("{} bytes in clear stand on {who}, before TLS begins", span.len()),
            vec![Evidence::bytes(timeline, span, "bytes in clear before the TLS records")],
        );
    }
    Finding::not_observed(
        "the TLS records follow STARTTLS and its 220 at once",
        vec![Evidence::event(event, "STARTTLS command"), Evidence::event(answer, "220 reply")],
    )
}

/// A command that the client sent behind STARTTLS before it could know the answer.
fn pipelined(timeline: &Timeline, number: usize) -> Option<Finding> {
    let (answer, _) = timeline.reply(number)?;
    let answered = *answer.packets.first()?;
    let (_, event, command) = in_clear(timeline).find(|(other, _, _)| *other > number)?;
    let early = event.packets.last().is_some_and(|packet| *packet < answered);
    early.then(|| {
        Finding::observed(
            format!("{} was sent behind STARTTLS, before its reply", command.verb),
            vec![Evidence::event(event, "a command in clear behind STARTTLS")],
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, client_hello, find, plain, record};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk, Given::default())
    }

    #[test]
    fn commands_behind_starttls() {
        let behind = Talk::ehlo(&["STARTTLS"]).turn("C", "STARTTLS\r\nRSET\r\n");
        seen(behind.clone().s("220 go").tls()).observed("behind STARTTLS", &["RSET\r\n"]);
        seen(behind.s("454 no").s("250 ok").quit()).observed("RSET was sent", &["RSET\r\n"]);
    }

    #[test]
    fn half_a_line_behind_starttls() {
        let behind = Talk::ehlo(&["STARTTLS"]).turn("C", "STARTTLS\r\nRSE").s("220 go").tls();
        let found = seen(behind);
        assert_ne!(found.finding.observation, crate::Observation::NotObserved, "{found:#?}");
    }

    #[test]
    fn replies_behind_the_220() {
        let talk = Talk::ehlo(&["STARTTLS"]).c("STARTTLS").turn("S", "220 go\r\n250 injected\r\n").tls();
        seen(talk).observed("behind its 220", &["250 injected\r\n"]);
    }

    #[test]
    fn tls_at_once() {
        let talk = Talk::ehlo(&["STARTTLS"]).cs("STARTTLS", "220 go").tls();
        seen(talk).not_observed("at once", &["STARTTLS\r\n", "220 go\r\n"]);
    }

    #[test]
    fn no_upgrade_or_a_hole_in_it() {
        seen(Talk::ehlo(&["STARTTLS"]).message(&plain("", "x")).quit()).undetermined("did not ask");
        seen(Talk::ehlo(&["STARTTLS"]).cs("STARTTLS", "454 no").quit()).undetermined("did not begin");
        seen(Talk::ehlo(&["STARTTLS"]).c("STARTTLS")).undetermined("reply to STARTTLS");
        let holed = Talk::ehlo(&["STARTTLS"]).cs("STARTTLS", "220 go");
        let data = record(23, &[0; 40]);
        let holed = holed.turn("C", client_hello()).turn("?S", "250 x\r\n").turn("S", &data).turn("C", &data);
        let found = seen(holed);
        assert_eq!(found.finding.observation, crate::Observation::Undetermined, "{found:#?}");
    }
}

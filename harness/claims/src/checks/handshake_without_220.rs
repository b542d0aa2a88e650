//! Does the client begin a TLS handshake that the server did not agree to?

use smtp::timeline::{EventKind, TlsStart};
use wire::Direction;

use super::has_ended;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "handshake-without-220",
    observed_when: "the client sends a TLS record after STARTTLS was answered with another code than 220",
    trigger: "STARTTLS was answered with another code than 220, and the client said something else or left",
    method: "Only 220 says that the server waits for the handshake. What the client sends after any other reply is searched \
             for the beginning of a TLS handshake record (0x16 0x03), which a server takes for a command that it does not \
             know.",
    references: &["RFC 3207 4", "RFC 8446 5.1"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let timeline = subject.timeline();
    let mut asked = timeline.commands().filter(|(_, _, command)| command.verb == "STARTTLS").peekable();
    if asked.peek().is_none() {
        return Finding::undetermined("the client did not ask for STARTTLS");
    }
    let refused = asked.find_map(|(number, event, _)| {
        let (answer, reply) = timeline.reply(number).filter(|(_, reply)| reply.code != 220)?;
        Some((number, event, answer, reply))
    });
    let Some((number, event, answer, reply)) = refused else {
        return Finding::undetermined("STARTTLS was not answered with another code than 220");
    };
    let code = reply.code;
    let rest = vec![Evidence::event(event, "STARTTLS command"), Evidence::event(answer, format!("{code} reply"))];
    let record = timeline.events.iter().find(|later| {
        let bytes = match &later.kind {
            EventKind::Command(command) => command.raw.as_slice(),
            EventKind::Unparsed(bytes) => bytes.as_slice(),
            _ => return false,
        };
        later.span.direction == Direction::Client && later.span.start >= event.span.end && bytes.starts_with(&[0x16, 0x03])
    });
    let begun = timeline.tls.as_ref().filter(|tls| tls.start == TlsStart::StartTls(number) && !tls.client.is_empty());
    let sighted = record
        .map(|record| Evidence::event(record, "a TLS record"))
        .or_else(|| begun.map(|tls| Evidence::bytes(timeline, tls.client, "TLS records")));
    if let Some(sighted) = sighted {
        return Finding::observed(
            format!("the client began a TLS handshake after STARTTLS was answered {code}"),
            std::iter::once(sighted).chain(rest).collect(),
        );
    }
    if let Some(reason) = subject.unheard() {
        return Finding::undetermined(reason);
    }
    if !has_ended(timeline) {
        return Finding::undetermined("the capture does not show the session end");
    }
    Finding::not_observed(format!("STARTTLS was answered {code}, and no handshake followed"), rest)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, client_hello, find};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk, Given::default())
    }

    #[test]
    fn a_handshake_that_nobody_agreed_to() {
        for code in ["454", "250", "354", "501"] {
            let answer = format!("{code} x");
            let talk = Talk::ehlo(&["STARTTLS"]).cs("STARTTLS", &answer).turn("C", client_hello()).closed();
            seen(talk).observed(&format!("was answered {code}"), &["\u{16}\u{3}…"]);
        }
    }

    #[test]
    fn a_refusal_that_is_heeded() {
        let talk = Talk::ehlo(&["STARTTLS"]).cs("STARTTLS", "454 not now").quit();
        seen(talk).not_observed("no handshake followed", &["STARTTLS\r\n", "454 not now\r\n"]);
    }

    #[test]
    fn not_refused_or_not_all_there() {
        seen(Talk::ehlo(&["STARTTLS"]).quit()).undetermined("did not ask");
        seen(Talk::ehlo(&["STARTTLS"]).cs("STARTTLS", "220 go").tls()).undetermined("another code");
        seen(Talk::ehlo(&["STARTTLS"]).cs("STARTTLS", "454 no")).undetermined("session end");
        seen(Talk::ehlo(&["STARTTLS"]).cs("STARTTLS", "454 no").gap().quit()).undetermined("does not hold");
    }
}

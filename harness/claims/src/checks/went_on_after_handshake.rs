//! Does the client submit anything to a server that has shown its certificate?

use super::{SUBMITS, has_ended};
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "went-on-after-handshake",
    observed_when: "after the server's part of the TLS handshake the client logs in or sends mail",
    trigger: "the server answered the ClientHello, and the session came to an end",
    method: "The commands after the handshake, whether it came to its end or not, are searched for AUTH, MAIL, RCPT, DATA and \
             BDAT. Whether the client should have gone on is for the case to say, which knows what is wrong with the \
             certificate: TLS with somebody else protects from nobody.",
    references: &["RFC 3207 4.1", "RFC 8314 3.3", "RFC 4954 14"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let timeline = subject.timeline();
    let Some(tls) = timeline.tls.as_ref().filter(|tls| !tls.server.is_empty()) else {
        return Finding::undetermined("there was no TLS handshake, or the server had no part in it");
    };
    let server = Evidence::bytes(timeline, tls.server, "TLS records of the server");
    let submitted = timeline
        .commands()
        .find(|(_, event, command)| tls.under_tls(event.span) && SUBMITS.contains(&command.verb.as_str()));
    if let Some((_, event, command)) = submitted {
        let verb = command.verb.as_str();
        return Finding::observed(
            format!("after the handshake the client went on to {verb}"),
            vec![Evidence::event(event, format!("{verb} after the handshake")), server],
        );
    }
    if tls.established && let Some(reason) = subject.unheard() {
        return Finding::undetermined(reason);
    }
    if !has_ended(timeline) {
        return Finding::undetermined("the capture does not show the session end");
    }
    let mut evidence = vec![Evidence::bytes(timeline, tls.client, "TLS records of the client"), server];
    evidence.extend(timeline.events.last().map(|event| Evidence::event(event, "the end of the session")));
    Finding::not_observed("the client left after the server's part of the handshake", evidence)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, client_hello, find, plain, record};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk, Given::default())
    }

    fn upgraded() -> Talk {
        Talk::ehlo(&["STARTTLS"]).cs("STARTTLS", "220 go")
    }

    #[test]
    fn mail_after_the_handshake() {
        let talk = upgraded().opened().again(&[]).message(&plain("", "x")).quit();
        seen(talk).observed("went on to MAIL", &["MAIL FROM…"]);
    }

    #[test]
    fn a_client_that_leaves() {
        seen(upgraded().opened().again(&[]).quit()).not_observed("the client left", &["EHLO…"]);
        let broken = upgraded().turn("C", client_hello()).turn("S", record(22, &[2; 60])).turn("C", record(21, &[2, 48]));
        seen(broken.closed()).not_observed("the client left", &["\u{16}\u{3}…"]);
    }

    #[test]
    fn no_handshake_or_none_that_can_be_read() {
        seen(upgraded().quit()).undetermined("no TLS handshake");
        seen(upgraded().tls()).undetermined("no key");
        seen(upgraded().opened().again(&[])).undetermined("session end");
    }
}

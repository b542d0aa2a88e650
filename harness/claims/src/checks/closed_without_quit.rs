//! Does the client say QUIT before it leaves?

use smtp::timeline::Protocol;

use crate::{Check, Evidence, Finding, Subject};

use super::steps::{End, answered, end, greeting};

pub(super) static CHECK: Check = Check {
    id: "closed-without-quit",
    observed_when: "the client ends the connection without having said QUIT, or goes on after it",
    trigger: "the client ended a session in which the server kept to the protocol and answered everything",
    method: "A FIN or RST of the client that comes before one of the server and before any 421 is its own decision. QUIT must \
             come before it, errors or no errors, and nothing behind QUIT. A client that gave up on a silent or broken \
             server is not judged.",
    references: &["RFC 5321 4.1.1.10", "RFC 5321 3.8"],
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
    let mut quits = timeline.commands().skip_while(|(_, _, command)| command.verb != "QUIT");
    if let Some((_, quit, _)) = quits.next() {
        let quit = Evidence::event(quit, "QUIT");
        return match quits.next() {
            Some((_, event, _)) => Finding::observed(
                "the client went on after QUIT",
                vec![Evidence::event(event, "a command behind QUIT"), quit],
            ),
            None => Finding::not_observed("QUIT was the client's last command", vec![quit]),
        };
    }
    let closed = match end(timeline) {
        Some(End::Client(event)) => event,
        Some(End::Server(_)) => return Finding::not_applicable("the server ended the session"),
        None => return Finding::undetermined("the capture ends before the session does"),
    };
    if timeline.protocol == Protocol::Other || greeting(timeline).is_none() {
        return Finding::undetermined("there was no greeting");
    }
    if timeline.exchanges.iter().any(|exchange| exchange.reply.is_none()) {
        return Finding::undetermined("the client left while it waited for a reply");
    }
    if answered(timeline).any(|(_, _, reply)| !reply.complete || !reply.agrees) {
        return Finding::undetermined("the server sent replies that are none");
    }
    let last = answered(timeline).last().map(|(_, event, _)| Evidence::event(event, "the last reply before it"));
    let evidence = std::iter::once(Evidence::event(closed, "the client's end of the connection")).chain(last);
    Finding::observed("the client left without QUIT", evidence.collect())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FROM, Talk, find};
    use super::*;
    use crate::Given;

    fn refused() -> Talk {
        Talk::ehlo(&[]).cs(&format!("MAIL FROM:<{FROM}>"), "550 no")
    }

    #[test]
    fn leaving_without_a_word() {
        find(&CHECK, refused().closed(), Given::default()).observed("left without QUIT", &["packet…", "550 no\r\n"]);
        let talk = refused().cs("QUIT", "221 bye").c("NOOP").closed();
        find(&CHECK, talk, Given::default()).observed("went on after QUIT", &["NOOP\r\n", "QUIT\r\n"]);
    }

    #[test]
    fn leaving_with_quit() {
        find(&CHECK, refused().quit(), Given::default()).not_observed("last command", &["QUIT\r\n"]);
    }

    #[test]
    fn not_the_clients_decision() {
        let sent_away = Talk::ehlo(&[]).cs("NOOP", "421 closing").closed();
        find(&CHECK, sent_away, Given::default()).not_applicable("the server ended");
        let dropped = refused().turn("-S", "").turn("-C", "");
        find(&CHECK, dropped, Given::default()).not_applicable("the server ended");
        let waited = Talk::ehlo(&[]).c("NOOP").closed();
        find(&CHECK, waited, Given::default()).undetermined("waited for a reply");
        find(&CHECK, refused(), Given::default()).undetermined("capture ends");
        let broken = Talk::ehlo(&[]).cs(&format!("MAIL FROM:<{FROM}>"), "what?").closed();
        find(&CHECK, broken, Given::default()).undetermined("replies that are none");
    }
}

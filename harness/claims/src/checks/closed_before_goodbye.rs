//! Does the client wait for the reply to QUIT?

use std::time::Duration;

use smtp::timeline::EventKind;
use wire::Direction;

use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "closed-before-goodbye",
    observed_when: "the client ends the connection after QUIT without having waited for the reply to it",
    trigger: "the client said QUIT and ended the connection, or got its reply",
    method: "The place of the client's FIN or RST is compared with that of the reply to QUIT. A client that waited for a minute \
             in vain is not judged.",
    references: &["RFC 5321 4.1.1.10"],
    run,
};

/// How long a client waits that is taken to have waited for the reply.
const PATIENCE: Duration = Duration::from_mins(1);

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    let timeline = subject.timeline();
    let Some((number, quit, _)) = timeline.commands().find(|(_, _, command)| command.verb == "QUIT") else {
        return Finding::undetermined("the client never said QUIT");
    };
    let over = |kind: &EventKind| matches!(kind, EventKind::Fin | EventKind::Reset);
    let closed = timeline.events.iter().position(|event| over(&event.kind));
    let replied = timeline.exchanges.get(number).and_then(|exchange| exchange.reply);
    let said = Evidence::event(quit, "QUIT");
    match (closed, replied) {
        (closed, Some(reply)) if closed.is_none_or(|closed| reply < closed) => {
            let goodbye = Evidence::event(&timeline.events[reply], "the reply to QUIT");
            Finding::not_observed("the client waited for the reply to QUIT", vec![goodbye, said])
        }
        (Some(closed), _) if timeline.events[closed].span.direction == Direction::Client => {
            let event = &timeline.events[closed];
            if event.time.since(quit.time) >= PATIENCE {
                return Finding::undetermined("the client waited for the reply to QUIT in vain");
            }
            let evidence = vec![Evidence::event(event, "the client's end of the connection"), said];
            Finding::observed("the client left before the reply to QUIT", evidence)
        }
        (Some(_), _) => Finding::not_applicable("the server ended the connection without a reply to QUIT"),
        (None, _) => Finding::undetermined("the capture ends before the session does"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Talk, find};
    use super::*;
    use crate::Given;

    #[test]
    fn leaving_at_once() {
        let talk = Talk::ehlo(&[]).c("QUIT").turn("-C", "").s("221 bye").turn("-S", "");
        find(&CHECK, talk, Given::default()).observed("left before the reply", &["packet…", "QUIT\r\n"]);
        let unanswered = Talk::ehlo(&[]).c("QUIT").closed();
        find(&CHECK, unanswered, Given::default()).observed("left before the reply", &["packet…", "QUIT\r\n"]);
    }

    #[test]
    fn waiting() {
        find(&CHECK, Talk::ehlo(&[]).quit(), Given::default()).not_observed("waited", &["221 bye\r\n", "QUIT\r\n"]);
    }

    #[test]
    fn nothing_to_judge() {
        find(&CHECK, Talk::ehlo(&[]).closed(), Given::default()).undetermined("never said QUIT");
        find(&CHECK, Talk::ehlo(&[]).c("QUIT"), Given::default()).undetermined("capture ends");
        let dropped = Talk::ehlo(&[]).c("QUIT").turn("-S", "").turn("-C", "");
        find(&CHECK, dropped, Given::default()).not_applicable("without a reply");
    }
}

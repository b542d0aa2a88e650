//! Does the sender go on without authenticating?

use crate::given::Mode;
use crate::subject::mode_of;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "sent-unauthenticated",
    observed_when: "a sender that is to authenticate offers a message without having done so",
    trigger: "the server answered EHLO and offered no mechanism of the configured mode",
    method: "The offered mechanisms are compared with those of the configured mode. Where none fits, a MAIL command \
             means that the sender went on anonymously.",
    references: &["RFC 4954 4"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let Some(mode) = subject.given().mode else {
        return Finding::undetermined("which mode is configured is not known");
    };
    if mode == Mode::None {
        return Finding::not_applicable("about a sender that authenticates; this one is in mode None");
    }
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let timeline = subject.timeline();
    let offered = subject.offered_mechanisms();
    if timeline.capabilities.is_empty() {
        return Finding::undetermined("no EHLO reply was seen");
    }
    if offered.iter().any(|mechanism| mode_of(mechanism) == Some(mode)) {
        return Finding::undetermined(format!("a mechanism of mode {} was on offer", mode.name()));
    }
    let accepted = timeline.authentications.iter().any(|a| a.outcome == smtp::timeline::Outcome::Accepted);
    if let Some(mail) = timeline.transactions.first().and_then(|t| timeline.request(t.mail)).filter(|_| !accepted) {
        return Finding::observed(
            format!("no mechanism of mode {} was offered, and MAIL followed unauthenticated", mode.name()),
            vec![Evidence::event(mail, "MAIL without authentication")],
        );
    }
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    let ehlo = timeline.capabilities.last().and_then(|c| timeline.reply(c.exchange));
    Finding::not_observed(
        format!("no mechanism of mode {} was offered; no message was sent", mode.name()),
        ehlo.map(|(event, _)| Evidence::event(event, "EHLO reply without a fitting mechanism")).into_iter().collect(),
    )
}

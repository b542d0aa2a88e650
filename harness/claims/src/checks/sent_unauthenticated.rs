//! Does the sender go on without authenticating?

use smtp::timeline::{Capabilities, Outcome};

use super::has_ended;
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
    let Some(mode) = subject.given_mode() else {
        return Finding::undetermined("which mode is configured is not known");
    };
    if mode == Mode::None {
        return Finding::not_applicable("about a sender that authenticates; this one is in mode None");
    }
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let timeline = subject.timeline();
    let Some(last) = timeline.capabilities.last() else {
        return Finding::undetermined("no EHLO reply was seen");
    };
    let fits = |mechanism: &String| mode_of(mechanism) == Some(mode);
    if subject.offered_mechanisms().iter().any(fits) {
        let reason = format!("a mechanism of mode {} was on offer", mode.name());
        return Finding::undetermined(reason);
    }
    let all = &timeline.authentications;
    let authenticated = all.iter().any(|a| a.outcome == Outcome::Accepted);
    let mail = timeline.commands().find(|(_, _, command)| command.verb == "MAIL");
    let ehlo = without(subject, last);
    if let Some((_, mail, _)) = mail.filter(|_| !authenticated) {
        if let Some(reason) = subject.blind() {
            return Finding::undetermined(reason);
        }
        let mut evidence = vec![Evidence::event(mail, "MAIL without authentication")];
        evidence.extend(ehlo);
        return Finding::observed(
            format!("no mechanism of mode {} was offered, and MAIL followed unauthenticated", mode.name()),
            evidence,
        );
    }
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    if mail.is_some() {
        return Finding::undetermined("the sender authenticated in another mode");
    }
    if !has_ended(timeline) {
        return Finding::undetermined("the capture ends before the session does");
    }
    Finding::not_observed(
        format!("no mechanism of mode {} was offered; no message was sent", mode.name()),
        ehlo.into_iter().collect(),
    )
}

fn without(subject: &Subject<'_>, offer: &Capabilities) -> Option<Evidence> {
    let (event, _) = subject.timeline().reply(offer.exchange)?;
    Some(Evidence::event(event, "EHLO reply without a fitting mechanism"))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, find, plain};
    use super::*;
    use crate::Given;

    fn in_mode(talk: Talk, mode: Mode) -> Seen {
        find(&CHECK, talk, Given { mode: Some(mode), ..Given::default() })
    }

    fn seen(talk: Talk) -> Seen {
        in_mode(talk, Mode::Ntlm)
    }

    const MAIL: &str = "MAIL FROM:<sender@contoso.example>\r\n";

    #[test]
    fn mail_without_authentication() {
        let talk = Talk::ehlo(&["AUTH LOGIN"]).message(&plain("", "x")).quit();
        seen(talk).observed("MAIL followed", &[MAIL, "250-mx.example\r\n250 AUTH LOGIN\r\n"]);
        let refused = Talk::ehlo(&[]).cs("MAIL FROM:<a@b>", "530 no").quit();
        seen(refused).observed("MAIL followed", &["MAIL FROM:<a@b>\r\n", "250 mx.example\r\n"]);
        let tried = Talk::ehlo(&["AUTH LOGIN"]).cs("AUTH LOGIN", "535 no");
        seen(tried.message(&plain("", "x")).quit()).observed("MAIL followed", &[MAIL]);
    }

    #[test]
    fn the_sender_gives_up() {
        let talk = Talk::ehlo(&["AUTH NTLM"]).quit();
        in_mode(talk, Mode::Basic)
            .not_observed("of mode Basic was offered", &["250-mx.example\r\n250 AUTH NTLM\r\n"]);
    }

    #[test]
    fn with_a_fitting_offer_nothing_is_shown() {
        let talk = Talk::ehlo(&["AUTH NTLM"]).message(&plain("", "x")).quit();
        seen(talk.clone()).undetermined("a mechanism of mode NTLM was on offer");
        find(&CHECK, talk, Given::default()).undetermined("not known");
        seen(Talk::silent().s("220 mx").cs("HELO a", "250 mx").quit()).undetermined("no EHLO reply");
        let other = Talk::ehlo(&["AUTH PLAIN"]).cs("AUTH PLAIN AHN2YwBwdw==", "235 ok");
        seen(other.message(&plain("", "x")).quit()).undetermined("in another mode");
    }

    #[test]
    fn what_the_capture_does_not_hold() {
        seen(Talk::ehlo(&[]).gap().quit()).undetermined("does not hold");
        seen(Talk::ehlo(&[]).gap().message(&plain("", "x")).quit()).undetermined("does not hold");
        seen(Talk::ehlo(&[])).undetermined("ends before the session");
    }

    #[test]
    fn a_sender_that_does_not_authenticate() {
        let talk = Talk::ehlo(&[]).message(&plain("", "x")).quit();
        in_mode(talk, Mode::None).not_applicable("in mode None");
    }
}

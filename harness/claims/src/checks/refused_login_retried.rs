//! Does a refused login end the session, and is it tried again as configured?

use super::retried::{self, Judged};
use crate::chain::{self, EndWord};
use crate::given::Mode;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "refused-login-retried",
    observed_when: "a refused login is followed by no mail in its session, and is tried so often again as configured, the configured interval later each time",
    trigger: "the server refused a login, retries are configured, and the last of them was captured or the sender said that it was done",
    method: "Each session of the chain must end with a refused login and no MAIL behind it. Number and distance of the sessions are judged as by \
             retries-as-configured. What the sender makes of its message afterwards is not on the wire: that nothing more comes is.",
    references: &["RFC 4954 4", "RFC 4954 6"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let timeline = subject.timeline();
    if subject.given_mode() == Some(Mode::None) {
        return Finding::not_applicable("about senders that authenticate; this one is in mode None");
    }
    let refused = |one: &smtp::timeline::Authentication| matches!(one.outcome, smtp::timeline::Outcome::Refused(_));
    let Some(last) = timeline.authentications.last().filter(|one| refused(one)) else {
        return Finding::undetermined(subject.blind().unwrap_or_else(|| "no login was refused".to_owned()));
    };
    let mail = timeline.commands().find(|(number, _, command)| *number > last.exchange && command.verb == "MAIL");
    if let Some((_, event, _)) = mail {
        let login = Evidence::bytes(timeline, last.span(), "the refused login");
        return Finding::not_observed("the login was refused, and MAIL followed", vec![Evidence::event(event, "MAIL"), login]);
    }
    let Some(retry) = chain::told(subject) else {
        return Finding::undetermined("how the sender is to try again is not known");
    };
    if retry.count == 0 {
        return Finding::undetermined("the sender is told not to try again");
    }
    let chain = chain::of(subject);
    match retried::judge(subject, &chain, retry) {
        Judged::Decided(finding) => finding,
        Judged::Whole(tries, apart) => {
            let other = tries.iter().find(|one| !matches!(one.end_word, EndWord::LoginRefused(..)));
            if let Some(other) = other {
                let words = other.end_word.words();
                return Finding::undetermined(format!(
                    "one of the sessions failed otherwise: {words}"
                ));
            }
            let times = retried::words(&tries, &apart);
            let reason = format!("the login was refused in {times}; no mail followed");
            Finding::observed(reason, retried::evidence(&tries))
        }
        Judged::Ended(..) => Finding::undetermined("the login was accepted before the retries were used up"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{SERVER, Seen, Talk, case, plain, server};
    use super::*;
    use crate::Given;
    use crate::given::{Reported, Role};

    const AUTH: &str = "AUTH PLAIN AHN2YwBwdw==";

    fn refused(seconds: u64) -> Talk {
        Talk::ehlo(&["AUTH PLAIN"]).cs(AUTH, "535 no").quit().after(seconds)
    }

    fn seen(talks: Vec<Talk>) -> Seen {
        let last = talks.len() - 1;
        let given = Given {
            servers: vec![server(Role::Configured, SERVER, 2)],
            reported: Some(Reported::Failed),
            ..Given::default()
        };
        case(talks, given).find(&CHECK, last)
    }

    #[test]
    fn no_mail_and_as_many_tries_as_configured() {
        let talks = vec![refused(0), refused(300), refused(600)];
        seen(talks).observed("refused in 3 sessions, 300 s, 300 s apart; no mail followed", &["packet 1", "packet 1", "packet 1"]);
    }

    #[test]
    fn mail_or_another_number_of_tries() {
        let mailed = Talk::ehlo(&["AUTH PLAIN"]).cs(AUTH, "535 no").message(&plain("", "x")).quit();
        seen(vec![mailed]).not_observed("MAIL followed", &["MAIL…", "PLAIN AHN2YwBwdw=="]);
        seen(vec![refused(0)]).not_observed("1 sessions, and 3 are configured", &["packet 1"]);
        seen(vec![refused(0), refused(1)]).not_observed("session 2 began 1000 ms after", &["packet 1"]);
    }

    #[test]
    fn nothing_refused_or_not_told() {
        seen(vec![Talk::ehlo(&["AUTH PLAIN"]).cs(AUTH, "235 ok").quit()]).undetermined("no login was refused");
        seen(vec![refused(0), Talk::ehlo(&["AUTH PLAIN"]).cs(AUTH, "535 no").closed().after(300), refused(600).gap()]).observed("3 sessions", &["packet 1"]);
        case(vec![refused(0)], Given::default()).find(&CHECK, 0).undetermined("not known");
        let none = Given { mode: Some(Mode::None), ..Given::default() };
        case(vec![refused(0)], none).find(&CHECK, 0).not_applicable("mode None");
        let busy = Talk::silent().s("421 busy").quit().after(0);
        seen(vec![busy, refused(300), refused(600)]).undetermined("failed otherwise: the server answered 421");
    }
}

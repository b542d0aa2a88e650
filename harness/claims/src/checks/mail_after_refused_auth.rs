//! Does the client send its message although it could not authenticate?

use smtp::timeline::Outcome;

use super::has_ended;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "mail-after-refused-auth",
    observed_when: "after its authentication failed, the client offers a message without having authenticated",
    trigger: "the client said AUTH and no authentication succeeded, and the end of the session was captured",
    method: "A MAIL command is looked for behind the last AUTH command of a session in which none succeeded. The message would go out under \
             no name, or under whatever rule the server has for strangers, and nobody is told.",
    references: &["RFC 4954 4", "RFC 4954 6", "MS-SMTPNTLM 3.1.5.5"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let timeline = subject.timeline();
    let all = &timeline.authentications;
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    if all.iter().any(|one| one.outcome == Outcome::Accepted) {
        return Finding::undetermined("an authentication succeeded");
    }
    let Some(failed) = all.last() else {
        return Finding::undetermined("the client did not authenticate");
    };
    let name = &failed.mechanism.value;
    let auth = Evidence::bytes(timeline, failed.span(), format!("AUTH {name}, which failed"));
    let mail = timeline.commands().find(|(number, _, command)| *number > failed.exchange && command.verb == "MAIL");
    if let Some((_, event, _)) = mail {
        let evidence = vec![Evidence::event(event, "MAIL without authentication"), auth];
        return Finding::observed(format!("AUTH {name} failed, and MAIL followed all the same"), evidence);
    }
    if !has_ended(timeline) {
        return Finding::undetermined("the capture ends before the session does");
    }
    Finding::not_observed(format!("AUTH {name} failed, and no message was offered"), vec![auth])
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, find, plain};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk, Given::default())
    }

    const AUTH: &str = "AUTH PLAIN AHN2YwBwdw==";

    fn refused() -> Talk {
        Talk::ehlo(&["AUTH PLAIN"]).cs(AUTH, "535 no")
    }

    #[test]
    fn it_goes_on_under_no_name() {
        let talk = refused().message(&plain("", "x")).quit();
        seen(talk).observed("MAIL followed", &["MAIL FROM:<sender@contoso.example>\r\n", "PLAIN…"]);
        let cancelled = Talk::ehlo(&["AUTH LOGIN"]).cs("AUTH LOGIN", "334 %").cs("*", "501 no");
        seen(cancelled.message(&plain("", "x")).quit()).observed("AUTH LOGIN failed", &["MAIL…"]);
    }

    #[test]
    fn it_gives_up() {
        let left = Talk::ehlo(&["AUTH LOGIN"]).cs("AUTH LOGIN", "334 %").closed();
        seen(left).not_observed("AUTH LOGIN failed, and no message", &["LOGIN"]);
        seen(refused().quit()).not_observed("no message was offered", &["PLAIN AHN2YwBwdw=="]);
    }

    #[test]
    fn nothing_to_go_by() {
        seen(Talk::ehlo(&["AUTH PLAIN"]).cs(AUTH, "235 ok").quit()).undetermined("an authentication succeeded");
        seen(refused().cs(AUTH, "235 ok").quit()).undetermined("an authentication succeeded");
        seen(Talk::ehlo(&["AUTH PLAIN"]).message(&plain("", "x")).quit()).undetermined("did not authenticate");
        seen(refused()).undetermined("ends before the session");
        seen(refused().gap().quit()).undetermined("does not hold");
    }
}

//! Does an authentication come to its end?

use smtp::timeline::Outcome;

use super::has_ended;
use crate::subject::outcome_word;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "authentication-completed",
    observed_when: "an AUTH exchange of the session ends with 235",
    trigger: "the client said AUTH, and the end of the session was captured",
    method: "The outcomes of all exchanges are read: accepted, refused, cancelled by the client, or left open. In a case whose \
             server does what is allowed and takes the right credentials, any other outcome than 235 is the client's doing.",
    references: &["RFC 4954 4", "RFC 4954 6"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let timeline = subject.timeline();
    let all = &timeline.authentications;
    let evidence = |one: &smtp::timeline::Authentication| {
        vec![Evidence::bytes(timeline, one.span(), format!("AUTH {}", one.mechanism.value))]
    };
    if let Some(one) = all.iter().find(|one| one.outcome == Outcome::Accepted) {
        return Finding::observed(format!("AUTH {} was accepted", one.mechanism.value), evidence(one));
    }
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    let Some(last) = all.last() else {
        return Finding::undetermined("the client did not authenticate");
    };
    if !has_ended(timeline) {
        return Finding::undetermined("the capture ends before the session does");
    }
    let how = match last.outcome {
        Outcome::Unseen => "was left open".to_owned(),
        _ => format!("was {}", outcome_word(last)),
    };
    Finding::not_observed(format!("AUTH {} {how}", last.mechanism.value), evidence(last))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, find};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk, Given::default())
    }

    fn begun() -> Talk {
        Talk::ehlo(&["AUTH LOGIN"]).cs("AUTH LOGIN", "334 VXNlcm5hbWU6")
    }

    #[test]
    fn accepted() {
        let talk = begun().cs("c3Zj", "334 UGFzc3dvcmQ6").cs("cHc=", "235 ok").quit();
        seen(talk).observed("AUTH LOGIN was accepted", &["LOGIN\r\n…"]);
    }

    #[test]
    fn refused_cancelled_or_left() {
        seen(begun().cs("c3Zj", "535 no").quit()).not_observed("refused with 535", &["LOGIN\r\n…"]);
        seen(begun().cs("*", "501 no").quit()).not_observed("cancelled by the client", &["LOGIN…"]);
        seen(begun().closed()).not_observed("was left open", &["LOGIN…"]);
    }

    #[test]
    fn nothing_to_go_by() {
        seen(Talk::ehlo(&["AUTH LOGIN"]).quit()).undetermined("did not authenticate");
        seen(begun()).undetermined("ends before the session");
        seen(Talk::ehlo(&["AUTH LOGIN"]).gap().quit()).undetermined("does not hold");
    }
}

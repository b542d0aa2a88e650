//! Does the client stop when its password is refused?

use smtp::timeline::Outcome;

use super::has_ended;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "auth-repeated-after-refusal",
    observed_when: "in one session the client tries the same mechanism more than three times after it was refused for good",
    trigger: "an authentication was refused with 5yz, and the end of the session was captured",
    method: "Refused attempts are counted by mechanism. A password that was refused does not become right by being sent again, and many \
             servers lock the account. Up to three attempts may be a user who types.",
    references: &["RFC 4954 4", "RFC 4954 6"],
    run,
};

/// Attempts that are borne.
const MOST: usize = 3;

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let timeline = subject.timeline();
    let refused = |one: &&smtp::timeline::Authentication| matches!(one.outcome, Outcome::Refused(code) if code / 100 == 5);
    let refused: Vec<_> = timeline.authentications.iter().filter(refused).collect();
    let same = |name: &str| refused.iter().filter(|one| one.mechanism.value == name).count();
    let worst = refused.iter().max_by_key(|one| same(&one.mechanism.value));
    let Some(worst) = worst else {
        return Finding::undetermined(subject.blind().unwrap_or_else(|| "no authentication was refused for good".to_owned()));
    };
    let (name, times) = (&worst.mechanism.value, same(&worst.mechanism.value));
    let evidence = vec![Evidence::bytes(timeline, worst.mechanism.span, format!("AUTH {name}"))];
    if times > MOST {
        return Finding::observed(format!("AUTH {name} was tried {times} times and refused each time"), evidence);
    }
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    if !has_ended(timeline) {
        return Finding::undetermined("the capture ends before the session does");
    }
    Finding::not_observed(format!("AUTH {name} was refused {times} time(s), and the client let it be"), evidence)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, find};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk, Given::default())
    }

    fn tried(times: usize, reply: &str) -> Talk {
        (0..times).fold(Talk::ehlo(&["AUTH PLAIN"]), |talk, _| talk.cs("AUTH PLAIN AHN2YwBwdw==", reply))
    }

    #[test]
    fn again_and_again() {
        seen(tried(4, "535 no").quit()).observed("AUTH PLAIN was tried 4 times", &["PLAIN"]);
    }

    #[test]
    fn enough() {
        seen(tried(1, "534 no").quit()).not_observed("refused 1 time(s)", &["PLAIN"]);
        seen(tried(3, "535 no").quit()).not_observed("refused 3 time(s)", &["PLAIN"]);
    }

    #[test]
    fn nothing_to_go_by() {
        seen(tried(1, "235 ok").quit()).undetermined("was refused for good");
        seen(tried(5, "454 later").quit()).undetermined("was refused for good");
        seen(tried(2, "535 no")).undetermined("ends before the session");
        seen(tried(2, "535 no").gap().quit()).undetermined("does not hold");
    }
}

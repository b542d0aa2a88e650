//! Does the sender fall back to another mode of authentication?

use smtp::timeline::{Authentication, Outcome};

use crate::given::Mode;
use crate::subject::{mode_of, mode_of_login};
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "authentication-fallback",
    observed_when: "the sender tries a mechanism of another mode: refused, or finding its own not on offer, or from the first",
    trigger: "an authentication was refused while another mode was on offer, or the configured mode was not offered",
    method: "The mechanisms of all AUTH commands of the conversation are compared with each other and with the \
             configured mode. LOGIN and PLAIN are both Basic: one after the other is no fallback. A server that \
             closes with 421 leaves no occasion.",
    references: &["RFC 4954 4", "RFC 4954 6"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if subject.mode() == Some(Mode::None) {
        return Finding::not_applicable("about a sender that authenticates; this one is in mode None");
    }
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let timeline = subject.timeline();
    let all = &timeline.authentications;
    let evidence = |a: &Authentication| {
        Evidence::bytes(timeline, a.span(), format!("AUTH {}", a.mechanism.value))
    };
    if let Some((fallback, after)) = strayed(all, subject.given_mode()) {
        let mut shown = vec![evidence(fallback)];
        let others = all.iter().filter(|a| a.exchange != fallback.exchange);
        shown.extend(others.map(evidence));
        return Finding::observed(
            format!("the sender tried {} {after}", fallback.mechanism.value),
            shown,
        );
    }
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    let offered = subject.offered_mechanisms();
    // After 421 the server is gone: there is no chance to try anything else.
    let refused = all.iter().find(|a| matches!(a.outcome, Outcome::Refused(code) if code != 421));
    if let Some(refused) = refused {
        let name = &refused.mechanism.value;
        let mode = mode_of_login(refused);
        let other = |mechanism: &str| mechanism != name && (mode.is_none() || mode_of(mechanism) != mode);
        if !offered.iter().any(|mechanism| other(mechanism)) {
            return Finding::undetermined("refused, and no mechanism of another mode was on offer");
        }
        let what = format!("refused AUTH {name}");
        return Finding::not_observed(
            format!("{name} was refused; no mechanism of another mode was tried"),
            vec![Evidence::bytes(timeline, refused.span(), what)],
        );
    }
    let (Some(offer), Some(mode)) = (subject.offer("AUTH"), subject.given_mode()) else {
        return Finding::undetermined("no authentication was refused");
    };
    if !all.is_empty() || offered.iter().any(|mechanism| mode_of(mechanism) == Some(mode)) {
        return Finding::undetermined("no authentication was refused, and the configured mode was on offer");
    }
    Finding::not_observed(
        format!("no mechanism of mode {} was offered; no other was tried", mode.name()),
        vec![offer],
    )
}

/// The first exchange in another mode than the configured one, or than one before it, with what went before.
fn strayed(all: &[Authentication], configured: Option<Mode>) -> Option<(&Authentication, String)> {
    let mut before: Option<&Authentication> = None;
    for one in all.iter().filter(|a| !a.mechanism.value.is_empty()) {
        if let Some(before) = before
            && differ(before, one)
        {
            let after = match before.outcome {
                Outcome::Refused(code) => format!("after {code}"),
                _ => "after another mechanism".to_owned(),
            };
            return Some((one, after));
        }
        let mode = mode_of_login(one);
        if configured.is_some_and(|configured| mode.is_some_and(|mode| mode != configured)) {
            return Some((one, "in place of the configured mode".to_owned()));
        }
        before = Some(one);
    }
    None
}

/// Whether two exchanges belong to different modes. LOGIN and PLAIN are both Basic.
fn differ(one: &Authentication, other: &Authentication) -> bool {
    let mode = mode_of_login(one);
    one.mechanism.value != other.mechanism.value && (mode.is_none() || mode != mode_of_login(other))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, find, plain};
    use super::*;
    use crate::Given;

    fn given(mode: Mode) -> Given {
        Given { mode: Some(mode), ..Given::default() }
    }

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk, Given::default())
    }

    fn offered() -> Talk {
        Talk::ehlo(&["AUTH LOGIN PLAIN NTLM"])
    }

    const TOKEN: &str = "AUTH PLAIN AHN2YwBwdw==";

    #[test]
    fn another_mode_after_a_refusal() {
        let talk = offered().ntlm("CORP", "svc", "pw", "535 no").cs(TOKEN, "235 ok").gap();
        let quotes = ["PLAIN AHN2YwBwdw==", "NTLM\r\n…"];
        seen(talk.quit()).observed("the sender tried PLAIN after 535", &quotes);
        let unlisted = offered().cs(TOKEN, "535 no").cs("AUTH CRAM-MD5", "504 no").quit();
        seen(unlisted).observed("tried CRAM-MD5 after 535", &["CRAM-MD5", "PLAIN …"]);
    }

    #[test]
    fn another_mode_in_place_of_the_configured_one() {
        let talk = Talk::ehlo(&["AUTH PLAIN"]).cs(TOKEN, "235 ok").quit();
        let found = find(&CHECK, talk, given(Mode::Ntlm));
        found.observed("tried PLAIN in place of the configured mode", &["PLAIN AHN2YwBwdw=="]);
    }

    #[test]
    fn ntlm_inside_spnego_is_ntlm() {
        let talk = || Talk::ehlo(&["AUTH GSS-SPNEGO NTLM"]).spnego("CORP", "svc", "pw", "535 no");
        let after = talk().ntlm("CORP", "svc", "pw", "535 no").quit();
        seen(after).undetermined("no mechanism of another mode was on offer");
        let basic = talk().cs(TOKEN, "235 ok").quit();
        seen(basic).observed("tried PLAIN after 535", &["PLAIN AHN2YwBwdw==", "GSS-SPNEGO …"]);
    }

    #[test]
    fn refused_and_nothing_else_tried() {
        let talk = offered().cs(TOKEN, "535 no").quit();
        seen(talk).not_observed("PLAIN was refused", &["PLAIN AHN2YwBwdw=="]);
        let within = offered().cs("AUTH LOGIN c3Zj", "535 no").cs(TOKEN, "535 no").quit();
        seen(within).not_observed("LOGIN was refused", &["LOGIN c3Zj"]);
        let unoffered = Talk::ehlo(&["AUTH NTLM"]).quit();
        let found = find(&CHECK, unoffered, given(Mode::Basic));
        found.not_observed("no mechanism of mode Basic was offered", &["250 AUTH NTLM\r\n"]);
    }

    #[test]
    fn without_a_refusal_or_an_alternative_nothing_is_shown() {
        seen(offered().cs(TOKEN, "235 ok").quit()).undetermined("no authentication was refused");
        let alone = Talk::ehlo(&["AUTH PLAIN LOGIN"]).cs(TOKEN, "535 no").quit();
        seen(alone).undetermined("no mechanism of another mode was on offer");
        seen(offered().cs(TOKEN, "421 closing").closed()).undetermined("no authentication was");
        find(&CHECK, offered().quit(), given(Mode::Basic)).undetermined("was on offer");
        find(&CHECK, Talk::ehlo(&[]).quit(), given(Mode::Basic)).undetermined("no authentication");
    }

    #[test]
    fn a_gap_may_hide_it() {
        seen(offered().cs(TOKEN, "535 no").gap().quit()).undetermined("does not hold");
    }

    #[test]
    fn a_sender_that_does_not_authenticate() {
        find(&CHECK, offered().quit(), given(Mode::None)).not_applicable("in mode None");
        seen(offered().message(&plain("", "x")).quit()).not_applicable("in mode None");
    }
}

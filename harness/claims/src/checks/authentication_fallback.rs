//! Does the sender fall back to another mechanism?

use smtp::timeline::Outcome;

use crate::given::Mode;
use crate::subject::mode_of;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "authentication-fallback",
    observed_when: "refused, or finding its mechanism not on offer, the sender tries another mechanism",
    trigger: "an authentication was refused while another mechanism was on offer, or the configured one was not offered",
    method: "The mechanisms of all AUTH commands of the conversation are compared with each other and with the \
             configured mode.",
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
    let configured = subject.given().mode;
    let all = &timeline.authentications;
    let strayed = all.iter().enumerate().find(|(index, a)| {
        all[..*index].iter().any(|before| before.mechanism.value != a.mechanism.value)
            || configured.is_some_and(|mode| mode_of(&a.mechanism.value).is_some_and(|used| used != mode))
    });
    if let Some((index, fallback)) = strayed {
        let after = match all[..index].last().map(|a| a.outcome) {
            Some(Outcome::Refused(code)) => format!("after {code}"),
            Some(_) => "after another mechanism".to_owned(),
            None => "in place of the configured mode".to_owned(),
        };
        return Finding::observed(
            format!("the sender tried {} {after}", fallback.mechanism.value),
            all.iter().map(|a| Evidence::bytes(timeline, a.span(), format!("AUTH {}", a.mechanism.value))).collect(),
        );
    }
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    let offered = subject.offered_mechanisms();
    if let Some(refused) = all.iter().find(|a| matches!(a.outcome, Outcome::Refused(_))) {
        if !offered.iter().any(|mechanism| *mechanism != refused.mechanism.value) {
            return Finding::undetermined("refused, and no other mechanism was on offer");
        }
        return Finding::not_observed(
            format!("{} was refused; no other mechanism was tried", refused.mechanism.value),
            vec![Evidence::bytes(timeline, refused.span(), format!("refused AUTH {}", refused.mechanism.value))],
        );
    }
    let missing = configured.filter(|mode| !offered.iter().any(|mechanism| mode_of(mechanism) == Some(*mode)));
    match (missing, subject.offer("AUTH")) {
        (Some(mode), Some(offer)) if all.is_empty() => Finding::not_observed(
            format!("no mechanism of mode {} was offered; no other was tried", mode.name()),
            vec![offer],
        ),
        _ => Finding::undetermined("no authentication was refused, and the configured mechanism was on offer"),
    }
}

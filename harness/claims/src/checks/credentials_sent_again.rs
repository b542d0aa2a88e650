//! Does every retry send the credentials again?

use smtp::Timeline;
use smtp::timeline::Authentication;

use crate::chain;
use crate::given::Mode;
use crate::leaks::Exposure;
use crate::leaks::login::{exposure, mechanism};
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "credentials-sent-again",
    observed_when: "each later session for the same message carries a login of its own",
    trigger: "the same message was tried in two sessions or more, and the first of them carried a login",
    method: "The sessions of one host with one server and one envelope are a chain. Logins that got as far as a response are counted in \
             each, with how far each gives its secret away: that is how often a listener gets another look at it. A session that ends before its \
             login could come is left out; one that offers mail without is not.",
    references: &["RFC 4954 4"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if subject.given_mode() == Some(Mode::None) {
        return Finding::not_applicable("about senders that authenticate; this one is in mode None");
    }
    let chain = chain::of(subject);
    let Some((first, later)) = chain.split_first() else {
        return Finding::undetermined("there is no session");
    };
    let is_last = later.last().is_some_and(|last| std::ptr::eq(last.timeline(), subject.timeline()));
    if !is_last {
        return Finding::undetermined(if later.is_empty() {
            "the message was tried in one session only"
        } else {
            "a later session of the same message decides"
        });
    }
    if login(first.timeline()).is_none() {
        return Finding::undetermined("the first session carried no login");
    }
    let mut evidence = Vec::new();
    let mut exposed = Exposure::Nothing;
    for (place, one) in chain.iter().enumerate() {
        let timeline = one.timeline();
        let packet = |span| timeline.packets(span).first().copied().unwrap_or(timeline.packet_range.0);
        if let Some(login) = login(timeline) {
            let what = format!("session {}: AUTH {}, whose secret {}", place + 1, mechanism(login), exposure(timeline, login).name());
            evidence.push(Evidence::packet(packet(login.span()), what));
            exposed = exposed.max(exposure(timeline, login));
        } else if let Some(mail) = timeline.transactions.first().and_then(|mail| timeline.request(mail.mail)) {
            let what = format!("session {}: MAIL without a login", place + 1);
            let finding = Finding::not_observed(format!("session {} offers mail without a login", place + 1), vec![]);
            return finding.with(vec![Evidence::packet(packet(mail.span), what)]);
        }
    }
    if let Some(reason) = chain.iter().find_map(Subject::unheard) {
        return Finding::undetermined(reason);
    }
    if evidence.len() < 2 {
        return Finding::undetermined("no later session came as far as a login");
    }
    Finding::observed(format!("the credentials crossed in {} sessions; their secret {}", evidence.len(), exposed.name()), evidence)
}

/// The first login that got as far as a response.
fn login(timeline: &Timeline) -> Option<&Authentication> {
    timeline.authentications.iter().find(|one| !one.responses.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, case, plain};
    use super::*;
    use crate::Given;

    fn refused() -> Talk {
        Talk::ehlo(&["AUTH PLAIN"]).cs("AUTH PLAIN AHN2YwBwdw==", "535 no").quit()
    }

    fn seen(talks: Vec<Talk>) -> Seen {
        let last = talks.len() - 1;
        case(talks, Given::default()).find(&CHECK, last)
    }

    #[test]
    fn in_each_session() {
        seen(vec![refused(), refused(), refused()]).observed("in 3 sessions; their secret can be read", &["packet 4"; 3]);
        let busy = Talk::silent().s("421 busy").quit();
        seen(vec![refused(), busy, refused()]).observed("in 2 sessions", &["packet 4"; 2]);
    }

    #[test]
    fn a_session_without() {
        let deferred = || Talk::ehlo(&["AUTH PLAIN"]).cs("AUTH PLAIN AHN2YwBwdw==", "235 ok").cs("MAIL FROM:<sender@contoso.example>", "451 later").quit();
        let bare = Talk::ehlo(&["AUTH PLAIN"]).message(&plain("", "x")).quit();
        seen(vec![deferred(), bare]).not_observed("session 2 offers mail without", &["packet 4"]);
    }

    #[test]
    fn one_session_or_no_login() {
        seen(vec![refused()]).undetermined("one session only");
        seen(vec![Talk::ehlo(&[]).quit(), refused()]).undetermined("the first session carried no login");
        case(vec![refused(), refused()], Given::default()).find(&CHECK, 0).undetermined("a later session");
        seen(vec![refused(), Talk::silent().s("421 busy").quit()]).undetermined("as far as a login");
        seen(vec![refused(), Talk::ehlo(&[]).gap().quit()]).undetermined("does not hold");
        let none = Given { mode: Some(Mode::None), ..Given::default() };
        case(vec![refused()], none).find(&CHECK, 0).not_applicable("mode None");
    }
}

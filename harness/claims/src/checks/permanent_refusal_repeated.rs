//! Does the client ask again for what was refused for good?

use super::attempts::{is_same, mail, setback};
use super::has_ended;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "permanent-refusal-repeated",
    observed_when: "after 5yz to MAIL, to every RCPT, to DATA or to the message, the client asks for the same again",
    trigger: "a message was refused for good, and the session came to an end",
    method: "Transactions behind the refusal, in the same conversation and in later ones of the case, are held against the \
             refused one by sender and recipients. 530 and 538 ask for a login or for TLS first, and to come back with that \
             is no repetition.",
    references: &["RFC 5321 4.2.1", "RFC 5321 4.2.5", "RFC 5321 4.5.4.1"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let timeline = subject.timeline();
    let refused = setback(timeline).filter(|failed| !failed.is_transient() && !matches!(failed.code, Some(530 | 538)));
    let (Some(refused), Some(first)) = (refused, timeline.transactions.first()) else {
        return Finding::undetermined("no message was refused for good in this conversation");
    };
    let here = timeline.transactions.iter().skip(1).map(|again| (timeline, again));
    let later = subject.later().flat_map(|later| {
        let timeline = later.timeline();
        timeline.transactions.iter().map(move |again| (timeline, again))
    });
    let refusal = Evidence::event(refused.event, "the refusal");
    let first_mail = mail(timeline, first, "what was refused");
    if let Some((place, again)) = here.chain(later).find(|(_, again)| is_same(first, again)) {
        // The bytes of another conversation cannot be shown beside those of this one.
        let again = Some(again).filter(|_| std::ptr::eq(place, timeline));
        let again = again.and_then(|again| mail(timeline, again, "the same again"));
        return Finding::observed(
            format!("{}, and the client asked for the same again", refused.words()),
            again.into_iter().chain([refusal]).chain(first_mail).collect(),
        );
    }
    if let Some(reason) = subject.siblings().find_map(|sibling| sibling.blind()) {
        return Finding::undetermined(reason);
    }
    if !has_ended(timeline) {
        return Finding::undetermined("the capture does not show the session end");
    }
    Finding::not_observed(
        format!("{}, and the client left it at that", refused.words()),
        std::iter::once(refusal).chain(first_mail).collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, case, plain};
    use super::*;
    use crate::Given;

    const MAIL: &str = "MAIL FROM:<sender@contoso.example>";

    fn seen(talks: Vec<Talk>) -> Seen {
        case(talks, Given::default()).find(&CHECK, 0)
    }

    fn refused() -> Talk {
        Talk::ehlo(&[]).cs(MAIL, "550 never")
    }

    #[test]
    fn asked_again() {
        seen(vec![refused().quit(), refused().quit()]).observed("MAIL was answered 550", &["550 never\r\n", "MAIL FROM…"]);
        let here = refused().cs(MAIL, "550 never").quit();
        seen(vec![here]).observed("asked for the same again", &["MAIL FROM…", "550 never\r\n"]);
    }

    #[test]
    fn left_at_that() {
        seen(vec![refused().quit()]).not_observed("left it at that", &["550 never\r\n", "MAIL FROM…"]);
        let other = Talk::ehlo(&[]).sent("<other@contoso.example>", &["<a@b.example>"], "Subject: x\n\ny\n").quit();
        seen(vec![refused().quit(), other]).not_observed("left it at that", &["550 never\r\n"]);
    }

    #[test]
    fn not_refused_for_good_or_not_over() {
        let later = Talk::ehlo(&[]).cs(MAIL, "451 later").quit();
        seen(vec![later.clone(), later]).undetermined("no message was refused");
        let login = Talk::ehlo(&[]).cs(MAIL, "530 log in first").cs("AUTH PLAIN AGEAYg==", "235 ok");
        seen(vec![login.message(&plain("", "x")).quit()]).undetermined("no message was refused");
        seen(vec![refused()]).undetermined("session end");
    }
}

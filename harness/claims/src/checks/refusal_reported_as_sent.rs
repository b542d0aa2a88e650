//! Does the client call a refused message sent?

use smtp::timeline::EventKind;

use crate::given::Reported;
use crate::{Check, Evidence, Finding, Subject};

use super::steps::{Answer, accepted, answer, answered, code, end, End};

pub(super) static CHECK: Check = Check {
    id: "refusal-reported-as-sent",
    observed_when: "the client says that its message was sent, and no conversation shows a server that took it over",
    trigger: "a server refused the message, or the session broke off before the final reply, and the client said what became of it",
    method: "Responsibility for a message goes over with a 2yz to the end of its content and at no other time. What the client \
             says (its exit status, or its log) is held against that. A reply with a code out of range, or whose lines \
             disagree, took nothing over.",
    references: &["RFC 5321 4.2.5", "RFC 5321 6.1", "RFC 5321 3.8"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    if let Some(reason) = subject.siblings().find_map(|sibling| sibling.blind()) {
        return Finding::undetermined(reason);
    }
    if subject.siblings().any(|sibling| accepted(&sibling).is_some()) {
        return Finding::not_applicable("a server took the message over");
    }
    let Some((what, evidence)) = setback(subject) else {
        return Finding::undetermined("the server refused nothing, and the session did not break off");
    };
    match subject.given().reported {
        None => Finding::undetermined("what the client said of its message is not known"),
        Some(Reported::Sent) => Finding::observed(format!("{what}, and the client says that its message was sent"), vec![evidence]),
        Some(Reported::Failed) => Finding::not_observed(format!("{what}, and the client says that its message was not sent"), vec![evidence]),
    }
}

/// Why no server took the message over: the last refusal, or the end of a session that had got nowhere.
fn setback(subject: &Subject<'_>) -> Option<(String, Evidence)> {
    let timeline = subject.timeline();
    let refused = answered(timeline).filter(|(verb, _, reply)| answer(reply, verb) != Answer::Go).last();
    if let Some((verb, event, reply)) = refused {
        let what = match verb {
            "" if timeline.messages().next().is_some() => "the message was",
            "" => "the greeting was",
            verb => super::steps::shown(verb),
        };
        let what = if verb.is_empty() { format!("{what} answered {}", code(reply)) } else { format!("{what} was answered {}", code(reply)) };
        return Some((what, Evidence::event(event, "the reply that took nothing over")));
    }
    match end(timeline)? {
        End::Server(event) => Some(("the server ended the session".to_owned(), Evidence::event(event, "its end"))),
        End::Client(event) => {
            let unanswered = timeline.exchanges.iter().any(|exchange| exchange.reply.is_none());
            let quit = timeline.commands().any(|(_, _, command)| command.verb == "QUIT");
            let broken = timeline.events.iter().any(|event| matches!(event.kind, EventKind::Reset));
            (unanswered || broken || quit).then(|| ("the session ended without a final reply".to_owned(), Evidence::event(event, "its end")))
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::testing::{FROM, TO, Talk, case, find};
    use super::*;
    use crate::Given;

    fn said(reported: Reported) -> Given {
        Given { reported: Some(reported), ..Given::default() }
    }

    /// A message whose content gets this reply.
    fn answered_with(reply: &str) -> Talk {
        let talk = Talk::ehlo(&[]).envelope(&format!("<{FROM}>"), &[&format!("<{TO}>")]);
        talk.turn("C", "Subject: x\r\n\r\nx\r\n.\r\n").s(reply).quit()
    }

    #[rstest]
    #[case("554 5.6.0 accepted, thank you", "answered 554")]
    #[case("459 later", "answered 459")]
    #[case("650 what", "answered 650")]
    #[case("099 what", "answered 099")]
    #[case("2500 ok", "no code of three digits")]
    #[case("250-ok\r\n550 no", "different codes, 250 first")]
    fn a_final_reply_that_takes_nothing_over(#[case] reply: &str, #[case] why: &str) {
        let quote = format!("{reply}\r\n");
        find(&CHECK, answered_with(reply), said(Reported::Sent)).observed(why, &[&quote]);
        find(&CHECK, answered_with(reply), said(Reported::Failed)).not_observed(why, &[&quote]);
        find(&CHECK, answered_with(reply), Given::default()).undetermined("is not known");
    }

    #[test]
    fn a_session_that_got_nowhere() {
        let greeting = Talk::silent().s("554 no").quit();
        find(&CHECK, greeting, said(Reported::Sent)).observed("greeting was answered 554", &["554 no\r\n"]);
        let sender = Talk::ehlo(&[]).cs("MAIL FROM:<a@b.example>", "550 no").quit();
        find(&CHECK, sender, said(Reported::Failed)).not_observed("MAIL was answered 550", &["550 no\r\n"]);
        let broken = Talk::ehlo(&[]).envelope("<a@b.example>", &["<c@d.example>"]).turn("C", "x\r\n").turn("-S", "").turn("-C", "");
        find(&CHECK, broken, said(Reported::Sent)).observed("the server ended the session", &["packet…"]);
    }

    #[test]
    fn a_message_that_was_taken_over_in_the_end() {
        let talks = vec![answered_with("451 later"), answered_with("250 ok")];
        case(talks, said(Reported::Sent)).find(&CHECK, 0).not_applicable("took the message over");
        find(&CHECK, Talk::ehlo(&[]), said(Reported::Sent)).undetermined("refused nothing");
    }
}

//! Does the client send message octets that the server did not ask for?

use smtp::timeline::EventKind;

use super::envelope::{is_ahead_of, is_no_command, next_words};
use super::has_ended;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "content-before-354",
    observed_when: "octets of a message come before a 354 reply to DATA, or after another reply to it",
    trigger: "DATA was answered, and what the client said next was captured",
    method: "Only 354 asks for the message. After any other reply, and until a reply has come, the server reads commands: \
             what is sent then is taken for commands, line by line. What follows another reply counts as message octets \
             if it is no command of SMTP.",
    references: &["RFC 5321 3.3", "RFC 5321 4.1.1.4", "RFC 5321 4.3.2"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let timeline = subject.timeline();
    let mut held = Vec::new();
    for (number, _, command) in timeline.commands() {
        let Some((answer, reply)) = timeline.reply(number).filter(|_| command.verb == "DATA") else { continue };
        let next = next_words(timeline, number);
        let asked = reply.code == 354;
        let said = match next {
            Some(next) if asked => matches!(next.kind, EventKind::Content(_)) && is_ahead_of(next, answer),
            Some(next) => is_no_command(next),
            None => false,
        };
        let evidence = Evidence::event(answer, format!("{} to DATA", reply.code));
        match next {
            Some(next) if said => {
                let reason = if asked {
                    "the message came before the 354 had".to_owned()
                } else {
                    format!("DATA was answered {}, and message octets followed", reply.code)
                };
                return Finding::observed(reason, vec![Evidence::event(next, "octets of the message"), evidence]);
            }
            Some(next) => held.push((reply.code, vec![evidence, Evidence::event(next, "what came next")])),
            None if has_ended(timeline) => held.push((reply.code, vec![evidence])),
            None => {}
        }
    }
    if let Some(reason) = subject.unheard() {
        return Finding::undetermined(reason);
    }
    // A refusal says more about the client than a 354 that it waited for.
    let refused = held.iter().position(|(code, _)| *code != 354).unwrap_or_default();
    match held.into_iter().nth(refused) {
        Some((354, evidence)) => Finding::not_observed("the message came after the 354", evidence),
        Some((code, evidence)) => {
            Finding::not_observed(format!("DATA was answered {code}, and no octet of a message followed"), evidence)
        }
        None => Finding::undetermined("no DATA was answered with the client going on"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FROM, Seen, TO, Talk, find};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk, Given::default())
    }

    fn up_to_data() -> Talk {
        Talk::ehlo(&[]).cs(&format!("MAIL FROM:<{FROM}>"), "250 ok").cs(&format!("RCPT TO:<{TO}>"), "250 ok")
    }

    #[test]
    fn unasked_content() {
        for reply in ["250 ok", "451 later", "503 no", "554 no"] {
            let talk = up_to_data().cs("DATA", reply).turn("C", "Subject: x\r\n\r\nx\r\n.\r\n").s("500 what");
            seen(talk.quit()).observed("message octets followed", &["Subject: x\r\n", &format!("{reply}\r\n")]);
        }
        let eager = up_to_data().turn("C", "DATA\r\nSubject: x\r\n\r\nx\r\n.\r\n").s("354 go").s("250 ok").quit();
        seen(eager).observed("before the 354", &["Subject: x\r\n…", "354 go\r\n"]);
        let dot = up_to_data().cs("DATA", "451 later").c(".").s("500 what");
        seen(dot.quit()).observed("answered 451", &[".\r\n"]);
    }

    #[test]
    fn none() {
        seen(up_to_data().cs("DATA", "554 no").quit()).not_observed("answered 554", &["554 no\r\n", "QUIT\r\n"]);
        seen(up_to_data().cs("DATA", "554 no").closed()).not_observed("answered 554", &["554 no\r\n"]);
        seen(Talk::ehlo(&[]).message("Subject: x\n\nx\n").quit()).not_observed("after the 354", &["354 go\r\n"]);
    }

    #[test]
    fn nothing_was_asked_or_answered() {
        seen(Talk::ehlo(&[]).quit()).undetermined("no DATA was answered");
        seen(up_to_data().c("DATA").closed()).undetermined("no DATA was answered");
        seen(up_to_data().cs("DATA", "451 later")).undetermined("no DATA was answered");
        seen(up_to_data().gap().cs("DATA", "451 later").quit()).undetermined("does not hold");
    }
}

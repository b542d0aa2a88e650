//! Does the client send mail without a session?

use crate::{Check, Evidence, Finding, Subject};

use super::has_ended;
use super::steps::{Answer, answer, leaving};

pub(super) static CHECK: Check = Check {
    id: "mail-before-hello",
    observed_when: "the client says MAIL before an EHLO or HELO of its was accepted",
    trigger: "the client went on to MAIL, or its EHLO was refused and the session ended",
    method: "A session begins with a 250 to EHLO or HELO. A client whose EHLO was refused may try HELO in the same session or \
             leave; what it must not do is to go on as if it had been let in.",
    references: &["RFC 5321 3.2", "RFC 5321 4.1.4", "RFC 5321 2.2.1"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    let timeline = subject.timeline();
    let (mut welcome, mut refused) = (None, None);
    for (number, event, command) in timeline.commands() {
        match command.verb.as_str() {
            "EHLO" | "HELO" => match timeline.reply(number) {
                Some((reply, said)) if answer(said, "") == Answer::Go => welcome = Some(reply),
                Some((reply, _)) => refused = Some(reply),
                None => {}
            },
            "MAIL" => {
                let mail = Evidence::event(event, "MAIL");
                if let Some(welcome) = welcome {
                    let evidence = vec![Evidence::event(welcome, "the session is granted"), mail];
                    return Finding::not_observed("the client was let in before it sent mail", evidence);
                }
                let refusal = refused.map(|event| Evidence::event(event, "the refusal of a session"));
                return Finding::observed(
                    "the client said MAIL although no EHLO or HELO had been accepted",
                    std::iter::once(mail).chain(refusal).collect(),
                );
            }
            _ => {}
        }
    }
    match refused {
        Some(event) if has_ended(timeline) => {
            let evidence = std::iter::once(Evidence::event(event, "the refusal of a session")).chain(leaving(timeline));
            Finding::not_observed("the client sent no mail without a session", evidence.collect())
        }
        Some(_) => Finding::undetermined("the capture ends before the session does"),
        None => Finding::undetermined("the client got to no mail"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Talk, find};
    use super::*;
    use crate::Given;

    fn refused() -> Talk {
        Talk::silent().s("220 mx").cs("EHLO a", "502 what?")
    }

    #[test]
    fn going_on_after_a_refused_ehlo() {
        let talk = refused().cs("MAIL FROM:<a@b.example>", "503 no").quit();
        find(&CHECK, talk, Given::default()).observed("no EHLO or HELO had been accepted", &["MAIL FROM:<a@b.example>\r\n", "502 what?\r\n"]);
    }

    #[test]
    fn helo_or_leaving() {
        let helo = refused().cs("HELO a", "250 mx").cs("MAIL FROM:<a@b.example>", "250 ok").quit();
        find(&CHECK, helo, Given::default()).not_observed("let in before", &["250 mx\r\n", "MAIL…"]);
        find(&CHECK, refused().quit(), Given::default()).not_observed("no mail without", &["502 what?\r\n", "QUIT\r\n"]);
    }

    #[test]
    fn no_provocation() {
        find(&CHECK, refused(), Given::default()).undetermined("capture ends");
        find(&CHECK, Talk::ehlo(&[]).quit(), Given::default()).undetermined("no mail");
    }
}

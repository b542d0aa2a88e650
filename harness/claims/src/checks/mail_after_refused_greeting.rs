//! Does the client take a refusal in the greeting?

use crate::{Check, Evidence, Finding, Subject};

use super::has_ended;
use super::steps::{Answer, answer, code, greeting, leaving, shown};

pub(super) static CHECK: Check = Check {
    id: "mail-after-refused-greeting",
    observed_when: "the client offers mail or a login although the greeting was no 220",
    trigger: "the greeting was 4yz or 5yz, and the session ended",
    method: "With 554 or 421 in its greeting a server says that it takes no mail here, or not now. It then waits for QUIT only. \
             A client that goes on has not read the greeting.",
    references: &["RFC 5321 3.1", "RFC 5321 3.8", "RFC 5321 4.3.1"],
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
    let Some((event, reply)) = greeting(timeline) else {
        return Finding::undetermined("there was no greeting");
    };
    match answer(reply, "") {
        Answer::Go => return Finding::not_applicable("the greeting let the client in"),
        Answer::Odd => return Finding::undetermined("the greeting is not a plain refusal"),
        Answer::Refused => {}
    }
    let refusal = Evidence::event(event, format!("the greeting, {}", code(reply)));
    let mut commands = timeline.commands();
    if let Some((_, event, command)) = commands.find(|(_, _, command)| super::SUBMITS.contains(&command.verb.as_str())) {
        return Finding::observed(
            format!("the greeting was {}, and the client said {}", code(reply), shown(&command.verb)),
            vec![Evidence::event(event, "what the client said all the same"), refusal],
        );
    }
    if !has_ended(timeline) {
        return Finding::undetermined("the capture ends before the session does");
    }
    let evidence = std::iter::once(refusal).chain(leaving(timeline));
    Finding::not_observed(format!("the greeting was {}, and the client sent nothing", code(reply)), evidence.collect())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Talk, find};
    use super::*;
    use crate::Given;

    #[test]
    fn mail_all_the_same() {
        let deaf = Talk::silent().s("554 no mail here").cs("EHLO a", "503 no").cs("MAIL FROM:<a@b.example>", "503 no").quit();
        find(&CHECK, deaf, Given::default()).observed("554, and the client said MAIL", &["MAIL…", "554 no mail here\r\n"]);
    }

    #[test]
    fn leaving_at_once() {
        let quits = Talk::silent().s("554 no mail here").quit();
        find(&CHECK, quits, Given::default()).not_observed("sent nothing", &["554 no mail here\r\n", "QUIT\r\n"]);
        let leaves = Talk::silent().s("421 later").closed();
        find(&CHECK, leaves, Given::default()).not_observed("421, and the client sent nothing", &["421 later\r\n"]);
    }

    #[test]
    fn no_refusal() {
        find(&CHECK, Talk::ehlo(&[]).quit(), Given::default()).not_applicable("let the client in");
        find(&CHECK, Talk::silent().s("554 no"), Given::default()).undetermined("capture ends");
        find(&CHECK, Talk::silent().s("220-a\r\n554 b").quit(), Given::default()).undetermined("not a plain refusal");
    }
}

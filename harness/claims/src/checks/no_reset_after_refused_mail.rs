//! What does the client say after a MAIL that was refused for the size of its message?

use crate::{Check, Evidence, Finding, Subject};

use super::{commands_after, has_ended};
use super::steps::{code, leaving, shown};

pub(super) static CHECK: Check = Check {
    id: "no-reset-after-refused-mail",
    observed_when: "after 452 or 552 to MAIL the client says something other than RSET or QUIT next, or leaves without a word",
    trigger: "MAIL was answered 452 or 552, and the session ended",
    method: "What the client had sent before it could read the reply, pipelined, is no answer to it and is not counted.",
    references: &["RFC 1870 6.2"],
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
    let mut cleared = Vec::new();
    for (number, _, _) in timeline.commands().filter(|(_, _, command)| command.verb == "MAIL") {
        let Some((event, reply)) = timeline.reply(number).filter(|(_, reply)| matches!(reply.code, 452 | 552)) else {
            continue;
        };
        let code = code(reply);
        let refusal = Evidence::event(event, "the reply to MAIL");
        match commands_after(timeline, number).next() {
            Some((event, next)) if matches!(next.verb.as_str(), "RSET" | "QUIT") => {
                cleared.extend([refusal, Evidence::event(event, "what the client said next")]);
            }
            Some((event, next)) => {
                let evidence = vec![Evidence::event(event, "what the client said next"), refusal];
                return Finding::observed(format!("MAIL was answered {code}, and the client said {} next", shown(&next.verb)), evidence);
            }
            None if has_ended(timeline) => {
                let evidence = leaving(timeline).into_iter().chain([refusal]).collect();
                return Finding::observed(format!("MAIL was answered {code}, and the client left without a word"), evidence);
            }
            None => return Finding::undetermined("the capture ends before the session does"),
        }
    }
    if cleared.is_empty() {
        return Finding::undetermined("no MAIL was answered 452 or 552");
    }
    Finding::not_observed("MAIL was refused, and RSET or QUIT came next", cleared)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Talk, find};
    use super::*;
    use crate::Given;

    const MAIL: &str = "MAIL FROM:<a@b.example> SIZE=1000";

    fn refused(code: &str) -> Talk {
        Talk::ehlo(&["SIZE"]).cs(MAIL, &format!("{code} no room"))
    }

    #[test]
    fn something_else() {
        let talk = refused("552").cs("RCPT TO:<c@d.example>", "503 no").quit();
        find(&CHECK, talk, Given::default()).observed("said RCPT next", &["RCPT TO:<c@d.example>\r\n", "552…"]);
        let again = refused("452").cs(MAIL, "250 ok").quit();
        find(&CHECK, again, Given::default()).observed("said MAIL next", &["MAIL…", "452…"]);
        let gone = refused("452").closed();
        find(&CHECK, gone, Given::default()).observed("without a word", &["packet 6", "452…"]);
    }

    #[test]
    fn reset_or_quit() {
        find(&CHECK, refused("552").quit(), Given::default()).not_observed("came next", &["552…", "QUIT\r\n"]);
        let reset = refused("452").cs("RSET", "250 ok").quit();
        find(&CHECK, reset, Given::default()).not_observed("came next", &["452…", "RSET\r\n"]);
    }

    #[test]
    fn no_question() {
        find(&CHECK, refused("550").quit(), Given::default()).undetermined("452 or 552");
        find(&CHECK, refused("552"), Given::default()).undetermined("capture ends");
    }
}

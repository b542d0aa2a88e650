//! Is a long initial response kept out of the AUTH line?

use super::challenge::{self, Answer};
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "auth-line-too-long",
    observed_when: "an AUTH command with its initial response is longer than a command line may be",
    trigger: "the client said AUTH with an initial response, or sent a first response that was too long for that line",
    method: "The AUTH line is measured with its line end: 512 octets is the most that a command may have, whatever responses on \
             lines of their own may have. A response that would have made it longer must be sent on a line of its own, after \
             an empty challenge.",
    references: &["RFC 4954 4", "RFC 5321 4.5.3.1.4"],
    run,
};

/// Longest command line, with its end (RFC 5321 section 4.5.3.1.4).
const MOST: u64 = 512;

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let timeline = subject.timeline();
    let mut kept = None;
    for authentication in &timeline.authentications {
        let Some(line) = timeline.request(authentication.exchange).map(|event| event.span) else { continue };
        let name = &authentication.mechanism.value;
        if line.len() > MOST {
            let evidence = vec![Evidence::bytes(timeline, line, format!("AUTH {name} with its initial response"))];
            return Finding::observed(format!("the line of AUTH {name} has {} octets", line.len()), evidence);
        }
        let turn = challenge::turns(timeline, authentication).next();
        let Some(Answer::Response(response)) = turn.map(|turn| turn.answer) else { continue };
        // In the AUTH line it would stand behind a space, and share the line end.
        let together = line.len() + 1 + response.span.len() - 2;
        let bare = timeline.command(authentication.exchange).is_some_and(|command| !command.argument.trim().contains(' '));
        if bare && together > MOST {
            kept.get_or_insert_with(|| {
                let what = format!("the first response of AUTH {name} would have made a line of {together} octets, and has one of its own");
                Finding::not_observed(what, vec![Evidence::event(response, "the response"), Evidence::bytes(timeline, line, "AUTH")])
            });
        }
    }
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    kept.unwrap_or_else(|| Finding::undetermined("no first response was too long for the AUTH line"))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, find};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk, Given::default())
    }

    fn token(quads: usize) -> String {
        "AHN2".repeat(quads)
    }

    fn offered() -> Talk {
        Talk::ehlo(&["AUTH PLAIN"])
    }

    #[test]
    fn all_in_one_line() {
        let talk = offered().cs(&format!("AUTH PLAIN {}", token(140)), "500 too long").quit();
        seen(talk).observed("the line of AUTH PLAIN has 573 octets", &["AUTH PLAIN AHN2…"]);
    }

    #[test]
    fn on_a_line_of_its_own() {
        let talk = offered().cs("AUTH PLAIN", "334 ").cs(&token(140), "235 ok").quit();
        seen(talk).not_observed("a line of 573 octets", &["AHN2…", "AUTH PLAIN\r\n"]);
    }

    #[test]
    fn nothing_was_too_long() {
        let talk = offered().cs("AUTH PLAIN", "334 ").cs(&token(120), "235 ok").quit();
        seen(talk).undetermined("no first response was too long");
        // The second response never belonged to the AUTH line.
        let second = offered().cs("AUTH LOGIN c3Zj", "334 ").cs(&token(140), "235 ok").quit();
        seen(second).undetermined("no first response was too long");
        seen(offered().gap().quit()).undetermined("does not hold");
    }
}

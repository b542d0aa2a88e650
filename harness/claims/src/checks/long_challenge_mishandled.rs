//! Does the client cope with a challenge that is as long as one may be?

use super::challenge::{self, Answer};
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "long-challenge-mishandled",
    observed_when: "the client neither answers nor cancels a challenge of a length that is allowed",
    trigger: "the server sent a 334 of more than 4,096 and at most 12,288 octets, and the client's next move was captured",
    method: "A line of an AUTH exchange may have 12,288 octets, far more than other lines of SMTP. After one that is longer than \
             4,096 the client must send a response or the asterisk. One that leaves, or takes the exchange for over and says a \
             command, has read it only in part or not at all.",
    references: &["RFC 4954 4"],
    run,
};

/// Longest line of an exchange (RFC 4954 section 4).
const MOST: u64 = 12_288;
/// What is called long: most buffers are shorter.
const LONG: u64 = 4_096;

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let timeline = subject.timeline();
    let (mut handled, mut unseen) = (None, false);
    for authentication in &timeline.authentications {
        for turn in challenge::turns(timeline, authentication) {
            let octets = turn.event.span.len();
            if !(LONG + 1..=MOST).contains(&octets) {
                continue;
            }
            let long = Evidence::event(turn.event, format!("challenge of {octets} octets"));
            match turn.answer {
                Answer::Response(event) | Answer::Cancelled(event) => {
                    let reason = format!("a challenge of {octets} octets was answered or cancelled");
                    let evidence = vec![Evidence::event(event, "the client's answer"), long];
                    handled.get_or_insert_with(|| Finding::not_observed(reason, evidence));
                }
                Answer::Other(event) => {
                    let reason = format!("after a challenge of {octets} octets the client said something that is no answer");
                    return Finding::observed(reason, vec![Evidence::event(event, "what it said"), long]);
                }
                Answer::Left(event) => {
                    let reason = format!("after a challenge of {octets} octets the client left without a word");
                    return Finding::observed(reason, vec![long, Evidence::event(event, "the client's end")]);
                }
                Answer::Unseen => unseen = true,
            }
        }
    }
    if unseen {
        return Finding::undetermined("the capture does not show what the client did about a long challenge");
    }
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    handled.unwrap_or_else(|| Finding::undetermined("no challenge was longer than 4,096 octets"))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, find};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk, Given::default())
    }

    fn challenged(quads: usize) -> Talk {
        Talk::ehlo(&["AUTH LOGIN"]).cs("AUTH LOGIN", &format!("334 {}", "VVVV".repeat(quads)))
    }

    #[test]
    fn it_leaves_or_says_something_else() {
        seen(challenged(3070).closed()).observed("left without a word", &["334 VVVV…"]);
        seen(challenged(3070).cs("EHLO again", "503 no").quit()).observed("no answer", &["EHLO again\r\n", "334 VVVV…"]);
    }

    #[test]
    fn it_answers_or_cancels() {
        let answered = challenged(3070).cs("c3Zj", "334 UGFzc3dvcmQ6").cs("cHc=", "235 ok").quit();
        seen(answered).not_observed("of 12286 octets was answered", &["c3Zj\r\n", "334 VVVV…"]);
        seen(challenged(2000).cs("*", "501 no").quit()).not_observed("of 8006 octets", &["*\r\n"]);
    }

    #[test]
    fn no_long_challenge_or_none_that_is_allowed() {
        seen(challenged(100).cs("c3Zj", "535 no").quit()).undetermined("no challenge was longer");
        seen(challenged(3071).closed()).undetermined("no challenge was longer");
        seen(challenged(3070)).undetermined("does not show");
        seen(challenged(100).gap()).undetermined("does not hold");
    }
}

//! Does the client give an exchange up when a challenge is not base64?

use super::challenge::{self, Answer};
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "undecodable-challenge-cancelled",
    observed_when: "the client answers a challenge that is not base64 with the asterisk, and with nothing else",
    trigger: "the server sent a 334 whose text is not base64, and what the client did about it was captured",
    method: "The text of each 334 is decoded as base64, strictly: padding in the middle does not decode. The next line of the client \
             must be one asterisk. One 334 is left out: the first of AUTH NTLM without an initial response, whose text \
             MS-SMTPNTLM leaves free while RFC 4954 knows no such exception. A client that leaves without a word has cancelled nothing.",
    references: &["RFC 4954 4", "MS-SMTPNTLM 2.2.1.2"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let timeline = subject.timeline();
    let (mut cancelled, mut unseen) = (None, false);
    for authentication in &timeline.authentications {
        for turn in challenge::turns(timeline, authentication) {
            if turn.is_free_text || turn.decoded().is_some() {
                continue;
            }
            let name = &authentication.mechanism.value;
            let bad = Evidence::event(turn.event, "challenge that is not base64");
            let against = |what: &str, event| {
                let evidence = vec![bad.clone(), Evidence::event(event, "the client's answer")];
                Finding::not_observed(format!("AUTH {name}: the challenge is not base64, and the client {what}"), evidence)
            };
            match turn.answer {
                Answer::Response(event) => return against("answered it", event),
                Answer::Other(event) => return against("said something else than the asterisk", event),
                Answer::Left(event) => return against("left without cancelling", event),
                Answer::Unseen => unseen = true,
                Answer::Cancelled(event) => {
                    cancelled.get_or_insert_with(|| {
                        let evidence = vec![Evidence::event(event, "the asterisk"), bad];
                        Finding::observed(format!("AUTH {name}: the client cancelled the exchange"), evidence)
                    });
                }
            }
        }
    }
    if unseen {
        return Finding::undetermined("the capture does not show what the client did about a challenge that is not base64");
    }
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    cancelled.unwrap_or_else(|| Finding::undetermined("every challenge was base64"))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, find};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk, Given::default())
    }

    fn offered() -> Talk {
        Talk::ehlo(&["AUTH LOGIN NTLM"])
    }

    #[test]
    fn it_is_cancelled() {
        let talk = offered().cs("AUTH LOGIN", "334 %%%").cs("*", "501 cancelled").quit();
        seen(talk).observed("AUTH LOGIN: the client cancelled", &["*\r\n", "334 %%%\r\n"]);
    }

    #[test]
    fn it_is_answered_or_left() {
        let talk = offered().cs("AUTH LOGIN", "334 VXNlc=m5hbWU6").cs("c3Zj", "535 no").quit();
        seen(talk).not_observed("and the client answered it", &["334 VXNlc=m5hbWU6\r\n", "c3Zj\r\n"]);
        let talk = offered().cs("AUTH LOGIN", "334 %").closed();
        seen(talk).not_observed("left without cancelling", &["334 %\r\n"]);
    }

    #[test]
    fn the_free_text_of_ntlm_is_no_challenge() {
        let talk = offered().ntlm("D", "u", "pw", "235 ok").quit();
        seen(talk).undetermined("every challenge was base64");
        let later = offered().cs("AUTH NTLM TlRMTVNTUAABAAAAB4IIAAAAAAAAAAAAAAAAAAAAAAA=", "334 ntlm supported");
        seen(later.cs("*", "501 no").quit()).observed("AUTH NTLM: the client cancelled", &["*\r\n"]);
    }

    #[test]
    fn what_the_capture_does_not_show() {
        seen(offered().cs("AUTH LOGIN", "334 %%%")).undetermined("does not show");
        seen(offered().cs("AUTH LOGIN", "334 VXNlcg==").gap().quit()).undetermined("does not hold");
        seen(offered().quit()).undetermined("every challenge");
    }
}

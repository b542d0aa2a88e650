//! Does the client give up when the NTLM challenge is broken?

use smtp::ntlm::Challenge;
use smtp::timeline::Authentication;

use super::challenge::{self, Answer};
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "broken-ntlm-challenge-answered",
    observed_when: "the client answers an NTLM challenge that cannot be read, or logs in with a weaker mechanism after one",
    trigger: "the server sent an NTLM challenge that does not parse, and what the client did about it was captured",
    method: "The CHALLENGE is read strictly: its descriptors must lie inside it and its list of attributes must end. After one that does not \
             read, the client may cancel or leave. A response was made of bytes that are not there; PLAIN or LOGIN after it \
             give the password to whoever can break a challenge.",
    references: &["MS-NLMP 2.2.1.2", "MS-NLMP 2.2.2.1", "MS-SMTPNTLM 3.1.5.3.1", "RFC 4954 4"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let timeline = subject.timeline();
    let (mut given_up, mut unseen) = (None, false);
    for authentication in &timeline.authentications {
        if authentication.mechanism.value != "NTLM" {
            continue;
        }
        let mut turns = challenge::turns(timeline, authentication).filter(|turn| !turn.is_free_text);
        let broken = |turn: &challenge::Turn<'_>| turn.decoded().is_none_or(|bytes| Challenge::parse(&bytes).is_err());
        // Only the first of them is a CHALLENGE.
        let Some(turn) = turns.next().filter(broken) else { continue };
        let bad = Evidence::event(turn.event, "challenge that cannot be read");
        if let Some(weaker) = weaker_after(&timeline.authentications, authentication) {
            let name = &weaker.mechanism.value;
            let evidence = vec![Evidence::bytes(timeline, weaker.mechanism.span, format!("AUTH {name}")), bad];
            return Finding::observed(format!("after a broken NTLM challenge the client tried {name}"), evidence);
        }
        let (how, event) = match turn.answer {
            Answer::Response(event) => {
                let evidence = vec![Evidence::event(event, "the client's answer"), bad];
                return Finding::observed("the client answered an NTLM challenge that cannot be read", evidence);
            }
            Answer::Other(event) => ("went on with something else", event),
            Answer::Cancelled(event) => ("cancelled the exchange", event),
            Answer::Left(event) => ("left", event),
            Answer::Unseen => {
                unseen = true;
                continue;
            }
        };
        given_up.get_or_insert_with(|| {
            let evidence = vec![bad, Evidence::event(event, "what the client did about it")];
            Finding::not_observed(format!("the NTLM challenge cannot be read, and the client {how}"), evidence)
        });
    }
    if unseen {
        return Finding::undetermined("the capture does not show what the client did about a broken NTLM challenge");
    }
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    given_up.unwrap_or_else(|| Finding::undetermined("no NTLM challenge was broken"))
}

/// An attempt with a password in clear after this one.
fn weaker_after<'a>(all: &'a [Authentication], broken: &Authentication) -> Option<&'a Authentication> {
    all.iter().find(|one| one.exchange > broken.exchange && matches!(one.mechanism.value.as_str(), "PLAIN" | "LOGIN"))
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD as BASE64, Engine as _};

    use super::super::testing::{Seen, Talk, authenticate_line, find, ntlm_messages};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk.quit(), Given::default())
    }

    /// The exchange up to a CHALLENGE that lacks its end.
    fn broken(initial: bool) -> Talk {
        let [first, second, _] = ntlm_messages("D", "u", "pw");
        let (first, second) = (BASE64.encode(first), BASE64.encode(&second[..28]));
        let talk = Talk::ehlo(&["AUTH NTLM LOGIN"]);
        if initial {
            talk.cs(&format!("AUTH NTLM {first}"), &format!("334 {second}"))
        } else {
            talk.cs("AUTH NTLM", "334 ntlm supported").cs(&first, &format!("334 {second}"))
        }
    }

    #[test]
    fn answered_or_followed_by_a_password() {
        let line = authenticate_line("D", "u", "pw");
        for initial in [false, true] {
            let quote = format!("{line}\r\n");
            seen(broken(initial).cs(&line, "535 no")).observed("answered an NTLM challenge", &[&quote, "334 TlRM…"]);
        }
        let weaker = broken(true).cs("*", "501 no").cs("AUTH LOGIN", "334 VXNlcm5hbWU6").cs("*", "501 no");
        seen(weaker).observed("the client tried LOGIN", &["LOGIN", "334 TlRM…"]);
    }

    #[test]
    fn given_up() {
        seen(broken(false).cs("*", "501 no")).not_observed("cancelled the exchange", &["334 TlRM…", "*\r\n"]);
        let left = find(&CHECK, broken(true).closed(), Given::default());
        left.not_observed("the client left", &["334 TlRM…"]);
    }

    #[test]
    fn nothing_was_broken_or_seen() {
        let sound = Talk::ehlo(&["AUTH NTLM"]).ntlm("D", "u", "pw", "235 ok");
        seen(sound).undetermined("no NTLM challenge was broken");
        seen(Talk::ehlo(&["AUTH NTLM"]).cs("AUTH NTLM", "334 %%%").cs("*", "501 no")).undetermined("no NTLM challenge");
        find(&CHECK, broken(true), Given::default()).undetermined("does not show");
        seen(Talk::ehlo(&["AUTH NTLM"]).gap()).undetermined("does not hold");
    }
}

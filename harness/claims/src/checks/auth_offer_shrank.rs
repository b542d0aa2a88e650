//! Did mechanisms vanish from the server's offer?

use smtp::timeline::Outcome;

use crate::leaks::is_under_tls;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "auth-offer-shrank",
    observed_when: "a server no longer offers, in clear, a mechanism that it offered in clear before",
    trigger: "two lists of the same server were captured in clear, before anybody had logged in",
    method: "The AUTH keyword of every EHLO reply in clear is compared with the one before it. An audit compares with \
             earlier conversations with the same server too, by address and by the name in the greeting: who takes the \
             strong mechanisms out of the list gets the password of a sender that takes what is left.",
    references: &["RFC 4422 6.1.2", "RFC 4954 4"],
    run,
};

/// Lists of one conversation that are looked at.
const MOST: usize = 64;

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let timeline = subject.timeline();
    let logged_in = timeline.authentications.iter().find(|a| a.outcome == Outcome::Accepted);
    let lists: Vec<_> = timeline
        .capabilities
        .iter()
        .filter(|c| logged_in.is_none_or(|a| c.exchange < a.exchange))
        .filter_map(|c| Some((c, timeline.reply(c.exchange)?.0)))
        .filter(|(_, event)| !is_under_tls(timeline, event.span))
        .take(MOST)
        .collect();
    let mut compared = None;
    for pair in lists.windows(2) {
        let [(before, first), (after, second)] = pair else { continue };
        let left = after.mechanisms();
        let before = before.mechanisms();
        let gone: Vec<_> = before.iter().filter(|m| !left.contains(m)).map(String::as_str).collect();
        if !gone.is_empty() {
            return Finding::observed(
                format!("{} vanished from the offer", gone.join(", ")),
                vec![
                    Evidence::event(second, "EHLO reply with fewer mechanisms"),
                    Evidence::event(first, "EHLO reply before it"),
                ],
            );
        }
        if !before.is_empty() {
            compared = Some(*second);
        }
    }
    if let Some(reason) = subject.hidden_in_clear() {
        return Finding::undetermined(reason);
    }
    match compared {
        Some(event) => Finding::not_observed(
            "the second offer has every mechanism of the first",
            vec![Evidence::event(event, "a later EHLO reply")],
        ),
        None => Finding::undetermined("there is no second list in clear to compare with"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, find};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk.quit(), Given::default())
    }

    #[test]
    fn a_mechanism_gone() {
        let talk = Talk::ehlo(&["AUTH LOGIN NTLM"]).again(&["AUTH LOGIN"]);
        let quote = "250-mx.example\r\n250 AUTH LOGIN\r\n";
        seen(talk).observed("NTLM vanished", &[quote, "250-mx.example\r\n250 AUTH LOGIN NTLM\r\n"]);
    }

    #[test]
    fn none_gone() {
        let talk = Talk::ehlo(&["AUTH LOGIN"]).again(&["AUTH NTLM LOGIN"]);
        seen(talk).not_observed("has every mechanism", &["250-mx.example\r\n250 AUTH NTLM LOGIN\r\n"]);
    }

    #[test]
    fn nothing_to_compare() {
        seen(Talk::ehlo(&["AUTH LOGIN NTLM"])).undetermined("no second list");
        seen(Talk::ehlo(&["SIZE"]).again(&["SIZE"])).undetermined("no second list");
        let after = Talk::ehlo(&["AUTH PLAIN"]).cs("AUTH PLAIN AGEAYg==", "235 ok").again(&["SIZE"]);
        seen(after).undetermined("no second list");
    }
}

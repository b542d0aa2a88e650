//! Are the client's NTLM messages well formed?

use smtp::ntlm::flags;
use smtp::timeline::{Authentication, NtlmExchange};

use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "ntlm-message-malformed",
    observed_when: "a NEGOTIATE or AUTHENTICATE message of the client does not have the structure of one",
    trigger: "the client sent both of its messages",
    method: "Signature and type are compared, and each descriptor must point inside the message, behind its header and at nothing that \
             another one points at. Flags must fit: AUTHENTICATE may name one character set only, and no extended session \
             security or key exchange that the CHALLENGE did not grant. Flags of zero, which some clients send, mean those of the server.",
    references: &["MS-NLMP 2.2.1.1", "MS-NLMP 2.2.1.3", "MS-NLMP 2.2.2.5", "MS-SMTPNTLM 2.2.1.7"],
    run,
};

/// What a client may not take that was not granted.
const GRANTED: u32 = flags::NEGOTIATE_EXTENDED_SESSIONSECURITY | flags::NEGOTIATE_KEY_EXCH;
const CHARACTER_SETS: u32 = flags::NEGOTIATE_UNICODE | flags::NEGOTIATE_OEM;

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let timeline = subject.timeline();
    let mut sound = None;
    for authentication in &timeline.authentications {
        let Some(exchange) = authentication.identity.ntlm() else { continue };
        let evidence = vec![Evidence::bytes(timeline, authentication.span(), "the client's NTLM messages")];
        if let Some(problem) = problem(authentication, exchange) {
            return Finding::observed(problem, evidence);
        }
        if exchange.negotiate.is_some() && exchange.authenticate.is_some() {
            sound.get_or_insert_with(|| Finding::not_observed("NEGOTIATE and AUTHENTICATE are well formed", evidence));
        }
    }
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    sound.unwrap_or_else(|| Finding::undetermined("no NTLM exchange came to its AUTHENTICATE message"))
}

/// What is wrong with the client's messages.
fn problem(authentication: &Authentication, exchange: &NtlmExchange) -> Option<String> {
    // The asterisk is no message.
    let cancelled = authentication.outcome == smtp::timeline::Outcome::Cancelled;
    let own = |problem: &&String| !(problem.starts_with("CHALLENGE") || cancelled && problem.ends_with("not base64"));
    if let Some(problem) = exchange.problems.iter().find(own) {
        return Some(problem.clone());
    }
    let taken = exchange.authenticate.as_ref()?.value.flags;
    if taken & CHARACTER_SETS == CHARACTER_SETS {
        return Some("AUTHENTICATE: the flags name two character sets".to_owned());
    }
    let granted = exchange.challenge.as_ref()?.value.flags;
    let names: Vec<_> = flags::names(taken & !granted & GRANTED).collect();
    (!names.is_empty()).then(|| format!("AUTHENTICATE: the server did not grant {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD as BASE64, Engine as _};

    use super::super::testing::{Seen, Talk, find, ntlm_messages};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk, Given::default())
    }

    fn with(change: impl Fn(&mut Vec<u8>, &mut Vec<u8>)) -> Seen {
        let [mut first, second, mut third] = ntlm_messages("D", "u", "pw");
        change(&mut first, &mut third);
        let talk = Talk::ehlo(&["AUTH NTLM"])
            .cs("AUTH NTLM", "334 ntlm supported")
            .cs(&BASE64.encode(first), &format!("334 {}", BASE64.encode(second)))
            .cs(&BASE64.encode(third), "235 ok");
        seen(talk.quit())
    }

    #[test]
    fn broken() {
        with(|first, _| first[0] = b'X').observed("NEGOTIATE: ", &["NTLM\r\nWF…"]);
        with(|_, third| third[8] = 2).observed("AUTHENTICATE: ", &["NTLM…"]);
        with(|_, third| third[19] = 0xff).observed("AUTHENTICATE: ", &["NTLM…"]);
        with(|_, third| third.truncate(40)).observed("AUTHENTICATE: ", &["NTLM…"]);
        // The flags stand at 60.
        with(|_, third| third[60] |= 3).observed("two character sets", &["NTLM…"]);
        with(|_, third| third[63] |= 0x40).observed("did not grant", &["NTLM…"]);
    }

    #[test]
    fn sound() {
        with(|_, _| {}).not_observed("are well formed", &["NTLM…"]);
        with(|_, third| third[60..64].fill(0)).not_observed("are well formed", &["NTLM…"]);
    }

    #[test]
    fn nothing_to_go_by() {
        seen(Talk::ehlo(&["AUTH NTLM"]).quit()).undetermined("came to its AUTHENTICATE");
        let [first, ..] = ntlm_messages("D", "u", "pw");
        let negotiate = format!("AUTH NTLM {}", BASE64.encode(first));
        let cancelled = Talk::ehlo(&["AUTH NTLM"]).cs(&negotiate, "334 AAAA").cs("*", "501 no").quit();
        seen(cancelled).undetermined("came to its AUTHENTICATE");
        seen(Talk::ehlo(&["AUTH NTLM"]).gap().quit()).undetermined("does not hold");
    }
}

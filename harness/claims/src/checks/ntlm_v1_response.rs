//! Does the sender prove itself with a version of NTLM that is broken?

use smtp::ntlm::ResponseKind;

use super::{ntlm_messages, under};
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "ntlm-v1-response",
    observed_when: "an AUTHENTICATE message holds an LM or NTLMv1 response",
    trigger: "the sender sent an AUTHENTICATE message with a response",
    method: "The kind is told by the lengths and bytes of both responses, never by the flags: several clients echo the flag \
             for extended session security and send plain NTLMv1. Any of them gives the password's hash to who can try \
             2^56 DES keys, and the one with an LM response much sooner.",
    references: &["MS-NLMP 3.3.1", "MS-NLMP 5.1"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let timeline = subject.timeline();
    let mut good = None;
    for (_, _, authenticate) in ntlm_messages(timeline) {
        let kind = authenticate.value.response_kind();
        let under = under(timeline, authenticate.span);
        let evidence = vec![Evidence::bytes(timeline, authenticate.span, "AUTHENTICATE message")];
        match kind {
            ResponseKind::Lm
            | ResponseKind::LmV2
            | ResponseKind::NtlmV1 | ResponseKind::NtlmV1WithoutLm | ResponseKind::NtlmV1Ess => {
                return Finding::observed(format!("the response is {}{under}", kind.name()), evidence);
            }
            ResponseKind::NtlmV2 { .. } => {
                good.get_or_insert_with(|| Finding::not_observed(format!("the response is {}{under}", kind.name()), evidence));
            }
            ResponseKind::Anonymous | ResponseKind::Local | ResponseKind::Malformed => {}
        }
    }
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    good.unwrap_or_else(|| Finding::undetermined("no NTLM response was sent"))
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD as BASE64, Engine as _};

    use super::super::testing::{Seen, Talk, authenticate_line, find, ntlm_messages, ntlm_v1_message};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk, Given::default())
    }

    fn answered(third: &[u8]) -> Talk {
        let [first, second, _] = ntlm_messages("D", "u", "pw");
        Talk::ehlo(&["AUTH NTLM"])
            .cs("AUTH NTLM", "334 ntlm supported")
            .cs(&BASE64.encode(first), &format!("334 {}", BASE64.encode(second)))
            .cs(&BASE64.encode(third), "235 ok")
            .quit()
    }

    #[test]
    fn version_one() {
        for (lm, kind) in [([7; 24], "NTLMv1 with LM"), ([9; 24], "NTLMv1")] {
            let third = ntlm_v1_message(&lm, &[9; 24]);
            let quote = BASE64.encode(&third);
            seen(answered(&third)).observed(kind, &[&quote]);
        }
        let third = ntlm_v1_message(&[7; 24], &[]);
        seen(answered(&third)).observed("LM", &["TlRM…"]);
    }

    #[test]
    fn version_two() {
        let talk = Talk::ehlo(&["AUTH NTLM"]).ntlm("D", "u", "pw", "235 ok").quit();
        seen(talk).not_observed("NTLMv2", &[&authenticate_line("D", "u", "pw")]);
    }

    #[test]
    fn no_response() {
        seen(Talk::ehlo(&["AUTH NTLM"]).quit()).undetermined("no NTLM response");
        seen(answered(&ntlm_v1_message(&[], &[]))).undetermined("no NTLM response");
        seen(Talk::ehlo(&["AUTH NTLM"]).gap().quit()).undetermined("does not hold");
    }
}

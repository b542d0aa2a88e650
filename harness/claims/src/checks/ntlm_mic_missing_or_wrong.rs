//! Does the client protect the NTLM exchange with a MIC where it has to?

use smtp::ntlm::{self, Mic, MicPresence, Proof};

use super::ntlm_messages;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "ntlm-mic-missing-or-wrong",
    observed_when: "the CHALLENGE holds a time, and the AUTHENTICATE message has no message integrity code or a wrong one",
    trigger: "a CHALLENGE with a time was answered by an AUTHENTICATE message with an NTLMv2 response",
    method: "A code that the client promises is looked for behind the header of AUTHENTICATE. Where the account's password is known it is computed again \
             over all three messages, as they were on the wire; without the password its presence has to do. Without the code \
             somebody on the way can change the flags of the exchange unseen.",
    references: &["MS-NLMP 3.1.5.1.2", "MS-NLMP 2.2.2.7"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let timeline = subject.timeline();
    let mut sound = None;
    for (_, exchange, message) in ntlm_messages(timeline) {
        let Some(challenge) = exchange.challenge.as_ref().filter(|one| one.value.timestamp().is_some()) else { continue };
        let third = &message.value;
        if third.client_target().is_none() {
            continue;
        }
        let evidence = vec![
            Evidence::bytes(timeline, message.span, "AUTHENTICATE message"),
            Evidence::bytes(timeline, challenge.span, "CHALLENGE message with a time"),
        ];
        if third.mic_presence() != MicPresence::Present {
            return Finding::observed("the server sent a time, and the client's answer has no integrity code", evidence);
        }
        let first = exchange.negotiate.as_ref().map(|one| one.value.raw.as_slice());
        let password = subject.given().account.as_ref().and_then(|account| account.password.as_ref());
        let verified = password.map(|password| ntlm::verify(first, &challenge.value, third, password));
        let reason = match verified.map(|verified| (verified.proof, verified.mic)) {
            Some((Proof::Valid, Mic::Invalid | Mic::Absent)) => {
                return Finding::observed("the integrity code is not that of the three messages", evidence);
            }
            Some((Proof::Valid, Mic::Valid)) => "the integrity code is there and right",
            _ => "the integrity code is there; with what is known it cannot be verified",
        };
        sound.get_or_insert_with(|| Finding::not_observed(reason, evidence));
    }
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    sound.unwrap_or_else(|| Finding::undetermined("no CHALLENGE with a time was answered with NTLMv2"))
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD as BASE64, Engine as _};
    use smtp::Secret;
    use smtp::ntlm::{ClientIdentity, FileTime, Target};

    use super::super::testing::{Seen, Talk, find};
    use super::*;
    use crate::Given;
    use crate::given::Account;

    /// A challenge with a time, answered with a message that is changed first.
    fn with(password: Option<&str>, change: impl Fn(&mut Vec<u8>)) -> Seen {
        let name = || "MX".to_owned();
        let target = Target { netbios_domain: name(), netbios_computer: name(), dns_domain: name(), dns_computer: name() };
        let first = ntlm::negotiate(None);
        let second = ntlm::challenge(ntlm::CLIENT_FLAGS, &target, [7; 8], Some(FileTime(9))).expect("short names");
        let challenge = ntlm::Challenge::parse(&second).expect("just made");
        let known = Secret::new(*b"pw");
        let identity = ClientIdentity { domain: "D", user: "u", password: &known, workstation: "W" };
        let mut third = ntlm::respond(&first, &challenge, &identity, [5; 8], FileTime(1)).expect("encodes");
        change(&mut third);
        let talk = Talk::ehlo(&["AUTH NTLM"])
            .cs("AUTH NTLM", "334 ntlm supported")
            .cs(&BASE64.encode(first), &format!("334 {}", BASE64.encode(second)))
            .cs(&BASE64.encode(third), "235 ok");
        let account = password.map(|password| Account {
            domain: "D".to_owned(),
            user: "u".to_owned(),
            password: Some(Secret::new(password.as_bytes())),
        });
        find(&CHECK, talk.quit(), Given { account, ..Given::default() })
    }

    /// Takes the code and the version out, as clients do that have neither.
    fn without(third: &mut Vec<u8>) {
        third.drain(72..88);
        for descriptor in (12..60).step_by(8) {
            let at = descriptor + 4;
            let offset = u32::from_le_bytes(*third[at..].first_chunk().expect("long enough"));
            third[at..at + 4].copy_from_slice(&(offset - 16).to_le_bytes());
        }
    }

    #[test]
    fn wrong_or_missing() {
        with(Some("pw"), |third| third[72] ^= 1).observed("not that of the three messages", &["TlRM…", "334 TlRM…"]);
        with(Some("pw"), without).observed("has no integrity code", &["TlRM…"]);
        with(None, without).observed("has no integrity code", &["TlRM…"]);
    }

    #[test]
    fn right() {
        with(Some("pw"), |_| {}).not_observed("there and right", &["TlRM…", "334 TlRM…"]);
        with(None, |_| {}).not_observed("cannot be verified", &["TlRM…"]);
        with(Some("other"), |_| {}).not_observed("cannot be verified", &["TlRM…"]);
    }

    #[test]
    fn no_time_no_answer() {
        let talk = Talk::ehlo(&["AUTH NTLM"]).ntlm("D", "u", "pw", "235 ok").quit();
        find(&CHECK, talk, Given::default()).undetermined("no CHALLENGE with a time");
        find(&CHECK, Talk::ehlo(&["AUTH NTLM"]).gap(), Given::default()).undetermined("does not hold");
    }
}

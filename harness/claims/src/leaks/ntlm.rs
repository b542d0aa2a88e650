//! What an NTLM exchange tells beside the account: names that its first message held, and what the proof is about.

use serde::{Deserialize, Serialize};
use smtp::identity::NtlmExchange;
use smtp::ntlm::{self, AvPair, Mic, MicPresence, Proof, av};

use super::View;
use crate::given::Given;

/// What is known of the message integrity code of AUTHENTICATE (MS-NLMP section 3.1.5.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum MicWord {
    /// There is none, and the client promised none.
    None,
    /// The client promised one and sent none.
    Missing,
    /// There is one; without the password it cannot be verified.
    Unverified,
    /// There is one, and it is that of the three messages.
    Right,
    /// There is one, and it is of something else.
    Wrong,
}

impl MicWord {
    /// A few words for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "no MIC",
            Self::Missing => "a MIC promised and not sent",
            Self::Unverified => "MIC",
            Self::Right => "MIC, right",
            Self::Wrong => "MIC, wrong",
        }
    }
}

/// Whose time is in an NTLMv2 response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Clock {
    /// The time that the server sent.
    Servers,
    /// The client's own: the server sent none.
    Own,
    /// The client's own, although the server sent one.
    OwnAllTheSame,
}

impl Clock {
    /// A few words for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Servers => "the server's",
            Self::Own => "own where the server sent none",
            Self::OwnAllTheSame => "own although the server sent one",
        }
    }
}

/// What else an NTLM exchange tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub struct NtlmFacts {
    /// What stood in the place of the domain in NEGOTIATE. Some programs put the user there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_domain: Option<String>,
    /// What stood in the place of the workstation in NEGOTIATE. Some programs put the domain there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_workstation: Option<String>,
    /// The integrity code of AUTHENTICATE; `None` where that was not sent, or not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mic: Option<MicWord>,
    /// The service that the client believes it talks to (`MsvAvTargetName`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_name: Option<String>,
    /// Whether an id of the client's machine crossed that stays the same until its next boot (`MsvAvSingleHost`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub machine_id: bool,
    /// Whose time is in the response; `None` where that is not NTLMv2, or the challenge was not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<Clock>,
}

impl NtlmFacts {
    pub(super) fn of(view: &View<'_>, exchange: &NtlmExchange) -> Self {
        let first = exchange.negotiate.as_ref().map(|one| &one.value);
        let name = |name: Option<&str>| {
            let name = name.filter(|name| !name.is_empty())?;
            view.some(name)
        };
        let blob = exchange
            .authenticate
            .as_ref()
            .and_then(|one| one.value.client_target());
        let pairs = || blob.iter().flat_map(|blob| &blob.target_info);
        let target = pairs().find(|pair| pair.id == av::TARGET_NAME);
        let server = exchange.challenge.as_ref().map(|one| one.value.timestamp());
        let own = blob.as_ref().map(|blob| blob.timestamp);
        let target = target.and_then(AvPair::text);
        Self {
            first_domain: name(first.and_then(|one| one.domain.as_deref())),
            first_workstation: name(first.and_then(|one| one.workstation.as_deref())),
            mic: mic(exchange, view.given),
            target_name: name(target.as_deref()),
            machine_id: pairs().any(|pair| pair.machine_id().is_some()),
            clock: server.zip(own).map(|(server, own)| match server {
                None => Clock::Own,
                Some(time) if time == own => Clock::Servers,
                Some(_) => Clock::OwnAllTheSame,
            }),
        }
    }
}

fn mic(exchange: &NtlmExchange, given: &Given) -> Option<MicWord> {
    let third = &exchange.authenticate.as_ref()?.value;
    match third.mic_presence() {
        MicPresence::Present => {}
        MicPresence::Missing => return Some(MicWord::Missing),
        MicPresence::NotPromised | MicPresence::Absent => return Some(MicWord::None),
    }
    let Some(challenge) = &exchange.challenge else {
        return Some(MicWord::Unverified);
    };
    let first = exchange.negotiate.as_ref();
    let first = first.map(|one| one.value.raw.as_slice());
    let own = given.account.iter().filter_map(|one| one.password.as_ref());
    let user = third.user.to_lowercase();
    let known = given
        .accounts
        .iter()
        .filter(|one| one.user.to_lowercase() == user)
        .map(|one| &one.password);
    let verified = own
        .chain(known)
        .map(|password| ntlm::verify(first, &challenge.value, third, password))
        .find(|verified| verified.proof == Proof::Valid);
    Some(match verified.map(|verified| verified.mic) {
        Some(Mic::Valid) => MicWord::Right,
        Some(Mic::Invalid) => MicWord::Wrong,
        _ => MicWord::Unverified,
    })
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD as BASE64, Engine as _};
    use smtp::Secret;
    use smtp::ntlm::{AuthenticateParts, ClientIdentity, FileTime, Negotiate, Target, flags};

    use super::*;
    use crate::checks::testing::{Talk, case};
    use crate::given::Account;
    use crate::leaks::Leaks;

    fn target() -> Target {
        let name = || "MX".to_owned();
        Target {
            netbios_domain: name(),
            netbios_computer: name(),
            dns_domain: name(),
            dns_computer: name(),
        }
    }

    /// What an exchange tells whose AUTHENTICATE is changed first; `names` are those of NEGOTIATE.
    fn facts(
        names: [Option<&str>; 2],
        time: Option<FileTime>,
        password: Option<&str>,
        change: impl Fn(&mut Vec<u8>),
    ) -> NtlmFacts {
        let first =
            Negotiate::encode(ntlm::CLIENT_FLAGS, names[0], names[1], None).expect("short names");
        let second =
            ntlm::challenge(ntlm::CLIENT_FLAGS, &target(), [7; 8], time).expect("short names");
        let challenge = ntlm::Challenge::parse(&second).expect("just made");
        let known = Secret::new(*b"pw");
        let identity = ClientIdentity {
            domain: "D",
            user: "u",
            password: &known,
            workstation: "W",
        };
        let mut third =
            ntlm::respond(&first, &challenge, &identity, [5; 8], FileTime(1)).expect("encodes");
        change(&mut third);
        let talk = Talk::ehlo(&["AUTH NTLM"])
            .cs("AUTH NTLM", "334 ntlm supported")
            .cs(
                &BASE64.encode(first),
                &format!("334 {}", BASE64.encode(second)),
            )
            .cs(&BASE64.encode(third), "235 ok")
            .quit();
        let account = password.map(|password| Account {
            domain: "D".to_owned(),
            user: "u".to_owned(),
            password: Some(Secret::new(password.as_bytes())),
        });
        let given = Given {
            account,
            ..Given::default()
        };
        let leaks = Leaks::of(&case(vec![talk], given).subject(0));
        let account = leaks.accounts.items.into_iter().next();
        account.and_then(|one| one.ntlm).expect("an NTLM login")
    }

    #[test]
    fn the_code_by_what_is_known() {
        let time = Some(FileTime(9));
        let word = |time, password, spoil: u8| {
            let facts = facts([None, None], time, password, |third| third[72] ^= spoil);
            facts.mic
        };
        assert_eq!(word(time, Some("pw"), 0), Some(MicWord::Right));
        assert_eq!(word(time, Some("pw"), 1), Some(MicWord::Wrong));
        assert_eq!(word(time, Some("other"), 0), Some(MicWord::Unverified));
        assert_eq!(word(time, None, 1), Some(MicWord::Unverified));
        let without = facts([None, None], None, Some("pw"), |_| {});
        assert_eq!(without.mic, Some(MicWord::None));
        assert_eq!(without.clock, Some(Clock::Own));
    }

    #[test]
    fn names_of_the_first_message_and_the_clients_own_pairs() {
        let plain = facts([Some("svc"), Some("CORP")], Some(FileTime(9)), None, |_| {});
        let names = [&plain.first_domain, &plain.first_workstation];
        assert_eq!(
            names.map(|name| name.as_deref()),
            [Some("svc"), Some("CORP")]
        );
        assert!(!plain.machine_id);
        assert_eq!(plain.clock, Some(Clock::Servers));
        assert_eq!(plain.target_name, None);

        let with_pairs = facts([None, None], Some(FileTime(9)), None, |third| {
            let blob = ntlm::proof::Blob {
                timestamp: FileTime(8),
                client_challenge: [5; 8],
                target_info: vec![
                    AvPair::from_text(av::TARGET_NAME, "SMTPSVC/mx"),
                    AvPair {
                        id: av::SINGLE_HOST,
                        value: vec![1; 48],
                    },
                    AvPair {
                        id: av::FLAGS,
                        value: av::FLAG_MIC_PRESENT.to_le_bytes().to_vec(),
                    },
                ],
            };
            let response = [vec![0; 16], blob.encode().expect("short")].concat();
            let parts = AuthenticateParts {
                flags: flags::NEGOTIATE_UNICODE,
                domain: "D",
                user: "u",
                workstation: "W",
                lm_response: &Secret::new([0; 24]),
                nt_response: &Secret::new(response),
                session_key: &Secret::new([]),
                version: None,
                mic: None,
            };
            *third = parts.encode().expect("short");
        });
        assert_eq!(with_pairs.target_name.as_deref(), Some("SMTPSVC/mx"));
        assert!(with_pairs.machine_id);
        assert_eq!(with_pairs.clock, Some(Clock::OwnAllTheSame));
        assert_eq!(with_pairs.mic, Some(MicWord::Missing));
    }
}

//! The NTLM messages of one exchange, seen together.

use crate::ntlm::{Authenticate, Challenge, Negotiate};
use crate::timeline::Located;

/// The NTLMSSP messages of one exchange.
#[derive(Clone, Debug, Default)]
pub struct NtlmExchange {
    /// Whether NEGOTIATE came in the AUTH line.
    pub initial_response: bool,
    /// Type 1.
    pub negotiate: Option<Located<Negotiate>>,
    /// Type 2.
    pub challenge: Option<Located<Challenge>>,
    /// Type 3.
    pub authenticate: Option<Located<Authenticate>>,
    /// What did not parse, without the bytes.
    pub problems: Vec<String>,
}

/// A name in a slot where it does not belong. Several clients do this; a reader that labels by slot alone then calls the
/// user a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MixUp {
    /// The domain field of NEGOTIATE holds the user name.
    UserInNegotiateDomain,
    /// The workstation field of NEGOTIATE holds the user name.
    UserInNegotiateWorkstation,
    /// The workstation field of AUTHENTICATE holds the user name.
    UserInWorkstation,
    /// The user field of AUTHENTICATE holds a domain too, as `DOMAIN\user` or `user@domain`, and its domain field none.
    DomainInUser,
    /// NEGOTIATE has the user in its domain field, and the domain of AUTHENTICATE is the target name of the server: the
    /// client's own domain appears nowhere, or in the workstation field of NEGOTIATE.
    DomainOfServer,
}

impl MixUp {
    /// One sentence without names.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::UserInNegotiateDomain => "the domain field of NEGOTIATE holds the user name",
            Self::UserInNegotiateWorkstation => {
                "the workstation field of NEGOTIATE holds the user name"
            }
            Self::UserInWorkstation => "the workstation field of AUTHENTICATE holds the user name",
            Self::DomainInUser => "the user field of AUTHENTICATE holds the domain too",
            Self::DomainOfServer => {
                "the domain field of AUTHENTICATE repeats the target name of the server"
            }
        }
    }
}

impl NtlmExchange {
    /// Names that stand in the wrong slot, as far as the names themselves show it.
    pub fn mix_ups(&self) -> Vec<MixUp> {
        let Some(Located { value: third, .. }) = &self.authenticate else {
            return Vec::new();
        };
        let user = third.user.as_str();
        if user.is_empty() {
            return Vec::new();
        }
        let is_user = |name: &str| name.eq_ignore_ascii_case(user);
        let first = self.negotiate.as_ref().map(|first| &first.value);
        let field =
            |name: Option<&Option<String>>| name.and_then(Option::as_deref).is_some_and(is_user);
        let in_domain = field(first.map(|first| &first.domain)) && !is_user(&third.domain);
        let echoes = self.challenge.as_ref().is_some_and(|second| {
            !third.domain.is_empty() && third.domain.eq_ignore_ascii_case(&second.value.target_name)
        });
        let qualified = third.domain.is_empty() && (user.contains('\\') || user.contains('@'));
        let checks = [
            (in_domain, MixUp::UserInNegotiateDomain),
            (
                field(first.map(|first| &first.workstation)),
                MixUp::UserInNegotiateWorkstation,
            ),
            (is_user(&third.workstation), MixUp::UserInWorkstation),
            (qualified, MixUp::DomainInUser),
            (in_domain && echoes, MixUp::DomainOfServer),
        ];
        checks
            .into_iter()
            .filter_map(|(found, mix_up)| found.then_some(mix_up))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use wire::{Direction, Span};

    use super::*;
    use crate::Secret;

    fn located<T>(value: T) -> Located<T> {
        Located::new(value, Span::new(Direction::Client, 0, 1))
    }

    fn exchange(first: [Option<&str>; 2], target: &str, third: [&str; 3]) -> NtlmExchange {
        let [domain, workstation] = first;
        let first = Negotiate::encode(0x207, domain, workstation, None).unwrap();
        let second = Challenge::encode(0x201, target, [1; 8], &[], None).unwrap();
        let [domain, user, workstation] = third;
        let nothing = Secret::new([]);
        let third = crate::ntlm::AuthenticateParts {
            flags: 0x201,
            domain,
            user,
            workstation,
            lm_response: &nothing,
            nt_response: &nothing,
            session_key: &nothing,
            version: None,
            mic: None,
        };
        NtlmExchange {
            negotiate: Some(located(Negotiate::parse(&first).unwrap())),
            challenge: Some(located(Challenge::parse(&second).unwrap())),
            authenticate: Some(located(
                Authenticate::parse(&third.encode().unwrap()).unwrap(),
            )),
            ..NtlmExchange::default()
        }
    }

    #[test]
    fn libntlm_and_exim_mix_names_up() {
        let msmtp = exchange([Some("svc"), Some("CORP")], "MAIL", ["MAIL", "svc", "svc"]);
        assert_eq!(
            msmtp.mix_ups(),
            [
                MixUp::UserInNegotiateDomain,
                MixUp::UserInWorkstation,
                MixUp::DomainOfServer
            ]
        );
        let qualified = exchange([None, None], "MAIL", ["", "CORP\\svc", "HOST"]);
        assert_eq!(qualified.mix_ups(), [MixUp::DomainInUser]);
    }

    #[test]
    fn names_in_their_places_are_no_mix_up() {
        let windows = exchange(
            [Some("CORP"), Some("HOST")],
            "CORP",
            ["CORP", "svc", "HOST"],
        );
        assert!(windows.mix_ups().is_empty());
        // A user called as the domain is odd, and not mixed up.
        let same = exchange([Some("svc"), None], "svc", ["svc", "svc", "HOST"]);
        assert!(same.mix_ups().is_empty());
        let anonymous = exchange([None, None], "MAIL", ["", "", ""]);
        assert!(anonymous.mix_ups().is_empty());
    }
}

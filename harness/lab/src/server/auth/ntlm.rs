//! NTLM (MS-SMTPNTLM over MS-NLMP).

use smtp::ntlm::{self, Authenticate, Challenge, FileTime, Negotiate, Target};

use super::{Account, Context, MALFORMED, Progress, odd_challenge};

/// The refusal that MS-SMTPNTLM section 2.2.1.4 has, where RFC 4954 has 5.7.8.
const REFUSED: &str = "535 5.7.3 authentication unsuccessful";

/// The exchange: NEGOTIATE and CHALLENGE once they went over the wire.
#[derive(Debug, Default)]
pub(in crate::server) struct Ntlm {
    sent: Option<Sent>,
}

#[derive(Debug)]
struct Sent {
    negotiate: Vec<u8>,
    /// `None` where the challenge was broken on purpose, and nothing can prove anything against it.
    challenge: Option<Challenge>,
}

impl Ntlm {
    pub(super) fn respond(&mut self, context: &Context<'_>, response: Vec<u8>) -> Progress {
        match self.sent.take() {
            None => self.negotiate(context, response),
            Some(sent) => judge(context, &sent, &response),
        }
    }

    /// Answers NEGOTIATE with CHALLENGE.
    fn negotiate(&mut self, context: &Context<'_>, response: Vec<u8>) -> Progress {
        let Ok(negotiate) = Negotiate::parse(&response) else {
            return Progress::Failed(MALFORMED);
        };
        let time = context
            .server
            .ntlm_timestamp
            .then(|| FileTime::from_timestamp(context.now));
        let target = target(&context.server.name);
        let kind = context.server.ntlm_challenge;
        let made = ntlm::challenge(
            odd_challenge::flags(kind, negotiate.flags),
            &target,
            context.challenge,
            time,
        )
        .and_then(|bytes| odd_challenge::change(kind, bytes));
        let Ok(bytes) = made else {
            return Progress::Failed("454 4.7.0 cannot make a challenge");
        };
        self.sent = Some(Sent {
            negotiate: response,
            challenge: Challenge::parse(&bytes).ok(),
        });
        Progress::challenge(&bytes)
    }
}

/// Judges AUTHENTICATE.
fn judge(context: &Context<'_>, sent: &Sent, response: &[u8]) -> Progress {
    let flags = sent.challenge.as_ref().map(|challenge| challenge.flags);
    let Ok(authenticate) = Authenticate::parse_with(response, flags) else {
        return Progress::Failed(MALFORMED);
    };
    context.judge(REFUSED, || {
        let Some(challenge) = &sent.challenge else {
            return false;
        };
        let meant = context
            .accounts
            .iter()
            .filter(|account| is_named(account, &authenticate));
        meant.into_iter().any(|account| {
            let negotiate = Some(sent.negotiate.as_slice());
            ntlm::verify(negotiate, challenge, &authenticate, &account.password).is_accepted()
        })
    })
}

/// Whether a message names an account. A client that leaves the domain out means the server's own.
fn is_named(account: &Account, authenticate: &Authenticate) -> bool {
    let domain = &authenticate.domain;
    account.user.to_lowercase() == authenticate.user.to_lowercase()
        && (account.domain.is_empty()
            || domain.is_empty()
            || account.domain.to_lowercase() == domain.to_lowercase())
}

/// The names of the server, out of its host name: `mail.example.test` is `MAIL` in the domain `EXAMPLE`.
fn target(name: &str) -> Target {
    let (computer, domain) = name.split_once('.').unwrap_or((name, ""));
    let netbios = |label: &str| label.chars().take(15).collect::<String>().to_uppercase();
    let domain_label = domain
        .split('.')
        .next()
        .filter(|label| !label.is_empty())
        .unwrap_or(computer);
    Target {
        netbios_domain: netbios(domain_label),
        netbios_computer: netbios(computer),
        dns_domain: domain.to_owned(),
        dns_computer: name.to_owned(),
    }
}

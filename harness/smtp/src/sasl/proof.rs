//! Testing an exchange against known passwords.
//!
//! An auditor who knows an account's password can tell whether the client that used the account's name knew it too. That
//! needs nothing but the capture: the proof is computed again from what the exchange holds, and compared in constant
//! time.

mod digest;

use subtle::ConstantTimeEq;

use crate::Secret;
use crate::ntlm::{self, Mic};
use crate::timeline::{Authentication, Identity, NtlmExchange, Scram};

/// More rounds than this are not computed: the count is the server's word, and a hostile one could keep the reader busy
/// for hours. Mail servers use 4,096 to 100,000.
pub const MAX_ITERATIONS: u32 = 200_000;

/// An account whose password the auditor knows.
#[derive(Clone, Debug)]
pub struct KnownAccount {
    /// `NetBIOS` or DNS domain, or realm; `None` where any will do.
    pub domain: Option<String>,
    /// Account name.
    pub user: String,
    /// The password, in UTF-8.
    pub password: Secret,
}

/// What testing showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The client had the known password.
    Proven,
    /// The client had another one.
    Contradicted,
    /// It cannot be told; the reason.
    NotTestable(&'static str),
}

/// What [`test()`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tested {
    /// The verdict.
    pub verdict: Verdict,
    /// Which of the known accounts it is about: index into the list. `None` where none has the name.
    pub account: Option<usize>,
    /// NTLM only, with a proven password: whether the integrity code over the three messages holds.
    pub mic: Option<Mic>,
}

impl Tested {
    const fn not(reason: &'static str) -> Self {
        Self {
            verdict: Verdict::NotTestable(reason),
            account: None,
            mic: None,
        }
    }
}

/// How well an account fits the name that a client gave.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fit {
    /// Same user, and same domain as far as both name one.
    Same,
    /// Same user in another domain. Clients mix domains up, so a proof counts and its absence does not.
    OtherDomain,
}

impl KnownAccount {
    /// Names are compared without regard to case.
    fn fits(&self, domain: Option<&str>, name: &str) -> Option<Fit> {
        let same = |one: &str, other: &str| one.to_lowercase() == other.to_lowercase();
        if same(&self.user, name) {
            return Some(match (domain.filter(|d| !d.is_empty()), &self.domain) {
                (Some(given), Some(known)) if !same(given, known) => Fit::OtherDomain,
                _ => Fit::Same,
            });
        }
        let (domain, user) = name.split_once('\\').or_else(|| {
            let (user, domain) = name.rsplit_once('@')?;
            Some((domain, user))
        })?;
        same(&self.user, user).then(|| match &self.domain {
            Some(known) if same(known, domain) => Fit::Same,
            _ => Fit::OtherDomain,
        })
    }

    /// The password as clients may have encoded it.
    fn encodings(&self) -> impl Iterator<Item = Secret> {
        let latin = std::str::from_utf8(self.password.expose())
            .ok()
            .filter(|text| !text.is_ascii())
            .and_then(latin_1);
        std::iter::once(self.password.clone()).chain(latin.map(Secret::new))
    }

    /// The verdict on `matches` being asked for every encoding. A mismatch says nothing where the password has several
    /// forms and not all of them were tried.
    fn judge(&self, matches: impl Fn(&Secret) -> bool) -> Verdict {
        if self.encodings().any(|password| matches(&password)) {
            Verdict::Proven
        } else if self.password.expose().is_ascii() {
            Verdict::Contradicted
        } else {
            Verdict::NotTestable(
                "the password has characters outside ASCII, which clients encode in many ways",
            )
        }
    }
}

/// Tests one exchange against the known accounts.
pub fn test(authentication: &Authentication, accounts: &[KnownAccount]) -> Tested {
    test_identity(&authentication.identity, accounts)
}

/// The same for what the exchange tells. Of several accounts that fit the name, one whose password is proven wins.
pub fn test_identity(identity: &Identity, accounts: &[KnownAccount]) -> Tested {
    let (domain, user) = match claimed(identity) {
        Ok(claimed) => claimed,
        Err(reason) => return Tested::not(reason),
    };
    let mut found = Tested::not("no known account has the name that the client gave");
    for (number, account) in accounts.iter().enumerate() {
        let Some(fit) = account.fits(domain, user) else {
            continue;
        };
        let (verdict, mic) = one(identity, account);
        let verdict = match verdict {
            Verdict::Contradicted if fit == Fit::OtherDomain => Verdict::NotTestable(
                "the known account of this name is in another domain, and has another password",
            ),
            other => other,
        };
        let tested = Tested {
            verdict,
            account: Some(number),
            mic,
        };
        if tested.verdict == Verdict::Proven {
            return tested;
        }
        if found.account.is_none() || found.verdict != Verdict::Contradicted {
            found = tested;
        }
    }
    found
}

/// Domain and user that the client claims to be.
fn claimed(identity: &Identity) -> Result<(Option<&str>, &str), &'static str> {
    const EARLY: &str = "the exchange ended before the client named its account";
    Ok(match identity {
        Identity::Plain { authcid, .. } => (None, authcid.value.as_str()),
        Identity::Login { user, .. } | Identity::CramMd5 { user, .. } => {
            (None, user.as_ref().ok_or(EARLY)?.value.as_str())
        }
        // The realm is the server's affair and no domain of Windows.
        Identity::DigestMd5(digest) => {
            (None, digest.username.as_ref().ok_or(EARLY)?.value.as_str())
        }
        Identity::Scram(scram) => (None, scram.username.as_ref().ok_or(EARLY)?.value.as_str()),
        Identity::Ntlm(_) | Identity::Gss(_) => match identity.ntlm() {
            Some(exchange) => {
                let third = &exchange.authenticate.as_ref().ok_or(EARLY)?.value;
                (Some(third.domain.as_str()), third.user.as_str())
            }
            None => return Err("a Kerberos ticket is not made with the client's password"),
        },
        Identity::Bearer(_) => return Err("a token is not made from a password"),
        Identity::External { .. } => return Err("the proof of EXTERNAL lies outside the exchange"),
        Identity::Anonymous { .. } => return Err("an anonymous client proves nothing"),
        Identity::Undecoded => return Err("this build does not decode the mechanism"),
        Identity::Malformed(_) => return Err("the exchange does not decode"),
    })
}

/// One exchange against one account.
fn one(identity: &Identity, account: &KnownAccount) -> (Verdict, Option<Mic>) {
    const EARLY: Verdict = Verdict::NotTestable("the exchange ended before the proof");
    let verdict = match identity {
        Identity::Plain { password, .. } => account.judge(|known| *known == password.value),
        Identity::Login { password, .. } => match password {
            Some(password) => account.judge(|known| *known == password.value),
            None => EARLY,
        },
        Identity::CramMd5 {
            challenge, digest, ..
        } => match (challenge, digest) {
            (_, None) => EARLY,
            (None, _) => Verdict::NotTestable("the challenge was not captured"),
            (Some(challenge), Some(digest)) => account.judge(|known| {
                digest::is_hex_of(
                    &digest::hmac::<md5::Md5>(known.expose(), challenge),
                    &digest.value,
                )
            }),
        },
        Identity::DigestMd5(exchange) => match digest::of_digest_md5(exchange) {
            Ok(parts) => account.judge(|known| parts.fits(known)),
            Err(reason) => Verdict::NotTestable(reason),
        },
        Identity::Scram(exchange) => scram(exchange, account),
        _ => {
            return match identity.ntlm() {
                Some(exchange) => ntlm(exchange, account),
                None => (EARLY, None),
            };
        }
    };
    (verdict, None)
}

fn scram(exchange: &Scram, account: &KnownAccount) -> Verdict {
    let (Some(proof), Some(salt), Some(iterations), Some(message)) = (
        &exchange.proof,
        &exchange.salt,
        exchange.iterations,
        &exchange.auth_message,
    ) else {
        return Verdict::NotTestable("the capture does not hold all messages of the exchange");
    };
    if !(1..=MAX_ITERATIONS).contains(&iterations) {
        return Verdict::NotTestable("the iteration count is outside what this build computes");
    }
    // A password in ASCII is its own SASLprep form, unless it has control characters, which SASLprep refuses.
    let fits = |known: &Secret| {
        digest::scram_fits(
            exchange.hash,
            known.expose(),
            salt.expose(),
            iterations,
            message.expose(),
            proof.value.expose(),
        )
    };
    account.judge(fits)
}

fn ntlm(exchange: &NtlmExchange, account: &KnownAccount) -> (Verdict, Option<Mic>) {
    let Some(third) = &exchange.authenticate else {
        return (
            Verdict::NotTestable("the exchange ended before the proof"),
            None,
        );
    };
    let Some(second) = &exchange.challenge else {
        let reason = "the CHALLENGE message was not captured";
        return (Verdict::NotTestable(reason), None);
    };
    let first = exchange.negotiate.as_ref().map(|m| m.value.raw.as_slice());
    let found = ntlm::verify(first, &second.value, &third.value, &account.password);
    match found.proof {
        ntlm::Proof::Valid => (Verdict::Proven, Some(found.mic)),
        ntlm::Proof::Invalid => (Verdict::Contradicted, None),
        ntlm::Proof::NotVerifiable(reason) => (Verdict::NotTestable(reason), None),
    }
}

/// Text in ISO 8859-1, where it fits.
fn latin_1(text: &str) -> Option<Vec<u8>> {
    text.chars()
        .map(|c| u8::try_from(u32::from(c)).ok())
        .collect()
}

fn equal(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

#[cfg(test)]
mod tests;

//! The questions that every reader of an [`Identity`] asks, answered for all mechanisms in one place.

use wire::Span;

use super::{GssExchange, Identity, NtlmExchange};
use crate::Secret;
use crate::ntlm::ResponseKind;
use crate::timeline::Located;

/// What kind of name stands in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NameSlot {
    /// The account that proves itself.
    User,
    /// The account to act as.
    AuthorizationIdentity,
    /// The domain or realm of the account.
    Domain,
    /// The machine of the client.
    Workstation,
    /// The service that the client believes it talks to. A name of the server's side.
    Service,
    /// What an anonymous client says of itself.
    Trace,
}

impl NameSlot {
    /// A word for reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::AuthorizationIdentity => "authorization identity",
            Self::Domain => "domain",
            Self::Workstation => "workstation",
            Self::Service => "service",
            Self::Trace => "trace",
        }
    }

    /// Whether names of this kind are meant to be accounts.
    pub const fn is_account(self) -> bool {
        matches!(self, Self::User | Self::AuthorizationIdentity)
    }
}

/// A name that the client gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GivenName<'a> {
    /// The name; never empty.
    pub name: &'a str,
    /// The slot that it stood in. Some clients use the wrong one: [`NtlmExchange::mix_ups`].
    pub slot: NameSlot,
    /// Where it stood on the wire.
    pub span: Span,
}

/// How the client proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// The password itself.
    Password,
    /// An answer to a challenge, made with the password.
    ChallengeResponse,
    /// A token from elsewhere.
    Token,
    /// A ticket from a third party.
    Ticket,
    /// Something outside SASL.
    External,
    /// Nothing.
    Anonymous,
}

impl Family {
    /// A few words for reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::ChallengeResponse => "challenge and response",
            Self::Token => "bearer token",
            Self::Ticket => "Kerberos ticket",
            Self::External => "external",
            Self::Anonymous => "anonymous",
        }
    }
}

/// What crossed readable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Credential {
    /// A password: good until it is changed.
    Password,
    /// A token: good until it expires or is revoked.
    Token,
}

impl Identity {
    /// Every name that the client gave, in the order of the wire. Names are as sent: a domain before a backslash is part
    /// of them.
    pub fn names(&self) -> Vec<GivenName<'_>> {
        let mut names = Names(Vec::new());
        match self {
            Self::Plain {
                authzid, authcid, ..
            } => {
                names.push(authzid, NameSlot::AuthorizationIdentity, authcid.span);
                names.add(Some(authcid), NameSlot::User);
            }
            Self::Login { user, .. } | Self::CramMd5 { user, .. } => {
                names.add(user.as_ref(), NameSlot::User);
            }
            Self::DigestMd5(digest) => {
                names.add(digest.username.as_ref(), NameSlot::User);
                names.add(digest.realm.as_ref(), NameSlot::Domain);
                names.add(digest.authzid.as_ref(), NameSlot::AuthorizationIdentity);
                names.add(digest.digest_uri.as_ref(), NameSlot::Service);
            }
            Self::Scram(scram) => {
                names.add(scram.authzid.as_ref(), NameSlot::AuthorizationIdentity);
                names.add(scram.username.as_ref(), NameSlot::User);
            }
            Self::Bearer(bearer) => names.add(bearer.user.as_ref(), NameSlot::User),
            Self::External { authzid } => {
                names.add(authzid.as_ref(), NameSlot::AuthorizationIdentity);
            }
            Self::Anonymous { trace } => names.add(trace.as_ref(), NameSlot::Trace),
            Self::Ntlm(exchange) => names.ntlm(exchange),
            Self::Gss(gss) => {
                if let Some(Located { value, span }) = &gss.kerberos {
                    names.push(&value.realm, NameSlot::Domain, *span);
                    names.push(&value.service, NameSlot::Service, *span);
                }
                if let Some(exchange) = &gss.ntlm {
                    names.ntlm(exchange);
                }
            }
            Self::Undecoded | Self::Malformed(_) => {}
        }
        names.0
    }

    /// How the client proves who it is; `None` where the exchange does not tell.
    pub const fn family(&self) -> Option<Family> {
        match self {
            Self::Plain { .. } | Self::Login { .. } => Some(Family::Password),
            Self::CramMd5 { .. } | Self::DigestMd5(_) | Self::Scram(_) | Self::Ntlm(_) => {
                Some(Family::ChallengeResponse)
            }
            Self::Bearer(_) => Some(Family::Token),
            Self::External { .. } => Some(Family::External),
            Self::Anonymous { .. } => Some(Family::Anonymous),
            Self::Gss(gss) => match &**gss {
                GssExchange { ntlm: Some(_), .. } => Some(Family::ChallengeResponse),
                GssExchange {
                    kerberos: Some(_), ..
                } => Some(Family::Ticket),
                _ => None,
            },
            Self::Undecoded | Self::Malformed(_) => None,
        }
    }

    /// The password or token that base64 alone recovers, if one was sent.
    pub fn readable(&self) -> Option<(Credential, &Located<Secret>)> {
        match self {
            Self::Plain { password, .. }
            | Self::Login {
                password: Some(password),
                ..
            } => Some((Credential::Password, password)),
            Self::Bearer(bearer) => Some((Credential::Token, bearer.token.as_ref()?)),
            _ => None,
        }
    }

    /// The NTLM messages, bare or inside SPNEGO.
    pub fn ntlm(&self) -> Option<&NtlmExchange> {
        match self {
            Self::Ntlm(exchange) => Some(exchange),
            Self::Gss(gss) => gss.ntlm.as_ref(),
            _ => None,
        }
    }

    /// Whether the client sent a proof that does not show the password: a digest, a response, a ticket.
    pub fn has_hidden_proof(&self) -> bool {
        match self {
            Self::CramMd5 { digest, .. } => digest.is_some(),
            Self::DigestMd5(digest) => digest.response.is_some(),
            Self::Scram(scram) => scram.proof.is_some(),
            Self::Ntlm(exchange) => exchange.authenticate.is_some(),
            Self::Gss(gss) => {
                gss.kerberos.is_some()
                    || gss.ntlm.as_ref().is_some_and(|n| n.authenticate.is_some())
            }
            _ => false,
        }
    }

    /// Whether this capture holds all that is needed to guess the password off line: the proof, and what it is over.
    pub fn is_guessable_offline(&self) -> bool {
        match self {
            Self::CramMd5 {
                challenge, digest, ..
            } => challenge.is_some() && digest.is_some(),
            Self::DigestMd5(digest) => digest.response.is_some() && digest.nonce.is_some(),
            Self::Scram(scram) => {
                scram.proof.is_some() && scram.salt.is_some() && scram.auth_message.is_some()
            }
            _ => self.ntlm().is_some_and(is_guessable),
        }
    }

    /// What did not decode, without the bytes.
    pub fn problems(&self) -> Vec<&str> {
        let all: &[String] = match self {
            Self::Malformed(reason) => std::slice::from_ref(reason),
            Self::DigestMd5(digest) => &digest.problems,
            Self::Scram(scram) => &scram.problems,
            Self::Bearer(bearer) => &bearer.problems,
            Self::Ntlm(exchange) => &exchange.problems,
            Self::Gss(gss) => &gss.problems,
            _ => &[],
        };
        let inside = match self {
            Self::Gss(gss) => gss.ntlm.as_ref().map_or(&[][..], |ntlm| &ntlm.problems),
            _ => &[],
        };
        all.iter().chain(inside).map(String::as_str).collect()
    }

    /// Everything in the exchange that must not be shown.
    pub fn secrets(&self) -> Vec<&Secret> {
        match self {
            Self::Plain { password, .. } => vec![&password.value],
            Self::Login { password, .. } => password.iter().map(|p| &p.value).collect(),
            Self::CramMd5 { digest, .. } => digest.iter().map(|d| &d.value).collect(),
            Self::DigestMd5(digest) => digest.response.iter().map(|r| &r.value).collect(),
            Self::Scram(scram) => scram.proof.iter().map(|p| &p.value).collect(),
            Self::Bearer(bearer) => bearer.token.iter().map(|t| &t.value).collect(),
            Self::Ntlm(_) | Self::Gss(_) => {
                let third = self
                    .ntlm()
                    .and_then(|exchange| exchange.authenticate.as_ref());
                third
                    .into_iter()
                    .flat_map(|third| {
                        let third = &third.value;
                        [&third.nt_response, &third.lm_response, &third.session_key]
                    })
                    .filter(|secret| secret.expose().iter().any(|byte| *byte != 0))
                    .collect()
            }
            Self::External { .. }
            | Self::Anonymous { .. }
            | Self::Undecoded
            | Self::Malformed(_) => Vec::new(),
        }
    }
}

fn is_guessable(exchange: &NtlmExchange) -> bool {
    exchange.challenge.is_some()
        && exchange.authenticate.as_ref().is_some_and(|third| {
            !matches!(
                third.value.response_kind(),
                ResponseKind::Anonymous | ResponseKind::Local | ResponseKind::Malformed
            )
        })
}

struct Names<'a>(Vec<GivenName<'a>>);

impl<'a> Names<'a> {
    fn push(&mut self, name: &'a str, slot: NameSlot, span: Span) {
        if !name.is_empty() {
            self.0.push(GivenName { name, slot, span });
        }
    }

    fn add(&mut self, name: Option<&'a Located<String>>, slot: NameSlot) {
        if let Some(name) = name {
            self.push(&name.value, slot, name.span);
        }
    }

    fn ntlm(&mut self, exchange: &'a NtlmExchange) {
        if let Some(Located { value, span }) = &exchange.negotiate {
            let name = |name: &'a Option<String>| name.as_deref().unwrap_or_default();
            self.push(name(&value.domain), NameSlot::Domain, *span);
            self.push(name(&value.workstation), NameSlot::Workstation, *span);
        }
        if let Some(Located { value, span }) = &exchange.authenticate {
            self.push(&value.user, NameSlot::User, *span);
            self.push(&value.domain, NameSlot::Domain, *span);
            self.push(&value.workstation, NameSlot::Workstation, *span);
        }
    }
}

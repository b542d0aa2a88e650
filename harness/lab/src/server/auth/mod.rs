//! AUTH (RFC 4954): the exchange around the mechanisms. Credentials are really checked.

mod cram_md5;
mod login;
mod ntlm;
mod odd_challenge;
mod plain;

#[cfg(test)]
mod tests;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use smtp::Secret;
use wire::Timestamp;

use super::Account;
use super::session::{Session, Stage};
use crate::scenario::{AcceptAuth, ServerTable};

/// The reply where credentials were presented and refused (RFC 4954 section 6).
const REFUSED: &str = "535 5.7.8 authentication credentials invalid";
const NOT_BASE64: &str = "501 5.5.2 cannot decode the response";
const MALFORMED: &str = "501 5.5.2 malformed response for this mechanism";

/// What a mechanism may know.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    pub(super) server: &'a ServerTable,
    pub(super) accounts: &'a [Account],
    /// Bytes for the challenge of this exchange, drawn for it alone.
    pub(super) challenge: [u8; 8],
    pub(super) now: Timestamp,
}

/// An exchange that waits for a response.
#[derive(Debug)]
pub(super) enum Exchange {
    Plain,
    Login(login::Login),
    CramMd5(cram_md5::CramMd5),
    Ntlm(Box<ntlm::Ntlm>),
    /// A rule asked for more than the mechanism has: whatever comes is refused.
    Exhausted,
}

/// What comes of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// 334, with this text after it.
    Challenge(String),
    /// 235.
    Accepted,
    /// Any other reply, whole.
    Failed(&'static str),
}

impl Progress {
    /// A 334 whose text is these bytes in base64.
    fn challenge(bytes: &[u8]) -> Self {
        Self::Challenge(STANDARD.encode(bytes))
    }

    /// The default reply.
    pub(super) fn reply(&self) -> String {
        match self {
            Self::Challenge(text) => format!("334 {text}"),
            Self::Accepted => "235 2.7.0 authentication succeeded".to_owned(),
            Self::Failed(reply) => (*reply).to_owned(),
        }
    }
}

impl Context<'_> {
    /// The verdict on credentials, which `check` is asked for only where it counts.
    fn judge(&self, refusal: &'static str, check: impl FnOnce() -> bool) -> Progress {
        let good = match self.server.accept_auth {
            AcceptAuth::Given => check(),
            AcceptAuth::Any => true,
            AcceptAuth::None => false,
        };
        if good {
            Progress::Accepted
        } else {
            Progress::Failed(refusal)
        }
    }

    /// The accounts that a user name means: alone, or with its domain as `DOMAIN\user` or `user@domain`.
    fn named<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Account> {
        self.accounts.iter().filter(move |account| {
            let with_domain = || {
                let (domain, user) = name.split_once('\\').or_else(|| {
                    let (user, domain) = name.rsplit_once('@')?;
                    Some((domain, user))
                })?;
                Some(
                    account.domain.eq_ignore_ascii_case(domain)
                        && account.user.eq_ignore_ascii_case(user),
                )
            };
            account.user.eq_ignore_ascii_case(name) || with_domain().unwrap_or(false)
        })
    }

    /// Whether a user name and a password in clear belong together.
    fn knows(&self, name: &str, password: &Secret) -> bool {
        self.named(name)
            .any(|account| account.password == *password)
    }
}

/// Why AUTH may not begin here, if so: the whole reply (RFC 4954 section 4).
pub(super) fn admit(context: &Context<'_>, session: &Session) -> Option<&'static str> {
    if session.stage != Stage::Ready || session.authenticated || session.transaction.is_some() {
        return Some("503 5.5.1 bad sequence of commands");
    }
    if !context.server.offers("AUTH") {
        return Some("502 5.5.1 not implemented");
    }
    if context.server.require_tls && !session.tls {
        return Some("530 5.7.0 must issue a STARTTLS command first");
    }
    None
}

/// Begins an exchange with the argument of AUTH.
pub(super) fn begin(context: &Context<'_>, argument: &[u8]) -> (Exchange, Progress) {
    let failed = |reply| (Exchange::Exhausted, Progress::Failed(reply));
    let mut words = argument
        .split(|byte| *byte == b' ')
        .filter(|word| !word.is_empty());
    let mechanism = words.next().unwrap_or_default().to_ascii_uppercase();
    let initial = words.next();
    if mechanism.is_empty() || words.next().is_some() {
        return failed("501 5.5.4 syntax: AUTH mechanism [initial-response]");
    }
    let Some(mut exchange) = mechanism_of(context, &mechanism) else {
        return failed("504 5.5.4 mechanism not supported");
    };
    // An empty initial response is written `=`, to tell it from none at all.
    let initial = match initial {
        None => None,
        Some(b"=") => Some(Vec::new()),
        Some(text) => match STANDARD.decode(text) {
            Ok(bytes) => Some(bytes),
            Err(_) => return failed(NOT_BASE64),
        },
    };
    let progress = match initial {
        None => exchange.open(context),
        Some(response) => exchange.respond(context, response, true),
    };
    (exchange, progress)
}

/// Takes a line that answers a 334.
pub(super) fn answer(context: &Context<'_>, exchange: &mut Exchange, line: &[u8]) -> Progress {
    if line == b"*" {
        return Progress::Failed("501 5.7.0 authentication cancelled");
    }
    match STANDARD.decode(line) {
        Ok(response) => exchange.respond(context, response, false),
        Err(_) => Progress::Failed(NOT_BASE64),
    }
}

/// A mechanism that the scenario offers and this server has.
fn mechanism_of(context: &Context<'_>, name: &[u8]) -> Option<Exchange> {
    if !context
        .server
        .mechanisms()
        .iter()
        .any(|offered| offered.as_bytes() == name)
    {
        return None;
    }
    match name {
        b"PLAIN" => Some(Exchange::Plain),
        b"LOGIN" => Some(Exchange::Login(login::Login::default())),
        b"CRAM-MD5" => Some(Exchange::CramMd5(cram_md5::CramMd5::new(context))),
        b"NTLM" => Some(Exchange::Ntlm(Box::default())),
        _ => None,
    }
}

impl Exchange {
    /// The first 334, where the client sent no initial response.
    fn open(&mut self, context: &Context<'_>) -> Progress {
        match self {
            Self::Plain => Progress::Challenge(String::new()),
            Self::Login(login) => login.prompt(),
            Self::CramMd5(cram) => cram.challenge(),
            Self::Ntlm(_) => Progress::Challenge(context.server.ntlm_text.clone()),
            Self::Exhausted => Progress::Failed(REFUSED),
        }
    }

    /// Takes a decoded response; `initial` tells whether it came in the AUTH line.
    fn respond(&mut self, context: &Context<'_>, response: Vec<u8>, initial: bool) -> Progress {
        match self {
            Self::Plain => plain::respond(context, response),
            Self::Login(login) => login.respond(context, response),
            // The server speaks first in this mechanism (RFC 2195 section 2).
            Self::CramMd5(_) if initial => {
                Progress::Failed("501 5.7.0 this mechanism has no initial response")
            }
            Self::CramMd5(cram) => cram.respond(context, response),
            Self::Ntlm(ntlm) => ntlm.respond(context, response),
            Self::Exhausted => Progress::Failed(REFUSED),
        }
    }
}

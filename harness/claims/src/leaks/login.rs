//! Who logged in, and how far the login gives its secret away.

use serde::{Deserialize, Serialize};
use smtp::Timeline;
use smtp::identity::{Identity, NameSlot, NtlmExchange};
use smtp::ntlm::ResponseKind;
use smtp::sasl::proof::{self, KnownAccount, Verdict};
use smtp::timeline::Authentication;

use super::ntlm::NtlmFacts;
use super::{MAX_ENTRIES, View, is_under_tls};
use crate::capped::Capped;
use crate::subject::outcome_word;
use crate::transcript::is_mechanism;

/// How far a login gives its secret away to a reader of the capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Exposure {
    /// No secret was sent: the login ended before that, or the mechanism has none.
    Nothing,
    /// A proof was sent that gives nothing away, or not without what this capture does not hold.
    Hidden,
    /// What was sent does not decode, or is of a mechanism that is not read.
    Unknown,
    /// A challenge and its response: passwords can be tried against them off line.
    Guessable,
    /// The password or token itself, behind nothing but an encoding.
    Recoverable,
}

impl Exposure {
    /// A word for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "was not sent",
            Self::Hidden => "stays hidden",
            Self::Unknown => "not decoded",
            Self::Guessable => "can be guessed off line",
            Self::Recoverable => "can be read",
        }
    }
}

/// One login.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub struct Account {
    /// The SASL mechanism, in upper case.
    pub mechanism: String,
    /// The user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The domain, or the computer that has the account (NTLM).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// The sender's machine, in its own words (NTLM).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workstation: Option<String>,
    /// Version and build of the operating system that the client claims (NTLM): some clients make it up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed_os: Option<String>,
    /// Which response NTLM sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<String>,
    /// What else NTLM told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ntlm: Option<NtlmFacts>,
    /// How it ended.
    pub outcome: String,
    /// How far the secret is exposed.
    pub exposure: Exposure,
    /// What the known passwords say of it; `None` where none is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// Whether it crossed under TLS, and is only read because the key is at hand.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub under_tls: bool,
    /// Packet of the AUTH command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packet: Option<u64>,
}

/// Whether the client had the password that is known for the account which it named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub struct Proof {
    /// The answer.
    pub verdict: ProofVerdict,
    /// The known account, as `DOMAIN\user`; `None` where none has the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Why it cannot be tested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What testing a login against known passwords showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ProofVerdict {
    /// It cannot be told.
    NotTestable,
    /// The client had another one.
    Contradicted,
    /// The client had the known password.
    Proven,
}

impl Proof {
    fn of(view: &View<'_>, authentication: &Authentication) -> Option<Self> {
        if view.accounts.is_empty() {
            return None;
        }
        let tested = proof::test(authentication, view.accounts);
        let account = tested.account.and_then(|number| view.accounts.get(number));
        let (verdict, reason) = match tested.verdict {
            Verdict::Proven => (ProofVerdict::Proven, None),
            Verdict::Contradicted => (ProofVerdict::Contradicted, None),
            Verdict::NotTestable(reason) => (ProofVerdict::NotTestable, Some(reason.to_owned())),
        };
        Some(Self {
            verdict,
            account: account.map(|account| view.text(&known_name(account))),
            reason,
        })
    }

    /// The answer in a few words.
    pub fn text(&self) -> String {
        let name = self.account.as_deref().unwrap_or("a known account");
        match (self.verdict, &self.reason) {
            (ProofVerdict::Proven, _) => format!("made with the known password of {name}"),
            (ProofVerdict::Contradicted, _) => {
                format!("not made with the known password of {name}")
            }
            (ProofVerdict::NotTestable, Some(reason)) => format!("not testable: {reason}"),
            (ProofVerdict::NotTestable, None) => "not testable".to_owned(),
        }
    }
}

/// What the known passwords say of a login; `None` where none is known.
pub(crate) fn proven(accounts: &[KnownAccount], login: &Authentication) -> Option<ProofVerdict> {
    (!accounts.is_empty()).then(|| match proof::test(login, accounts).verdict {
        Verdict::Proven => ProofVerdict::Proven,
        Verdict::Contradicted => ProofVerdict::Contradicted,
        Verdict::NotTestable(_) => ProofVerdict::NotTestable,
    })
}

/// A known account as people write it.
pub(crate) fn known_name(account: &KnownAccount) -> String {
    match &account.domain {
        Some(domain) => format!("{domain}\\{}", account.user),
        None => account.user.clone(),
    }
}

impl Account {
    /// The account as people write it: `DOMAIN\user`, or the user alone.
    pub fn name(&self) -> Option<String> {
        let user = self.user.as_ref()?;
        Some(match &self.domain {
            Some(domain) => format!("{domain}\\{user}"),
            None => user.clone(),
        })
    }
}

/// The logins of a conversation.
pub(super) fn accounts(view: &View<'_>) -> Capped<Account> {
    let mut all = Capped::default();
    for authentication in &view.timeline.authentications {
        if all.items.len() < MAX_ENTRIES {
            all.push(account(view, authentication), MAX_ENTRIES);
        } else {
            all.left_out += 1;
        }
    }
    all
}

fn account(view: &View<'_>, authentication: &Authentication) -> Account {
    let span = authentication.mechanism.span;
    let names = names(&authentication.identity);
    let ntlm = authentication.identity.ntlm();
    Account {
        mechanism: mechanism(authentication),
        user: names.user.and_then(|user| view.some(user)),
        domain: names.domain.and_then(|domain| view.some(domain)),
        workstation: names.workstation.and_then(|name| view.some(name)),
        claimed_os: ntlm.and_then(claimed_os),
        response: ntlm.and_then(|exchange| {
            let authenticate = &exchange.authenticate.as_ref()?.value;
            Some(authenticate.response_kind().name().to_owned())
        }),
        ntlm: ntlm.map(|exchange| NtlmFacts::of(view, exchange)),
        outcome: outcome_word(authentication),
        exposure: exposure(view.timeline, authentication),
        proof: Proof::of(view, authentication),
        under_tls: is_under_tls(view.timeline, span),
        packet: view.packet(span),
    }
}

/// The mechanism, where it is a name and not something that was put in the place of one.
pub(crate) fn mechanism(authentication: &Authentication) -> String {
    let name = authentication.mechanism.value.as_str();
    if is_mechanism(name) && !name.is_empty() {
        name.to_owned()
    } else {
        "(no name)".to_owned()
    }
}

/// The names in an exchange, those of its last message first.
#[derive(Default)]
pub(crate) struct Names<'a> {
    pub(crate) user: Option<&'a str>,
    pub(crate) domain: Option<&'a str>,
    pub(crate) workstation: Option<&'a str>,
}

pub(crate) fn names(identity: &Identity) -> Names<'_> {
    let mut names = Names::default();
    for given in identity.names() {
        let place = match given.slot {
            NameSlot::User => &mut names.user,
            NameSlot::Domain => &mut names.domain,
            NameSlot::Workstation => &mut names.workstation,
            _ => continue,
        };
        // In NEGOTIATE some programs put the names where they do not belong; AUTHENTICATE comes after it.
        *place = Some(given.name).filter(|name| !name.is_empty());
    }
    names
}

fn claimed_os(exchange: &NtlmExchange) -> Option<String> {
    let third = exchange
        .authenticate
        .as_ref()
        .and_then(|message| message.value.version);
    let first = exchange
        .negotiate
        .as_ref()
        .and_then(|message| message.value.version);
    let version = third.or(first)?;
    if (version.major, version.minor, version.build) == (0, 0, 0) {
        return None;
    }
    Some(match version.product() {
        Some(product) => format!("{product} ({version})"),
        None => format!("version {version}"),
    })
}

/// How far a login gives its secret away.
pub(crate) fn exposure(timeline: &Timeline, authentication: &Authentication) -> Exposure {
    let identity = &authentication.identity;
    if identity.readable().is_some() {
        return Exposure::Recoverable;
    }
    if identity.is_guessable_offline() {
        return Exposure::Guessable;
    }
    if let Some(third) = identity
        .ntlm()
        .and_then(|exchange| exchange.authenticate.as_ref())
    {
        return match third.value.response_kind() {
            ResponseKind::Anonymous | ResponseKind::Local => Exposure::Nothing,
            ResponseKind::Malformed => Exposure::Unknown,
            _ => Exposure::Hidden,
        };
    }
    match identity {
        _ if identity.has_hidden_proof() => Exposure::Hidden,
        Identity::Malformed(_) => Exposure::Unknown,
        Identity::External { .. } | Identity::Anonymous { .. } => Exposure::Nothing,
        Identity::Undecoded if !authentication.responses.is_empty() => Exposure::Unknown,
        // It ended before its secret, unless bytes of the client are missing or stayed closed.
        _ if timeline.gaps.is_empty()
            && timeline.given_up.is_none()
            && !stopped(timeline, authentication) =>
        {
            Exposure::Nothing
        }
        _ => Exposure::Unknown,
    }
}

/// Whether a login went under TLS of which not all could be opened.
fn stopped(timeline: &Timeline, authentication: &Authentication) -> bool {
    let opened = timeline.tls.as_ref().and_then(|tls| tls.opened.as_ref());
    is_under_tls(timeline, authentication.mechanism.span)
        && opened.is_some_and(|opened| opened.stopped != [None, None])
}

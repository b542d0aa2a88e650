//! What a whole capture comes to: how much mail, between whom, how much of it in clear, with whose passwords.

mod tables;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};
use wire::Timestamp;

pub use tables::{AccountRow, ClientRow};

use crate::Brief;
use crate::brief::{Login, Mail, TlsUse, fingerprint};
use crate::capped::is_zero;
use crate::leaks::{Body, Exposure};
use crate::result::rfc3339;

/// Hosts, servers and accounts that are told apart when they are counted. Beyond it the numbers are "at least".
pub const MAX_DISTINCT: usize = 65_536;
/// Mechanisms that are counted apart.
const MAX_MECHANISMS: usize = 32;

/// The answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub struct Answer {
    /// How many conversations.
    pub conversations: u64,
    /// When the last of them ended, in UTC (RFC 3339).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub last_seen: String,
    /// Messages whose content crossed the wire and could be seen.
    pub messages: Messages,
    /// Logins that could be seen.
    pub logins: Logins,
    /// How the conversations stand with TLS.
    pub tls: TlsCounts,
    /// Different client hosts.
    pub clients: u64,
    /// Different servers: address and port.
    pub servers: u64,
    /// Different accounts.
    pub accounts: u64,
    /// Whether one of the three numbers before is a lower bound.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_least: bool,
    /// How often each mechanism was used.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mechanisms: BTreeMap<String, u64>,
    /// By client host: those with most mail in clear first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_client: Vec<ClientRow>,
    /// The clients that are not in the table, together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_clients: Option<ClientRow>,
    /// By account: the most exposed first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_account: Vec<AccountRow>,
    /// The accounts that are not in the table, together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_accounts: Option<AccountRow>,
}

/// Messages, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub struct Messages {
    /// All whose content was seen, in whole or in part.
    pub sent: u64,
    /// Those that the server took.
    pub accepted: u64,
    /// Those whose body anybody on the path could read.
    pub in_clear: u64,
    /// Those whose body is encrypted with S/MIME; those encrypted in part are in clear as well.
    pub smime: u64,
    /// Those whose body is encrypted with `OpenPGP`.
    pub openpgp: u64,
    /// Those that crossed under TLS, and are known only because the key is at hand.
    pub under_tls: u64,
    /// Those that do not tell, since the capture does not hold them whole.
    pub undecided: u64,
}

/// Logins, counted by what they give away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub struct Logins {
    /// All that were seen.
    pub all: u64,
    /// In clear, with a password or token that can be read.
    pub recoverable: u64,
    /// In clear, with a challenge and response against which passwords can be tried off line.
    pub guessable: u64,
    /// Under TLS, and known only because the key is at hand.
    pub under_tls: u64,
    /// In clear, and not decoded.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unknown: u64,
}

/// Conversations, counted by what became of TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub struct TlsCounts {
    /// TLS from the first byte on.
    pub implicit: u64,
    /// STARTTLS, and TLS came of it.
    pub upgraded: u64,
    /// STARTTLS, and no TLS came of it.
    pub refused: u64,
    /// STARTTLS was on offer and was not used.
    pub passed_over: u64,
    /// STARTTLS was never on offer.
    pub not_offered: u64,
    /// No EHLO reply was seen.
    pub unseen: u64,
}

/// Counts conversations, in a bounded amount of memory.
#[derive(Debug, Default)]
pub struct Tally {
    answer: Answer,
    last: Timestamp,
    clients: Distinct,
    servers: Distinct,
    accounts: Distinct,
    tables: tables::Tables,
}

/// How many different values came, as far as memory goes.
#[derive(Debug, Default)]
struct Distinct {
    seen: HashSet<u64>,
    full: bool,
}

impl Distinct {
    fn add(&mut self, value: impl std::hash::Hash) {
        let key = fingerprint(value);
        if self.seen.len() < MAX_DISTINCT {
            self.seen.insert(key);
        } else if !self.seen.contains(&key) {
            self.full = true;
        }
    }

    fn len(&self) -> u64 {
        self.seen.len() as u64
    }
}

impl Tally {
    /// Counts one conversation. The order does not matter, save for the tables' "first seen" when they are full.
    pub fn add(&mut self, brief: &Brief) {
        let answer = &mut self.answer;
        answer.conversations += 1;
        self.last = self.last.max(brief.end);
        *answer.tls.of(brief.tls) += 1;
        self.clients.add(brief.client.ip());
        self.servers.add(brief.server);
        for mail in &brief.mails {
            answer.messages.add(mail);
        }
        for login in &brief.logins {
            answer.logins.add(login);
            count(&mut answer.mechanisms, &login.mechanism);
            if let Some(account) = &login.account {
                self.accounts.add(account.to_lowercase());
            }
        }
        self.tables.add(brief);
    }

    /// What was counted so far.
    pub fn answer(&self) -> Answer {
        let mut answer = self.answer.clone();
        if answer.conversations > 0 {
            answer.last_seen = rfc3339(self.last);
        }
        answer.clients = self.clients.len();
        answer.servers = self.servers.len();
        answer.accounts = self.accounts.len();
        answer.at_least = self.clients.full || self.servers.full || self.accounts.full;
        self.tables.fill(&mut answer);
        answer
    }
}

/// Counts a mechanism; those of a client that makes up names go under `(others)`.
fn count(mechanisms: &mut BTreeMap<String, u64>, name: &str) {
    let known = mechanisms.len() < MAX_MECHANISMS || mechanisms.contains_key(name);
    let name = if known { name } else { "(others)" };
    *mechanisms.entry(name.to_owned()).or_default() += 1;
}

impl Messages {
    fn add(&mut self, mail: &Mail) {
        self.sent += 1;
        self.accepted += u64::from(mail.accepted == Some(true));
        self.in_clear += u64::from(mail.is_in_clear());
        self.under_tls += u64::from(mail.under_tls);
        self.smime += u64::from(matches!(mail.body, Body::Encrypted | Body::PartlyEncrypted));
        self.openpgp += u64::from(mail.body == Body::OpenPgp);
        self.undecided +=
            u64::from(matches!(mail.body, Body::NotWhole | Body::Undecided) && !mail.under_tls);
    }
}

impl Logins {
    fn add(&mut self, login: &Login) {
        self.all += 1;
        let counter = match login.exposure {
            _ if login.under_tls => &mut self.under_tls,
            Exposure::Recoverable => &mut self.recoverable,
            Exposure::Guessable => &mut self.guessable,
            Exposure::Unknown => &mut self.unknown,
            Exposure::Nothing | Exposure::Hidden => return,
        };
        *counter += 1;
    }
}

impl TlsCounts {
    const fn of(&mut self, tls: TlsUse) -> &mut u64 {
        match tls {
            TlsUse::Implicit => &mut self.implicit,
            TlsUse::Upgraded => &mut self.upgraded,
            TlsUse::Refused => &mut self.refused,
            TlsUse::PassedOver => &mut self.passed_over,
            TlsUse::NotOffered => &mut self.not_offered,
            TlsUse::Unseen => &mut self.unseen,
        }
    }

    /// Conversations that went on, or began, under TLS.
    pub const fn protected(&self) -> u64 {
        self.implicit + self.upgraded
    }
}

impl Answer {
    /// The answer in sentences, the most important first.
    pub fn sentences(&self) -> Vec<String> {
        let mut all = vec![self.in_clear(), self.passwords(), self.parties()];
        all.push(self.under_tls());
        let undecided = self.messages.undecided;
        if undecided > 0 {
            let whole = "not whole in the capture, or not to be read as what they are labelled, and not counted as in clear";
            all.push(format!(
                "{}: {whole}.",
                counted(undecided, "message is", "messages are")
            ));
        }
        if self.at_least {
            all.push(format!(
                "Above {MAX_DISTINCT}, clients, servers and accounts are not told apart."
            ));
        }
        all
    }

    fn in_clear(&self) -> String {
        let Messages {
            sent,
            in_clear,
            smime,
            openpgp,
            ..
        } = self.messages;
        if sent == 0 {
            return "No message can be seen.".to_owned();
        }
        let mut text = format!(
            "{in_clear} of {} crossed in clear",
            counted(sent, "message", "messages")
        );
        let encrypted: Vec<_> = [(smime, "S/MIME"), (openpgp, "OpenPGP")]
            .iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, how)| format!("{number} encrypted with {how}"))
            .collect();
        if !encrypted.is_empty() {
            text = format!("{text}; {}", encrypted.join(", "));
        }
        format!("{text}.")
    }

    fn passwords(&self) -> String {
        let Logins {
            all,
            recoverable,
            guessable,
            under_tls,
            unknown,
        } = self.logins;
        if all == 0 {
            return "No login can be seen.".to_owned();
        }
        let mut text = format!(
            "{} can be read, {} can be guessed off line, of {}",
            counted(recoverable, "password", "passwords"),
            guessable,
            counted(all, "login", "logins")
        );
        if under_tls > 0 {
            text = format!("{text} ({under_tls} under TLS)");
        }
        if unknown > 0 {
            text = format!("{text}; {unknown} not decoded");
        }
        format!("{text}.")
    }

    fn parties(&self) -> String {
        let more = if self.at_least { "at least " } else { "" };
        format!(
            "{}: {more}{}, {}, {}.",
            counted(self.conversations, "conversation", "conversations"),
            counted(self.clients, "client host", "client hosts"),
            counted(self.servers, "server", "servers"),
            counted(self.accounts, "account", "accounts")
        )
    }

    fn under_tls(&self) -> String {
        let TlsCounts {
            refused,
            passed_over,
            not_offered,
            unseen,
            ..
        } = self.tls;
        let protected = self.tls.protected();
        let mut parts = vec![format!("{protected} of {} under TLS", self.conversations)];
        for (number, what) in [
            (passed_over, "passed over STARTTLS although it was offered"),
            (refused, "asked for STARTTLS in vain"),
            (not_offered, "had no offer of STARTTLS"),
            (unseen, "show no offer either way"),
        ] {
            if number > 0 {
                parts.push(format!("{number} {what}"));
            }
        }
        format!("Conversations: {}.", parts.join("; "))
    }
}

fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

//! The tables of the answer, by client host and by account.

use std::collections::HashMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use wire::Timestamp;

use super::Answer;
use crate::Brief;
use crate::brief::{Login, TlsUse};
use crate::leaks::{Exposure, ProofVerdict};
use crate::result::rfc3339;

/// Rows that are kept while counting. Whoever comes later goes to the row of the others.
pub(super) const MAX_TRACKED: usize = 4096;
/// Rows that are shown.
pub(super) const MAX_SHOWN: usize = 50;
/// Accounts that are named for one client.
const MAX_NAMED: usize = 4;

/// One client host, or all that have no row of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub struct ClientRow {
    /// Its address; empty for the others.
    pub client: String,
    /// Its conversations.
    pub conversations: u64,
    /// Of them, those under TLS.
    pub under_tls: u64,
    /// Its messages.
    pub messages: u64,
    /// Of them, those in clear.
    pub in_clear: u64,
    /// Its passwords that can be read.
    pub passwords: u64,
    /// The first accounts that it used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<String>,
    /// Whether it used more than those.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more_accounts: bool,
    /// When it was last seen, in UTC (RFC 3339).
    pub last_seen: String,
}

/// One account, or all that have no row of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub struct AccountRow {
    /// `DOMAIN\user`, or the user; empty for the others.
    pub account: String,
    /// The mechanism that exposed it most.
    pub mechanism: String,
    /// How far its secret is exposed; `None` where it only crossed under TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exposure: Option<Exposure>,
    /// What the known passwords say of any of its logins; `None` where none is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<ProofVerdict>,
    /// Its logins.
    pub logins: u64,
    /// Where it is exposed most: the conversation.
    pub conversation: String,
    /// Where it is exposed most: the packet of the AUTH command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packet: Option<u64>,
    /// When it was last seen, in UTC (RFC 3339).
    pub last_seen: String,
}

#[derive(Debug, Default)]
pub(super) struct Tables {
    clients: Table<IpAddr, ClientRow>,
    accounts: Table<String, AccountRow>,
}

/// Rows by key, with a bound.
#[derive(Debug)]
struct Table<K, R> {
    rows: HashMap<K, (R, Timestamp)>,
    others: Option<(R, Timestamp)>,
}

impl<K, R> Default for Table<K, R> {
    fn default() -> Self {
        Self {
            rows: HashMap::new(),
            others: None,
        }
    }
}

impl<K: std::hash::Hash + Eq, R: Default> Table<K, R> {
    /// The row of `key`, last seen at `time`, and whether it is its own.
    fn row(&mut self, key: K, time: Timestamp) -> (&mut R, bool) {
        let own = self.rows.len() < MAX_TRACKED || self.rows.contains_key(&key);
        let (row, last) = if own {
            self.rows.entry(key).or_default()
        } else {
            self.others.get_or_insert_default()
        };
        *last = (*last).max(time);
        (row, own)
    }
}

impl Tables {
    pub(super) fn add(&mut self, brief: &Brief) {
        let (row, own) = self.clients.row(brief.client.ip(), brief.end);
        row.conversations += 1;
        row.under_tls += u64::from(matches!(brief.tls, TlsUse::Implicit | TlsUse::Upgraded));
        row.messages += brief.mails.len() as u64;
        row.in_clear += brief.mails.iter().filter(|mail| mail.is_in_clear()).count() as u64;
        row.passwords += brief
            .logins
            .iter()
            .filter(|login| is_readable(login))
            .count() as u64;
        if own {
            for account in brief
                .logins
                .iter()
                .filter_map(|login| login.account.as_ref())
            {
                row.name(account);
            }
        }
        for login in &brief.logins {
            let Some(account) = &login.account else {
                continue;
            };
            let (row, own) = self.accounts.row(account.to_lowercase(), brief.end);
            row.add(login, brief);
            if own && row.account.is_empty() {
                row.account.clone_from(account);
            }
        }
    }

    /// Writes the tables into the answer.
    pub(super) fn fill(&self, answer: &mut Answer) {
        let mut clients: Vec<_> = self.clients.rows.iter().collect();
        clients.sort_unstable_by(|(one, (a, _)), (other, (b, _))| {
            let weight = |row: &ClientRow| (row.in_clear, row.passwords, row.conversations);
            weight(b).cmp(&weight(a)).then_with(|| one.cmp(other))
        });
        let mut others = self.clients.others.clone();
        for (place, (address, (row, last))) in clients.into_iter().enumerate() {
            if place < MAX_SHOWN {
                let (client, last_seen) = (address.to_string(), rfc3339(*last));
                answer.by_client.push(ClientRow {
                    client,
                    last_seen,
                    ..row.clone()
                });
            } else {
                let (sum, latest) = others.get_or_insert_default();
                sum.take(row);
                *latest = (*latest).max(*last);
            }
        }
        answer.other_clients = others.map(|(row, last)| ClientRow {
            last_seen: rfc3339(last),
            ..row
        });

        let mut accounts: Vec<_> = self.accounts.rows.values().collect();
        accounts.sort_unstable_by(|(a, _), (b, _)| {
            b.exposure
                .cmp(&a.exposure)
                .then_with(|| b.logins.cmp(&a.logins))
                .then_with(|| a.account.cmp(&b.account))
        });
        let mut others = self.accounts.others.clone();
        for (place, (row, last)) in accounts.into_iter().enumerate() {
            if place < MAX_SHOWN {
                let last_seen = rfc3339(*last);
                answer.by_account.push(AccountRow {
                    last_seen,
                    ..row.clone()
                });
            } else {
                let (sum, latest) = others.get_or_insert_default();
                sum.take(row);
                *latest = (*latest).max(*last);
            }
        }
        answer.other_accounts = others.map(|(row, last)| AccountRow {
            account: String::new(),
            last_seen: rfc3339(last),
            ..row
        });
    }
}

fn is_readable(login: &Login) -> bool {
    !login.under_tls && login.exposure == Exposure::Recoverable
}

impl ClientRow {
    fn name(&mut self, account: &str) {
        if self.accounts.iter().any(|known| known == account) {
            return;
        }
        if self.accounts.len() < MAX_NAMED {
            self.accounts.push(account.to_owned());
        } else {
            self.more_accounts = true;
        }
    }

    /// Adds the numbers of a row that is not shown.
    fn take(&mut self, row: &Self) {
        self.conversations += row.conversations;
        self.under_tls += row.under_tls;
        self.messages += row.messages;
        self.in_clear += row.in_clear;
        self.passwords += row.passwords;
    }
}

impl AccountRow {
    fn add(&mut self, login: &Login, brief: &Brief) {
        let exposure = (!login.under_tls).then_some(login.exposure);
        if self.logins == 0 || exposure > self.exposure {
            self.mechanism.clone_from(&login.mechanism);
            self.exposure = exposure;
            self.conversation.clone_from(&brief.id);
            self.packet = login.packet;
        }
        self.logins += 1;
        self.proof = self.proof.max(login.proof);
    }

    /// Adds a row that is not shown.
    fn take(&mut self, row: &Self) {
        let logins = self.logins + row.logins;
        let proof = self.proof.max(row.proof);
        if self.logins == 0 || row.exposure > self.exposure {
            *self = row.clone();
        }
        self.logins = logins;
        self.proof = proof;
    }
}

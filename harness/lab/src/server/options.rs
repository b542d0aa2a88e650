//! What a server is started with.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use smtp::Secret;
use wire::pipeline::SpareTime;

use super::{Backlog, Certificate, Custody, Script, Terms};
use crate::scenario::{Scenario, ServerName, ServerTable};
use crate::tap::{Clock, Recorder};

/// Somebody whose credentials the server knows.
#[derive(Clone, Debug)]
pub struct Account {
    /// `NetBIOS` domain; empty where the account belongs to none.
    pub domain: String,
    /// Account name.
    pub user: String,
    /// Password.
    pub password: Secret,
}

/// Where challenges come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seed {
    /// The system's randomness: the only safe choice where the client is not ours.
    Random,
    /// Challenges follow from this number, and are the same in every run.
    Pinned(u64),
}

/// Everything about a server but its address.
#[derive(Debug)]
pub struct Options {
    /// The default server: what it offers and insists on.
    pub server: ServerTable,
    /// What it does differently.
    pub script: Script,
    /// Whose credentials it knows.
    pub accounts: Vec<Account>,
    /// What it shows of itself under TLS, in the place of a certificate that is made for it.
    pub certificate: Option<Certificate>,
    /// Where challenges come from.
    pub seed: Seed,
    /// The time that it tells clients.
    pub clock: Clock,
    /// Where its connections are recorded, if anywhere.
    pub recorder: Option<Recorder>,
    /// How much of what is recorded may wait for whoever follows the capture, if anybody does.
    pub backlog: Option<Backlog>,
    /// The address that captures show in the place of the one that is listened on; `None` for what the recorder shows by itself.
    pub shown: Option<SocketAddr>,
    /// Who takes the messages that are accepted, if anybody does.
    pub custody: Option<Arc<dyn Custody>>,
    /// How connections are served, whatever is said on them.
    pub terms: Terms,
    /// How long a thread that serves looks out for what a client sends next, before it sleeps. With more than none it keeps a
    /// processor busy for so long after each command, and is for a runtime of one thread.
    pub awake: Duration,
    /// Where the moments go in which it looks out and nobody says anything.
    pub spare: SpareTime,
    /// How long it waits for a client that says nothing, or reads nothing.
    pub idle: Duration,
    /// How long a connection may last, whatever its client does.
    pub session: Duration,
}

impl Options {
    /// The server of a scenario: no accounts, a certificate of its own authority, random challenges, the real clock, no
    /// recorder, the usual terms, 5 seconds of idleness, an hour for a connection.
    pub fn new(scenario: &Scenario) -> Self {
        Self::with(
            scenario.server.clone(),
            Script::of(scenario, ServerName::Main),
        )
    }

    /// As [`Options::new`], for one of the other servers of a scenario.
    pub fn of_other(scenario: &Scenario, name: ServerName, table: &ServerTable) -> Self {
        Self::with(table.clone(), Script::of(scenario, name))
    }

    /// As [`Options::new`], for a server that no scenario describes.
    pub fn with(server: ServerTable, script: Script) -> Self {
        Self {
            server,
            script,
            accounts: Vec::new(),
            certificate: None,
            seed: Seed::Random,
            clock: Clock::Real,
            recorder: None,
            backlog: None,
            shown: None,
            custody: None,
            terms: Terms::default(),
            awake: Duration::ZERO,
            spare: SpareTime::default(),
            idle: Duration::from_secs(5),
            session: Duration::from_hours(1),
        }
    }
}

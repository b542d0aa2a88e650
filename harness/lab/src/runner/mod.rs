//! Runs a scenario: server, tap, client; and says where the capture is and what is known about the client.
//!
//! It does not judge. What it hands on is a file of packets and a statement of how the client was configured.

pub mod canary;
mod catalogue;
mod configured;
mod given;
pub mod outside;
mod servers;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use claims::Given;
use claims::given::{ClientTls, Reported};
use rand::RngExt;
use rand::rngs::StdRng;
use smtp::cms::RecipientKey;

use crate::adapter::config::{Account as ServiceAccount, Config, Payload};
use crate::adapter::config::{
    AuthMode, BasicMechanism, Certificate, FileSource, MimeProperties, Recipient, Retry, Transfer,
};
use crate::adapter::readings::Readings;
use crate::adapter::{Adapter, Delivery, Environment, Outcome, Route, Twin, Waiting, keys};
use crate::scenario::{AdapterOutcome, LoadErrors, Scenario};
use crate::server::{Account, Fired, Options, Running, Seed, Server, ServerReport};
use crate::tap::{Clock, Recorder, RecorderOptions};
use canary::Canaries;
use servers::Others;

/// The seed of pinned runs.
pub const PINNED_SEED: u64 = 0x5321;

/// How cases are run.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Folder for captures; it must exist.
    pub out: PathBuf,
    /// Misbehaviour of the reference adapter, on top of what a scenario asks for.
    pub twins: Vec<Twin>,
    /// Stopped clock, fixed seed, ports and challenges: the same capture every time, byte for byte.
    pub pinned: bool,
}

/// A case that was run.
#[derive(Debug)]
pub struct CaseRun {
    /// The capture.
    pub capture: PathBuf,
    /// What is known about the client.
    pub given: Given,
    /// What the client itself made of its message.
    pub outcome: Outcome,
    /// The connections that a limit of the server ended, a sentence each.
    pub ended: Vec<String>,
    /// How long it took.
    pub duration: Duration,
}

/// The scenarios that are built in, in the order of their files.
///
/// # Errors
///
/// One of them is not valid, which a test of the catalogue excludes.
pub fn catalogue() -> Result<Vec<Scenario>, LoadErrors> {
    let mut scenarios = Vec::new();
    let mut errors = Vec::new();
    for (name, text) in catalogue::FILES {
        match Scenario::parse_all(name, text) {
            Ok(cases) => scenarios.extend(cases),
            Err(diagnostics) => errors.push(crate::scenario::LoadError::Invalid(diagnostics)),
        }
    }
    errors.extend(crate::scenario::reject_duplicates(&scenarios));
    if errors.is_empty() {
        Ok(scenarios)
    } else {
        Err(LoadErrors(errors))
    }
}

/// Name and text of the scenarios that are built in.
#[cfg(test)]
pub(crate) fn catalogue_files() -> &'static [(&'static str, &'static str)] {
    catalogue::FILES
}

/// Runs one scenario against the reference adapter and leaves its capture in the folder of `options`.
///
/// # Errors
///
/// The server cannot be bound, or the capture cannot be written.
pub async fn run(scenario: &Scenario, options: &RunOptions) -> io::Result<CaseRun> {
    let started = Instant::now();
    let seed = if options.pinned {
        PINNED_SEED
    } else {
        rand::make_rng::<StdRng>().random()
    };
    let canaries = Canaries::new(seed);
    let setup = Setup::new(scenario, &canaries);
    let capture = options.out.join(format!("{}.pcapng", scenario.id.value));
    let how = Start {
        capture: &capture,
        pinned: options.pinned.then_some(seed),
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        idle: None,
    };
    let (recorder, server) = start(scenario, &setup, &how).await?;
    let others = Others::start(scenario, &setup, &how, &recorder)?;
    let authorities = server.ca_pem().to_owned() + &others.authorities();
    let environment = environment(options.pinned.then_some(seed), authorities, &recorder);
    let route = others.route(scenario, &setup, server.address());
    let mut twins = options.twins.clone();
    twins.extend(scenario.client.twins.iter().map(|twin| twin.value));
    let mut adapter = Adapter::new(setup.config.clone(), Vec::new(), environment);
    if scenario.client.control {
        adapter.config = setup.control.clone();
        adapter.deliver(server.address(), &setup.payload).await;
        adapter.config = setup.config.clone();
    }
    if scenario.client.other_host {
        adapter.config = setup.other_host();
        adapter.deliver(server.address(), &setup.payload).await;
        adapter.config = setup.config.clone();
    }
    adapter.twins = twins;
    let mut delivery = send(&mut adapter, route.as_ref(), &server, &setup.payload).await;
    if let Some((config, payload)) = &setup.second_host {
        adapter.config = config.clone();
        let second = send(&mut adapter, route.as_ref(), &server, payload).await;
        delivery = delivery.and(second);
    }

    let mut reports = vec![server.stop().await?];
    reports.extend(others.stop().await?);
    recorder.finish()?;
    let mut given = given::given(
        scenario,
        &setup.config,
        &setup.payload,
        &canaries,
        &setup.keys,
    );
    given.reported = Some(match delivery.outcome {
        Outcome::Sent => Reported::Sent,
        Outcome::Suspended(_) => Reported::Failed,
    });
    given.said = Some(delivery.told());
    given.other_hosts = given::other_hosts(setup.second_host.as_ref().map(|(config, _)| config));
    given.servers = servers::given(scenario, &setup.config, how.listen.ip());
    let unplayed = reports.iter().flat_map(ServerReport::unfired);
    given.unfired = unplayed.map(|fired| unfired(scenario, fired)).collect();
    Ok(CaseRun {
        capture,
        given,
        outcome: delivery.outcome,
        ended: reports.iter().flat_map(ended).collect(),
        duration: started.elapsed(),
    })
}

/// Time, chance and trust of the adapter. With a seed, time stands still, and waiting is told to the clock of the capture.
fn environment(pinned: Option<u64>, authorities: String, recorder: &Recorder) -> Environment {
    let mut environment = pinned.map_or_else(Environment::real, Environment::pinned);
    environment.authority = Some(authorities);
    if pinned.is_some() {
        let recorder = recorder.clone();
        environment.waiting = Waiting::Told(Arc::new(move |time| recorder.pause(time)));
    }
    environment
}

/// Sends one message: along the route of the case, or straight to its server.
async fn send(
    adapter: &mut Adapter,
    route: Option<&Route>,
    server: &Running,
    payload: &Payload,
) -> Delivery {
    match route {
        Some(route) => adapter.deliver_by(route, payload).await,
        None => adapter.deliver(server.address(), payload).await,
    }
}

/// Whether the client's own view is the one that the scenario expects; a sentence where it is not.
pub fn unexpected_outcome(scenario: &Scenario, outcome: &Outcome) -> Option<String> {
    let expected = scenario.expect.outcome?;
    match (expected, outcome) {
        (AdapterOutcome::Sent, Outcome::Sent)
        | (AdapterOutcome::Suspended, Outcome::Suspended(_)) => None,
        (AdapterOutcome::Suspended, Outcome::Sent) => {
            Some("the message was sent; the scenario expects it to be suspended".to_owned())
        }
        (AdapterOutcome::Sent, Outcome::Suspended(reason)) => Some(format!(
            "the message was suspended ({reason}); the scenario expects it to be sent"
        )),
    }
}

/// What a server is started with, beside its scenario and the accounts that it knows.
struct Start<'a> {
    capture: &'a Path,
    pinned: Option<u64>,
    listen: SocketAddr,
    /// How long it waits for a client that says nothing; what servers do by themselves where absent.
    idle: Option<Duration>,
}

async fn start(
    scenario: &Scenario,
    setup: &Setup,
    how: &Start<'_>,
) -> io::Result<(Recorder, Running)> {
    let clock = match how.pinned {
        Some(_) => Clock::Pinned,
        None => Clock::Real,
    };
    let comment = format!(
        "scenario {}: {}; frames made from what crossed the server's socket on loopback; port {} stands for the one listened on{}",
        scenario.id.value,
        scenario.title,
        scenario.server.port,
        servers::legend(scenario, how.listen.ip())
    );
    let recorder = Recorder::create(
        how.capture,
        RecorderOptions {
            clock,
            nominal_port: Some(scenario.server.port),
            comment,
            held: 0,
        },
    )
    .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", how.capture.display())))?;
    let mut server = Options::new(scenario);
    server.accounts.clone_from(&setup.accounts);
    server.seed = how.pinned.map_or(Seed::Random, Seed::Pinned);
    server.clock = clock;
    server.recorder = Some(recorder.clone());
    if let Some(idle) = how.idle {
        server.idle = idle;
    }
    let server = Server::bind(how.listen, server)?.spawn()?;
    Ok((recorder, server))
}

/// The connections that a limit of the server ended, a sentence each.
fn ended(report: &ServerReport) -> Vec<String> {
    report.ended.iter().map(ToString::to_string).collect()
}

fn unfired(scenario: &Scenario, fired: &Fired) -> String {
    let line = 1 + scenario
        .source
        .text
        .bytes()
        .take(fired.span.start)
        .filter(|byte| *byte == b'\n')
        .count();
    let file = &scenario.source.name;
    match &fired.why {
        Some(why) => format!("the transcript was not followed at {file}:{line}: {why}"),
        None => format!("the rule at {file}:{line} was never used"),
    }
}

/// How the client of a case is configured, and whom the server knows.
struct Setup {
    config: Config,
    /// The same port with nothing missing.
    control: Config,
    payload: Payload,
    /// Another host instance with the same port, and the message that it sends.
    second_host: Option<(Config, Payload)>,
    accounts: Vec<Account>,
    keys: Vec<RecipientKey>,
}

impl Setup {
    fn new(scenario: &Scenario, canaries: &Canaries) -> Self {
        let mut config = defaults(canaries);
        scenario.client.apply(&mut config);
        fill(&mut config, canaries);
        if scenario.client.default_auth {
            config.auth = Config::documented().auth;
        }
        let mut accounts = vec![
            Account {
                domain: String::new(),
                user: config.username.clone().unwrap_or_default(),
                password: config
                    .password
                    .clone()
                    .unwrap_or_else(|| canaries.password.clone()),
            },
            known(&config.account),
        ];
        if scenario.client.wrong_password {
            config.password = Some(canaries.wrong.clone());
            config.account.password = canaries.wrong.clone();
        }
        let mut control = config.clone();
        control.subject = Some(canaries.control.clone());
        if let Some(encoder) = &mut control.encoder {
            encoder.certificate = Certificate::Found;
        }
        configured::mend(&mut control, canaries);
        let mut payload = Payload {
            message_id: canaries.message_id.clone(),
            body: b"Order 4711\r\n{body-canary}\r\nEnd of order.\r\n".to_vec(),
            content_type: "text/plain".to_owned(),
            source_party: None,
            source_party_qualifier: None,
            destination_party: None,
            destination_party_qualifier: None,
            parts: Vec::new(),
            mime: MimeProperties::default(),
        };
        scenario.client.payload.apply(&mut payload);
        payload.body = canaries
            .fill(&String::from_utf8_lossy(&payload.body))
            .into_bytes();
        let second_host = second_host(scenario, &config, &payload);
        accounts.extend(second_host.iter().map(|(config, _)| known(&config.account)));
        let keys = recipient_keys(&config);
        Self {
            config,
            control,
            payload,
            second_host,
            accounts,
            keys,
        }
    }
}

/// The account of a host, as the server knows it.
fn known(account: &ServiceAccount) -> Account {
    Account {
        domain: account.domain.clone(),
        user: account.user.clone(),
        password: account.password.clone(),
    }
}

/// The second host of a case, which has another account and another name, and sends another message by the same port.
fn second_host(
    scenario: &Scenario,
    config: &Config,
    payload: &Payload,
) -> Option<(Config, Payload)> {
    let table = scenario.client.second_host.as_ref()?;
    let mut config = config.clone();
    table.apply(&mut config.account);
    config.ehlo = format!(
        "{}.corp.example",
        config.account.workstation.to_ascii_lowercase()
    );
    let mut payload = payload.clone();
    payload.message_id = payload.message_id.chars().rev().collect();
    Some((config, payload))
}

impl Setup {
    /// A port of another host instance, on another machine of the same group.
    fn other_host(&self) -> Config {
        let mut config = self.config.clone();
        "bts-host02.corp.example".clone_into(&mut config.ehlo);
        config.to = vec!["invoices@partner.example".to_owned()];
        config.cc.clear();
        config.bcc.clear();
        config
    }
}

/// The keys of those who can open what the case encrypts.
fn recipient_keys(config: &Config) -> Vec<RecipientKey> {
    let default = [Recipient::Port];
    let named = config
        .encoder
        .as_ref()
        .map(|encoder| &encoder.cms.recipients);
    let named = named.map_or(default.as_slice(), Vec::as_slice);
    let pem = |recipient: &Recipient| match recipient {
        Recipient::Port => keys::RECIPIENT_KEY,
        Recipient::P256 => keys::P256_KEY,
        Recipient::P384 => keys::P384_KEY,
    };
    let read = |pem| {
        RecipientKey::from_pem(pem).expect("the embedded test keys parse, as their own test shows")
    };
    named.iter().map(pem).map(read).collect()
}

/// What a case has that says nothing about its client.
fn defaults(canaries: &Canaries) -> Config {
    Config {
        auth: AuthMode::None,
        mechanism: BasicMechanism::Login,
        tls: ClientTls::Never,
        initial_response: false,
        username: Some(canaries.username.clone()),
        password: Some(canaries.password.clone()),
        account: ServiceAccount {
            domain: "CORP".to_owned(),
            user: "svc-biztalk".to_owned(),
            password: canaries.account_password.clone(),
            workstation: "BTS-HOST01".to_owned(),
        },
        smtp_host: None,
        ehlo: "bts-host01.corp.example".to_owned(),
        from: "biztalk@corp.example".to_owned(),
        to: vec!["orders@partner.example".to_owned()],
        cc: Vec::new(),
        bcc: Vec::new(),
        subject: None,
        read_receipt: false,
        delivery_receipt: false,
        body_text: None,
        body_text_charset: Some("utf-8".to_owned()),
        body_file: None,
        body_file_charset: None,
        attachments: Vec::new(),
        message_parts_attachments: 0,
        reply_by: None,
        encoder: None,
        transfer: Transfer::default(),
        retry: Retry {
            count: 0,
            interval: Duration::from_millis(20),
        },
        timeout: Duration::from_secs(5),
        readings: Readings::default(),
        unlimited: false,
    }
}

/// Puts the canaries where the scenario marked their places.
fn fill(config: &mut Config, canaries: &Canaries) {
    for text in config
        .to
        .iter_mut()
        .chain(&mut config.cc)
        .chain(&mut config.bcc)
        .chain([&mut config.from])
    {
        *text = canaries.fill(text);
    }
    for text in [&mut config.subject, &mut config.body_text]
        .into_iter()
        .flatten()
    {
        *text = canaries.fill(text);
    }
    for file in config
        .attachments
        .iter_mut()
        .chain(config.body_file.iter_mut())
    {
        if let FileSource::Inline { bytes, .. } = file {
            *bytes = canaries.fill(&String::from_utf8_lossy(bytes)).into_bytes();
        }
    }
}

//! Runs a scenario against a client that is not ours: a program that is started, a service elsewhere that is triggered,
//! or one that a person sets going.

use std::io::{self, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use claims::Given;
use claims::given::Reported;
use rand::RngExt;
use rand::rngs::StdRng;

use super::canary::Canaries;
use super::{Setup, Start, ended, given, start, unfired};
use crate::adapter::config::AuthMode;
use crate::client::{Client, Draft, Job, Said};
use crate::scenario::Scenario;
use crate::server::Running;

/// How long a connection must be over before the case is, where nobody says that the client has ended.
const QUIET: Duration = Duration::from_millis(700);

/// How a client is set going.
#[derive(Debug)]
pub enum Way {
    /// It is a program: started for each case, and over when it ends.
    Program(Client),
    /// A program that makes a service elsewhere send: after it has ended, the connection is waited for.
    Trigger(Client),
    /// A person is told, and the connection is waited for.
    Attended,
}

/// How cases are run against a client.
#[derive(Debug)]
pub struct Options {
    /// Folder for captures and logs; it must exist.
    pub out: PathBuf,
    /// How the client is set going.
    pub way: Way,
    /// The address that is listened on.
    pub address: IpAddr,
    /// The port; 0 takes a free one for each case.
    pub port: u16,
    /// How long a case may take, once the client is going.
    pub limit: Duration,
    /// How long a connection is waited for, where the client is not a program of ours.
    pub wait: Duration,
}

/// What a person has to let the client send.
#[derive(Clone, Debug)]
pub struct Notice {
    /// The job.
    pub job: Job,
    /// What the case is about.
    pub title: String,
    /// A text that must stand in the Subject, or in the address of a recipient.
    pub token: String,
    /// How long the connection is waited for.
    pub wait: Duration,
    /// File with the whole message.
    pub message: PathBuf,
    /// File with the password, where one is needed.
    pub password: Option<PathBuf>,
}

/// A case that was run, or that the client cannot do.
#[derive(Debug)]
pub enum Case {
    /// It cannot, for this reason.
    NotApplicable {
        /// Why.
        reason: String,
        /// What it wrote, where it was asked.
        log: Option<PathBuf>,
    },
    /// It was run.
    Ran(Box<Ran>),
}

/// A case that was run.
#[derive(Debug)]
pub struct Ran {
    /// The capture.
    pub capture: PathBuf,
    /// What is known about the client.
    pub given: Given,
    /// The connections that a limit of the server ended, a sentence each.
    pub ended: Vec<String>,
    /// What the client wrote, where it is a program.
    pub log: Option<PathBuf>,
    /// What it said became of its message; `None` where nobody said anything.
    pub said: Option<Said>,
    /// The last line that it wrote.
    pub last_line: Option<String>,
    /// The text that marks the message of this case, where a person or a service elsewhere sent it.
    pub token: Option<String>,
}

/// Runs one scenario. `tell` is called where a person has to do something.
///
/// # Errors
///
/// The server cannot be bound, or a file cannot be written.
pub async fn run(
    scenario: &Scenario,
    options: &Options,
    tell: &(dyn Fn(&Notice) + Sync),
) -> io::Result<Case> {
    let canaries = Canaries::new(rand::make_rng::<StdRng>().random());
    let mut setup = Setup::new(scenario, &canaries);
    let id = &scenario.id.value;
    let token = format!("{id}-{}", &canaries.message_id[..8]);
    let marked = !matches!(options.way, Way::Program(_));
    setup.config.subject = Some(match &setup.config.subject {
        None => format!("Message {token}"),
        Some(subject) if marked => format!("{subject} {token}"),
        Some(subject) => subject.clone(),
    });
    // A client that cannot do the case is not started, and nobody listens for it.
    let nowhere = SocketAddr::new(options.address, options.port);
    let mut job = job(scenario, &setup, nowhere, String::new());
    if let Some(reason) = refusal(&options.way, &job) {
        return Ok(Case::NotApplicable { reason, log: None });
    }

    let capture = options.out.join(format!("{id}.pcapng"));
    let log = options.out.join(format!("{id}.client.log"));
    let how = Start {
        capture: &capture,
        pinned: None,
        listen: nowhere,
        idle: Some(options.limit),
    };
    let (recorder, server) = start(scenario, &setup, &how).await?;
    job.server = server.address();
    server.ca_pem().clone_into(&mut job.ca);
    let notice = Notice {
        password: (!job.password.is_empty()).then(|| options.out.join(format!("{id}.password"))),
        job,
        title: scenario.title.clone(),
        token: token.clone(),
        wait: options.wait,
        message: options.out.join(format!("{id}.eml")),
    };
    let heard = set_going(&notice, options, &server, &log, tell).await;
    let report = server.stop().await?;
    recorder.finish()?;
    let (said, last_line, log) = heard?;
    if let Some(Said::Cannot(reason)) = said {
        return Ok(Case::NotApplicable { reason, log });
    }
    let mut given = given::given(
        scenario,
        &setup.config,
        &setup.payload,
        &canaries,
        &setup.keys,
    );
    given.servers = super::servers::given(scenario, &setup.config, options.address);
    given.reported = match &said {
        Some(Said::Status(reported)) => Some(*reported),
        _ => None,
    };
    let told = match &options.way {
        Way::Program(client) | Way::Trigger(client) => client.definition().is_told("timeout"),
        Way::Attended => false,
    };
    given.patience = given.patience.filter(|_| told);
    given.said = match (&options.way, &log) {
        (Way::Program(_), Some(log)) => std::fs::read(log).ok().map(smtp::Secret::new),
        _ => None,
    };
    given.unfired = report
        .unfired()
        .map(|fired| unfired(scenario, fired))
        .collect();
    Ok(Case::Ran(Box::new(Ran {
        capture,
        given,
        ended: ended(&report),
        log,
        said,
        last_line,
        token: marked.then_some(token),
    })))
}

impl Notice {
    /// Writes the files that it names, for their owner alone.
    fn write(&self) -> io::Result<()> {
        let write = |path: &Path, content: &[u8]| wire::create_private(path)?.write_all(content);
        write(&self.message, &self.job.draft.write(jiff::Timestamp::now()))?;
        match &self.password {
            Some(path) => write(path, self.job.password.expose()),
            None => Ok(()),
        }
    }
}

/// What a client said, its last line, and where its log is.
type Heard = (Option<Said>, Option<String>, Option<PathBuf>);

async fn set_going(
    notice: &Notice,
    options: &Options,
    server: &Running,
    log: &Path,
    tell: &(dyn Fn(&Notice) + Sync),
) -> io::Result<Heard> {
    match &options.way {
        Way::Program(client) => {
            let work = client.work(&notice.job, log, options.limit).await?;
            Ok((Some(work.said), work.last_line, Some(log.to_owned())))
        }
        Way::Trigger(client) => {
            let work = client.work(&notice.job, log, options.limit).await?;
            // Its status is about the trigger; it says nothing of the message. Its folder is there until the end.
            let said = match work.said {
                Said::Cannot(_) => Some(work.said),
                Said::Status(Reported::Sent) => {
                    wait_for(server, options, notice.job.retry).await;
                    None
                }
                Said::Status(Reported::Failed) | Said::Nothing => None,
            };
            Ok((said, work.last_line, Some(log.to_owned())))
        }
        Way::Attended => {
            notice.write()?;
            tell(notice);
            wait_for(server, options, notice.job.retry).await;
            if let Some(password) = &notice.password {
                std::fs::remove_file(password)?;
            }
            Ok((None, None, None))
        }
    }
}

/// Waits for a connection, and then until all are over. A client that is to try again has the whole time for it.
async fn wait_for(server: &Running, options: &Options, retry: bool) {
    let began = Instant::now();
    let mut quiet_since = None;
    loop {
        let (accepted, ended) = server.connections();
        let patience = if accepted == 0 {
            options.wait
        } else {
            options.wait + options.limit
        };
        if began.elapsed() >= patience {
            return;
        }
        if accepted == 0 || ended < accepted {
            quiet_since = None;
        } else {
            let since = *quiet_since.get_or_insert_with(Instant::now);
            let enough = if retry { options.wait } else { QUIET };
            if since.elapsed() >= enough {
                return;
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn refusal(way: &Way, job: &Job) -> Option<String> {
    match way {
        Way::Program(client) | Way::Trigger(client) => client.refusal(job),
        Way::Attended => job
            .only_adapter
            .map(|key| format!("the case sets `{key}`, which only the reference adapter has")),
    }
}

/// What a scenario asks of a client that is not ours.
fn job(scenario: &Scenario, setup: &Setup, server: SocketAddr, ca: String) -> Job {
    let config = &setup.config;
    let (user, domain, password) = match config.auth {
        AuthMode::None => Default::default(),
        AuthMode::Basic => (
            config.username.clone().unwrap_or_default(),
            String::new(),
            config.password.clone(),
        ),
        AuthMode::Ntlm => (
            config.account.user.clone(),
            config.account.domain.clone(),
            Some(config.account.password.clone()),
        ),
    };
    Job {
        case: scenario.id.value.clone(),
        server,
        mode: config.auth,
        mechanism: scenario.client.mechanism.as_ref().map(|word| word.value),
        tls: config.tls,
        user,
        domain,
        password: password.unwrap_or_else(|| smtp::Secret::new(Vec::new())),
        sender: config.from.clone(),
        recipients: [&config.to, &config.cc, &config.bcc]
            .into_iter()
            .flatten()
            .cloned()
            .collect(),
        bcc: config.bcc.clone(),
        draft: Draft {
            from: config.from.clone(),
            to: config.to.clone(),
            cc: config.cc.clone(),
            subject: config.subject.clone().unwrap_or_default(),
            message_id: setup.payload.message_id.clone(),
            domain: config.ehlo.clone(),
            content_type: setup.payload.content_type.clone(),
            read_receipt: config.read_receipt,
            body: setup.payload.body.clone(),
        },
        ehlo: config.ehlo.clone(),
        ca,
        delivery_receipt: config.delivery_receipt,
        retry: config.retry.count > 0,
        timeout: config.timeout,
        only_adapter: only_adapter(scenario),
    }
}

/// The key of a scenario that no outside client has a counterpart of.
fn only_adapter(scenario: &Scenario) -> Option<&'static str> {
    let client = &scenario.client;
    [
        ("encoder", client.encoder.is_some()),
        ("attachments", client.port.attachments.is_some()),
        ("body_text", client.port.body_text.is_some()),
        ("body_file", client.port.body_file.is_some()),
        (
            "message_parts_attachments",
            client.port.message_parts_attachments.is_some(),
        ),
        ("reply_by", client.port.reply_by.is_some()),
        ("handler", client.handler.is_some()),
        ("context", client.context.is_some()),
        ("dynamic", client.dynamic.is_some()),
        ("readings", client.readings.is_some()),
        ("smtp_host", client.smtp_host.is_some()),
        ("require_tls_onward", client.require_tls_onward.is_some()),
        ("servers", !scenario.servers.is_empty()),
        ("default_auth", client.default_auth),
        ("second_host", client.second_host.is_some()),
        ("control", client.control),
        ("other_host", client.other_host),
        ("twins", !client.twins.is_empty()),
    ]
    .into_iter()
    .find_map(|(key, set)| set.then_some(key))
}

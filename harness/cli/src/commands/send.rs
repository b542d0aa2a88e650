//! `smtpspec send`: a message to a real server, sent as the documented adapter sends.

mod consent;
mod files;
mod password;
pub(super) mod setup;
pub(super) mod target;
mod transcript;

use std::path::Path;

use claims::given::ClientTls;
use lab::adapter::config::AuthMode;
use lab::adapter::{Adapter, Delivery, Environment, Network, Outcome, Prepared};
use lab::tap::{Clock, Recorder, RecorderOptions};
use smtp::Secret;
use tokio::runtime::Builder;

use self::setup::{Content, Setup};
use self::target::Target;
use self::transcript::{Progress, Transcript};
use super::output;
use super::signal::signal;
use crate::args::{Cli, SendArgs};
use crate::{Exit, Failure};

/// Bytes of the capture that wait in memory; they are written after each reply at the latest.
const HELD: usize = 128 << 10;

pub(super) fn run(cli: &Cli, args: &SendArgs) -> Result<Exit, Failure> {
    let mut setup = Setup::of(cli, args)?;
    if args.dry_run {
        // What is not sent needs no password.
        setup.set_password(Secret::new(""));
        let (_, prepared) = prepare(setup, Network::default())?;
        return dry_run(&prepared);
    }
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::input(format!("cannot start: {error}")))?;
    let target = runtime.block_on(Target::resolve(&setup.server))?;
    consent::ask(cli, args, &setup, &target)?;
    let password = match setup.config.auth {
        AuthMode::None => None,
        AuthMode::Basic | AuthMode::Ntlm => Some(password::find(cli, &args.login, &setup)?),
    };
    if let Some(password) = &password {
        setup.set_password(password.clone());
    }
    let recorder = match &args.capture {
        Some(path) => Some(recorder(path, &target)?),
        None => None,
    };
    let transcript = Transcript::new(password.as_ref(), recorder.clone());
    let network = Network {
        hosts: vec![target.host()],
        any_certificate: args.tls.tls_any_certificate,
        recorder: recorder.clone(),
        watcher: Some(transcript.watcher()),
    };
    let (mut adapter, prepared) = prepare(setup, network)?;
    let delivery = runtime.block_on(async {
        tokio::select! {
            delivery = adapter.transmit(target.first(), &prepared) => Ok(delivery),
            status = signal() => Err(status),
        }
    });
    // What is left of an interrupted connection ends here, before the capture does.
    drop(runtime);
    if let (Some(recorder), Some(path)) = (recorder, &args.capture) {
        finish(cli, &recorder, path)?;
    }
    match delivery {
        Ok(delivery) => ended(&delivery, &prepared, &target),
        Err(status) => interrupted(&transcript, status),
    }
}

/// The adapter, and what it will send.
fn prepare(setup: Setup, network: Network) -> Result<(Adapter, Prepared), Failure> {
    let mut environment = Environment::real();
    environment.authority = match setup.config.tls {
        ClientTls::Never => None,
        _ if network.any_certificate => None,
        _ => Some(target::authorities(setup.authorities.as_deref())?),
    };
    environment.network = network;
    let mut adapter = Adapter::new(setup.config, Vec::new(), environment);
    let prepared = match setup.content {
        Content::Payload(payload) => adapter.prepare(&payload),
        Content::Whole(message) => adapter.prepare_whole(message),
    };
    let prepared = prepared.map_err(|suspended| Failure::input(suspended.to_string()))?;
    Ok((adapter, prepared))
}

/// Prints the envelope and the message.
fn dry_run(prepared: &Prepared) -> Result<Exit, Failure> {
    let mut lines = format!("MAIL FROM:<{}>\n", prepared.from());
    for recipient in prepared.recipients() {
        lines.extend(["RCPT TO:<", recipient, ">\n"]);
    }
    lines.push('\n');
    let mut bytes = lines.into_bytes();
    bytes.extend(prepared.message());
    output::bytes(&bytes)?;
    Ok(Exit::Met)
}

fn recorder(path: &Path, target: &Target) -> Result<Recorder, Failure> {
    let options = RecorderOptions {
        clock: Clock::Real,
        nominal_port: None,
        comment: format!(
            "smtpspec send to {target}: frames made from what crossed the client's socket"
        ),
        held: HELD,
    };
    Recorder::create(path, options)
        .map_err(|error| Failure::input(format!("cannot write {}: {error}", path.display())))
}

fn finish(cli: &Cli, recorder: &Recorder, path: &Path) -> Result<(), Failure> {
    let shown = path.display();
    recorder
        .finish()
        .map_err(|error| Failure::input(format!("cannot write {shown}: {error}")))?;
    output::hint(
        cli,
        &format!("captured in {shown}; `smtpspec audit {shown}` judges it"),
    );
    Ok(())
}

fn ended(delivery: &Delivery, prepared: &Prepared, target: &Target) -> Result<Exit, Failure> {
    let attempts = match delivery.attempts {
        1 => "the first attempt".to_owned(),
        more => format!("attempt {more}"),
    };
    match &delivery.outcome {
        Outcome::Sent => {
            let octets = prepared.octets();
            let recipients = match prepared.recipients().len() {
                1 => "1 recipient".to_owned(),
                more => format!("{more} recipients"),
            };
            output::text(&format!(
                "accepted by {target} in {attempts}: {octets} octets for {recipients}\n"
            ))?;
            Ok(Exit::Met)
        }
        Outcome::Suspended(reason) => {
            output::text(&format!("not sent, given up after {attempts}: {reason}\n"))?;
            Ok(Exit::NotMet)
        }
    }
}

/// What is known when a signal ends it. The message is the server's from the moment in which it says so.
fn interrupted(transcript: &Transcript, status: i32) -> Result<Exit, Failure> {
    let known = match transcript.progress() {
        Progress::Before => "interrupted; the message was not sent",
        Progress::Content => {
            "interrupted in the middle of the message; a server drops what has no end"
        }
        Progress::Unanswered => {
            "interrupted before the server answered to the message; it may have taken it"
        }
        Progress::Accepted => "interrupted after the server accepted the message",
    };
    output::text(&format!("{known}\n"))?;
    if transcript.progress() == Progress::Accepted {
        return Ok(Exit::Met);
    }
    Ok(Exit::Interrupted(u8::try_from(status).unwrap_or(1)))
}

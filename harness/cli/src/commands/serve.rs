//! `smtpspec serve`: the server that a deployment is pointed at.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use claims::Given;
use lab::scenario::{AcceptAuth, Scenario, load_file};
use lab::server::{Account, Options, Server};
use lab::tap::{Clock, Recorder, RecorderOptions};
use smtp::Secret;

use super::{format, named, output, profile, runtime};
use crate::args::{Cli, ServeArgs};
use crate::road::{self, Expected, Scope};
use crate::{Exit, Failure};

/// What is served where no scenario is named: everything that the claims need to be provoked.
const DEFAULT: &str = include_str!("serve.toml");

pub(super) fn run(cli: &Cli, args: &ServeArgs) -> Result<Exit, Failure> {
    let profile = profile(&args.judging.profile)?;
    let format = format(&args.judging.format)?;
    let mut scenario = scenario(args.scenario.as_deref())?;
    let accounts = match &args.accounts {
        Some(path) => {
            scenario.server.accept_auth = AcceptAuth::Given;
            accounts(path)?
        }
        None => Vec::new(),
    };
    output::folder(&args.out)?;
    let capture = free_name(&args.out);
    let comment = format!(
        "smtpspec serve on {}: frames made from what crossed the server's socket",
        args.listen
    );
    let recorder = Recorder::create(
        &capture,
        RecorderOptions {
            clock: Clock::Real,
            nominal_port: None,
            comment,
        },
    )
    .map_err(|error| Failure::input(format!("cannot write {}: {error}", capture.display())))?;
    let mut options = Options::new(&scenario);
    options.accounts = accounts;
    options.recorder = Some(recorder.clone());
    options.idle = Duration::from_mins(5);
    options.lifetime = Duration::from_hours(24);
    options.limit = args.connections;
    runtime()?.block_on(serve(cli, args, options))?;
    recorder
        .finish()
        .map_err(|error| Failure::input(format!("cannot write {}: {error}", capture.display())))?;

    let evidence = road::read(&capture, Scope::Lab)?;
    let mut outcome = road::empty("serve", profile);
    if evidence.timelines.is_empty() {
        return Err(Failure::input("nobody connected; nothing was judged"));
    }
    road::judge_case(
        &mut outcome,
        ("S1", &format!("served on {}", args.listen), ""),
        evidence,
        Given::default(),
        profile,
        &Expected::default(),
    );
    output::save(&capture.with_extension("json"), &outcome)?;
    output::print(cli, format, &outcome)?;
    Ok(Exit::of(&outcome))
}

/// `serve.pcapng`, or the next name with a number: evidence of an earlier run is never written over.
fn free_name(folder: &Path) -> PathBuf {
    let numbered = (2..).map(|number| format!("serve-{number}.pcapng"));
    let mut names = std::iter::once("serve.pcapng".to_owned())
        .chain(numbered)
        .map(|name| folder.join(name));
    names
        .find(|path| !path.exists())
        .expect("there is no end of numbers")
}

async fn serve(cli: &Cli, args: &ServeArgs, options: Options) -> Result<(), Failure> {
    let server = Server::bind(args.listen, options).await.map_err(|error| {
        let advice = match error.kind() {
            std::io::ErrorKind::PermissionDenied => {
                "; a port below 1024 needs privilege (CAP_NET_BIND_SERVICE)"
            }
            std::io::ErrorKind::AddrInUse => "; another program listens there",
            _ => "",
        };
        Failure::input(format!("cannot listen on {}: {error}{advice}", args.listen))
    })?;
    let address = server
        .local_addr()
        .map_err(|error| Failure::input(error.to_string()))?;
    output::hint(
        cli,
        &format!("listening on {address}; Ctrl-C ends and judges"),
    );
    let report = server
        .run(async {
            // Without the signal handler the process ends at Ctrl-C by itself; the capture is readable all the same.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        })
        .await;
    for (connection, limit) in report.ended {
        output::hint(cli, &format!("connection {connection} was ended: {limit}"));
    }
    Ok(())
}

fn scenario(name: Option<&str>) -> Result<Scenario, Failure> {
    let Some(name) = name else {
        return Scenario::parse("serve.toml", DEFAULT)
            .map_err(|error| Failure::rendered(&error.render(false)));
    };
    if super::is_path(name) {
        return load_file(Path::new(name)).map_err(|error| Failure::rendered(&error.render(false)));
    }
    named(name)?.ok_or_else(|| {
        Failure::input(format!(
            "there is no scenario `{name}`; `smtpspec list scenarios` shows the catalogue"
        ))
    })
}

/// Reads `user:password` and `DOMAIN\user:password` lines. What a line holds never gets into a message.
fn accounts(path: &Path) -> Result<Vec<Account>, Failure> {
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::input(format!("cannot read {}: {error}", path.display())))?;
    let mut accounts = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((name, password)) = line.split_once(':') else {
            return Err(Failure::input(format!(
                "{}:{}:1: expected `user:password` or `DOMAIN\\user:password`",
                path.display(),
                number + 1
            )));
        };
        let (domain, user) = name.split_once('\\').unwrap_or(("", name));
        accounts.push(Account {
            domain: domain.to_owned(),
            user: user.to_owned(),
            password: Secret::new(password.as_bytes()),
        });
    }
    if accounts.is_empty() {
        return Err(Failure::input(format!(
            "{}: no account in it",
            path.display()
        )));
    }
    Ok(accounts)
}

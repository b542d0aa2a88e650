//! What is served: read from files at the beginning, and again when it is asked for.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lab::scenario::{AcceptAuth, Scenario, TlsMode, load_file};
use lab::server::{Backlog, Certificate, Custody, Options, PerAddress, Reload};
use lab::tap::Recorder;

use super::{accounts, trust};
use crate::Failure;
use crate::args::{ServeArgs, TrustArgs};
use crate::commands::{is_path, named};

/// What is served where no scenario is named: everything that the claims need to be provoked.
const DEFAULT: &str = include_str!("default.toml");

/// Reads everything that the options name: the server that they describe, without a place for what it takes.
pub(super) fn read(args: &ServeArgs) -> Result<Options, Failure> {
    let mut scenario = scenario(args.scenario.as_deref())?;
    let accounts = match &args.accounts {
        Some(path) => {
            scenario.server.accept_auth = AcceptAuth::Given;
            accounts::read(path)?
        }
        None => Vec::new(),
    };
    trust::apply(&args.trust, &mut scenario.server);
    let certificate = certificate(&args.trust)?;
    if certificate.is_some()
        && scenario.server.tls == TlsMode::None
        && args.listen.listen_tls.is_empty()
    {
        return Err(Failure::input(
            "--cert: nothing here does TLS: the scenario offers no STARTTLS, and there is no --listen-tls",
        ));
    }
    let seconds = |seconds: u32| Duration::from_secs(seconds.into());
    let mut options = Options::new(&scenario);
    options.accounts = accounts;
    options.certificate = certificate;
    options.terms.limit = args.connections;
    options.terms.places = usize::try_from(args.at_once).unwrap_or(usize::MAX).max(1);
    options.terms.per_address = PerAddress {
        at_once: args.trust.per_address,
        a_minute: args.trust.rate,
    };
    options.idle = seconds(args.idle);
    options.session = seconds(args.longest);
    if let Some(grace) = args.trust.grace {
        options.terms.grace = seconds(grace);
    }
    Ok(options)
}

fn scenario(name: Option<&str>) -> Result<Scenario, Failure> {
    let Some(name) = name else {
        return Scenario::parse("serve.toml", DEFAULT)
            .map_err(|error| Failure::rendered(&error.render(false)));
    };
    if is_path(name) {
        return load_file(Path::new(name)).map_err(|error| Failure::rendered(&error.render(false)));
    }
    named(name)?.ok_or_else(|| {
        Failure::input(format!(
            "there is no scenario `{name}`; `smtpspec list scenarios` shows the catalogue"
        ))
    })
}

fn certificate(args: &TrustArgs) -> Result<Option<Certificate>, Failure> {
    let (Some(certificate), Some(key)) = (&args.cert, &args.key) else {
        return Ok(None);
    };
    let read = |path: &Path| {
        let bytes = fs::read(path);
        bytes.map_err(|error| Failure::input(format!("cannot read {}: {error}", path.display())))
    };
    let pair = Certificate::from_pem(&read(certificate)?, &read(key)?);
    pair.map(Some).map_err(|error| {
        use lab::server::CertificateError::{Chain, Key, Pair};
        let path = match &error {
            Chain(_) | Pair(_) => certificate,
            Key(_) => key,
        };
        Failure::input(format!("{}: {error}", path.display()))
    })
}

/// What stays as it is when the rest is read again: where connections are recorded, and who takes their messages.
pub(super) struct Kept {
    recorder: Option<Recorder>,
    backlog: Option<Backlog>,
    custody: Option<Arc<dyn Custody>>,
}

impl Kept {
    pub(super) fn of(options: &Options) -> Self {
        Self {
            recorder: options.recorder.clone(),
            backlog: options.backlog.clone(),
            custody: options.custody.clone(),
        }
    }

    fn put_into(&self, options: &mut Options) {
        options.recorder.clone_from(&self.recorder);
        options.backlog.clone_from(&self.backlog);
        options.custody.clone_from(&self.custody);
    }
}

/// What is needed to read it again.
pub(super) struct Setup {
    args: ServeArgs,
    kept: Kept,
    reload: Reload,
}

impl Setup {
    /// For a server that was started with these options, and goes on with what is kept of them.
    pub(super) fn new(args: &ServeArgs, kept: Kept, reload: Reload) -> Self {
        Self {
            args: args.clone(),
            kept,
            reload,
        }
    }

    /// Reads all files again; if anything is wrong with one, nothing changes.
    pub(super) fn again(&self) -> Result<(), Failure> {
        let mut options = read(&self.args)?;
        self.kept.put_into(&mut options);
        let reloaded = self.reload.with(options);
        reloaded.map_err(|error| Failure::input(format!("cannot serve it: {error}")))
    }
}

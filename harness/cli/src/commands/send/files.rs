//! Settings that a file holds: TOML, or an exported binding.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use lab::adapter::config::{AuthMode, Config};
use lab::adapter::settings::{Port, Settings, read_binding, read_toml};

use super::password;
use crate::Failure;
use crate::args::{Cli, SendArgs};
use crate::commands::output;

/// Largest file with settings that is read: 16 MiB.
const LARGEST: u64 = 16 << 20;

/// What the file says, where there is one. `host` is the name of this machine, for a file that does not tell it.
pub(super) fn config(cli: &Cli, args: &SendArgs, host: &str) -> Result<Option<Config>, Failure> {
    let files = &args.files;
    let (path, mut settings) = match (&files.config, &files.binding) {
        (Some(path), _) => (path, from_toml(cli, path)?),
        (None, Some(path)) => (path, from_binding(cli, path, files.port.as_deref())?),
        (None, None) if files.backup => {
            return Err(Failure::input(
                "--backup means a transport of --config or --binding",
            ));
        }
        (None, None) => return Ok(None),
    };
    let shown = path.display();
    if settings.ehlo.is_none() {
        settings.ehlo = Some(host.to_owned());
    }
    let mut transport = match (files.backup, settings.backup.take()) {
        (false, _) => settings.primary.clone(),
        (true, Some(backup)) => backup,
        (true, None) => {
            return Err(Failure::input(format!(
                "{shown} has no backup transport of type SMTP"
            )));
        }
    };
    // A binding leaves to each message where a dynamic port sends.
    if let Port::Dynamic(address) = &mut transport.port
        && address.is_empty()
    {
        let Some(to) = args.to.first() else {
            return Err(Failure::input(format!(
                "{shown}: the port is dynamic, and --to has to say where the message goes"
            )));
        };
        *address = format!("mailto:{to}");
    }
    let config = settings
        .layered(&transport)
        .map_err(|error| Failure::input(format!("{shown}: {error}")))?;
    config_hints(cli, &config);
    Ok(Some(config))
}

/// What a reader of the file would be wrong about.
fn config_hints(cli: &Cli, config: &Config) {
    if config.encoder.is_some() {
        output::hint(
            cli,
            "warning: the encoder encrypts and signs with the keys of this harness, which are public",
        );
    }
    if config.auth == AuthMode::Ntlm && config.username.is_some() {
        output::hint(
            cli,
            "warning: UserName is for Basic; NTLM authenticates as the account of the host instance",
        );
    }
}

fn from_toml(cli: &Cli, path: &Path) -> Result<Settings, Failure> {
    let (text, open) = text(path)?;
    let settings = read_toml(&path.display().to_string(), &text)
        .map_err(|problems| Failure::input(problems.to_string()))?;
    if let Some(mode) = open
        && holds_password(&settings)
    {
        password::warn(cli, path, mode);
    }
    Ok(settings)
}

fn from_binding(cli: &Cli, path: &Path, port: Option<&str>) -> Result<Settings, Failure> {
    let (text, open) = text(path)?;
    let binding = read_binding(&path.display().to_string(), &text, port)
        .map_err(|error| Failure::input(error.to_string()))?;
    for warning in &binding.warnings {
        output::hint(cli, &format!("warning: {warning}"));
    }
    if let Some(mode) = open
        && holds_password(&binding.settings)
    {
        password::warn(cli, path, mode);
    }
    Ok(binding.settings)
}

/// Whether any place has a password.
fn holds_password(settings: &Settings) -> bool {
    let transports = [Some(&settings.primary), settings.backup.as_ref()];
    let ports = transports.into_iter().flatten();
    let places = ports.filter_map(|transport| match &transport.port {
        Port::Static(port) => Some(&port.over_handler),
        Port::Dynamic(_) => None,
    });
    let context = [&settings.context.upstream, &settings.context.pipeline];
    let context = context.into_iter().map(|place| &place.over_handler);
    let mut handlers = places.chain(context).chain([&settings.handler]);
    handlers.any(|place| place.password.is_some())
        || settings
            .account
            .as_ref()
            .is_some_and(|account| !account.password.is_empty())
}

/// The text of a file, and its mode where others than its owner can read it.
fn text(path: &Path) -> Result<(String, Option<u32>), Failure> {
    let shown = path.display();
    let cannot = |error| Failure::input(format!("cannot read {shown}: {error}"));
    let file = File::open(path).map_err(cannot)?;
    let open = password::too_open(&file);
    let mut bytes = Vec::new();
    file.take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(cannot)?;
    if bytes.len() as u64 > LARGEST {
        return Err(Failure::input(format!(
            "{shown} is larger than {LARGEST} octets"
        )));
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| Failure::input(format!("{shown} is not text in UTF-8")))?;
    let text = match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    };
    Ok((text, open))
}

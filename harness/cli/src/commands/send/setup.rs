//! What is configured: from the command line over files.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use claims::given::ClientTls;
use lab::adapter::config::{AuthMode, BasicMechanism, Config, FileSource, Payload};
use lab::adapter::host::{DEFAULT_PORT, HostPort};
use lab::adapter::{Whole, message_id};
use smtp::Secret;

use super::files;
use super::target::Server;
use crate::Failure;
use crate::args::{Cli, ContentArgs, LoginArgs, MechanismName, ModeName, SendArgs, TlsName};
use crate::commands::{host, output};

/// Largest message that is read: 512 MiB. It is held in memory once.
const LARGEST: u64 = 512 << 20;

/// Longest line of a message, without CR LF (RFC 5322 section 2.1.1).
const LONGEST_LINE: usize = 998;

/// What is sent.
pub(super) enum Content {
    /// To be composed.
    Payload(Box<Payload>),
    /// Composed already.
    Whole(Whole),
}

/// Everything that has to be known, but for the password.
pub(super) struct Setup {
    pub(super) config: Config,
    pub(super) content: Content,
    pub(super) server: Server,
    /// File with the authorities to trust.
    pub(super) authorities: Option<PathBuf>,
}

impl Setup {
    /// Reads what the command line says.
    pub(super) fn of(cli: &Cli, args: &SendArgs) -> Result<Self, Failure> {
        let host = host_name();
        let mut config = match files::config(cli, args, &host)? {
            Some(config) => config,
            None => Config {
                ehlo: host,
                ..documented()
            },
        };
        config.tls = match args.tls.tls {
            TlsName::Never => ClientTls::Never,
            TlsName::Opportunistic => ClientTls::Opportunistic,
            TlsName::Required => ClientTls::Required,
            TlsName::Implicit => ClientTls::Implicit,
        };
        if let Some(ehlo) = &args.ehlo {
            config.ehlo.clone_from(ehlo);
        }
        if let Some(from) = &args.from {
            config.from.clone_from(from);
        }
        if !args.to.is_empty() {
            config.to.clone_from(&args.to);
        }
        if !args.cc.is_empty() {
            config.cc.clone_from(&args.cc);
        }
        content_properties(&mut config, &args.content);
        config.retry.count = args.retry.unwrap_or(config.retry.count);
        config.retry.interval = args.retry_interval.unwrap_or(config.retry.interval);
        config.timeout = args.timeout;
        login(&mut config, &args.login)?;
        let server = server(&mut config, args.server.as_deref())?;
        if config.from.is_empty() {
            return Err(missing("--from ADDRESS"));
        }
        if config.to.is_empty() {
            return Err(missing("--to ADDRESS"));
        }
        Ok(Self {
            content: content(cli, &args.content)?,
            config,
            server,
            authorities: args.tls.tls_ca.clone(),
        })
    }

    /// Puts the password where the mode of authentication looks for it.
    pub(super) fn set_password(&mut self, password: Secret) {
        match self.config.auth {
            AuthMode::None => {}
            AuthMode::Basic => self.config.password = Some(password),
            AuthMode::Ntlm => self.config.account.password = password,
        }
    }

    /// The password that a file gave, where it did.
    pub(super) fn password(&self) -> Option<Secret> {
        let password = match self.config.auth {
            AuthMode::None => None,
            AuthMode::Basic => self.config.password.clone(),
            AuthMode::Ntlm => Some(self.config.account.password.clone()),
        };
        password.filter(|password| !password.is_empty())
    }

    /// Whose password it is.
    pub(super) fn user(&self) -> Option<&str> {
        match self.config.auth {
            AuthMode::None => None,
            AuthMode::Basic => self.config.username.as_deref(),
            AuthMode::Ntlm => Some(&self.config.account.user),
        }
    }
}

/// The server: of the command line, or of the file.
fn server(config: &mut Config, given: Option<&str>) -> Result<Server, Failure> {
    let default_port = match config.tls {
        ClientTls::Implicit => 465,
        _ => DEFAULT_PORT,
    };
    if let Some(server) = given {
        // What the file says is not used, so it does not matter whether it could be.
        config.smtp_host = None;
        return Server::parse(server, default_port);
    }
    let found = config
        .server()
        .map_err(|error| Failure::input(error.to_string()))?;
    let Some(HostPort { host, port }) = found else {
        return Err(missing("--server HOST[:PORT]"));
    };
    let written = config.smtp_host.as_deref().unwrap_or_default().trim();
    let port = match port {
        DEFAULT_PORT if !written.ends_with(":25") => default_port,
        port => port,
    };
    Ok(Server { host, port })
}

fn missing(what: &str) -> Failure {
    Failure::input(format!(
        "{what} is missing; `smtpspec send --help` shows what there is"
    ))
}

fn content_properties(config: &mut Config, args: &ContentArgs) {
    if let Some(subject) = &args.subject {
        config.subject = Some(subject.clone());
    }
    config.read_receipt |= args.read_receipt;
    config.delivery_receipt |= args.delivery_receipt;
    let files = args.attach.iter().cloned();
    config.attachments.extend(files.map(FileSource::Path));
}

fn login(config: &mut Config, args: &LoginArgs) -> Result<(), Failure> {
    if let Some(mode) = args.auth {
        config.auth = match mode {
            ModeName::None => AuthMode::None,
            ModeName::Basic => AuthMode::Basic,
            ModeName::Ntlm => AuthMode::Ntlm,
        };
    }
    config.mechanism = match args.mechanism {
        Some(MechanismName::Login) => BasicMechanism::Login,
        Some(MechanismName::Plain) => BasicMechanism::Plain,
        None => config.mechanism,
    };
    let given = args.user.is_some()
        || args.password.is_some()
        || args.password_file.is_some()
        || args.password_env.is_some();
    if given && config.auth == AuthMode::None {
        return Err(Failure::input(
            "a user or a password is for --auth basic or --auth ntlm; without one of them nobody logs in",
        ));
    }
    match (config.auth, &args.user) {
        (AuthMode::Basic, Some(user)) => config.username = Some(user.clone()),
        (AuthMode::Ntlm, Some(user)) => {
            let (domain, user) = user.split_once('\\').unwrap_or(("", user));
            domain.clone_into(&mut config.account.domain);
            user.clone_into(&mut config.account.user);
        }
        _ => {}
    }
    match config.auth {
        AuthMode::Basic if config.username.is_none() => return Err(missing("--user USER")),
        AuthMode::Ntlm if config.account.user.is_empty() => {
            return Err(missing(
                r"--user DOMAIN\user, the account that NTLM authenticates as,",
            ));
        }
        _ => {}
    }
    if let Some(name) = &args.workstation {
        config.account.workstation.clone_from(name);
    } else if config.account.workstation.is_empty() {
        let name = config.ehlo.split('.').next().unwrap_or_default();
        config.account.workstation = name.to_ascii_uppercase();
    }
    Ok(())
}

fn content(cli: &Cli, args: &ContentArgs) -> Result<Content, Failure> {
    if let Some(path) = &args.message {
        return whole(cli, path, args.crlf).map(Content::Whole);
    }
    let body = match &args.body {
        Some(path) => read(path)?,
        None => Vec::new(),
    };
    let payload = Payload::new(message_id(), "application/octet-stream", body);
    Ok(Content::Payload(Box::new(payload)))
}

/// A message as it is. A lone CR or LF cannot be sent as it is (RFC 5321 section 2.3.8), so that is the user's to decide.
fn whole(cli: &Cli, path: &Path, crlf: bool) -> Result<Whole, Failure> {
    let read = match Whole::new(read(path)?) {
        Err(bare) if crlf => bare.with_crlf(),
        other => other,
    };
    let message = read.map_err(|bare| {
        Failure::input(format!(
            "{}:{}: this line does not end with CR LF, so SMTP cannot carry the message as it is; \
             --crlf makes CR LF of every line end",
            path.display(),
            bare.line
        ))
    })?;
    if message.longest_line() > LONGEST_LINE {
        output::hint(
            cli,
            &format!(
                "warning: the message has lines of more than {LONGEST_LINE} octets, which a server may cut or refuse"
            ),
        );
    }
    if message.has_nul() {
        output::hint(
            cli,
            "warning: the message has NUL octets, which a server may drop or refuse",
        );
    }
    Ok(message)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let shown = path.display();
    let cannot = |error: io::Error| Failure::input(format!("cannot read {shown}: {error}"));
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        io::stdin()
            .lock()
            .take(LARGEST + 1)
            .read_to_end(&mut bytes)
            .map_err(cannot)?;
    } else {
        let file = File::open(path).map_err(cannot)?;
        let expected = file.metadata().map_err(cannot)?.len().min(LARGEST);
        bytes.reserve_exact(usize::try_from(expected).unwrap_or(0));
        file.take(LARGEST + 1)
            .read_to_end(&mut bytes)
            .map_err(cannot)?;
    }
    if bytes.len() as u64 > LARGEST {
        return Err(Failure::input(format!(
            "{shown} is larger than {LARGEST} octets"
        )));
    }
    Ok(bytes)
}

/// The name of this machine, where it fits EHLO.
pub(in crate::commands) fn host_name() -> String {
    let name = host::name().unwrap_or_default();
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
    if name.is_empty() || !name.bytes().all(sound) {
        return "localhost".to_owned();
    }
    name
}

/// The documented adapter, but that nobody logs in and nothing is tried again where that is not asked for.
fn documented() -> Config {
    let mut config = Config::documented();
    config.auth = AuthMode::None;
    config.retry.count = 0;
    config
}

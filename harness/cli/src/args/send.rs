//! Options of `send`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{ModeName, time};

/// Options of `send`.
#[derive(Debug, Args)]
pub struct SendArgs {
    /// The server: a name or an address, with a port if it is not 25 (465 with `--tls implicit`). IPv6 addresses with a
    /// port in brackets: `[::1]:2525`.
    #[arg(long, value_name = "HOST[:PORT]")]
    pub server: Option<String>,

    /// The sender: reverse-path and From.
    #[arg(long, value_name = "ADDRESS")]
    pub from: Option<String>,

    /// A recipient. May be given several times, or several with commas between them.
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    pub to: Vec<String>,

    /// A recipient of a copy.
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    pub cc: Vec<String>,

    /// The name for EHLO; by default that of this machine.
    #[arg(long, value_name = "NAME")]
    pub ehlo: Option<String>,

    /// How many times more to try after a failure.
    #[arg(long, value_name = "N")]
    pub retry: Option<u32>,

    /// How long to wait before each of them. The documented adapter waits 300s.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub retry_interval: Option<Duration>,

    /// How long to wait for the connection, and for each reply.
    #[arg(long, default_value = "300s", value_name = "TIME", value_parser = time)]
    pub timeout: Duration,

    /// Write what crosses the socket into a pcapng file that only its owner can read, with the secrets of TLS.
    #[arg(long, value_name = "FILE")]
    pub capture: Option<PathBuf>,

    /// Print the envelope and the message, and send nothing.
    #[arg(long)]
    pub dry_run: bool,

    /// Send a password in clear without asking.
    #[arg(long)]
    pub yes: bool,

    /// What is sent.
    #[command(flatten)]
    pub content: ContentArgs,

    /// As whom.
    #[command(flatten)]
    pub login: LoginArgs,

    /// Under which TLS.
    #[command(flatten)]
    pub tls: TlsArgs,

    /// From which file the rest comes.
    #[command(flatten)]
    pub files: FileArgs,
}

/// What is sent.
#[derive(Debug, Args)]
#[command(next_help_heading = "What is sent")]
pub struct ContentArgs {
    /// The Subject. As documented, macros such as %datetime% are replaced, and without it the id of the message stands
    /// there.
    #[arg(long, value_name = "TEXT")]
    pub subject: Option<String>,

    /// The message that the adapter is to send, `-` for standard input: text, or else it goes as binary data.
    #[arg(long, value_name = "FILE")]
    pub body: Option<PathBuf>,

    /// A file to attach. May be given several times.
    #[arg(long, value_name = "FILE")]
    pub attach: Vec<PathBuf>,

    /// Ask for a read receipt.
    #[arg(long)]
    pub read_receipt: bool,

    /// Ask for a delivery receipt.
    #[arg(long)]
    pub delivery_receipt: bool,

    /// A message with its header (RFC 5322), `-` for standard input, which is sent byte for byte as it is.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["subject", "body", "attach", "read_receipt", "delivery_receipt"]
    )]
    pub message: Option<PathBuf>,

    /// Make CR LF of every other line end of that message.
    #[arg(long, requires = "message")]
    pub crlf: bool,
}

/// As whom.
#[derive(Debug, Args)]
#[command(next_help_heading = "As whom")]
pub struct LoginArgs {
    /// How to authenticate: not at all, with name and password in clear (Basic), or with NTLM.
    #[arg(long, value_enum, value_name = "MODE")]
    pub auth: Option<ModeName>,

    /// What Basic is: AUTH LOGIN or AUTH PLAIN. The documentation does not say.
    #[arg(long, value_enum, value_name = "MECHANISM")]
    pub mechanism: Option<MechanismName>,

    /// The user; for NTLM as DOMAIN\user.
    #[arg(long, value_name = "USER")]
    pub user: Option<String>,

    /// File with the password in its first line.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["password_env", "password"])]
    pub password_file: Option<PathBuf>,

    /// Environment variable with the password. Without any of these `SMTPSPEC_PASSWORD` is looked at, and then it is asked
    /// for.
    #[arg(long, value_name = "VARIABLE", conflicts_with = "password")]
    pub password_env: Option<String>,

    /// The password. Other users of this machine can see it here.
    #[arg(long, value_name = "PASSWORD")]
    pub password: Option<String>,

    /// The machine's name for NTLM; by default what EHLO says, up to its first dot.
    #[arg(long, value_name = "NAME")]
    pub workstation: Option<String>,
}

/// What Basic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MechanismName {
    /// AUTH LOGIN.
    Login,
    /// AUTH PLAIN.
    Plain,
}

/// Under which TLS.
#[derive(Debug, Args)]
#[command(next_help_heading = "Under which TLS")]
pub struct TlsArgs {
    /// The documented adapter does none.
    #[arg(long, value_enum, default_value_t = TlsName::Never, value_name = "WHEN")]
    pub tls: TlsName,

    /// Authorities to trust (PEM), instead of those of the system.
    #[arg(long, value_name = "FILE")]
    pub tls_ca: Option<PathBuf>,

    /// Take any certificate: whoever is on the path can be the server.
    #[arg(long, conflicts_with = "tls_ca")]
    pub tls_any_certificate: bool,
}

/// When TLS is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TlsName {
    /// Not at all.
    Never,
    /// With STARTTLS, where the server offers it.
    Opportunistic,
    /// With STARTTLS, or not at all.
    Required,
    /// From the first byte.
    Implicit,
}

/// From which file the rest comes.
#[derive(Debug, Args)]
#[command(next_help_heading = "What comes from a file")]
pub struct FileArgs {
    /// File with handler, port, context, account and encoder (TOML). What is given here goes before it.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Exported bindings (XML). What is given here goes before them.
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    pub binding: Option<PathBuf>,

    /// The send port of the bindings, where there are several.
    #[arg(long, value_name = "NAME", requires = "binding")]
    pub port: Option<String>,

    /// Send through the backup transport of the file, and not through the primary one.
    #[arg(long)]
    pub backup: bool,
}

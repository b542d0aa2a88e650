//! Options about mail that goes on to another server.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::evidence::age;

/// Where mail goes on to, and how.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Relay")]
pub struct RelayArgs {
    /// The server that mail goes on to, and by default its sessions as they are.
    #[arg(id = "relay", long = "relay", value_name = "HOST:PORT")]
    pub to: Option<String>,

    /// Whether sessions go on to that server, or messages that were accepted.
    #[arg(
        id = "relay-mode", long = "relay-mode",
        value_enum,
        default_value_t = RelayMode::Proxy,
        requires = "relay",
        value_name = "MODE"
    )]
    pub mode: RelayMode,

    /// Queue: whether messages go on under TLS.
    #[arg(
        id = "relay-tls", long = "relay-tls",
        value_enum,
        default_value_t = RelayTls::Opportunistic,
        requires = "relay",
        value_name = "TLS"
    )]
    pub tls: RelayTls,

    /// Queue: file with the authorities whose certificates are accepted where TLS is required (PEM); by default those of the
    /// system.
    #[arg(
        id = "relay-ca",
        long = "relay-ca",
        requires = "relay",
        value_name = "FILE"
    )]
    pub authorities: Option<PathBuf>,

    /// Queue: the name to say in EHLO; by default that of this host.
    #[arg(
        id = "relay-ehlo",
        long = "relay-ehlo",
        requires = "relay",
        value_name = "NAME"
    )]
    pub ehlo: Option<String>,

    /// Queue: connections to the server at the same time.
    #[arg(
        id = "relay-at-once", long = "relay-at-once",
        default_value_t = 4,
        requires = "relay",
        value_parser = clap::value_parser!(u8).range(1..=100),
        value_name = "N"
    )]
    pub at_once: u8,

    /// How long the server may take to connect, and in a queue also to reply.
    #[arg(id = "relay-timeout", long = "relay-timeout", default_value = "5m", requires = "relay", value_name = "TIME", value_parser = age)]
    pub timeout: Duration,

    /// Queue: how long a message that was put off waits; each wait is twice the one before, up to an hour.
    #[arg(id = "relay-retry", long = "relay-retry", default_value = "1m", requires = "relay", value_name = "TIME", value_parser = age)]
    pub retry: Duration,

    /// Queue: how old a message may become before it is given up.
    #[arg(id = "relay-give-up", long = "relay-give-up", default_value = "5d", requires = "relay", value_name = "AGE", value_parser = age)]
    pub give_up: Duration,
}

/// What goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RelayMode {
    /// Every byte of a session, both ways, while it goes on.
    Proxy,
    /// Messages, once they were accepted here, from a queue on the disk.
    Queue,
}

/// Whether messages go on under TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RelayTls {
    /// Never.
    None,
    /// Where the server offers it and it comes about, whatever its certificate.
    Opportunistic,
    /// Always, with a certificate that can be trusted.
    Require,
}

//! Whom the server trusts, and how far.

use std::path::PathBuf;

use clap::Args;

/// Options of `serve` about those who connect.
#[derive(Clone, Debug, Default, Args)]
pub struct TrustArgs {
    /// Offer no authentication: AUTH is not among the extensions, and is refused.
    #[arg(long, conflicts_with = "accounts")]
    pub no_auth: bool,

    /// Certificate that the server shows under TLS (PEM), followed by those of its issuers, instead of one that is made
    /// for this run.
    #[arg(long, value_name = "FILE", requires = "key")]
    pub cert: Option<PathBuf>,

    /// Private key of the certificate (PEM, not encrypted).
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub key: Option<PathBuf>,

    /// Largest message that is accepted, instead of what the scenario says. It is offered as SIZE.
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1..))]
    pub message_size: Option<u64>,

    /// How many connections one address may have at the same time, of IPv6 one /64; more of them are told 421. By
    /// default as many as there are places.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub per_address: Option<u32>,

    /// How many connections one address may make in a minute; more of them are told 421. By default there is no limit.
    #[arg(long, value_name = "PER_MINUTE", value_parser = clap::value_parser!(u32).range(1..))]
    pub rate: Option<u32>,

    /// How long open connections may go on after the first Ctrl-C or SIGTERM, before they are told 421.
    #[arg(long, value_name = "SECONDS")]
    pub grace: Option<u32>,
}

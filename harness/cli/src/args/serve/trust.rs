//! Whom the server trusts, and how far.

use clap::Args;

/// Options of `serve` about those who connect.
#[derive(Debug, Args)]
pub struct TrustArgs {
    /// Offer no authentication: AUTH is not among the extensions, and is refused.
    #[arg(long, conflicts_with = "accounts")]
    pub no_auth: bool,

    /// Largest message that is accepted, instead of what the scenario says. It is offered as SIZE.
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1..))]
    pub message_size: Option<u64>,

    /// How long an open connection may be silent after the first Ctrl-C or SIGTERM, before it is told 421.
    #[arg(long, value_name = "SECONDS")]
    pub grace: Option<u32>,
}

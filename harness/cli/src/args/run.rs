//! Options of `run`.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{BundleArgs, Judging, time};

/// Options of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Scenarios to run: ids (BAS-01), families (basic), files or folders. All of the catalogue by default.
    #[arg(value_name = "SCENARIO")]
    pub scenarios: Vec<String>,

    /// Folder for captures and the result; made if missing.
    #[arg(long, default_value = "smtpspec-out", value_name = "DIR")]
    pub out: PathBuf,

    /// Let the reference adapter misbehave: a bad twin, see `smtpspec list twins`. May be given several times.
    #[arg(long, value_name = "TWIN")]
    pub twin: Vec<String>,

    /// Stop the clock and fix seed, ports and challenges, so that captures come out the same, byte for byte. For the
    /// reference adapter alone.
    #[arg(long)]
    pub pinned: bool,

    /// How many cases to run side by side: 16, or for other clients than the reference adapter one for each processor.
    #[arg(long, value_name = "N")]
    pub jobs: Option<usize>,

    /// Which of them are run.
    #[command(flatten)]
    pub filters: Filters,

    /// Who is tested.
    #[command(flatten)]
    pub client: ClientArgs,

    /// What is judged, and how it is shown.
    #[command(flatten)]
    pub judging: Judging,

    /// What is left as evidence.
    #[command(flatten)]
    pub bundle: BundleArgs,
}

/// Which scenarios of those named are run.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Which cases")]
pub struct Filters {
    /// Only cases whose id or title holds this text, or fits it where it has `*` or `?`.
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,

    /// Only cases of these levels: must, should, hardening, claim, information.
    #[arg(long, value_name = "LEVEL", value_delimiter = ',')]
    pub level: Vec<String>,

    /// Only cases of these families, by the name of the folder or the letters of the id: ses,cap.
    #[arg(long, value_name = "FAMILY", value_delimiter = ',')]
    pub family: Vec<String>,

    /// With other clients than the reference adapter: the slow cases, too.
    #[arg(long)]
    pub slow: bool,

    /// Stop at the first case that fails.
    #[arg(long)]
    pub fail_fast: bool,
}

/// Who is tested, and how it is set going.
#[derive(Debug, Args)]
#[command(next_help_heading = "Which client")]
pub struct ClientArgs {
    /// The client: `adapter` (the reference adapter), one of `smtpspec list clients`, `installed` (all of those that are
    /// installed), or a file NAME.toml with a definition. May be given several times; each client gets a folder of its
    /// own.
    #[arg(long, value_name = "CLIENT")]
    pub client: Vec<String>,

    /// A client as a command, split into words as a shell does, with placeholders: 'send {host} {port} {message}'. Exit
    /// status: 0 sent, 89 cannot do this, others not sent.
    #[arg(long, value_name = "COMMAND")]
    pub client_cmd: Vec<String>,

    /// A command, as above, that makes a service elsewhere send; then its connection is waited for.
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["client", "client_cmd", "attended"])]
    pub trigger: Option<String>,

    /// Say what must be sent for each case, and wait for the connection, one case after the other.
    #[arg(long, requires = "port", conflicts_with_all = ["client", "client_cmd"])]
    pub attended: bool,

    /// Listen on this port in all cases, instead of a free one for each.
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,

    /// Listen on this address.
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    pub address: IpAddr,

    /// How long to wait for a connection with --trigger (30s) or --attended (300s).
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub wait: Option<Duration>,

    /// How long a case may take; then the client is killed.
    #[arg(long, default_value = "20s", value_name = "TIME", value_parser = time)]
    pub limit: Duration,

    /// File with the failures that are known, each with its client, case, reason and finding.
    #[arg(long, value_name = "FILE")]
    pub expected_failures: Option<PathBuf>,
}

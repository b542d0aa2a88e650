//! The options of `smtpspec serve`.

mod evidence;
mod listen;
mod live;
mod relay;
mod trust;

use std::path::PathBuf;

use clap::Args;

pub use evidence::{DurabilityName, EvidenceArgs, FormName};
pub use listen::ListenArgs;
pub use live::{LiveArgs, LiveName, YesNo};
pub use relay::{RelayArgs, RelayMode, RelayTls};
pub use trust::TrustArgs;

use super::{BundleArgs, Judging};

/// Options of `serve`.
#[derive(Clone, Debug, Args)]
pub struct ServeArgs {
    /// Where it listens.
    #[command(flatten)]
    pub listen: ListenArgs,

    /// The scenario that scripts the server: an id or a file. By default a server that offers everything.
    #[arg(long, value_name = "SCENARIO")]
    pub scenario: Option<String>,

    /// File with the accounts that may authenticate, one `user:password` or `DOMAIN\user:password` a line.
    /// Without it, whatever credentials a client has are accepted.
    #[arg(long, value_name = "FILE")]
    pub accounts: Option<PathBuf>,

    /// Folder for captures, messages and the result; made if missing.
    #[arg(long, default_value = "smtpspec-out", value_name = "DIR")]
    pub out: PathBuf,

    /// Stop after this many connections have ended, instead of waiting for Ctrl-C.
    #[arg(long, value_name = "N")]
    pub connections: Option<u32>,

    /// How many connections are served at the same time; more of them wait until one ends.
    #[arg(long, default_value_t = 16_384, value_name = "N")]
    pub at_once: u32,

    /// How long a client may send nothing, or read nothing of its replies, before its connection is ended.
    #[arg(long, default_value_t = 300, value_name = "SECONDS")]
    pub idle: u32,

    /// How long a connection may last, whatever its client does.
    #[arg(long, default_value_t = 3600, value_name = "SECONDS")]
    pub longest: u32,

    /// Whom the server trusts, and how far.
    #[command(flatten)]
    pub trust: TrustArgs,

    /// What is left in the folder.
    #[command(flatten)]
    pub evidence: EvidenceArgs,

    /// Where the mail goes on to.
    #[command(flatten)]
    pub relay: RelayArgs,

    /// What is shown while it runs.
    #[command(flatten)]
    pub live: LiveArgs,

    /// What is judged, and how it is shown.
    #[command(flatten)]
    pub judging: Judging,

    /// What can be handed on as one file.
    #[command(flatten)]
    pub bundle: BundleArgs,
}

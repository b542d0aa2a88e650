//! The command line, as clap reads it.

mod run;
mod send;
mod serve;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

pub use run::{ClientArgs, Filters, RunArgs};
pub use send::{ContentArgs, FileArgs, LoginArgs, MechanismName, SendArgs, TlsArgs, TlsName};
pub use serve::{
    DurabilityName, EvidenceArgs, FormName, ListenArgs, LiveArgs, LiveName, RelayArgs, RelayMode,
    RelayTls, ServeArgs, TrustArgs, YesNo,
};

/// Options that every command has stand behind its own.
const AT_THE_END: usize = 500;

/// Conformance and security test harness for programs that send mail over SMTP.
///
/// Exit status: 0 when every expectation was met, 1 when one was not, 2 for bad input, bad usage, or when the harness
/// itself failed.
#[derive(Debug, Parser)]
#[command(
    name = "smtpspec",
    version,
    arg_required_else_help = true,
    max_term_width = 80
)]
pub struct Cli {
    /// When to use colours.
    #[arg(long, global = true, display_order = AT_THE_END, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,

    /// Show every verdict of every conversation, with transcripts.
    #[arg(short, long, global = true, display_order = AT_THE_END)]
    pub verbose: bool,

    /// Keep progress and hints off standard error.
    #[arg(short, long, global = true, display_order = AT_THE_END)]
    pub quiet: bool,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Replay scenarios against the reference adapter or other clients, capture the traffic, and judge it.
    Run(RunArgs),
    /// Judge a capture from the field.
    Audit(AuditArgs),
    /// Be the server that a deployment is pointed at; judge what it sent.
    Serve(ServeArgs),
    /// Make the index of what `serve` left behind anew, from its captures and its journal.
    Index(IndexArgs),
    /// Send a message to a real server, as the documented adapter does.
    Send(Box<SendArgs>),
    /// Show a JSON result in another format.
    Report(ReportArgs),
    /// Check an evidence bundle: every byte has to be as it was made. Of the folder of `serve`: every message that it stored
    /// has to be on the wire of its captures, byte for byte, once, and every acknowledged one stored.
    ///
    /// Exit status: 0 intact, 1 altered, 2 when it cannot be read.
    Verify(VerifyArgs),
    /// Take the secrets out of a capture, so that it is judged as before and can be given away.
    Redact(RedactArgs),
    /// Draw the grid of clients and cases from the results of several runs.
    Grid(GridArgs),
    /// Explain a claim, a check, a case, a profile, a control or a bad twin; or all of them, as the source of a book.
    Explain(ExplainArgs),
    /// Print the JSON Schema of a format, for editors and other programs.
    Schema {
        /// Which format.
        #[arg(value_enum)]
        of: SchemaOf,
    },
    /// List what there is.
    List {
        /// What to list.
        #[arg(value_enum)]
        what: Listing,
    },
    /// Print completions for a shell.
    Completions {
        /// Which shell.
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Print the manual page (roff).
    Man,
}

/// Options of `index`.
#[derive(Debug, Args)]
pub struct IndexArgs {
    /// The folder that was given to `serve --out`.
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,

    /// What is expected to hold: the profile that `serve` was given.
    #[arg(
        long,
        default_value = "biztalk-smtp-adapter",
        value_name = "PROFILE",
        value_delimiter = ','
    )]
    pub profile: Vec<String>,
}

/// Options of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// An id, such as ADP-16, password-readable, BAS-01, rfc-strict, SC-8 or pci-dss-4.0.1/4.2.1.
    #[arg(required_unless_present = "all", value_name = "ID")]
    pub id: Option<String>,

    /// Everything there is.
    #[arg(long, conflicts_with = "id")]
    pub all: bool,

    /// Folder for the source of an mdBook, instead of standard output; made if missing.
    #[arg(long, requires = "all", value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// Formats that have a schema here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// Scenario files, which are TOML.
    Scenario,
    /// Results, as `--format json` writes them.
    Result,
    /// Lines of results, as `--format jsonl` writes them.
    ResultLine,
}

/// What can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Listing {
    /// The scenarios of the catalogue.
    Scenarios,
    /// The claims that can be judged.
    Claims,
    /// The checks that cases and claims are decided by.
    Checks,
    /// The profiles.
    Profiles,
    /// The controls that standards of compliance ask for.
    Controls,
    /// The bad twins of the reference adapter.
    Twins,
    /// The report formats.
    Formats,
    /// The clients that can be run, and whether they are installed.
    Clients,
}

/// Options of every command that judges.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Verdicts and reports")]
pub struct Judging {
    /// What is expected to hold, and which controls it is held against: a profile of `smtpspec list profiles`, or a file
    /// NAME.toml with your own. Several go together, with commas between them or one by one.
    #[arg(
        long,
        default_value = "biztalk-smtp-adapter",
        value_name = "PROFILE",
        value_delimiter = ','
    )]
    pub profile: Vec<String>,

    /// An earlier result (`--format json`, or the result.json of a run): only what is new fails, and what is fixed is told.
    #[arg(long, value_name = "RESULT.json")]
    pub baseline: Option<PathBuf>,

    /// How it is shown.
    #[command(flatten)]
    pub reporting: Reporting,
}

/// Options of every command that reports.
#[derive(Clone, Debug, Args)]
pub struct Reporting {
    /// What the captures cover, in a sentence of yours. Only with it does OSCAL call a control satisfied by what was seen.
    #[arg(long, value_name = "TEXT")]
    pub coverage: Option<String>,

    /// Format of the report: one on standard output, or several, each a file `report.*` in the folder of --out.
    #[arg(
        long,
        default_value = "text",
        value_name = "FORMAT",
        value_delimiter = ','
    )]
    pub format: Vec<String>,
}

/// Options of every command that can leave an evidence bundle.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Evidence bundle")]
pub struct BundleArgs {
    /// Put captures, result, reports and profile into this ZIP, with the SHA-256 of each; `smtpspec verify` checks it.
    #[arg(long, value_name = "FILE.zip")]
    pub bundle: Option<PathBuf>,

    /// What becomes of the captures in the bundle.
    #[arg(long, value_enum, default_value_t = BundledCaptures::Full, value_name = "WHAT")]
    pub bundle_captures: BundledCaptures,

    /// Leave the name of this machine out of the bundle.
    #[arg(long)]
    pub bundle_no_host: bool,
}

/// What becomes of the captures in a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BundledCaptures {
    /// They are left out; the result has their SHA-256.
    None,
    /// They go in without their secrets, as `smtpspec redact` takes them out.
    Redacted,
    /// They go in as they are, with every password that crossed.
    Full,
}

impl BundledCaptures {
    /// The word on the command line, and in the manifest.
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Redacted => "redacted",
            Self::Full => "full",
        }
    }
}

/// Options of `verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// A bundle; or the folder that `serve --messages` keeps its evidence in.
    #[arg(value_name = "FILE.zip|DIR")]
    pub bundle: PathBuf,

    /// The SHA-256 that was printed when it was made: then it has to be that very bundle.
    #[arg(long, value_name = "HEX")]
    pub sha256: Option<String>,
}

/// Options of `redact`.
#[derive(Debug, Args)]
pub struct RedactArgs {
    /// The capture: pcap or pcapng, plain or compressed with gzip or zstd.
    #[arg(value_name = "CAPTURE")]
    pub input: PathBuf,

    /// The file to write, in the same format, not compressed.
    #[arg(value_name = "REDACTED")]
    pub output: PathBuf,

    /// The texts of messages, too.
    #[arg(long)]
    pub bodies: bool,

    /// Mail addresses and user names, too.
    #[arg(long)]
    pub addresses: bool,

    /// Leave the payload of everything that is no mail conversation, instead of blanking it.
    #[arg(long)]
    pub keep_other: bool,
}

/// A time: a whole number and `ms` or `s`.
fn time(text: &str) -> Result<Duration, String> {
    lab::scenario::parse_duration(text)
        .filter(|time| !time.is_zero())
        .ok_or_else(|| "expected a whole number and its unit, `ms` or `s`: 20s".to_owned())
}

/// Options of `audit`.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// Captures: pcap or pcapng files, plain or compressed with gzip or zstd; folders of them; `-` for standard input.
    /// Several are read as one, in the order of time.
    #[arg(required_unless_present = "interface", value_name = "CAPTURE")]
    pub captures: Vec<PathBuf>,

    /// Audit what crosses a network interface until Ctrl-C; needs a build with the feature `live`.
    #[arg(long, value_name = "IF", conflicts_with = "captures")]
    pub interface: Option<String>,

    /// The mode of authentication that the sender is configured for, where it is known.
    #[arg(long, value_enum, value_name = "MODE")]
    pub mode: Option<ModeName>,

    /// File with accounts whose passwords are known, one `user:password` or `DOMAIN\user:password` a line: proofs are
    /// verified with them, and they are looked for wherever they may be read.
    #[arg(long, value_name = "FILE")]
    pub accounts: Option<PathBuf>,

    /// Key log of TLS connections, as `SSLKEYLOGFILE` makes a client write it. Secrets inside a pcapng are used anyway.
    #[arg(long, value_name = "FILE")]
    pub tls_keylog: Option<PathBuf>,

    /// Private key of a recipient (PEM, not encrypted, RSA or elliptic-curve, with its certificate if wished), to open
    /// S/MIME. May be given several times.
    #[arg(long, value_name = "FILE")]
    pub smime_key: Vec<PathBuf>,

    /// How many processors to use; all by default.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,

    /// Compute the SHA-256 of captures over 64 MiB, too; it takes longer than the audit.
    #[arg(long)]
    pub sha256: bool,

    /// Folder for the reports, instead of standard output; made if missing.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// What is judged, and how it is shown.
    #[command(flatten)]
    pub judging: Judging,

    /// What is left as evidence.
    #[command(flatten)]
    pub bundle: BundleArgs,
}

/// The documented modes of authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ModeName {
    /// No authentication.
    None,
    /// User name and password in clear text.
    Basic,
    /// NTLM.
    Ntlm,
}

/// Options of `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// A result in JSON, as `--format json` writes it.
    #[arg(value_name = "RESULT.json")]
    pub result: PathBuf,

    /// How it is shown.
    #[command(flatten)]
    pub reporting: Reporting,

    /// Folder for the reports, instead of standard output; made if missing.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// Options of `grid`.
#[derive(Debug, Args)]
pub struct GridArgs {
    /// Results of `run`, one for each client, or the folders that hold them.
    #[arg(required = true, value_name = "RESULT.json")]
    pub results: Vec<PathBuf>,

    /// What to draw it as.
    #[arg(long, value_enum, default_value_t = GridFormat::Html)]
    pub format: GridFormat,

    /// File to write instead of standard output. Captures are looked for from its folder.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// What a grid is drawn as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GridFormat {
    /// One page that stands by itself.
    Html,
    /// A table for a repository.
    Md,
    /// Tables of which NTLM response each client sent, what came of it, and what the client told of itself (Markdown).
    Ntlm,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    /// A heading goes on until the next one: what stands behind a group of options would be shown as one of them.
    #[test]
    fn options_stand_under_their_own_heading() {
        let cli = Cli::command();
        for (option, heading) in [
            ("out", None),
            ("ehlo", None),
            ("yes", None),
            ("baseline", Some("Verdicts and reports")),
            ("bundle_no_host", Some("Evidence bundle")),
            ("index", Some("Live view")),
            ("expected_failures", Some("Which client")),
        ] {
            let found: Vec<_> = cli
                .get_subcommands()
                .flat_map(clap::Command::get_arguments)
                .filter(|arg| arg.get_id() == option && !arg.is_positional())
                .map(clap::Arg::get_help_heading)
                .collect();
            assert!(!found.is_empty(), "{option}");
            assert!(
                found.iter().all(|one| *one == heading),
                "{option}: {found:?}"
            );
        }
    }
}

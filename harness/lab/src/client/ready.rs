//! A client that is installed and prepared, and how it does a job.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use claims::given::Reported;
use smtp::Secret;
use tempfile::TempDir;

use super::definition::{Definition, templates};
use super::job::Job;
use super::output::{last_line, redact};
use super::place::{Bench, Kit, private_file};
use super::process;
use super::template::Template;

/// How long a client may take to say which version it is, or to be built.
const EARLY_LIMIT: Duration = Duration::from_mins(1);

/// Why a client cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// Its program does not start, or its probe fails.
    #[error("{client} is not installed: {reason}")]
    NotInstalled {
        /// Its id.
        client: String,
        /// Why.
        reason: String,
    },
    /// What it needs before the first case failed.
    #[error("{client} cannot be prepared: {reason}")]
    Unprepared {
        /// Its id.
        client: String,
        /// Why.
        reason: String,
    },
    /// A folder or file could not be made.
    #[error("cannot make the folder of {client}: {cause}")]
    Folder {
        /// Its id.
        client: String,
        /// Why.
        cause: io::Error,
    },
}

/// A client that is ready.
#[derive(Debug)]
pub struct Client {
    definition: Definition,
    kit: Kit,
    version: Option<String>,
    /// What it cannot do as it is installed, with the reason.
    unable: BTreeMap<&'static str, String>,
}

/// What a client said of its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// By its exit status: it was sent, or it was not.
    Status(Reported),
    /// That it cannot do what the case asks.
    Cannot(String),
    /// Nothing: the limit ended it.
    Nothing,
}

/// A job that was done, or tried.
#[derive(Clone, Debug)]
pub struct Work {
    /// What the client said.
    pub said: Said,
    /// The last line that it wrote.
    pub last_line: Option<String>,
    /// Its folder, which goes away with the last clone of this.
    pub folder: Arc<TempDir>,
}

impl Client {
    /// Looks whether a client is installed, and builds what it needs.
    ///
    /// # Errors
    ///
    /// It is not installed, or cannot be built.
    pub async fn prepare(definition: Definition) -> Result<Self, NotReady> {
        let client = definition.id.clone();
        let kit = Kit::unpack(&definition).map_err(|cause| NotReady::Folder {
            client: client.clone(),
            cause,
        })?;
        for words in &definition.prepare {
            early(&definition, &kit, words)
                .await
                .map_err(|reason| NotReady::Unprepared {
                    client: client.clone(),
                    reason,
                })?;
        }
        let version = if definition.probe.is_empty() {
            None
        } else {
            let said = early(&definition, &kit, &definition.probe)
                .await
                .map_err(|reason| NotReady::NotInstalled { client, reason })?;
            let line = said.lines().map(str::trim).find(|line| !line.is_empty());
            // What stands in brackets is about the system, not about the client.
            line.map(|line| line.split(" (").next().unwrap_or(line))
                .map(|line| line.chars().take(60).collect())
        };
        let mut unable = BTreeMap::new();
        let blocks = definition.modes.iter().chain(&definition.tls);
        for (word, block) in blocks.filter(|(_, block)| !block.probe.is_empty()) {
            if let Err(reason) = early(&definition, &kit, &block.probe).await {
                unable.insert(
                    *word,
                    format!(
                        "{} as installed here has no `{word}`: {reason}",
                        definition.id
                    ),
                );
            }
        }
        Ok(Self {
            definition,
            kit,
            version,
            unable,
        })
    }

    /// How it is run.
    pub fn definition(&self) -> &Definition {
        &self.definition
    }

    /// The first line of what its probe said.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// The modes of authentication that it has, as it is installed.
    pub fn modes(&self) -> Vec<&'static str> {
        let mut words = self.definition.mode_words();
        words.retain(|word| !self.unable.contains_key(word));
        words
    }

    /// Why it cannot do a job, where its definition says so.
    pub fn refusal(&self, job: &Job) -> Option<String> {
        if let Some(key) = job.only_adapter {
            return Some(format!(
                "the case sets `{key}`, which only the reference adapter has"
            ));
        }
        let definition = &self.definition;
        if job.draft.subject.contains(char::is_control) && !definition.writes_subject() {
            return Some(format!(
                "{} is given the message whole, so what stands in its Subject is not of its making",
                definition.id
            ));
        }
        let missing = [
            (job.mode(), definition.modes.contains_key(job.mode())),
            (job.tls(), definition.tls.contains_key(job.tls())),
            (
                "receipt",
                !job.delivery_receipt || definition.receipt.is_some(),
            ),
            ("retry", !job.retry || definition.retry.is_some()),
        ];
        if let Some((word, _)) = missing.iter().find(|(_, has)| !has) {
            return Some(definition.reason(word));
        }
        [job.mode(), job.tls()]
            .iter()
            .find_map(|word| self.unable.get(word).cloned())
    }

    /// Runs the client for a job and writes what it said to `log`.
    ///
    /// # Errors
    ///
    /// A file cannot be written. A client that cannot be started has said that it cannot.
    pub async fn work(&self, job: &Job, log: &Path, limit: Duration) -> io::Result<Work> {
        let bench = Bench::set_up(&self.definition, &self.kit, job)?;
        let words = bench.words(&self.definition, job);
        let (command, stdin) = bench.command(&self.definition, &words, job)?;
        let ended = match process::run(command, stdin, limit).await {
            Ok(ended) => ended,
            Err(error) => {
                let line = format!("{} cannot be started: {error}", words[0]);
                private_file(log, line.as_bytes())?;
                return Ok(Work {
                    said: Said::Status(Reported::Failed),
                    last_line: Some(line),
                    folder: bench.into_folder(),
                });
            }
        };
        let output = ended.stdout.text(&job.password);
        let complaints = ended.stderr.text(&job.password);
        let last = last_line(&complaints).or_else(|| last_line(&output));
        let code = ended.status.and_then(|status| status.code());
        let said = match (ended.status, code) {
            (None, _) => Said::Nothing,
            (_, Some(0)) => Said::Status(Reported::Sent),
            (_, Some(code)) if code == i32::from(self.definition.not_applicable) => {
                Said::Cannot(last.map_or_else(
                    || {
                        format!(
                            "{} ended with status {code}: it cannot do this",
                            self.definition.id
                        )
                    },
                    |line| format!("{} cannot do this: {line}", self.definition.id),
                ))
            }
            _ => Said::Status(Reported::Failed),
        };
        let how = match ended.status {
            Some(status) => status.to_string(),
            None => format!("killed after {:.1} s", limit.as_secs_f64()),
        };
        let text = report(
            &words,
            &how,
            ended.took,
            &output,
            &complaints,
            &job.password,
        );
        private_file(log, text.as_bytes())?;
        Ok(Work {
            said,
            last_line: last.map(str::to_owned),
            folder: bench.into_folder(),
        })
    }

    /// The names of the places that its command fills: what a person has to be told where there is no command.
    pub fn places(&self) -> impl Iterator<Item = &str> {
        templates(&self.definition.command).flat_map(Template::places)
    }
}

/// The log of a job.
fn report(
    words: &[String],
    how: &str,
    took: Duration,
    output: &str,
    complaints: &str,
    secret: &Secret,
) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "command: {}",
        redact(&shell_words::join(words), secret)
    );
    let _ = writeln!(text, "ended: {how}, {:.2} s", took.as_secs_f64());
    for (name, said) in [("standard output", output), ("standard error", complaints)] {
        let _ = writeln!(text, "\n--- {name}\n{}", said.trim_end());
    }
    text
}

/// What a command that is run before any case writes; or why it failed.
async fn early(definition: &Definition, kit: &Kit, words: &[Template]) -> Result<String, String> {
    let Some(command) = kit.early(definition, words) else {
        return Err("its command is empty".to_owned());
    };
    let program = command
        .as_std()
        .get_program()
        .to_string_lossy()
        .into_owned();
    let ended = process::run(command, Vec::new(), EARLY_LIMIT)
        .await
        .map_err(|error| format!("{program}: {error}"))?;
    let nothing = Secret::new(*b"");
    let (output, complaints) = (ended.stdout.text(&nothing), ended.stderr.text(&nothing));
    if ended.status.is_some_and(|status| status.success()) {
        return Ok(if output.trim().is_empty() {
            complaints
        } else {
            output
        });
    }
    let why = last_line(&complaints)
        .or_else(|| last_line(&output))
        .map_or_else(
            || {
                ended
                    .status
                    .map_or_else(|| "it does not end".to_owned(), |status| status.to_string())
            },
            str::to_owned,
        );
    Err(format!("{program}: {why}"))
}

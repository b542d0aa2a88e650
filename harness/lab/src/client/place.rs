//! Folders of a client: one for the run, with its scripts and what was built of them, and one for each job.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use tokio::process::Command;

use super::definition::{Definition, Stdin};
use super::job::Job;
use super::read::layered;
use super::shipped;
use super::template::{Item, Splice, Template, Values};

/// Variables that programs need to run at all, and to find their parts.
const ENVIRONMENT: [&str; 12] = [
    "CLASSPATH",
    "GEM_PATH",
    "JAVA_HOME",
    "LD_LIBRARY_PATH",
    "MONO_PATH",
    "NODE_PATH",
    "PATH",
    "PERL5LIB",
    "PYENV_ROOT",
    "PYENV_VERSION",
    "PYTHONPATH",
    "SYSTEMROOT",
];

/// Makes a folder that only its owner may read, and that goes away with the value.
pub(super) fn private_folder() -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("smtpspec-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(fs::Permissions::from_mode(0o700));
    }
    builder.tempdir()
}

/// Writes a file that only its owner may read.
pub(super) fn private_file(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file: File = wire::create_private(path)?;
    file.write_all(content)
}

/// Where `install.sh` puts what does not belong into the system.
pub(super) fn installed() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    set("SMTPSPEC_CLIENTS")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(set("XDG_DATA_HOME")?).join("smtpspec/clients")))
        .or_else(|| Some(PathBuf::from(set("HOME")?).join(".local/share/smtpspec/clients")))
}

/// The folder of a run.
#[derive(Debug)]
pub(super) struct Kit {
    folder: TempDir,
    /// Where the scripts of the definition are.
    here: PathBuf,
}

impl Kit {
    /// Makes the folder and writes the scripts.
    pub(super) fn unpack(definition: &Definition) -> io::Result<Self> {
        let folder = private_folder()?;
        for name in &definition.scripts {
            let text = shipped::script(&definition.id, name).ok_or_else(|| {
                io::Error::new(
                    io::ErrorKind::NotFound,
                    format!("`scripts` names {name}, which does not come with the program; use `{{here}}/{name}`"),
                )
            })?;
            private_file(&folder.path().join(name), text.as_bytes())?;
        }
        let here = definition
            .here
            .clone()
            .unwrap_or_else(|| folder.path().to_owned());
        Ok(Self { folder, here })
    }

    /// What the places mean before any case.
    pub(super) fn values(&self, definition: &Definition) -> Values {
        let mut values = definition.set.clone();
        let mut put = |name: &str, path: &Path| {
            values.insert(
                name.to_owned(),
                Template::verbatim(path.to_string_lossy().into_owned()),
            );
        };
        put("here", &self.here);
        put("kit", self.folder.path());
        values
    }

    /// A command that is run before any case.
    pub(super) fn early(&self, definition: &Definition, words: &[Template]) -> Option<Command> {
        let values = self.values(definition);
        let mut words = words.iter().map(|word| word.fill(&values));
        let mut command = Command::new(words.next()?);
        command.args(words).current_dir(self.folder.path());
        environment(&mut command, definition, self.folder.path());
        Some(command)
    }
}

/// The folder of one job, its files written, and its command ready.
#[derive(Debug)]
pub(super) struct Bench {
    folder: TempDir,
    values: Values,
}

impl Bench {
    pub(super) fn set_up(definition: &Definition, kit: &Kit, job: &Job) -> io::Result<Self> {
        let folder = private_folder()?;
        let at = |name: &str| folder.path().join(name);
        let lines = definition.line_ends;
        let message = lines.of(job.draft.write(jiff::Timestamp::now()));
        private_file(&at("message.eml"), &message)?;
        private_file(&at("body.txt"), &lines.of(job.draft.body.clone()))?;
        private_file(&at("password"), job.password.expose())?;
        private_file(&at("ca.pem"), job.ca.as_bytes())?;
        let mut values = kit.values(definition);
        values.extend(layered(&definition.set, blocks(definition, job)));
        for (name, value) in places(job, folder.path()) {
            values.insert(name.to_owned(), Template::verbatim(value));
        }
        for (name, template) in &definition.files {
            private_file(&at(name), template.fill(&values).as_bytes())?;
        }
        Ok(Self { folder, values })
    }

    /// The folder alone, for those who may still read in it.
    pub(super) fn into_folder(self) -> Arc<TempDir> {
        Arc::new(self.folder)
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The program and its arguments.
    pub(super) fn words(&self, definition: &Definition, job: &Job) -> Vec<String> {
        let mut words = Vec::new();
        self.expand(&definition.command, definition, job, &mut words);
        words
    }

    fn expand(&self, items: &[Item], definition: &Definition, job: &Job, out: &mut Vec<String>) {
        for item in items {
            match item {
                Item::One(template) => out.push(template.fill(&self.values)),
                Item::Group(group) => self.repeat(group, job, out),
                Item::Several(Splice::Recipients) => out.extend(job.recipients.iter().cloned()),
                Item::Several(splice) => {
                    let block = match splice {
                        Splice::Mode => definition.modes.get(job.mode()),
                        Splice::Mechanism => mechanism(definition, job),
                        Splice::Tls => definition.tls.get(job.tls()),
                        Splice::Receipt => {
                            definition.receipt.as_ref().filter(|_| job.delivery_receipt)
                        }
                        Splice::Retry | Splice::Recipients => {
                            definition.retry.as_ref().filter(|_| job.retry)
                        }
                    };
                    if let Some(block) = block {
                        // Ends at once: the arguments of a block name no other block, which reading sees to.
                        self.expand(&block.arguments, definition, job, out);
                    }
                }
            }
        }
    }

    /// A group that names recipients is there once for each of them; any other is there once.
    fn repeat(&self, group: &[Template], job: &Job, out: &mut Vec<String>) {
        let lists = [
            ("recipient", &job.recipients),
            ("to", &job.draft.to),
            ("cc", &job.draft.cc),
            ("bcc", &job.bcc),
        ];
        let names = |place: &str| {
            group
                .iter()
                .any(|template| template.reaches(place, &[&self.values]))
        };
        let Some((place, all)) = lists.into_iter().find(|(place, _)| names(place)) else {
            out.extend(group.iter().map(|template| template.fill(&self.values)));
            return;
        };
        let mut values = self.values.clone();
        for one in all {
            values.insert(place.to_owned(), Template::verbatim(one));
            out.extend(group.iter().map(|template| template.fill(&values)));
        }
    }

    /// The command, and what it reads.
    pub(super) fn command(
        &self,
        definition: &Definition,
        words: &[String],
        job: &Job,
    ) -> io::Result<(Command, Vec<u8>)> {
        let program = words
            .first()
            .ok_or_else(|| io::Error::other("the command of the client is empty"))?;
        let mut command = Command::new(program);
        command.args(&words[1..]);
        environment(&mut command, definition, self.folder());
        if !definition.inherit {
            command.current_dir(self.folder());
        }
        for (name, template) in &definition.env {
            command.env(name, template.fill(&self.values));
        }
        let stdin = match definition.stdin {
            Stdin::Nothing => Vec::new(),
            Stdin::Message => std::fs::read(self.folder().join("message.eml"))?,
            Stdin::Body => std::fs::read(self.folder().join("body.txt"))?,
            Stdin::Password => job.password.expose().to_vec(),
        };
        Ok((command, stdin))
    }
}

/// The blocks that a job uses; later ones go over earlier ones.
fn blocks<'d>(definition: &'d Definition, job: &Job) -> impl Iterator<Item = &'d super::Block> {
    let receipt = definition.receipt.as_ref().filter(|_| job.delivery_receipt);
    let retry = definition.retry.as_ref().filter(|_| job.retry);
    [
        definition.modes.get(job.mode()),
        mechanism(definition, job),
        definition.tls.get(job.tls()),
        receipt,
        retry,
    ]
    .into_iter()
    .flatten()
}

/// Only mode basic has a choice of mechanisms. Where the client cannot be told, it chooses.
fn mechanism<'d>(definition: &'d Definition, job: &Job) -> Option<&'d super::Block> {
    if job.mode() != "basic" {
        return None;
    }
    definition
        .mechanisms
        .get(job.mechanism())
        .or_else(|| definition.mechanisms.get("any"))
}

/// What the places mean for a job.
fn places(job: &Job, folder: &Path) -> Vec<(&'static str, String)> {
    let file = |name: &str| folder.join(name).to_string_lossy().into_owned();
    vec![
        ("case", job.case.clone()),
        ("host", job.server.ip().to_string()),
        ("name", name(job)),
        ("port", job.server.port().to_string()),
        ("mode", job.mode().to_owned()),
        ("mechanism", job.mechanism().to_owned()),
        ("tls", job.tls().to_owned()),
        ("user", job.user.clone()),
        ("domain", job.domain.clone()),
        (
            "password",
            String::from_utf8_lossy(job.password.expose()).into_owned(),
        ),
        ("password-file", file("password")),
        ("sender", job.sender.clone()),
        (
            "recipient",
            job.recipients.first().cloned().unwrap_or_default(),
        ),
        ("recipients", job.recipients.join(",")),
        ("to", job.draft.to.join(",")),
        ("cc", job.draft.cc.join(",")),
        ("bcc", job.bcc.join(",")),
        ("message", file("message.eml")),
        ("body", file("body.txt")),
        ("subject", job.draft.subject.clone()),
        ("ehlo", job.ehlo.clone()),
        ("ca", file("ca.pem")),
        ("timeout", job.timeout_seconds().to_string()),
        ("workdir", folder.to_string_lossy().into_owned()),
    ]
}

/// The name of the server's host that a certificate can hold; its address where it has no name that is known here.
fn name(job: &Job) -> String {
    let address = job.server.ip();
    if address.is_loopback() {
        "localhost".to_owned()
    } else {
        address.to_string()
    }
}

/// A client that is to behave alike everywhere gets neither the user's settings nor his proxies.
fn environment(command: &mut Command, definition: &Definition, home: &Path) {
    let parts = installed();
    if !definition.inherit {
        command.env_clear();
        for name in ENVIRONMENT {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
            .env("HOME", home)
            .env("TMPDIR", home)
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC");
    }
    let Some(parts) = parts else { return };
    let extended = |name: &str, part: PathBuf| {
        let old = std::env::var_os(name).unwrap_or_default();
        let all = std::env::split_paths(&old)
            .filter(|path| !path.as_os_str().is_empty())
            .chain([part]);
        std::env::join_paths(all).ok()
    };
    for (name, part) in [("PATH", "bin"), ("NODE_PATH", "node_modules")] {
        if let Some(value) = extended(name, parts.join(part)) {
            command.env(name, value);
        }
    }
}

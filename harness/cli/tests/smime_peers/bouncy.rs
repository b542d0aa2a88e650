//! Bouncy Castle, driven by `support/Smime.java`, which is compiled when the test runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{Done, Form, Peer, keys};
use crate::support::{folder, good, text, write};

/// Where Debian puts the archives of libbcmail-java and of what it needs.
const ARCHIVES: [&str; 6] = [
    "/usr/share/java/bcmail.jar",
    "/usr/share/java/bcpkix.jar",
    "/usr/share/java/bcprov.jar",
    "/usr/share/java/bcutil.jar",
    "/usr/share/java/javax.mail.jar",
    "/usr/share/java/javax.activation.jar",
];

/// Those that are not installed.
pub(crate) fn missing() -> Option<&'static str> {
    ARCHIVES
        .into_iter()
        .find(|archive| !Path::new(archive).is_file())
}

pub(crate) struct Bouncy {
    folder: TempDir,
}

impl Bouncy {
    pub(crate) fn new() -> Self {
        let folder = folder();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/Smime.java");
        let output = Command::new("javac")
            .args(["-cp", &ARCHIVES.join(":"), "-d"])
            .arg(folder.path())
            .arg(source)
            .output()
            .expect("javac starts");
        good(&output, "javac");
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs jobs, a line each with `{}` for the folder.
    fn run(&self, jobs: &[String]) {
        let here = format!("{}/", self.folder.path().display());
        let list = jobs.join("\n").replace("{}", &here);
        let list = write(self.folder.path(), "jobs", list.as_bytes());
        let classes = format!("{}:{here}", ARCHIVES.join(":"));
        let output = Command::new("java")
            .args(["-XX:TieredStopAtLevel=1", "-cp", &classes, "Smime"])
            .arg(keys())
            .arg(list)
            .output()
            .expect("java starts");
        good(&output, "java Smime");
    }

    /// What came of the job that writes this file.
    fn done(&self, name: &str) -> Done {
        fs::read(self.path(name)).map_err(|_| {
            let said = fs::read(self.path(&format!("{name}.err")));
            said.map_or_else(|error| error.to_string(), |said| text(&said))
        })
    }
}

impl Peer for Bouncy {
    fn name(&self) -> &'static str {
        "Bouncy Castle"
    }

    fn make(&self, forms: &[Form], entity: &[u8]) -> Vec<Done> {
        write(self.folder.path(), "entity", entity);
        let mut jobs = Vec::new();
        let mut results = Vec::new();
        for (number, form) in forms.iter().enumerate() {
            let mut from = "entity".to_owned();
            if !form.signature.is_empty() {
                let to = format!("made-{number}-signed");
                let Form {
                    signature,
                    digest,
                    signer,
                    ..
                } = form;
                jobs.push(format!(
                    "sign\t{{}}{to}\t{{}}{from}\t{signature}\t{digest}\t{signer}"
                ));
                from = to;
            }
            if form.is_encrypted() {
                let to = format!("made-{number}-encrypted");
                let Form {
                    cipher, to: way, ..
                } = form;
                let naming = if form.by_key { "key" } else { "issuer" };
                jobs.push(format!(
                    "encrypt\t{{}}{to}\t{{}}{from}\t{cipher}\t{way}\t{naming}"
                ));
                from = to;
            }
            if form.compressed {
                let to = format!("made-{number}-compressed");
                jobs.push(format!("compress\t{{}}{to}\t{{}}{from}"));
                from = to;
            }
            results.push(from);
        }
        self.run(&jobs);
        results.iter().map(|name| self.done(name)).collect()
    }

    fn open(&self, messages: &[(Form, Vec<u8>)]) -> Vec<Done> {
        let mut jobs = Vec::new();
        let mut results = Vec::new();
        for (number, (form, message)) in messages.iter().enumerate() {
            let mut from = format!("given-{number}");
            write(self.folder.path(), &from, message);
            let mut all = Vec::new();
            if form.is_encrypted() {
                let sealed = from.clone();
                for name in form.recipients() {
                    from = format!("opened-{number}-{name}");
                    jobs.push(format!("open\t{{}}{from}\t{{}}{sealed}\t{name}"));
                    all.push(from.clone());
                }
            }
            if !form.signature.is_empty() {
                let to = format!("opened-{number}-verified");
                jobs.push(format!("verify\t{{}}{to}\t{{}}{from}\t{}", form.signer));
                all.push(to);
            }
            results.push(all);
        }
        self.run(&jobs);
        let each = results.iter().map(|all| {
            let each = all.iter().map(|name| self.done(name));
            each.reduce(Result::and)
                .unwrap_or_else(|| Err("nothing to do".to_owned()))
        });
        each.collect()
    }

    fn limit(&self, _form: &Form, _making: bool) -> Option<&'static str> {
        None
    }
}

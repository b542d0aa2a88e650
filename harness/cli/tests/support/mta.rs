//! Mail transport agents of other hands, each run in the foreground by a script of `support/mta/`, with one account.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The one account.
pub(crate) const USER: &str = "alice";
/// Its password.
pub(crate) const PASSWORD: &str = "wonder land 7";
/// Anybody may write to this domain.
pub(crate) const OPEN: &str = "open.example";
/// Only who logged in may write to this one.
pub(crate) const AUTH: &str = "auth.example";

/// Longest wait for an agent to be up, to deliver or to end.
const PATIENCE: Duration = Duration::from_mins(1);

/// An agent: its name, and what it needs.
pub(crate) struct Agent {
    /// Its script, and its folder below [`software`].
    pub(crate) name: &'static str,
    /// The name that people know.
    pub(crate) title: &'static str,
    /// Whether it runs as root only.
    root: bool,
    /// Whether it offers logins under TLS only.
    pub(crate) login_under_tls: bool,
    /// Whether a continuous build must have it.
    always: bool,
}

/// Lines that begin with dots, one that is a dot and nothing more among them.
pub(crate) const DOTS: &[u8] =
    b"From: a@client.example\r\nTo: b@server.example\r\nSubject: dots\r\n\
Date: Wed, 25 Nov 2026 20:00:00 +0000\r\nMessage-ID: <dots@client.example>\r\n\r\n\
.\r\n..\r\n.one\r\n\r\n...three\r\n.\r\n\r\nmiddle . dot\r\n.\r\n";

/// Text in UTF-8, with eight bits on the way.
pub(crate) const EIGHT_BIT: &str = "From: a@client.example\r\nTo: b@server.example\r\nSubject: eight bits\r\n\
Date: Wed, 25 Nov 2026 20:00:00 +0000\r\nMessage-ID: <bits@client.example>\r\nMIME-Version: 1.0\r\n\
Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
Größe: 3 × ½ «Zoll»\r\n.Ünten\r\n漢字\r\n";

/// Header fields that agents put on top of a message (RFC 5321 section 4.4, and habit).
pub(crate) const TRACE: [&str; 5] = [
    "Return-Path",
    "Received",
    "Delivered-To",
    "X-Original-To",
    "Envelope-To",
];

/// All of them.
pub(crate) const AGENTS: [Agent; 4] = [
    Agent {
        name: "aiosmtpd",
        title: "aiosmtpd",
        root: false,
        login_under_tls: false,
        always: true,
    },
    Agent {
        name: "exim",
        title: "Exim",
        root: false,
        login_under_tls: false,
        always: true,
    },
    Agent {
        name: "postfix",
        title: "Postfix",
        root: true,
        login_under_tls: false,
        always: false,
    },
    Agent {
        name: "opensmtpd",
        title: "OpenSMTPD",
        root: true,
        login_under_tls: true,
        always: false,
    },
];

impl Agent {
    /// Whether it can be run here. Where not, this was said loudly; where a build must have it, that is an error.
    pub(crate) fn is_here(&self) -> bool {
        let why = if !software().join(self.name).is_dir() {
            format!(
                "{} is not unpacked (tests/support/mta/install.sh {})",
                self.title,
                software().display()
            )
        } else if self.root && !rustix::process::geteuid().is_root() {
            format!("{} runs as root only", self.title)
        } else {
            return true;
        };
        if self.always {
            super::skipped(&why);
        } else {
            eprintln!("SKIPPED: {why}");
        }
        false
    }

    /// Starts it, and waits for its greeting.
    pub(crate) fn start(&self) -> Running {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mail = folder.path().join("mail");
        fs::create_dir(&mail).expect("a folder");
        // It may run, and keep mail, as somebody else.
        for (path, mode) in [(folder.path(), 0o755), (&mail, 0o1777)] {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("our own folder");
        }
        let port = free_port();
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/mta");
        let log = fs::File::create(folder.path().join("output")).expect("a file");
        let child = Command::new(here.join(format!("{}.sh", self.name)))
            .arg(software())
            .arg(folder.path())
            .arg(port.to_string())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file"))
            .stderr(log)
            // Whatever it starts ends with its group.
            .process_group(0)
            .spawn()
            .expect("the script starts");
        let mut running = Running {
            child,
            folder,
            port,
        };
        running.wait_for_greeting();
        running
    }
}

/// Where the agents are unpacked.
fn software() -> PathBuf {
    let given = env::var_os("SMTPSPEC_MTAS").map(PathBuf::from);
    given.unwrap_or_else(|| {
        let home = env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
        home.join(".local/share/smtpspec/mtas")
    })
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// An agent that runs. Dropped, it is ended, by its own process id.
pub(crate) struct Running {
    child: Child,
    folder: TempDir,
    /// Where it listens, on the loopback.
    pub(crate) port: u16,
}

impl Running {
    /// Its own folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The next message that it keeps, once `complete` says so, and out of its way.
    pub(crate) fn arrived(&self, complete: impl Fn(&[u8]) -> bool) -> Vec<u8> {
        let begun = Instant::now();
        let mut seen = 0;
        while begun.elapsed() < PATIENCE {
            for place in ["mail", "mail/new"] {
                let folder = self.folder().join(place);
                let Ok(entries) = fs::read_dir(&folder) else {
                    continue;
                };
                for entry in entries.flatten() {
                    let path = entry.path();
                    // It may be moved before it can be taken out of the way.
                    if path.extension().is_some_and(|end| end == "partial") {
                        continue;
                    }
                    let Ok(bytes) = fs::read(&path) else { continue };
                    seen = seen.max(bytes.len());
                    if complete(&bytes) {
                        let _ = fs::remove_file(path);
                        return bytes;
                    }
                }
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!(
            "nothing arrived that is whole, {seen} octets at the most: {}",
            self.said()
        );
    }

    fn wait_for_greeting(&mut self) {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let ended = self.child.try_wait().expect("our own child");
            assert!(ended.is_none(), "it ended at once: {}", self.said());
            if let Ok(stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)) {
                let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
                let mut line = String::new();
                let read = BufReader::new(stream).read_line(&mut line);
                if read.is_ok() && line.starts_with("220") {
                    return;
                }
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("it does not greet: {}", self.said());
    }

    fn said(&self) -> String {
        let logs = ["output", "log", "log/mainlog"];
        let logs =
            logs.map(|name| fs::read_to_string(self.folder().join(name)).unwrap_or_default());
        logs.join("\n")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let pid = self.child.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(10) {
            if matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! `smtpspec serve` as a process, and clients that talk to it.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use claims::result::Outcome;

use super::{smtpspec, text, write};

/// Longest wait for a process to do what it was asked.
const PATIENCE: Duration = Duration::from_secs(30);

/// Accounts that the server knows. The passwords have what breaks careless parsers: spaces and a colon.
const ACCOUNTS: &str = "alice:wonder land 7\nCORP\\bob:Sesame: 42\n";
/// A user without a domain.
pub(crate) const ALICE: &str = "alice";
/// Her password.
pub(crate) const ALICE_PASSWORD: &str = "wonder land 7";
/// A user in a domain.
pub(crate) const BOB: &str = "CORP\\bob";
/// His password.
pub(crate) const BOB_PASSWORD: &str = "Sesame: 42";

/// A message with a line that needs dot-stuffing.
pub(crate) const MESSAGE: &[u8] =
    b"From: a@client.example\r\nTo: b@server.example\r\nSubject: Order 4711\r\n\r\n.hidden\r\nEnd of order.\r\n";

/// A server that runs and judges its one connection. It is killed, by its own handle, where a test leaves it running.
pub(crate) struct Serve {
    child: Child,
    stdout: Option<JoinHandle<Vec<u8>>>,
    stderr: Receiver<String>,
    /// Where it listens.
    pub(crate) addresses: Vec<SocketAddr>,
    /// The free port that it found, the first of several.
    pub(crate) port: u16,
    out: PathBuf,
}

/// What a server left behind.
pub(crate) struct Served {
    /// Its exit status.
    pub(crate) code: Option<i32>,
    /// Its report.
    pub(crate) json: String,
    /// The same, read.
    pub(crate) outcome: Outcome,
    /// The capture that its tap made.
    pub(crate) capture: PathBuf,
    /// What it said on standard error after it listened.
    pub(crate) said: Vec<String>,
}

impl Serve {
    /// Starts it in `folder`, for one connection, and waits until it listens.
    pub(crate) fn start(folder: &Path) -> Self {
        Self::start_with(folder, &["--connections", "1"])
    }

    /// As [`Serve::start`], with these arguments instead of the limit of one connection.
    pub(crate) fn start_with(folder: &Path, more: &[&str]) -> Self {
        let accounts = write(folder, "accounts", ACCOUNTS.as_bytes());
        let out = folder.join("out");
        let mut child = smtpspec()
            .args(["serve", "--listen", "127.0.0.1:0", "--format", "json"])
            .args(more)
            .arg("--accounts")
            .arg(accounts)
            .arg("--out")
            .arg(&out)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut stdout = child.stdout.take().expect("a pipe");
        let stdout = thread::spawn(move || {
            let mut all = Vec::new();
            stdout.read_to_end(&mut all).expect("a readable pipe");
            all
        });
        let stderr = lines(child.stderr.take().expect("a pipe"));
        let mut serve = Self {
            child,
            stdout: Some(stdout),
            stderr,
            addresses: Vec::new(),
            port: 0,
            out,
        };
        serve.addresses = addresses(&wait_for(&serve.stderr, "listening on "));
        serve.port = serve.addresses[0].port();
        serve
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let told = Command::new("kill").args([name, &pid]).status();
        assert!(told.expect("kill starts").success());
    }

    /// Waits until it says something on standard error, and gives the line.
    pub(crate) fn says(&self, needle: &str) -> String {
        wait_for(&self.stderr, needle)
    }

    /// The address of its page.
    pub(crate) fn page(&self) -> String {
        let line = self.says("live view on ");
        line.split("live view on ")
            .nth(1)
            .expect("it follows")
            .to_owned()
    }

    /// Ends it at once, as a loss of power would end it.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("a process of ours");
        let _ = self.child.wait();
    }

    /// The capture that it writes.
    pub(crate) fn capture(&self) -> PathBuf {
        self.out.join("serve-000001.pcapng")
    }

    /// Waits until it has judged.
    pub(crate) fn end(mut self) -> Served {
        let status = ended(&mut self.child, "smtpspec serve");
        let reader = self.stdout.take().expect("standard output is read once");
        let stdout = reader.join().expect("the reader ends with its pipe");
        let complaint: Vec<_> = self.stderr.try_iter().collect();
        let json = text(&stdout);
        let outcome = serde_json::from_str(&json)
            .unwrap_or_else(|error| panic!("{error}: {json} {complaint:?}"));
        Served {
            code: status.code(),
            json,
            outcome,
            capture: self.out.join("serve-000001.pcapng"),
            said: complaint,
        }
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        // Nothing to end where it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines of a pipe as they come.
pub(crate) fn lines(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

/// The first line that holds `needle`.
pub(crate) fn wait_for(lines: &Receiver<String>, needle: &str) -> String {
    let deadline = Instant::now() + PATIENCE;
    let mut before = Vec::new();
    while let Some(left) = deadline.checked_duration_since(Instant::now()) {
        match lines.recv_timeout(left) {
            Ok(line) if line.contains(needle) => return line,
            Ok(line) => before.push(line),
            Err(_) => break,
        }
    }
    panic!("no `{needle}` after {before:?}");
}

/// The addresses of the line that says where it listens.
pub(crate) fn addresses(hint: &str) -> Vec<SocketAddr> {
    let listed = hint.split("listening on ").nth(1).expect("addresses");
    let listed = listed.split(';').next().expect("addresses");
    let address = |address: &str| address.parse().expect("an address");
    listed.split(", ").map(address).collect()
}

/// Waits until something is so.
pub(crate) fn until(what: &str, mut test: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !test() {
        assert!(
            Instant::now() < deadline,
            "it does not come to this: {what}"
        );
        thread::sleep(Duration::from_millis(20));
    }
}

/// Waits for a process, which is killed where it does not end.
pub(crate) fn ended(child: &mut Child, what: &str) -> ExitStatus {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait().expect("a process of ours") {
            return status;
        }
        thread::sleep(Duration::from_millis(10));
    }
    let _ = child.kill();
    panic!("{what} does not end");
}

/// Sends [`MESSAGE`] with curl.
pub(crate) fn curl(folder: &Path, port: u16, arguments: &[&str]) -> Output {
    curl_to(folder, &format!("smtp://127.0.0.1:{port}"), arguments)
}

/// As [`curl`], to a server that is given as in a URL.
pub(crate) fn curl_to(folder: &Path, server: &str, arguments: &[&str]) -> Output {
    let message = write(folder, "message.eml", MESSAGE);
    // `-q` first, so that no configuration of the machine has a say.
    Command::new("curl")
        .args(["-q", "-sS", "--max-time", "20", "--noproxy", "*"])
        .arg(format!("{server}/client.example"))
        .args([
            "--mail-from",
            "a@client.example",
            "--mail-rcpt",
            "b@server.example",
        ])
        .arg("-T")
        .arg(message)
        .args(arguments)
        .output()
        .expect("curl starts")
}

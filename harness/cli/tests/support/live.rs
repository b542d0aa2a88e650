//! `smtpspec audit` as a process that goes on until it is told to stop.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::Receiver;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use claims::result::Outcome;

use super::serve::{ended, lines};
use super::{good, smtpspec, text};

/// An audit that runs. It is killed, by its own handle, where a test leaves it running.
pub(crate) struct Audit {
    child: Child,
    stdout: Option<JoinHandle<Vec<u8>>>,
    /// Its standard error, line by line.
    pub(crate) stderr: Receiver<String>,
    /// Its standard input.
    pub(crate) stdin: Option<ChildStdin>,
}

/// What it left behind.
pub(crate) struct Audited {
    /// Its exit status.
    pub(crate) code: Option<i32>,
    /// Its report.
    pub(crate) outcome: Result<Outcome, String>,
    /// What it said besides.
    pub(crate) said: Vec<String>,
}

impl Audit {
    /// Starts it with a report in JSON.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = smtpspec()
            .args(["audit", "--format", "json"])
            .args(arguments)
            .stdin(Stdio::piped())
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
        Self {
            stdout: Some(stdout),
            stderr: lines(child.stderr.take().expect("a pipe")),
            stdin: child.stdin.take(),
            child,
        }
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let output = Command::new("kill")
            .args([name, &pid])
            .output()
            .expect("kill starts");
        good(&output, "kill");
    }

    /// Waits until it has judged.
    pub(crate) fn end(mut self) -> Audited {
        let status = ended(&mut self.child, "smtpspec audit");
        let reader = self.stdout.take().expect("standard output is read once");
        let stdout = text(&reader.join().expect("the reader ends with its pipe"));
        Audited {
            code: status.code(),
            outcome: serde_json::from_str(&stdout).map_err(|error| format!("{error}: {stdout}")),
            said: self.stderr.iter().collect(),
        }
    }
}

impl Audited {
    /// The report, with what was said besides where there is none.
    pub(crate) fn outcome(&self) -> &Outcome {
        match &self.outcome {
            Ok(outcome) => outcome,
            Err(error) => panic!("{error} {:?}", self.said),
        }
    }
}

impl Drop for Audit {
    fn drop(&mut self) {
        // Nothing to end where it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A mail of which half was sent, on a connection that stays open.
pub(crate) fn half_a_mail(port: u16) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the server listens");
    let patience = Some(Duration::from_secs(20));
    stream.set_read_timeout(patience).expect("a timeout");
    reply(&mut stream, "220");
    for (command, code) in [
        ("EHLO client.example", "250"),
        ("MAIL FROM:<a@client.example>", "250"),
        ("RCPT TO:<b@server.example>", "250"),
        ("DATA", "354"),
    ] {
        write!(stream, "{command}\r\n").expect("the server reads");
        reply(&mut stream, code);
    }
    write!(stream, "Subject: Half\r\n\r\nOrder 47").expect("the server reads");
    stream
}

/// Reads a reply to its last line.
fn reply(stream: &mut TcpStream, code: &str) {
    let mut all = String::new();
    let last = format!("{code} ");
    while !(all.ends_with('\n')
        && all
            .lines()
            .last()
            .is_some_and(|line| line.starts_with(&last)))
    {
        let mut buffer = [0; 1024];
        let read = stream.read(&mut buffer).expect("a reply");
        assert!(read > 0, "the server is gone after {all:?}");
        all.push_str(&text(&buffer[..read]));
    }
}

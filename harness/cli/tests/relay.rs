//! `smtpspec serve --relay` before mail transport agents of other hands, as a proxy and with a queue: what arrives is what the
//! client sent, byte for byte, but for the trace fields; and a proxy's two sides say the same.
//!
//! What was seen is a snapshot, `reports/relay.md`. An agent that is not unpacked here is left out loudly, and its rows stay
//! as they are.

#![cfg(unix)]

mod support;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Receiver;

use claims::result::Outcome;
use support::mta::{AGENTS, Agent, DOTS, EIGHT_BIT, OPEN, Running, TRACE};
use support::serve::{addresses, ended, lines, wait_for};
use support::{drive, folder, have, smtpspec, text, write};
use wire::{Capture, Direction, StreamEvent};

/// A message of 10 MB whose lines are all different.
fn large() -> Vec<u8> {
    let mut text = String::from(
        "From: a@client.example\r\nTo: b@server.example\r\nSubject: large\r\n\
         Date: Wed, 25 Nov 2026 20:00:00 +0000\r\nMessage-ID: <large@client.example>\r\n\r\n",
    );
    for line in 0..170_000_u32 {
        let dots = if line % 7 == 0 { "." } else { "" };
        let _ = write!(
            text,
            "{dots}{line} {:x} a line of some length, and its end\r\n",
            line.wrapping_mul(2_654_435_761)
        );
    }
    text.into_bytes()
}

/// `serve --relay`, killed by its own handle where a test leaves it running.
struct Relay {
    child: Child,
    said: Receiver<String>,
    port: u16,
    out: PathBuf,
}

impl Relay {
    fn start(out: &Path, to: u16, mode: &str) -> Self {
        let mut child = smtpspec()
            .args(["serve", "--listen", "127.0.0.1:0", "--format", "json"])
            .args(["--relay", &format!("127.0.0.1:{to}"), "--relay-mode", mode])
            .args(if mode == "queue" {
                &["--messages", "eml"][..]
            } else {
                &[]
            })
            .arg("--out")
            .arg(out)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let said = lines(child.stderr.take().expect("a pipe"));
        let port = addresses(&wait_for(&said, "listening on "))[0].port();
        Self {
            child,
            said,
            port,
            out: out.to_owned(),
        }
    }

    /// Ends it in good order. What it said since it listened.
    fn stop(mut self) -> Vec<String> {
        let pid = self.child.id().to_string();
        let told = Command::new("kill").args(["-INT", &pid]).status();
        assert!(told.expect("kill starts").success());
        ended(&mut self.child, "smtpspec serve");
        self.said.iter().collect()
    }

    /// What each side said, in each conversation.
    fn transcript(&self) -> Vec<[Vec<u8>; 2]> {
        let path = self.out.join("serve-000001.pcapng");
        let bytes = fs::read(path).expect("a capture");
        let capture = Capture::from_bytes("relay", &bytes).expect("a capture");
        let said = |events: &[StreamEvent], side: Direction| {
            let mut all = Vec::new();
            for event in events {
                if let StreamEvent::Data {
                    direction, bytes, ..
                } = event
                    && *direction == side
                {
                    all.extend_from_slice(bytes);
                }
            }
            all
        };
        let each = capture.conversations.iter();
        each.map(|one| {
            [
                said(&one.events, Direction::Client),
                said(&one.events, Direction::Server),
            ]
        })
        .collect()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // Nothing to end where it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn curl(port: u16, message: &Path) {
    // `-q` first, so that no configuration of the machine has a say.
    let output = Command::new("curl")
        .args(["-q", "-sS", "--max-time", "60", "--noproxy", "*"])
        .arg(format!("smtp://127.0.0.1:{port}/client.example"))
        .args([
            "--mail-from",
            "a@client.example",
            "--mail-rcpt",
            &format!("keeper@{OPEN}"),
        ])
        .arg("-T")
        .arg(message)
        .output()
        .expect("curl starts");
    assert!(output.status.success(), "{}", text(&output.stderr));
}

/// What arrived, without the trace fields on top and their names.
fn without_trace(arrived: &[u8]) -> (&[u8], Vec<&'static str>) {
    let (mut rest, mut names) = (arrived, Vec::new());
    while let Some(name) = TRACE.into_iter().find(|name| {
        let (field, behind) = rest.split_at_checked(name.len()).unwrap_or_default();
        field.eq_ignore_ascii_case(name.as_bytes()) && behind.starts_with(b":")
    }) {
        names.push(name);
        loop {
            let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            rest = &rest[end..];
            if !rest.starts_with(b" ") && !rest.starts_with(b"\t") {
                break;
            }
        }
    }
    (rest, names)
}

/// Whether it is the message, with the line ends that the agent keeps.
fn is_same(rest: &[u8], sent: &[u8]) -> bool {
    rest == sent
        || rest
            == sent
                .iter()
                .copied()
                .filter(|&byte| byte != b'\r')
                .collect::<Vec<_>>()
}

/// A message through a relay. The names of the fields that came on top.
fn pass(port: u16, running: &Running, message: &Path) -> Vec<&'static str> {
    let sent = fs::read(message).expect("our own file");
    curl(port, message);
    let least = sent.len() - memchr::memchr_iter(b'\n', &sent).count();
    let arrived =
        running.arrived(|bytes| bytes.len() >= least && is_same(without_trace(bytes).0, &sent));
    without_trace(&arrived).1
}

fn proxy(agent: &Agent, running: &Running, messages: &[PathBuf], folder: &Path) -> String {
    // The second proxy records what the first says to the server behind.
    let behind = Relay::start(&folder.join("behind"), running.port, "proxy");
    let front = Relay::start(&folder.join("front"), behind.port, "proxy");
    let mut added = BTreeSet::new();
    for message in messages {
        let names = pass(front.port, running, message);
        assert_eq!(
            names.iter().filter(|name| **name == "Received").count(),
            1,
            "{}",
            agent.title
        );
        added.extend(names);
    }
    let (front_out, behind_out) = (front.out.clone(), behind.out.clone());
    front.stop();
    behind.stop();
    let read = |out: &Path| Relay::transcript(&stopped(out));
    let (before, after) = (read(&front_out), read(&behind_out));
    assert_eq!(before.len(), messages.len());
    let judged = fs::read(front_out.join("serve-000001.json")).expect("a result");
    let judged: Outcome = serde_json::from_slice(&judged).expect("a result");
    assert_eq!(judged.conversations.len(), messages.len());
    assert!(before == after, "{}: the sides differ", agent.title);
    assert!(
        before
            .iter()
            .all(|[client, server]| client.len() > 100 && server.starts_with(b"220 "))
    );
    row(agent, "proxy", "equal", &added)
}

/// A relay that has ended, for what it left.
fn stopped(out: &Path) -> Relay {
    let mut child = Command::new("true").spawn().expect("true starts");
    let _ = child.wait();
    Relay {
        child,
        said: std::sync::mpsc::channel().1,
        port: 0,
        out: out.to_owned(),
    }
}

fn queue(agent: &Agent, running: &Running, messages: &[PathBuf], folder: &Path) -> String {
    let relay = Relay::start(&folder.join("queue"), running.port, "queue");
    let out = relay.out.clone();
    let mut added = BTreeSet::new();
    for message in messages {
        let names = pass(relay.port, running, message);
        assert_eq!(
            names.iter().filter(|name| **name == "Received").count(),
            2,
            "{}",
            agent.title
        );
        added.extend(names);
    }
    let said = relay.stop();
    assert!(
        !said.iter().any(|line| line.contains("not delivered")),
        "{said:?}"
    );
    let queue = out.join("queue");
    let left = fs::read_dir(&queue).expect("a queue").flatten();
    let left = left.filter(|entry| {
        entry
            .path()
            .extension()
            .is_some_and(|end| end == "eml" || end == "json")
    });
    assert_eq!(left.count(), 0, "{}", agent.title);
    let log = fs::read_to_string(queue.join("log.jsonl")).expect("a log");
    assert_eq!(
        log.matches("\"event\":\"delivered\"").count(),
        messages.len()
    );
    // What is passed on is stored as well, and on the wire.
    let verified = smtpspec().arg("verify").arg(&out).output();
    let verified = verified.expect("the binary starts");
    let said = text(&verified.stdout);
    assert!(
        verified.status.success() && said.contains("3 agree byte for byte"),
        "{said}"
    );
    row(agent, "queue", "–", &added)
}

fn row(agent: &Agent, mode: &str, sides: &str, added: &BTreeSet<&str>) -> String {
    let cells = ["byte for byte"; 3].join(" | ");
    let added: Vec<_> = added.iter().copied().collect();
    format!(
        "| {} | {mode} | {cells} | {sides} | {} |\n",
        agent.title,
        added.join(", ")
    )
}

#[test]
fn messages_go_through_byte_for_byte() {
    if !have(&["curl", "kill", "python3", "setpriv", "openssl"]) {
        return;
    }
    let folder = folder();
    let messages = [
        write(folder.path(), "dots.eml", DOTS),
        write(folder.path(), "eight-bit.eml", EIGHT_BIT.as_bytes()),
        write(folder.path(), "large.eml", &large()),
    ];
    let reports = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../reports");
    let before = fs::read_to_string(reports.join("relay.md.snap")).unwrap_or_default();
    let mut table = "\
# What `smtpspec serve --relay` passes on\n\n\
Each message was sent with curl to `serve`, passed on to the agent named, kept by it as a file, and compared with what was\n\
sent, without the trace fields on top and with the line ends that the agent keeps. As a proxy the session that the agent had\n\
was recorded as well, and compared with that of the client.\n\n\
| agent | mode | lines of dots | eight bits | 10 MB | both sides | put on top |\n\
| --- | --- | --- | --- | --- | --- | --- |\n"
        .to_owned();
    for agent in AGENTS
        .iter()
        .filter(|agent| ["postfix", "opensmtpd"].contains(&agent.name))
    {
        if agent.is_here() {
            let running = agent.start();
            let place = folder.path().join(agent.name);
            fs::create_dir(&place).expect("a folder");
            table.push_str(&proxy(agent, &running, &messages, &place));
            table.push_str(&queue(agent, &running, &messages, &place));
            continue;
        }
        let begins = format!("| {} |", agent.title);
        for row in before.lines().filter(|row| row.starts_with(&begins)) {
            table.extend([row, "\n"]);
        }
    }
    support::reports("").bind(|| insta::assert_snapshot!("relay.md", table));
}

/// A port on which nobody listens.
fn nobody() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("an address").port()
}

#[test]
fn a_proxy_without_a_server_says_so_to_client_and_operator() {
    use std::io::Read as _;
    let folder = folder();
    let relay = Relay::start(&folder.path().join("out"), nobody(), "proxy");
    let mut client =
        std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, relay.port)).expect("it listens");
    let mut said = String::new();
    client.read_to_string(&mut said).expect("a farewell");
    assert_eq!(
        said,
        "421 4.4.1 the server behind cannot be reached, closing\r\n"
    );
    drop(client);
    wait_for(&relay.said, "the server behind cannot be reached");
    relay.stop();
}

#[test]
fn a_proxy_refuses_what_it_cannot_do() {
    let folder = folder();
    let accounts = write(folder.path(), "accounts", b"alice:x\n");
    for arguments in [
        vec!["--messages", "eml"],
        vec!["--durability", "disk"],
        vec!["--accounts", accounts.to_str().expect("text")],
    ] {
        let output = smtpspec()
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--relay",
                "127.0.0.1:9",
                "--out",
            ])
            .arg(folder.path().join("out"))
            .args(&arguments)
            .output()
            .expect("the binary starts");
        let said = text(&output.stderr);
        assert!(
            !output.status.success()
                && said.contains(arguments[0])
                && said.contains("--relay-mode queue"),
            "{said}"
        );
    }
}

#[test]
fn nothing_that_was_acknowledged_is_lost_on_the_way() {
    if !have(&["python3"]) {
        return;
    }
    let (content, said) = drive("relay.py", &["--short", "--seed", "7"]);
    assert!(content, "{said}");
    assert!(
        said.contains("queue, 5 × kill -9") && said.contains("proxy, 5 × kill -9"),
        "{said}"
    );
}

#[test]
fn a_server_that_forgets_messages_is_found_out() {
    if !have(&["python3"]) {
        return;
    }
    let (content, said) = drive("relay.py", &["--weak", "--short", "--seed", "7"]);
    assert!(!content, "{said}");
    for mode in ["queue", "proxy"] {
        let found = format!("{mode}, server forgets: lost");
        assert!(said.contains(&found), "{said}");
    }
}

//! What `smtpspec serve` shows while it runs: lines of JSON, the terminal, and the page.

#![cfg(unix)]

mod support;

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use claims::result::ConversationOutcome;
use support::serve::{Serve, ended, lines, until, wait_for};
use support::talk::deliver;
use support::{folder, good, have, smtpspec, text};

/// What a GET is answered: the status line with the header, and the body.
fn get(page: &str, path: &str, more: &str) -> (String, String) {
    let address = page.trim_start_matches("http://").trim_end_matches('/');
    request(
        address,
        &format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{more}Connection: close\r\n\r\n"),
    )
}

fn request(address: &str, head: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let limit = Some(Duration::from_secs(20));
    stream
        .set_read_timeout(limit)
        .expect("a time that is not zero");
    stream.write_all(head.as_bytes()).expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let answer = text(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    (head.to_owned(), body.to_owned())
}

/// A conversation is on standard output while the server still runs.
#[test]
fn json_lines_come_as_sessions_end() {
    let folder = folder();
    let mut child = smtpspec()
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--connections",
            "2",
            "--format",
            "jsonl",
            "--out",
        ])
        .arg(folder.path().join("out"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let out = lines(child.stdout.take().expect("a pipe"));
    let said = lines(child.stderr.take().expect("a pipe"));
    let hint = wait_for(&said, "listening on ");
    let port = hint
        .split([':', ';'])
        .nth(1)
        .and_then(|port| port.parse().ok());
    let port = port.expect("a port");
    deliver(port, "first.example", 1);
    let line = wait_for(&out, "\"type\":\"conversation\"");
    let conversation: ConversationOutcome = serde_json::from_str(&line).expect("a conversation");
    assert_eq!(conversation.id, "S1/1");
    assert!(matches!(child.try_wait(), Ok(None)), "it still runs");
    deliver(port, "second.example", 1);
    wait_for(&out, "\"type\":\"summary\"");
    ended(&mut child, "smtpspec serve");
}

/// Everything that a terminal got, from a server on a terminal of its own.
fn on_a_terminal(folder: &Path, environment: &[(&str, &str)], hostile: &str) -> String {
    let driver = r#"
import os, pty, re, signal, socket, sys, time
binary, out, hostile = sys.argv[1:4]
pid, terminal = pty.fork()
if pid == 0:
    os.execv(binary, [binary, "serve", "--listen", "127.0.0.1:0", "--out", out])
seen = b""
def until(pattern):
    global seen
    end = time.time() + 20
    while time.time() < end:
        found = re.search(pattern, seen)
        if found: return found
        seen += os.read(terminal, 65536)
    sys.exit("no %r in %r" % (pattern, seen))
port = int(until(rb"listening on .*:(\d+);").group(1))
client = socket.create_connection(("127.0.0.1", port)).makefile("rwb")
client.readline()
for line in ("HELO " + hostile, "MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>", "DATA", "Subject: x\r\n\r\nhello\r\n.", "AUTH " + hostile):
    client.write(line.encode() + b"\r\n"); client.flush(); client.readline()
until(rb"open: 1 ")
client.write(b"QUIT\r\n"); client.flush(); client.readline(); client.close()
until(rb"sessions: 1 ")
until(rb"open: 0  sessions: 1 ")
before = len(seen)
os.kill(pid, signal.SIGINT)
try:
    while True:
        more = os.read(terminal, 65536)
        if not more: break
        seen += more
except OSError:
    pass
os.waitpid(pid, 0)
sys.stdout.buffer.write(seen[:before] + b"\0" + seen[before:])
"#;
    let run = Command::new("python3")
        .args(["-c", driver, env!("CARGO_BIN_EXE_smtpspec")])
        .arg(folder.join("out"))
        .arg(hostile)
        .env_remove("NO_COLOR")
        .env("TERM", "xterm")
        .envs(environment.iter().copied())
        .output()
        .expect("python3 starts");
    text(&good(&run, "the driver"))
}

#[test]
fn a_terminal_shows_sessions_and_counts_and_is_driven_by_nobody() {
    if !have(&["python3"]) {
        return;
    }
    let hostile = "\x1b]0;owned\x07\x1b[2J\u{202e}";
    for (environment, colours) in [(&[][..], true), (&[("NO_COLOR", "1")][..], false)] {
        let folder = folder();
        let seen = on_a_terminal(folder.path(), environment, hostile);
        let (while_it_ran, end) = seen.split_once('\0').expect("both parts");
        // The report that follows is on the same terminal; the line of counts is gone by then.
        assert!(end.contains("profile biztalk-smtp-adapter"), "{end}");
        assert!(
            !end.rsplit('\r')
                .next()
                .unwrap_or_default()
                .contains("open: "),
            "{end}"
        );
        assert_eq!(while_it_ran.contains("\x1b[3"), colours, "{while_it_ran:?}");
        let plain = anstream::adapter::strip_str(while_it_ran).to_string();
        assert!(
            !seen.contains("owned\x07") && !seen.contains("\x1b[2J") && !seen.contains('\u{202e}')
        );
        let session = plain.lines().find(|line| line.contains(" 1 msg "));
        let session = session.unwrap_or_else(|| panic!("no line: {plain:?}"));
        let session = session.rsplit('\r').next().unwrap_or_default();
        assert!(
            session.contains("127.0.0.1:") && session.len() < 80,
            "{session}"
        );
        for line in plain.split(['\n', '\r']) {
            assert!(
                line.len() < 80 || line.starts_with("a client that checks"),
                "{line:?}"
            );
        }
    }
}

#[test]
fn without_a_terminal_there_are_plain_lines_where_they_are_wanted() {
    let folder = folder();
    let serve = Serve::start_with(folder.path(), &["--live", "always", "--connections", "1"]);
    deliver(serve.port, "one.example", 1);
    let line = serve.says(" 1 msg ");
    assert!(
        line.is_ascii() && !line.contains('\x1b') && !line.contains('\r'),
        "{line:?}"
    );
    let served = serve.end();
    assert!(
        !served.said.iter().any(|line| line.contains("sessions: ")),
        "{:?}",
        served.said
    );
}

#[test]
fn the_page_answers_its_own_and_nobody_else() {
    let folder = folder();
    let serve = Serve::start_with(
        folder.path(),
        &["--web", "127.0.0.1:0", "--messages", "eml"],
    );
    let page = serve.page();
    let address = page.trim_start_matches("http://").trim_end_matches('/');
    let (head, body) = get(&page, "/", "");
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    for wanted in [
        "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; ",
        "frame-ancestors 'none'",
        "x-content-type-options: nosniff",
        "cache-control: no-store",
    ] {
        assert!(head.contains(wanted), "{wanted}: {head}");
    }
    assert!(!head.contains("access-control-"), "{head}");
    assert!(!body.contains("http"), "nothing is loaded from elsewhere");
    for path in ["/live.css", "/live.js"] {
        let (head, body) = get(&page, path, "");
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        assert!(!body.contains("http:") && !body.contains("https:") && !body.contains("@import"));
    }
    for (head, status) in [
        (
            format!(
                "GET / HTTP/1.1\r\nHost: evil.example:{}\r\nConnection: close\r\n\r\n",
                serve.port
            ),
            "403",
        ),
        ("GET / HTTP/1.0\r\n\r\n".to_owned(), "403"),
        (
            format!(
                "POST / HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            ),
            "405",
        ),
        (
            format!("OPTIONS / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"),
            "405",
        ),
        (
            format!(
                "GET /../../etc/passwd HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
            ),
            "404",
        ),
        (
            format!(
                "GET /session?run=1&name=S1/99 HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
            ),
            "404",
        ),
        (
            format!(
                "GET /session?run=1'&name=x HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
            ),
            "400",
        ),
    ] {
        let (answer, _) = request(address, &head);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} "))
                || answer.starts_with(&format!("HTTP/1.0 {status} ")),
            "{head}: {answer}"
        );
    }
    let (head, _) = request(
        address,
        &format!(
            "GET / HTTP/1.1\r\nHost: {address}\r\nX: {}\r\n\r\n",
            "x".repeat(60_000)
        ),
    );
    assert!(head.starts_with("HTTP/1.1 4"), "{head}");
    drop(serve);
}

#[test]
fn numbers_and_health_are_told() {
    let folder = folder();
    let serve = Serve::start_with(
        folder.path(),
        &["--web", "127.0.0.1:0", "--messages", "eml"],
    );
    let page = serve.page();
    deliver(serve.port, "one.example", 3);
    let open = TcpStream::connect((Ipv4Addr::LOCALHOST, serve.port)).expect("it listens");
    let metric = |line: &str| get(&page, "/metrics", "").1.lines().any(|one| one == line);
    until("a session is judged", || {
        metric("smtpspec_sessions_total 1")
    });
    for line in [
        "smtpspec_connections_total 2",
        "smtpspec_connections_open 1",
        "smtpspec_messages_accepted_total 3",
        "smtpspec_messages_total 3",
        "smtpspec_messages_refused_total 0",
        "smtpspec_keep_seconds_count 3",
        "smtpspec_verdicts_total{claim=\"ADP-01\",verdict=\"pass\"} 1",
        "# TYPE smtpspec_keep_seconds histogram",
    ] {
        assert!(metric(line), "{line}: {}", get(&page, "/metrics", "").1);
    }
    drop(open);
    let (head, body) = get(&page, "/health", "");
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert_eq!(body, r#"{"problems":[],"status":"ok"}"#);
    // The folder goes away under it.
    let out = folder.path().join("out");
    fs::rename(&out, folder.path().join("elsewhere")).expect("moved");
    until("it is not well", || {
        get(&page, "/health", "").0.starts_with("HTTP/1.1 503 ")
    });
    let (_, body) = get(&page, "/health", "");
    assert!(
        body.contains("\"status\":\"trouble\"") && body.contains("capture: "),
        "{body}"
    );
    drop(serve);
}

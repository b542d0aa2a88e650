//! What `smtpspec serve` shows while it runs, and the index that it keeps.

#![cfg(unix)]

mod support;

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use claims::result::ConversationOutcome;
use evidence::index::NAME;
use rusqlite::Connection;
use rusqlite::types::Value;
use support::serve::{ALICE, ALICE_PASSWORD, Serve, curl, ended, lines, wait_for};
use support::talk::Talk;
use support::{folder, good, have, smtpspec, text};

/// Sends messages on one connection.
fn deliver(port: u16, helo: &str, messages: usize) {
    let mut client = Talk::greeted(port);
    client.expect(&format!("HELO {helo}"), "250 ");
    for number in 0..messages {
        let body = "..text text text text text text\r\n".repeat(100);
        client.deliver(&format!(
            "Subject: {number}\r\nMessage-ID: <{number}@{helo}>\r\n\r\n{body}"
        ));
    }
    client.expect("QUIT", "221 ");
}

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

/// Waits until something is so.
fn until(what: &str, mut test: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !test() {
        assert!(
            Instant::now() < deadline,
            "it does not come to this: {what}"
        );
        thread::sleep(Duration::from_millis(20));
    }
}

/// Of a long session the details depend on how much the reports of its run need.
const LISTED: &str = " WHERE session IN (SELECT id FROM sessions WHERE messages <= 50)";

/// Every row of every table that says something of the world.
fn content(folder: &Path) -> Vec<(String, Vec<Vec<Value>>)> {
    let connection = Connection::open(folder.join(NAME)).expect("an index");
    let tables = [
        "runs",
        "captures",
        "sessions",
        "messages",
        "recipients",
        "identities",
        "exposures",
        "reasons",
        "verdict_rows",
        "details",
        "journal",
        "places",
    ];
    let rows = |table: &str| {
        let which = if table == "details" { LISTED } else { "" };
        let mut statement = connection
            .prepare(&format!("SELECT * FROM {table}{which}"))
            .expect("a table");
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| (0..columns).map(|at| row.get(at)).collect());
        rows.expect("rows")
            .collect::<Result<_, _>>()
            .expect("a row")
    };
    let all = tables
        .iter()
        .map(|table| ((*table).to_owned(), rows(table)));
    all.collect()
}

fn count(folder: &Path, query: &str) -> i64 {
    let connection = Connection::open(folder.join(NAME)).expect("an index");
    connection
        .query_row(query, [], |row| row.get(0))
        .expect("a number")
}

/// Neither the password nor what PLAIN makes of it is in any column, or in what is packed.
fn hides_the_password(content: &[(String, Vec<Vec<Value>>)]) {
    let plain = format!("\0{ALICE}\0{ALICE_PASSWORD}");
    let secrets = [ALICE_PASSWORD.to_owned(), BASE64_STANDARD.encode(plain)];
    let (mut logins, mut packed) = (0, 0);
    for value in content.iter().flat_map(|(_, rows)| rows.iter().flatten()) {
        let shown = match value {
            Value::Text(text) => text.clone(),
            Value::Blob(blob) => {
                packed += 1;
                text(&evidence::index::unpack(blob).expect("it was packed"))
            }
            _ => continue,
        };
        logins += usize::from(shown == ALICE);
        for secret in &secrets {
            assert!(!shown.contains(secret.as_str()), "{shown:.300}");
        }
    }
    assert!(
        logins > 0 && packed > 9,
        "{logins} logins, {packed} sessions"
    );
}

fn made_anew(out: &Path) {
    let run = smtpspec()
        .arg("index")
        .arg(out)
        .output()
        .expect("it starts");
    good(&run, "smtpspec index");
}

/// Two runs in one folder, the first with several captures and TLS: what was written as it happened is what the captures
/// and the journal come to afterwards.
#[test]
fn the_index_of_the_captures_is_the_index_that_was_written() {
    if !have(&["curl"]) {
        return;
    }
    let folder = folder();
    let out = folder.path().join("out");
    let more = [
        "--index",
        "--messages",
        "eml",
        "--rotate-size",
        "64KiB",
        "--connections",
        "9",
    ];
    let serve = Serve::start_with(folder.path(), &more);
    let port = serve.port;
    thread::scope(|scope| {
        for number in 0..7 {
            scope.spawn(move || {
                deliver(
                    port,
                    &format!("h{number}.example"),
                    if number == 0 { 60 } else { 5 },
                );
            });
        }
    });
    let login = format!("{ALICE}:{ALICE_PASSWORD}");
    good(
        &curl(
            folder.path(),
            port,
            &["-u", &login, "--login-options", "AUTH=PLAIN"],
        ),
        "curl",
    );
    good(
        &curl(folder.path(), port, &["-u", &login, "--ssl-reqd", "-k"]),
        "curl",
    );
    let first = serve.end();
    let serve = Serve::start_with(
        folder.path(),
        &["--index", "--connections", "2", "--messages", "maildir"],
    );
    deliver(serve.port, "later.example", 2);
    good(&curl(folder.path(), serve.port, &[]), "curl");
    serve.end();

    let written = content(&out);
    hides_the_password(&written);
    assert_eq!(count(&out, "SELECT count(*) FROM sessions"), 11);
    assert_eq!(
        count(
            &out,
            "SELECT count(*) FROM messages WHERE file IS NOT NULL AND sha256 IS NOT NULL"
        ),
        95
    );
    assert_eq!(count(&out, "SELECT count(*) FROM pending"), 0);
    assert_eq!(
        count(
            &out,
            "SELECT count(*) FROM identities WHERE user = 'alice' AND under_tls"
        ),
        1
    );
    assert!(count(&out, "SELECT count(*) FROM captures WHERE run = 1") > 2);
    assert_eq!(count(&out, "SELECT count(*) FROM runs WHERE complete"), 2);
    let failed = first
        .outcome
        .conversations
        .iter()
        .flat_map(|one| &one.verdicts);
    let failed = failed
        .filter(|one| one.verdict == claims::Verdict::Fail)
        .count();
    assert!(failed > 0);
    let query = "SELECT count(*) FROM verdicts v JOIN sessions s ON s.id = v.session WHERE run = 1 AND verdict = 'fail'";
    assert_eq!(usize::try_from(count(&out, query)), Ok(failed));

    fs::remove_file(out.join(NAME)).expect("it is there");
    made_anew(&out);
    for (was, is) in written.iter().zip(content(&out)) {
        assert_eq!(*was, is);
    }
}

#[test]
fn a_killed_server_leaves_an_index_that_the_next_one_goes_on_with() {
    let folder = folder();
    let out = folder.path().join("out");
    let serve = Serve::start_with(folder.path(), &["--index"]);
    deliver(serve.port, "one.example", 1);
    // At the latest after a second, whether or not more comes.
    let begun = Instant::now();
    until("a session in the index", || {
        out.join(NAME).exists() && count(&out, "SELECT count(*) FROM sessions") == 1
    });
    assert!(begun.elapsed() < Duration::from_secs(5));
    serve.kill();
    let serve = Serve::start_with(folder.path(), &["--index", "--connections", "1"]);
    serve.says("the index may lack the last sessions of a run that was killed");
    deliver(serve.port, "two.example", 1);
    serve.end();
    let connection = Connection::open(out.join(NAME)).expect("an index");
    let integrity: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .expect("a word");
    assert_eq!(integrity, "ok");
    drop(connection);
    assert_eq!(count(&out, "SELECT count(*) FROM sessions"), 2);
    assert_eq!(count(&out, "SELECT count(*) FROM runs WHERE complete"), 1);
    made_anew(&out);
    assert_eq!(count(&out, "SELECT count(*) FROM sessions"), 2);
    assert_eq!(count(&out, "SELECT count(*) FROM runs WHERE complete"), 2);
}

#[test]
fn two_servers_do_not_write_one_index() {
    let folder = folder();
    let serve = Serve::start_with(folder.path(), &["--index"]);
    let second = smtpspec()
        .args(["serve", "--listen", "127.0.0.1:0", "--index", "--out"])
        .arg(folder.path().join("out"))
        .output()
        .expect("it starts");
    assert_eq!(second.status.code(), Some(2));
    let said = text(&second.stderr);
    assert!(
        said.contains("another server keeps its index in this folder"),
        "{said}"
    );
    drop(serve);
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

/// The queries that the documentation shows.
#[test]
fn the_documented_queries_answer() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/serve/index.md");
    let page = fs::read_to_string(page).expect("the page");
    let folder = folder();
    let out = folder.path().join("out");
    let serve = Serve::start_with(
        folder.path(),
        &["--index", "--messages", "eml", "--connections", "2"],
    );
    deliver(serve.port, "one.example", 2);
    deliver(serve.port, "one.example", 2);
    serve.end();
    let connection = Connection::open(out.join(NAME)).expect("an index");
    let queries: Vec<_> = page
        .split("```sql\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap_or_default())
        .collect();
    assert!(queries.len() >= 5, "{queries:?}");
    let mut answered = 0;
    for query in queries {
        let mut statement = connection
            .prepare(query)
            .unwrap_or_else(|error| panic!("{query}: {error}"));
        let mut rows = statement.query([]).expect("it runs");
        answered += usize::from(rows.next().expect("it runs").is_some());
    }
    assert!(
        answered >= 3,
        "{answered} of them have something to say of two plain sessions"
    );
}

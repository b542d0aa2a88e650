//! The index that `smtpspec serve` keeps of its sessions, and the one that `smtpspec index` makes of the captures.

#![cfg(unix)]

mod support;

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use evidence::index::NAME;
use rusqlite::Connection;
use rusqlite::types::Value;
use support::serve::{ALICE, ALICE_PASSWORD, Serve, curl, until};
use support::talk::deliver;
use support::{folder, good, have, smtpspec, text};

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

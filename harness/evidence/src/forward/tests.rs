//! Messages from a queue to a scripted server that keeps what it accepts.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lab::adapter::relay::Tls;
use lab::scenario::Scenario;
use lab::server::{self, Custodian, Custody, Envelope, Running, Server};
use rstest::rstest;
use tempfile::TempDir;

use super::*;
use crate::durability::Durability;
use crate::queue::tests::{Said, envelope, files, open, take};

const PATIENCE: Duration = Duration::from_secs(20);

type Kept = Arc<Mutex<Vec<(Envelope, Vec<u8>)>>>;

#[derive(Debug)]
struct Keeper(Kept);

struct Coming(Kept, Envelope, Vec<u8>);

impl Custody for Keeper {
    fn begin(&self, envelope: Envelope) -> Box<dyn Custodian> {
        Box::new(Coming(Arc::clone(&self.0), envelope, Vec::new()))
    }
}

impl Custodian for Coming {
    fn write(&mut self, bytes: &[u8]) {
        self.2.extend_from_slice(bytes);
    }

    fn keep(self: Box<Self>) -> server::Answer<'static> {
        let mut kept = self.0.lock().expect("no panic");
        kept.push((self.1.clone(), self.2.clone()));
        Box::pin(async { Ok(()) })
    }
}

const OFFERS: &str = "[server]\nextensions = [\"8BITMIME\", \"SIZE 9000000\", \"DSN\"]\n";

fn upstream(tables: &str, port: u16) -> (Running, Kept) {
    let text = format!("id = \"SRV-01\"\ntitle = \"t\"\n{tables}");
    let scenario = Scenario::parse("t.toml", &text).expect("a scenario");
    let mut options = server::Options::new(&scenario);
    let kept = Kept::default();
    options.custody = Some(Arc::new(Keeper(Arc::clone(&kept))));
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    let server = Server::bind(address, options).expect("a port");
    (server.spawn().expect("it runs"), kept)
}

fn options(port: u16) -> Options {
    Options {
        upstream: Upstream {
            host: "127.0.0.1".to_owned(),
            port,
            ehlo: "relay.example".to_owned(),
            tls: Tls::IfOffered,
            authority: String::new(),
            timeout: Duration::from_secs(5),
        },
        at_once: 2,
        first: Duration::from_millis(20),
        longest: Duration::from_millis(100),
        give_up: Duration::from_hours(1),
    }
}

/// A queue with one message in it, forwarded to a server.
struct World {
    folder: TempDir,
    queue: Queue,
    said: Said,
    forwarder: Forwarder,
    server: Running,
    kept: Kept,
}

impl World {
    async fn start(
        tables: &str,
        change: impl FnOnce(&mut Options),
        (from, to): (&str, &[&str]),
        content: &[u8],
    ) -> Self {
        let (server, kept) = upstream(tables, 0);
        let folder = tempfile::tempdir().expect("a folder");
        let (queue, names, said) = open(folder.path(), Durability::Os);
        take(&queue, envelope(from, to), content)
            .await
            .expect("room");
        let mut options = options(server.address().port());
        change(&mut options);
        let forwarder = Forwarder::start(&queue, names, options);
        let world = Self {
            folder,
            queue,
            said,
            forwarder,
            server,
            kept,
        };
        world.until(|counts| counts.waiting == 0).await;
        world
    }

    async fn until(&self, enough: impl Fn(crate::queue::Counts) -> bool) {
        until(|| enough(self.queue.counts()), &self.said).await;
    }

    fn kept(&self) -> Vec<(Envelope, Vec<u8>)> {
        self.kept.lock().expect("no panic").clone()
    }

    /// Mailbox and reason of each that failed.
    fn failed(&self) -> Vec<(String, String)> {
        failed(self.folder.path())
    }

    async fn end(self) {
        assert_eq!(self.forwarder.stop(PATIENCE).await, 0);
        assert!(files(self.folder.path(), "json").is_empty());
        assert!(files(self.folder.path(), "eml").is_empty());
        assert!(files(self.folder.path(), "sending").is_empty());
        self.server.stop().await.expect("it ends");
    }
}

async fn until(enough: impl Fn() -> bool, said: &Said) {
    let begun = Instant::now();
    while !enough() {
        assert!(begun.elapsed() < PATIENCE, "{:?}", said.lock());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn failed(folder: &Path) -> Vec<(String, String)> {
    let folder = folder.join("failed");
    let mut all = Vec::new();
    for name in files(&folder, "json") {
        let bytes = std::fs::read(folder.join(format!("{name}.json"))).expect("there");
        let item: Item = serde_json::from_slice(&bytes).expect("readable");
        assert!(folder.join(format!("{name}.eml")).exists() && item.recipients.is_empty());
        all.extend(item.failed.into_iter().map(|one| (one.mailbox, one.reason)));
    }
    all
}

const ONE: (&str, &[&str]) = ("<a@x.example>", &["<b@x.example>"]);
const CONTENT: &[u8] = b"Subject: x\r\n\r\n.\r\n..dots\r\nend\r\n";

fn without_trace(content: &[u8]) -> &[u8] {
    let text = std::str::from_utf8(content.get(..200.min(content.len())).expect("within"));
    let text = text.unwrap_or_else(|error| {
        std::str::from_utf8(&content[..error.valid_up_to()]).expect("valid")
    });
    assert!(text.starts_with("Received: from client.example ([192.0.2.1])\r\n\tby relay.example (smtpspec) with ESMTP id "), "{text}");
    let third = text.match_indices("\r\n").nth(2).expect("three lines").0;
    &content[third + 2..]
}

#[tokio::test]
async fn a_message_arrives_byte_for_byte_with_a_trace_field_on_top() {
    let large = [CONTENT, &b".line\r\n".repeat(50_000)].concat();
    let world = World::start(OFFERS, |_| {}, ONE, &large).await;
    let kept = world.kept();
    assert_eq!(kept.len(), 1);
    assert!(without_trace(&kept[0].1) == large);
    let size = format!("FROM:<a@x.example> SIZE={}", kept[0].1.len());
    assert_eq!(String::from_utf8_lossy(&kept[0].0.from), size);
    assert_eq!(kept[0].0.helo, b"relay.example");
    assert_eq!(world.queue.counts().delivered, 1);
    world.end().await;
}

/// A server that leaves at every stage of its first connection.
#[rstest]
#[case("command = \"GREETING\"\nclose = true")]
#[case("command = \"GREETING\"\nreply = \"554 5.3.2 not now\"")]
#[case("command = \"EHLO\"\nclose = true")]
#[case("command = \"MAIL\"\nclose = true")]
#[case("command = \"MAIL\"\nreply = \"421 4.3.2 bye\"\nthen = \"close\"")]
#[case("command = \"MAIL\"\nreply = \"451 4.3.0 later\"")]
#[case("command = \"RCPT\"\nreset = true")]
#[case("command = \"RCPT\"\nreply = \"450 4.2.1 later\"")]
#[case("command = \"DATA\"\nclose = true")]
#[case("command = \"DATA\"\nreply = \"451 4.3.0 later\"")]
#[case("command = \"CONTENT\"\nat = 10\nreset = true")]
#[case("command = \"CONTENT\"\nclose = true")]
#[case("command = \"CONTENT\"\nreset = true")]
#[case("command = \"CONTENT\"\nreply = \"452 4.3.1 full\"")]
#[case("command = \"CONTENT\"\nreply = \"421 4.3.2 bye\"\nthen = \"close\"")]
#[tokio::test]
async fn a_server_that_leaves_is_tried_again(#[case] rule: &str) {
    let tables = format!("{OFFERS}[[on]]\nconnection = 1\n{rule}\n");
    let one = |options: &mut Options| options.at_once = 1;
    let world = World::start(&tables, one, ONE, CONTENT).await;
    let kept = world.kept();
    assert_eq!(kept.len(), 1, "once, and only once");
    assert_eq!(without_trace(&kept[0].1), CONTENT);
    assert!(world.failed().is_empty());
    world.end().await;
}

#[tokio::test]
async fn each_recipient_has_an_answer_of_its_own() {
    let tables = format!(
        "{OFFERS}[[on]]\ncommand = \"RCPT\"\nargument = \"never\"\nreply = \"550 5.1.1 nobody\"\n\
         [[on]]\nconnection = 1\ncommand = \"RCPT\"\nargument = \"later\"\nreply = \"450 4.2.1 later\"\n"
    );
    let to: &[&str] = &["<now@x.example>", "<never@x.example>", "<later@x.example>"];
    let apart = |options: &mut Options| {
        options.at_once = 1;
        // The connection is closed in the meantime.
        options.first = LINGER * 2;
        options.longest = LINGER * 2;
    };
    let world = World::start(&tables, apart, ("<a@x.example>", to), CONTENT).await;
    let recipients: Vec<_> = world
        .kept()
        .into_iter()
        .map(|(envelope, _)| envelope.recipients)
        .collect();
    assert_eq!(
        recipients,
        [
            [b"TO:<now@x.example>".to_vec()],
            [b"TO:<later@x.example>".to_vec()]
        ]
    );
    let reason = ("never@x.example".to_owned(), "550 5.1.1 nobody".to_owned());
    assert_eq!(world.failed(), [reason]);
    let counts = world.queue.counts();
    assert_eq!(
        (counts.delivered, counts.deferred, counts.failed),
        (2, 1, 1)
    );
    let said = world.said.lock().expect("no panic").join("\n");
    assert!(
        said.contains("was not delivered to <never@x.example>: 550 5.1.1 nobody"),
        "{said}"
    );
    let log = std::fs::read_to_string(world.folder.path().join("log.jsonl")).expect("a log");
    assert_eq!(log.lines().count(), 4);
    world.end().await;
}

#[rstest]
#[case("command = \"MAIL\"\nreply = \"550 5.7.1 no\"", "550 5.7.1 no")]
#[case("command = \"DATA\"\nreply = \"554 5.5.1 no\"", "554 5.5.1 no")]
#[case("command = \"CONTENT\"\nreply = \"554 5.6.0 no\"", "554 5.6.0 no")]
#[tokio::test]
async fn what_is_refused_for_good_is_buried(#[case] rule: &str, #[case] reason: &str) {
    let tables = format!("{OFFERS}[[on]]\n{rule}\n");
    let world = World::start(&tables, |_| {}, ONE, CONTENT).await;
    assert_eq!(
        world.failed(),
        [("b@x.example".to_owned(), reason.to_owned())]
    );
    assert!(world.kept().is_empty());
    world.end().await;
}

#[tokio::test]
async fn a_message_that_is_too_old_is_given_up() {
    let tables = format!("{OFFERS}[[on]]\ncommand = \"RCPT\"\nreply = \"450 4.2.1 later\"\n");
    let old = |options: &mut Options| options.give_up = Duration::ZERO;
    let world = World::start(&tables, old, ONE, CONTENT).await;
    assert_eq!(world.failed()[0].1, "given up: 450 4.2.1 later");
    world.end().await;
}

#[rstest]
#[case("8BITMIME", "<a@x.example>", "ü\r\n", Ok(" BODY=8BITMIME"))]
#[case("8BITMIME", "<a@x.example> BODY=8BITMIME", "u\r\n", Ok(""))]
#[case("SIZE", "<a@x.example>", "\r\nü\r\n", Err("5.6.3"))]
#[case("SIZE 50", "<a@x.example>", "x\r\n", Err("5.3.4"))]
#[case("8BITMIME", "<ä@x.example>", "x\r\n", Err("5.6.7"))]
#[case(
    "DSN",
    "<a@x.example> RET=HDRS ENVID=7",
    "x\r\n",
    Ok(" RET=HDRS ENVID=7")
)]
#[case("HELP", "<a@x.example> RET=HDRS ENVID=7", "x\r\n", Ok(""))]
#[tokio::test]
async fn the_server_is_told_what_it_understands(
    #[case] offers: &str,
    #[case] from: &str,
    #[case] text: &str,
    #[case] wanted: Result<&str, &str>,
) {
    let tables = format!("[server]\nextensions = [\"{offers}\"]\n");
    // Eight bits of a body: those of a header need more.
    let content = format!("S: x\r\n\r\n{text}");
    let world = World::start(
        &tables,
        |_| {},
        (from, &["<b@x.example>"]),
        content.as_bytes(),
    )
    .await;
    match wanted {
        Ok(parameters) => {
            let said = format!("FROM:<a@x.example>{parameters}");
            assert_eq!(String::from_utf8_lossy(&world.kept()[0].0.from), said);
        }
        Err(code) => assert!(
            world.failed()[0].1.starts_with(code),
            "{:?}",
            world.failed()
        ),
    }
    world.end().await;
}

#[tokio::test]
async fn a_server_that_is_away_is_waited_for() {
    let (first, _) = upstream(OFFERS, 0);
    let port = first.address().port();
    first.stop().await.expect("it ends");
    let folder = tempfile::tempdir().expect("a folder");
    let (queue, names, said) = open(folder.path(), Durability::Os);
    for _ in 0..5 {
        take(&queue, envelope(ONE.0, ONE.1), CONTENT)
            .await
            .expect("room");
    }
    let forwarder = Forwarder::start(&queue, names, options(port));
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(queue.counts().waiting, 5);
    let (server, kept) = upstream(OFFERS, port);
    until(|| queue.counts().waiting == 0, &said).await;
    assert_eq!(kept.lock().expect("no panic").len(), 5);
    let heard = said.lock().expect("no panic").join("\n");
    assert!(
        heard.contains("next try in 100ms") && heard.contains("it is back"),
        "{heard}"
    );
    // One that leaves is told once for each wait, and not by each worker.
    assert!(heard.lines().count() < 12, "{heard}");
    forwarder.stop(PATIENCE).await;
    assert!(
        server.stop().await.expect("it ends").connections < 5,
        "connections are kept"
    );
}

#[tokio::test]
async fn a_stop_leaves_what_waits_and_the_next_start_goes_on() {
    let (server, kept) = upstream(OFFERS, 0);
    let port = server.address().port();
    let folder = tempfile::tempdir().expect("a folder");
    let (queue, names, _) = open(folder.path(), Durability::Os);
    take(&queue, envelope(ONE.0, ONE.1), CONTENT)
        .await
        .expect("room");
    let mut away = options(1);
    away.upstream.timeout = Duration::from_millis(500);
    away.longest = Duration::from_mins(1);
    let forwarder = Forwarder::start(&queue, names, away);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(forwarder.stop(PATIENCE).await, 1);
    drop(queue);
    let (queue, names, said) = open(folder.path(), Durability::Os);
    let forwarder = Forwarder::start(&queue, names, options(port));
    until(|| queue.counts().waiting == 0, &said).await;
    assert_eq!(kept.lock().expect("no panic").len(), 1);
    forwarder.stop(PATIENCE).await;
    server.stop().await.expect("it ends");
}

#[tokio::test]
async fn tls_comes_where_it_is_offered_and_its_absence_stops_only_those_who_need_it() {
    let with = "[server]\nextensions = [\"STARTTLS\", \"8BITMIME\"]\n";
    let without = "[server]\nextensions = [\"8BITMIME\"]\n";
    let broken = format!("{with}[[on]]\ncommand = \"STARTTLS\"\nreply = \"454 4.7.0 no\"\n");
    let tls = |tls: Tls| {
        move |options: &mut Options| {
            options.upstream.tls = tls;
            options.give_up = Duration::ZERO;
        }
    };
    for (tables, wish, under_tls) in [
        (with, Tls::IfOffered, Some(true)),
        (with, Tls::Never, Some(false)),
        (without, Tls::IfOffered, Some(false)),
        (broken.as_str(), Tls::IfOffered, Some(false)),
        (without, Tls::Required, None),
        (broken.as_str(), Tls::Required, None),
        // Nobody vouches for its certificate.
        (with, Tls::Required, None),
    ] {
        let world = World::start(tables, tls(wish), ONE, CONTENT).await;
        let kept: Vec<_> = world
            .kept()
            .iter()
            .map(|(envelope, _)| envelope.tls)
            .collect();
        assert_eq!(kept.first().copied(), under_tls, "{tables} {wish:?}");
        assert_eq!(world.failed().is_empty(), under_tls.is_some());
        world.end().await;
    }
}

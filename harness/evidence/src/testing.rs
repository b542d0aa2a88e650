//! A server with an evidence folder, and a client that talks to it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use lab::scenario::Scenario;
use lab::server::{Options, Running, Server};
use lab::tap::{Recorder, RecorderOptions};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::captures::{Begun, Captures, Rotate};
use crate::durability::Durability;
use crate::health::Health;
use crate::store::{Form, Parts, Store};

const SCENARIO: &str = "id = \"SRV-01\"\ntitle = \"t\"\n[server]\nextensions = [\"PIPELINING\", \"CHUNKING\", \"SIZE 9000000\"]\n";

/// How the evidence is kept.
#[derive(Clone, Copy)]
pub(crate) struct Wish {
    pub(crate) form: Form,
    pub(crate) durability: Durability,
    pub(crate) rotate: Rotate,
}

impl Default for Wish {
    fn default() -> Self {
        Self {
            form: Form::Maildir,
            durability: Durability::Os,
            rotate: Rotate::default(),
        }
    }
}

/// The server.
pub(crate) struct Served {
    pub(crate) store: Arc<Store>,
    pub(crate) health: Health,
    pub(crate) recorder: Recorder,
    #[expect(dead_code, reason = "the recorder has somebody to tell")]
    begun: std::sync::Mutex<Receiver<Begun>>,
    running: Running,
    above: TempDir,
    folder: PathBuf,
}

impl Served {
    pub(crate) fn start(wish: Wish) -> Self {
        let above = tempfile::tempdir().expect("a folder");
        let folder = above.path().join("out");
        std::fs::create_dir(&folder).expect("made");
        let syncs = wish.durability == Durability::Disk;
        let (captures, files, begun) =
            Captures::new(&folder, wish.rotate, syncs).expect("readable");
        let recorder =
            Recorder::rotating(files, RecorderOptions::default()).expect("the first capture");
        let health = Health::new(|_| {});
        let parts = Parts {
            folder: folder.clone(),
            form: wish.form,
            durability: wish.durability,
            recorder: recorder.clone(),
            captures,
            health: health.clone(),
        };
        let store = Arc::new(Store::open(parts).expect("a store"));
        let scenario = Scenario::parse("x.toml", SCENARIO).expect("a scenario");
        let mut options = Options::new(&scenario);
        options.terms.grace = Duration::from_millis(50);
        options.recorder = Some(recorder.clone());
        options.custody = Some(store.clone());
        let server = Server::bind(SocketAddr::from(([127, 0, 0, 1], 0)), options);
        let running = server.expect("bound").spawn().expect("spawned");
        Self {
            store,
            health,
            recorder,
            begun: std::sync::Mutex::new(begun),
            running,
            above,
            folder,
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) async fn client(&self) -> Client {
        let stream = TcpStream::connect(self.running.address()).await;
        let mut client = Client(BufReader::new(stream.expect("it listens")));
        assert!(client.reply().await.starts_with("220 "));
        assert!(client.say("EHLO client.example").await.starts_with("250"));
        client
    }

    /// Stops it; the folder lives on with what this returns.
    pub(crate) async fn stop(self) -> Stopped {
        self.running.stop().await.expect("it ran");
        // What is left out is left out; the files are there.
        let _ = self.recorder.finish();
        Stopped {
            _above: self.above,
            folder: self.folder,
        }
    }
}

/// What a server left.
pub(crate) struct Stopped {
    _above: TempDir,
    pub(crate) folder: PathBuf,
}

pub(crate) struct Client(BufReader<TcpStream>);

impl Client {
    async fn reply(&mut self) -> String {
        let mut all = String::new();
        loop {
            let start = all.len();
            let read =
                tokio::time::timeout(Duration::from_secs(20), self.0.read_line(&mut all)).await;
            let read = read.expect("a reply in time").expect("a reply");
            if read == 0 || all.as_bytes().get(start + 3) != Some(&b'-') {
                return all;
            }
        }
    }

    pub(crate) async fn say(&mut self, line: &str) -> String {
        let line = format!("{line}\r\n");
        let sent = self.0.get_mut().write_all(line.as_bytes()).await;
        sent.expect("sent");
        self.reply().await
    }

    /// An envelope, up to the 354.
    pub(crate) async fn begin(&mut self) {
        for (line, code) in [
            ("MAIL FROM:<a@client.example>", "250 "),
            ("RCPT TO:<b@server.example>", "250 "),
            ("DATA", "354 "),
        ] {
            assert!(self.say(line).await.starts_with(code));
        }
    }

    pub(crate) async fn send(&mut self, text: &str) {
        let sent = self.0.get_mut().write_all(text.as_bytes()).await;
        sent.expect("sent");
    }

    /// Sends a message as it crosses the wire, without the dot at its end, and says how it was answered.
    pub(crate) async fn deliver(&mut self, stuffed: &str) -> String {
        self.begin().await;
        self.say(&format!("{stuffed}.")).await
    }
}

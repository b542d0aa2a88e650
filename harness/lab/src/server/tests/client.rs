//! A client that says what it is told, and a server to say it to.

use std::net::SocketAddr;
use std::time::Duration;

use smtp::Secret;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::scenario::Scenario;
use crate::server::{Account, Options, Running, Seed, Server, Sockets};

/// A server of a scenario of which only what matters is given, with the account `CORP\svc`, `canary`.
pub(super) fn start(tables: &str) -> Running {
    start_with(tables, |_| {})
}

/// As [`start`], with other options.
pub(super) fn start_with(tables: &str, change: impl FnOnce(&mut Options)) -> Running {
    bind(tables, change).spawn().expect("spawned")
}

/// As [`start_with`], not yet running.
pub(super) fn bind(tables: &str, change: impl FnOnce(&mut Options)) -> Server {
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    Server::bind(address, options(tables, change)).expect("bound")
}

/// As [`start_with`], with sockets of one's own.
pub(super) fn start_on(
    sockets: Sockets,
    tables: &str,
    change: impl FnOnce(&mut Options),
) -> Running {
    let server = Server::on(sockets, options(tables, change)).expect("a server");
    server.spawn().expect("spawned")
}

/// The options of [`start_with`].
pub(super) fn options(tables: &str, change: impl FnOnce(&mut Options)) -> Options {
    let text = format!("id = \"SES-01\"\ntitle = \"t\"\n{tables}");
    let scenario = Scenario::parse("x.toml", &text).unwrap_or_else(|problems| panic!("{problems}"));
    let mut options = Options::new(&scenario);
    options.seed = Seed::Pinned(1);
    // Many tests stop the server with their client still there.
    options.terms.grace = Duration::from_millis(50);
    options.accounts = vec![Account {
        domain: "CORP".into(),
        user: "svc".into(),
        password: Secret::new(*b"canary"),
    }];
    change(&mut options);
    options
}

pub(super) struct Client<S> {
    stream: BufReader<S>,
}

impl Client<TcpStream> {
    pub(super) async fn connect(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).await.expect("connected"))
    }

    /// Connected, and the greeting read.
    pub(super) async fn greeted(address: SocketAddr) -> Self {
        let mut client = Self::connect(address).await;
        assert!(client.reply().await.starts_with("220 "));
        client
    }

    /// One recipient was accepted.
    pub(super) async fn in_transaction(address: SocketAddr) -> Self {
        let mut client = Self::greeted(address).await;
        assert!(client.say("EHLO x").await.starts_with("250"));
        client.transaction().await;
        client
    }

    pub(super) fn local(&self) -> SocketAddr {
        self.stream.get_ref().local_addr().expect("an address")
    }

    pub(super) fn into_inner(self) -> TcpStream {
        self.stream.into_inner()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub(super) fn over(stream: S) -> Self {
        Self {
            stream: BufReader::new(stream),
        }
    }

    pub(super) async fn transaction(&mut self) {
        assert!(
            self.say("MAIL FROM:<a@example.test>")
                .await
                .starts_with("250 ")
        );
        assert!(
            self.say("RCPT TO:<b@example.test>")
                .await
                .starts_with("250 ")
        );
    }

    pub(super) async fn send(&mut self, text: &str) {
        self.stream
            .get_mut()
            .write_all(text.as_bytes())
            .await
            .expect("sent");
        self.stream.get_mut().flush().await.expect("flushed");
    }

    /// Sends a line, and reads the reply to it.
    pub(super) async fn say(&mut self, line: &str) -> String {
        self.send(&format!("{line}\r\n")).await;
        self.reply().await
    }

    /// A reply of any number of lines; empty at the end of the stream.
    pub(super) async fn reply(&mut self) -> String {
        let mut all = String::new();
        loop {
            let start = all.len();
            let read =
                tokio::time::timeout(Duration::from_secs(5), self.stream.read_line(&mut all));
            let read = read.await.expect("a reply in time").expect("a reply");
            if read == 0 || all.as_bytes().get(start + 3) != Some(&b'-') {
                return all;
            }
        }
    }

    /// Everything up to the end of the stream.
    pub(super) async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(5), self.stream.read_to_end(&mut rest));
        read.await.expect("an end in time").expect("an orderly end");
        rest
    }

    /// The error that reading ends with.
    pub(super) async fn broken(&mut self) -> std::io::ErrorKind {
        let mut rest = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(5), self.stream.read_to_end(&mut rest));
        read.await
            .expect("an end in time")
            .expect_err("no orderly end")
            .kind()
    }
}

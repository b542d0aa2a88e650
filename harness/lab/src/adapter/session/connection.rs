//! One connection: lines out, replies in, every wait bounded.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use smtp::Secret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::super::client_tls::{self, Trust};
use super::super::network::{Network, Told};
use super::super::trace::Step;
use super::super::twin::{Twin, Twins};
use super::failure::Failure;
use super::misread;
use super::stream::Stream;
use super::wire_form::Stuffed;
use crate::tap::{Tap, TapStream};

/// Longest reply line that is read. A 334 of NTLM may have 12288 octets (RFC 4954 section 4).
pub(super) const LONGEST_LINE: usize = 16 * 1024;
/// Most lines of one reply that are read.
const MOST_LINES: usize = 256;
/// How much content is written under one time limit.
const CHUNK: usize = 16 * 1024;
/// Words of a line that was said in secret which are shorter than this are part of any text.
const SHORTEST_SECRET: usize = 8;

/// A reply of the server (RFC 5321 section 4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Reply {
    /// The code.
    pub(in super::super) code: u16,
    /// The text of each line.
    pub(in super::super) lines: Vec<String>,
}

impl Reply {
    /// 2yz.
    pub(in super::super) fn is_positive(&self) -> bool {
        self.code / 100 == 2
    }

    /// 5yz.
    pub(in super::super) fn is_permanent(&self) -> bool {
        self.code / 100 == 5
    }

    /// The text of the first line.
    pub(in super::super) fn text(&self) -> &str {
        self.lines.first().map_or("", String::as_str)
    }
}

/// The client's end of a connection.
pub(in super::super) struct Connection {
    stream: Stream,
    buffer: Vec<u8>,
    limit: Duration,
    tls: bool,
    steps: Vec<Step>,
    /// The text of the last refusal, which only a bad twin repeats.
    last_refusal: String,
    /// What was said in secret, to be taken out of replies that repeat it before anybody is told.
    hidden: Vec<Secret>,
    twins: Twins,
    network: Network,
}

impl Connection {
    /// Speaks over `stream`; each connection, write and reply may take `limit`.
    pub(in super::super) fn new(stream: Stream, limit: Duration) -> Self {
        Self {
            stream,
            buffer: Vec::new(),
            limit,
            tls: false,
            steps: Vec::new(),
            last_refusal: String::new(),
            hidden: Vec::new(),
            twins: Twins::default(),
            network: Network::default(),
        }
    }

    /// From now on it is these twins that read and write.
    pub(super) fn misbehave(&mut self, twins: Twins) {
        self.twins = twins;
    }

    /// Opens a TCP connection to the first address of the server that takes one.
    pub(super) async fn open(
        server: SocketAddr,
        limit: Duration,
        network: &Network,
    ) -> Result<Self, Failure> {
        let mut failure = Failure::Closed;
        for address in network.addresses(server) {
            network.tell(&Told::Connecting(address));
            match within(limit, "the connection", TcpStream::connect(address)).await {
                Ok(stream) => {
                    network.tell(&Told::Connected(address));
                    return Ok(Self::over(stream, address, limit, network));
                }
                Err(error) => {
                    network.tell(&Told::Failed(&error.to_string()));
                    failure = error;
                }
            }
        }
        Err(failure)
    }

    fn over(stream: TcpStream, server: SocketAddr, limit: Duration, network: &Network) -> Self {
        // A command that waits for the acknowledgement of the one before would only slow the tests down.
        let _ = stream.set_nodelay(true);
        let tap = match (&network.recorder, stream.local_addr()) {
            (Some(recorder), Ok(local)) => recorder.open_to(server, local),
            _ => Tap::none(),
        };
        let mut connection = Self::new(Box::new(TapStream::new(stream, tap)), limit);
        connection.network = network.clone();
        connection
    }

    /// Every wait from now on may take this long.
    pub(super) fn wait_no_longer_than(&mut self, limit: Duration) {
        self.limit = limit;
    }

    /// The text of the last refusal, as the server wrote it.
    pub(super) fn last_refusal(&self) -> &str {
        &self.last_refusal
    }

    /// Whether TLS is in use.
    pub(super) fn is_tls(&self) -> bool {
        self.tls
    }

    /// What was said, without secrets.
    pub(super) fn into_steps(self) -> Vec<Step> {
        self.steps
    }

    /// Starts TLS on the connection.
    ///
    /// Bytes that came in clear before it would be taken for protected ones, so they end the attempt.
    pub(super) async fn upgrade(
        &mut self,
        server: SocketAddr,
        trust: &Trust,
    ) -> Result<(), Failure> {
        if !self.buffer.is_empty() {
            return Err(Failure::BytesBeforeTls);
        }
        self.upgrade_at_once(server, trust).await
    }

    /// The same, whatever came before.
    pub(super) async fn upgrade_at_once(
        &mut self,
        server: SocketAddr,
        trust: &Trust,
    ) -> Result<(), Failure> {
        let closed = tokio::io::join(tokio::io::empty(), tokio::io::sink());
        let stream = std::mem::replace(&mut self.stream, Box::new(closed));
        let name = self.network.name(server).map(str::to_owned);
        let upgrade = client_tls::upgrade(stream, server.ip(), name, trust);
        self.stream = match timeout(self.limit, upgrade).await {
            Ok(upgraded) => upgraded.map_err(|error| Failure::of_tls(&error))?,
            Err(_) => return Err(Failure::TimedOut("the TLS handshake")),
        };
        self.tls = true;
        self.note("(TLS)", None);
        self.network.tell(&Told::Secured);
        Ok(())
    }

    /// Sends a command line and reads the reply to it.
    pub(in super::super) async fn command(&mut self, line: &str) -> Result<Reply, Failure> {
        self.hidden_command(line, line).await
    }

    /// Sends a line and waits for nothing, as a bad twin does.
    pub(in super::super) async fn say(&mut self, line: &str) -> Result<(), Failure> {
        self.note(line, None);
        self.network.tell(&Told::Said(line));
        self.write(format!("{line}\r\n").as_bytes()).await
    }

    /// Sends a line that holds a secret; the trace shows `shown` in its place.
    pub(in super::super) async fn hidden_command(
        &mut self,
        line: &str,
        shown: &str,
    ) -> Result<Reply, Failure> {
        self.note(shown, None);
        self.network.tell(&Told::Said(shown));
        if line != shown {
            self.hide(line);
        }
        let line = misread::spelled(&self.twins, line);
        self.write(format!("{line}\r\n").as_bytes()).await?;
        self.reply().await
    }

    /// Says that a password goes out in clear with the next line, where it does.
    pub(in super::super) fn password_in_clear(&self, mechanism: &'static str) {
        if !self.tls {
            self.network.tell(&Told::PasswordInClear(mechanism));
        }
    }

    /// Sends content that is put into its wire form while it goes.
    pub(super) async fn stuffed(&mut self, mut content: Stuffed<'_>) -> Result<(), Failure> {
        let octets = content.octets();
        self.note(&format!("(content of {octets} octets)"), None);
        self.network.tell(&Told::Content(octets));
        let mut buffer = Vec::new();
        while content.fill(&mut buffer) {
            self.write(&buffer).await?;
        }
        self.network.tell(&Told::ContentWritten);
        Ok(())
    }

    /// Sends message content as it goes over the wire, and reads the reply.
    pub(super) async fn content(&mut self, wire: &[u8]) -> Result<Reply, Failure> {
        self.bytes(wire, "content").await?;
        self.reply().await
    }

    /// Sends bytes that are no command line. The trace shows how many, and what they are called.
    pub(super) async fn bytes(&mut self, bytes: &[u8], what: &str) -> Result<(), Failure> {
        self.note(&format!("({what} of {} octets)", bytes.len()), None);
        for chunk in bytes.chunks(CHUNK) {
            self.write(chunk).await?;
        }
        Ok(())
    }

    /// Reads one reply.
    pub(in super::super) async fn reply(&mut self) -> Result<Reply, Failure> {
        let limit = self.limit;
        let reply = match timeout(limit, self.read_reply()).await {
            Ok(reply) => reply?,
            Err(_) => return Err(Failure::TimedOut("a reply")),
        };
        if reply.code >= 400 {
            self.last_refusal = reply.lines.join("\n");
        }
        self.tell_reply(&reply);
        match self.steps.last_mut() {
            Some(step) if step.code.is_none() => step.code = Some(reply.code),
            _ => self.note("", Some(reply.code)),
        }
        Ok(reply)
    }

    /// Ends the sending direction.
    pub(super) async fn close(&mut self) {
        let _ = timeout(self.limit, self.stream.shutdown()).await;
    }

    fn hide(&mut self, line: &str) {
        let words = line.split_ascii_whitespace();
        let long = words.filter(|word| word.len() >= SHORTEST_SECRET);
        self.hidden.extend(long.map(Secret::new));
    }

    /// Tells the watcher what was heard. A challenge can be as telling as the answer to it.
    fn tell_reply(&self, reply: &Reply) {
        let lines: Vec<String> = match reply.code {
            334 => Vec::new(),
            _ => reply.lines.iter().map(|line| self.clean(line)).collect(),
        };
        self.network.tell(&Told::Heard(reply.code, &lines));
    }

    /// The text without what was said in secret.
    fn clean(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        for secret in &self.hidden {
            let secret = String::from_utf8_lossy(secret.expose());
            for written in [secret.as_ref(), secret.trim_end_matches('=')] {
                if clean.contains(written) {
                    clean = clean.replace(written, "<secret>");
                }
            }
        }
        clean
    }

    fn note(&mut self, sent: &str, code: Option<u16>) {
        self.steps.push(Step {
            sent: sent.to_owned(),
            code,
        });
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let stream = &mut self.stream;
        let write = async {
            stream.write_all(bytes).await?;
            stream.flush().await
        };
        within(self.limit, "the server to take what was sent", write).await
    }

    async fn read_reply(&mut self) -> Result<Reply, Failure> {
        if self.twins.has(Twin::OneReadIsReply) {
            return self.read_once().await;
        }
        let mut lines = Vec::new();
        let mut code = None;
        while lines.len() < MOST_LINES || misread::reads_on(&self.twins) {
            let line = self.line().await?;
            let (this, more, text) = parse(&self.twins, &line)
                .ok_or(Failure::Malformed("a line without a reply code"))?;
            if code.is_some_and(|code| code != this) && !misread::takes_any_code(&self.twins) {
                return Err(Failure::Malformed("lines with different codes"));
            }
            let code = *code.get_or_insert(this);
            lines.push(text);
            if !more || misread::ends_early(&self.twins) {
                return misread::reply(&self.twins, Reply { code, lines });
            }
        }
        Err(Failure::Malformed("too many lines"))
    }

    /// Takes what one read gives for a reply, as a bad twin does.
    async fn read_once(&mut self) -> Result<Reply, Failure> {
        let mut chunk = [0; 4096];
        let read = self.stream.read(&mut chunk).await;
        let read = read.map_err(|error| Failure::Io(error.kind()))?;
        let digit = chunk[..read].first().filter(|byte| byte.is_ascii_digit());
        let digit = digit.ok_or(Failure::Malformed("what was read is no reply"))?;
        Ok(Reply {
            code: u16::from(digit - b'0') * 100 + if *digit == b'3' { 54 } else { 50 },
            lines: Vec::new(),
        })
    }

    /// One line, without its end. A bare LF ends a line too.
    async fn line(&mut self) -> Result<Vec<u8>, Failure> {
        let mut searched = 0;
        loop {
            let room = misread::room(&self.twins);
            let too_long = |length: usize| room.is_some_and(|room| length > room);
            if let Some(at) = self.buffer[searched..].iter().position(|&b| b == b'\n') {
                if too_long(searched + at) {
                    return Err(Failure::Malformed("a line that is too long"));
                }
                let mut line: Vec<u8> = self.buffer.drain(..=searched + at).collect();
                line.pop();
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                return Ok(line);
            }
            searched = self.buffer.len();
            if misread::longest_line(&self.twins).is_some_and(|longest| searched > longest) {
                return Ok(self.buffer.drain(..).collect());
            }
            if too_long(searched) {
                return Err(Failure::Malformed("a line that is too long"));
            }
            let mut chunk = [0; 4096];
            match self
                .stream
                .read(&mut chunk)
                .await
                .map_err(|error| Failure::Io(error.kind()))?
            {
                0 => return Err(Failure::Closed),
                read => self.buffer.extend_from_slice(&chunk[..read]),
            }
        }
    }
}

/// Waits for an operation, but not longer than `limit`.
async fn within<T>(
    limit: Duration,
    what: &'static str,
    operation: impl Future<Output = io::Result<T>>,
) -> Result<T, Failure> {
    match timeout(limit, operation).await {
        Ok(result) => result.map_err(|error| Failure::Io(error.kind())),
        Err(_) => Err(Failure::TimedOut(what)),
    }
}

/// Code, whether more lines follow, and text of a reply line.
fn parse(twins: &Twins, line: &[u8]) -> Option<(u16, bool, String)> {
    let (code, rest) = line.split_at_checked(3)?;
    let rest = misread::behind_code(twins, rest);
    if !code.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let code = std::str::from_utf8(code).ok()?.parse().ok()?;
    let (more, text) = match rest {
        [] => (false, rest),
        [b' ', text @ ..] => (false, text),
        [b'-', text @ ..] => (true, text),
        _ => return None,
    };
    Some((code, more, String::from_utf8_lossy(text).into_owned()))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use tokio_test::io::Builder;

    use super::*;

    fn over(script: tokio_test::io::Mock) -> Connection {
        Connection::new(Box::new(script), Duration::from_millis(200))
    }

    #[tokio::test]
    async fn a_reply_may_have_several_lines_in_pieces() {
        let script = Builder::new()
            .read(b"250-mail.example.test\r\n25")
            .read(b"0 SIZE 1\n")
            .build();
        let reply = over(script).reply().await.unwrap();
        assert_eq!(
            reply,
            Reply {
                code: 250,
                lines: vec!["mail.example.test".to_owned(), "SIZE 1".to_owned()]
            }
        );
    }

    #[rstest]
    #[case(b"hello\r\n", Failure::Malformed("a line without a reply code"))]
    #[case(b"2\r\n", Failure::Malformed("a line without a reply code"))]
    #[case(b"250x\r\n", Failure::Malformed("a line without a reply code"))]
    #[case(
        b"250-a\r\n251 b\r\n",
        Failure::Malformed("lines with different codes")
    )]
    #[case(b"250", Failure::Closed)]
    #[tokio::test]
    async fn bad_replies_are_failures(#[case] bytes: &[u8], #[case] failure: Failure) {
        let script = Builder::new().read(bytes).build();
        assert_eq!(over(script).reply().await.unwrap_err(), failure);
    }

    #[tokio::test]
    async fn endless_replies_end() {
        let failure = async |bytes: &[u8]| {
            let (client, mut server) = tokio::io::duplex(64 * 1024);
            server.write_all(bytes).await.unwrap();
            Connection::new(Box::new(client), Duration::from_secs(1))
                .reply()
                .await
                .unwrap_err()
        };
        assert_eq!(
            failure(&b"250-more\r\n".repeat(300)).await,
            Failure::Malformed("too many lines")
        );
        assert_eq!(
            failure(&b"2".repeat(40_000)).await,
            Failure::Malformed("a line that is too long")
        );
    }

    #[tokio::test]
    async fn silence_ends_with_the_time_limit() {
        let (client, _server) = tokio::io::duplex(64);
        let mut connection = Connection::new(Box::new(client), Duration::from_millis(20));
        assert_eq!(
            connection.reply().await.unwrap_err(),
            Failure::TimedOut("a reply")
        );
        // Nor may a server that never reads hold the adapter.
        assert!(matches!(
            connection.content(&[b'x'; 1000]).await.unwrap_err(),
            Failure::TimedOut(_)
        ));
    }

    proptest::proptest! {
        #[test]
        fn any_line_parses_or_not(line in proptest::collection::vec(proptest::num::u8::ANY, 0..40)) {
            if let Some((code, _, _)) = parse(&Twins::default(), &line) {
                proptest::prop_assert!(code <= 999);
            }
        }
    }
}

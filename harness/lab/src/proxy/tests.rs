//! A proxy between plain sockets: what goes in comes out, how each side ends is passed on, and nothing waits for ever.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use wire::{Capture, Closing, Direction, StreamEvent};

use super::*;
use crate::scenario::Scenario;
use crate::server;
use crate::tap::{Clock, RecorderOptions};

const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Clone, Default)]
struct File(Arc<Mutex<Vec<u8>>>);

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl File {
    fn recorder(&self) -> Recorder {
        let options = RecorderOptions {
            clock: Clock::Real,
            nominal_port: Some(25),
            comment: String::new(),
            held: 0,
        };
        Recorder::new(Box::new(self.clone()), options).expect("a header")
    }

    fn capture(&self) -> Capture {
        Capture::from_bytes("test", &self.0.lock().expect("no panic")).expect("a capture")
    }

    /// What one side said, and how it ended.
    fn said(&self, side: Direction) -> (Vec<u8>, Closing) {
        let capture = self.capture();
        let conversation = &capture.conversations[0];
        let mut all = Vec::new();
        for event in &conversation.events {
            if let StreamEvent::Data {
                direction, bytes, ..
            } = event
                && *direction == side
            {
                all.extend_from_slice(bytes);
            }
        }
        (all, conversation.closing)
    }
}

/// A proxy that runs, and the listener behind it.
struct Bench {
    address: SocketAddr,
    behind: TcpListener,
    front: File,
    back: File,
    running: JoinHandle<ServerReport>,
    stop: oneshot::Sender<()>,
}

impl Bench {
    async fn start(change: impl FnOnce(&mut Options)) -> Self {
        let behind = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let (front, back) = (File::default(), File::default());
        let mut options = Options::new(behind.local_addr().expect("bound").to_string());
        options.recorder = Some(front.recorder());
        options.behind = Some(back.recorder());
        options.terms.limit = Some(1);
        change(&mut options);
        let (address, running, stop) = run(options);
        Self {
            address,
            behind,
            front,
            back,
            running,
            stop,
        }
    }

    async fn pair(&self) -> (TcpStream, TcpStream) {
        let client = TcpStream::connect(self.address).await.expect("a listener");
        let (server, _) = timeout(PATIENCE, self.behind.accept())
            .await
            .expect("the proxy connects")
            .expect("a connection");
        (client, server)
    }

    async fn report(self) -> (ServerReport, File, File) {
        let report = timeout(PATIENCE, self.running).await.expect("it ends");
        (report.expect("no panic"), self.front, self.back)
    }
}

fn run(options: Options) -> (SocketAddr, JoinHandle<ServerReport>, oneshot::Sender<()>) {
    let proxy = Proxy::bind(SocketAddr::from(([127, 0, 0, 1], 0)), options);
    let proxy = proxy.expect("a port");
    let address = proxy.local_addrs().expect("bound")[0];
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(proxy.run(async { drop(stopped.await) }, |_| {}));
    (address, running, stop)
}

/// Bytes without a pattern, as TLS has them.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

async fn read_all(stream: &mut TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut all)).await;
    read.expect("it ends").expect("it is readable");
    all
}

#[tokio::test]
async fn any_bytes_go_through_unchanged_and_both_captures_agree() {
    let bench = Bench::start(|_| {}).await;
    let (mut client, mut server) = bench.pair().await;
    let (up, down) = (noise(300_000), noise(200_001));
    server.write_all(&down).await.expect("written");
    let sent = up.clone();
    let sender = tokio::spawn(async move {
        client.write_all(&sent).await.expect("written");
        client.shutdown().await.expect("a half-close");
        read_all(&mut client).await
    });
    // The half-close is passed on, and the other direction goes on behind it.
    assert_eq!(read_all(&mut server).await, up);
    server.write_all(b"and more").await.expect("written");
    drop(server);
    let heard = sender.await.expect("no panic");
    assert_eq!(heard, [&down[..], b"and more"].concat());
    let (report, front, back) = bench.report().await;
    assert!(report.ended.is_empty());
    for side in [Direction::Client, Direction::Server] {
        let (bytes, closing) = front.said(side);
        assert_eq!((&bytes, closing), (&back.said(side).0, Closing::Orderly));
    }
    assert_eq!(front.said(Direction::Client).0, up);
}

#[tokio::test]
async fn a_reset_of_either_side_reaches_the_other() {
    for by_client in [true, false] {
        let bench = Bench::start(|_| {}).await;
        let (mut client, mut server) = bench.pair().await;
        server.write_all(b"220 x\r\n").await.expect("written");
        let mut greeting = [0; 7];
        client.read_exact(&mut greeting).await.expect("passed on");
        let (aborts, mut other) = if by_client {
            (client, server)
        } else {
            (server, client)
        };
        aborts.set_zero_linger().expect("an option of TCP");
        drop(aborts);
        let read = timeout(PATIENCE, other.read(&mut greeting)).await;
        let error = read.expect("told").expect_err("no orderly end");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        let (_, front, _) = bench.report().await;
        assert!(
            matches!(front.said(Direction::Client).1, Closing::Reset { .. }),
            "{:?}",
            front.said(Direction::Client).1
        );
    }
}

#[tokio::test]
async fn what_a_server_says_before_it_aborts_is_passed_on() {
    let bench = Bench::start(|_| {}).await;
    let (mut client, mut server) = bench.pair().await;
    server.write_all(b"421 bye\r\n").await.expect("written");
    server.shutdown().await.expect("closed");
    let mut said = [0; 9];
    client.read_exact(&mut said).await.expect("passed on");
    assert_eq!(&said, b"421 bye\r\n");
    assert_eq!(client.read(&mut said).await.expect("a FIN"), 0);
    client.shutdown().await.expect("closed");
    let (report, front, _) = bench.report().await;
    assert!(report.ended.is_empty());
    assert_eq!(front.said(Direction::Client).1, Closing::Orderly);
}

#[tokio::test]
async fn a_client_without_a_server_is_told_so() {
    let gone = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let upstream = gone.local_addr().expect("bound").to_string();
    drop(gone);
    let front = File::default();
    let mut options = Options::new(upstream);
    options.recorder = Some(front.recorder());
    options.terms.limit = Some(1);
    let (address, running, _stop) = run(options);
    let mut client = TcpStream::connect(address).await.expect("a listener");
    client.write_all(b"EHLO early\r\n").await.expect("written");
    let said = read_all(&mut client).await;
    assert!(said.starts_with(b"421 4.4.1 ") && said.ends_with(b"\r\n"));
    drop(client);
    let report = timeout(PATIENCE, running).await.expect("it ends");
    let ended = report.expect("no panic").ended;
    assert_eq!(ended[0].limit, Limit::Unreached);
    assert_eq!(front.said(Direction::Server).0, said);
}

#[tokio::test]
async fn who_keeps_the_other_waiting_is_named() {
    let idle = Duration::from_millis(200);
    for greets in [false, true] {
        let bench = Bench::start(|options| options.idle = idle).await;
        let (mut client, mut server) = bench.pair().await;
        if greets {
            server.write_all(b"220 x\r\n").await.expect("written");
        }
        let mut all = Vec::new();
        let read = timeout(PATIENCE, client.read_to_end(&mut all)).await;
        read.expect("told").expect_err("aborted");
        let (report, ..) = bench.report().await;
        let limit = if greets {
            Limit::Silence(idle)
        } else {
            Limit::Behind(idle)
        };
        assert_eq!(report.ended[0].limit, limit);
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_stops_its_server() {
    let idle = Duration::from_millis(500);
    let bench = Bench::start(|options| options.idle = idle).await;
    let (client, mut server) = bench.pair().await;
    let most = 64 << 20;
    let mut written = 0;
    let piece = vec![b'x'; 65_536];
    // The buffers of the system fill; those of the proxy do not grow.
    while written < most {
        match timeout(PATIENCE, server.write(&piece)).await {
            Ok(Ok(count)) => written += count,
            Ok(Err(_)) => break,
            Err(late) => panic!("nothing ends it: {late}"),
        }
    }
    assert!(written < most, "{written} bytes went nowhere");
    drop(client);
    let (report, ..) = bench.report().await;
    assert_eq!(report.ended[0].limit, Limit::Unread(idle));
}

#[tokio::test]
async fn a_slow_server_is_waited_for() {
    let bench = Bench::start(|options| options.idle = Duration::from_secs(5)).await;
    let (mut client, mut server) = bench.pair().await;
    for byte in b"220 x\r\n" {
        tokio::time::sleep(Duration::from_millis(60)).await;
        server.write_all(&[*byte]).await.expect("written");
    }
    let mut greeting = [0; 7];
    let read = timeout(PATIENCE, client.read_exact(&mut greeting)).await;
    read.expect("in time").expect("passed on");
    assert_eq!(&greeting, b"220 x\r\n");
}

#[tokio::test]
async fn a_stop_ends_what_is_open() {
    let bench = Bench::start(|options| {
        options.terms.limit = None;
        options.terms.grace = Duration::from_millis(50);
    })
    .await;
    let (_client, mut server) = bench.pair().await;
    drop(bench.stop);
    let mut byte = [0];
    let read = timeout(PATIENCE, server.read(&mut byte)).await;
    read.expect("told").expect_err("aborted");
    let report = timeout(PATIENCE, bench.running).await.expect("it ends");
    assert!(report.expect("no panic").ended.is_empty());
}

#[tokio::test]
async fn a_session_with_a_scripted_server_looks_the_same_from_both_sides() {
    let scenario = "id = \"SRV-01\"\ntitle = \"t\"\n[server]\nextensions = [\"SIZE 1000\"]\n";
    let scenario = Scenario::parse("t.toml", scenario).expect("a scenario");
    let server = server::Server::bind(
        SocketAddr::from(([127, 0, 0, 1], 0)),
        server::Options::new(&scenario),
    )
    .expect("a port");
    let server = server.spawn().expect("it runs");
    let bench = Bench::start(|options| options.upstream = server.address().to_string()).await;
    let mut client = TcpStream::connect(bench.address).await.expect("a listener");
    let said = b"EHLO c.example\r\nMAIL FROM:<a@c.example>\r\nRCPT TO:<b@c.example>\r\nDATA\r\n\
        S: x\r\n\r\n..\r\n.\r\nQUIT\r\n";
    client.write_all(said).await.expect("written");
    let heard = read_all(&mut client).await;
    drop(client);
    let (_, front, back) = bench.report().await;
    assert!(heard.starts_with(b"220 ") && heard.windows(5).any(|five| five == b"\r\n221"));
    for file in [front, back] {
        assert_eq!(file.said(Direction::Server).0, heard);
        assert_eq!(file.said(Direction::Client).0, said);
    }
    assert_eq!(server.stop().await.expect("it ends").accepted, 1);
}

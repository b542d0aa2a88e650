//! The capture that a server leaves, read back.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use rstest::rstest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::rustls::SupportedProtocolVersion;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use wire::{Capture, Closing, Conversation, Direction, Opening, StreamEvent};

use super::client::{Client, bind, start_with};
use super::tls::upgrade_with;
use crate::tap::{Clock, Recorder, RecorderOptions};

fn recorder(path: &Path, clock: Clock) -> Recorder {
    let options = RecorderOptions {
        clock,
        nominal_port: Some(25),
        comment: "a test".into(),
        held: 0,
    };
    Recorder::create(path, options).expect("created")
}

fn stream(conversation: &Conversation, wanted: Direction) -> Vec<u8> {
    let mut all = Vec::new();
    for event in &conversation.events {
        match event {
            StreamEvent::Data {
                direction, bytes, ..
            } if *direction == wanted => all.extend_from_slice(bytes),
            StreamEvent::Gap { .. } => panic!("a gap"),
            _ => {}
        }
    }
    all
}

/// A session whose commands are sent byte by byte or whole.
async fn session(address: SocketAddr, split: bool) -> SocketAddr {
    let mut client = Client::greeted(address).await;
    let local = client.local();
    for line in [
        "EHLO x\r\n",
        "MAIL FROM:<a@b>\r\n",
        "RCPT TO:<c@d>\r\n",
        "DATA\r\n",
        "a\r\n.\r\n",
        "QUIT\r\n",
    ] {
        if split {
            for byte in line.chars() {
                client.send(&byte.to_string()).await;
                tokio::task::yield_now().await;
            }
        } else {
            client.send(line).await;
        }
        client.reply().await;
    }
    client.rest().await;
    local
}

#[tokio::test]
async fn every_byte_of_a_session_is_in_the_capture() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.pcapng");
    let recorder = recorder(&path, Clock::Real);
    let server = start_with("", |options| options.recorder = Some(recorder.clone()));
    let client = session(server.address(), false).await;
    server.stop().await.expect("it ran");
    let frames = recorder.finish().expect("written");

    let capture = Capture::read(&path).expect("a capture");
    assert_eq!(capture.packets, frames);
    assert!(capture.truncated.is_none() && capture.notes.is_empty());
    let [conversation] = &capture.conversations[..] else {
        panic!("one connection")
    };
    assert_eq!(conversation.client, client, "the real address");
    assert_eq!(
        conversation.server,
        SocketAddr::from(([127, 0, 0, 1], 25)),
        "the nominal port"
    );
    assert_eq!(conversation.opening, Opening::Handshake { syn: 1 });
    assert_eq!(conversation.closing, Closing::Orderly);
    assert_eq!(
        String::from_utf8_lossy(&stream(conversation, Direction::Client)),
        "EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\na\r\n.\r\nQUIT\r\n"
    );
    assert!(
        stream(conversation, Direction::Server).starts_with(b"220 mail.example.test ESMTP\r\n250 ")
    );
}

#[tokio::test]
async fn a_pinned_capture_is_the_same_however_the_client_is_cut() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut captures = Vec::new();
    for split in [false, true] {
        let path = folder.path().join(format!("{split}.pcapng"));
        let recorder = recorder(&path, Clock::Pinned);
        let rules = "[[on]]\ncommand = \"EHLO\"\nreply = [{ send = \"25\" }, { flush = true }, { send = \"0 x\\r\\n\" }]\n";
        let server = start_with(rules, |options| {
            options.recorder = Some(recorder.clone());
            options.clock = Clock::Pinned;
        });
        for _ in 0..2 {
            session(server.address(), split).await;
        }
        server.stop().await.expect("it ran");
        recorder.finish().expect("written");
        captures.push(std::fs::read(&path).expect("read"));
    }
    assert_eq!(captures[0], captures[1]);

    let capture = Capture::from_bytes("x", &captures[0]).expect("a capture");
    let ports: Vec<_> = capture
        .conversations
        .iter()
        .map(|one| one.client.port())
        .collect();
    assert_eq!(ports, [49_152, 49_153]);
    let first = &capture.conversations[0];
    assert_eq!(first.start.to_string(), "1767225600.000000");
    let pieces: Vec<_> = first
        .events
        .iter()
        .filter_map(|event| match event {
            StreamEvent::Data {
                direction, bytes, ..
            } => Some((*direction, String::from_utf8_lossy(bytes).into_owned())),
            _ => None,
        })
        .collect();
    assert_eq!(pieces[1], (Direction::Client, "EHLO x\r\n".to_owned()));
    assert_eq!(
        pieces[2],
        (Direction::Server, "25".to_owned()),
        "flush points stay"
    );
    assert_eq!(pieces[3], (Direction::Server, "0 x\r\n".to_owned()));
}

#[tokio::test]
async fn resets_and_closes_are_told_apart() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.pcapng");
    let recorder = recorder(&path, Clock::Pinned);
    let rules =
        "[[on]]\ncommand = \"NOOP\"\nreset = true\n[[on]]\ncommand = \"HELP\"\nclose = true\n";
    let server = start_with(rules, |options| options.recorder = Some(recorder.clone()));
    let mut client = Client::greeted(server.address()).await;
    client.send("NOOP\r\n").await;
    client.broken().await;
    let mut client = Client::greeted(server.address()).await;
    client.send("HELP\r\n").await;
    client.rest().await;
    drop(client);
    let client = Client::greeted(server.address()).await.into_inner();
    client.set_zero_linger().expect("set");
    drop(client);
    server.stop().await.expect("it ran");
    recorder.finish().expect("written");
    let closings: Vec<_> = Capture::read(&path)
        .expect("a capture")
        .conversations
        .iter()
        .map(|one| one.closing)
        .collect();
    assert_eq!(
        closings,
        [
            Closing::Reset(Direction::Server),
            Closing::Orderly,
            Closing::Reset(Direction::Client)
        ]
    );
}

#[tokio::test]
async fn a_dripped_reply_is_one_octet_a_segment() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.pcapng");
    let recorder = recorder(&path, Clock::Pinned);
    let rules = "[[on]]\ncommand = \"NOOP\"\nreply = \"250 ab\"\ndrip = true\n";
    let server = start_with(rules, |options| options.recorder = Some(recorder.clone()));
    let mut client = Client::greeted(server.address()).await;
    assert_eq!(client.say("NOOP").await, "250 ab\r\n");
    client.say("QUIT").await;
    drop(client);
    server.stop().await.expect("it ran");
    recorder.finish().expect("written");
    let capture = Capture::read(&path).expect("a capture");
    let sizes: Vec<_> = capture.conversations[0]
        .events
        .iter()
        .filter_map(|event| match event {
            StreamEvent::Data {
                direction: Direction::Server,
                bytes,
                ..
            } => Some(bytes.len()),
            _ => None,
        })
        .collect();
    let greeting = "220 mail.example.test ESMTP\r\n".len();
    let farewell = "221 2.0.0 mail.example.test closing\r\n".len();
    assert_eq!(sizes, [&[greeting][..], &[1; 8], &[farewell]].concat());
}

/// The file that a session under TLS leaves.
async fn under_tls(version: &'static SupportedProtocolVersion) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.pcapng");
    let recorder = recorder(&path, Clock::Real);
    let server = bind("[server]\nextensions = [\"STARTTLS\"]\n", |options| {
        options.recorder = Some(recorder.clone());
    });
    let certificate = server.ca_certificate().to_vec();
    let server = server.spawn().expect("spawned");
    let mut client = Client::greeted(server.address()).await;
    client.say("EHLO x").await;
    client.say("STARTTLS").await;
    let stream = upgrade_with(client.into_inner(), &certificate, &[version]).await;
    let mut client = Client::over(stream);
    client.say("EHLO under-cover.example.test").await;
    client.say("QUIT").await;
    client.rest().await;
    drop(client);
    server.stop().await.expect("it ran");
    recorder.finish().expect("written");
    let file = std::fs::read(&path).expect("read");
    let capture = Capture::from_bytes("x", &file).expect("a capture");
    assert_eq!(capture.conversations[0].closing, Closing::Orderly);
    file
}

fn place(file: &[u8], text: &[u8]) -> Option<usize> {
    file.windows(text.len()).position(|window| window == text)
}

#[tokio::test]
async fn tls_is_captured_as_ciphertext_with_its_secrets_before_it() {
    let file = under_tls(&TLS13).await;
    let secrets = place(&file, b"CLIENT_TRAFFIC_SECRET_0 ").expect("the secrets of TLS 1.3");
    assert!(place(&file, b"SERVER_HANDSHAKE_TRAFFIC_SECRET ").is_some());
    // Application data is the first encrypted record of TLS 1.3 (RFC 8446 section 5.2).
    let encrypted = place(&file, b"\x17\x03\x03").expect("an encrypted record");
    assert!(
        secrets < encrypted,
        "whoever reads from the start can decrypt"
    );
    assert!(
        place(&file, b"under-cover").is_none(),
        "what went under TLS stays under it"
    );
}

#[tokio::test]
async fn the_secret_of_tls_1_2_comes_before_what_it_already_encrypts() {
    let file = under_tls(&TLS12).await;
    let secret = place(&file, b"CLIENT_RANDOM ").expect("the secret of TLS 1.2");
    // The client's ChangeCipherSpec: everything after it is encrypted (RFC 5246 section 7.1).
    let change = place(&file, b"\x14\x03\x03\x00\x01\x01").expect("a change of cipher");
    assert!(secret < change);
    assert!(place(&file, b"under-cover").is_none());
}

/// A client may say goodbye under TLS first, and close its connection later: whoever judges sessions as they end waits for that.
#[tokio::test]
async fn the_fin_behind_a_goodbye_under_tls_is_seen() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.pcapng");
    let recorder = recorder(&path, Clock::Real);
    let server = bind("[server]\ntls = \"implicit\"\n", |options| {
        options.recorder = Some(recorder.clone());
    });
    let certificate = server.ca_certificate().to_vec();
    let server = server.spawn().expect("spawned");
    let stream = TcpStream::connect(server.address())
        .await
        .expect("connected");
    let mut client = upgrade_with(stream, &certificate, &[&TLS13]).await;
    client.write_all(b"QUIT\r\n").await.expect("written");
    let mut said = Vec::new();
    client.read_to_end(&mut said).await.expect("a goodbye");
    client.get_mut().1.send_close_notify();
    client.flush().await.expect("written");
    tokio::time::sleep(Duration::from_millis(50)).await;
    let closing = || Capture::read(&path).expect("a capture").conversations[0].closing;
    let half = Closing::HalfClosed(Direction::Server);
    assert_eq!(closing(), half, "the client is still there");
    drop(client);
    let closed = async {
        while closing() == half {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let limit = Duration::from_secs(10);
    tokio::time::timeout(limit, closed).await.expect("its FIN");
}

/// Whoever judges sessions as they end is not to wait for it any longer than the server does.
#[tokio::test]
async fn a_client_that_never_closes_is_cut_off() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.pcapng");
    let recorder = recorder(&path, Clock::Real);
    let server = start_with("", |options| {
        options.recorder = Some(recorder.clone());
        options.idle = Duration::from_millis(50);
    });
    let mut client = Client::greeted(server.address()).await;
    client.say("QUIT").await;
    let closing = || Capture::read(&path).expect("a capture").conversations[0].closing;
    let cut_off = async {
        while closing() != Closing::Reset(Direction::Server) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let limit = Duration::from_secs(10);
    let cut_off = tokio::time::timeout(limit, cut_off).await;
    cut_off.expect("its end");
    drop(client);
}

/// The system puts the last reply and the FIN into one segment.
#[cfg(target_os = "linux")]
#[rstest]
#[case::as_it_happens(Clock::Real, true)]
#[case::the_same_in_every_run(Clock::Pinned, false)]
#[tokio::test]
async fn the_last_reply_and_the_fin_are_in_one_frame(#[case] clock: Clock, #[case] one: bool) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.pcapng");
    let recorder = recorder(&path, clock);
    let server = start_with("", |options| options.recorder = Some(recorder.clone()));
    let mut client = Client::greeted(server.address()).await;
    client.say("QUIT").await;
    drop(client);
    server.stop().await.expect("stopped");
    recorder.finish().expect("written");
    let capture = Capture::read(&path).expect("a capture");
    let of_server = |event: &StreamEvent| match event {
        StreamEvent::Data {
            direction: Direction::Server,
            packet,
            ..
        }
        | StreamEvent::Fin {
            direction: Direction::Server,
            packet,
            ..
        } => Some(*packet),
        _ => None,
    };
    let events = capture.conversations[0].events.iter();
    let packets: Vec<_> = events.filter_map(of_server).collect();
    let [.., last, fin] = packets[..] else {
        panic!("a reply and a FIN")
    };
    assert_eq!(last == fin, one, "{packets:?}");
}

#[tokio::test]
async fn a_capture_without_an_end_is_readable() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.pcapng");
    let recorder = recorder(&path, Clock::Real);
    let server = start_with("", |options| options.recorder = Some(recorder.clone()));
    let mut client = Client::greeted(server.address()).await;
    client.say("EHLO x").await;
    // Nobody has finished anything yet.
    let capture = Capture::read(&path).expect("a capture");
    assert!(capture.truncated.is_none());
    assert_eq!(
        stream(&capture.conversations[0], Direction::Client),
        b"EHLO x\r\n"
    );
    assert_eq!(capture.conversations[0].closing, Closing::Open);
}

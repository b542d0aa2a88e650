//! The adapter against servers on loopback.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rstest::rstest;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

use super::config::{BasicMechanism, Certificate, Encoder, Retry};
use super::*;

/// What one connection was told, command lines only. Lines under TLS are marked.
type Transcript = Vec<String>;

/// Where TLS comes in.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Tls {
    #[default]
    Never,
    Offered,
    Demanded,
    Implicit,
}

/// How the server behaves.
#[derive(Clone, Copy, Default)]
struct Server {
    tls: Tls,
    /// The reply to MAIL.
    mail: Option<&'static str>,
    /// Refuses every AUTH, and repeats in its reply what it was told.
    parrots: bool,
}

impl Server {
    async fn start(self) -> (SocketAddr, JoinHandle<Vec<Transcript>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            let mut all = Vec::new();
            // The end of the test is the end of the connections.
            while let Ok(Ok((stream, _))) =
                tokio::time::timeout(Duration::from_millis(300), listener.accept()).await
            {
                all.push(self.serve(stream).await);
            }
            all
        });
        (address, task)
    }

    async fn serve(self, stream: TcpStream) -> Transcript {
        let mut transcript = Transcript::new();
        if self.tls == Tls::Implicit {
            let stream = acceptor().accept(stream).await.unwrap();
            self.talk(stream, true, true, &mut transcript).await;
        } else if let Some(stream) = self.talk(stream, true, false, &mut transcript).await {
            let stream = acceptor().accept(stream).await.unwrap();
            self.talk(stream, false, true, &mut transcript).await;
        }
        transcript
    }

    /// Talks until the client leaves or wants TLS, and then gives the stream back.
    async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
        self,
        stream: S,
        greets: bool,
        tls: bool,
        transcript: &mut Transcript,
    ) -> Option<S> {
        let mut stream = BufReader::new(stream);
        if greets {
            stream.write_all(b"220 test\r\n").await.ok()?;
        }
        let mut content = false;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            let line = line.trim_end();
            if content && line != "." {
                continue;
            }
            let verb = line.split(' ').next().unwrap_or_default();
            transcript.push(format!("{}{line}", if tls { "(TLS) " } else { "" }));
            let reply = match verb {
                "EHLO" if matches!(self.tls, Tls::Offered | Tls::Demanded) && !tls => {
                    "250-test\r\n250-STARTTLS\r\n250 AUTH LOGIN PLAIN".to_owned()
                }
                "EHLO" => "250-test\r\n250 AUTH LOGIN PLAIN CRAM-MD5".to_owned(),
                "STARTTLS" => "220 go on".to_owned(),
                "AUTH" if self.parrots => {
                    format!("535 you said {line}, that is {}", example::BASIC_PASSWORD)
                }
                "AUTH" => "235 ok".to_owned(),
                "MAIL" if self.tls == Tls::Demanded && !tls => {
                    "530 5.7.0 Must issue STARTTLS first".to_owned()
                }
                "MAIL" => self.mail.unwrap_or("250 ok").to_owned(),
                "DATA" => "354 go on".to_owned(),
                _ => "250 ok".to_owned(),
            };
            content = verb == "DATA";
            stream
                .write_all(format!("{reply}\r\n").as_bytes())
                .await
                .ok()?;
            match verb {
                "STARTTLS" => return Some(stream.into_inner()),
                "QUIT" => return None,
                _ => {}
            }
        }
    }
}

fn acceptor() -> TlsAcceptor {
    let made = rcgen::generate_simple_self_signed(vec!["mail.partner.example".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn deliver(config: Config, twins: &[Twin], server: Server) -> (Delivery, Vec<Transcript>) {
    let (address, task) = server.start().await;
    let mut adapter = Adapter::new(config, twins.to_vec(), Environment::pinned(1));
    let delivery = adapter.deliver(address, &example::payload()).await;
    (delivery, task.await.unwrap())
}

fn basic() -> Config {
    let mechanism = BasicMechanism::Plain;
    Config {
        auth: AuthMode::Basic,
        mechanism,
        initial_response: true,
        ..example::config()
    }
}

fn starts_with(transcript: &[String], lines: &[&str]) {
    for (at, line) in lines.iter().enumerate() {
        assert!(
            transcript
                .get(at)
                .is_some_and(|told| told.starts_with(line)),
            "line {at}: {transcript:#?}"
        );
    }
}

#[tokio::test]
async fn the_documented_adapter_sends_once_in_clear_although_starttls_is_offered() {
    let server = Server {
        tls: Tls::Offered,
        ..Server::default()
    };
    let (delivery, told) = deliver(basic(), &[], server).await;
    assert_eq!((delivery.outcome, delivery.attempts), (Outcome::Sent, 1));
    assert_eq!(told.len(), 1);
    starts_with(
        &told[0],
        &[
            "EHLO",
            "AUTH PLAIN AHN2",
            "MAIL",
            "RCPT",
            "DATA",
            ".",
            "QUIT",
        ],
    );
    assert_eq!(told[0].len(), 7);
}

#[tokio::test]
async fn failures_are_retried_and_then_suspended() {
    let retry = Retry {
        count: 2,
        interval: Duration::from_millis(40),
    };
    let server = Server {
        mail: Some("450 later"),
        ..Server::default()
    };
    let start = Instant::now();
    let (delivery, told) = deliver(Config { retry, ..basic() }, &[], server).await;
    assert_eq!(
        delivery.outcome,
        Outcome::Suspended("the server answered 450 to MAIL".to_owned())
    );
    assert_eq!(
        (delivery.attempts, told.len(), delivery.trace.len()),
        (3, 3, 3)
    );
    assert!(start.elapsed() >= Duration::from_millis(80));
    assert!(
        told.iter()
            .all(|one| one.iter().any(|line| line.starts_with("AUTH PLAIN"))),
        "each retry authenticates"
    );
}

#[tokio::test]
async fn what_is_refused_for_good_is_not_tried_again() {
    let retry = Retry {
        count: 2,
        interval: Duration::ZERO,
    };
    let server = Server {
        mail: Some("550 never"),
        ..Server::default()
    };
    let (delivery, told) = deliver(Config { retry, ..basic() }, &[], server).await;
    assert_eq!((delivery.attempts, told.len()), (1, 1));
}

#[tokio::test]
async fn nothing_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut adapter = Adapter::new(example::config(), Vec::new(), Environment::pinned(1));
    let delivery = adapter.deliver(address, &example::payload()).await;
    assert!(matches!(delivery.outcome, Outcome::Suspended(_)));
    assert_eq!(delivery.attempts, 1);
}

#[tokio::test]
async fn what_cannot_be_sent_makes_no_connection() {
    let encrypting = |certificate| {
        Some(Encoder {
            encrypt: true,
            certificate,
            ..Encoder::default()
        })
    };
    let complete = Config {
        encoder: encrypting(Certificate::Found),
        ..example::config()
    };
    let (delivery, told) = deliver(complete, &[], Server::default()).await;
    assert_eq!(
        (delivery.outcome, told.len()),
        (Outcome::Sent, 1),
        "with its certificate the same message gets out"
    );

    let no_certificate = Config {
        encoder: encrypting(Certificate::NotFound),
        ..example::config()
    };
    let no_password = Config {
        password: None,
        ..basic()
    };
    for config in [no_certificate.clone(), no_password] {
        let (delivery, told) = deliver(config, &[], Server::default()).await;
        assert!(matches!(delivery.outcome, Outcome::Suspended(_)));
        assert_eq!((delivery.attempts, told.len()), (0, 0));
    }
    let (delivery, told) = deliver(no_certificate, &[Twin::FailsOpen], Server::default()).await;
    assert_eq!((delivery.outcome, told.len()), (Outcome::Sent, 1));
}

#[tokio::test]
async fn sends_twice_in_two_connections() {
    let (delivery, told) = deliver(example::config(), &[Twin::SendsTwice], Server::default()).await;
    assert_eq!((delivery.outcome, delivery.attempts), (Outcome::Sent, 2));
    assert_eq!(told.len(), 2);
    assert_eq!(told[0], told[1]);
}

#[rstest]
#[case(Twin::Starttls, &["EHLO", "STARTTLS", "(TLS) EHLO", "(TLS) AUTH PLAIN", "(TLS) MAIL"])]
#[case(Twin::Tunnel, &["EHLO", "STARTTLS", "(TLS) EHLO", "(TLS) AUTH PLAIN", "(TLS) MAIL"])]
#[case(Twin::StarttlsWhenRequired, &["EHLO", "AUTH PLAIN", "MAIL", "STARTTLS", "(TLS) EHLO", "(TLS) AUTH PLAIN", "(TLS) MAIL"])]
#[tokio::test]
async fn twins_upgrade_and_go_on(#[case] twin: Twin, #[case] lines: &[&str]) {
    let server = Server {
        tls: Tls::Demanded,
        ..Server::default()
    };
    let (delivery, told) = deliver(basic(), &[twin], server).await;
    assert_eq!(delivery.outcome, Outcome::Sent, "{:#?}", delivery.trace);
    starts_with(&told[0], lines);
    let (delivery, _) = deliver(basic(), &[], server).await;
    assert_eq!(
        delivery.outcome,
        Outcome::Suspended("the server answered 530 to MAIL".to_owned())
    );
}

#[tokio::test]
async fn implicit_tls_opens_with_a_client_hello() {
    let server = Server {
        tls: Tls::Implicit,
        ..Server::default()
    };
    let (delivery, told) = deliver(basic(), &[Twin::ImplicitTls], server).await;
    assert_eq!(delivery.outcome, Outcome::Sent);
    starts_with(&told[0], &["(TLS) EHLO", "(TLS) AUTH PLAIN"]);

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let first = tokio::spawn(async move {
        let mut bytes = [0; 3];
        listener
            .accept()
            .await
            .unwrap()
            .0
            .read_exact(&mut bytes)
            .await
            .unwrap();
        bytes
    });
    Adapter::new(
        example::config(),
        vec![Twin::ImplicitTls],
        Environment::pinned(1),
    )
    .deliver(address, &example::payload())
    .await;
    assert_eq!(first.await.unwrap()[..2], [22, 3]);
}

#[tokio::test]
async fn neither_reason_nor_trace_holds_a_secret() {
    let server = Server {
        parrots: true,
        ..Server::default()
    };
    for initial_response in [true, false] {
        for twins in [vec![], vec![Twin::FallsBack], vec![Twin::HidesPassword]] {
            let (delivery, _) = deliver(
                Config {
                    initial_response,
                    ..basic()
                },
                &twins,
                server,
            )
            .await;
            assert!(matches!(delivery.outcome, Outcome::Suspended(_)));
            let shown = format!("{delivery:?}");
            assert!(
                !shown.contains("canary") && !shown.contains("AHN2Y"),
                "{shown}"
            );
        }
    }
}

#[rstest]
#[case(b"".as_slice())]
#[case(b"\xff\xfe\x00garbage\r\n")]
#[case(b"220-endless\r\n220-endless\r\n")]
#[case(
    b"220 ok\r\n220 ok\r\n220 ok\r\n220 ok\r\n220 ok\r\n220 ok\r\n220 ok\r\n220 ok\r\n220 ok\r\n"
)]
#[tokio::test]
async fn hostile_servers_do_not_hold_the_adapter(#[case] bytes: &'static [u8]) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(bytes).await.unwrap();
        // Holds the connection open and says nothing more.
        std::future::pending::<()>().await;
    });
    let config = Config {
        timeout: Duration::from_millis(60),
        ..example::config()
    };
    let start = Instant::now();
    let delivery = Adapter::new(config, Vec::new(), Environment::pinned(1))
        .deliver(address, &example::payload())
        .await;
    assert!(
        matches!(delivery.outcome, Outcome::Suspended(_)),
        "{delivery:?}"
    );
    assert!(start.elapsed() < Duration::from_secs(3));
    server.abort();
}

#[test]
fn a_delivery_can_run_on_another_thread() {
    fn is_send<T: Send>(_: &T) {}
    let mut adapter = Adapter::new(example::config(), Vec::new(), Environment::pinned(1));
    is_send(&adapter.deliver(SocketAddr::from(([127, 0, 0, 1], 25)), &example::payload()));
}

//! STARTTLS and implicit TLS, with a real TLS client.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{
    ALL_VERSIONS, ClientConfig, RootCertStore, SupportedProtocolVersion, crypto,
};

use super::client::{Client, bind, start_with};

const STARTTLS: &str =
    "[server]\nextensions = [\"PIPELINING\", \"STARTTLS\", \"AUTH PLAIN\"]\nrequire_tls = true\n";

/// A client that begins with the handshake and trusts an authority (PEM).
pub(super) async fn secured(address: SocketAddr, authority: &str) -> Client<TlsStream<TcpStream>> {
    let authority = CertificateDer::from_pem_slice(authority.as_bytes()).expect("PEM");
    let stream = TcpStream::connect(address).await.expect("connected");
    Client::over(upgrade(stream, &authority).await)
}

pub(super) async fn upgrade(stream: TcpStream, certificate: &[u8]) -> TlsStream<TcpStream> {
    upgrade_with(stream, certificate, ALL_VERSIONS).await
}

pub(super) async fn upgrade_with(
    stream: TcpStream,
    certificate: &[u8],
    versions: &[&'static SupportedProtocolVersion],
) -> TlsStream<TcpStream> {
    let name = ServerName::try_from("mail.example.test").expect("a name");
    connector(certificate, versions)
        .connect(name, stream)
        .await
        .expect("a handshake")
}

/// A client that trusts one authority and checks everything.
fn connector(authority: &[u8], versions: &[&'static SupportedProtocolVersion]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from(authority.to_vec()))
        .expect("a certificate");
    let config = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_protocol_versions(versions)
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

#[tokio::test]
async fn starttls_begins_the_session_anew() {
    let server = bind(STARTTLS, |_| {});
    let certificate = server.ca_certificate().to_vec();
    let server = server.spawn().expect("spawned");
    let mut client = Client::greeted(server.address()).await;
    assert!(
        client.say("STARTTLS").await.starts_with("503 "),
        "before EHLO"
    );
    assert!(client.say("EHLO x").await.contains("250-STARTTLS\r\n"));
    assert!(
        client
            .say("MAIL FROM:<a@b>")
            .await
            .starts_with("530 5.7.0 ")
    );
    assert!(
        client
            .say("AUTH PLAIN AHN2YwBjYW5hcnk=")
            .await
            .starts_with("530 5.7.0 ")
    );
    assert!(client.say("STARTTLS").await.starts_with("220 "));
    let mut client = Client::over(upgrade(client.into_inner(), &certificate).await);
    assert!(
        client.say("MAIL FROM:<a@b>").await.starts_with("503 "),
        "what was known is forgotten"
    );
    assert_eq!(
        client.say("EHLO x").await,
        "250-mail.example.test\r\n250-PIPELINING\r\n250 AUTH PLAIN\r\n"
    );
    assert!(
        client.say("STARTTLS").await.starts_with("503 "),
        "once is enough"
    );
    assert!(
        client
            .say("AUTH PLAIN AHN2YwBjYW5hcnk=")
            .await
            .starts_with("235 ")
    );
    assert!(client.say("MAIL FROM:<a@b>").await.starts_with("250 "));
    assert!(client.say("QUIT").await.starts_with("221 "));
    assert_eq!(client.rest().await, b"", "TLS is closed in order");
}

#[tokio::test]
async fn what_was_sent_in_clear_behind_starttls_is_discarded() {
    let server = bind(STARTTLS, |_| {});
    let certificate = server.ca_certificate().to_vec();
    let server = server.spawn().expect("spawned");
    let mut client = Client::greeted(server.address()).await;
    client.say("EHLO x").await;
    client.send("STARTTLS\r\nNOOP\r\n").await;
    assert!(client.reply().await.starts_with("220 "));
    let mut client = Client::over(upgrade(client.into_inner(), &certificate).await);
    assert!(
        client.say("VRFY x").await.starts_with("252 "),
        "the next reply is to the next command"
    );
}

#[tokio::test]
async fn rules_can_tell_tls_from_clear_text() {
    let server = bind(
        "[server]\nextensions = [\"STARTTLS\"]\n[[on]]\ncommand = \"NOOP\"\ntls = true\nreply = \"250 secret\"\n",
        |_| {},
    );
    let certificate = server.ca_certificate().to_vec();
    let server = server.spawn().expect("spawned");
    let mut client = Client::greeted(server.address()).await;
    client.say("EHLO x").await;
    assert!(client.say("NOOP").await.starts_with("250 2.0.0 "));
    client.say("STARTTLS").await;
    let mut client = Client::over(upgrade(client.into_inner(), &certificate).await);
    assert_eq!(client.say("NOOP").await, "250 secret\r\n");
}

#[tokio::test]
async fn an_implicit_port_speaks_tls_first() {
    let server = bind("[server]\ntls = \"implicit\"\n", |_| {});
    let certificate = server.ca_certificate().to_vec();
    let server = server.spawn().expect("spawned");
    let stream = TcpStream::connect(server.address())
        .await
        .expect("connected");
    let mut client = Client::over(upgrade(stream, &certificate).await);
    assert!(client.reply().await.starts_with("220 "));
    assert!(client.say("EHLO x").await.starts_with("250 "));
}

#[tokio::test]
async fn an_implicit_port_says_nothing_to_a_client_in_clear() {
    let quick = |options: &mut crate::server::Options| options.idle = Duration::from_millis(40);
    let server = start_with("[server]\ntls = \"implicit\"\n", quick);
    let mut talker = Client::connect(server.address()).await;
    talker.send("EHLO x\r\n").await;
    assert_eq!(talker.rest().await, b"");
    let mut silent = Client::connect(server.address()).await;
    assert_eq!(silent.rest().await, b"");
}

#[tokio::test]
async fn a_client_that_gives_up_the_handshake_does_no_harm() {
    let server = start_with("[server]\ntls = \"implicit\"\n", |_| {});
    let mut stream = TcpStream::connect(server.address())
        .await
        .expect("connected");
    stream
        .write_all(b"\x16\x03\x01\x00\x05hello")
        .await
        .expect("sent");
    stream.shutdown().await.expect("closed");
    let mut client = Client::over(stream);
    client.rest().await;
    assert_eq!(server.stop().await.expect("it ran").connections, 1);
}

#[tokio::test]
async fn a_client_that_checks_refuses_a_flawed_certificate() {
    for kind in ["self-signed", "wrong-name", "expired", "not-yet-valid"] {
        let table = format!("[server]\ntls = \"implicit\"\ncertificate = \"{kind}\"\n");
        let server = bind(&table, |_| {});
        let authority = server.ca_certificate().to_vec();
        let server = server.spawn().expect("spawned");
        let stream = TcpStream::connect(server.address())
            .await
            .expect("connected");
        let name = ServerName::try_from("mail.example.test").expect("a name");
        let outcome = connector(&authority, ALL_VERSIONS)
            .connect(name, stream)
            .await;
        assert!(outcome.is_err(), "{kind}");
    }
}

#[tokio::test]
async fn the_authority_of_a_run_is_told_before_and_while_it_runs() {
    let server = bind("", |_| {});
    let pem = server.ca_pem().to_owned();
    assert!(pem.starts_with("-----BEGIN CERTIFICATE-----"));
    assert!(server.certificate().is_none(), "it does no TLS");
    assert_eq!(server.spawn().expect("spawned").ca_pem(), pem);
}

/// The client is told to begin, and begins while the server is still waiting to say more in clear.
#[tokio::test]
async fn a_wait_before_the_handshake_does_not_swallow_its_beginning() {
    for tables in [
        "[server]\nextensions = [\"STARTTLS\"]\n[[on]]\ncommand = \"STARTTLS\"\nreply = [{ send = \"220 go\\r\\n\" }, { wait = \"60ms\" }]\n",
        "transcript = \"\"\"\nS: 220 x\nC: EHLO *\nS: 250 x\nC: STARTTLS\nS: 220 go\n(wait 60ms)\n(tls)\nC: NOOP\nS: 250 x\"\"\"\n[server]\ntls = \"starttls\"\n",
    ] {
        let server = bind(tables, |_| {});
        let authority = server.ca_certificate().to_vec();
        let server = server.spawn().expect("spawned");
        let mut client = Client::greeted(server.address()).await;
        client.say("EHLO x").await;
        assert_eq!(client.say("STARTTLS").await, "220 go\r\n");
        let mut client = Client::over(upgrade(client.into_inner(), &authority).await);
        assert!(client.say("NOOP").await.starts_with("250 "));
        assert_eq!(server.stop().await.expect("it ran").unfired().count(), 0);
    }
}

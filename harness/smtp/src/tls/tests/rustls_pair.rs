//! Both ends of TLS in memory, by rustls.

use std::fmt::Write;
use std::sync::{Arc, Mutex};

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, Connection, RootCertStore, ServerConfig, ServerConnection,
    SupportedProtocolVersion,
};
use wire::Direction;

use super::Turns;

/// Writes the lines of a key log.
#[derive(Debug, Default)]
struct Lines(Mutex<String>);

impl rustls::KeyLog for Lines {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let mut lines = self.0.lock().expect("not poisoned");
        let (random, secret) = (hex::encode(client_random), hex::encode(secret));
        writeln!(lines, "{label} {random} {secret}").expect("a string");
    }
}

/// Configurations of a client and a server that trusts it, with one key log.
pub(crate) struct Pair {
    pub(crate) client: ClientConfig,
    pub(crate) server: ServerConfig,
    lines: Arc<Lines>,
}

impl Pair {
    /// One version; `suite` is the registered number of the only suite.
    pub(crate) fn new(version: &'static SupportedProtocolVersion, suite: u16) -> Self {
        let mut provider = ring::default_provider();
        provider
            .cipher_suites
            .retain(|one| u16::from(one.suite()) == suite);
        assert_eq!(provider.cipher_suites.len(), 1);
        Self::with(version, provider.clone(), provider)
    }

    pub(crate) fn with(
        version: &'static SupportedProtocolVersion,
        client: CryptoProvider,
        server: CryptoProvider,
    ) -> Self {
        let made =
            rcgen::generate_simple_self_signed(vec!["mx.example.test".to_owned()]).expect("makes");
        let certificate: CertificateDer<'static> = made.cert.der().clone();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).expect("a certificate");
        let lines = Arc::new(Lines::default());
        let mut client = ClientConfig::builder_with_provider(Arc::new(client))
            .with_protocol_versions(&[version])
            .expect("a version")
            .with_root_certificates(roots)
            .with_no_client_auth();
        client.key_log = lines.clone();
        let server = ServerConfig::builder_with_provider(Arc::new(server))
            .with_protocol_versions(&[version])
            .expect("a version")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .expect("a key");
        Self {
            client,
            server,
            lines,
        }
    }

    pub(crate) fn connect(&self) -> Talk {
        let name = ServerName::try_from("mx.example.test").expect("a name");
        let client = ClientConnection::new(Arc::new(self.client.clone()), name).expect("a client");
        let server = ServerConnection::new(Arc::new(self.server.clone())).expect("a server");
        Talk {
            client: client.into(),
            server: server.into(),
            turns: Turns::new(),
        }
    }

    pub(crate) fn keys(&self) -> String {
        self.lines.0.lock().expect("not poisoned").clone()
    }
}

/// One connection.
pub(crate) struct Talk {
    pub(crate) client: Connection,
    pub(crate) server: Connection,
    pub(crate) turns: Turns,
}

impl Talk {
    /// Carries what one side has to send to the other. Whether there was anything.
    pub(crate) fn carry(&mut self, from: Direction) -> bool {
        let (sender, receiver) = match from {
            Direction::Client => (&mut self.client, &mut self.server),
            Direction::Server => (&mut self.server, &mut self.client),
        };
        let mut bytes = Vec::new();
        while sender.wants_write() {
            sender.write_tls(&mut bytes).expect("a vector");
        }
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            receiver.read_tls(&mut rest).expect("a slice");
            receiver.process_new_packets().expect("is content");
            // The text is not looked at here, only its room is needed.
            let mut text = Vec::new();
            let _ = std::io::Read::read_to_end(&mut receiver.reader(), &mut text);
        }
        let any = !bytes.is_empty();
        if any {
            self.turns.push((from, bytes));
        }
        any
    }

    pub(crate) fn shake_hands(&mut self) {
        while self.carry(Direction::Client) | self.carry(Direction::Server) {}
        assert!(!self.client.is_handshaking() && !self.server.is_handshaking());
    }

    fn end(&mut self, of: Direction) -> &mut Connection {
        match of {
            Direction::Client => &mut self.client,
            Direction::Server => &mut self.server,
        }
    }

    pub(crate) fn say(&mut self, from: Direction, text: &[u8]) {
        for part in text.chunks(30_000) {
            let mut writer = self.end(from).writer();
            std::io::Write::write_all(&mut writer, part).expect("room");
            self.carry(from);
        }
    }

    pub(crate) fn refresh_keys(&mut self, of: Direction) {
        self.end(of).refresh_traffic_keys().expect("TLS 1.3");
    }

    pub(crate) fn close(&mut self) {
        self.client.send_close_notify();
        self.carry(Direction::Client);
        self.server.send_close_notify();
        self.carry(Direction::Server);
    }
}

//! TLS of the server: a self-signed certificate for one run, and a configuration for one connection.

use std::fmt;
use std::io;
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::NoServerSessionStorage;
use tokio_rustls::rustls::{KeyLog, ServerConfig, crypto};

/// First byte of a TLS record that holds a handshake message (RFC 8446 section 5.1).
pub(super) const HANDSHAKE_RECORD: u8 = 0x16;

/// The certificate of one run with its key.
pub(super) struct Identity {
    config: ServerConfig,
    certificate: CertificateDer<'static>,
}

impl Identity {
    /// Makes a key, and a certificate that it signs itself.
    pub(super) fn generate(name: &str) -> io::Result<Self> {
        let made =
            rcgen::generate_simple_self_signed(vec![name.to_owned()]).map_err(io::Error::other)?;
        let certificate = made.cert.der().clone();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(io::Error::other)?
                .with_no_client_auth()
                .with_single_cert(vec![certificate.clone()], key)
                .map_err(io::Error::other)?;
        // No session is resumed: each connection of a capture can be read with its own secrets.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Self {
            config,
            certificate,
        })
    }

    /// The certificate (DER).
    pub(super) fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// What accepts TLS on one connection, whose secrets go to `keys`.
    pub(super) fn acceptor(&self, keys: Option<Arc<dyn KeyLog>>) -> TlsAcceptor {
        let mut config = self.config.clone();
        if let Some(keys) = keys {
            config.key_log = keys;
        }
        TlsAcceptor::from(Arc::new(config))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity")
    }
}

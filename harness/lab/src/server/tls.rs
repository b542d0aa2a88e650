//! TLS of the server: a configuration for one connection, out of the certificate of the run.

use std::fmt;
use std::io;
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::NoServerSessionStorage;
use tokio_rustls::rustls::{KeyLog, ServerConfig, crypto};

use super::authority::Authority;
use crate::scenario::CertificateKind;

/// First byte of a TLS record that holds a handshake message (RFC 8446 section 5.1).
pub(super) const HANDSHAKE_RECORD: u8 = 0x16;

/// The certificate of one run with its key.
pub(super) struct Identity {
    config: ServerConfig,
    certificate: CertificateDer<'static>,
}

impl Identity {
    /// Makes a key, and a certificate for a server of this name.
    pub(super) fn generate(
        authority: &Authority,
        kind: CertificateKind,
        name: &str,
    ) -> io::Result<Self> {
        let (certificate, key) = authority.issue(kind, name).map_err(io::Error::other)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
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

//! TLS of the server: a configuration for one connection, out of the certificate of the run.

use std::fmt;
use std::io;
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::NoServerSessionStorage;
use tokio_rustls::rustls::{KeyLog, ServerConfig, crypto};

use super::authority::Authority;
use crate::scenario::CertificateKind;

/// First byte of a TLS record that holds a handshake message (RFC 8446 section 5.1).
pub(super) const HANDSHAKE_RECORD: u8 = 0x16;

/// A certificate that the server did not make, with those of its issuers and its key.
pub struct Certificate {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

/// Why a certificate or its key cannot be used. What stands in the files is in no message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// The first file cannot be read as PEM.
    #[error("expected certificates in PEM form, the server's first: {0}")]
    Chain(String),
    /// Nor the second.
    #[error("expected a private key in PEM form (PKCS #8, PKCS #1 or SEC 1), not encrypted: {0}")]
    Key(String),
    /// They do not belong together, or are of a kind that TLS here does not do.
    #[error("the certificate and the key cannot be used together: {0}")]
    Pair(String),
}

impl Certificate {
    /// Reads PEM (RFC 7468): certificates, the server's own first, and its private key.
    ///
    /// # Errors
    ///
    /// One of the two is not what it is to be, or they do not belong together.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, CertificateError> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<_, _>>()
            .map_err(|error| CertificateError::Chain(said(&error)))?;
        if chain.is_empty() {
            return Err(CertificateError::Chain("there is none".to_owned()));
        }
        let key = PrivateKeyDer::from_pem_slice(key)
            .map_err(|error| CertificateError::Key(said(&error)))?;
        let certificate = Self { chain, key };
        match Identity::of(&certificate) {
            Ok(_) => Ok(certificate),
            Err(error) => Err(CertificateError::Pair(error.to_string())),
        }
    }
}

/// What is wrong with PEM, without a byte of it.
fn said(error: &pem::Error) -> String {
    let said = match error {
        pem::Error::MissingSectionEnd { .. } => "a section has no end",
        pem::Error::IllegalSectionStart { .. } => "a section begins in a way that cannot be read",
        pem::Error::Base64Decode(_) => "a section is not base64",
        pem::Error::NoItemsFound => "there is none",
        _ => "it cannot be read",
    };
    said.to_owned()
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificate")
    }
}

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
        Self::new(vec![certificate], key)
    }

    /// Takes a certificate as it is.
    pub(super) fn of(certificate: &Certificate) -> io::Result<Self> {
        Self::new(certificate.chain.clone(), certificate.key.clone_key())
    }

    fn new(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> io::Result<Self> {
        let certificate = chain.first().cloned();
        let certificate = certificate.ok_or_else(|| io::Error::other("no certificate"))?;
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(io::Error::other)?
                .with_no_client_auth()
                .with_single_cert(chain, key)
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

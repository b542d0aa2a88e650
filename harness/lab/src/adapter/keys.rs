//! Certificates and keys of the S/MIME encoder.
//!
//! The embedded ones are test keys, committed in the open: they protect nothing. `harness/lab/keys/README.md` says how
//! they were made.

use std::fmt;

use claims::given::KnownCertificate;
use cms::cert::IssuerAndSerialNumber;
use cms::der::asn1::{ObjectIdentifier, OctetString};
use cms::der::{Decode, DecodePem, Encode};
use cms::x509_cert::Certificate;
use rsa::pkcs8::{DecodePrivateKey, DecodePublicKey};
use rsa::{PrivateKey, PublicKey};

use super::config::Certificate as State;
use super::smime::Lists;

/// `id-ce-subjectKeyIdentifier` (RFC 5280 section 4.2.1.2).
const SUBJECT_KEY_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.14");

/// Certificate of the test recipient, PEM.
pub const RECIPIENT_CERTIFICATE: &str = include_str!("../../keys/recipient.cert.pem");
/// Private key of the test recipient, PKCS #8 in PEM: opens whatever the adapter encrypted.
pub const RECIPIENT_KEY: &str = include_str!("../../keys/recipient.key.pem");
/// Certificate of the test signer, PEM. Self-signed, so it is its own trust anchor.
pub const SIGNER_CERTIFICATE: &str = include_str!("../../keys/signer.cert.pem");
/// Private key of the test signer, PKCS #8 in PEM.
pub const SIGNER_KEY: &str = include_str!("../../keys/signer.key.pem");
/// Another certificate for the recipient's key, which ran out at the end of 2020, PEM.
pub const EXPIRED_CERTIFICATE: &str = include_str!("../../keys/expired.cert.pem");
/// Another one, which its authority revoked, PEM.
pub const REVOKED_CERTIFICATE: &str = include_str!("../../keys/revoked.cert.pem");

/// Why certificates or keys cannot be used. The texts never hold key material.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A certificate does not parse.
    #[error("the certificate of the {0} is not an X.509 certificate in PEM (RFC 7468 section 5)")]
    Certificate(&'static str),
    /// The certificate has no RSA key.
    #[error("the certificate of the {0} has no RSA public key; only RSA is supported")]
    NotRsa(&'static str),
    /// The private key does not parse.
    #[error(
        "the private key of the signer is not an RSA key as PKCS #8 in PEM (RFC 7468 section 10)"
    )]
    PrivateKey,
    /// The private key belongs to another certificate.
    #[error("the private key of the signer does not belong to its certificate")]
    Mismatch,
}

/// Who the encoder encrypts to and as whom it signs.
#[derive(Clone)]
pub struct Keys {
    pub(super) recipient: Certificate,
    pub(super) recipient_key: PublicKey,
    pub(super) signer: Certificate,
    pub(super) signer_key: PrivateKey,
    /// Whether signatures carry the signer's certificate.
    pub(super) adds_signer: bool,
    /// The lists of revoked certificates that are at hand.
    pub(super) lists: Lists,
}

impl Keys {
    /// Reads a recipient's certificate, a signer's certificate and the signer's private key, all PEM.
    ///
    /// # Errors
    /// [`KeyError`] where one of them does not parse, is not RSA, or where certificate and key do not belong together.
    pub fn from_pem(recipient: &str, signer: &str, signer_key: &str) -> Result<Self, KeyError> {
        let (recipient, recipient_key) = certificate(recipient, "recipient")?;
        let (signer, public) = certificate(signer, "signer")?;
        let signer_key =
            PrivateKey::from_pkcs8_pem(signer_key).map_err(|_| KeyError::PrivateKey)?;
        if signer_key.to_public_key() != public {
            return Err(KeyError::Mismatch);
        }
        Ok(Self {
            recipient,
            recipient_key,
            signer,
            signer_key,
            adds_signer: true,
            lists: Lists::default(),
        })
    }

    /// The same, with the recipient's certificate in this state.
    pub(crate) fn in_state(&self, state: State) -> Self {
        let pem = match state {
            State::Expired => EXPIRED_CERTIFICATE,
            State::Revoked => REVOKED_CERTIFICATE,
            State::Found | State::NotFound | State::NotAssigned => return self.clone(),
        };
        let (recipient, recipient_key) = certificate(pem, "recipient")
            .expect("the embedded test certificates parse, as a test of this module shows");
        Self {
            recipient,
            recipient_key,
            ..self.clone()
        }
    }

    /// The same, but encrypting to the signer. What only a bad twin does.
    pub(super) fn to_another(&self) -> Self {
        Self {
            recipient: self.signer.clone(),
            recipient_key: self.signer_key.to_public_key(),
            ..self.clone()
        }
    }

    /// The same, but signing as somebody else. What only a bad twin does.
    pub(super) fn as_another(&self) -> Self {
        let other = Self::from_pem(RECIPIENT_CERTIFICATE, RECIPIENT_CERTIFICATE, RECIPIENT_KEY)
            .expect("the embedded test keys parse, as a test of this module shows");
        Self {
            signer: other.signer,
            signer_key: other.signer_key,
            ..self.clone()
        }
    }

    /// The recipient's certificate, as messages refer to it.
    pub(crate) fn recipient(&self) -> KnownCertificate {
        let tbs = self.recipient.tbs_certificate();
        let extensions = tbs.extensions().into_iter().flatten();
        let mut ids = extensions.filter(|one| one.extn_id == SUBJECT_KEY_IDENTIFIER);
        let id = ids
            .next()
            .and_then(|one| OctetString::from_der(one.extn_value.as_bytes()).ok());
        KnownCertificate {
            issuer: tbs.issuer().to_string(),
            serial: hex::encode(tbs.serial_number().as_bytes()),
            key_identifier: id.map(|id| hex::encode(id.as_bytes())),
        }
    }

    /// The embedded test keys.
    pub fn test() -> Self {
        let keys = Self::from_pem(RECIPIENT_CERTIFICATE, SIGNER_CERTIFICATE, SIGNER_KEY)
            .expect("the embedded test keys parse, as a test of this module shows");
        Self {
            lists: Lists::test(),
            ..keys
        }
    }
}

impl fmt::Debug for Keys {
    /// Names the two certificates; keys stay out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field(
                "recipient",
                &self.recipient.tbs_certificate().subject().to_string(),
            )
            .field(
                "signer",
                &self.signer.tbs_certificate().subject().to_string(),
            )
            .finish_non_exhaustive()
    }
}

/// What a `RecipientInfo` or a `SignerInfo` names a certificate by (RFC 5652 section 10.2.4).
pub(super) fn issuer_and_serial(certificate: &Certificate) -> IssuerAndSerialNumber {
    let tbs = certificate.tbs_certificate();
    IssuerAndSerialNumber {
        issuer: tbs.issuer().clone(),
        serial_number: tbs.serial_number().clone(),
    }
}

fn certificate(pem: &str, whose: &'static str) -> Result<(Certificate, PublicKey), KeyError> {
    let certificate = Certificate::from_pem(pem).map_err(|_| KeyError::Certificate(whose))?;
    let spki = certificate
        .tbs_certificate()
        .subject_public_key_info()
        .to_der()
        .map_err(|_| KeyError::Certificate(whose))?;
    let key = PublicKey::from_public_key_der(&spki).map_err(|_| KeyError::NotRsa(whose))?;
    Ok((certificate, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_keys_parse_and_belong_together() {
        let keys = Keys::test();
        let private = PrivateKey::from_pkcs8_pem(RECIPIENT_KEY).unwrap();
        assert_eq!(private.to_public_key(), keys.recipient_key);
        assert_ne!(keys.recipient_key, keys.signer_key.to_public_key());
        for state in [State::Expired, State::Revoked] {
            let other = keys.in_state(state);
            assert_eq!(other.recipient_key, keys.recipient_key, "one key opens all");
            assert_ne!(other.recipient(), keys.recipient());
        }
        assert_ne!(keys.as_another().signer_key, keys.signer_key);
    }

    #[test]
    fn debug_names_the_certificates_only() {
        let shown = format!("{:?}", Keys::test());
        assert!(
            shown.contains("CN=Recipient") && shown.contains("CN=Signer"),
            "{shown}"
        );
        assert!(shown.len() < 400, "{shown}");
    }

    #[test]
    fn keys_that_do_not_belong_together_are_refused() {
        assert_eq!(
            Keys::from_pem(RECIPIENT_CERTIFICATE, SIGNER_CERTIFICATE, RECIPIENT_KEY).unwrap_err(),
            KeyError::Mismatch
        );
        assert_eq!(
            Keys::from_pem("", SIGNER_CERTIFICATE, SIGNER_KEY).unwrap_err(),
            KeyError::Certificate("recipient")
        );
        assert_eq!(
            Keys::from_pem(RECIPIENT_CERTIFICATE, SIGNER_CERTIFICATE, "x").unwrap_err(),
            KeyError::PrivateKey
        );
    }
}

//! Certificates and keys of the S/MIME encoder.
//!
//! The embedded ones are test keys, committed in the open: they protect nothing. `harness/lab/keys/README.md` says how
//! they were made.

use std::fmt;

use claims::given::KnownCertificate;
use cms::cert::IssuerAndSerialNumber;
use cms::der::{DecodePem, Encode};
use cms::x509_cert::Certificate;
use cms::x509_cert::ext::pkix::SubjectKeyIdentifier;
use rsa::PrivateKey;
use rsa::pkcs8::{DecodePrivateKey, DecodePublicKey};

use super::config::{Certificate as State, Recipient, Signer};
use super::smime::Lists;

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

/// Certificate of the test recipient on P-256, PEM.
pub const P256_CERTIFICATE: &str = include_str!("../../keys/recipient-p256.cert.pem");
/// Its private key, PKCS #8 in PEM.
pub const P256_KEY: &str = include_str!("../../keys/recipient-p256.key.pem");
/// Certificate of the test recipient on P-384, PEM.
pub const P384_CERTIFICATE: &str = include_str!("../../keys/recipient-p384.cert.pem");
/// Its private key, PKCS #8 in PEM.
pub const P384_KEY: &str = include_str!("../../keys/recipient-p384.key.pem");
/// Certificate of the test signer on P-256, PEM.
pub const SIGNER_P256_CERTIFICATE: &str = include_str!("../../keys/signer-p256.cert.pem");
/// Its private key, PKCS #8 in PEM.
pub const SIGNER_P256_KEY: &str = include_str!("../../keys/signer-p256.key.pem");

/// Why certificates or keys cannot be used. The texts never hold key material.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A certificate does not parse.
    #[error("the certificate of the {0} is not an X.509 certificate in PEM (RFC 7468 section 5)")]
    Certificate(&'static str),
    /// The certificate has a key of another kind.
    #[error(
        "the certificate of the {0} has a public key of another kind than RSA, P-256 and P-384"
    )]
    PublicKey(&'static str),
    /// The private key does not parse.
    #[error(
        "the private key of the signer is not one of RSA or P-256 as PKCS #8 in PEM (RFC 7468 section 10)"
    )]
    PrivateKey,
    /// The private key belongs to another certificate.
    #[error("the private key of the signer does not belong to its certificate")]
    Mismatch,
}

/// A key that content keys are encrypted to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PublicKey {
    Rsa(Box<rsa::PublicKey>),
    P256(p256::PublicKey),
    P384(p384::PublicKey),
}

/// A certificate with its key.
#[derive(Clone)]
pub(super) struct Addressee {
    pub(super) certificate: Certificate,
    pub(super) key: PublicKey,
}

/// A key that signs.
#[derive(Clone)]
pub(super) enum SigningKey {
    Rsa(Box<PrivateKey>),
    P256(p256::ecdsa::SigningKey),
}

/// A certificate with its private key.
#[derive(Clone)]
pub(super) struct Signatory {
    pub(super) certificate: Certificate,
    pub(super) key: SigningKey,
}

/// Who the encoder encrypts to and as whom it signs.
#[derive(Clone)]
pub struct Keys {
    /// The owner of the port's certificate.
    recipient: Addressee,
    /// The recipients that cases name besides.
    others: Vec<(Recipient, Addressee)>,
    signer: Signatory,
    /// The signer on P-256 that cases name.
    other_signer: Option<Signatory>,
    /// Whether signatures carry the signer's certificate.
    pub(super) adds_signer: bool,
    /// The lists of revoked certificates that are at hand.
    pub(super) lists: Lists,
}

impl Keys {
    /// Reads a recipient's certificate, a signer's certificate and the signer's private key, all PEM.
    ///
    /// # Errors
    /// [`KeyError`] where one of them does not parse, has a key of another kind than RSA, P-256 or (a recipient's) P-384, or
    /// where certificate and key do not belong together.
    pub fn from_pem(recipient: &str, signer: &str, signer_key: &str) -> Result<Self, KeyError> {
        Ok(Self {
            recipient: addressee(recipient, "recipient")?,
            others: Vec::new(),
            signer: signatory(signer, signer_key)?,
            other_signer: None,
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
        let recipient = addressee(pem, "recipient")
            .expect("the embedded test certificates parse, as a test of this module shows");
        Self {
            recipient,
            ..self.clone()
        }
    }

    /// The same, but encrypting to the signer. What only a bad twin does.
    pub(super) fn to_another(&self) -> Self {
        let key = match &self.signer.key {
            SigningKey::Rsa(key) => PublicKey::Rsa(Box::new(key.to_public_key())),
            // A twin of a port whose own signer cannot be encrypted to.
            SigningKey::P256(_) => return self.clone(),
        };
        let certificate = self.signer.certificate.clone();
        Self {
            recipient: Addressee { certificate, key },
            ..self.clone()
        }
    }

    /// The same, but signing as somebody else. What only a bad twin does.
    pub(super) fn as_another(&self) -> Self {
        let signer = signatory(RECIPIENT_CERTIFICATE, RECIPIENT_KEY)
            .expect("the embedded test keys parse, as a test of this module shows");
        Self {
            signer,
            ..self.clone()
        }
    }

    /// The port's certificate, as messages refer to it.
    pub(crate) fn known_recipient(&self) -> KnownCertificate {
        let certificate = &self.recipient.certificate;
        let tbs = certificate.tbs_certificate();
        KnownCertificate {
            issuer: tbs.issuer().to_string(),
            serial: hex::encode(tbs.serial_number().as_bytes()),
            key_identifier: key_identifier(certificate).map(|id| hex::encode(id.0.as_bytes())),
        }
    }

    /// The embedded test keys.
    pub fn test() -> Self {
        let all = || {
            let mut keys = Self::from_pem(RECIPIENT_CERTIFICATE, SIGNER_CERTIFICATE, SIGNER_KEY)?;
            keys.others = vec![
                (Recipient::P256, addressee(P256_CERTIFICATE, "recipient")?),
                (Recipient::P384, addressee(P384_CERTIFICATE, "recipient")?),
            ];
            keys.lists = Lists::test();
            keys.other_signer = Some(signatory(SIGNER_P256_CERTIFICATE, SIGNER_P256_KEY)?);
            Ok::<_, KeyError>(keys)
        };
        all().expect("the embedded test keys parse, as a test of this module shows")
    }

    /// The certificate and key of a recipient; `None` where there is no such one.
    pub(super) fn recipient(&self, which: Recipient) -> Option<&Addressee> {
        if which == Recipient::Port {
            return Some(&self.recipient);
        }
        let other = self.others.iter().find(|(name, _)| *name == which);
        other.map(|(_, addressee)| addressee)
    }

    /// The certificate and key of a signer; `None` where there is no such one.
    pub(super) fn signer(&self, which: Signer) -> Option<&Signatory> {
        match which {
            Signer::Group => Some(&self.signer),
            Signer::P256 => self.other_signer.as_ref(),
        }
    }
}

impl fmt::Debug for Keys {
    /// Names the two certificates; keys stay out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject =
            |certificate: &Certificate| certificate.tbs_certificate().subject().to_string();
        f.debug_struct("Keys")
            .field("recipient", &subject(&self.recipient.certificate))
            .field("signer", &subject(&self.signer.certificate))
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

/// The key identifier in a certificate (RFC 5280 section 4.2.1.2).
pub(super) fn key_identifier(certificate: &Certificate) -> Option<SubjectKeyIdentifier> {
    let found = certificate.tbs_certificate().get_extension().ok()??;
    Some(found.1)
}

fn addressee(pem: &str, whose: &'static str) -> Result<Addressee, KeyError> {
    let certificate = Certificate::from_pem(pem).map_err(|_| KeyError::Certificate(whose))?;
    let spki = certificate
        .tbs_certificate()
        .subject_public_key_info()
        .to_der()
        .map_err(|_| KeyError::Certificate(whose))?;
    let rsa = || {
        Some(PublicKey::Rsa(Box::new(
            rsa::PublicKey::from_public_key_der(&spki).ok()?,
        )))
    };
    let p256 = || {
        Some(PublicKey::P256(
            p256::PublicKey::from_public_key_der(&spki).ok()?,
        ))
    };
    let p384 = || {
        Some(PublicKey::P384(
            p384::PublicKey::from_public_key_der(&spki).ok()?,
        ))
    };
    let key = rsa().or_else(p256).or_else(p384);
    let key = key.ok_or(KeyError::PublicKey(whose))?;
    Ok(Addressee { certificate, key })
}

fn signatory(certificate: &str, key: &str) -> Result<Signatory, KeyError> {
    let public = addressee(certificate, "signer")?;
    let rsa = || {
        Some(SigningKey::Rsa(Box::new(
            PrivateKey::from_pkcs8_pem(key).ok()?,
        )))
    };
    let p256 = || {
        Some(SigningKey::P256(
            p256::SecretKey::from_pkcs8_pem(key).ok()?.into(),
        ))
    };
    let key = rsa().or_else(p256).ok_or(KeyError::PrivateKey)?;
    let same = match &key {
        SigningKey::Rsa(key) => PublicKey::Rsa(Box::new(key.to_public_key())),
        SigningKey::P256(key) => PublicKey::P256(key.verifying_key().into()),
    };
    if same != public.key {
        return Err(KeyError::Mismatch);
    }
    let certificate = public.certificate;
    Ok(Signatory { certificate, key })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_keys_parse_and_belong_together() {
        let keys = Keys::test();
        let private = PrivateKey::from_pkcs8_pem(RECIPIENT_KEY).unwrap();
        let public = |which| keys.recipient(which).unwrap().key.clone();
        assert_eq!(
            public(Recipient::Port),
            PublicKey::Rsa(Box::new(private.to_public_key()))
        );
        let p256 = p256::SecretKey::from_pkcs8_pem(P256_KEY).unwrap();
        assert_eq!(public(Recipient::P256), PublicKey::P256(p256.public_key()));
        let p384 = p384::SecretKey::from_pkcs8_pem(P384_KEY).unwrap();
        assert_eq!(public(Recipient::P384), PublicKey::P384(p384.public_key()));
        for which in [Recipient::Port, Recipient::P256, Recipient::P384] {
            let certificate = &keys.recipient(which).unwrap().certificate;
            assert_eq!(key_identifier(certificate).unwrap().0.as_bytes().len(), 20);
        }
        assert!(keys.signer(Signer::P256).is_some());
        let few = Keys::from_pem(P256_CERTIFICATE, SIGNER_CERTIFICATE, SIGNER_KEY).unwrap();
        assert!(few.recipient(Recipient::P384).is_none() && few.signer(Signer::P256).is_none());
        for state in [State::Expired, State::Revoked] {
            let other = keys.in_state(state);
            let key = &other.recipient(Recipient::Port).unwrap().key;
            assert_eq!(*key, public(Recipient::Port), "one key opens all");
            assert_ne!(other.known_recipient(), keys.known_recipient());
        }
        assert_ne!(keys.to_another().known_recipient(), keys.known_recipient());
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

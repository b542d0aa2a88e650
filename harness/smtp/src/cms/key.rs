//! Keys of recipients, and the content key out of what the message has for them.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use cms::der::asn1::{ContextSpecific, OctetStringRef};
use cms::der::{Decode, Reader, SliceReader, TagNumber};
use cms::enveloped_data::{
    KeyAgreeRecipientInfo, KeyTransRecipientInfo, RecipientEncryptedKey, RecipientInfo,
};
use cms::spki::AlgorithmIdentifierOwned;
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs8::DecodePrivateKey;
use rsa::traits::PublicKeyParts;
use rsa::{Oaep, Pkcs1v15Encrypt, PrivateKey};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};
use x509_cert::Certificate;

use super::agreement::{self, EcKey};
use super::read::{agreement_id, is_meant, recipient_id, structure};
use super::{Error, Identifier, oid};
use crate::Secret;

/// A recipient's key: RSA, or elliptic-curve on P-256 or P-384.
#[derive(Clone)]
pub struct RecipientKey {
    key: Key,
    certificate: Option<Box<Certificate>>,
}

#[derive(Clone)]
enum Key {
    Rsa(Box<PrivateKey>),
    Ec(EcKey),
}

impl std::fmt::Debug for RecipientKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.key {
            Key::Rsa(key) => write!(f, "RecipientKey(RSA, {} bits)", key.size() * 8),
            Key::Ec(key) => write!(f, "RecipientKey(EC, {})", key.curve()),
        }
    }
}

/// The content key for one recipient.
#[derive(Clone, Copy)]
pub(super) enum Entry<'a> {
    /// Encrypted with the recipient's key (RFC 5652 section 6.2.1).
    Transport(&'a KeyTransRecipientInfo),
    /// Wrapped with a key that both agreed on (RFC 5652 section 6.2.2).
    Agreement(&'a KeyAgreeRecipientInfo, &'a RecipientEncryptedKey),
}

/// The entries of a message that a key can open. Those for passwords and shared keys are none.
pub(super) fn entries<'a>(
    infos: impl Iterator<Item = &'a RecipientInfo>,
) -> impl Iterator<Item = Entry<'a>> {
    infos.flat_map(|info| match info {
        RecipientInfo::Ktri(to) => vec![Entry::Transport(to)],
        RecipientInfo::Kari(to) => {
            let each = to.recipient_enc_keys.iter();
            each.map(|key| Entry::Agreement(to, key)).collect()
        }
        _ => Vec::new(),
    })
}

impl Entry<'_> {
    /// Who the entry is for.
    pub(super) fn recipient(self) -> Identifier {
        match self {
            Self::Transport(to) => recipient_id(&to.rid),
            Self::Agreement(_, to) => agreement_id(&to.rid),
        }
    }
}

impl RecipientKey {
    /// From PEM text with an unencrypted private key (PKCS#8, or the older forms of RSA and of SEC 1) and, if wished, the
    /// certificate that belongs to it.
    ///
    /// With a certificate, only recipients that name it are tried. Without one, every recipient is; with RSA PKCS#1 v1.5 a
    /// wrong key is then noticed by the size of the content key and by the padding of the content, which in about one of
    /// 60,000 cases happen to fit.
    ///
    /// # Errors
    /// [`Error::Key`] where the text holds no such key, or a certificate that cannot be read.
    pub fn from_pem(pem: &str) -> Result<Self, Error> {
        let certificate = match block(pem, "CERTIFICATE") {
            Some(der) => {
                let read = Certificate::from_der(der.expose());
                Some(Box::new(
                    read.map_err(|_| Error::Key("its certificate does not parse"))?,
                ))
            }
            None => None,
        };
        let key = private_key(pem)?;
        Ok(Self { key, certificate })
    }

    /// Whether the entry may be for this key.
    pub(super) fn fits(&self, entry: &Entry<'_>) -> bool {
        let named = self
            .certificate
            .as_ref()
            .is_none_or(|certificate| is_meant(&entry.recipient(), certificate));
        named
            && match (&self.key, entry) {
                (Key::Rsa(key), Entry::Transport(to)) => to.enc_key.as_bytes().len() == key.size(),
                (Key::Ec(key), Entry::Agreement(to, _)) => key.fits(to),
                _ => false,
            }
    }

    /// The content key, or what the wrong key makes of it: with PKCS#1 v1.5, RSA decryption does not tell (implicit
    /// rejection).
    pub(super) fn unwrap(&self, entry: &Entry<'_>) -> Result<Option<Secret>, Error> {
        match (&self.key, entry) {
            (Key::Rsa(key), Entry::Transport(to)) => transported(key, to),
            (Key::Ec(key), Entry::Agreement(to, mine)) => {
                agreement::unwrap(key, to, mine.enc_key.as_bytes())
            }
            _ => Ok(None),
        }
    }
}

fn private_key(pem: &str) -> Result<Key, Error> {
    const NONE: Error = Error::Key(
        "no PEM block PRIVATE KEY, RSA PRIVATE KEY or EC PRIVATE KEY that is not encrypted",
    );
    if let Some(der) = block(pem, "PRIVATE KEY") {
        let der = der.expose();
        let rsa = || Some(Key::Rsa(Box::new(PrivateKey::from_pkcs8_der(der).ok()?)));
        let p256 = || {
            Some(Key::Ec(EcKey::P256(
                p256::SecretKey::from_pkcs8_der(der).ok()?,
            )))
        };
        let p384 = || {
            Some(Key::Ec(EcKey::P384(
                p384::SecretKey::from_pkcs8_der(der).ok()?,
            )))
        };
        let key = rsa().or_else(p256).or_else(p384);
        return key.ok_or(Error::Key("not a key of RSA, P-256 or P-384 in PKCS#8"));
    }
    if let Some(der) = block(pem, "EC PRIVATE KEY") {
        let der = der.expose();
        let p256 = || {
            Some(Key::Ec(EcKey::P256(
                p256::SecretKey::from_sec1_der(der).ok()?,
            )))
        };
        let p384 = || {
            Some(Key::Ec(EcKey::P384(
                p384::SecretKey::from_sec1_der(der).ok()?,
            )))
        };
        let key = p256().or_else(p384);
        return key.ok_or(Error::Key("not a key of P-256 or P-384 (SEC 1)"));
    }
    let der = block(pem, "RSA PRIVATE KEY").ok_or(NONE)?;
    let key = PrivateKey::from_pkcs1_der(der.expose());
    let key = key.map_err(|_| Error::Key("not an RSA key (PKCS#1)"))?;
    Ok(Key::Rsa(Box::new(key)))
}

/// The bytes of the first PEM block with this label.
fn block(pem: &str, label: &str) -> Option<Secret> {
    let (_, rest) = pem.split_once(&format!("-----BEGIN {label}-----"))?;
    let (body, _) = rest.split_once("-----END ")?;
    let letters: String = body.split_ascii_whitespace().collect();
    BASE64_STANDARD.decode(letters).ok().map(Secret::new)
}

fn transported(key: &PrivateKey, to: &KeyTransRecipientInfo) -> Result<Option<Secret>, Error> {
    let encrypted = to.enc_key.as_bytes();
    let algorithm = &to.key_enc_alg;
    let decrypted = if oid::is(&algorithm.oid, oid::RSA) {
        key.decrypt(Pkcs1v15Encrypt, encrypted)
    } else if oid::is(&algorithm.oid, oid::RSA_OAEP) {
        let OaepParameters {
            digest,
            mask,
            label,
        } = oaep_parameters(algorithm)?;
        macro_rules! with {
            ($digest:ty, $mask:ty) => {
                key.decrypt(
                    Oaep::<$digest, $mask>::new_with_mgf_hash_and_label(label),
                    encrypted,
                )
            };
        }
        match (digest.as_str(), mask.as_str()) {
            (oid::SHA1, oid::SHA1) => with!(Sha1, Sha1),
            (oid::SHA256, oid::SHA256) => with!(Sha256, Sha256),
            (oid::SHA256, oid::SHA1) => with!(Sha256, Sha1),
            (oid::SHA384, oid::SHA384) => with!(Sha384, Sha384),
            (oid::SHA384, oid::SHA1) => with!(Sha384, Sha1),
            (oid::SHA512, oid::SHA512) => with!(Sha512, Sha512),
            (oid::SHA512, oid::SHA1) => with!(Sha512, Sha1),
            _ => {
                return Err(Error::Unsupported {
                    what: "RSA-OAEP with digest",
                    name: digest,
                });
            }
        }
    } else {
        let name = oid::algorithm(algorithm).name;
        return Err(Error::Unsupported {
            what: "key encryption",
            name,
        });
    };
    Ok(decrypted.ok().map(Secret::new))
}

/// `RSAES-OAEP-params` (RFC 4055 section 4.1).
struct OaepParameters {
    /// Object identifier of the digest.
    digest: String,
    /// That of the digest of the mask function.
    mask: String,
    /// What goes into the encoding besides the key; mostly nothing.
    label: Vec<u8>,
}

/// Both digests are SHA-1 where they are not stated.
fn oaep_parameters(algorithm: &AlgorithmIdentifierOwned) -> Result<OaepParameters, Error> {
    let mut stated = OaepParameters {
        digest: oid::SHA1.to_owned(),
        mask: oid::SHA1.to_owned(),
        label: Vec::new(),
    };
    let mut read = || -> cms::der::Result<()> {
        let Some(parameters) = &algorithm.parameters else {
            return Ok(());
        };
        let mut reader = SliceReader::new(parameters.value())?;
        if let Some(digest) = field(&mut reader, 0)? {
            stated.digest = digest.oid.to_string();
        }
        if let Some(inner) = field(&mut reader, 1)?.and_then(|mask| mask.parameters) {
            let digest: AlgorithmIdentifierOwned = inner.decode_as()?;
            stated.mask = digest.oid.to_string();
        }
        if let Some(label) = field(&mut reader, 2)?.and_then(|source| source.parameters) {
            stated.label = label.decode_as::<&OctetStringRef>()?.as_bytes().to_vec();
        }
        Ok(())
    };
    read().map_err(|error| structure("RSAES-OAEP-params", error))?;
    Ok(stated)
}

fn field<'a>(
    reader: &mut impl Reader<'a>,
    number: u32,
) -> cms::der::Result<Option<AlgorithmIdentifierOwned>> {
    let field = ContextSpecific::decode_explicit(reader, TagNumber(number))?;
    Ok(field.map(|field| field.value))
}

//! Opening encrypted messages with a recipient's key.

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::consts::{U12, U13, U14, U15, U16};
use aes::cipher::{BlockCipherDecrypt, BlockModeDecrypt, KeyInit, KeyIvInit};
use aes::{Aes128, Aes192, Aes256};
use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{AesGcm, Nonce};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use cms::authenveloped_data::AuthEnvelopedData;
use cms::der::asn1::{ContextSpecific, OctetString, OctetStringRef};
use cms::der::{Decode, Encode, Reader, SliceReader, TagNumber};
use cms::enveloped_data::{
    EncryptedContentInfo, EnvelopedData, KeyTransRecipientInfo, RecipientInfo,
};
use cms::spki::AlgorithmIdentifierOwned;
use des::TdesEde3;
use rsa::pkcs8::DecodePrivateKey;
use rsa::traits::PublicKeyParts;
use rsa::{Oaep, Pkcs1v15Encrypt, PrivateKey};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};
use x509_cert::Certificate;

use super::read::{content, content_info, is_meant, recipient_id};
use super::{Error, Identifier, ber, oid};
use crate::Secret;

/// A recipient's RSA key.
#[derive(Clone)]
pub struct RecipientKey {
    key: PrivateKey,
    certificate: Option<Box<Certificate>>,
}

impl std::fmt::Debug for RecipientKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RecipientKey(RSA, {} bits)", self.key.size() * 8)
    }
}

impl RecipientKey {
    /// From PEM text with an unencrypted PKCS#8 key and, if wished, the certificate that belongs to it.
    ///
    /// With a certificate, only recipients that name it are tried. Without one, every recipient is; a wrong key is then
    /// noticed by the size of the content key and by the padding of the content, which in about one of 60,000 cases
    /// happen to fit.
    ///
    /// # Errors
    /// [`Error::Key`] where the text holds no such key, or a certificate that cannot be read.
    pub fn from_pem(pem: &str) -> Result<Self, Error> {
        let der = block(pem, "PRIVATE KEY").ok_or(Error::Key(
            "no PEM block PRIVATE KEY (PKCS#8, not encrypted)",
        ))?;
        let key = PrivateKey::from_pkcs8_der(der.expose())
            .map_err(|_| Error::Key("not an RSA key in PKCS#8"))?;
        let certificate = match block(pem, "CERTIFICATE") {
            Some(der) => {
                let read = Certificate::from_der(der.expose());
                Some(Box::new(
                    read.map_err(|_| Error::Key("its certificate does not parse"))?,
                ))
            }
            None => None,
        };
        Ok(Self { key, certificate })
    }

    fn fits(&self, to: &KeyTransRecipientInfo) -> bool {
        let id = recipient_id(&to.rid);
        self.certificate
            .as_ref()
            .is_none_or(|certificate| is_meant(&id, certificate))
            && to.enc_key.as_bytes().len() == self.key.size()
    }

    /// The content key, or what the wrong key makes of it: RSA decryption does not tell (implicit rejection).
    fn unwrap(&self, to: &KeyTransRecipientInfo) -> Result<Option<Secret>, Error> {
        let encrypted = to.enc_key.as_bytes();
        let decrypted = if oid::is(&to.key_enc_alg.oid, oid::RSA) {
            self.key.decrypt(Pkcs1v15Encrypt, encrypted)
        } else if oid::is(&to.key_enc_alg.oid, oid::RSA_OAEP) {
            let (digest, mask) = oaep_digests(&to.key_enc_alg)?;
            match (digest.as_str(), mask.as_str()) {
                (oid::SHA1, oid::SHA1) => self.key.decrypt(Oaep::<Sha1>::new(), encrypted),
                (oid::SHA256, oid::SHA256) => self.key.decrypt(Oaep::<Sha256>::new(), encrypted),
                (oid::SHA256, oid::SHA1) => self
                    .key
                    .decrypt(Oaep::<Sha256, Sha1>::new_with_mgf_hash(), encrypted),
                (oid::SHA384, oid::SHA384) => self.key.decrypt(Oaep::<Sha384>::new(), encrypted),
                (oid::SHA512, oid::SHA512) => self.key.decrypt(Oaep::<Sha512>::new(), encrypted),
                _ => {
                    return Err(Error::Unsupported {
                        what: "RSA-OAEP with digest",
                        name: digest,
                    });
                }
            }
        } else {
            let name = oid::algorithm(&to.key_enc_alg).name;
            return Err(Error::Unsupported {
                what: "key encryption",
                name,
            });
        };
        Ok(decrypted.ok().map(Secret::new))
    }
}

/// The bytes of the first PEM block with this label.
fn block(pem: &str, label: &str) -> Option<Secret> {
    let (_, rest) = pem.split_once(&format!("-----BEGIN {label}-----"))?;
    let (body, _) = rest.split_once("-----END ")?;
    let letters: String = body.split_ascii_whitespace().collect();
    BASE64_STANDARD.decode(letters).ok().map(Secret::new)
}

/// Digests of OAEP and of its mask function (RFC 4055 section 4.1). Both are SHA-1 where they are not stated.
fn oaep_digests(algorithm: &AlgorithmIdentifierOwned) -> Result<(String, String), Error> {
    let mut digest = oid::SHA1.to_owned();
    let mut mask = oid::SHA1.to_owned();
    let mut read = || -> cms::der::Result<()> {
        let Some(parameters) = &algorithm.parameters else {
            return Ok(());
        };
        let mut reader = SliceReader::new(parameters.value())?;
        if let Some(stated) =
            ContextSpecific::<AlgorithmIdentifierOwned>::decode_explicit(&mut reader, TagNumber(0))?
        {
            digest = stated.value.oid.to_string();
        }
        if let Some(stated) =
            ContextSpecific::<AlgorithmIdentifierOwned>::decode_explicit(&mut reader, TagNumber(1))?
            && let Some(inner) = stated.value.parameters
        {
            mask = inner
                .decode_as::<AlgorithmIdentifierOwned>()?
                .oid
                .to_string();
        }
        Ok(())
    };
    read().map_err(|error| super::read::structure("RSAES-OAEP-params", error))?;
    Ok((digest, mask))
}

/// What decryption gave.
#[derive(Clone)]
pub struct Plain {
    /// The content.
    pub bytes: Vec<u8>,
    /// The recipient whose key opened it, as the message names them.
    pub recipient: Identifier,
}

/// How many recipients of one message each key is tried on. It costs a millisecond each time, and the sender decides how
/// many recipients there are.
const MAX_RECIPIENTS: usize = 32;

/// Decrypts EnvelopedData or AuthEnvelopedData (DER or BER) with the first key that fits a recipient; see [`open_as`].
///
/// # Errors
/// As [`open_as`].
pub fn open(bytes: &[u8], keys: &[RecipientKey]) -> Result<Vec<u8>, Error> {
    open_as(bytes, keys).map(|plain| plain.bytes)
}

/// Decrypts EnvelopedData or AuthEnvelopedData (DER or BER) with the first key that fits a recipient, and tells which.
///
/// EnvelopedData proves nothing about its content: whoever changed it on the way may have changed what comes out.
///
/// # Errors
/// Where the bytes are no such message, no key opens it, or an algorithm is not supported: RSA with PKCS#1 v1.5 or OAEP
/// for the key, AES-CBC, DES-EDE3-CBC and AES-GCM for the content are. [`Error::TooManyRecipients`] where the keys do not
/// open it for the first 32 recipients that they may belong to, and there are more.
pub fn open_as(bytes: &[u8], keys: &[RecipientKey]) -> Result<Plain, Error> {
    let info = content_info(bytes)?;
    if oid::is(&info.content_type, oid::ENVELOPED_DATA) {
        let data: EnvelopedData = content(&info, "EnvelopedData")?;
        return with_each_key(data.recip_infos.0.iter(), keys, |key| {
            cbc(&data.encrypted_content, key.expose())
        });
    }
    if oid::is(&info.content_type, oid::AUTH_ENVELOPED_DATA) {
        let data: AuthEnvelopedData = content(&info, "AuthEnvelopedData")?;
        let attributes = authenticated_attributes(&data)?;
        return with_each_key(data.recip_infos.0.iter(), keys, |key| {
            gcm(&data, &attributes, key.expose())
        });
    }
    Err(Error::NotEncrypted(
        "the content type is not an encrypted one",
    ))
}

/// Tries every key on every recipient that it fits. The error of the last attempt is the one reported.
fn with_each_key<'a>(
    infos: impl Iterator<Item = &'a RecipientInfo>,
    keys: &[RecipientKey],
    decrypt: impl Fn(&Secret) -> Result<Vec<u8>, Error>,
) -> Result<Plain, Error> {
    let mut outcome = Err(Error::NoKey);
    let mut tried = 0;
    for info in infos {
        let RecipientInfo::Ktri(to) = info else {
            continue;
        };
        let mut fitting = keys.iter().filter(|key| key.fits(to)).peekable();
        if fitting.peek().is_some() {
            tried += 1;
            if tried > MAX_RECIPIENTS {
                return Err(Error::TooManyRecipients);
            }
        }
        for key in fitting {
            outcome = match key.unwrap(to) {
                Ok(Some(content_key)) => decrypt(&content_key).map(|bytes| Plain {
                    bytes,
                    recipient: recipient_id(&to.rid),
                }),
                Ok(None) => Err(Error::NoKey),
                Err(error) => Err(error),
            };
            if outcome.is_ok() {
                return outcome;
            }
        }
    }
    outcome
}

fn cbc(encrypted: &EncryptedContentInfo, key: &[u8]) -> Result<Vec<u8>, Error> {
    let ciphertext = ciphertext(encrypted)?;
    let algorithm = &encrypted.content_enc_alg;
    let vector = algorithm
        .parameters
        .as_ref()
        .and_then(|any| any.decode_as::<&OctetStringRef>().ok());
    let iv = vector.map(OctetStringRef::as_bytes).unwrap_or_default();
    match algorithm.oid.to_string().as_str() {
        oid::AES128_CBC => decrypt_cbc::<Aes128>(key, iv, ciphertext),
        oid::AES192_CBC => decrypt_cbc::<Aes192>(key, iv, ciphertext),
        oid::AES256_CBC => decrypt_cbc::<Aes256>(key, iv, ciphertext),
        oid::DES3_CBC => decrypt_cbc::<TdesEde3>(key, iv, ciphertext),
        _ => Err(Error::Unsupported {
            what: "content cipher",
            name: oid::algorithm(algorithm).name,
        }),
    }
}

fn decrypt_cbc<C>(key: &[u8], iv: &[u8], ciphertext: &[u8]) -> Result<Vec<u8>, Error>
where
    C: BlockCipherDecrypt + KeyInit,
    cbc::Decryptor<C>: KeyIvInit + BlockModeDecrypt,
{
    if key.len() != C::key_size() {
        return Err(Error::NoKey);
    }
    let cipher = cbc::Decryptor::<C>::new_from_slices(key, iv).map_err(|_| {
        Error::Decrypt("the initialisation vector is missing or of the wrong length")
    })?;
    cipher.decrypt_padded_vec::<Pkcs7>(ciphertext).map_err(|_| {
        Error::Decrypt("its padding is wrong; the key is another one, or the content was changed")
    })
}

/// Parameters of AES-GCM (RFC 5084 section 3.2): nonce, and length of the tag, which is 12 where not stated.
fn gcm_parameters(algorithm: &AlgorithmIdentifierOwned) -> Option<(Vec<u8>, u8)> {
    let mut reader = SliceReader::new(algorithm.parameters.as_ref()?.value()).ok()?;
    let nonce = <&OctetStringRef>::decode(&mut reader)
        .ok()?
        .as_bytes()
        .to_vec();
    let tag = if reader.is_finished() {
        12
    } else {
        u8::decode(&mut reader).ok()?
    };
    Some((nonce, tag))
}

/// What AuthEnvelopedData authenticates besides the content: its attributes, tagged as a set (RFC 5083 section 2.2).
fn authenticated_attributes(data: &AuthEnvelopedData) -> Result<Vec<u8>, Error> {
    let Some(attributes) = &data.auth_attrs else {
        return Ok(Vec::new());
    };
    let encoded: Result<Vec<_>, _> = attributes.iter().map(Encode::to_der).collect();
    let encoded = encoded.map_err(|error| super::read::structure("AuthEnvelopedData", error))?;
    Ok(set_of(encoded))
}

/// DER of a set: its elements in order.
pub(super) fn set_of(mut elements: Vec<Vec<u8>>) -> Vec<u8> {
    elements.sort_unstable();
    let mut out = Vec::new();
    ber::write(&mut out, &[0x31], &elements.concat());
    out
}

fn gcm(data: &AuthEnvelopedData, attributes: &[u8], key: &[u8]) -> Result<Vec<u8>, Error> {
    let encrypted = &data.auth_encrypted_content_info;
    let mut ciphertext = ciphertext(encrypted)?.to_vec();
    ciphertext.extend_from_slice(data.mac.as_bytes());
    let algorithm = &encrypted.content_enc_alg;
    let name = || oid::algorithm(algorithm).name;
    let known = [oid::AES128_GCM, oid::AES192_GCM, oid::AES256_GCM];
    if !known.iter().any(|oid| oid::is(&algorithm.oid, oid)) {
        return Err(Error::Unsupported {
            what: "content cipher",
            name: name(),
        });
    }
    let (nonce, tag) =
        gcm_parameters(algorithm).ok_or(Error::Decrypt("its parameters do not parse"))?;
    let Ok(nonce) = Nonce::<U12>::try_from(nonce.as_slice()) else {
        return Err(Error::Unsupported {
            what: "a nonce of other than 12 bytes for",
            name: name(),
        });
    };
    if data.mac.as_bytes().len() != usize::from(tag) {
        return Err(Error::Decrypt(
            "the tag is not as long as the parameters say",
        ));
    }
    let payload = Payload {
        msg: &ciphertext,
        aad: attributes,
    };
    macro_rules! with {
        ($cipher:ty) => {
            match tag {
                12 => decrypt_gcm::<AesGcm<$cipher, U12, U12>>(key, &nonce, payload),
                13 => decrypt_gcm::<AesGcm<$cipher, U12, U13>>(key, &nonce, payload),
                14 => decrypt_gcm::<AesGcm<$cipher, U12, U14>>(key, &nonce, payload),
                15 => decrypt_gcm::<AesGcm<$cipher, U12, U15>>(key, &nonce, payload),
                16 => decrypt_gcm::<AesGcm<$cipher, U12, U16>>(key, &nonce, payload),
                _ => Err(Error::Unsupported {
                    what: "a tag of unusual length for",
                    name: name(),
                }),
            }
        };
    }
    match algorithm.oid.to_string().as_str() {
        oid::AES128_GCM => with!(Aes128),
        oid::AES192_GCM => with!(Aes192),
        _ => with!(Aes256),
    }
}

fn decrypt_gcm<C>(
    key: &[u8],
    nonce: &Nonce<U12>,
    payload: Payload<'_, '_>,
) -> Result<Vec<u8>, Error>
where
    C: Aead + aes_gcm::AeadCore<NonceSize = U12> + KeyInit,
{
    let cipher = C::new_from_slice(key).map_err(|_| Error::NoKey)?;
    cipher.decrypt(nonce, payload).map_err(|_| {
        Error::Decrypt("its tag is wrong; the key is another one, or the content was changed")
    })
}

fn ciphertext(encrypted: &EncryptedContentInfo) -> Result<&[u8], Error> {
    let content = encrypted.encrypted_content.as_ref();
    content
        .map(OctetString::as_bytes)
        .ok_or(Error::NotEncrypted(
            "the encrypted content is not in the message",
        ))
}

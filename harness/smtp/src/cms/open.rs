//! Opening encrypted messages with a recipient's key.

use cms::authenveloped_data::AuthEnvelopedData;
use cms::enveloped_data::{EnvelopedData, RecipientInfo};

use super::content::{authenticated_attributes, cbc, gcm};
use super::key::{RecipientKey, entries};
use super::read::{content, content_info};
use super::{Error, Identifier, oid};
use crate::Secret;

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
/// Where the bytes are no such message, or an algorithm is not supported: RSA with PKCS#1 v1.5 or OAEP and ECDH for the
/// key, AES, DES-EDE3, DES and RC2 in CBC mode and AES-GCM for the content are. [`Error::NoKey`] where no key belongs to a
/// recipient. [`Error::DoesNotOpen`] where one may, and the content key or the content does not come out whole: which of
/// the two is not said, since that is what attacks on PKCS#1 v1.5 ask for (RFC 3218). [`Error::TooManyRecipients`] where
/// the keys do not open it for the first 32 recipients that they may belong to, and there are more.
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
    for entry in entries(infos) {
        let mut fitting = keys.iter().filter(|key| key.fits(&entry)).peekable();
        if fitting.peek().is_some() {
            tried += 1;
            if tried > MAX_RECIPIENTS {
                return Err(Error::TooManyRecipients);
            }
        }
        for key in fitting {
            outcome = match key.unwrap(&entry) {
                Ok(Some(content_key)) => decrypt(&content_key).map(|bytes| Plain {
                    bytes,
                    recipient: entry.recipient(),
                }),
                Ok(None) => Err(Error::DoesNotOpen),
                Err(error) => Err(error),
            };
            if outcome.is_ok() {
                return outcome;
            }
        }
    }
    outcome
}

//! The cryptographic half of the S/MIME encoder: CMS structures around a MIME entity (RFC 5652, RFC 8551).
//!
//! The structures are those of the `cms` crate, filled by hand and written as DER. Nothing here knows about mail.

mod envelope;
mod recipients;
mod signed;
mod validity;

use cms::content_info::ContentInfo;
use cms::der::asn1::ObjectIdentifier;
use cms::der::{Any, Encode};

pub(super) use envelope::encrypt;
pub(super) use signed::{Form, sign};
pub(super) use validity::{Flaw, Lists, check};

/// `id-data` (RFC 5652 section 4).
const ID_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
/// `rsaEncryption` (RFC 3370 section 4.2.1).
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");

/// Why a structure could not be made. The texts name the step and never hold keys or content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SmimeError {
    #[error("a CMS structure could not be encoded ({0})")]
    Encoding(cms::der::ErrorKind),
    #[error("RSA could not {0}")]
    Rsa(&'static str),
    #[error("ECDSA could not sign the attributes")]
    Ecdsa,
    #[error("the content key could not be wrapped for a recipient with an elliptic-curve key")]
    Agreement,
    #[error("there is no recipient, or the certificate of a recipient or signer is not at hand")]
    NoSuchParty,
    #[error("the certificate of a recipient has no key identifier to name it by")]
    NoKeyIdentifier,
    #[error("AES-GCM could not encrypt the content")]
    Gcm,
    #[error("the time of signing does not fit into a UTCTime (RFC 5652 section 11.3)")]
    SigningTime,
}

impl From<cms::der::Error> for SmimeError {
    fn from(error: cms::der::Error) -> Self {
        Self::Encoding(error.kind())
    }
}

/// Wraps a structure into a `ContentInfo` (RFC 5652 section 3), as DER.
fn content_info(
    content_type: ObjectIdentifier,
    content: &impl Encode,
) -> Result<Vec<u8>, SmimeError> {
    let content = any(content)?;
    Ok(ContentInfo {
        content_type,
        content,
    }
    .to_der()?)
}

fn any(value: &impl Encode) -> Result<Any, SmimeError> {
    use cms::der::Decode;
    Ok(Any::from_der(&value.to_der()?)?)
}

#[cfg(test)]
mod tests;

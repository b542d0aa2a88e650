//! CMS, the syntax inside S/MIME (RFC 5652, RFC 8551): what it shows without a key, and, with one, what it holds.
//!
//! [`Cms::read`] tells what anybody on the wire can see, and [`read_cut`] what of it is left where the end is missing.
//! [`open()`], [`inflate`] and [`verify_signature`] are for those who hold the recipient's key, or want to know whether a signature
//! covers what was sent.

mod agreement;
mod ber;
mod compressed;
mod content;
mod cut;
mod key;
mod oid;
mod open;
mod read;
#[cfg(test)]
mod tests;
mod verify;
mod weakness;

pub use agreement::agreed_key;
pub use compressed::{Inflated, inflate};
pub use cut::{Cut, CutPlace, read_cut, sniff};
pub use key::RecipientKey;
pub use open::{Plain, open, open_as};
pub use verify::{SignatureCheck, verify_signature};
pub use weakness::{Grade, Weakness};

/// Why CMS could not be read or opened. Texts never contain decrypted bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes are not BER.
    #[error("not ASN.1 at offset {offset}: {what}")]
    Asn1 {
        /// Where reading stopped.
        offset: usize,
        /// What was missing or wrong.
        what: &'static str,
    },
    /// ASN.1, but not the CMS structure that its content type promises.
    #[error("not a CMS {structure}: {reason}")]
    Structure {
        /// Name of the structure.
        structure: &'static str,
        /// What the decoder said.
        reason: String,
    },
    /// There is nothing to open: the content is not encrypted, or not in the message.
    #[error("there is nothing to decrypt: {0}")]
    NotEncrypted(&'static str),
    /// An algorithm that this build cannot undo.
    #[error("{what} {name} is not supported; open the message with another program")]
    Unsupported {
        /// What the algorithm is for.
        what: &'static str,
        /// Its name or object identifier.
        name: String,
    },
    /// None of the keys belongs to a recipient.
    #[error("none of the given keys opens the message; give the key of one of its recipients")]
    NoKey,
    /// The keys were tried on as many recipients as is reasonable, and there are more.
    #[error(
        "the keys open it for none of the first recipients, and there are too many to try; give the certificate with the key"
    )]
    TooManyRecipients,
    /// A key that may be the right one does not open it. It is not said what fails: the content key or the content.
    #[error("the message does not open: the key is another one, or the message was changed")]
    DoesNotOpen,
    /// The content cannot be decrypted, whatever the key is.
    #[error("the content does not decrypt: {0}")]
    Decrypt(&'static str),
    /// The private key or its certificate could not be read.
    #[error("the recipient key is not usable: {0}")]
    Key(&'static str),
}

/// An algorithm as the message names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Algorithm {
    /// Object identifier in dotted form.
    pub oid: String,
    /// Its usual name, with the key size where the name alone leaves it open; the object identifier where unknown.
    pub name: String,
    /// Effective key length in bits, where name or parameters tell it.
    pub key_bits: Option<u16>,
}

/// How a message names a recipient or a signer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identifier {
    /// By a certificate.
    IssuerAndSerial {
        /// Distinguished name of the issuer (RFC 4514).
        issuer: String,
        /// Serial number, in lower-case hexadecimal.
        serial: String,
    },
    /// By the key identifier of a certificate, in lower-case hexadecimal.
    KeyIdentifier(String),
    /// By a key that both sides have; its identifier in lower-case hexadecimal.
    SharedKey(String),
    /// By a password.
    Password,
    /// In a way that this build does not know; the object identifier of the way.
    Other(String),
}

/// One who can open the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// Who.
    pub id: Identifier,
    /// How the content key is encrypted for them.
    pub key_encryption: Algorithm,
    /// Length of the encrypted content key in bytes. With RSA it is the size of the recipient's modulus.
    pub encrypted_key_length: usize,
}

/// What an encrypted message shows without a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enveloped {
    /// The content cipher.
    pub cipher: Algorithm,
    /// Who can open it.
    pub recipients: Vec<Recipient>,
    /// The type that the encrypted content is said to have, as an object identifier.
    pub inner_content_type: String,
    /// Length of the encrypted content in bytes; `None` where it is not in the message.
    pub content_length: Option<usize>,
    /// Length of the initialisation vector or nonce in bytes; `None` where the message has none.
    pub iv_length: Option<usize>,
}

/// One signer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// Who, as a reference to a certificate.
    pub id: Identifier,
    /// Digest algorithm.
    pub digest: Algorithm,
    /// Signature algorithm.
    pub signature: Algorithm,
    /// The signing time that the signer states.
    pub signing_time: Option<wire::Timestamp>,
    /// The ciphers and digests that the signer says it understands, the preferred ones first (RFC 8551 section 2.5.2): the
    /// list of the signer's product.
    pub capabilities: Vec<Algorithm>,
}

/// What a certificate in the message tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateInfo {
    /// Distinguished name of the subject (RFC 4514).
    pub subject: String,
    /// Distinguished name of the issuer.
    pub issuer: String,
    /// Serial number, in lower-case hexadecimal.
    pub serial: String,
    /// Mail addresses in subject and alternative names, each once.
    pub emails: Vec<String>,
    /// Its key identifier, in lower-case hexadecimal, where it has one.
    pub key_identifier: Option<String>,
    /// Kind of its key.
    pub key: Algorithm,
    /// Size of its key in bits, where it is an RSA key.
    pub key_bits: Option<usize>,
    /// The algorithm that it is signed with.
    pub signature: Algorithm,
}

/// What a signed message shows: everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Digest algorithms.
    pub digests: Vec<Algorithm>,
    /// The signers; none where the message only carries certificates.
    pub signers: Vec<Signer>,
    /// The certificates in the message.
    pub certificates: Vec<CertificateInfo>,
    /// The type of the signed content, as an object identifier.
    pub inner_content_type: String,
    /// The content, where it is inside (opaque signature).
    pub content: Option<Vec<u8>>,
}

impl Signed {
    /// The certificate of a signer, where the message has it.
    pub fn certificate(&self, signer: &Signer) -> Option<&CertificateInfo> {
        self.certificates.iter().find(|known| match &signer.id {
            Identifier::IssuerAndSerial { issuer, serial } => {
                known.issuer == *issuer && known.serial == *serial
            }
            Identifier::KeyIdentifier(id) => known.key_identifier.as_ref() == Some(id),
            _ => false,
        })
    }
}

/// A CMS message, by the object identifier of its content type and never by its MIME label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cms {
    /// EnvelopedData: encrypted, without protection against change.
    Enveloped(Enveloped),
    /// AuthEnvelopedData: encrypted with protection against change (RFC 5083).
    AuthEnveloped(Enveloped),
    /// SignedData: readable by anybody.
    Signed(Signed),
    /// `CompressedData` (RFC 3274): readable by anybody, with [`inflate`].
    Compressed,
    /// Another content type; its object identifier.
    Other(String),
}

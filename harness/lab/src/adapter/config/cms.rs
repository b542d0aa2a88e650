//! How the encoder fills the structures of CMS. The documentation has a property for the cipher only; the rest is there for
//! receivers of other makes, and for the cases about them. The defaults are what the encoder is documented, or known, to do.

/// How a content key is encrypted with an RSA key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyTransport {
    /// PKCS #1 v1.5 (RFC 3370 section 4.2.1).
    #[default]
    Pkcs1v15,
    /// OAEP with SHA-1, the default of RFC 4055 section 4.1.
    OaepSha1,
    /// OAEP with SHA-256 for the label and the mask.
    OaepSha256,
}

/// One who can open the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// The owner of the certificate that is assigned to the port.
    Port,
    /// The test recipient with a key on P-256.
    P256,
    /// The test recipient with a key on P-384.
    P384,
}

/// How recipients are named (RFC 5652 section 6.2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RecipientNaming {
    /// By issuer and serial number of their certificate.
    #[default]
    IssuerAndSerial,
    /// By the key identifier in their certificate.
    KeyIdentifier,
}

/// The digest of a signature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Digest {
    /// SHA-1: what an old page of the documentation names, and historic today.
    Sha1,
    /// SHA-256.
    #[default]
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// Whose key signs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Signer {
    /// The signer of the group.
    #[default]
    Group,
    /// The test signer with a key on P-256.
    P256,
}

/// What the documentation leaves open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CmsChoices {
    /// How the content key is encrypted to those who have RSA keys. To the others it is wrapped behind ECDH.
    pub key_transport: KeyTransport,
    /// Who can open the message.
    pub recipients: Vec<Recipient>,
    /// How they are named.
    pub recipient_naming: RecipientNaming,
    /// The digest of the signature.
    pub digest: Digest,
    /// Whose signature it is.
    pub signer: Signer,
}

impl Default for CmsChoices {
    /// The one recipient of the port.
    fn default() -> Self {
        Self {
            key_transport: KeyTransport::default(),
            recipients: vec![Recipient::Port],
            recipient_naming: RecipientNaming::default(),
            digest: Digest::default(),
            signer: Signer::default(),
        }
    }
}

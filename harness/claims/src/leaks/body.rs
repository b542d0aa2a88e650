//! Whether a body can be read, and what S/MIME shows around one that cannot.

use serde::{Deserialize, Serialize};
use smtp::cms::{Cms, Enveloped, Identifier, Signed};
use smtp::message::Part;

use super::View;
use crate::capped::Capped;
use crate::result::rfc3339;
use crate::subject::{Blob, Sent};

/// Recipients and signers that are listed for one object.
const MAX_NAMES: usize = 10;

/// How `OpenPGP` text begins (RFC 9580 section 6.2).
const ARMOUR: &[u8] = b"-----BEGIN PGP MESSAGE-----";

/// Whether the body of a message could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Body {
    /// All of it, with nothing undone but encodings.
    Readable,
    /// None of it: every part is CMS, encrypted.
    Encrypted,
    /// Some of it: it stands beside a part that is encrypted.
    PartlyEncrypted,
    /// It is `OpenPGP`, encrypted.
    OpenPgp,
    /// Not all of it is in the capture, or was kept, and what there is does not tell.
    NotWhole,
    /// It says that it is CMS, and cannot be read as such.
    Undecided,
    /// There is none.
    Empty,
}

impl Body {
    /// A few words for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Readable => "body readable",
            Self::Encrypted => "body encrypted (S/MIME)",
            Self::PartlyEncrypted => "body encrypted in part (S/MIME)",
            Self::OpenPgp => "body encrypted (OpenPGP)",
            Self::NotWhole => "body not whole in the capture",
            Self::Undecided => "body labelled S/MIME, not to be read as such",
            Self::Empty => "no body",
        }
    }

    /// What the body of a message is.
    pub(crate) fn of(sent: &Sent<'_>) -> Self {
        let (mut clear, mut encrypted, mut pgp, mut odd) = (false, false, false, false);
        for part in leaves(&sent.message.root) {
            match (&part.cms, &part.inner) {
                (Some(Ok(cms)), _) if cms.is_encrypted() => encrypted = true,
                (Some(Ok(Cms::Signed(_) | Cms::Compressed)), Some(inner)) => {
                    let hidden =
                        |part: &Part| matches!(&part.cms, Some(Ok(cms)) if cms.is_encrypted());
                    if leaves(&inner.root).any(hidden) {
                        encrypted = true;
                    } else {
                        clear = true;
                    }
                }
                // A detached signature is no body.
                (Some(Ok(Cms::Signed(signed))), None) if signed.content.is_none() => {}
                (Some(Err(_)), _) => odd = true,
                _ if is_openpgp(part) => pgp = true,
                _ if part.content_type == "application/pgp-encrypted" => {}
                _ => clear |= !part.decoded.trim_ascii().is_empty(),
            }
        }
        match (clear, encrypted, pgp) {
            (true, true, _) => Self::PartlyEncrypted,
            (false, true, _) => Self::Encrypted,
            (false, false, true) => Self::OpenPgp,
            _ if odd && !clear => Self::Undecided,
            (true, false, _) if sent.data.complete => Self::Readable,
            _ if !sent.data.complete || sent.unkept().is_some() => Self::NotWhole,
            _ => Self::Empty,
        }
    }
}

fn is_openpgp(part: &Part) -> bool {
    part.decoded.trim_ascii_start().starts_with(ARMOUR)
}

/// The parts without children.
fn leaves(root: &Part) -> impl Iterator<Item = &Part> {
    root.parts().filter(|part| part.children.is_empty())
}

/// One who can open an object, or who signed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub struct CmsRecipient {
    /// The certificate: issuer and serial number, or a key identifier.
    pub id: String,
    /// How the content key is encrypted for them, or how they signed.
    pub algorithm: String,
    /// Size of the RSA modulus in bits, where the key is transported with RSA.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modulus_bits: Option<u64>,
    /// When they say that they signed, in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing_time: Option<String>,
}

/// What a CMS object shows without a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub struct CmsObject {
    /// Its content type, in the words of RFC 5652.
    pub kind: String,
    /// The content cipher.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cipher: Option<String>,
    /// Who can open it.
    #[serde(default, skip_serializing_if = "Capped::is_empty")]
    pub recipients: Capped<CmsRecipient>,
    /// Who signed it.
    #[serde(default, skip_serializing_if = "Capped::is_empty")]
    pub signers: Capped<CmsRecipient>,
    /// Mail addresses in its certificates.
    #[serde(default, skip_serializing_if = "Capped::is_empty")]
    pub certificate_addresses: Capped<String>,
    /// Length of the encrypted content in octets, from which the length of the body is known to within one block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub octets: Option<u64>,
}

/// The object, described.
pub(super) fn object(view: &View<'_>, blob: &Blob<'_>) -> CmsObject {
    let mut object = CmsObject {
        kind: blob.name().to_owned(),
        cipher: blob.cipher().map(|cipher| view.text(&cipher.name)),
        recipients: Capped::default(),
        signers: Capped::default(),
        certificate_addresses: Capped::default(),
        octets: None,
    };
    match blob.cms {
        Cms::Enveloped(data) | Cms::AuthEnveloped(data) => enveloped(view, data, &mut object),
        Cms::Signed(data) => signed(view, data, &mut object),
        _ => {}
    }
    object
}

fn enveloped(view: &View<'_>, data: &Enveloped, object: &mut CmsObject) {
    object.octets = data.content_length.map(|length| length as u64);
    for recipient in &data.recipients {
        let described = CmsRecipient {
            id: view.text(&identifier(&recipient.id)),
            algorithm: view.text(&recipient.key_encryption.name),
            modulus_bits: recipient.rsa_bits().map(|bits| bits as u64),
            signing_time: None,
        };
        object.recipients.push(described, MAX_NAMES);
    }
}

fn signed(view: &View<'_>, data: &Signed, object: &mut CmsObject) {
    for signer in &data.signers {
        let described = CmsRecipient {
            id: view.text(&identifier(&signer.id)),
            algorithm: view.text(&format!(
                "{}, {}",
                signer.digest.name, signer.signature.name
            )),
            modulus_bits: None,
            signing_time: signer.signing_time.map(rfc3339),
        };
        object.signers.push(described, MAX_NAMES);
    }
    for address in data
        .certificates
        .iter()
        .flat_map(|certificate| &certificate.emails)
    {
        object
            .certificate_addresses
            .insert(view.text(address), MAX_NAMES);
    }
}

pub(super) fn identifier(id: &Identifier) -> String {
    match id {
        Identifier::IssuerAndSerial { issuer, serial } => format!("{issuer}, serial {serial}"),
        Identifier::KeyIdentifier(key) => format!("key identifier {key}"),
        Identifier::SharedKey(key) => format!("shared key {key}"),
        Identifier::Password => "a password".to_owned(),
        Identifier::Other(oid) => format!("recipient type {oid}"),
    }
}

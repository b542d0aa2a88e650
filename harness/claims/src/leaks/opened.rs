//! What a recipient's key shows of an encrypted body. It did not leak: nobody without the key can see any of it.
//!
//! Facts about the inside, and never its text.

use serde::{Deserialize, Serialize};
use smtp::cms::{Cms, SignatureCheck};
use smtp::message::{self, Opened, Part};

use super::body::identifier;
use super::mail::{Attachment, MAX_ATTACHMENTS, attachment};
use super::{MAX_ENTRIES, View};
use crate::capped::Capped;
use crate::result::rfc3339;
use crate::subject::{Sent, Tried};

/// Signatures that are verified in one part.
const MAX_SIGNATURES: usize = 8;

/// An encrypted part that the auditor's keys were tried on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub struct WithKey {
    /// Its content type, in the words of RFC 5652.
    pub kind: String,
    /// Whether it was itself inside an encrypted part.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inside: bool,
    /// What came of it.
    pub result: KeyResult,
}

/// What came of trying the keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum KeyResult {
    /// A key opens it; what is inside.
    Opened(Box<Shown>),
    /// It was not opened; why.
    Closed(String),
}

/// What is inside an encrypted part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub struct Shown {
    /// The recipient whose key opens it, as the message names them.
    pub recipient: String,
    /// The type of the MIME entity inside.
    pub content_type: String,
    /// The type of what was protected, behind the signatures around it, where there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    /// Octets of the MIME entity inside.
    pub octets: u64,
    /// Other CMS objects inside, as `CompressedData`.
    #[serde(default, skip_serializing_if = "Capped::is_empty")]
    pub objects: Capped<String>,
    /// Parts inside with a file name, or that are no text.
    #[serde(default, skip_serializing_if = "Capped::is_empty")]
    pub attachments: Capped<Attachment>,
    /// Signatures inside, outermost first.
    #[serde(default, skip_serializing_if = "Capped::is_empty")]
    pub signatures: Capped<InnerSignature>,
    /// The header fields that are protected too, where the inside says that any are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<ProtectedHeader>,
}

/// A signer inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub struct InnerSignature {
    /// The certificate: issuer and serial number, or a key identifier.
    pub signer: String,
    /// The digest algorithm.
    pub digest: String,
    /// The signature algorithm.
    pub algorithm: String,
    /// When they say that they signed, in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing_time: Option<String>,
    /// Whether all signatures of the object cover its content. Nothing is said about whether to trust the certificate.
    pub state: SignatureState,
    /// Why it is not valid, or cannot be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What a signature is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum SignatureState {
    /// It covers the content.
    Valid,
    /// It does not.
    Invalid,
    /// It cannot be told.
    NotVerifiable,
}

impl SignatureState {
    /// A word or two for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Invalid => "not valid",
            Self::NotVerifiable => "not verifiable",
        }
    }
}

/// Header fields under the protection of the body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub struct ProtectedHeader {
    /// How they were put there.
    pub form: ProtectionForm,
    /// Their names. Their values are not told.
    pub fields: Capped<String>,
    /// Whether the Subject is among them.
    pub subject: bool,
}

/// How header fields were put under the protection of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ProtectionForm {
    /// `hp="cipher"` (RFC 9788).
    HpCipher,
    /// `hp="clear"` (RFC 9788).
    HpClear,
    /// The whole message in a `message/rfc822` (RFC 8551 section 3.1).
    MessageRfc822,
}

impl ProtectionForm {
    /// A few words for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::HpCipher => "hp=cipher",
            Self::HpClear => "hp=clear",
            Self::MessageRfc822 => "wrapped as message/rfc822",
        }
    }
}

/// All encrypted parts of a message, as the keys show them. Empty where no key is given.
pub(super) fn all(view: &View<'_>, sent: &Sent<'_>) -> Capped<WithKey> {
    let each = sent.tries.tried.iter().map(|tried| one(view, tried));
    let mut all = Capped::of(each, MAX_ENTRIES);
    all.left_out += sent.tries.left_out;
    all
}

fn one(view: &View<'_>, tried: &Tried) -> WithKey {
    WithKey {
        kind: tried.kind.to_owned(),
        inside: tried.inside,
        result: match &tried.result {
            Ok(opened) if !opened.is_entity => {
                KeyResult::Closed("what the key makes of it is not a MIME entity".to_owned())
            }
            Ok(opened) => KeyResult::Opened(Box::new(shown(view, opened))),
            Err(error) => KeyResult::Closed(view.text(&error.to_string())),
        },
    }
}

fn shown(view: &View<'_>, opened: &Opened) -> Shown {
    let root = &opened.message.root;
    let payload = opened.payload();
    let mut shown = Shown {
        recipient: view.text(&identifier(&opened.recipient)),
        content_type: view.text(&root.content_type),
        payload: (!std::ptr::eq(payload, root)).then(|| view.text(&payload.content_type)),
        octets: opened.message.content().len() as u64,
        objects: Capped::default(),
        attachments: Capped::default(),
        signatures: Capped::default(),
        header: None,
    };
    shown.parts(view, opened, payload);
    for signature in opened.signatures(MAX_SIGNATURES) {
        shown.signature(view, &signature);
    }
    shown.header = opened
        .header_protection()
        .map(|protection| ProtectedHeader {
            form: match protection.form {
                message::ProtectionForm::Cipher => ProtectionForm::HpCipher,
                message::ProtectionForm::Clear => ProtectionForm::HpClear,
                message::ProtectionForm::Wrapped => ProtectionForm::MessageRfc822,
            },
            fields: names(view, &protection),
            subject: protection.subject().is_some(),
        });
    shown
}

fn names(view: &View<'_>, protection: &message::HeaderProtection<'_>) -> Capped<String> {
    let mut names = Capped::default();
    for field in &protection.fields {
        names.insert(view.text(&field.name), MAX_ENTRIES);
    }
    names
}

impl Shown {
    /// Attachments and CMS objects, also behind signatures and in the message that is wrapped for its header's sake.
    fn parts(&mut self, view: &View<'_>, opened: &Opened, payload: &Part) {
        let mut open = vec![&opened.message];
        while let Some(message) = open.pop() {
            for part in message.parts() {
                match (&part.cms, &part.inner) {
                    (Some(Ok(Cms::Signed(_))), inner) => open.extend(inner.as_deref()),
                    (Some(Ok(cms)), inner) => {
                        open.extend(inner.as_deref());
                        self.objects
                            .push(crate::subject::kind(cms).to_owned(), MAX_ENTRIES);
                    }
                    (None, Some(inner)) if std::ptr::eq(part, payload) => open.push(inner),
                    _ if !part.children.is_empty() => {}
                    _ => {
                        if let Some(found) = attachment(view, part) {
                            self.attachments.push(found, MAX_ATTACHMENTS);
                        }
                    }
                }
            }
        }
    }

    fn signature(&mut self, view: &View<'_>, signature: &message::Signature<'_>) {
        let (state, reason) = match &signature.check {
            SignatureCheck::Valid => (SignatureState::Valid, None),
            SignatureCheck::Invalid(reason) => (SignatureState::Invalid, Some(view.text(reason))),
            SignatureCheck::NotVerifiable(reason) => {
                (SignatureState::NotVerifiable, Some(view.text(reason)))
            }
        };
        for signer in &signature.signed.signers {
            let described = InnerSignature {
                signer: view.text(&identifier(&signer.id)),
                digest: view.text(&signer.digest.name),
                algorithm: view.text(&signer.signature.name),
                signing_time: signer.signing_time.map(rfc3339),
                state,
                reason: reason.clone(),
            };
            self.signatures.push(described, MAX_ENTRIES);
        }
    }
}

#[cfg(test)]
mod tests;

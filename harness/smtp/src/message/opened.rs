//! What an encrypted part holds, for those who have the recipient's key.
//!
//! The plain text is as hostile as the message: whoever knows the recipient's certificate can encrypt anything to them.

use std::collections::HashSet;

use super::{Field, Message, Part};
use crate::cms::{self, Cms, Identifier, RecipientKey, SignatureCheck, Signed};

/// Why a part was not opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotOpened {
    /// Bytes of it are missing: from the capture, or since only the beginning of long parts is kept.
    #[error("it is kept only in part and cannot be opened")]
    InPart,
    /// The keys do not open it.
    #[error(transparent)]
    Cms(#[from] cms::Error),
}

/// What a key made of an encrypted part.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The recipient whose key opened it, as the message names them.
    pub recipient: Identifier,
    /// Whether what was inside begins as a MIME entity does: fields, a type among them, and an empty line. Other bytes are a
    /// [`Message`] too, but none that proves that the key was the right one.
    pub is_entity: bool,
    /// What was inside. Its ranges are in its own content.
    pub message: Message,
}

/// A signature inside, with what it is worth.
#[derive(Clone, Debug)]
pub struct Signature<'a> {
    /// The object.
    pub signed: &'a Signed,
    /// Whether it covers the content.
    pub check: SignatureCheck,
}

/// How header fields were put under the protection of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtectionForm {
    /// `hp="cipher"`: the fields outside may be other ones (RFC 9788 section 2.1).
    Cipher,
    /// `hp="clear"`: the fields outside are the same (RFC 9788 section 2.1).
    Clear,
    /// The whole message in a `message/rfc822` (RFC 8551 section 3.1).
    Wrapped,
}

/// Header fields that stand inside.
#[derive(Clone, Debug)]
pub struct HeaderProtection<'a> {
    /// How they were put there.
    pub form: ProtectionForm,
    /// The fields, without those that describe the MIME part.
    pub fields: Vec<&'a Field>,
    /// The fields `HP-Outer`, which tell what the sender let stand outside (RFC 9788 section 2.2).
    pub outer: Vec<&'a Field>,
}

impl<'a> HeaderProtection<'a> {
    /// The Subject inside.
    pub fn subject(&self) -> Option<&'a Field> {
        self.fields
            .iter()
            .copied()
            .find(|field| field.is("Subject"))
    }

    /// The fields that the sender hides: those that `HP-Outer` does not tell with this very value, so that they stand outside
    /// with another one, or not at all. Only `hp="cipher"` hides any.
    ///
    /// This is what the sender says. Whoever changed the header on the way made it untrue, and did not change this.
    pub fn hidden(&self) -> Vec<&'a Field> {
        if self.form != ProtectionForm::Cipher {
            return Vec::new();
        }
        let outside: HashSet<_> = self
            .outer
            .iter()
            .filter_map(|field| copied(field))
            .collect();
        let fields = self.fields.iter().copied();
        fields
            .filter(|field| {
                let name = field.name.to_ascii_lowercase();
                !outside.contains(&(name, field.value.trim()))
            })
            .collect()
    }
}

/// Name, in small letters, and value of the field that an `HP-Outer` is a copy of.
fn copied(field: &Field) -> Option<(String, &str)> {
    let (name, value) = field.value.split_once(':')?;
    Some((name.trim().to_ascii_lowercase(), value.trim()))
}

impl Part {
    /// Opens the part and reads what is inside.
    ///
    /// Nothing is opened further: where the inside holds another encrypted part, that is in [`Opened::message`], to be
    /// opened in turn. So nesting costs the caller, who bounds it, and no stack.
    ///
    /// # Errors
    /// [`NotOpened`]; the text never has decrypted bytes in it.
    pub fn open(&self, keys: &[RecipientKey]) -> Result<Opened, NotOpened> {
        if self.cut || self.cms_cut.is_some() {
            return Err(NotOpened::InPart);
        }
        let bytes = self.cms_bytes().unwrap_or_default();
        let plain = cms::open_as(&bytes, keys)?;
        let message = Message::read(&plain.bytes);
        Ok(Opened {
            recipient: plain.recipient,
            is_entity: is_entity(&message),
            message,
        })
    }
}

fn is_entity(message: &Message) -> bool {
    let root = &message.root;
    let typed = root.field("Content-Type").is_some_and(|field| {
        let declared = field.value.split(';').next().unwrap_or_default().trim();
        declared.eq_ignore_ascii_case(&root.content_type) && declared.contains('/')
    });
    typed && root.header.end < root.body.start
}

impl Opened {
    /// The part that was protected: behind the signatures around it, whether they are opaque or beside it, and unpacked.
    pub fn payload(&self) -> &Part {
        let mut part = &self.message.root;
        // Each step goes down a level of a message that was read with a bound on them.
        loop {
            let signed = part.content_type == "multipart/signed";
            let next = match (&part.cms, &part.inner) {
                (Some(Ok(Cms::Signed(_) | Cms::Compressed)), Some(inner)) => Some(&inner.root),
                _ if signed => part.children.first(),
                _ => None,
            };
            match next {
                Some(inner) => part = inner,
                None => return part,
            }
        }
    }

    /// The signatures around the payload and in it, outermost first; those in encrypted parts further inside are not among
    /// them. At most `most`: each is verified.
    pub fn signatures(&self, most: usize) -> Vec<Signature<'_>> {
        let mut found = Vec::new();
        let mut open = vec![&self.message];
        while let Some(message) = open.pop() {
            for part in message.parts() {
                open.extend(part.inner.as_deref());
                let Some(Ok(Cms::Signed(signed))) = &part.cms else {
                    continue;
                };
                // Certificates without a signer (RFC 8551 section 3.2.2) sign nothing.
                if signed.signers.is_empty() {
                    continue;
                }
                if found.len() >= most {
                    return found;
                }
                let check = message
                    .check_signature(part)
                    .unwrap_or_else(|| SignatureCheck::NotVerifiable(String::new()));
                found.push(Signature { signed, check });
            }
        }
        found
    }

    /// The header fields that the encryption protects; `None` where the inside does not say that it does that.
    pub fn header_protection(&self) -> Option<HeaderProtection<'_>> {
        let payload = self.payload();
        let is = |value: &str| {
            payload
                .parameter("hp")
                .is_some_and(|stated| stated.trim().eq_ignore_ascii_case(value))
        };
        let (form, fields) = match &payload.inner {
            _ if is("cipher") => (ProtectionForm::Cipher, &payload.fields),
            _ if is("clear") => (ProtectionForm::Clear, &payload.fields),
            // A message that was forwarded as it was says so, and is no copy of this one's header.
            Some(inner) if payload.cms.is_none() && !is_forwarded(payload) => {
                (ProtectionForm::Wrapped, &inner.root.fields)
            }
            _ => return None,
        };
        let (outer, fields): (Vec<_>, Vec<_>) =
            fields.iter().partition(|field| field.is("HP-Outer"));
        let fields = fields.into_iter().filter(|field| is_of_the_message(field));
        Some(HeaderProtection {
            form,
            fields: fields.collect(),
            outer,
        })
    }
}

/// Whether the message inside is said to be another one: an attachment, or `forwarded` with other than `no`, which some
/// senders write to tell that it is wrapped for the sake of its header.
fn is_forwarded(part: &Part) -> bool {
    let attached = part.field("Content-Disposition").is_some_and(|field| {
        field
            .value
            .trim_start()
            .to_ascii_lowercase()
            .starts_with("attachment")
    });
    let stated = part.parameter("forwarded");
    attached || stated.is_some_and(|value| !value.trim().eq_ignore_ascii_case("no"))
}

/// Whether a field belongs to the message, and not to the MIME part that carries it (the structural fields of
/// RFC 9788).
fn is_of_the_message(field: &Field) -> bool {
    let content = field.name.get(..8);
    let structural = content.is_some_and(|start| start.eq_ignore_ascii_case("Content-"));
    !(structural || field.is("MIME-Version"))
}

#[cfg(test)]
mod tests;

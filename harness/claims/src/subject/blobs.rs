//! The CMS objects of a message.

use std::ops::Range;

use smtp::cms::{Algorithm, Cms};
use smtp::message::{Message, Part};

/// A CMS object in a message.
#[derive(Clone)]
pub struct Blob<'a> {
    /// The part that it was read from.
    pub part: &'a Part,
    /// The object.
    pub cms: &'a Cms,
    /// The bytes of the message that hold it; for one inside an opaque signature, those of the signature.
    pub range: Range<usize>,
}

impl Blob<'_> {
    /// Its content type, in the words of RFC 5652.
    pub const fn name(&self) -> &'static str {
        kind(self.cms)
    }

    /// Its content cipher, where it is encrypted and the cipher was captured.
    pub fn cipher(&self) -> Option<&Algorithm> {
        match self.cms {
            Cms::Enveloped(data) | Cms::AuthEnveloped(data) => {
                Some(&data.cipher).filter(|cipher| !cipher.is_unread())
            }
            _ => None,
        }
    }
}

/// The content type of an object, in the words of RFC 5652.
pub(crate) const fn kind(cms: &Cms) -> &'static str {
    match cms {
        Cms::Enveloped(_) => "EnvelopedData",
        Cms::AuthEnveloped(_) => "AuthEnvelopedData",
        Cms::Signed(_) => "SignedData",
        Cms::Compressed => "CompressedData",
        Cms::Other(_) => "CMS of another type",
    }
}

/// The CMS objects of a message that can be seen without a key, outermost first, whether or not they are whole.
pub(super) fn of(message: &Message) -> Vec<Blob<'_>> {
    let mut found = Vec::new();
    for part in message.parts() {
        collect(part, &part.body, &mut found);
    }
    found
}

fn collect<'a>(part: &'a Part, range: &Range<usize>, found: &mut Vec<Blob<'a>>) {
    if let Some(Ok(cms)) = &part.cms {
        found.push(Blob {
            part,
            cms,
            range: range.clone(),
        });
    }
    for inner in part.inner.iter().flat_map(|message| message.parts()) {
        collect(inner, range, found);
    }
}

//! `[client.payload.mime]`: the MIME context properties of the body part.

use super::Spanned;
use super::client::{set, set_some};
use super::client_parts::ENCODINGS;
use super::decode::{Problems, Table, Value};
use super::values::{boolean, canary_text, choice};
use crate::adapter::config::{MimeProperties, TransferEncoding};

/// `[client.payload.mime]`.
#[derive(Clone, Debug, Default)]
pub struct MimeTable {
    /// `file_name`.
    pub file_name: Option<Spanned<String>>,
    /// `content_id`.
    pub content_id: Option<Spanned<String>>,
    /// `content_description`.
    pub content_description: Option<Spanned<String>>,
    /// `content_location`.
    pub content_location: Option<Spanned<String>>,
    /// `transfer_encoding`: that of the part.
    pub transfer_encoding: Option<Spanned<TransferEncoding>>,
    /// `is_mime_encoded`.
    pub is_mime_encoded: Option<Spanned<bool>>,
    /// `is_multipart_related`.
    pub is_multipart_related: Option<Spanned<bool>>,
}

impl MimeTable {
    pub(super) fn read(value: &Value<'_>, problems: &mut Problems) -> Option<Self> {
        let mut table = Table::open("[client.payload.mime]", value, problems)?;
        let mime = Self {
            file_name: table.optional("file_name", problems, canary_text),
            content_id: table.optional("content_id", problems, canary_text),
            content_description: table.optional("content_description", problems, canary_text),
            content_location: table.optional("content_location", problems, canary_text),
            transfer_encoding: table.optional("transfer_encoding", problems, choice(&ENCODINGS)),
            is_mime_encoded: table.optional("is_mime_encoded", problems, boolean),
            is_multipart_related: table.optional("is_multipart_related", problems, boolean),
        };
        table.finish(problems);
        Some(mime)
    }

    /// Puts what the case says over the properties of a payload.
    pub fn apply(&self, mime: &mut MimeProperties) {
        set_some(&mut mime.file_name, self.file_name.as_ref());
        set_some(&mut mime.content_id, self.content_id.as_ref());
        set_some(
            &mut mime.content_description,
            self.content_description.as_ref(),
        );
        set_some(&mut mime.content_location, self.content_location.as_ref());
        set_some(&mut mime.transfer_encoding, self.transfer_encoding.as_ref());
        set(&mut mime.is_mime_encoded, self.is_mime_encoded.as_ref());
        set(
            &mut mime.is_multipart_related,
            self.is_multipart_related.as_ref(),
        );
    }
}

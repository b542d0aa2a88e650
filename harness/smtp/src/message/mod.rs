//! Mail messages: header fields, the MIME tree, what S/MIME wraps, and every depth that can be read without a key.
//!
//! This module finds things and judges nothing: it is as lenient as the most lenient receiver. Line ends, line lengths
//! and the like are facts of the raw bytes, which [`Message::content`] keeps.
//!
//! The parts are split here and not by the MIME library, which is only asked about single fields: on hostile nesting a
//! library that keeps one level per stack frame ends the process, and no error can be caught.

mod address;
mod find;
mod header;
mod layers;
mod mime;
mod opened;
mod parts;
mod smime;
#[cfg(test)]
mod tests;
mod transfer;

use std::ops::Range;

pub use find::Sighting;
pub use header::Field;
pub use layers::Layer;
pub use mime::Part;
pub use opened::{HeaderProtection, NotOpened, Opened, ProtectionForm, Signature};
pub use parts::Parts;
pub use transfer::TransferEncoding;

use crate::cms::{self, Cms, SignatureCheck};
use crate::content::Content;
use wire::{Direction, Span};

/// How many levels of parts, embedded messages and signed wrappers are followed.
pub const MAX_DEPTH: usize = 10;

/// A message, read.
#[derive(Clone, Debug)]
pub struct Message {
    content: Vec<u8>,
    /// The message as a part: its header is the message header. Multipart, or the one and only leaf.
    pub root: Part,
    /// Whether a limit on depth or on the number of parts or fields was met. What lies beyond was searched as bytes of
    /// its container, and not opened.
    pub truncated: bool,
}

impl Message {
    /// Reads a message as DATA or BDAT carried it, after dot-unstuffing. Any bytes are a message.
    pub fn read(content: &[u8]) -> Self {
        Self::read_kept(content, &[])
    }

    /// Reads what there is of a message: of a long one not all is kept, and where the capture has `gaps` (of its timeline)
    /// it holds not all. Parts that lack bytes are marked ([`Part::cut`]).
    pub fn of(content: &Content, gaps: &[Span]) -> Self {
        Self::read_kept(content.bytes(), &cuts(content, gaps))
    }

    fn read_kept(bytes: &[u8], cuts: &[usize]) -> Self {
        let kept = mime::Kept { bytes, cuts };
        mime::read(kept, &mut mime::Budget::default(), 0)
    }

    /// The bytes that were read. All ranges are in here.
    pub fn content(&self) -> &[u8] {
        &self.content
    }

    /// The bytes in a range of the content; empty where it does not lie inside.
    pub fn bytes(&self, range: Range<usize>) -> &[u8] {
        self.content.get(range).unwrap_or_default()
    }

    /// The fields of the message header, in order.
    pub fn fields(&self) -> &[Field] {
        &self.root.fields
    }

    /// The first field `name`, in any case.
    pub fn header(&self, name: &str) -> Option<&Field> {
        self.headers(name).next()
    }

    /// All fields `name`, in any case, in order.
    pub fn headers(&self, name: &str) -> impl Iterator<Item = &Field> {
        self.fields().iter().filter(move |field| field.is(name))
    }

    /// The addresses in all fields `name` (`From`, `To`, `Cc` …), each with its place in the content.
    ///
    /// Display names, comments and group names are passed over; quoted local parts keep their quotes.
    pub fn addresses(&self, name: &str) -> Vec<(String, Range<usize>)> {
        self.headers(name)
            .flat_map(|field| {
                address::scan(
                    self.bytes(field.value_range.clone()),
                    field.value_range.start,
                )
            })
            .collect()
    }

    /// All parts of this message, containers before what they contain. Embedded messages are in [`Part::inner`].
    pub fn parts(&self) -> Parts<'_> {
        self.root.parts()
    }

    /// Checks the signature of a part of this message: an opaque one with the content inside it, the second part of a
    /// `multipart/signed` with the bytes of the first (RFC 8551 section 3.5.3). `None` where the part has no CMS.
    pub fn check_signature(&self, part: &Part) -> Option<SignatureCheck> {
        let der = part.cms_bytes()?;
        let container = self.parts().find(|p| {
            p.content_type == "multipart/signed"
                && p.children
                    .get(1)
                    .is_some_and(|second| second.path == part.path)
        });
        let first = container.and_then(|p| p.children.first());
        if part.cut || part.cms_cut.is_some() || first.is_some_and(|first| first.cut) {
            return Some(SignatureCheck::NotVerifiable(
                "not all bytes of the signed part and of its signature are there".to_owned(),
            ));
        }
        let signed = first.map(|first| self.bytes(first.range()));
        Some(cms::verify_signature(&der, signed))
    }

    /// The first part that is CMS, with what was read of it. Embedded messages are searched too.
    pub fn cms(&self) -> Option<(&Part, &Result<Cms, cms::Error>)> {
        self.parts().find_map(|part| {
            part.cms
                .as_ref()
                .map(|cms| (part, cms))
                .or_else(|| part.inner.as_ref().and_then(|inner| inner.cms()))
        })
    }
}

/// Where in the bytes of a message some are missing.
fn cuts(content: &Content, gaps: &[Span]) -> Vec<usize> {
    let end = content.bytes().len();
    let all = content.span(0..end);
    let place = |start: u64| {
        let (mut low, mut high) = (0, end);
        while low < high {
            let middle = low + (high - low) / 2;
            if content.span(middle..middle + 1).start < start {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    };
    // What is missing behind the last byte may belong to what follows the message.
    let inside = |gap: &&Span| {
        gap.direction == Direction::Client && all.start <= gap.start && gap.start <= all.end
    };
    let holes = content.elisions().iter().map(|hole| hole.start);
    let gaps = gaps.iter().filter(inside).map(|gap| gap.start);
    let mut cuts: Vec<_> = holes.chain(gaps).map(place).collect();
    cuts.sort_unstable();
    cuts.dedup();
    cuts
}

//! The body of a message held against the one that the client was told to send.

use std::borrow::Cow;

use smtp::message::{Part, TransferEncoding};

use crate::subject::Sent;

/// What the told body came to.
pub(super) enum Body<'a> {
    /// It is here.
    Same(&'a Part),
    /// A body is here that is not it.
    Other {
        /// The part that should be it.
        part: &'a Part,
        /// Its text, without transfer encoding and without the last line end.
        seen: Cow<'a, [u8]>,
    },
}

/// Looks for `told` in a message: in any of its parts, or in the first one that is text.
///
/// A line end at the very end is left out of the comparison: DATA adds one where the text has none, and a boundary takes
/// one away. Where a transfer encoding was undone, any line end counts as CR LF.
pub(super) fn find<'a>(sent: &Sent<'a>, told: &[u8]) -> Option<Body<'a>> {
    let leaves: Vec<&Part> = sent
        .message
        .parts()
        .filter(|part| part.children.is_empty())
        .collect();
    if let Some(part) = leaves
        .iter()
        .find(|part| text_of(part) == normal(part, told))
    {
        return Some(Body::Same(part));
    }
    let part = leaves
        .iter()
        .find(|part| part.content_type.starts_with("text/"))
        .or(leaves.first())?;
    Some(Body::Other {
        part,
        seen: text_of(part),
    })
}

fn text_of(part: &Part) -> Cow<'_, [u8]> {
    normal(part, &part.decoded)
}

/// A text as it is compared.
fn normal<'a>(part: &Part, text: &'a [u8]) -> Cow<'a, [u8]> {
    if is_verbatim(part) {
        return Cow::Borrowed(without_end(text));
    }
    let mut out = Vec::with_capacity(text.len());
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(line) => {
                out.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
                out.extend_from_slice(b"\r\n");
            }
            None => out.extend_from_slice(line),
        }
    }
    let length = without_end(&out).len();
    out.truncate(length);
    Cow::Owned(out)
}

/// The text without the line end at its end.
pub(super) fn without_end(text: &[u8]) -> &[u8] {
    text.strip_suffix(b"\r\n").unwrap_or(text)
}

/// Whether the lines of a part crossed the wire as they are.
pub(super) fn is_verbatim(part: &Part) -> bool {
    matches!(part.transfer_encoding, TransferEncoding::Identity(_))
}

/// Where two texts begin to differ: the number of the line, from 1, and the rest of the line in each. Neither text is to
/// begin with the other.
pub(super) fn first_difference<'a>(told: &'a [u8], seen: &'a [u8]) -> (usize, &'a [u8], &'a [u8]) {
    let at = told
        .iter()
        .zip(seen)
        .position(|(one, other)| one != other)
        .unwrap_or(told.len().min(seen.len()));
    let start = memchr::memrchr(b'\n', &told[..at]).map_or(0, |lf| lf + 1);
    let line = 1 + memchr::memchr_iter(b'\n', &told[..start]).count();
    (line, &told[start..], &seen[start..])
}

//! From BER to the subset that decoders of DER take: definite lengths, and byte strings in one piece.
//!
//! Streaming encoders write indefinite lengths and cut long contents into pieces (X.690 sections 8.1.3.6 and 8.7.3).
//! Everything else stays byte for byte, so that signed parts keep their signature.

use std::borrow::Cow;
use std::cell::Cell;

use super::Error;

/// Deeper nesting is refused.
const MAX_DEPTH: usize = 40;

const SEQUENCE: u8 = 0x30;
const OBJECT_IDENTIFIER: u8 = 0x06;
const OCTET_STRING: u8 = 0x04;
const CONSTRUCTED_OCTET_STRING: u8 = 0x24;
const CONSTRUCTED_CONTEXT_0: u8 = 0xa0;

/// The first element of `bytes`, rewritten where it has to be. What follows it is ignored.
pub(super) fn definite(bytes: &[u8]) -> Result<Cow<'_, [u8]>, Error> {
    let walker = Walker {
        bytes,
        lenient: false,
        cut: Cell::new(None),
    };
    // Most is written that way, and can be long.
    if let Some(end) = walker.definite_end(0, bytes.len(), 0, &[]) {
        return Ok(Cow::Borrowed(&bytes[..end]));
    }
    let mut out = Vec::with_capacity(bytes.len());
    walker.element(0, bytes.len(), 0, &mut out)?;
    Ok(Cow::Owned(out))
}

/// The same for an element whose end is missing: what is there, with everything closed at the cut, and where the cut is.
///
/// A value that the cut goes through is left out, since half a number is another number; only of byte strings is the
/// beginning kept. `None` for the cut where there is none.
pub(super) fn definite_cut(bytes: &[u8]) -> Result<(Vec<u8>, Option<CutValue>), Error> {
    let mut out = Vec::with_capacity(bytes.len());
    let walker = Walker {
        bytes,
        lenient: true,
        cut: Cell::new(None),
    };
    walker.element(0, BEYOND, 0, &mut out)?;
    Ok((out, walker.cut.get()))
}

/// An end that no length of four bytes reaches.
const BEYOND: usize = usize::MAX / 4;

/// The innermost value that a cut goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CutValue {
    /// The first byte of its tag; 0 where the cut is before a tag, or in a header.
    pub(super) tag: u8,
    /// The length that it should have.
    pub(super) length: Option<usize>,
}

const ENDS_IN_TAG: &str = "it ends inside a tag";
const ENDS_BEFORE_LENGTH: &str = "it ends before a length";
const ENDS_IN_LENGTH: &str = "it ends inside a length";

struct Walker<'a> {
    bytes: &'a [u8],
    /// Whether the bytes may end early. The ends of elements are then what their lengths say, even past the last byte.
    lenient: bool,
    cut: Cell<Option<CutValue>>,
}

/// What a constructed element holds.
#[derive(Default)]
struct Inside {
    /// The children, rewritten.
    elements: Vec<u8>,
    /// The same without their headers, as long as all of them are byte strings.
    joined: Option<Vec<u8>>,
    /// First tag bytes of the first children.
    tags: Vec<u8>,
}

impl Walker<'_> {
    /// Where the element at `at` ends, if [`Walker::child`] would write it as it stands; `None` too where it is broken.
    fn definite_end(&self, at: usize, end: usize, depth: usize, before: &[u8]) -> Option<usize> {
        let (tag, cursor, length) = self.header(at, end).ok()?;
        let (length, first) = (length?, *tag.first()?);
        let header = cursor - at - tag.len();
        if header != length_octets(length) {
            return None;
        }
        let next = cursor + length;
        if first & 0x20 == 0 {
            return Some(next);
        }
        let pieces = first == CONSTRUCTED_OCTET_STRING
            || first == CONSTRUCTED_CONTEXT_0 && before == [OBJECT_IDENTIFIER, SEQUENCE];
        if pieces || depth >= MAX_DEPTH {
            return None;
        }
        let mut tags = [0; 3];
        let (mut count, mut inside) = (0, cursor);
        while inside < next {
            let tag = *self.bytes.get(inside)?;
            inside = self.definite_end(inside, next, depth + 1, &tags[..count])?;
            if let Some(place) = tags.get_mut(count) {
                *place = tag;
                count += 1;
            }
        }
        Some(next)
    }

    /// Rewrites the element at `at` to the end of `out`; returns where the next one begins.
    fn element(
        &self,
        at: usize,
        end: usize,
        depth: usize,
        out: &mut Vec<u8>,
    ) -> Result<usize, Error> {
        self.child(at, end, depth, &[], out).map(|(next, _)| next)
    }

    /// The same for a child whose elder siblings have the tags `before`; also returns the content of a byte string.
    fn child(
        &self,
        at: usize,
        end: usize,
        depth: usize,
        before: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(usize, Option<Vec<u8>>), Error> {
        let (tag, cursor, length) = match self.header(at, end) {
            Ok(header) => header,
            Err(Error::Asn1 { what, .. })
                if self.lenient
                    && end > self.bytes.len()
                    && [ENDS_IN_TAG, ENDS_BEFORE_LENGTH, ENDS_IN_LENGTH].contains(&what) =>
            {
                self.cut.set(Some(CutValue {
                    tag: 0,
                    length: None,
                }));
                return Ok((end, None));
            }
            Err(error) => return Err(error),
        };
        let first = tag.first().copied().unwrap_or_default();
        if first & 0x20 == 0 {
            let Some(length) = length else {
                return Err(Error::Asn1 {
                    offset: at,
                    what: "an indefinite length on a primitive value",
                });
            };
            let next = cursor + length;
            let here = next.min(self.bytes.len());
            let value = self.bytes.get(cursor..here).unwrap_or_default();
            if here < next {
                self.cut.set(Some(CutValue {
                    tag: first,
                    length: Some(length),
                }));
                let encrypted = first == 0x80 && before == [OBJECT_IDENTIFIER, SEQUENCE];
                if first != OCTET_STRING && !encrypted {
                    return Ok((next, None));
                }
            }
            write(out, tag, value);
            return Ok((next, (first == OCTET_STRING).then(|| value.to_vec())));
        }
        if depth >= MAX_DEPTH {
            return Err(Error::Asn1 {
                offset: at,
                what: "nested too deeply",
            });
        }
        let (inside, next) = self.children(cursor, length, end, depth + 1)?;
        // EncryptedContentInfo (RFC 5652 section 6.1) has an implicitly tagged byte string, third after an object
        // identifier and an algorithm. Cut into pieces it looks like any other constructed element.
        let encrypted_content =
            first == CONSTRUCTED_CONTEXT_0 && before == [OBJECT_IDENTIFIER, SEQUENCE];
        match inside.joined {
            Some(joined) if first == CONSTRUCTED_OCTET_STRING => {
                write(out, &[OCTET_STRING], &joined);
                Ok((next, Some(joined)))
            }
            Some(joined) if encrypted_content => {
                write(out, &[0x80], &joined);
                Ok((next, None))
            }
            _ if first == CONSTRUCTED_OCTET_STRING => Err(Error::Asn1 {
                offset: at,
                what: "a byte string with pieces that are none",
            }),
            _ => {
                write(out, tag, &inside.elements);
                Ok((next, None))
            }
        }
    }

    fn children(
        &self,
        start: usize,
        length: Option<usize>,
        end: usize,
        depth: usize,
    ) -> Result<(Inside, usize), Error> {
        let mut inside = Inside {
            joined: Some(Vec::new()),
            ..Inside::default()
        };
        let end = length.map_or(end, |length| start + length);
        let mut at = start;
        loop {
            if length.is_some() && at >= end || self.cut.get().is_some() {
                return Ok((inside, end));
            }
            if length.is_none()
                && self
                    .bytes
                    .get(at..end.min(self.bytes.len()))
                    .is_some_and(|rest| rest.starts_with(&[0, 0]))
            {
                return Ok((inside, at + 2));
            }
            let tag = self.bytes.get(at).copied().unwrap_or_default();
            let (next, string) = self.child(at, end, depth, &inside.tags, &mut inside.elements)?;
            match (&mut inside.joined, string) {
                (Some(joined), Some(piece)) => joined.extend(piece),
                // Nothing was read where a piece would begin.
                (Some(_), None) if self.cut.get().is_some_and(|cut| cut.tag == 0) => {}
                (joined, _) => *joined = None,
            }
            // Three tags tell what a sequence begins with; more are never compared.
            if inside.tags.len() < 3 {
                inside.tags.push(tag);
            }
            at = next;
        }
    }

    /// The tag bytes at `at`, where the value begins, and its length.
    fn header(&self, at: usize, end: usize) -> Result<(&[u8], usize, Option<usize>), Error> {
        let (tag, mut cursor) = self.tag(at, end)?;
        let length = self.length(&mut cursor, end)?;
        Ok((tag, cursor, length))
    }

    /// The tag bytes at `at`, and where the length begins.
    fn tag(&self, at: usize, end: usize) -> Result<(&[u8], usize), Error> {
        let cut = Error::Asn1 {
            offset: at,
            what: ENDS_IN_TAG,
        };
        let end = end.min(self.bytes.len());
        let rest = self.bytes.get(at..end).ok_or_else(|| cut.clone())?;
        let first = rest.first().ok_or_else(|| cut.clone())?;
        let length = if first & 0x1f == 0x1f {
            let more = rest
                .iter()
                .skip(1)
                .take(4)
                .position(|byte| byte & 0x80 == 0)
                .ok_or_else(|| cut.clone())?;
            more + 2
        } else {
            1
        };
        rest.get(..length).map(|tag| (tag, at + length)).ok_or(cut)
    }

    /// The length at `cursor`, which is moved behind it; `None` for the indefinite form. It never reaches past `end`.
    fn length(&self, cursor: &mut usize, end: usize) -> Result<Option<usize>, Error> {
        let offset = *cursor;
        let error = |what| Error::Asn1 { offset, what };
        let here = end.min(self.bytes.len());
        let rest = self.bytes.get(offset..here).unwrap_or_default();
        let (&first, rest) = rest
            .split_first()
            .ok_or_else(|| error(ENDS_BEFORE_LENGTH))?;
        let count = usize::from(first & 0x7f);
        let length = match (first, count) {
            (0x80, _) => {
                *cursor = offset + 1;
                return Ok(None);
            }
            (0..0x80, _) => count,
            (_, 1..=4) => {
                let bytes = rest.get(..count).ok_or_else(|| error(ENDS_IN_LENGTH))?;
                *cursor += count;
                bytes
                    .iter()
                    .fold(0, |length, byte| length << 8 | usize::from(*byte))
            }
            _ => return Err(error("a length of more than four bytes")),
        };
        *cursor += 1;
        if length > end - *cursor {
            return Err(error("a value that reaches past the end"));
        }
        Ok(Some(length))
    }
}

/// Appends an element with a definite length.
pub(super) fn write(out: &mut Vec<u8>, tag: &[u8], value: &[u8]) {
    out.extend_from_slice(tag);
    let length = value.len().to_be_bytes();
    let octets = length_octets(value.len());
    match octets {
        1 => out.extend(length.last()),
        more => {
            out.push(0x80 | u8::try_from(more - 1).unwrap_or_default());
            out.extend_from_slice(&length[length.len() + 1 - more..]);
        }
    }
    out.extend_from_slice(value);
}

/// How many octets the shortest definite form of a length takes (X.690 section 8.1.3).
const fn length_octets(length: usize) -> usize {
    if length < 0x80 {
        1
    } else {
        1 + (usize::BITS - length.leading_zeros()).div_ceil(8) as usize
    }
}

#[cfg(test)]
mod tests;

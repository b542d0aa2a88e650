//! From BER to the subset that decoders of DER take: definite lengths, and byte strings in one piece.
//!
//! Streaming encoders write indefinite lengths and cut long contents into pieces (X.690 sections 8.1.3.6 and 8.7.3).
//! Everything else stays byte for byte, so that signed parts keep their signature.

use super::Error;

/// Deeper nesting is refused.
const MAX_DEPTH: usize = 40;

const SEQUENCE: u8 = 0x30;
const OBJECT_IDENTIFIER: u8 = 0x06;
const OCTET_STRING: u8 = 0x04;
const CONSTRUCTED_OCTET_STRING: u8 = 0x24;
const CONSTRUCTED_CONTEXT_0: u8 = 0xa0;

/// The first element of `bytes`, rewritten. What follows it is ignored.
pub(super) fn definite(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(bytes.len());
    Walker { bytes }.element(0, bytes.len(), 0, &mut out)?;
    Ok(out)
}

struct Walker<'a> {
    bytes: &'a [u8],
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
        let (tag, mut cursor) = self.tag(at, end)?;
        let length = self.length(&mut cursor, end)?;
        let first = tag.first().copied().unwrap_or_default();
        if first & 0x20 == 0 {
            let Some(length) = length else {
                return Err(Error::Asn1 {
                    offset: at,
                    what: "an indefinite length on a primitive value",
                });
            };
            let next = cursor + length;
            let value = self.bytes.get(cursor..next).unwrap_or_default();
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
            if length.is_some() && at >= end {
                return Ok((inside, end));
            }
            if length.is_none()
                && self
                    .bytes
                    .get(at..end)
                    .is_some_and(|rest| rest.starts_with(&[0, 0]))
            {
                return Ok((inside, at + 2));
            }
            let tag = self.bytes.get(at).copied().unwrap_or_default();
            let (next, string) = self.child(at, end, depth, &inside.tags, &mut inside.elements)?;
            match (&mut inside.joined, string) {
                (Some(joined), Some(piece)) => joined.extend(piece),
                (joined, _) => *joined = None,
            }
            // Three tags tell what a sequence begins with; more are never compared.
            if inside.tags.len() < 3 {
                inside.tags.push(tag);
            }
            at = next;
        }
    }

    /// The tag bytes at `at`, and where the length begins.
    fn tag(&self, at: usize, end: usize) -> Result<(&[u8], usize), Error> {
        let cut = Error::Asn1 {
            offset: at,
            what: "it ends inside a tag",
        };
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
        let rest = self.bytes.get(offset..end).unwrap_or_default();
        let (&first, rest) = rest
            .split_first()
            .ok_or_else(|| error("it ends before a length"))?;
        let count = usize::from(first & 0x7f);
        let length = match (first, count) {
            (0x80, _) => {
                *cursor = offset + 1;
                return Ok(None);
            }
            (0..0x80, _) => count,
            (_, 1..=4) => {
                let bytes = rest
                    .get(..count)
                    .ok_or_else(|| error("it ends inside a length"))?;
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
    let significant = length
        .iter()
        .position(|byte| *byte != 0)
        .map_or(&length[..0], |first| &length[first..]);
    match (value.len(), significant) {
        (0..0x80, _) => out.push(significant.first().copied().unwrap_or_default()),
        (_, significant) => {
            out.push(0x80 | u8::try_from(significant.len()).unwrap_or_default());
            out.extend_from_slice(significant);
        }
    }
    out.extend_from_slice(value);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn indefinite_lengths_and_pieces() {
        let ber = [
            0x30, 0x80, 0x24, 0x80, 4, 1, b'a', 4, 2, b'b', b'c', 0, 0, 0xa0, 0x80, 5, 0, 0, 0, 0,
            0,
        ];
        assert_eq!(
            definite(&ber).unwrap(),
            [0x30, 9, 4, 3, b'a', b'b', b'c', 0xa0, 2, 5, 0]
        );
    }

    #[test]
    fn encrypted_content_becomes_one_string() {
        let ber = [
            0x30, 0x80, 6, 1, 42, 0x30, 0, 0xa0, 0x80, 4, 1, 1, 4, 1, 2, 0, 0, 0, 0,
        ];
        assert_eq!(
            definite(&ber).unwrap(),
            [0x30, 9, 6, 1, 42, 0x30, 0, 0x80, 2, 1, 2]
        );
        // After an object identifier alone it is an explicit tag, as around the content of SignedData.
        let explicit = [0x30, 9, 6, 1, 42, 0xa0, 4, 4, 2, 1, 2];
        assert_eq!(definite(&explicit).unwrap(), explicit);
    }

    #[test]
    fn broken_input() {
        assert!(matches!(
            definite(&[0x30, 5, 1]),
            Err(Error::Asn1 { offset: 1, .. })
        ));
        assert!(matches!(
            definite(&[0x30, 0x80, 5, 0]),
            Err(Error::Asn1 { offset: 4, .. })
        ));
        assert!(matches!(
            definite(&[0x30, 0x80].repeat(1000)),
            Err(Error::Asn1 {
                what: "nested too deeply",
                ..
            })
        ));
        assert!(definite(&[]).is_err());
    }

    #[test]
    fn lengths_are_written_as_short_as_possible() {
        for (size, header) in [
            (0, &[4, 0][..]),
            (127, &[4, 127]),
            (128, &[4, 0x81, 128]),
            (256, &[4, 0x82, 1, 0]),
        ] {
            let mut out = Vec::new();
            write(&mut out, &[4], &vec![9; size]);
            assert!(out.starts_with(header), "{size}");
            assert_eq!(out.len(), header.len() + size);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(once) = definite(&bytes) {
                prop_assert_eq!(definite(&once).unwrap(), once);
            }
        }
    }
}

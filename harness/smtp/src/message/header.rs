//! Header fields: their bytes, their unfolded value, and the text behind encoded words (RFC 5322 section 2.2, RFC 2047).

use std::ops::Range;

use mail_parser::decoders::charsets::map::charset_decoder;

use super::transfer;
use crate::lenient::lossy;

/// One header field. Ranges are in the content of the message that has the field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The name as written, without blanks around it.
    pub name: String,
    /// All bytes of the field, with its line end.
    pub range: Range<usize>,
    /// The bytes of the value: after the colon and blanks, before the line end.
    pub value_range: Range<usize>,
    /// The value on one line. Bytes that are not UTF-8 are replaced.
    pub value: String,
    /// The value with encoded words decoded.
    pub decoded: String,
}

impl Field {
    /// Whether this is the field `name`, in any case.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// Fields beyond this number are not read.
pub(super) const MAX_FIELDS: usize = 10_000;

/// A header block, read.
pub(super) struct Block {
    pub(super) fields: Vec<Field>,
    /// Where the header ends, its empty line left out.
    pub(super) end: usize,
    /// Where the body begins.
    pub(super) body: usize,
    /// Whether there were more than [`MAX_FIELDS`].
    pub(super) truncated: bool,
}

/// Reads the header at the start of `range`. It ends at the first empty line, or at a line that is no field.
pub(super) fn read(content: &[u8], range: Range<usize>) -> Block {
    let mut block = Block {
        fields: Vec::new(),
        end: range.start,
        body: range.start,
        truncated: false,
    };
    let Some(bytes) = content.get(range.clone()) else {
        return block;
    };
    let mut at = range.start;
    // The field under construction: its start, and where its value begins.
    let mut open: Option<(usize, usize)> = None;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let start = at;
        at += line.len();
        if open.is_some() && matches!(line.first(), Some(b' ' | b'\t')) {
            continue;
        }
        if let Some((from, value)) = open.take() {
            block.push(content, from, value, start);
        }
        block.end = start;
        if matches!(line, b"\r\n" | b"\n") {
            block.body = at;
            return block;
        }
        let Some(colon) = colon(line) else {
            block.body = start;
            return block;
        };
        open = Some((start, start + colon + 1));
    }
    if let Some((from, value)) = open {
        block.push(content, from, value, at);
    }
    block.end = at;
    block.body = at;
    block
}

/// Where the colon of a field stands; `None` where the line does not begin with a field name.
fn colon(line: &[u8]) -> Option<usize> {
    let colon = memchr::memchr(b':', line)?;
    let name = line.get(..colon)?.trim_ascii_end();
    (!name.is_empty() && name.iter().all(u8::is_ascii_graphic)).then_some(colon)
}

impl Block {
    fn push(&mut self, content: &[u8], start: usize, value: usize, end: usize) {
        if self.fields.len() >= MAX_FIELDS {
            self.truncated = true;
            return;
        }
        let (Some(name), Some(raw)) = (
            content.get(start..value.saturating_sub(1)),
            content.get(value..end),
        ) else {
            return;
        };
        let lead = raw.len() - raw.trim_ascii_start().len();
        let trimmed = raw.trim_ascii();
        let text = unfold(trimmed);
        self.fields.push(Field {
            name: lossy(name.trim_ascii_end()),
            range: start..end,
            value_range: value + lead..value + lead + trimmed.len(),
            decoded: decode_words(&text),
            value: lossy(&text),
        });
    }
}

/// Removes line ends that are followed by a blank (RFC 5322 section 2.2.3).
fn unfold(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some(line_end) = memchr::memchr(b'\n', rest) {
        let (line, tail) = rest.split_at(line_end);
        out.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        rest = tail.get(1..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    out
}

/// Decodes encoded words; blanks between two of them vanish (RFC 2047 section 6.2).
pub(super) fn decode_words(value: &[u8]) -> String {
    let mut out = String::new();
    let mut rest = value;
    let mut after_word = false;
    while let Some(start) = memchr::memmem::find(rest, b"=?") {
        let (before, candidate) = rest.split_at(start);
        if let Some((word, tail)) = encoded_word(candidate) {
            if !(after_word && before.trim_ascii().is_empty()) {
                out.push_str(&String::from_utf8_lossy(before));
            }
            out.push_str(&word);
            (rest, after_word) = (tail, true);
        } else {
            let (skipped, tail) = rest.split_at(start + 2);
            out.push_str(&String::from_utf8_lossy(skipped));
            (rest, after_word) = (tail, false);
        }
    }
    out.push_str(&String::from_utf8_lossy(rest));
    out
}

/// The encoded word at the start, and what follows it.
fn encoded_word(bytes: &[u8]) -> Option<(String, &[u8])> {
    // RFC 2047 allows 75 characters. Encoders exceed that; a bound keeps a row of unfinished words linear.
    const LONGEST: usize = 1000;
    let window = bytes.get(..LONGEST).unwrap_or(bytes).strip_prefix(b"=?")?;
    let charset_end = memchr::memchr(b'?', window)?;
    let (charset, rest) = window.split_at(charset_end);
    let &[_, encoding, b'?', ref text @ ..] = rest else {
        return None;
    };
    let text_end = memchr::memmem::find(text, b"?=")?;
    let text = text.get(..text_end)?;
    let decoded = match encoding {
        b'B' | b'b' => transfer::base64(text),
        b'Q' | b'q' => {
            let spaced: Vec<u8> = text
                .iter()
                .map(|b| if *b == b'_' { b' ' } else { *b })
                .collect();
            transfer::quoted_printable(&spaced)
        }
        _ => return None,
    };
    // RFC 2231 section 5: a language may follow the character set.
    let charset = charset
        .split(|byte| *byte == b'*')
        .next()
        .unwrap_or_default();
    let word = match charset_decoder(charset) {
        Some(convert) => convert(&decoded),
        None => lossy(&decoded),
    };
    let length = 2 + charset_end + 3 + text_end + 2;
    Some((word, bytes.get(length..)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_header_with_folds() {
        let content = b"Subject : one\r\n two\r\nX:\r\nTo: a@b\n\r\nbody: x\r\n";
        let block = read(content, 0..content.len());
        let seen: Vec<_> = block.fields.iter().map(|f| (&*f.name, &*f.value)).collect();
        assert_eq!(seen, [("Subject", "one two"), ("X", ""), ("To", "a@b")]);
        assert_eq!(
            &content[block.fields[0].value_range.clone()],
            b"one\r\n two"
        );
        assert_eq!(&content[block.fields[2].range.clone()], b"To: a@b\n");
        assert_eq!(&content[block.body..], b"body: x\r\n");
        assert_eq!(&content[block.end..block.body], b"\r\n");
    }

    #[test]
    fn a_line_that_is_no_field_ends_the_header() {
        let content = b"A: b\r\nno field here\r\n";
        let block = read(content, 0..content.len());
        assert_eq!(
            (block.fields.len(), &content[block.body..]),
            (1, &b"no field here\r\n"[..])
        );
        assert_eq!(read(b" x: y\r\n", 0..7).body, 0);
    }

    #[test]
    fn encoded_words() {
        let cases = [
            ("=?utf-8?B?w6k=?= x", "é x"),
            ("=?ISO-8859-1?Q?M=FCller_A?=  =?utf-8*de?q?G?=", "Müller AG"),
            ("a =?utf-8?Q?b?= c", "a b c"),
            ("=?utf-8?X?b?=", "=?utf-8?X?b?="),
            ("=?utf-8?Q?unfinished", "=?utf-8?Q?unfinished"),
        ];
        for (raw, text) in cases {
            assert_eq!(decode_words(raw.as_bytes()), text);
        }
    }

    proptest! {
        #[test]
        fn fields_lie_side_by_side(content in "([A-Z :\\r\\n\\t=?]|=\\?utf-8\\?Q\\?){0,80}") {
            let block = read(content.as_bytes(), 0..content.len());
            let mut at = 0;
            for field in &block.fields {
                prop_assert_eq!(field.range.start, at);
                prop_assert!(field.value_range.start >= at && field.value_range.end <= field.range.end);
                at = field.range.end;
            }
            prop_assert_eq!(at, block.end);
            prop_assert!(block.end <= block.body && block.body <= content.len());
        }
    }
}

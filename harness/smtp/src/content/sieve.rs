//! Which bytes of a message are kept: headers and boundary lines always, bodies from their beginning.
//!
//! The sieve follows the structure of a message with as little work for each byte as will do: it looks for line ends
//! in headers, and in bodies for a line end with two hyphens behind it. A boundary that it does not recognise costs kept
//! bytes, never a wrong reading: what was left out is told in [`Content::elided`].

use std::sync::LazyLock;

use base64::Engine as _;
use memchr::memmem::Finder;

use super::{Content, Glance, Keep};
use crate::lenient::LENIENT;

/// How many boundaries are followed at once, and how long they may be (RFC 2046 section 5.1.1 says 70).
const MOST_BOUNDARIES: usize = 32;
const LONGEST_BOUNDARY: usize = 200;

/// How much of a header block is searched for the boundary that it declares.
const LONGEST_HEADER: usize = 64 << 10;

static HYPHENS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\n--"));

/// Where in the message the sieve stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// In a header; where in the kept bytes it began, and its line.
    Header { block: usize, line: usize },
    /// In a boundary line, up to its end; where in the kept bytes it began.
    Delimiter { line: usize },
    /// In the body of a part. `block`: where it began in the kept bytes; `left`: how much of it may still be kept.
    Body { block: usize, left: usize },
    /// Beyond what is kept of a message.
    Beyond,
}

/// The state.
#[derive(Clone, Debug)]
pub(super) struct Sieve {
    keep: Keep,
    at: At,
    boundaries: Vec<Vec<u8>>,
    /// The beginning of a line that may be a boundary line, with its stream offset.
    candidate: Vec<u8>,
    candidate_at: u64,
    /// The next byte begins a line.
    line_start: bool,
    /// The line end before `line_start`, where it was not kept.
    line_end: Option<(u64, bool)>,
    /// The last byte.
    last: u8,
    sniffed: bool,
}

impl Sieve {
    pub(super) fn new(keep: Keep) -> Self {
        Self {
            keep,
            at: At::Header { block: 0, line: 0 },
            boundaries: Vec::new(),
            candidate: Vec::new(),
            candidate_at: 0,
            line_start: false,
            line_end: None,
            last: 0,
            sniffed: false,
        }
    }

    fn keeps_all(&self, content: &Content, more: usize) -> bool {
        self.keep.leaf == usize::MAX && content.bytes.len() + more <= self.keep.message
    }
}

pub(super) fn push(content: &mut Content, mut bytes: &[u8], mut offset: u64, seen: &Glance) {
    if content.sieve.keeps_all(content, bytes.len()) {
        content.keep(bytes, offset);
        return;
    }
    while !bytes.is_empty() {
        if content.bytes.len() >= content.sieve.keep.message {
            close(content);
            content.sieve.at = At::Beyond;
        }
        let used = match content.sieve.at {
            At::Header { block, line } => header(content, bytes, offset, block, line),
            At::Delimiter { line } => delimiter(content, bytes, offset, line),
            At::Body { block, left } => body(content, bytes, offset, (block, left), seen.hyphen),
            At::Beyond => {
                content.elide(bytes.len(), offset);
                bytes.len()
            }
        };
        content.sieve.last = bytes[used - 1];
        bytes = &bytes[used..];
        offset += used as u64;
    }
}

/// Settles a candidate that will not be completed: it is body.
pub(super) fn close(content: &mut Content) {
    let candidate = std::mem::take(&mut content.sieve.candidate);
    content.sieve.line_start = false;
    if let At::Body { block, left } = content.sieve.at {
        let at = content.sieve.candidate_at;
        spend(content, &candidate, at, block, left);
    }
}

/// One line of a header, or what there is of it.
fn header(content: &mut Content, bytes: &[u8], offset: u64, block: usize, line: usize) -> usize {
    let end = memchr::memchr(b'\n', bytes);
    let used = end.map_or(bytes.len(), |at| at + 1);
    content.keep(&bytes[..used], offset);
    if end.is_none() {
        return used;
    }
    let text = content.bytes.get(line..).unwrap_or_default();
    let next = content.bytes.len();
    if let Some(closing) = is_delimiter(&content.sieve.boundaries, text) {
        content.sieve.at = after_delimiter(content, closing);
    } else if text.trim_ascii_end().is_empty() {
        let declared = content.bytes.get(block..line).unwrap_or_default();
        let declared = declared.get(..LONGEST_HEADER).unwrap_or(declared);
        let embedded = declares(declared, b"message/rfc822");
        let found = boundary(declared);
        if let Some(found) = found
            && content.sieve.boundaries.len() < MOST_BOUNDARIES
        {
            content.sieve.boundaries.push(found);
        }
        content.sieve.at = if embedded {
            At::Header {
                block: next,
                line: next,
            }
        } else {
            begin_body(content)
        };
    } else {
        content.sieve.at = At::Header { block, line: next };
    }
    used
}

fn begin_body(content: &mut Content) -> At {
    content.sieve.sniffed = false;
    content.sieve.line_start = true;
    content.sieve.line_end = None;
    At::Body {
        block: content.bytes.len(),
        left: content.sieve.keep.leaf,
    }
}

fn after_delimiter(content: &mut Content, closing: bool) -> At {
    let next = content.bytes.len();
    if closing {
        return begin_body(content);
    }
    At::Header {
        block: next,
        line: next,
    }
}

/// The rest of a boundary line.
fn delimiter(content: &mut Content, bytes: &[u8], offset: u64, line: usize) -> usize {
    let end = memchr::memchr(b'\n', bytes);
    let used = end.map_or(bytes.len(), |at| at + 1);
    content.keep(&bytes[..used], offset);
    if end.is_some() {
        let text = content.bytes.get(line..).unwrap_or_default();
        let closing = is_delimiter(&content.sieve.boundaries, text) == Some(true);
        content.sieve.at = after_delimiter(content, closing);
    }
    used
}

/// A piece of a body, up to the next line that may be a boundary: there is none where no line begins with a hyphen.
fn body(
    content: &mut Content,
    bytes: &[u8],
    offset: u64,
    (block, left): (usize, usize),
    hyphen: bool,
) -> usize {
    if content.sieve.line_start {
        return candidate(content, bytes[0], offset, block, left);
    }
    if content.sieve.boundaries.is_empty() {
        spend(content, bytes, offset, block, left);
        return bytes.len();
    }
    let found = hyphen.then(|| HYPHENS.find(bytes)).flatten();
    let used = match found {
        Some(at) => at + 1,
        // A line end, or one with the first hyphen, may stand at the edge.
        None if bytes.ends_with(b"\n-") && bytes.len() > 1 => bytes.len() - 1,
        None => bytes.len(),
    };
    spend(content, &bytes[..used], offset, block, left);
    content.sieve.line_start = bytes[used - 1] == b'\n';
    let before = match used.checked_sub(2) {
        Some(at) => bytes[at],
        None => content.sieve.last,
    };
    content.sieve.line_end = Some((offset + used as u64 - 1, before == b'\r'));
    used
}

/// One byte at the beginning of a line: it may go on to be a boundary line.
fn candidate(content: &mut Content, byte: u8, offset: u64, block: usize, left: usize) -> usize {
    let sieve = &mut content.sieve;
    if sieve.candidate.is_empty() {
        sieve.candidate_at = offset;
    }
    sieve.candidate.push(byte);
    let text = &sieve.candidate;
    let open = |boundary: &Vec<u8>| {
        let own = text.strip_prefix(b"--").unwrap_or_default();
        text.len() < 3 && b"--".starts_with(&text[..text.len().min(2)])
            || !own.is_empty() && own.len() <= boundary.len() && boundary.starts_with(own)
    };
    let whole = |boundary: &Vec<u8>| {
        text.strip_prefix(b"--")
            .and_then(|own| own.strip_prefix(boundary.as_slice()))
            .is_some_and(<[u8]>::is_empty)
    };
    if sieve.boundaries.iter().any(whole) {
        let delimiter = std::mem::take(&mut sieve.candidate);
        let (at, line_end) = (sieve.candidate_at, sieve.line_end.take());
        sieve.line_start = false;
        keep_line_end(content, line_end);
        let line = content.bytes.len();
        content.sieve.at = At::Delimiter { line };
        content.keep(&delimiter, at);
    } else if !sieve.boundaries.iter().any(open) {
        let text = std::mem::take(&mut sieve.candidate);
        let at = sieve.candidate_at;
        sieve.line_start = byte == b'\n';
        spend(content, &text, at, block, left);
        content.sieve.line_end = Some((offset, content.sieve.last == b'\r'));
    }
    1
}

/// The line end before a boundary line belongs to it, and is kept with it.
fn keep_line_end(content: &mut Content, line_end: Option<(u64, bool)>) {
    if content.bytes.last() == Some(&b'\n') && content.elisions.is_empty() {
        return;
    }
    let Some((lf, after_cr)) = line_end else {
        return;
    };
    let dropped = content
        .elisions
        .last()
        .is_some_and(|hole| hole.end == lf + 1);
    if !dropped {
        return;
    }
    if after_cr && content.elisions.last().is_some_and(|hole| hole.start < lf) {
        content.unelide(2, lf - 1);
        content.keep(b"\r\n", lf - 1);
    } else {
        content.unelide(1, lf);
        content.keep(b"\n", lf);
    }
}

/// Keeps of a body what may be kept, and tells of the rest.
fn spend(content: &mut Content, bytes: &[u8], offset: u64, block: usize, left: usize) {
    let (kept, rest) = bytes.split_at(bytes.len().min(left));
    content.keep(kept, offset);
    let mut left = left - kept.len();
    if left == 0 && !rest.is_empty() && !content.sieve.sniffed {
        content.sieve.sniffed = true;
        if is_cms(content.bytes.get(block..).unwrap_or_default()) {
            left = content.sieve.keep.cms;
            let more = &rest[..rest.len().min(left)];
            content.keep(more, offset + kept.len() as u64);
            left -= more.len();
            let used = kept.len() + more.len();
            content.elide(rest.len() - more.len(), offset + used as u64);
            set_left(content, block, left);
            return;
        }
    }
    content.elide(rest.len(), offset + kept.len() as u64);
    set_left(content, block, left);
}

fn set_left(content: &mut Content, block: usize, left: usize) {
    if matches!(content.sieve.at, At::Body { .. }) {
        content.sieve.at = At::Body { block, left };
    }
}

/// Whether a line is a boundary line, and then whether it is the last one of its multipart.
fn is_delimiter(boundaries: &[Vec<u8>], line: &[u8]) -> Option<bool> {
    let own = line.strip_prefix(b"--")?;
    boundaries
        .iter()
        .find_map(|boundary| own.strip_prefix(boundary.as_slice()))
        .map(|tail| tail.starts_with(b"--"))
}

/// Where `word`, which is not empty, stands in `text`. Only where its first letter stands is looked any closer.
fn find_ignoring_case(text: &[u8], word: &[u8]) -> Option<usize> {
    let (small, capital) = (word[0].to_ascii_lowercase(), word[0].to_ascii_uppercase());
    memchr::memchr2_iter(small, capital, text).find(|at| {
        text.get(*at..at + word.len())
            .is_some_and(|here| here.eq_ignore_ascii_case(word))
    })
}

fn declares(block: &[u8], kind: &[u8]) -> bool {
    find_ignoring_case(block, b"content-type:")
        .and_then(|at| block.get(at + 13..))
        .is_some_and(|value| {
            value
                .trim_ascii_start()
                .get(..kind.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(kind))
        })
}

/// The boundary parameter that a header block declares (RFC 2046 section 5.1.1).
fn boundary(block: &[u8]) -> Option<Vec<u8>> {
    if !declares(block, b"multipart/") {
        return None;
    }
    let at = find_ignoring_case(block, b"boundary=")?;
    let value = block.get(at + 9..)?.trim_ascii_start();
    let value = match value.strip_prefix(b"\"") {
        Some(quoted) => quoted.split(|byte| *byte == b'"').next()?,
        None => value
            .split(|byte| byte.is_ascii_whitespace() || *byte == b';')
            .next()?,
    };
    let value = value.trim_ascii_end();
    (!value.is_empty() && value.len() <= LONGEST_BOUNDARY).then(|| value.to_vec())
}

/// Whether a body begins as CMS does: a SEQUENCE with the object identifier of a content type (RFC 5652 section 3).
fn is_cms(body: &[u8]) -> bool {
    const PKCS7: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07";
    const SMIME: &[u8] = b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01";
    let opens = |bytes: &[u8]| {
        let start = bytes.get(..32).unwrap_or(bytes);
        let holds = |oid: &[u8]| start.windows(oid.len()).any(|window| window == oid);
        start.first() == Some(&0x30) && (holds(PKCS7) || holds(SMIME))
    };
    if opens(body) {
        return true;
    }
    let text = body.trim_ascii_start();
    if !text.starts_with(b"M") {
        return false;
    }
    let letters: Vec<u8> = text
        .iter()
        .filter(|byte| !byte.is_ascii_whitespace())
        .take(48)
        .copied()
        .collect();
    LENIENT.decode(&letters).is_ok_and(|bytes| opens(&bytes))
}

#[cfg(test)]
mod tests;

//! The MIME tree (RFC 2045, RFC 2046): where parts begin and end, and what is behind their encodings.

use std::borrow::Cow;
use std::ops::Range;

use mail_parser::HeaderValue;
use mail_parser::parsers::MessageStream;

use super::header::{self, Field};
use super::transfer::TransferEncoding;
use super::{MAX_DEPTH, Message, Parts, smime};
use crate::cms::{self, Cms, Cut};
use crate::lenient::lines;

/// Parts of one message, embedded ones included, that are told apart. The rest stays in the body of its container.
const MAX_PARTS: usize = 10_000;

/// Octets that are unpacked for one message in all.
const MAX_INFLATED: usize = 8 << 20;

/// Longest Content-Type that is looked into.
const MAX_CONTENT_TYPE: usize = 8 * 1024;

/// One MIME part. Ranges are in the content of the message that has the part.
#[derive(Clone, Debug)]
pub struct Part {
    /// Where it is in the tree: `1` for the body of a simple message, `2.1` for the first part in the second part, and
    /// nothing for a multipart message as a whole.
    pub path: String,
    /// The fields of its header.
    pub fields: Vec<Field>,
    /// Type and subtype in lower case, without parameters; `text/plain` where none is declared.
    pub content_type: String,
    /// Parameters of the type: names in lower case, values with their RFC 2231 encoding undone.
    pub parameters: Vec<(String, String)>,
    /// How the body is encoded.
    pub transfer_encoding: TransferEncoding,
    /// Its header, without the empty line.
    pub header: Range<usize>,
    /// Its body: up to the line end that belongs to the next boundary.
    pub body: Range<usize>,
    /// The body without its transfer encoding; empty for a multipart that was split.
    pub decoded: Vec<u8>,
    /// The parts of a multipart.
    pub children: Vec<Part>,
    /// The message inside: of `message/rfc822`, or of opaque CMS signed data or compressed data. Its ranges are in its own content.
    pub inner: Option<Box<Message>>,
    /// What the body is as CMS, judged by its bytes and not by its label; an error where only the label says CMS.
    pub cms: Option<Result<Cms, cms::Error>>,
    /// Where [`Part::cms`] breaks off, if it does: then it tells less than the whole would, and its lists may be shorter.
    pub cms_cut: Option<Cut>,
    /// Whether bytes of the body are missing here that the message had: see [`Message::of`].
    pub cut: bool,
}

impl Part {
    /// This part and all inside it, containers before what they contain. Embedded messages are in [`Part::inner`].
    pub fn parts(&self) -> Parts<'_> {
        Parts::of(self)
    }

    /// Header and body.
    pub fn range(&self) -> Range<usize> {
        self.header.start..self.body.end
    }

    /// The parameter `name` (lower case) of the content type.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The first field `name` of the part's header, in any case.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.is(name))
    }

    /// The name of the file that the part is, by its disposition (RFC 2183), else by its type; RFC 2231 and RFC 2047
    /// encodings undone.
    pub fn file_name(&self) -> Option<String> {
        let disposition = self.field("Content-Disposition");
        let parameters = disposition.and_then(|field| Some(content_type(&field.value)?.1));
        let given = parameters.into_iter().flatten();
        let name = given.into_iter().find(|(key, _)| key == "filename");
        let name = name.map(|(_, value)| value);
        let name = name.or_else(|| self.parameter("name").map(str::to_owned))?;
        Some(header::decode_words(name.as_bytes()))
    }

    /// Whether the label says S/MIME (RFC 8551 section 3.2, with the names from before it).
    pub fn is_labelled_cms(&self) -> bool {
        let subtype = self.content_type.strip_prefix("application/");
        let plain = subtype.map(|s| s.strip_prefix("x-").unwrap_or(s));
        matches!(plain, Some("pkcs7-mime" | "pkcs7-signature"))
    }

    /// Whether [`Part::cms`] tells every algorithm and recipient that the object has: it is whole, or cut behind them.
    /// Only then does it mean something that none of them is weak.
    pub fn tells_all_algorithms(&self) -> bool {
        match (&self.cms, &self.cms_cut) {
            (Some(Ok(_)), None) => true,
            (Some(Ok(cms)), Some(cut)) => cut.spares_algorithms(cms),
            _ => false,
        }
    }

    /// The DER or BER bytes that [`Part::cms`] was read from.
    pub fn cms_bytes(&self) -> Option<Cow<'_, [u8]>> {
        self.cms.as_ref().map(|_| smime::bytes(&self.decoded))
    }
}

/// Bytes with the places where some are missing between them, in order.
#[derive(Clone, Copy)]
pub(super) struct Kept<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) cuts: &'a [usize],
}

impl Kept<'_> {
    /// The first place inside `range`, or at one of its ends, where bytes are missing.
    fn first_cut(self, range: &Range<usize>) -> Option<usize> {
        let first = self.cuts.partition_point(|cut| *cut < range.start);
        self.cuts
            .get(first)
            .copied()
            .filter(|cut| *cut <= range.end)
    }
}

/// What one message may cost.
#[derive(Default)]
pub(super) struct Budget {
    parts: usize,
    inflated: usize,
    truncated: bool,
}

impl Budget {
    /// Takes one part; whether there was one left.
    fn take(&mut self) -> bool {
        self.parts += 1;
        self.truncated |= self.parts > MAX_PARTS;
        self.parts <= MAX_PARTS
    }
}

/// Reads a message that is `depth` levels below the outermost one.
pub(super) fn read(content: Kept<'_>, budget: &mut Budget, depth: usize) -> Message {
    let mut root = part(
        content,
        0..content.bytes.len(),
        String::new(),
        "text/plain",
        budget,
        depth,
    );
    if root.children.is_empty() {
        "1".clone_into(&mut root.path);
    }
    Message {
        content: content.bytes.to_vec(),
        root,
        truncated: budget.truncated,
    }
}

fn part(
    content: Kept<'_>,
    range: Range<usize>,
    path: String,
    default_type: &str,
    budget: &mut Budget,
    depth: usize,
) -> Part {
    let block = header::read(content.bytes, range.clone());
    budget.truncated |= block.truncated;
    let value = |name| {
        block
            .fields
            .iter()
            .find(|field| field.is(name))
            .map(|field| field.value.as_str())
    };
    let (content_type, parameters) = value("Content-Type")
        .and_then(content_type)
        .unwrap_or_else(|| (default_type.to_owned(), Vec::new()));
    let encoding =
        TransferEncoding::from_value(value("Content-Transfer-Encoding").unwrap_or_default());
    let mut part = Part {
        path,
        content_type,
        parameters,
        transfer_encoding: encoding,
        header: range.start..block.end,
        body: block.body..range.end,
        fields: block.fields,
        decoded: Vec::new(),
        children: Vec::new(),
        inner: None,
        cms: None,
        cms_cut: None,
        cut: content.first_cut(&(block.body..range.end)).is_some(),
    };
    if part.content_type.starts_with("multipart/") {
        part.children = children(content, &part, budget, depth);
    }
    if part.children.is_empty() {
        part.fill_leaf(content, budget, depth);
    }
    part
}

fn children(content: Kept<'_>, parent: &Part, budget: &mut Budget, depth: usize) -> Vec<Part> {
    let Some(boundary) = parent.parameter("boundary") else {
        return Vec::new();
    };
    if depth >= MAX_DEPTH {
        budget.truncated = true;
        return Vec::new();
    }
    let default_type = if parent.content_type == "multipart/digest" {
        "message/rfc822"
    } else {
        "text/plain"
    };
    let mut parts = Vec::new();
    for (index, range) in split(content.bytes, parent.body.clone(), boundary, budget)
        .into_iter()
        .enumerate()
    {
        let dot = if parent.path.is_empty() { "" } else { "." };
        let path = format!("{}{dot}{}", parent.path, index + 1);
        parts.push(part(content, range, path, default_type, budget, depth + 1));
    }
    parts
}

impl Part {
    fn fill_leaf(&mut self, content: Kept<'_>, budget: &mut Budget, depth: usize) {
        let body = content.bytes.get(self.body.clone()).unwrap_or_default();
        self.decoded = self.transfer_encoding.decode(body);
        // Behind a place where bytes are missing, the structure of CMS is lost.
        let head = content
            .first_cut(&self.body)
            .filter(|cut| *cut < self.body.end)
            .and_then(|cut| content.bytes.get(self.body.start..cut))
            .map(|head| self.transfer_encoding.decode(head));
        let object = head.as_ref().unwrap_or(&self.decoded);
        if let Some((read, cut)) = smime::read(object, self.is_labelled_cms()) {
            if let Ok(Cms::Signed(signed)) = &read
                && let Some(inside) = &signed.content
            {
                let end = [inside.len()];
                let kept = Kept {
                    bytes: inside,
                    cuts: if cut.is_some() { &end } else { &[] },
                };
                self.inner = nested(kept, budget, depth);
            }
            if read == Ok(Cms::Compressed) && cut.is_none() {
                self.inner = inflated(object, budget, depth);
            }
            (self.cms, self.cms_cut) = (Some(read), cut);
        } else if self.content_type == "message/rfc822" || self.content_type == "message/global" {
            let cuts = self.cuts_inside(content);
            let kept = Kept {
                bytes: &self.decoded,
                cuts: &cuts,
            };
            self.inner = nested(kept, budget, depth);
        }
    }

    /// Where bytes are missing in the decoded body.
    fn cuts_inside(&self, content: Kept<'_>) -> Vec<usize> {
        if !self.cut {
            Vec::new()
        } else if self.transfer_encoding.is_verbatim() {
            let inside = |cut: &usize| (self.body.start..=self.body.end).contains(cut);
            let inside = content.cuts.iter().copied().filter(inside);
            inside.map(|cut| cut - self.body.start).collect()
        } else {
            vec![self.decoded.len()]
        }
    }
}

/// What `CompressedData` holds, as far as a message may cost.
fn inflated(object: &[u8], budget: &mut Budget, depth: usize) -> Option<Box<Message>> {
    let room = MAX_INFLATED.saturating_sub(budget.inflated);
    let read = cms::inflate(&smime::bytes(object), room).ok()?;
    budget.inflated += read.bytes.len();
    budget.truncated |= read.bytes.len() >= room;
    let end = [read.bytes.len()];
    let kept = Kept {
        bytes: &read.bytes,
        cuts: if read.whole { &[] } else { &end },
    };
    nested(kept, budget, depth)
}

fn nested(content: Kept<'_>, budget: &mut Budget, depth: usize) -> Option<Box<Message>> {
    if depth >= MAX_DEPTH || !budget.take() {
        budget.truncated = true;
        return None;
    }
    Some(Box::new(read(content, budget, depth + 1)))
}

/// Type and parameters of a Content-Type value; `None` where it has no type.
fn content_type(value: &str) -> Option<(String, Vec<(String, String)>)> {
    if value.len() > MAX_CONTENT_TYPE {
        return None;
    }
    let line = format!("{value}\n");
    let HeaderValue::ContentType(read) = MessageStream::new(line.as_bytes()).parse_content_type()
    else {
        return None;
    };
    let name = match &read.c_subtype {
        Some(subtype) => format!("{}/{subtype}", read.c_type),
        None => read.c_type.to_string(),
    };
    let parameters = read.attributes.unwrap_or_default();
    let parameters = parameters
        .into_iter()
        .map(|a| (a.name.to_ascii_lowercase(), a.value.into_owned()))
        .collect();
    Some((name.to_ascii_lowercase(), parameters))
}

/// The parts between the boundary lines of a multipart body (RFC 2046 section 5.1.1). A missing last boundary is made up
/// for by the end of the body.
fn split(
    content: &[u8],
    body: Range<usize>,
    boundary: &str,
    budget: &mut Budget,
) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let boundary = boundary.trim_end().as_bytes();
    let Some(bytes) = content.get(body.clone()) else {
        return parts;
    };
    if boundary.is_empty() {
        return parts;
    }
    let mut at = body.start;
    let mut open: Option<usize> = None;
    for line in lines(bytes) {
        let start = at;
        at += line.len();
        let Some(tail) = line
            .strip_prefix(b"--")
            .and_then(|l| l.strip_prefix(boundary))
        else {
            continue;
        };
        let closing = tail.starts_with(b"--");
        if !closing && !tail.trim_ascii().is_empty() {
            continue;
        }
        if let Some(from) = open.take() {
            parts.push(from..before_line_end(content, from, start));
        }
        if closing {
            return parts;
        }
        if !budget.take() {
            return parts;
        }
        open = Some(at);
    }
    if let Some(from) = open {
        parts.push(from..body.end);
    }
    parts
}

/// The line end before a boundary belongs to the boundary.
fn before_line_end(content: &[u8], from: usize, end: usize) -> usize {
    let part = content.get(from..end).unwrap_or_default();
    let trimmed = part
        .strip_suffix(b"\n")
        .map_or(part, |p| p.strip_suffix(b"\r").unwrap_or(p));
    from + trimmed.len()
}

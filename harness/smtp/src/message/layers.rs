//! Every depth of a message that can be reached without a key.

use std::borrow::Cow;
use std::ops::Range;

use super::transfer;
use super::{Message, Part};
use crate::cms::Cms;

/// One depth: some bytes of the message, or what they turn into when one more wrapping is undone.
#[derive(Clone, Debug)]
pub struct Layer<'a> {
    /// How one gets there: `raw`, `header Subject`, `part 2, base64`, `part 1, base64, CMS signed-data, part 1`.
    pub path: String,
    /// What is to be read there.
    pub bytes: Cow<'a, [u8]>,
    /// Which bytes of the outermost message it comes from.
    pub range: Range<usize>,
    /// Whether `bytes` are the bytes in `range`, unchanged, so that offsets carry over.
    pub verbatim: bool,
}

/// Where the ranges of a message lie in the outermost one.
#[derive(Clone)]
enum Place {
    /// Its bytes stand there unchanged, from this offset on.
    At(usize),
    /// It was decoded out of these bytes.
    Within(Range<usize>),
}

impl Place {
    fn range(&self, range: &Range<usize>) -> Range<usize> {
        match self {
            Self::At(offset) => range.start + offset..range.end + offset,
            Self::Within(whole) => whole.clone(),
        }
    }

    const fn is_verbatim(&self) -> bool {
        matches!(self, Self::At(_))
    }
}

impl Message {
    /// All depths, outer ones first: the raw bytes; each header field raw and, where it differs, decoded; each leaf part
    /// after transfer decoding; base64 that is not declared as such; the content of opaque signed data and of compressed data; and the same
    /// again for each message inside, down to [`super::MAX_DEPTH`].
    pub fn layers(&self) -> Vec<Layer<'_>> {
        let all = Layer {
            path: "raw".to_owned(),
            bytes: Cow::Borrowed(self.content()),
            range: 0..self.content().len(),
            verbatim: true,
        };
        let mut layers = vec![all];
        collect(self, "", &Place::At(0), &mut layers);
        layers
    }
}

fn collect<'a>(message: &'a Message, prefix: &str, place: &Place, layers: &mut Vec<Layer<'a>>) {
    for part in message.parts() {
        let name = if std::ptr::eq(part, &raw const message.root) {
            prefix.to_owned()
        } else {
            format!("{prefix}part {}, ", part.path)
        };
        fields(message, part, &name, place, layers);
        if part.children.is_empty() {
            leaf(message, part, prefix, place, layers);
        }
    }
}

fn fields<'a>(
    message: &'a Message,
    part: &'a Part,
    prefix: &str,
    place: &Place,
    layers: &mut Vec<Layer<'a>>,
) {
    for field in &part.fields {
        let path = format!("{prefix}header {}", field.name);
        let raw = message.bytes(field.value_range.clone());
        let range = place.range(&field.value_range);
        layers.push(Layer {
            path: path.clone(),
            bytes: Cow::Borrowed(raw),
            range: range.clone(),
            verbatim: place.is_verbatim(),
        });
        if field.decoded.as_bytes() != raw {
            let bytes = Cow::Borrowed(field.decoded.as_bytes());
            layers.push(Layer {
                path: format!("{path}, decoded"),
                bytes,
                range: range.clone(),
                verbatim: false,
            });
        }
        for run in transfer::base64_runs(raw) {
            let bytes = Cow::Owned(transfer::base64(raw.get(run).unwrap_or_default()));
            layers.push(Layer {
                path: format!("{path}, base64"),
                bytes,
                range: range.clone(),
                verbatim: false,
            });
        }
    }
}

fn leaf<'a>(
    message: &'a Message,
    part: &'a Part,
    prefix: &str,
    place: &Place,
    layers: &mut Vec<Layer<'a>>,
) {
    let encoding = &part.transfer_encoding;
    let range = place.range(&part.body);
    let mut path = format!("{prefix}part {}", part.path);
    if encoding.is_verbatim() {
        let bytes = Cow::Borrowed(message.bytes(part.body.clone()));
        layers.push(Layer {
            path: path.clone(),
            bytes,
            range: range.clone(),
            verbatim: place.is_verbatim(),
        });
    } else {
        path = format!("{path}, {}", encoding.name());
        let bytes = Cow::Borrowed(part.decoded.as_slice());
        layers.push(Layer {
            path: path.clone(),
            bytes,
            range: range.clone(),
            verbatim: false,
        });
    }
    for run in transfer::base64_runs(&part.decoded) {
        let bytes = Cow::Owned(transfer::base64(
            part.decoded.get(run.clone()).unwrap_or_default(),
        ));
        let within = if encoding.is_verbatim() {
            place.range(&(part.body.start + run.start..part.body.start + run.end))
        } else {
            range.clone()
        };
        let path = format!("{path}, base64 that is not declared");
        layers.push(Layer {
            path,
            bytes,
            range: within,
            verbatim: false,
        });
    }
    let Some(inner) = &part.inner else { return };
    let inner_place = match (&part.cms, place) {
        (None, Place::At(offset)) if encoding.is_verbatim() => Place::At(offset + part.body.start),
        _ => Place::Within(range.clone()),
    };
    match &part.cms {
        Some(Ok(kind @ (Cms::Signed(_) | Cms::Compressed))) => {
            let kind = match kind {
                Cms::Compressed => "compressed-data",
                _ => "signed-data",
            };
            path = format!("{path}, CMS {kind}");
            let bytes = Cow::Borrowed(inner.content());
            layers.push(Layer {
                path: path.clone(),
                bytes,
                range,
                verbatim: false,
            });
        }
        _ => path = format!("{path}, message"),
    }
    collect(inner, &format!("{path}, "), &inner_place, layers);
}

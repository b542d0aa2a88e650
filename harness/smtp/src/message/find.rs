//! Searching a message at every depth.

use std::collections::HashSet;
use std::ops::Range;

use base64::prelude::{BASE64_STANDARD_NO_PAD, Engine as _};
use memchr::memmem::Finder;

use super::Message;

/// Sightings beyond this number are not reported.
const MAX_SIGHTINGS: usize = 1000;

/// One place where something was found.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sighting {
    /// The depth: the path of a [`super::Layer`].
    pub layer: String,
    /// The bytes of the message: exactly those found where the layer stands in the message unchanged, otherwise those
    /// that the layer was decoded from.
    pub range: Range<usize>,
    /// How it was written there: `UTF-8`, `UTF-16LE`, `UTF-16BE`, `base64`, `base64 of UTF-16LE`, `hex`.
    pub encoding: &'static str,
}

impl Message {
    /// Where `needle` (UTF-8 text, or any bytes) is readable without a key, at any depth and in any usual writing.
    ///
    /// The same bytes are reported once, under the deepest layer that holds them. At most 1000 sightings come back; none
    /// for an empty needle. Base64 is recognised from three bytes on, wherever in a line the needle begins.
    pub fn find(&self, needle: &[u8]) -> Vec<Sighting> {
        let patterns = patterns(needle);
        let finders: Vec<_> = patterns
            .iter()
            .map(|(name, bytes)| (*name, bytes.len(), Finder::new(bytes)))
            .collect();
        let mut found = Vec::new();
        let mut exact = HashSet::new();
        for layer in self.layers().iter().rev() {
            for (encoding, length, finder) in &finders {
                for at in finder.find_iter(&layer.bytes) {
                    if found.len() >= MAX_SIGHTINGS {
                        break;
                    }
                    if is_shadow(encoding, at, &layer.bytes, needle) {
                        continue;
                    }
                    let range = if layer.verbatim {
                        layer.range.start + at..layer.range.start + at + length
                    } else {
                        layer.range.clone()
                    };
                    if layer.verbatim && !exact.insert((range.start, range.end, *encoding)) {
                        continue;
                    }
                    found.push(Sighting {
                        layer: layer.path.clone(),
                        range,
                        encoding,
                    });
                    if !layer.verbatim {
                        break;
                    }
                }
            }
        }
        found.reverse();
        found
    }
}

/// Whether a hit is the other byte order seen one byte off: between ASCII letters, `00 50 00 61 00` is `Pa` both ways.
/// The hit at an even offset is the one that counts.
fn is_shadow(encoding: &str, at: usize, bytes: &[u8], needle: &[u8]) -> bool {
    if at.is_multiple_of(2) {
        return false;
    }
    let Ok(text) = std::str::from_utf8(needle) else {
        return false;
    };
    let units = text.encode_utf16();
    let matches = |start: usize, order: fn(u16) -> [u8; 2]| {
        let mut found = bytes.get(start..).unwrap_or_default().iter();
        units
            .clone()
            .flat_map(order)
            .all(|byte| found.next() == Some(&byte))
    };
    match encoding {
        "UTF-16LE" => matches(at - 1, u16::to_be_bytes),
        "UTF-16BE" => matches(at + 1, u16::to_le_bytes),
        _ => false,
    }
}

/// The needle in each writing.
fn patterns(needle: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    if needle.is_empty() {
        return Vec::new();
    }
    let mut all = vec![("UTF-8", needle.to_vec())];
    if let Ok(text) = std::str::from_utf8(needle) {
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        all.extend(base64_at_every_offset(&little).map(|pattern| ("base64 of UTF-16LE", pattern)));
        all.push(("UTF-16LE", little));
        all.push(("UTF-16BE", big));
    }
    all.extend(base64_at_every_offset(needle).map(|pattern| ("base64", pattern)));
    let hex = hex::encode(needle);
    let upper = hex.to_ascii_uppercase();
    if upper != hex {
        all.push(("hex", upper.into_bytes()));
    }
    all.push(("hex", hex.into_bytes()));
    all
}

/// The letters that `bytes` give in base64 whatever stands before and after them, for each of the three offsets at which
/// they can begin. Patterns under four letters are left out: they would be found anywhere.
fn base64_at_every_offset(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..3_usize).filter_map(move |offset| {
        let mut padded = vec![0; offset];
        padded.extend_from_slice(bytes);
        let letters = BASE64_STANDARD_NO_PAD.encode(&padded).into_bytes();
        let own = (8 * offset).div_ceil(6)..8 * padded.len() / 6;
        letters
            .get(own)
            .filter(|letters| letters.len() >= 4)
            .map(<[u8]>::to_vec)
    })
}

#[cfg(test)]
mod tests {
    use base64::prelude::BASE64_STANDARD;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn base64_is_found_at_any_offset(
            before in proptest::collection::vec(any::<u8>(), 0..20),
            needle in proptest::collection::vec(any::<u8>(), 4..20),
            after in proptest::collection::vec(any::<u8>(), 0..20),
        ) {
            let whole = BASE64_STANDARD.encode([&before[..], &needle, &after].concat());
            let hit = base64_at_every_offset(&needle).any(|p| memchr::memmem::find(whole.as_bytes(), &p).is_some());
            prop_assert!(hit);
        }
    }

    #[test]
    fn short_needles_have_no_base64() {
        assert_eq!(base64_at_every_offset(b"ab").count(), 0);
        assert!(patterns(b"").is_empty());
    }
}

//! Text, lines and base64 as readers in the field take them.

use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Base64 with padding or none, and with bits left over.
pub(crate) const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The text of `bytes`, with U+FFFD for what is not UTF-8.
pub(crate) fn lossy(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        // To find that all of it is UTF-8 is quicker than to look for what is not.
        Ok(text) => text.to_owned(),
        Err(_) => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// The lines of `bytes`, each with its LF; a last one without it too.
pub(crate) fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        let (line, tail) = rest.split_at(end);
        rest = tail;
        Some(line)
    })
}

#[cfg(test)]
mod tests {
    use super::{lines, lossy};

    #[test]
    fn what_is_no_utf_8_is_replaced() {
        assert_eq!(lossy("gr\u{fc}n".as_bytes()), "gr\u{fc}n");
        assert_eq!(lossy(b"gr\xfcn"), "gr\u{fffd}n");
    }

    #[test]
    fn lines_keep_their_ends() {
        let cut = |text: &'static str| -> Vec<&str> {
            lines(text.as_bytes())
                .map(|line| std::str::from_utf8(line).unwrap())
                .collect()
        };
        assert_eq!(cut("a\r\n\nb"), ["a\r\n", "\n", "b"]);
        assert_eq!(cut("a\n"), ["a\n"]);
        assert!(cut("").is_empty());
    }
}

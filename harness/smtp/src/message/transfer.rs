//! Undoing transfer encodings. Lenient: the question is what a reader can recover, not whether the encoder was right.

use base64::Engine as _;

use crate::lenient::{LENIENT, lines};

/// How the body of a part is encoded (RFC 2045 section 6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransferEncoding {
    /// `7bit`, `8bit`, `binary`, or not declared: the bytes stand as they are. Holds the word, in lower case.
    Identity(String),
    /// `base64`.
    Base64,
    /// `quoted-printable`.
    QuotedPrintable,
    /// `x-uuencode` and its spellings.
    Uuencode,
    /// A word that this build does not decode, in lower case.
    Unknown(String),
}

impl TransferEncoding {
    /// From the value of Content-Transfer-Encoding; comments and spaces around the word are ignored.
    pub(super) fn from_value(value: &str) -> Self {
        let word = value
            .split(['(', ';'])
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        match word.as_str() {
            "" => Self::Identity("7bit".to_owned()),
            "7bit" | "8bit" | "binary" => Self::Identity(word),
            "base64" => Self::Base64,
            "quoted-printable" => Self::QuotedPrintable,
            "x-uuencode" | "uuencode" | "x-uue" | "uue" => Self::Uuencode,
            _ => Self::Unknown(word),
        }
    }

    /// The word, in lower case.
    pub fn name(&self) -> &str {
        match self {
            Self::Identity(word) | Self::Unknown(word) => word,
            Self::Base64 => "base64",
            Self::QuotedPrintable => "quoted-printable",
            Self::Uuencode => "x-uuencode",
        }
    }

    /// Whether decoding leaves the bytes as they are.
    pub const fn is_verbatim(&self) -> bool {
        matches!(self, Self::Identity(_) | Self::Unknown(_))
    }

    /// The bytes behind the encoding.
    pub(super) fn decode(&self, body: &[u8]) -> Vec<u8> {
        match self {
            Self::Identity(_) | Self::Unknown(_) => body.to_vec(),
            Self::Base64 => base64(body),
            Self::QuotedPrintable => quoted_printable(body),
            Self::Uuencode => uuencode(body),
        }
    }
}

/// The value of a base64 letter.
const fn sextet(letter: u8) -> Option<u8> {
    match letter {
        b'A'..=b'Z' => Some(letter - b'A'),
        b'a'..=b'z' => Some(letter - b'a' + 26),
        b'0'..=b'9' => Some(letter - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

/// Base64 with everything outside the alphabet skipped; padding starts afresh, so joined pieces decode too.
pub(super) fn base64(body: &[u8]) -> Vec<u8> {
    clean_base64(body).unwrap_or_else(|| any_base64(body))
}

/// Whole lines of letters, with padding at the end or none: what nearly every body is, decoded fast.
fn clean_base64(body: &[u8]) -> Option<Vec<u8>> {
    let mut letters = Vec::with_capacity(body.len());
    for line in lines(body) {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        letters.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
    }
    // A letter alone in the last group says nothing.
    if letters.len() % 4 == 1 {
        letters.pop();
    }
    LENIENT.decode(&letters).ok()
}

fn any_base64(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0_u32);
    for byte in body {
        if *byte == b'=' {
            count = 0;
        } else if let Some(value) = sextet(*byte) {
            bits = bits << 6 | u32::from(value);
            count += 6;
            if count >= 8 {
                count -= 8;
                out.push((bits >> count).to_le_bytes()[0]);
            }
        }
    }
    out
}

/// Quoted-printable; an `=` that begins no escape and no soft line break stands for itself.
pub(super) fn quoted_printable(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    loop {
        let plain = memchr::memchr(b'=', rest).unwrap_or(rest.len());
        out.extend_from_slice(&rest[..plain]);
        let Some(tail) = rest.get(plain + 1..) else {
            return out;
        };
        if let Some(value) = hex_pair(tail) {
            out.push(value);
            rest = &tail[2..];
        } else if let Some(next) = soft_break(tail) {
            rest = next;
        } else {
            out.push(b'=');
            rest = tail;
        }
    }
}

/// The byte that two hexadecimal digits at the start state.
pub(super) fn hex_pair(bytes: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let &[high, low] = bytes.first_chunk()?;
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}

/// What follows a soft line break whose `=` was read. Blanks before the line end are transport padding; real padding is
/// short, so the search is bounded.
fn soft_break(bytes: &[u8]) -> Option<&[u8]> {
    let padding = bytes
        .iter()
        .take(998)
        .take_while(|b| matches!(b, b' ' | b'\t'))
        .count();
    let rest = bytes.get(padding..)?;
    rest.strip_prefix(b"\r\n")
        .or_else(|| rest.strip_prefix(b"\n"))
}

/// Uuencode: every line between `begin` and `end`, or every line where there is no `begin`.
pub(super) fn uuencode(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in body.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let Some((length, data)) = line.split_first() else {
            continue;
        };
        if line.starts_with(b"begin ") {
            out.clear();
            continue;
        }
        if line == b"end" {
            break;
        }
        let wanted = usize::from(length.wrapping_sub(32) & 63);
        let (mut bits, mut count, mut taken) = (0_u32, 0_u32, 0);
        for byte in data {
            bits = bits << 6 | u32::from(byte.wrapping_sub(32) & 63);
            count += 6;
            if count >= 8 && taken < wanted {
                count -= 8;
                out.push((bits >> count).to_le_bytes()[0]);
                taken += 1;
            }
        }
    }
    out
}

/// Runs of whole lines that consist of base64 letters alone and hold at least 16 of them, as ranges of `text`.
pub(super) fn base64_runs(text: &[u8]) -> Vec<std::ops::Range<usize>> {
    const LEAST: usize = 16;
    const MOST_RUNS: usize = 1000;
    let mut runs = Vec::new();
    let (mut start, mut letters, mut at) = (0, 0, 0);
    for line in lines(text) {
        let bare = line.trim_ascii();
        let fits = !bare.is_empty()
            && bare
                .iter()
                .all(|byte| sextet(*byte).is_some() || *byte == b'=');
        if fits {
            letters += bare.len();
        } else {
            if letters >= LEAST {
                runs.push(start..at);
            }
            (start, letters) = (at + line.len(), 0);
        }
        at += line.len();
    }
    if letters >= LEAST {
        runs.push(start..at);
    }
    runs.truncate(MOST_RUNS);
    runs
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quoted_printable_of_rfc_2045() {
        assert_eq!(
            quoted_printable(b"a=3Db=\r\nc=  \r\nd =e\r\n"),
            b"a=bcd =e\r\n"
        );
        assert_eq!(quoted_printable(b"=c3=A9="), "é=".as_bytes());
    }

    #[test]
    fn uuencoded_text() {
        // printf 'Cat and dog' | uuencode x
        assert_eq!(
            uuencode(b"begin 644 x\r\n+0V%T(&%N9\"!D;V<\r\n`\r\nend\r\nrest\r\n"),
            b"Cat and dog"
        );
    }

    #[test]
    fn joined_base64_pieces() {
        assert_eq!(base64(b"YQ==\r\nYmM=\r\n"), b"abc");
    }

    #[test]
    fn runs_are_whole_lines() {
        let text = b"Dear all,\r\nQUJDREVGR0hJSktM\r\nTU5P\r\nyours\r\n\r\nA\r\n";
        let runs = base64_runs(text);
        assert_eq!(runs.len(), 1);
        assert!(text[runs[0].clone()].starts_with(b"QUJD"));
        assert!(text[runs[0].clone()].ends_with(b"yours\r\n"));
    }

    #[test]
    fn words_around_the_value_of_the_field() {
        assert_eq!(
            TransferEncoding::from_value(" Base64 (really) "),
            TransferEncoding::Base64
        );
        assert_eq!(TransferEncoding::from_value("x-foo").name(), "x-foo");
    }

    proptest! {
        #[test]
        fn base64_comes_back(data in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(base64(BASE64_STANDARD.encode(&data).as_bytes()), data);
        }

        #[test]
        fn the_fast_way_is_the_slow_way(
            lines in proptest::collection::vec("[A-Za-z0-9+/]{0,9}={0,2}(\r\n|\n|\r| |)", 0..12),
        ) {
            let text = lines.concat();
            if let Some(fast) = clean_base64(text.as_bytes()) {
                prop_assert_eq!(fast, any_base64(text.as_bytes()));
            }
        }

        #[test]
        fn decoders_never_grow_the_input(data in proptest::collection::vec(any::<u8>(), 0..400)) {
            for decoder in [base64, quoted_printable, uuencode] {
                prop_assert!(decoder(&data).len() <= data.len());
            }
            for run in base64_runs(&data) {
                prop_assert!(run.end <= data.len());
            }
        }
    }
}

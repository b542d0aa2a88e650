//! Character sets of the fixed body: the text is converted to its own, the file only has one named.

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE, WINDOWS_1252, X_USER_DEFINED};

use super::super::config::Config;
use super::super::readings::BodyTextCharset;
use super::super::refusal::Refusal;
use super::super::twin::{Twin, Twins};
use super::encoding::canonical;

/// Longest name of a character set. Registered ones have at most 40 characters (RFC 2978 section 2.3).
const LONGEST_NAME: usize = 75;

/// A text in a character set.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Converted {
    /// The character set, as it was named.
    pub(super) charset: String,
    /// The text in it.
    pub(super) bytes: Vec<u8>,
}

/// `EmailBodyText` in `EmailBodyTextCharset`.
///
/// # Errors
/// None is set, in the reading in which there is no default; it is none that mail text can be in; or it lacks a character
/// of the text.
pub(super) fn convert(config: &Config, twins: &Twins, text: &str) -> Result<Converted, Refusal> {
    let given = config.body_text_charset.as_deref().map(str::trim);
    let named = match (
        given.filter(|name| !name.is_empty()),
        config.readings.body_text_charset,
    ) {
        (Some(name), _) => name,
        (None, BodyTextCharset::Utf8) => "utf-8",
        (None, BodyTextCharset::Required) if twins.has(Twin::GuessesCharset) => "utf-8",
        (None, BodyTextCharset::Required) => return Err(Refusal::NoCharset),
    };
    let unknown = Refusal::Charset("EmailBodyTextCharset");
    let Some(encoding) = Encoding::for_label(named.as_bytes()).filter(|_| is_token(named)) else {
        return Err(unknown);
    };
    // UTF-16 is no charset of text in mail (RFC 2781 section 4), and a user's own is none that anybody could read.
    if [UTF_16LE, UTF_16BE, X_USER_DEFINED, encoding_rs::REPLACEMENT].contains(&encoding) {
        return Err(unknown);
    }
    let text = String::from_utf8(canonical(text.as_bytes())).unwrap_or_default();
    let (bytes, _, lacking) = encoding.encode(&text);
    // The table for these names is that of windows-1252, which has characters that they have not.
    let outside = |byte: &u8| match named.to_ascii_lowercase().as_str() {
        "us-ascii" | "ascii" | "ansi_x3.4-1968" | "iso-ir-6" => !byte.is_ascii(),
        name if encoding == WINDOWS_1252 && !name.contains("1252") => (0x80..0xa0).contains(byte),
        _ => false,
    };
    if lacking || bytes.iter().any(outside) {
        return Err(Refusal::Unconvertible(encoding.name()));
    }
    Ok(Converted {
        charset: named.to_owned(),
        bytes: bytes.into_owned(),
    })
}

/// `EmailBodyFileCharset`, which is written as it stands.
///
/// # Errors
/// It is no name of a character set.
pub(super) fn label(config: &Config) -> Result<&str, Refusal> {
    let name = config.body_file_charset.as_deref().map_or("", str::trim);
    match name {
        "" => Ok("utf-8"),
        name if is_token(name) => Ok(name),
        _ => Err(Refusal::Charset("EmailBodyFileCharset")),
    }
}

/// A file without the byte order mark of UTF-8 or UTF-16.
pub(super) fn without_mark(bytes: &[u8]) -> &[u8] {
    match Encoding::for_bom(bytes) {
        Some((_, length)) => bytes.get(length..).unwrap_or_default(),
        None => bytes,
    }
}

/// What can stand as a parameter without quotes (RFC 2045 section 5.1).
fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= LONGEST_NAME
        && name
            .bytes()
            .all(|b| b.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&b))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::super::example;
    use super::*;

    fn config(charset: &str) -> Config {
        Config {
            body_text_charset: Some(charset.to_owned()),
            body_file_charset: Some(charset.to_owned()),
            ..example::config()
        }
    }

    #[rstest]
    #[case("utf-8", "é€\n", Some(&b"\xc3\xa9\xe2\x82\xac\r\n"[..]))]
    #[case("UTF-8", "é", Some(&b"\xc3\xa9"[..]))]
    #[case("iso-8859-1", "é", Some(&b"\xe9"[..]))]
    #[case("iso-8859-1", "€", None)]
    #[case("windows-1252", "€", Some(&b"\x80"[..]))]
    #[case("iso-8859-15", "€", Some(&b"\xa4"[..]))]
    #[case("us-ascii", "e", Some(&b"e"[..]))]
    #[case("us-ascii", "é", None)]
    #[case("shift_jis", "あ", Some(&b"\x82\xa0"[..]))]
    #[case("iso-8859-1", "あ", None)]
    #[case("utf-16", "a", None)]
    #[case("utf-7", "a", None)]
    #[case("x-user-defined", "a", None)]
    #[case("utf-8; x=y", "a", None)]
    #[case("utf-8\r\nBcc: a@b", "a", None)]
    fn a_text_is_converted(
        #[case] charset: &str,
        #[case] text: &str,
        #[case] bytes: Option<&[u8]>,
    ) {
        let converted = convert(&config(charset), &Twins::default(), text);
        assert_eq!(
            converted.as_ref().ok().map(|text| text.bytes.as_slice()),
            bytes
        );
        if let Ok(converted) = converted {
            assert_eq!(converted.charset, charset);
        }
    }

    #[rstest]
    #[case(Some(""))]
    #[case(Some("  "))]
    #[case(None)]
    fn without_a_character_set_there_are_two_readings(#[case] charset: Option<&str>) {
        let mut config = Config {
            body_text_charset: charset.map(str::to_owned),
            ..example::config()
        };
        let converted = |config: &Config| convert(config, &Twins::default(), "é");
        assert_eq!(converted(&config), Err(Refusal::NoCharset));
        config.readings.body_text_charset = BodyTextCharset::Utf8;
        assert_eq!(converted(&config).unwrap().charset, "utf-8");
    }

    #[test]
    fn the_label_of_a_file_is_written_as_it_stands_or_refused() {
        assert_eq!(label(&config("x-anything")), Ok("x-anything"));
        assert_eq!(label(&config(" ")), Ok("utf-8"));
        for hostile in ["utf-8\r\nBcc: a@b", "a b", "\"", "é", &"x".repeat(76)] {
            assert!(label(&config(hostile)).is_err(), "{hostile:?}");
        }
    }

    #[test]
    fn marks_are_removed() {
        assert_eq!(without_mark(b"\xef\xbb\xbfa"), b"a");
        assert_eq!(without_mark(b"\xff\xfea\0"), b"a\0");
        assert_eq!(without_mark(b"\xfe\xff"), b"");
        assert_eq!(without_mark(b"\xef\xbba"), b"\xef\xbba");
    }
}

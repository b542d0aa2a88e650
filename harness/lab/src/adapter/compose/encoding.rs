//! Content transfer encodings (RFC 2045 section 6) and line ends.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// Longest line of base64 and quoted-printable text, without CR LF (RFC 2045 sections 6.7 and 6.8).
const ENCODED_LINE: usize = 76;
/// How many bytes such a line of base64 carries.
const ENCODED_BYTES: usize = ENCODED_LINE / 4 * 3;
/// Longest line of any message, without CR LF (RFC 5322 section 2.1.1).
pub(super) const LONGEST_LINE: usize = 998;

/// Every line end as CR LF: a lone CR and a lone LF each become one.
pub(crate) fn canonical(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 32);
    let mut from = 0;
    for at in memchr::memchr2_iter(b'\r', b'\n', bytes) {
        // The LF of a CR LF was dealt with together with its CR.
        if at < from {
            continue;
        }
        out.extend_from_slice(&bytes[from..at]);
        out.extend_from_slice(b"\r\n");
        let pair = bytes[at..].starts_with(b"\r\n");
        from = at + 1 + usize::from(pair);
    }
    out.extend_from_slice(&bytes[from..]);
    out
}

/// Whether canonical bytes may travel as they are: no NUL, no other control character than TAB, and no line over the
/// limit. `ascii` asks for seven bits too.
pub(super) fn travels_as_is(bytes: &[u8], ascii: bool) -> bool {
    let byte_fits =
        |b: u8| matches!(b, b'\t' | b'\r' | b'\n' | b' '..=b'~') || (!ascii && b >= 0x80);
    bytes.iter().all(|&b| byte_fits(b))
        && bytes
            .split(|&b| b == b'\n')
            .all(|line| line.len() <= LONGEST_LINE + 1)
}

/// Base64 in lines of 76, each with CR LF.
pub(super) fn base64_lines(bytes: &[u8]) -> Vec<u8> {
    let lines = bytes.len().div_ceil(ENCODED_BYTES);
    let mut out = vec![0; bytes.len().div_ceil(3) * 4 + 2 * lines];
    let mut at = 0;
    for line in bytes.chunks(ENCODED_BYTES) {
        at += BASE64_STANDARD
            .encode_slice(line, &mut out[at..])
            .expect("there is room for all lines");
        out[at..at + 2].copy_from_slice(b"\r\n");
        at += 2;
    }
    out
}

/// The encoding of uuencode, with its first and its last line (POSIX `uuencode`, historical algorithm).
pub(super) fn uuencoded(bytes: &[u8]) -> Vec<u8> {
    let letter = |value: u8| match value & 0x3f {
        // A blank at the end of a line would be lost in transport.
        0 => b'`',
        value => value + b' ',
    };
    let mut out = b"begin 644 body\r\n".to_vec();
    for line in bytes.chunks(45) {
        out.push(letter(u8::try_from(line.len()).unwrap_or(0)));
        for three in line.chunks(3) {
            let [a, b, c] = [0, 1, 2].map(|at| three.get(at).copied().unwrap_or(0));
            let four = [a >> 2, a << 4 | b >> 4, b << 2 | c >> 6, c];
            out.extend(four.map(letter));
        }
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"`\r\nend\r\n");
    out
}

/// Quoted-printable. With `text`, CR LF in the input are line ends and stay; without, all bytes are data.
pub(super) fn quoted_printable(bytes: &[u8], text: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 8);
    let mut column = 0;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let next = bytes.get(at + 1).copied();
        if text && byte == b'\r' && next == Some(b'\n') {
            out.extend_from_slice(b"\r\n");
            column = 0;
            at += 2;
            continue;
        }
        // White space at the end of a line would be lost in transport.
        let ends_line = next.is_none() || matches!(next, Some(b'\r' | b'\n'));
        let plain = matches!(byte, b'!'..=b'<' | b'>'..=b'~')
            || (matches!(byte, b' ' | b'\t') && !ends_line);
        let width = if plain { 1 } else { 3 };
        if column + width > ENCODED_LINE - 1 {
            out.extend_from_slice(b"=\r\n");
            column = 0;
        }
        if plain {
            out.push(byte);
        } else {
            out.extend_from_slice(format!("={byte:02X}").as_bytes());
        }
        column += width;
        at += 1;
    }
    out
}

/// Quoted-printable of bytes that are no text. It ends with a soft line break, since the line end behind the last line of a
/// message would be data too.
pub(super) fn quoted_data(bytes: &[u8]) -> Vec<u8> {
    let mut out = quoted_printable(bytes, false);
    out.extend_from_slice(b"=\r\n");
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unquote(encoded: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut rest = encoded;
        while let [first, tail @ ..] = rest {
            match (first, tail) {
                (b'=', [b'\r', b'\n', after @ ..]) => rest = after,
                (b'=', [high, low, after @ ..]) => {
                    let digits = [*high, *low];
                    out.push(
                        u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap(),
                    );
                    rest = after;
                }
                _ => {
                    out.push(*first);
                    rest = tail;
                }
            }
        }
        out
    }

    fn lines_are_short(encoded: &[u8]) -> bool {
        encoded
            .split(|&b| b == b'\n')
            .all(|line| line.len() <= ENCODED_LINE + 1)
    }

    #[test]
    fn line_ends_become_crlf() {
        assert_eq!(
            canonical(b"a\nb\rc\r\nd\r\r\n"),
            b"a\r\nb\r\nc\r\nd\r\n\r\n"
        );
    }

    #[test]
    fn quoted_printable_keeps_trailing_space_and_equals_sign() {
        assert_eq!(
            quoted_printable("a = \u{e9} \r\nb\t".as_bytes(), true),
            b"a =3D =C3=A9=20\r\nb=09"
        );
        assert_eq!(quoted_printable(b"a\r\nb", false), b"a=0D=0Ab");
    }

    #[test]
    fn a_long_line_does_not_travel_as_it_is() {
        assert!(travels_as_is(&[b'x'; 998], true));
        assert!(!travels_as_is(&[b'x'; 1000], true));
        assert!(!travels_as_is(b"a\0b", false));
        assert!(
            travels_as_is("\u{e9}".as_bytes(), false) && !travels_as_is("\u{e9}".as_bytes(), true)
        );
    }

    proptest! {
        #[test]
        fn quoted_printable_comes_back(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let encoded = quoted_data(&bytes);
            prop_assert!(lines_are_short(&encoded) && encoded.is_ascii());
            prop_assert!(encoded.ends_with(b"\r\n"));
            prop_assert_eq!(unquote(&encoded), bytes);
        }

        #[test]
        fn quoted_printable_text_comes_back(text in "[ -~\u{e9}\t\r\n]{0,400}") {
            let text = canonical(text.as_bytes());
            let encoded = quoted_printable(&text, true);
            prop_assert!(lines_are_short(&encoded) && travels_as_is(&encoded, true));
            prop_assert_eq!(unquote(&encoded), text);
        }

        #[test]
        fn base64_comes_back(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let encoded = base64_lines(&bytes);
            prop_assert!(lines_are_short(&encoded));
            let joined: Vec<u8> = encoded.into_iter().filter(|b| !b.is_ascii_whitespace()).collect();
            prop_assert_eq!(BASE64_STANDARD.decode(joined).unwrap(), bytes);
        }

        #[test]
        fn canonical_text_is_a_fixed_point(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let once = canonical(&bytes);
            prop_assert_eq!(canonical(&once), once);
        }
    }
}

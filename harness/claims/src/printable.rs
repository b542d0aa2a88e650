//! Text from the wire made fit to be shown: it must not drive the reader's terminal, nor show itself as another.

use std::borrow::Cow;

/// Whether a character is unseen, turns the direction of writing (a text with it can show itself as another), or is none
/// that XML may hold.
pub const fn steers(character: char) -> bool {
    matches!(
        character,
        '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{fffe}'..='\u{ffff}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// Control characters, and those that [steer](steers), as escapes.
pub fn printable(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() || steers(character) {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
    }
    out
}

/// The same for several lines, each of which stays one; without a line end behind the last.
pub fn printable_lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(printable).collect();
    lines.join("\n")
}

/// As [`printable`] without white space at the end, and without a copy of a text that needs no change.
pub(crate) fn made_printable(text: Cow<'static, str>) -> Cow<'static, str> {
    match text {
        // A sentence of this program.
        Cow::Borrowed(_) => text,
        Cow::Owned(text) if is_plain(&text) && !text.ends_with(' ') => text.into(),
        Cow::Owned(text) => printable(text.trim_end()).into(),
    }
}

/// What nearly every text is; looked at without a branch for each byte.
fn is_plain(text: &str) -> bool {
    let plain = |byte: u8| (b' '..=b'~').contains(&byte);
    text.bytes().fold(true, |all, byte| all & plain(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_reader_is_escaped_and_letters_are_not() {
        assert_eq!(printable("Łódź \u{1f4e7} 10 % "), "Łódź \u{1f4e7} 10 % ");
        for (odd, escaped) in [
            ("\u{1b}[2J", "\\u{1b}[2J"),
            ("a\r\nb", "a\\r\\nb"),
            ("\u{202e}cod.exe", "\\u{202e}cod.exe"),
            ("\u{61c}", "\\u{61c}"),
            ("\u{2062}", "\\u{2062}"),
            ("\u{e0041}", "\\u{e0041}"),
        ] {
            assert_eq!(printable(odd), escaped);
            assert_eq!(made_printable(format!("{odd} ").into()), escaped);
        }
    }

    #[test]
    fn lines_stay_lines() {
        assert_eq!(printable_lines("a\u{7}\r\nb \n"), "a\\u{7}\nb ");
    }

    #[test]
    fn a_sentence_of_ours_is_not_copied() {
        let text = Cow::Borrowed("nothing was sent");
        assert!(matches!(made_printable(text), Cow::Borrowed(_)));
    }
}

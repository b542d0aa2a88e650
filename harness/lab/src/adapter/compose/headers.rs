//! Header fields: checked, encoded (RFC 2047) and folded (RFC 5322 section 2.2.3).

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::super::refusal::Refusal;

/// Where folding starts (RFC 5322 section 2.1.1).
const PREFERRED_LINE: usize = 78;
/// A word longer than this cannot be folded under the limit of 998 and is sent as encoded words instead.
const LONGEST_WORD: usize = 900;
/// Bytes in one encoded word: with the frame and the longest field name used here it stays under 76 columns.
const ENCODED_WORD_BYTES: usize = 39;

/// Header fields, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Headers(Vec<(&'static str, String)>);

impl Headers {
    /// Adds a field. `value` holds no line break but those of folding.
    pub(super) fn push(&mut self, name: &'static str, value: impl Into<String>) {
        self.0.push((name, value.into()));
    }

    /// Adds fields.
    pub(super) fn append(&mut self, mut fields: Self) {
        self.0.append(&mut fields.0);
    }

    /// Adds a parameter to the first field `name`.
    pub(super) fn add_parameter(&mut self, name: &str, parameter: &str) {
        if let Some((_, value)) = self.0.iter_mut().find(|(field, _)| *field == name) {
            value.push_str(";\r\n\t");
            value.push_str(parameter);
        }
    }

    /// Appends the fields, each with CR LF.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        for (name, value) in &self.0 {
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(value.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// Refuses a value that holds a control character: what it would do to the header is not up to its author.
pub(super) fn check(property: &'static str, value: &str) -> Result<(), Refusal> {
    if value.chars().any(|c| c.is_control() && c != '\t') {
        return Err(Refusal::ControlCharacter(property));
    }
    Ok(())
}

/// Unstructured text, as for Subject: folded where it is plain ASCII, in encoded words otherwise.
pub(crate) fn unstructured(name: &str, value: &str) -> String {
    let tokens = tokens(value);
    let foldable =
        value.is_ascii() && !value.contains("=?") && tokens.iter().all(|t| t.len() <= LONGEST_WORD);
    if foldable {
        fold(name, &tokens)
    } else {
        encoded_words(value)
    }
}

/// Addresses, with commas between them and folds after commas.
pub(crate) fn addresses(name: &str, list: &[String]) -> String {
    let mut spelled = Vec::with_capacity(list.len());
    for (at, one) in list.iter().enumerate() {
        let before = if at == 0 { "" } else { " " };
        let after = if at + 1 == list.len() { "" } else { "," };
        spelled.push(format!("{before}{one}{after}"));
    }
    let tokens: Vec<&str> = spelled.iter().map(String::as_str).collect();
    fold(name, &tokens)
}

/// Joins tokens, each with its leading white space, with a line break before a token that would pass the limit.
fn fold(name: &str, tokens: &[&str]) -> String {
    let mut out = String::new();
    let mut column = name.len() + 2;
    for token in tokens {
        let can_fold =
            token.starts_with([' ', '\t']) && !token.trim_start().is_empty() && !out.is_empty();
        if can_fold && column + token.len() > PREFERRED_LINE {
            out.push_str("\r\n");
            column = 0;
        }
        out.push_str(token);
        column += token.len();
    }
    out
}

/// Cuts before each run of white space. Concatenated, the tokens are the value again.
fn tokens(value: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut start = 0;
    let mut in_word = false;
    for (at, c) in value.char_indices() {
        let white = matches!(c, ' ' | '\t');
        if white && in_word {
            out.push(&value[start..at]);
            start = at;
        }
        in_word = !white;
    }
    if start < value.len() {
        out.push(&value[start..]);
    }
    out
}

/// UTF-8 in base64 encoded words, one to a line.
pub(crate) fn encoded_words(value: &str) -> String {
    let mut words = Vec::new();
    let mut word = String::new();
    for c in value.chars() {
        if word.len() + c.len_utf8() > ENCODED_WORD_BYTES {
            words.push(std::mem::take(&mut word));
        }
        word.push(c);
    }
    words.push(word);
    let spelled: Vec<String> = words
        .iter()
        .map(|word| format!("=?utf-8?B?{}?=", BASE64_STANDARD.encode(word)))
        .collect();
    spelled.join("\r\n ")
}

/// A parameter with a file name: quoted where it is ASCII, in the form of RFC 2231 otherwise.
pub(super) fn file_name_parameter(parameter: &str, name: &str) -> String {
    if name.is_ascii() {
        let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
        return format!("{parameter}=\"{quoted}\"");
    }
    let mut out = format!("{parameter}*=utf-8''");
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&hex::encode_upper([byte]));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn line_breaks_are_refused() {
        for hostile in ["a\r\nBcc: b", "a\nb", "a\rb", "a\0b", "a\u{85}b"] {
            assert_eq!(
                check("Subject", hostile),
                Err(Refusal::ControlCharacter("Subject")),
                "{hostile:?}"
            );
        }
        assert_eq!(check("Subject", "a\tb \u{e9}"), Ok(()));
    }

    #[test]
    fn non_ascii_goes_into_encoded_words() {
        assert_eq!(unstructured("Subject", "Größe"), "=?utf-8?B?R3LDtsOfZQ==?=");
        assert_eq!(unstructured("Subject", "=?x?="), "=?utf-8?B?PT94Pz0=?=");
    }

    #[test]
    fn long_address_lists_fold_between_addresses() {
        let list: Vec<String> = (0..4)
            .map(|n| format!("recipient-number-{n}@example.test"))
            .collect();
        insta::assert_snapshot!(addresses("To", &list).replace("\r\n", "⏎\n"), @"
        recipient-number-0@example.test, recipient-number-1@example.test,⏎
         recipient-number-2@example.test, recipient-number-3@example.test
        ");
    }

    #[test]
    fn file_names_are_quoted_or_percent_encoded() {
        assert_eq!(
            file_name_parameter("filename", "a \"b\".txt"),
            "filename=\"a \\\"b\\\".txt\""
        );
        assert_eq!(
            file_name_parameter("filename", "é.txt"),
            "filename*=utf-8''%C3%A9.txt"
        );
    }

    proptest! {
        #[test]
        fn folding_adds_line_breaks_and_nothing_else(text in "[ -~]{0,2000}") {
            let folded = unstructured("Subject", &text);
            let short = folded.split("\r\n").all(|line| line.len() <= 990);
            prop_assert!(short);
            let later_lines_hold_text = folded.split("\r\n").skip(1).all(|line| line.starts_with(' ') && line.trim() != "");
            prop_assert!(later_lines_hold_text);
            if !folded.starts_with("=?utf-8?") {
                prop_assert_eq!(folded.replace("\r\n", ""), text);
            }
        }

        #[test]
        fn encoded_words_come_back(text in "\\PC{1,200}") {
            let encoded = encoded_words(&text);
            let mut back = Vec::new();
            for word in encoded.split("\r\n ") {
                prop_assert!(word.len() <= 75);
                let inner = word.strip_prefix("=?utf-8?B?").and_then(|w| w.strip_suffix("?=")).unwrap();
                let bytes = BASE64_STANDARD.decode(inner).unwrap();
                prop_assert!(std::str::from_utf8(&bytes).is_ok(), "a character is cut in two");
                back.extend(bytes);
            }
            prop_assert_eq!(String::from_utf8(back).unwrap(), text);
        }
    }
}

//! Addresses in From, To, Cc and their like (RFC 5322 section 3.4), with their places.

use std::ops::Range;

use crate::lenient::lossy;

/// The addresses in the value of a field. Ranges are offsets into `value` plus `base`.
///
/// Display names, comments, group names and source routes are passed over. What has no `@` is an address all the same if
/// it stands where an address belongs: a local part alone reaches somebody on many servers.
pub(super) fn scan(value: &[u8], base: usize) -> Vec<(String, Range<usize>)> {
    let mut scanner = Scanner::default();
    let mut at = 0;
    while let Some(&byte) = value.get(at) {
        if scanner.quoted {
            match byte {
                b'\\' => {
                    scanner.take(byte, at);
                    at += 1;
                    if let Some(&next) = value.get(at) {
                        scanner.take(next, at);
                    }
                }
                b'"' => {
                    scanner.take(byte, at);
                    scanner.quoted = false;
                }
                _ => scanner.take(byte, at),
            }
        } else if scanner.comment > 0 {
            match byte {
                b'\\' => at += 1,
                b'(' => scanner.comment += 1,
                b')' => scanner.comment -= 1,
                _ => {}
            }
        } else if scanner.literal {
            scanner.take(byte, at);
            scanner.literal = byte != b']';
        } else {
            scanner.plain(byte, at);
        }
        at += 1;
    }
    scanner.finish_mailbox();
    scanner
        .found
        .into_iter()
        .map(|(text, range)| (text, base + range.start..base + range.end))
        .collect()
}

#[derive(Default)]
struct Scanner {
    quoted: bool,
    comment: usize,
    /// Inside the square brackets of a domain literal, where colons have another meaning.
    literal: bool,
    /// Inside angle brackets.
    angle: bool,
    /// What was in the angle brackets of this mailbox; everything outside is then its name.
    route: Option<Text>,
    text: Text,
    found: Vec<(String, Range<usize>)>,
}

/// Bytes with the place of the first and the last.
#[derive(Default)]
struct Text {
    bytes: Vec<u8>,
    range: Option<Range<usize>>,
    /// A blank came since the last byte.
    blank: bool,
}

impl Text {
    fn push(&mut self, byte: u8, at: usize) {
        self.bytes.push(byte);
        self.range.get_or_insert(at..at).end = at + 1;
        self.blank = false;
    }
}

impl Scanner {
    fn take(&mut self, byte: u8, at: usize) {
        // Two words without a dot or `@` between them are a name, not an address.
        if self.text.blank && !self.angle {
            let glue = |b: u8| matches!(b, b'.' | b'@');
            if !glue(byte) && !self.text.bytes.last().copied().is_some_and(glue) {
                self.text = Text::default();
            }
        }
        self.text.push(byte, at);
    }

    fn plain(&mut self, byte: u8, at: usize) {
        match byte {
            b'"' => {
                self.take(byte, at);
                self.quoted = true;
            }
            b'(' => self.comment = 1,
            b'[' => {
                self.take(byte, at);
                self.literal = true;
            }
            b'<' if !self.angle => {
                self.text = Text::default();
                self.angle = true;
            }
            b'>' if self.angle => {
                self.angle = false;
                self.route = Some(std::mem::take(&mut self.text));
            }
            // In angle brackets this ends a source route, outside the name of a group.
            b':' => self.text = Text::default(),
            b',' if self.angle => self.text = Text::default(),
            b',' | b';' => self.finish_mailbox(),
            b' ' | b'\t' | b'\r' | b'\n' => self.text.blank = !self.text.bytes.is_empty(),
            _ => self.take(byte, at),
        }
    }

    fn finish_mailbox(&mut self) {
        self.angle = false;
        let text = std::mem::take(&mut self.text);
        let text = self.route.take().unwrap_or(text);
        if let Some(range) = text.range {
            self.found.push((lossy(&text.bytes), range));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("a@b.example", &["a@b.example"])]
    #[case("Ann <a@b>, \"B, C\" <c@d> ,e@f", &["a@b", "c@d", "e@f"])]
    #[case("Team: a@b, Bo <c@d>;, e@f", &["a@b", "c@d", "e@f"])]
    #[case("undisclosed-recipients:;", &[])]
    #[case("(note, \\) <x@y>) a(inner (deep))@b (tail)", &["a@b"])]
    #[case("\"odd, name\"@host, postmaster", &["\"odd, name\"@host", "postmaster"])]
    #[case("<@relay.example,@two:user@host>", &["user@host"])]
    #[case("a . b @ c", &["a.b@c"])]
    #[case("a@[IPv6:2001:db8::1], <b@[192.0.2.1]>", &["a@[IPv6:2001:db8::1]", "b@[192.0.2.1]"])]
    #[case("<>", &[])]
    #[case("Unclosed <a@b", &["a@b"])]
    fn lists(#[case] value: &str, #[case] addresses: &[&str]) {
        let found = scan(value.as_bytes(), 0);
        assert_eq!(
            found.iter().map(|(text, _)| &**text).collect::<Vec<_>>(),
            addresses
        );
    }

    #[test]
    fn places() {
        let (_, range) = scan(b"Ann <a@b>", 100).remove(0);
        assert_eq!(range, 105..108);
    }

    proptest! {
        #[test]
        fn ranges_lie_inside(value in "[a@<>(),;: \"\\\\\\r\\n.]{0,60}") {
            for (text, range) in scan(value.as_bytes(), 0) {
                prop_assert!(range.start < range.end && range.end <= value.len());
                prop_assert!(!text.is_empty());
            }
        }
    }
}

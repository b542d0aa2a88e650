//! A message that was composed elsewhere, and goes as it is.

use super::compose::canonical;

/// A message that SMTP can carry as it is: every line ends with CR LF, but that the last may have no end, and there is no
/// other CR or LF (RFC 5321 section 2.3.8).
#[derive(Clone, Debug)]
pub struct Whole {
    message: Vec<u8>,
    longest_line: usize,
    has_nul: bool,
}

/// A line of a message that SMTP cannot carry: it ends otherwise than with CR LF, or has a lone CR inside.
#[derive(Clone, Debug)]
pub struct BareLineEnd {
    /// Its number, from 1.
    pub line: usize,
    message: Vec<u8>,
}

impl Whole {
    /// Looks a message through once.
    ///
    /// # Errors
    /// [`BareLineEnd`] is the first line that cannot be carried.
    pub fn new(message: Vec<u8>) -> Result<Self, BareLineEnd> {
        let mut lines = 0;
        let (mut from, mut longest_line) = (0, 0);
        let mut bare = None;
        for at in memchr::memchr_iter(b'\n', &message) {
            lines += 1;
            if at == 0 || message[at - 1] != b'\r' {
                bare = Some(lines);
                break;
            }
            // A CR that an earlier line ends with is no part of this one.
            longest_line = longest_line.max((at - 1).saturating_sub(from));
            from = at + 1;
        }
        if bare.is_none() && memchr::memchr_iter(b'\r', &message).count() == lines {
            longest_line = longest_line.max(message.len() - from);
            let has_nul = memchr::memchr(0, &message).is_some();
            return Ok(Self {
                message,
                longest_line,
                has_nul,
            });
        }
        let line = first_bare(&message).or(bare).unwrap_or(1);
        Err(BareLineEnd { line, message })
    }

    /// Octets of its longest line, without the end of the line.
    pub fn longest_line(&self) -> usize {
        self.longest_line
    }

    /// Whether it has a NUL.
    pub fn has_nul(&self) -> bool {
        self.has_nul
    }

    /// The message.
    pub(super) fn into_message(self) -> Vec<u8> {
        self.message
    }
}

impl BareLineEnd {
    /// The message with every line end made CR LF, a lone CR as well.
    ///
    /// # Errors
    /// A line that is not mended by that; there is none.
    pub fn with_crlf(self) -> Result<Whole, Self> {
        Whole::new(canonical(&self.message))
    }
}

/// The first line with a lone CR or LF: one may come before the first line that ends wrongly.
fn first_bare(message: &[u8]) -> Option<usize> {
    let lines = message.split_inclusive(|&byte| byte == b'\n');
    let bare = |line: &[u8]| {
        let line = line.strip_suffix(b"\r\n").unwrap_or(line);
        memchr::memchr2(b'\r', b'\n', line).is_some()
    };
    Some(lines.map(bare).position(|bare| bare)? + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("", None)]
    #[case("a\r\nb", None)]
    #[case("a\r\nb\r\n", None)]
    #[case("a\r\nb\nc\r\n", Some(2))]
    #[case("\n", Some(1))]
    #[case("a\r\nb\rc\r\nd\n", Some(2))]
    #[case("a\r\nb\r", Some(2))]
    #[case("a\r\r\n", Some(1))]
    fn the_first_bare_line_end_is_named(#[case] text: &str, #[case] line: Option<usize>) {
        let found = Whole::new(text.into()).err().map(|bare| bare.line);
        assert_eq!(found, line);
    }

    #[rstest]
    #[case("", 0)]
    #[case("\r\n", 0)]
    #[case("abc\r\nab\r\n", 3)]
    #[case("a\r\nabcd", 4)]
    fn the_longest_line_is_measured(#[case] text: &str, #[case] longest: usize) {
        assert_eq!(Whole::new(text.into()).unwrap().longest_line(), longest);
    }

    #[test]
    fn a_nul_is_seen() {
        assert!(Whole::new(b"a\0b\r\n".to_vec()).unwrap().has_nul());
        assert!(!Whole::new(b"a0b\r\n".to_vec()).unwrap().has_nul());
    }

    proptest! {
        #[test]
        fn whatever_cannot_be_carried_can_be_mended(text in "[a\r\n.]{0,40}") {
            if let Err(bare) = Whole::new(text.clone().into()) {
                prop_assert!(bare.line <= text.matches('\n').count() + 1);
                prop_assert!(bare.with_crlf().is_ok());
            } else {
                prop_assert_eq!(text.replace("\r\n", "").find(['\r', '\n']), None);
            }
        }
    }
}

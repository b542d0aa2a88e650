//! The arguments of MAIL and RCPT (RFC 5321 section 4.1.2), as far as a server has to understand them.

/// A path and the parameters behind it.
#[derive(Debug, PartialEq, Eq)]
pub struct Path<'a> {
    /// What stands between the angle brackets.
    pub mailbox: &'a [u8],
    /// Keywords with their values.
    pub parameters: Vec<(&'a [u8], Option<&'a [u8]>)>,
}

/// Reads `FROM:<…>` or `TO:<…>`, given as `prefix`. `None` where the syntax is wrong.
///
/// Spaces after the colon are put up with, as most servers do; whether they were there is for the capture to tell.
pub fn parse<'a>(argument: &'a [u8], prefix: &str) -> Option<Path<'a>> {
    let (head, rest) = argument.split_at_checked(prefix.len())?;
    if !head.eq_ignore_ascii_case(prefix.as_bytes()) {
        return None;
    }
    let rest = rest.trim_ascii_start().strip_prefix(b"<")?;
    let end = closing_bracket(rest)?;
    let (mailbox, rest) = rest.split_at_checked(end)?;
    let rest = rest.strip_prefix(b">")?;
    if !rest.is_empty() && !rest.starts_with(b" ") {
        return None;
    }
    let parameters = rest
        .split(|byte| *byte == b' ')
        .filter(|word| !word.is_empty())
        .map(|word| match word.iter().position(|byte| *byte == b'=') {
            Some(at) => (&word[..at], word.get(at + 1..)),
            None => (word, None),
        })
        .collect();
    Some(Path {
        mailbox,
        parameters,
    })
}

/// Where the path ends: a bracket inside a quoted local part does not count.
fn closing_bracket(text: &[u8]) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (place, byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'>' if !quoted => return Some(place),
            b'<' | b' ' if !quoted => return None,
            0..=31 | 127 => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_parameters_are_taken_apart() {
        let path = parse(b"from:<a@example.test> SIZE=10 BODY=8BITMIME X", "FROM:").expect("valid");
        assert_eq!(path.mailbox, b"a@example.test");
        let parameters: Vec<(&[u8], Option<&[u8]>)> = vec![
            (b"SIZE", Some(b"10")),
            (b"BODY", Some(b"8BITMIME")),
            (b"X", None),
        ];
        assert_eq!(path.parameters, parameters);
        assert_eq!(
            parse(b"FROM:<>", "FROM:").map(|path| path.mailbox),
            Some(&b""[..])
        );
        assert_eq!(
            parse(b"TO: <\"a> b\"@x>", "TO:").map(|path| path.mailbox),
            Some(&b"\"a> b\"@x"[..])
        );
    }

    #[test]
    fn what_is_not_a_path_is_refused() {
        for wrong in [
            "",
            "FROM",
            "FROM:a@b",
            "FROM:<a@b",
            "TO:<a@b>",
            "FROM:<a b>",
            "FROM:<a>b",
            "FROM:<a\0>",
        ] {
            assert_eq!(parse(wrong.as_bytes(), "FROM:"), None, "{wrong}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..60)) {
            let mut argument = b"TO:<".to_vec();
            argument.extend_from_slice(&bytes);
            let _ = parse(&argument, "TO:");
            let _ = parse(&bytes, "TO:");
        }
    }
}

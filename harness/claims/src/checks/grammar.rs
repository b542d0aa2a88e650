//! The grammar of what commands carry (RFC 5321 sections 4.1.1 to 4.1.3; with the letters that RFC 6531 adds).

use std::net::{Ipv4Addr, Ipv6Addr};

/// Longest domain (RFC 5321 section 4.5.3.1.2).
const LONGEST_DOMAIN: usize = 255;

/// Whether a text is a domain name: labels of letters, digits and inner hyphens.
pub(super) fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        let inner = |c: char| c.is_ascii_alphanumeric() || c == '-' || !c.is_ascii();
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(inner)
    };
    text.len() <= LONGEST_DOMAIN && text.split('.').all(label)
}

/// Whether a text is an address in brackets: IPv4, IPv6 with its tag, or another registered tag.
pub(super) fn is_address_literal(text: &str) -> bool {
    let Some(inner) = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    else {
        return false;
    };
    match inner.split_once(':') {
        None => inner.parse::<Ipv4Addr>().is_ok(),
        Some((tag, address)) if tag.eq_ignore_ascii_case("IPv6") => {
            address.parse::<Ipv6Addr>().is_ok()
        }
        Some((tag, content)) => {
            let named = !tag.is_empty()
                && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !tag.ends_with('-');
            let visible = |b: u8| (33..=90).contains(&b) || (94..=126).contains(&b);
            named
                && tag.bytes().any(|b| b.is_ascii_alphabetic())
                && !content.is_empty()
                && content.bytes().all(visible)
                && content.parse::<Ipv6Addr>().is_err()
                && !looks_like_ipv6(tag)
        }
    }
}

/// An IPv6 address without its tag begins with a group that could be a tag.
fn looks_like_ipv6(tag: &str) -> bool {
    tag.len() <= 4 && tag.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Whether a text is `local-part@domain`.
pub(super) fn is_mailbox(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    (is_domain(domain) || is_address_literal(domain)) && is_local_part(local)
}

fn is_local_part(local: &str) -> bool {
    if let Some(quoted) = local
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
    {
        let mut chars = quoted.chars();
        while let Some(c) = chars.next() {
            let sound = match c {
                '\\' => chars.next().is_some_and(|c| (' '..='~').contains(&c)),
                '"' => false,
                c => (' '..='~').contains(&c) || (!c.is_ascii() && !c.is_control()),
            };
            if !sound {
                return false;
            }
        }
        return true;
    }
    let atom = |c: char| {
        c.is_ascii_alphanumeric()
            || "!#$%&'*+-/=?^_`{|}~".contains(c)
            || (!c.is_ascii() && !c.is_control())
    };
    local
        .split('.')
        .all(|part| !part.is_empty() && part.chars().all(atom))
}

/// Cuts the argument of MAIL or RCPT behind its path: what stands between the angle brackets, and the parameters.
/// `None` where it does not begin with `prefix` (in any case) and `<` right behind it, or the path has no end.
pub(super) fn split_path<'a>(argument: &'a str, prefix: &str) -> Option<(&'a str, &'a str)> {
    let head = argument.get(..prefix.len())?;
    let rest = argument.get(prefix.len()..)?.strip_prefix('<')?;
    if !head.eq_ignore_ascii_case(prefix) {
        return None;
    }
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in rest.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '>' if !quoted => return Some((&rest[..at], &rest[at + 1..])),
            _ => {}
        }
    }
    None
}

/// The parameters that follow a path, as (keyword in upper case, value).
pub(super) fn parameters(rest: &str) -> impl Iterator<Item = (String, Option<&str>)> {
    rest.split_ascii_whitespace()
        .map(|word| match word.split_once('=') {
            Some((keyword, value)) => (keyword.to_ascii_uppercase(), Some(value)),
            None => (word.to_ascii_uppercase(), None),
        })
}

/// Whether what follows a path is nothing, or parameters with one space before each.
pub(super) fn are_parameters(rest: &str) -> bool {
    if rest.is_empty() {
        return true;
    }
    let Some(words) = rest.strip_prefix(' ') else {
        return false;
    };
    words.split(' ').all(|word| {
        let (keyword, value) = word
            .split_once('=')
            .map_or((word, None), |(keyword, value)| (keyword, Some(value)));
        let first = keyword
            .bytes()
            .next()
            .is_some_and(|b| b.is_ascii_alphanumeric());
        let named = first
            && keyword
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let visible = |c: char| !c.is_control() && c != '=' && c != ' ';
        named && value.is_none_or(|value| !value.is_empty() && value.chars().all(visible))
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("mail.example.test", true)]
    #[case("localhost", true)]
    #[case("bücher.example", true)]
    #[case("a..b", false)]
    #[case("-a.b", false)]
    #[case("a_b.example", false)]
    #[case("a b", false)]
    #[case("", false)]
    fn domains(#[case] text: &str, #[case] sound: bool) {
        assert_eq!(is_domain(text), sound);
    }

    #[rstest]
    #[case("[192.0.2.1]", true)]
    #[case("[IPv6:2001:db8::1]", true)]
    #[case("[x400:abc]", true)]
    #[case("[300.0.2.1]", false)]
    #[case("[2001:db8::1]", false)]
    #[case("[::1]", false)]
    #[case("192.0.2.1", false)]
    #[case("[]", false)]
    fn literals(#[case] text: &str, #[case] sound: bool) {
        assert_eq!(is_address_literal(text), sound);
    }

    #[rstest]
    #[case("a.b@example.test", true)]
    #[case("\"a b\\\"\"@[192.0.2.1]", true)]
    #[case("o'brien+x@example.test", true)]
    #[case("dépôt@example.test", true)]
    #[case(".a@example.test", false)]
    #[case("a b@example.test", false)]
    #[case("a", false)]
    #[case("\"a\"b\"@example.test", false)]
    fn mailboxes(#[case] text: &str, #[case] sound: bool) {
        assert_eq!(is_mailbox(text), sound);
    }

    #[test]
    fn a_path_ends_at_its_bracket_and_not_inside_quotes() {
        assert_eq!(
            split_path("FROM:<\"a>b\"@x> SIZE=1", "FROM:"),
            Some(("\"a>b\"@x", " SIZE=1"))
        );
        assert_eq!(split_path("from:<>", "FROM:"), Some(("", "")));
        assert_eq!(split_path("FROM: <a@x>", "FROM:"), None);
        assert_eq!(split_path("FROM:<a@x", "FROM:"), None);
        assert_eq!(split_path("é", "TO:"), None);
    }

    #[rstest]
    #[case("", true)]
    #[case(" SIZE=1 BODY=8BITMIME SMTPUTF8", true)]
    #[case("SIZE=1", false)]
    #[case("  SIZE=1", false)]
    #[case(" SIZE=", false)]
    #[case(" =1", false)]
    #[case(" ", false)]
    fn parameters_are_separated_by_one_space(#[case] rest: &str, #[case] sound: bool) {
        assert_eq!(are_parameters(rest), sound);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_judged(text in "\\PC{0,60}") {
            let _ = (is_domain(&text), is_address_literal(&text), is_mailbox(&text), are_parameters(&text));
            let _ = (split_path(&text, "TO:"), parameters(&text).count());
        }
    }
}

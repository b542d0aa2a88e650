//! A mailbox in the forms in which it can cross (RFC 5321 section 4.1.2, RFC 6531 section 3.7).

use std::borrow::Cow;

/// The mailbox without the quotation marks that its local part does not need; `None` where it needs them, or has none.
pub(super) fn least_quoted(mailbox: &str) -> Option<String> {
    let (local, domain) = mailbox.rsplit_once('@')?;
    let quoted = local.strip_prefix('"')?.strip_suffix('"')?;
    let mut plain = String::new();
    let mut all = quoted.chars();
    while let Some(one) = all.next() {
        plain.push(if one == '\\' { all.next()? } else { one });
    }
    let atext = |one: char| {
        one.is_ascii_alphanumeric() || !one.is_ascii() || "!#$%&'*+-/=?^_`{|}~".contains(one)
    };
    let is_atom = |atom: &str| !atom.is_empty() && atom.chars().all(atext);
    plain
        .split('.')
        .all(is_atom)
        .then(|| format!("{plain}@{domain}"))
}

/// The mailbox with the labels of its domain in ASCII; as it is where the domain is no name.
pub(super) fn with_a_labels(mailbox: &str) -> Cow<'_, str> {
    let domain = mailbox
        .rsplit_once('@')
        .filter(|(_, domain)| !domain.is_ascii());
    let spelled = domain
        .and_then(|(local, domain)| Some((local, idna::domain_to_ascii_strict(domain).ok()?)));
    spelled.map_or(Cow::Borrowed(mailbox), |(local, domain)| {
        format!("{local}@{domain}").into()
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(r#""orders"@a.example"#, Some("orders@a.example"))]
    #[case(r#""or.d\ers"@a.example"#, Some("or.ders@a.example"))]
    #[case(r#""or ders"@a.example"#, None)]
    #[case(r#""or..ders"@a.example"#, None)]
    #[case(r#""or\"ders"@a.example"#, None)]
    #[case(r#""orders\"@a.example"#, None)]
    #[case(r#"""@a.example"#, None)]
    #[case("orders@a.example", None)]
    #[case("", None)]
    fn quotation_marks_go_where_nothing_needs_them(
        #[case] given: &str,
        #[case] least: Option<&str>,
    ) {
        assert_eq!(least_quoted(given).as_deref(), least);
    }

    #[rstest]
    #[case("orders@bücher.example", "orders@xn--bcher-kva.example")]
    #[case("dépôt@bücher.example", "dépôt@xn--bcher-kva.example")]
    #[case("orders@BÜCHER.example", "orders@xn--bcher-kva.example")]
    #[case("dépôt@a.example", "dépôt@a.example")]
    #[case("orders@a.example", "orders@a.example")]
    #[case("orders@bü cher.example", "orders@bü cher.example")]
    #[case("orders", "orders")]
    fn only_a_domain_has_labels(#[case] given: &str, #[case] spelled: &str) {
        assert_eq!(with_a_labels(given), spelled);
    }
}

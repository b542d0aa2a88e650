//! Is the name in EHLO one?

use crate::{Check, Evidence, Finding, Subject};

use super::grammar::{is_address_literal, is_domain};

pub(super) static CHECK: Check = Check {
    id: "hello-argument-malformed",
    observed_when: "the argument of EHLO or HELO is neither a domain name nor an address literal",
    trigger: "the client said EHLO or HELO",
    method: "The argument is read by the grammar: labels of letters, digits and inner hyphens with dots between them, or an \
             IPv4 address in brackets, or an IPv6 address behind its tag in brackets. Servers refuse what does not parse, \
             and a name from a machine's settings (with an underscore, say) often does not.",
    references: &["RFC 5321 4.1.1.1", "RFC 5321 4.1.3", "RFC 6531 3.7.1"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let mut first = None;
    for (_, event, command) in subject.timeline().commands() {
        if !matches!(command.verb.as_str(), "EHLO" | "HELO") {
            continue;
        }
        let name = command.argument.trim_end();
        let literal = command.verb == "EHLO" && is_address_literal(name);
        // Names outside ASCII are written as A-labels here, whatever the server offers.
        let domain = name.is_ascii() && is_domain(name);
        if !domain && !literal {
            let what = if name.is_empty() { "has no argument" } else { "has an argument that is no name and no address" };
            return Finding::observed(
                format!("{} {what}", command.verb),
                vec![Evidence::event(event, "the client's name for itself")],
            );
        }
        first.get_or_insert((event, literal));
    }
    match first {
        Some((event, literal)) => {
            let what = if literal { "an address literal" } else { "a domain name" };
            Finding::not_observed(format!("the client gave {what}"), vec![Evidence::event(event, what)])
        }
        None => Finding::undetermined("the client never said EHLO or HELO"),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::testing::{Talk, find};
    use super::*;
    use crate::Given;

    fn hello(line: &str) -> Talk {
        Talk::silent().s("220 mx").cs(line, "250 mx").quit()
    }

    #[rstest]
    #[case("EHLO my_host")]
    #[case("EHLO bücher.example")]
    #[case("EHLO [192.0.2.1] and more")]
    #[case("EHLO [192.0.2]")]
    #[case("EHLO ::1")]
    #[case("EHLO")]
    #[case("HELO [192.0.2.1]")]
    #[case("HELO a b")]
    fn names_that_are_none(#[case] line: &str) {
        find(&CHECK, hello(line), Given::default()).observed("argument", &[&format!("{line}\r\n")]);
    }

    #[rstest]
    #[case("EHLO mail.contoso.example")]
    #[case("EHLO [IPv6:2001:db8::1]")]
    #[case("EHLO localhost")]
    fn names(#[case] line: &str) {
        find(&CHECK, hello(line), Given::default()).not_observed("the client gave", &[&format!("{line}\r\n")]);
    }

    #[test]
    fn no_name_at_all() {
        find(&CHECK, Talk::silent().s("220 mx").quit(), Given::default()).undetermined("never said EHLO");
    }
}

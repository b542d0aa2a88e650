//! Is the name in EHLO fully qualified?

use crate::{Check, Evidence, Finding, Subject};

use super::grammar::{is_address_literal, is_domain};

pub(super) static CHECK: Check = Check {
    id: "hello-name-unqualified",
    observed_when: "the argument of EHLO or HELO is a bare host name",
    trigger: "the client said EHLO or HELO with a domain name or an address literal",
    method: "A domain name of one label, `localhost` among them, says nothing to anybody outside the client's network. A client \
             without a name that resolves is to give its address in brackets. What does not parse at all is not judged here.",
    references: &["RFC 5321 2.3.5", "RFC 5321 4.1.1.1", "RFC 5321 4.1.4"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let hellos = subject.timeline().commands().filter_map(|(_, event, command)| {
        let name = command.argument.trim_end();
        let hello = matches!(command.verb.as_str(), "EHLO" | "HELO") && (is_domain(name) || is_address_literal(name));
        hello.then_some((event, name))
    });
    let all: Vec<_> = hellos.collect();
    if let Some((event, _)) = all.iter().find(|(_, name)| is_domain(name) && !name.contains('.')) {
        return Finding::observed("the client gave a bare host name", vec![Evidence::event(event, "a name of one label")]);
    }
    match all.first() {
        Some((event, _)) => {
            let evidence = vec![Evidence::event(event, "the client's name for itself")];
            Finding::not_observed("the client gave a qualified name or its address", evidence)
        }
        None => Finding::undetermined("the client gave no name that can be read"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Talk, find};
    use super::*;
    use crate::Given;

    #[test]
    fn a_bare_name() {
        let bare = Talk::silent().s("220 mx").cs("EHLO localhost", "250 mx").quit();
        find(&CHECK, bare, Given::default()).observed("bare host name", &["EHLO localhost\r\n"]);
    }

    #[test]
    fn a_qualified_name_or_an_address() {
        for name in ["host.contoso.example", "[192.0.2.1]"] {
            let talk = Talk::silent().s("220 mx").cs(&format!("EHLO {name}"), "250 mx").quit();
            find(&CHECK, talk, Given::default()).not_observed("qualified name or its address", &[&format!("EHLO {name}\r\n")]);
        }
    }

    #[test]
    fn a_name_that_cannot_be_read() {
        let odd = Talk::silent().s("220 mx").cs("EHLO my_host", "250 mx").quit();
        find(&CHECK, odd, Given::default()).undetermined("no name that can be read");
    }
}

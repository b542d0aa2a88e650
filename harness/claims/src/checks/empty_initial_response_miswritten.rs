//! Is an empty initial response written as one equals sign?

use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "empty-initial-response-miswritten",
    observed_when: "an AUTH command ends with a space and nothing after it, in the place of an empty initial response",
    trigger: "the client sent an empty initial response, rightly as an equals sign or wrongly as nothing",
    method: "The bytes behind the mechanism's name are looked at. An equals sign alone is an empty initial response; a space alone looks \
             like none at all to one server and like an error to another.",
    references: &["RFC 4954 4"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let mut right = None;
    for (_, event, command) in subject.timeline().commands().filter(|(_, _, command)| command.verb == "AUTH") {
        let evidence = || vec![Evidence::event(event, "AUTH")];
        if command.raw.ends_with(b" ") && command.argument.split_ascii_whitespace().count() == 1 {
            return Finding::observed("an empty initial response is written as nothing", evidence());
        }
        let mut words = command.argument.split_ascii_whitespace();
        if words.nth(1) == Some("=") {
            let reason = "an empty initial response is written as an equals sign";
            right.get_or_insert_with(|| Finding::not_observed(reason, evidence()));
        }
    }
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    right.unwrap_or_else(|| Finding::undetermined("no empty initial response was sent"))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, find};
    use super::*;
    use crate::Given;

    fn seen(auth: &str) -> Seen {
        find(&CHECK, Talk::ehlo(&["AUTH EXTERNAL LOGIN"]).cs(auth, "235 ok").quit(), Given::default())
    }

    #[test]
    fn nothing_or_an_equals_sign() {
        seen("AUTH EXTERNAL ").observed("written as nothing", &["AUTH EXTERNAL \r\n"]);
        seen("AUTH EXTERNAL =").not_observed("as an equals sign", &["AUTH EXTERNAL =\r\n"]);
    }

    #[test]
    fn no_empty_response() {
        seen("AUTH EXTERNAL").undetermined("no empty initial response");
        seen("AUTH LOGIN c3Zj").undetermined("no empty initial response");
        find(&CHECK, Talk::ehlo(&["AUTH LOGIN"]).gap(), Given::default()).undetermined("does not hold");
    }
}

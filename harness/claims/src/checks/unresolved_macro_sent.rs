//! Does a message leave with a macro in an address that was not replaced?

use super::subject_macros_expanded::NAMES;
use super::withheld;
use crate::configured::Missing;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "unresolved-macro-sent",
    observed_when: "an address of the envelope, or of From, To or Cc, holds a documented macro as it was written",
    trigger: "a message with such a macro was submitted, and a control without one got out in the same case",
    method: "MAIL, RCPT and the address fields are searched for the documented macros between their percent signs. That none \
             is there means that the message was suspended only if a control message, known by its Subject, got out.",
    references: &["RFC 5321 4.1.2", "RFC 5322 3.4"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let timeline = subject.timeline();
    for (_, event, command) in timeline.commands() {
        if matches!(command.verb.as_str(), "MAIL" | "RCPT") && holds_macro(&command.raw) {
            return Finding::observed(
                "an address of the envelope holds a macro that was not replaced",
                vec![Evidence::event(event, "an address with a macro in it")],
            );
        }
    }
    for sent in subject.sent() {
        let fields = ["From", "To", "Cc"].iter().flat_map(|name| sent.message.headers(name));
        for field in fields {
            if holds_macro(field.value.as_bytes()) {
                return Finding::observed(
                    format!("the {} field holds a macro that was not replaced", field.name),
                    vec![sent.evidence(field.range.clone(), format!("{} field", field.name))],
                );
            }
        }
    }
    withheld::judge(subject, Missing::Macro)
}

fn holds_macro(text: &[u8]) -> bool {
    // A macro stands between two of them.
    if memchr::memchr_iter(b'%', text).count() < 2 {
        return false;
    }
    let text = String::from_utf8_lossy(text);
    text.split('%').skip(1).any(|name| NAMES.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, TO, Talk, find, plain};
    use super::withheld::testing;
    use super::*;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk.quit(), testing::given(Missing::Macro))
    }

    #[test]
    fn a_macro_in_the_envelope_or_in_a_field() {
        let rcpt = Talk::ehlo(&[]).to(&["%SourceParty%@b.example"], &testing::other());
        seen(rcpt).observed("of the envelope", &["RCPT TO:<%SourceParty%@b.example>\r\n"]);
        let field = plain("Cc: %DestinationParty%\n", "x");
        seen(Talk::ehlo(&[]).message(&field)).observed("the Cc field", &["Cc: %DestinationParty%\r\n"]);
        let unknown = Talk::ehlo(&[]).to(&[TO], &field).quit();
        find(&CHECK, unknown, crate::Given::default()).observed("the Cc field", &["Cc: …"]);
    }

    #[test]
    fn percent_signs_that_are_no_macros() {
        let talk = Talk::ehlo(&[]).to(&["50%off%more@b.example", "MessageID%x@b.example"], &plain("", "x"));
        find(&CHECK, talk.quit(), crate::Given::default()).not_applicable("about a message");
    }

    #[test]
    fn a_message_that_leaves_and_one_that_does_not() {
        testing::holds_back(&CHECK, Missing::Macro);
    }
}

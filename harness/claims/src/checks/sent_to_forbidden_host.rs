//! With a forbidden character in the name of the server, does the message leave?

use super::withheld;
use crate::configured::Missing;
use crate::{Check, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "sent-to-forbidden-host",
    observed_when: "a message leaves although the configured name of the server holds a character that is forbidden in it",
    trigger: "the same port, with a sound name, got its control message out in the same case",
    method: "Two messages are submitted in one case: a control, known by its Subject, with a sound SMTPHost, and one whose \
             SMTPHost holds a forbidden character. Silence means that the name was refused only if the first got out.",
    references: &["RFC 5321 2.3.5"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    withheld::judge(subject, Missing::Host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_leaves_and_one_that_does_not() {
        withheld::testing::holds_back(&CHECK, Missing::Host);
    }
}

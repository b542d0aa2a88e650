//! With a body text and no character set for it, does the message leave?

use super::withheld;
use crate::configured::Missing;
use crate::{Check, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "sent-without-body-charset",
    observed_when: "a message leaves although its body text has no character set to be sent in",
    trigger: "the same port, with a character set, got its control message out in the same case",
    method: "Two messages are submitted in one case: a control, known by its Subject, with EmailBodyTextCharset set, and one \
             without. Silence means that the second was suspended only if the first got out.",
    references: &["RFC 2046 4.1.2"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    withheld::judge(subject, Missing::BodyCharset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_leaves_and_one_that_does_not() {
        withheld::testing::holds_back(&CHECK, Missing::BodyCharset);
    }
}

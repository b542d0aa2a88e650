//! Does the client call an accepted message failed?

use crate::given::Reported;
use crate::{Check, Evidence, Finding, Subject};

use super::steps::accepted;

pub(super) static CHECK: Check = Check {
    id: "acceptance-reported-as-failed",
    observed_when: "the client says that its message was not sent, and the server took it over for every recipient",
    trigger: "the content got a 2yz, every recipient had got one before, and the client said what became of its message",
    method: "With a 2yz to the end of content the message is the server's. A client that calls it failed all the same will have it \
             sent twice. A message with a refused recipient is not judged: it failed in part.",
    references: &["RFC 5321 4.2.5", "RFC 5321 6.1", "RFC 1047"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    let Some(event) = accepted(subject) else {
        return Finding::undetermined("the server took no message over");
    };
    let mut recipients = subject.timeline().transactions.iter().flat_map(|transaction| &transaction.recipients);
    if recipients.any(|recipient| recipient.accepted != Some(true)) {
        return Finding::undetermined("not every recipient was accepted");
    }
    let evidence = vec![Evidence::event(event, "the reply that took the message over")];
    match subject.given().reported {
        None => Finding::undetermined("what the client said of its message is not known"),
        Some(Reported::Sent) => Finding::not_observed("the message was accepted, and the client says so", evidence),
        Some(Reported::Failed) => Finding::observed("the message was accepted, and the client says that it was not sent", evidence),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FROM, Talk, find, plain};
    use super::*;
    use crate::Given;

    fn said(reported: Reported) -> Given {
        Given { reported: Some(reported), ..Given::default() }
    }

    fn sent() -> Talk {
        Talk::ehlo(&[]).message(&plain("", "x")).quit()
    }

    #[test]
    fn what_the_client_says_is_held_against_the_final_reply() {
        find(&CHECK, sent(), said(Reported::Failed)).observed("says that it was not sent", &["250 taken\r\n"]);
        find(&CHECK, sent(), said(Reported::Sent)).not_observed("says so", &["250 taken\r\n"]);
        find(&CHECK, sent(), Given::default()).undetermined("is not known");
    }

    #[test]
    fn a_message_that_failed_in_part_or_whole() {
        find(&CHECK, Talk::ehlo(&[]).quit(), said(Reported::Failed)).undetermined("took no message over");
        let part = Talk::ehlo(&[])
            .cs(&format!("MAIL FROM:<{FROM}>"), "250 ok")
            .cs("RCPT TO:<a@b.example>", "250 ok")
            .cs("RCPT TO:<c@b.example>", "550 no")
            .cs("DATA", "354 go")
            .turn("C", "x\r\n.\r\n")
            .s("250 taken")
            .quit();
        find(&CHECK, part, said(Reported::Failed)).undetermined("not every recipient");
    }
}

//! Does a mail that came as the body part decide who gets it?

use super::{each, same_mailbox};
use crate::subject::Sent;
use crate::{Check, Evidence, Finding, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "embedded-recipients-added",
    observed_when: "a body part of type message/rfc822 is the mail, and the recipients in its To field are given to the server \
                    as well as those of the port",
    trigger: "a message was sent whose body part is a mail with recipients that are not configured",
    method: "The forward-paths of RCPT are compared with the addresses in the To field of the body part. Where they are added, \
             whoever can write a payload can send mail to anybody.",
    references: &["RFC 2046 5.2.1", "RFC 5321 4.1.1.3"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if subject.given().configured.embedded_to.is_empty() {
        return Finding::not_applicable("about a body part that is a mail with recipients of its own");
    }
    each::message(subject, Observation::NotObserved, |sent| judge(subject, sent))
}

fn judge(subject: &Subject<'_>, sent: &Sent<'_>) -> Finding {
    let mut evidence = Vec::new();
    for wanted in &subject.given().configured.embedded_to {
        let mut recipients = sent.transaction.recipients.iter();
        let found = recipients.find(|recipient| same_mailbox(&recipient.address.value, wanted));
        let Some(found) = found else {
            return match subject.unheard() {
                Some(reason) => Finding::undetermined(reason),
                None => Finding::not_observed(
                    format!("{wanted} is in the To field of the body part and was given no RCPT"),
                    vec![sent.all("the message")],
                ),
            };
        };
        let what = "RCPT of a recipient that only the body part names";
        evidence.push(Evidence::bytes(sent.timeline, found.address.span, what));
    }
    Finding::observed("the payload added recipients to those of the port", evidence)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, TO, Talk, find, plain};
    use super::*;
    use crate::Given;

    fn given() -> Given {
        let mut given = Given::default();
        given.configured.embedded_to = vec!["eve@elsewhere.example".to_owned()];
        given
    }

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk.quit(), given())
    }

    #[test]
    fn added_or_not() {
        let both = Talk::ehlo(&[]).to(&[TO, "eve@ELSEWHERE.example"], &plain("", "x"));
        seen(both).observed("added recipients", &["eve@ELSEWHERE.example"]);
        seen(Talk::ehlo(&[]).message(&plain("", "x"))).not_observed("was given no RCPT", &["From: …"]);
    }

    #[test]
    fn what_cannot_be_told() {
        seen(Talk::ehlo(&[]).gap().message(&plain("", "x"))).undetermined("does not hold");
        seen(Talk::ehlo(&[])).undetermined("no message was sent");
        let talk = Talk::ehlo(&[]).message(&plain("", "x")).quit();
        find(&CHECK, talk, Given::default()).not_applicable("a mail with recipients");
    }
}

//! Is a message sent again although the server took it?

use smtp::Timeline;
use smtp::timeline::Data;

use crate::chain;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "resent-after-acceptance",
    observed_when: "a message that the server accepted is sent again in a later conversation, after the connection ended without a goodbye",
    trigger: "the server accepted a message, the connection ended before QUIT was answered, and it is known that the sender did \
              nothing more about it",
    method: "With its 2yz the server has taken responsibility, whatever becomes of the connection. A message is known again by its Message-ID \
             field, or by its bytes. That it was not sent again needs the end of the case: a sender that was asked what became of its message \
             and answered has done what it was going to do.",
    references: &["RFC 5321 4.1.1.4", "RFC 5321 6.1", "RFC 1047"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let timeline = subject.timeline();
    let accepted = subject.sent().filter(|sent| sent.data.accepted == Some(true));
    let Some(sent) = accepted.last() else {
        return Finding::undetermined("no message was accepted in this conversation");
    };
    if chain::said_goodbye(timeline) {
        return Finding::undetermined("the session ended in good order, so that nothing was left in doubt");
    }
    let mut evidence = vec![sent.all("the accepted message")];
    evidence.extend(acceptance(timeline, sent.data));
    let mut later = subject.later().flat_map(|one| one.sent());
    if let Some(again) = later.find(|one| one.is_copy_of(&sent)) {
        let packet = again.timeline.packets(again.data.span).first().copied().unwrap_or_default();
        evidence.push(Evidence::packet(packet, "the same message, sent again"));
        return Finding::observed("the server had accepted the message, and it was sent again", evidence);
    }
    if let Some(reason) = subject.siblings().find_map(|sibling| sibling.unheard()) {
        return Finding::undetermined(reason);
    }
    if subject.given().reported.is_none() {
        return Finding::undetermined("it is not known whether the sender was done with the message when the capture ended");
    }
    Finding::not_observed("the connection ended after the acceptance, and the message was not sent again", evidence)
}

fn acceptance(timeline: &Timeline, data: &Data) -> Option<Evidence> {
    let (event, reply) = timeline.reply(data.exchange)?;
    Some(Evidence::event(event, format!("{} to the message", reply.code)))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, case, find, plain};
    use super::*;
    use crate::Given;
    use crate::given::Reported;

    fn given() -> Given {
        Given { reported: Some(Reported::Sent), ..Given::default() }
    }

    fn sent() -> Talk {
        Talk::ehlo(&[]).message(&plain("Message-ID: <1@a>\n", "x"))
    }

    fn torn() -> Talk {
        sent().turn("-S", "").turn("-C", "")
    }

    fn seen(talks: Vec<Talk>) -> Seen {
        case(talks, given()).find(&CHECK, 0)
    }

    #[test]
    fn it_comes_again() {
        let quotes = ["From: …", "250 taken\r\n", "packet 10"];
        seen(vec![torn(), sent().quit()]).observed("it was sent again", &quotes);
        let other = Talk::ehlo(&[]).message(&plain("Message-ID: <2@a>\n", "x"));
        seen(vec![torn(), other.quit()]).not_observed("was not sent again", &["From: …"]);
    }

    #[test]
    fn it_does_not() {
        seen(vec![torn(), Talk::ehlo(&[]).quit()]).not_observed("was not sent again", &["From: …", "250 taken\r\n"]);
    }

    #[test]
    fn without_doubt_or_without_an_end() {
        seen(vec![sent().quit()]).undetermined("in good order");
        seen(vec![Talk::ehlo(&[]).quit()]).undetermined("no message was accepted");
        find(&CHECK, torn(), Given::default()).undetermined("not known whether");
        seen(vec![torn(), Talk::ehlo(&[]).gap().quit()]).undetermined("does not hold");
    }
}

//! Does the client send a message that the server said it would not take?

use smtp::Timeline;
use smtp::timeline::{Keyword, Located};

use super::has_ended;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "message-over-announced-size",
    observed_when: "a message crosses that is longer than the server announced with SIZE",
    trigger: "the server announced a size, and a message crossed or one that is longer was to be sent",
    method: "The octets of the message are counted without stuffed dots and without the line that ends it, as RFC 1870 \
             counts them, and held against the number in the last reply to EHLO; no number, or 0, announces nothing. \
             A client whose message is longer says so with SIZE in MAIL, or does not begin.",
    references: &["RFC 1870 3", "RFC 1870 6"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let timeline = subject.timeline();
    let Some((limit, line)) = announced(timeline) else {
        return Finding::not_applicable("the server announces no size");
    };
    let offer = || Evidence::bytes(timeline, line.span, format!("SIZE {limit} announced"));
    let mut fitting = None;
    for (_, data) in timeline.messages() {
        let octets = data.content.octets();
        let message = Evidence::bytes(timeline, data.span, format!("a message of {octets} octets"));
        if octets > limit {
            let reason = format!("a message of {octets} octets crosses, and {limit} are announced");
            return Finding::observed(reason, vec![message, offer()]);
        }
        fitting = Some((octets, message)).filter(|_| data.complete).or(fitting);
    }
    if let Some(reason) = subject.unheard() {
        return Finding::undetermined(reason);
    }
    let told = subject.given().content.as_ref().map_or(0, |told| told.expose().len() as u64);
    match fitting {
        Some((octets, message)) if told <= limit => {
            Finding::not_observed(format!("the message has {octets} octets, and {limit} are announced"), vec![message, offer()])
        }
        None if told > limit && has_ended(timeline) => {
            let mut evidence = vec![offer()];
            let last = timeline.commands().last();
            evidence.extend(last.map(|(_, event, command)| Evidence::event(event, format!("{}, the last command", command.verb))));
            let reason = format!("a message of more than {told} octets was to be sent, {limit} are announced, and none crosses");
            Finding::not_observed(reason, evidence)
        }
        Some(_) => Finding::undetermined("another message crosses than the one that was to be sent"),
        None => Finding::undetermined("no message was sent"),
    }
}

/// The size that the server announced last, and where.
fn announced(timeline: &Timeline) -> Option<(u64, &Located<Keyword>)> {
    let line = timeline.capabilities.last()?.get("SIZE")?;
    let limit = line.value.parameters.first()?.parse().ok().filter(|limit| *limit > 0)?;
    Some((limit, line))
}

#[cfg(test)]
mod tests {
    use smtp::Secret;

    use super::super::testing::{Seen, Talk, find, plain};
    use super::*;
    use crate::Given;

    fn seen(told: usize, talk: Talk) -> Seen {
        let content = Some(Secret::new(vec![b'x'; told]));
        find(&CHECK, talk, Given { content, ..Given::default() })
    }

    fn sent(keyword: &str) -> Talk {
        Talk::ehlo(&[keyword]).message(&plain("", &"x".repeat(100))).quit()
    }

    #[test]
    fn a_message_that_is_too_long() {
        seen(100, sent("SIZE 99")).observed("99 are announced", &["From: …", "250 SIZE 99\r\n"]);
    }

    #[test]
    fn held_back_or_short_enough() {
        seen(100, sent("SIZE 1000")).not_observed("1000 are announced", &["From: …", "250 SIZE 1000\r\n"]);
        let declared = Talk::ehlo(&["SIZE 99"]).cs("MAIL FROM:<> SIZE=170", "552 too big").quit();
        seen(100, declared).not_observed("none crosses", &["250 SIZE 99\r\n", "QUIT\r\n"]);
    }

    #[test]
    fn nothing_announced_or_sent() {
        for keyword in ["SIZE", "SIZE 0", "SIZE x", "8BITMIME"] {
            seen(100, sent(keyword)).not_applicable("announces no size");
        }
        seen(10, Talk::ehlo(&["SIZE 99"]).quit()).undetermined("no message was sent");
        seen(100, Talk::ehlo(&["SIZE 99"])).undetermined("no message was sent");
        seen(1000, sent("SIZE 900")).undetermined("another message");
        seen(100, Talk::ehlo(&["SIZE 99"]).gap().quit()).undetermined("does not hold");
    }
}

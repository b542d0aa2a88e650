//! Does the client go on when the server says so?

use smtp::Timeline;
use smtp::timeline::Event;

use crate::{Check, Evidence, Finding, Subject};

use super::has_ended;
use super::steps::{Answer, End, answer, answered, code, end, leaving};

pub(super) static CHECK: Check = Check {
    id: "gave-up-despite-success",
    observed_when: "the client ends the session without having sent its message, and every reply had told it to go on",
    trigger: "no reply refused anything, and the message went out or the session ended",
    method: "The first digit of a reply decides, whatever its other digits, its text, its number of lines or its segments are: 2yz \
             means go on, and 3yz to DATA. A client that leaves all the same did not understand the reply before.",
    references: &["RFC 5321 4.2", "RFC 5321 4.2.1", "RFC 5321 4.3.2"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    let timeline = subject.timeline();
    let odd = answered(timeline).find(|(verb, _, reply)| answer(reply, verb) != Answer::Go);
    if let Some((_, event, reply)) = odd {
        if let Some(End::Client(left)) = end(timeline).filter(|_| !reply.complete && is_last(timeline, event)) {
            return Finding::observed(
                "the client left in the middle of a reply",
                vec![Evidence::event(left, "the client's end of the connection"), Evidence::event(event, "what there was of the reply")],
            );
        }
        return Finding::undetermined(format!("the server did not agree to everything: it answered {}", code(reply)));
    }
    let Some((_, last, reply)) = answered(timeline).last() else {
        return Finding::undetermined("the server said nothing");
    };
    let said = Evidence::event(last, "the last reply");
    let whole = timeline.messages().find(|(_, data)| data.complete && timeline.reply(data.exchange).is_some());
    if let Some((_, data)) = whole {
        let content = Evidence::bytes(timeline, data.span, "the message");
        return Finding::not_observed("the client sent its message to the end", vec![said, content]);
    }
    if !has_ended(timeline) {
        return Finding::undetermined("the capture ends before the session does");
    }
    if timeline.messages().any(|(_, data)| data.complete) {
        return Finding::undetermined("the message got no final reply");
    }
    let evidence = std::iter::once(said).chain(leaving(timeline));
    Finding::observed(format!("the server said {}, and the client gave up", code(reply)), evidence.collect())
}

/// Whether nothing of the server comes behind the beginning of a reply, and that is short.
fn is_last(timeline: &Timeline, reply: &Event) -> bool {
    reply.span.len() <= 512 && reply.span.end == timeline.octets[1]
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FROM, TO, Talk, find, plain};
    use super::*;
    use crate::Given;

    fn mail(reply: &str) -> Talk {
        Talk::ehlo(&[]).cs(&format!("MAIL FROM:<{FROM}>"), reply)
    }

    #[test]
    fn leaving_after_a_yes() {
        find(&CHECK, mail("259 fine").quit(), Given::default()).observed("said 259, and the client gave up", &["259 fine\r\n", "QUIT\r\n"]);
        find(&CHECK, mail("250").closed(), Given::default()).observed("said 250", &["250\r\n", "packet…"]);
        find(&CHECK, Talk::ehlo(&[]).quit(), Given::default()).observed("said 250", &["250 mx.example\r\n"]);
        let torn = Talk::ehlo(&[]).envelope(&format!("<{FROM}>"), &[&format!("<{TO}>")]).turn("C", "QUIT\r\n").closed();
        find(&CHECK, torn, Given::default()).observed("said 354", &["354 go\r\n"]);
        let cut = Talk::ehlo(&[]).c("MAIL FROM:<a@b.example>").turn("S", "250-a\r\n").closed();
        find(&CHECK, cut, Given::default()).observed("in the middle of a reply", &["packet…", "250-a\r\n"]);
    }

    #[test]
    fn sending_to_the_end() {
        let talk = Talk::ehlo(&[]).message(&plain("", "x")).quit();
        find(&CHECK, talk, Given::default()).not_observed("to the end", &["250 taken\r\n", "From…"]);
    }

    #[test]
    fn no_plain_yes() {
        find(&CHECK, mail("550 no").quit(), Given::default()).undetermined("it answered 550");
        find(&CHECK, mail("250 ok"), Given::default()).undetermined("capture ends");
        let cut = Talk::ehlo(&[]).envelope(&format!("<{FROM}>"), &[&format!("<{TO}>")]).turn("C", "x\r\n.\r\n").closed();
        find(&CHECK, cut, Given::default()).undetermined("no final reply");
    }
}

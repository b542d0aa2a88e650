//! Does the client stop reading a reply that does not end?

use smtp::Timeline;
use smtp::timeline::{Event, EventKind};
use wire::Direction;

use crate::{Check, Evidence, Finding, Subject};

use super::steps::{End, end};

pub(super) static CHECK: Check = Check {
    id: "endless-reply-read",
    observed_when: "the client stays through a mebibyte and more of one reply",
    trigger: "the server sent 2 KiB or more of a reply, and the client left or a mebibyte went by",
    method: "What the server sent between two words of the client is counted. A reply line has at most 512 octets; a client that \
             takes a mebibyte of one reply and is still there when the server gives up has no bound, and a server can \
             fill its memory.",
    references: &["RFC 5321 4.5.3.1.5"],
    run,
};

/// What counts as a reply without an end.
const LONG: u64 = 2048;
/// What no client with a bound takes.
const UNBOUNDED: u64 = 1 << 20;

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    let timeline = subject.timeline();
    let Some(Stretch { first, octets, followed, said_goodbye, .. }) = longest(timeline).filter(|stretch| stretch.octets >= LONG) else {
        return Finding::undetermined("no reply was long enough to try the client");
    };
    let reply = Evidence::event(first, "the beginning of the reply");
    let left = match end(timeline) {
        Some(End::Client(event)) => Some(event),
        _ => None,
    };
    match left {
        _ if octets >= UNBOUNDED && said_goodbye => {
            Finding::undetermined("the client left with QUIT in the middle of the reply; how much of it it had read cannot be seen")
        }
        _ if octets >= UNBOUNDED && followed => {
            Finding::observed(format!("the client took a reply of {octets} octets and went on"), vec![reply])
        }
        None if octets >= UNBOUNDED => {
            Finding::observed(format!("the client was still there after {octets} octets of one reply"), vec![reply])
        }
        Some(left) => Finding::not_observed(
            format!("the client left after {octets} octets of one reply at most"),
            vec![Evidence::event(left, "the client's end of the connection"), reply],
        ),
        None => Finding::undetermined("the server gave up before a client has to"),
    }
}

/// What the server said between two words of the client.
struct Stretch<'a> {
    /// What it begins with.
    first: &'a Event,
    octets: u64,
    /// Whether the client spoke after it.
    followed: bool,
    /// Whether all that it said then was QUIT, when the server had closed already: it may have read no more than a part.
    said_goodbye: bool,
}

/// The longest of them. A reply that is too long to be kept whole is more than one event.
fn longest(timeline: &Timeline) -> Option<Stretch<'_>> {
    let mut all: Vec<Stretch<'_>> = Vec::new();
    let mut open = false;
    let fin = timeline.events.iter().find(|event| event.kind == EventKind::Fin && event.span.direction == Direction::Server);
    let fin = fin.and_then(|event| event.packets.first().copied());
    for event in timeline.events.iter().filter(|event| !event.span.is_empty() && event.kind != EventKind::Tls) {
        match (event.span.direction, all.last_mut()) {
            (Direction::Client, last) => {
                open = false;
                if let Some(stretch) = last {
                    let quits = matches!(&event.kind, EventKind::Command(command) if command.verb == "QUIT");
                    let closed = fin.is_some_and(|packet| event.packets.first() > Some(&packet));
                    stretch.said_goodbye = quits && closed && !stretch.followed;
                    stretch.followed = true;
                }
            }
            (Direction::Server, Some(stretch)) if open => {
                stretch.octets = event.span.end.saturating_sub(stretch.first.span.start);
            }
            (Direction::Server, _) => {
                open = true;
                all.push(Stretch {
                    first: event,
                    octets: event.span.len(),
                    followed: false,
                    said_goodbye: false,
                });
            }
        }
    }
    if let Some(last) = all.last_mut().filter(|_| open) {
        last.octets = timeline.octets[1].saturating_sub(last.first.span.start);
    }
    all.into_iter().max_by_key(|stretch| stretch.octets)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Talk, find};
    use super::*;
    use crate::Given;

    /// A session with so many octets of continuation lines in reply to EHLO.
    fn ehlo(octets: usize) -> Talk {
        Talk::silent().s("220 mx").c("EHLO a").turn("S", "250-more\r\n".repeat(octets / 10))
    }

    #[test]
    fn staying_to_the_bitter_end() {
        let talk = ehlo(2 << 20).turn("-S", "").turn("-C", "");
        find(&CHECK, talk, Given::default()).observed("still there after 2097150 octets", &["250-more…"]);
        let line = Talk::silent().turn("S", "2".repeat(3 << 20)).turn("-S", "").turn("-C", "");
        find(&CHECK, line, Given::default()).observed("still there after 3145728 octets", &["2…"]);
        let talk = ehlo(2 << 20).s("250 end").cs("QUIT", "221 bye").closed();
        find(&CHECK, talk, Given::default()).observed("took a reply of", &["250-more…"]);
    }

    #[test]
    fn leaving_in_time() {
        find(&CHECK, ehlo(20 << 10).closed(), Given::default()).not_observed("left after 20480 octets", &["packet…", "250-more…"]);
    }

    #[test]
    fn no_test() {
        find(&CHECK, ehlo(100).closed(), Given::default()).undetermined("long enough");
        find(&CHECK, ehlo(20 << 10).turn("-S", "").turn("-C", ""), Given::default()).undetermined("gave up before");
        find(&CHECK, ehlo(2 << 20).turn("-S", "").c("QUIT").turn("-C", ""), Given::default()).undetermined("left with QUIT in the middle");
    }
}

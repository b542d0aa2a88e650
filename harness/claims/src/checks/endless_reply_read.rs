//! Does the client stop reading a reply that does not end?

use smtp::Timeline;
use smtp::timeline::{Event, EventKind};
use wire::Direction;

use crate::{Check, Evidence, Finding, Subject};

use super::steps::{End, end};

pub(super) static CHECK: Check = Check {
    id: "endless-reply-read",
    observed_when: "the client stays through a mebibyte and more of one reply",
    trigger: "the server sent 16 KiB or more without the end of a reply, and the client left or a mebibyte went by",
    method: "What the server sent between two words of the client is counted. A reply line has at most 512 octets; a client that \
             takes a mebibyte of one reply and is still there when the server gives up has no bound, and a server can \
             fill its memory.",
    references: &["RFC 5321 4.5.3.1.5"],
    run,
};

/// What counts as a reply without an end.
const LONG: u64 = 16 << 10;
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
    let Some((event, octets)) = longest(timeline).filter(|(_, octets)| *octets >= LONG) else {
        return Finding::undetermined("no reply was long enough to try the client");
    };
    let reply = Evidence::event(event, "the beginning of the reply");
    let left = match end(timeline) {
        Some(End::Client(event)) => Some(event),
        _ => None,
    };
    match left {
        _ if octets >= UNBOUNDED && spoke_after(timeline, event) => {
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

/// The longest stretch of the server's octets that belongs to one reply, with the event that it begins with.
fn longest(timeline: &Timeline) -> Option<(&Event, u64)> {
    let said = |event: &&Event| event.span.direction == Direction::Server && !event.span.is_empty();
    let server: Vec<_> = timeline.events.iter().filter(said).filter(|event| !matches!(event.kind, EventKind::Tls)).collect();
    let starts = server.iter().skip(1).map(|event| event.span.start).chain([timeline.octets[1]]);
    let stretches = server.iter().zip(starts).map(|(event, next)| (*event, next.saturating_sub(event.span.start)));
    stretches.max_by_key(|(_, octets)| *octets)
}

/// Whether the client said anything behind the reply.
fn spoke_after(timeline: &Timeline, reply: &Event) -> bool {
    let last = reply.packets.last().copied().unwrap_or_default();
    let speaks = |event: &Event| event.span.direction == Direction::Client && !event.span.is_empty();
    timeline.events.iter().any(|event| speaks(event) && event.packets.first().is_some_and(|first| *first > last))
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
        find(&CHECK, line.c("QUIT"), Given::default()).observed("octets", &["2…"]);
    }

    #[test]
    fn leaving_in_time() {
        find(&CHECK, ehlo(20 << 10).closed(), Given::default()).not_observed("left after 20480 octets", &["packet…", "250-more…"]);
    }

    #[test]
    fn no_test() {
        find(&CHECK, ehlo(100).closed(), Given::default()).undetermined("long enough");
        find(&CHECK, ehlo(20 << 10).turn("-S", "").turn("-C", ""), Given::default()).undetermined("gave up before");
    }
}

//! Could two readers of these packets see two different conversations?

use wire::{Direction, NoteKind, Span};

use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "conflicting-overlap",
    observed_when: "the same place of a stream, or of a datagram in fragments, was captured twice with different bytes",
    trigger: "every byte of both directions was captured",
    method: "Hosts differ in which of two overlapping segments or fragments they believe, so that an auditor and the server can be \
             shown different mail. This reader keeps the bytes that it saw first, and remarks on every place where later \
             ones differ. Where bytes are missing, those that would differ may be among them.",
    references: &["RFC 9293 3.10.7.4", "RFC 9293 3.4"],
    run,
};

/// Two values for one place, in a stream or in a datagram that was sent in pieces.
const CONFLICTS: [NoteKind; 2] = [NoteKind::ConflictingOverlap, NoteKind::ConflictingFragments];

fn run(subject: &Subject<'_>) -> Finding {
    let timeline = subject.timeline();
    let mut conflicts = timeline.notes.iter().filter(|note| CONFLICTS.contains(&note.kind));
    if let Some(first) = conflicts.next() {
        let more = match conflicts.count() {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        let place = first.packet.map(|packet| Evidence::packet(packet, "a segment or fragment with other bytes than before"));
        return Finding::observed(
            format!("two readers of these packets could see two different conversations: {}{more}", first.detail),
            place.into_iter().collect(),
        );
    }
    if let Some(gap) = timeline.gaps.first() {
        return Finding::undetermined(format!("the capture does not hold {} bytes of the {}", gap.len(), gap.direction));
    }
    if let Some(reason) = &timeline.given_up {
        return Finding::undetermined(format!("the conversation was not followed to its end: {reason}"));
    }
    let both = [Direction::Client, Direction::Server].into_iter().zip(timeline.octets);
    let streams = both.map(|(direction, octets)| Span::new(direction, 0, octets)).filter(|span| !span.is_empty());
    let evidence: Vec<_> = streams
        .map(|span| {
            // The first and the last packet stand for all.
            let mut packets = timeline.packets(Span::new(span.direction, span.start, span.start + 1));
            packets.extend(timeline.packets(Span::new(span.direction, span.end - 1, span.end)));
            packets.dedup();
            Evidence { packets, bytes: Some(span), what: format!("all bytes of the {}", span.direction).into() }
        })
        .collect();
    if evidence.is_empty() {
        return Finding::undetermined("the connection was opened and closed without a word");
    }
    Finding::not_observed("every byte of both directions was captured with one value", evidence)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, find, plain};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk, Given::default())
    }

    #[test]
    fn different_bytes_in_the_same_place() {
        let talk = Talk::ehlo(&[]).message(&plain("", "x")).quit();
        seen(talk.clone().note(NoteKind::ConflictingOverlap, 4)).observed("two readers", &["packet 4"]);
        seen(talk.clone().note(NoteKind::ConflictingFragments, 3)).observed("two readers", &["packet 3"]);
        let twice = talk.gap().note(NoteKind::ConflictingOverlap, 4).note(NoteKind::ConflictingOverlap, 5);
        seen(twice).observed("(and 1 more)", &["packet 4"]);
    }

    #[test]
    fn each_byte_once() {
        let talk = Talk::ehlo(&[]).quit().note(NoteKind::OddSegment, 2);
        let all = "EHLO host.contoso.example\r\nQUIT\r\n";
        seen(talk).not_observed("one value", &[all, "220 mx.example ESMTP\r\n250 mx.example\r\n221 bye\r\n"]);
    }

    #[test]
    fn bytes_missing() {
        seen(Talk::ehlo(&[]).gap().quit()).undetermined("does not hold 6 bytes");
        seen(Talk::silent().closed()).undetermined("without a word");
    }
}

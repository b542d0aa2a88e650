//! The way from stream events to a timeline.

use wire::{Closing, Conversation, Opening, StreamEvent};

use super::attempt::Attempt;
use super::detect::{Detector, Verdict, turned};
use super::machine::{Machine, Matter, Mode, Piece, ServerMode};
use crate::timeline::{Protocol, Timeline, TlsStart};

/// Reads a conversation while it is still coming in.
///
/// Feed it the events in order, and finish it with what is then known about the conversation. Events are only kept
/// until it is clear what is spoken; after that the reader holds what the [`Timeline`] will hold, the line in progress,
/// and client bytes that wait for a reply.
#[derive(Debug)]
pub struct Reader {
    midstream: bool,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// Nothing is known yet; the events so far.
    Detecting(Box<Detector>, Vec<StreamEvent>),
    /// Reading, by this verdict.
    Reading(Box<Machine>, Verdict),
}

impl Reader {
    /// For a conversation that begins as `opening` says.
    pub fn new(opening: Opening) -> Self {
        let midstream = opening == Opening::Midstream;
        let stage = Stage::Detecting(Box::new(Detector::new(midstream)), Vec::new());
        Self { midstream, stage }
    }

    /// Takes the next event.
    pub fn feed(&mut self, event: &StreamEvent) {
        match &mut self.stage {
            Stage::Reading(machine, verdict) => machine.feed(piece(event, machine, *verdict)),
            Stage::Detecting(detector, events) => {
                events.push(event.clone());
                if let Some(verdict) = detector.feed(event) {
                    let events = std::mem::take(events);
                    self.stage =
                        Stage::Reading(Box::new(start(self.midstream, verdict, &events)), verdict);
                }
            }
        }
    }

    /// Ends the reading. `conversation` tells what stands around the events, which are not looked at again.
    pub fn finish(self, conversation: &Conversation) -> Timeline {
        let (machine, verdict) = match self.stage {
            Stage::Reading(machine, verdict) => (machine, verdict),
            Stage::Detecting(mut detector, events) => {
                let verdict = detector.last();
                (Box::new(start(self.midstream, verdict, &events)), verdict)
            }
        };
        timeline(*machine, verdict, conversation)
    }
}

/// The machine that reads by `verdict`, after what was seen already.
fn start(midstream: bool, verdict: Verdict, events: &[StreamEvent]) -> Machine {
    let (client, server) = match verdict.protocol {
        Protocol::Smtp | Protocol::ImplicitTls if midstream => (Mode::Lost, ServerMode::Replies),
        Protocol::Smtp | Protocol::ImplicitTls => (Mode::Commands, ServerMode::Replies),
        Protocol::Silent | Protocol::Other => (Mode::Opaque, ServerMode::Opaque),
    };
    let mut machine = Machine::new(midstream, client, server);
    if verdict.protocol == Protocol::ImplicitTls {
        machine.encrypted.allow(TlsStart::Implicit);
    }
    for event in events {
        machine.feed(piece(event, &machine, verdict));
    }
    machine
}

/// An event in the form that the machine takes, with the directions set right.
fn piece(event: &StreamEvent, machine: &Machine, verdict: Verdict) -> Piece {
    let at = |direction, offset, packet, time, matter| Piece {
        direction: turned(direction, verdict.swapped),
        offset,
        packet,
        time,
        matter,
    };
    match *event {
        StreamEvent::Data {
            direction,
            offset,
            packet,
            time,
            ref bytes,
        } => at(
            direction,
            offset,
            packet,
            time,
            Matter::Bytes {
                bytes: bytes.clone(),
                at: 0,
            },
        ),
        StreamEvent::Gap {
            direction,
            offset,
            length,
            packet,
            time,
        } => at(direction, offset, packet, time, Matter::Gap(length)),
        StreamEvent::Fin {
            direction,
            packet,
            time,
        } => {
            let end = machine.ends[super::log::side(turned(direction, verdict.swapped))];
            at(direction, end, packet, time, Matter::Fin)
        }
        StreamEvent::Reset {
            direction,
            packet,
            time,
        } => {
            let end = machine.ends[super::log::side(turned(direction, verdict.swapped))];
            at(direction, end, packet, time, Matter::Reset)
        }
    }
}

fn timeline(mut machine: Machine, verdict: Verdict, conversation: &Conversation) -> Timeline {
    machine.end();
    let (client, server) = (conversation.client, conversation.server);
    let (client, server) = if verdict.swapped {
        (server, client)
    } else {
        (client, server)
    };
    let closing = match conversation.closing {
        Closing::HalfClosed(side) => Closing::HalfClosed(turned(side, verdict.swapped)),
        Closing::Reset(side) => Closing::Reset(turned(side, verdict.swapped)),
        closing => closing,
    };
    Timeline {
        index: conversation.index,
        client,
        server,
        protocol: verdict.protocol,
        opening: conversation.opening,
        closing,
        start: conversation.start,
        end: conversation.end,
        events: machine.log.events,
        exchanges: machine.log.exchanges,
        capabilities: machine.capabilities,
        authentications: machine.attempts.into_iter().map(Attempt::finish).collect(),
        transactions: machine.envelope.transactions,
        tls: machine.encrypted.finish(machine.ends),
        octets: machine.octets,
        gaps: machine.gaps,
        provenance: machine.log.provenance,
        notes: conversation.notes.clone(),
    }
}

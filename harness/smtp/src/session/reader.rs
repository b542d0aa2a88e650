//! The way from stream events to a timeline.

use std::sync::Arc;

use wire::{About, Arrival, Closing, Consumer, Direction, Opening, StreamEvent};

use super::attempt::Attempt;
use super::detect::{Detector, Verdict, turned};
use super::encrypted::Encrypted;
use super::machine::{Machine, Mode, ServerMode};
use super::preamble::{self, Preamble};
use crate::content::Keep;
use crate::timeline::{Protocol, Timeline, TlsStart};
use crate::tls::KeyLog;

/// What a reader is told beforehand.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How much of each message is kept.
    pub keep: Keep,
    /// Whether connections that carry neither SMTP nor TLS are read no further.
    pub only_mail: bool,
    /// Secrets of TLS connections: where they open one, what is inside is read too.
    pub keys: Option<Arc<KeyLog>>,
}

/// Reads a conversation while it is still coming in.
///
/// Feed it the events in order, and finish it with what is then known about the conversation. Events are only kept
/// until it is clear what is spoken; after that the reader holds what the [`Timeline`] will hold, the line in progress,
/// and client bytes that wait for a reply.
#[derive(Debug)]
pub struct Reader {
    options: Options,
    midstream: bool,
    /// The directions of the conversation were exchanged after reading had begun.
    turned: bool,
    /// The connection leads through a proxy, whose part is over.
    tunnel: bool,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// Nothing is known yet; the events so far, and how many bytes they hold.
    Detecting(Box<Detector>, Vec<StreamEvent>, usize),
    /// Reading, by this verdict.
    Reading(Box<Machine>, Verdict),
}

impl Reader {
    /// For a conversation that is about to come.
    pub fn new(options: Options) -> Self {
        Self {
            options,
            midstream: false,
            turned: false,
            tunnel: false,
            stage: Stage::Detecting(Box::new(Detector::new(false)), Vec::new(), 0),
        }
    }

    /// Takes the next event.
    pub fn feed(&mut self, arrival: Arrival<'_>) {
        match &mut self.stage {
            Stage::Reading(machine, verdict) => {
                machine.take_arrival(redirected(arrival, verdict.swapped != self.turned));
            }
            Stage::Detecting(detector, events, weight) => {
                events.take(arrival);
                if let Arrival::Data { bytes, .. } = arrival {
                    *weight += bytes.len();
                }
                let verdict = detector.feed(arrival);
                if !self.tunnel {
                    match preamble::look_again(events, *weight) {
                        Preamble::None => {}
                        Preamble::Undecided => return,
                        Preamble::Tunnel(lengths) => {
                            let events = std::mem::take(events);
                            self.behind(events, lengths);
                            return;
                        }
                    }
                }
                if let Some(verdict) = verdict {
                    let events = std::mem::take(events);
                    self.stage = self.start(verdict, &events);
                }
            }
        }
    }

    /// Begins again behind what was said to a proxy.
    fn behind(&mut self, events: Vec<StreamEvent>, lengths: [usize; 2]) {
        self.tunnel = true;
        self.stage = Stage::Detecting(Box::new(Detector::new(false)), Vec::new(), 0);
        for event in preamble::behind(events, lengths) {
            self.feed(event.arrival());
        }
    }

    fn start(&self, verdict: Verdict, events: &[StreamEvent]) -> Stage {
        let machine = start(&self.options, self.midstream, verdict, events);
        Stage::Reading(Box::new(machine), verdict)
    }

    /// Ends the reading. `about` tells what stands around the events.
    pub fn finish(mut self, about: &About) -> Timeline {
        if let Stage::Detecting(detector, events, _) = &mut self.stage {
            let (verdict, events) = (detector.last(), std::mem::take(events));
            self.stage = self.start(verdict, &events);
        }
        match self.stage {
            Stage::Reading(machine, verdict) => timeline(*machine, verdict, self.turned, about),
            Stage::Detecting(..) => unreachable!("reading was started above"),
        }
    }

    /// What is spoken, as soon as it is clear.
    pub fn protocol(&self) -> Option<Protocol> {
        match &self.stage {
            Stage::Reading(_, verdict) => Some(verdict.protocol),
            Stage::Detecting(..) => None,
        }
    }
}

impl Consumer for Reader {
    fn begin(&mut self, opening: Opening) {
        self.midstream = opening == Opening::Midstream;
        if let Stage::Detecting(detector, ..) = &mut self.stage {
            **detector = Detector::new(self.midstream);
        }
    }

    fn take(&mut self, arrival: Arrival<'_>) {
        self.feed(arrival);
    }

    fn turn(&mut self) {
        match &mut self.stage {
            Stage::Reading(..) => self.turned = !self.turned,
            Stage::Detecting(_, events, _) => {
                let mut events = std::mem::take(events);
                events.turn();
                self.stage =
                    Stage::Detecting(Box::new(Detector::new(self.midstream)), Vec::new(), 0);
                for event in &events {
                    self.feed(event.arrival());
                }
            }
        }
    }

    fn is_interested(&self) -> bool {
        !(self.options.only_mail && self.protocol() == Some(Protocol::Other))
    }

    fn weight(&mut self) -> usize {
        match &mut self.stage {
            Stage::Reading(machine, _) => machine.weight(),
            Stage::Detecting(_, events, bytes) => *bytes + size_of::<StreamEvent>() * events.len(),
        }
    }
}

/// The machine that reads by `verdict`, after what was seen already.
fn start(options: &Options, midstream: bool, verdict: Verdict, events: &[StreamEvent]) -> Machine {
    let (client, server) = match verdict.protocol {
        Protocol::Smtp | Protocol::ImplicitTls if midstream => (Mode::Lost, ServerMode::Replies),
        Protocol::Smtp | Protocol::ImplicitTls => (Mode::Commands, ServerMode::Replies),
        Protocol::Silent | Protocol::Other => (Mode::Opaque, ServerMode::Opaque),
    };
    let mut machine = Machine::new(midstream, options.keep, client, server);
    machine.encrypted = Encrypted::new(options.keys.clone());
    if verdict.protocol == Protocol::ImplicitTls {
        machine.encrypted.allow(TlsStart::Implicit);
    }
    for event in events {
        machine.take_arrival(redirected(event.arrival(), verdict.swapped));
    }
    machine
}

/// The event with its direction set right.
fn redirected(arrival: Arrival<'_>, swapped: bool) -> Arrival<'_> {
    if !swapped {
        return arrival;
    }
    let mut arrival = arrival;
    match &mut arrival {
        Arrival::Data { direction, .. }
        | Arrival::Gap { direction, .. }
        | Arrival::Fin { direction, .. }
        | Arrival::Reset { direction, .. } => *direction = Direction::reverse(*direction),
    }
    arrival
}

fn timeline(mut machine: Machine, verdict: Verdict, again: bool, about: &About) -> Timeline {
    machine.end();
    let swapped = verdict.swapped != again;
    let (client, server) = (about.client, about.server);
    let (client, server) = if swapped {
        (server, client)
    } else {
        (client, server)
    };
    let closing = match about.closing {
        Closing::HalfClosed(side) => Closing::HalfClosed(turned(side, swapped)),
        Closing::Reset(side) => Closing::Reset(turned(side, swapped)),
        closing => closing,
    };
    Timeline {
        index: about.index,
        client,
        server,
        protocol: verdict.protocol,
        opening: about.opening,
        closing,
        start: about.start,
        end: about.end,
        events: machine.log.events,
        exchanges: machine.log.exchanges,
        capabilities: machine.capabilities,
        authentications: machine.attempts.into_iter().map(Attempt::finish).collect(),
        transactions: machine.envelope.transactions,
        tls: machine.encrypted.finish(machine.ends),
        octets: machine.octets,
        gaps: machine.gaps,
        provenance: machine.log.provenance,
        packet_range: (about.first_packet, about.last_packet),
        given_up: about.given_up.clone(),
        notes: about.notes.clone(),
    }
}

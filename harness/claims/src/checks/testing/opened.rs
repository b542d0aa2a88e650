//! Conversations whose rest was read out of TLS.

use smtp::timeline::{Located, Protocol, Timeline, Tls, TlsStart};
use smtp::tls::{Handshake, Opened, Stop};
use wire::{Direction, Span};

use super::Talk;

impl Talk {
    /// All that follows crosses under TLS, and the keys of the session are at hand. Its records are left out: evidence
    /// points at what stood in them.
    pub(crate) fn opened(mut self) -> Self {
        self.opened = Some((self.turns.len(), None));
        self
    }

    /// The same, but opening stops at this point for one side.
    pub(crate) fn stopped(mut self, direction: Direction, stop: Stop) -> Self {
        if let Some((_, stopped)) = &mut self.opened {
            *stopped = Some((direction, stop));
        }
        self
    }

    /// Makes the rest of the conversation one that was read out of TLS.
    pub(super) fn lay_tls_over(&self, timeline: &mut Timeline) {
        let Some((turn, stop)) = &self.opened else {
            return;
        };
        let [client, server] = [Direction::Client, Direction::Server].map(|direction| {
            let side = if direction == Direction::Client {
                'C'
            } else {
                'S'
            };
            let before = self.turns[..*turn]
                .iter()
                .filter(|(who, _)| who.ends_with(side));
            let start: usize = before.map(|(_, bytes)| bytes.len()).sum();
            Span::new(direction, start as u64, self.stream(direction).len() as u64)
        });
        let asked = timeline
            .commands()
            .find(|(_, _, command)| command.verb == "STARTTLS");
        let start = asked.map_or(TlsStart::Implicit, |(number, _, _)| {
            TlsStart::StartTls(number)
        });
        if start == TlsStart::Implicit {
            timeline.protocol = Protocol::ImplicitTls;
        }
        let mut opened = Opened {
            records: [9, 9],
            octets: [client.len(), server.len()],
            ..Opened::default()
        };
        if let Some((direction, stop)) = stop {
            let side = usize::from(*direction == Direction::Server);
            let span = [client, server][side];
            let end = Span::new(*direction, span.end, span.end);
            opened.stopped[side] = Some(Located::new(*stop, end));
        }
        timeline.tls = Some(Tls {
            start,
            client,
            server,
            client_hello: None,
            server_hello: None,
            handshake: Handshake::default(),
            established: true,
            opened: Some(opened),
        });
    }
}

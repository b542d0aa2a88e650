//! What can still happen on a connection.

use wire::Direction;

use super::queue::Event;

/// What a connection may still record: nothing comes after a side's FIN, and nothing at all after a RST.
#[derive(Debug, Default)]
pub(super) struct Sides {
    client_over: bool,
    server_over: bool,
}

impl Sides {
    /// Whether the event can still happen; if so, what it ends is over.
    pub(super) fn admit(&mut self, event: &Event<&[u8]>) -> bool {
        let over = |sides: &Self, direction| match direction {
            Direction::Client => sides.client_over,
            Direction::Server => sides.server_over,
        };
        match *event {
            Event::Secrets(_) => true,
            Event::Data(direction, bytes) => !bytes.is_empty() && !over(self, direction),
            Event::Fin(direction, _) => {
                let admitted = !over(self, direction);
                match direction {
                    Direction::Client => self.client_over = true,
                    Direction::Server => self.server_over = true,
                }
                admitted
            }
            Event::Reset(_) => {
                let admitted = !(self.client_over && self.server_over);
                (self.client_over, self.server_over) = (true, true);
                admitted
            }
        }
    }
}

//! What happened on one socket, in order, with what the system's buffering made of it taken out again.

use wire::Direction;

/// Something that happened on a socket. `B` are its bytes, borrowed or owned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event<B> {
    /// Bytes were read from it (`Client`) or written to it (`Server`).
    Data(Direction, B),
    /// That side will send no more. Its FIN is in the segment that ends these bytes, where there are any.
    Fin(Direction, B),
    /// That side aborted the connection.
    Reset(Direction),
    /// TLS agreed on secrets: a line of a key log.
    Secrets(B),
}

impl<B> Event<B> {
    /// The same event with its bytes made into something else.
    pub(super) fn map<'a, C>(&'a self, bytes: impl FnOnce(&'a B) -> C) -> Event<C> {
        match self {
            Self::Data(direction, data) => Event::Data(*direction, bytes(data)),
            Self::Fin(direction, data) => Event::Fin(*direction, bytes(data)),
            Self::Reset(direction) => Event::Reset(*direction),
            Self::Secrets(line) => Event::Secrets(bytes(line)),
        }
    }
}

/// The events of one connection, held back until they can no longer change.
///
/// How the system happened to cut the client's bytes must not show in a capture that is to be the same in every run:
/// what was read without anything said in between is one flight. What was written is cut where it was flushed.
#[derive(Debug, Default)]
pub(super) struct Queue {
    events: Vec<Event<Vec<u8>>>,
    /// Whether the next written bytes begin a segment of their own.
    cut: bool,
}

impl Queue {
    pub(super) fn push(&mut self, event: Event<&[u8]>) {
        let cut = std::mem::take(&mut self.cut);
        match (self.events.last_mut(), event) {
            (Some(Event::Data(last, bytes)), Event::Data(direction, more))
                if *last == direction && !(cut && direction == Direction::Server) =>
            {
                bytes.extend_from_slice(more);
            }
            (_, event) => self.events.push(event.map(|bytes| bytes.to_vec())),
        }
    }

    /// What was written so far is a segment.
    pub(super) fn cut(&mut self) {
        self.cut = true;
    }

    /// Everything, leaving nothing.
    pub(super) fn take(&mut self) -> Vec<Event<Vec<u8>>> {
        std::mem::take(&mut self.events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(direction: Direction, text: &str) -> Event<&[u8]> {
        Event::Data(direction, text.as_bytes())
    }

    #[test]
    fn client_bytes_without_a_server_event_between_are_one_flight() {
        let mut queue = Queue::default();
        queue.push(data(Direction::Client, "EH"));
        queue.push(data(Direction::Client, "LO x\r\n"));
        queue.push(data(Direction::Server, "250 "));
        queue.push(data(Direction::Server, "x\r\n"));
        queue.cut();
        queue.push(data(Direction::Server, "250 y\r\n"));
        queue.cut();
        queue.push(data(Direction::Client, "QUIT\r\n"));
        queue.push(Event::Fin(Direction::Client, b""));
        let taken = queue.take();
        let taken: Vec<_> = taken.iter().map(|event| event.map(Vec::as_slice)).collect();
        assert_eq!(
            taken,
            [
                data(Direction::Client, "EHLO x\r\n"),
                data(Direction::Server, "250 x\r\n"),
                data(Direction::Server, "250 y\r\n"),
                data(Direction::Client, "QUIT\r\n"),
                Event::Fin(Direction::Client, b""),
            ]
        );
    }
}

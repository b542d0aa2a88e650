//! What happened on one socket, in order, with what the system's buffering made of it taken out again.

use wire::Direction;

/// Something that happened on a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// Bytes were read from it (`Client`) or written to it (`Server`).
    Data(Direction, Vec<u8>),
    /// That side will send no more.
    Fin(Direction),
    /// That side aborted the connection.
    Reset(Direction),
    /// TLS agreed on secrets: a line of a key log.
    Secrets(String),
}

/// The events of one connection, held back until they can no longer change.
///
/// How the system happened to cut the client's bytes must not show in a capture that is to be the same in every run:
/// what was read without anything said in between is one flight. What was written is cut where it was flushed.
#[derive(Debug, Default)]
pub(super) struct Queue {
    events: Vec<Event>,
    /// Whether the next written bytes begin a segment of their own.
    cut: bool,
}

impl Queue {
    pub(super) fn push(&mut self, event: Event) {
        let cut = std::mem::take(&mut self.cut);
        match (self.events.last_mut(), event) {
            (Some(Event::Data(last, bytes)), Event::Data(direction, more))
                if *last == direction && !(cut && direction == Direction::Server) =>
            {
                bytes.extend_from_slice(&more);
            }
            (_, event) => self.events.push(event),
        }
    }

    /// What was written so far is a segment.
    pub(super) fn cut(&mut self) {
        self.cut = true;
    }

    /// Everything, leaving nothing.
    pub(super) fn take(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(direction: Direction, text: &str) -> Event {
        Event::Data(direction, text.as_bytes().to_vec())
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
        queue.push(Event::Fin(Direction::Client));
        assert_eq!(
            queue.take(),
            [
                data(Direction::Client, "EHLO x\r\n"),
                data(Direction::Server, "250 x\r\n"),
                data(Direction::Server, "250 y\r\n"),
                data(Direction::Client, "QUIT\r\n"),
                Event::Fin(Direction::Client),
            ]
        );
    }
}

//! TCP: from segments to conversations.
//!
//! One policy for every dispute, so that a reader can predict it: of bytes captured twice, those captured first stand. What
//! the capture does not hold becomes a [`StreamEvent::Gap`](crate::StreamEvent::Gap) once the other side has acknowledged
//! it, for then it did cross the wire, or else when the connection or the capture ends.

mod connection;
mod held;
mod output;
mod stream;
mod waiting;

use std::collections::HashMap;
use std::net::SocketAddr;

use self::connection::Connection;
use crate::Conversation;
use crate::segment::Segment;

/// Puts the segments of any number of connections together.
#[derive(Debug, Default)]
pub struct Reassembler {
    /// All connections, in order of first packet.
    connections: Vec<Connection>,
    /// The latest connection between two sockets, the smaller address first.
    current: HashMap<(SocketAddr, SocketAddr), usize>,
}

impl Reassembler {
    /// No connections yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next segment, in capture order.
    pub fn push(&mut self, segment: &Segment<'_>) {
        let key = (segment.src.min(segment.dst), segment.src.max(segment.dst));
        let known = self
            .current
            .get(&key)
            .and_then(|&index| self.connections.get_mut(index));
        match known {
            Some(connection) if connection.owns(segment) => connection.push(segment),
            _ => {
                self.current.insert(key, self.connections.len());
                let mut connection = Connection::new(segment);
                connection.push(segment);
                self.connections.push(connection);
            }
        }
    }

    /// Ends all connections: what was held back is told, with the holes before it.
    pub fn finish(self) -> Vec<Conversation> {
        self.connections
            .into_iter()
            .enumerate()
            .map(|(index, connection)| connection.finish(index))
            .collect()
    }
}

#[cfg(test)]
mod tests;

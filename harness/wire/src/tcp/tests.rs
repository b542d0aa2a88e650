mod gaps;
mod lifecycle;
mod order;
mod properties;

use std::net::SocketAddr;

use super::Reassembler;
use crate::segment::{Flags, Segment};
use crate::{Closing, Conversation, Direction, NoteKind, Opening, StreamEvent, Timestamp};

/// Builds segments between two fixed sockets and numbers them.
#[derive(Default)]
struct Wire {
    reassembler: Reassembler<Vec<StreamEvent>>,
    packet: u64,
}

fn client() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 40_000))
}

fn server() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 2], 25))
}

const SYN: Flags = Flags::SYN;
const ACK: Flags = Flags::ACK;
const FIN: Flags = Flags::FIN.with(Flags::ACK);
const RST: Flags = Flags::RST;
/// A data segment that acknowledges nothing, for captures where the other side does not matter.
const PLAIN: Flags = Flags::SYN.when(false);

impl Wire {
    fn push(
        &mut self,
        from: Direction,
        flags: Flags,
        seq: u32,
        ack: u32,
        payload: &[u8],
    ) -> &mut Self {
        self.push_snapped(from, flags, seq, ack, payload, 0)
    }

    fn push_snapped(
        &mut self,
        from: Direction,
        flags: Flags,
        seq: u32,
        ack: u32,
        payload: &[u8],
        missing: u64,
    ) -> &mut Self {
        self.packet += 1;
        let (src, dst) = match from {
            Direction::Client => (client(), server()),
            Direction::Server => (server(), client()),
        };
        let time = Timestamp::from_nanos(self.packet * 1_000);
        self.reassembler.push(&Segment {
            packet: self.packet,
            time,
            src,
            dst,
            seq,
            ack,
            flags,
            payload,
            missing,
            disputed: false,
        });
        self
    }

    fn c(&mut self, flags: Flags, seq: u32, ack: u32, payload: &[u8]) -> &mut Self {
        self.push(Direction::Client, flags, seq, ack, payload)
    }

    fn s(&mut self, flags: Flags, seq: u32, ack: u32, payload: &[u8]) -> &mut Self {
        self.push(Direction::Server, flags, seq, ack, payload)
    }

    /// A handshake: the client's first byte has number 101, the server's 501.
    fn open(&mut self) -> &mut Self {
        self.c(SYN, 100, 0, b"")
            .s(SYN.with(ACK), 500, 101, b"")
            .c(ACK, 101, 501, b"")
    }

    fn all(&mut self) -> Vec<Conversation> {
        std::mem::take(&mut self.reassembler).finish()
    }

    fn one(&mut self) -> Conversation {
        let mut all = self.all();
        assert_eq!(all.len(), 1, "one conversation was expected");
        all.remove(0)
    }
}

/// One word for each event: who, offset, content, packet.
fn events(conversation: &Conversation) -> Vec<String> {
    conversation
        .events
        .iter()
        .map(|event| match event {
            StreamEvent::Data {
                direction,
                offset,
                packet,
                time,
                bytes,
            } => {
                assert_eq!(time.as_nanos(), packet * 1_000);
                format!(
                    "{direction} {offset} {} #{packet}",
                    String::from_utf8_lossy(bytes)
                )
            }
            StreamEvent::Gap {
                direction,
                offset,
                length,
                packet,
                ..
            } => {
                format!("{direction} {offset} gap of {length} #{packet}")
            }
            StreamEvent::Fin {
                direction, packet, ..
            } => format!("{direction} fin #{packet}"),
            StreamEvent::Reset {
                direction, packet, ..
            } => format!("{direction} reset #{packet}"),
        })
        .collect()
}

fn kinds(conversation: &Conversation) -> Vec<NoteKind> {
    conversation.notes.iter().map(|note| note.kind).collect()
}

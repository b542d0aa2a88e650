//! Conversations written down as dialogues, for tests.

use std::net::{Ipv4Addr, SocketAddr};

use wire::{About, Closing, Conversation, Direction, Opening, StreamEvent, Timestamp};

/// Makes a conversation out of turns, with one packet for each: who, and what.
///
/// `C` and `S` send the bytes. `-C` and `-S` send them and then FIN, `!C` and `!S` RST. `?C` and `?S` stand for a gap of
/// as many bytes. Packets are numbered from 1 and one millisecond apart, and the connection opens with a handshake
/// whose packets are not counted.
///
/// # Panics
/// If a turn begins with anything else.
pub fn dialogue(turns: &[(&str, &[u8])]) -> Conversation {
    let mut offsets = [0_u64; 2];
    let mut events = Vec::new();
    let mut ended = Vec::new();
    let mut reset = None;
    let (mut packet, mut time) = (0, Timestamp::from_nanos(1_700_000_000_000_000_000));
    for (who, bytes) in turns {
        let direction = match who.trim_start_matches(['-', '!', '?']) {
            "C" => Direction::Client,
            "S" => Direction::Server,
            _ => panic!("a turn begins with C or S, and `-`, `!` or `?` before it; not with {who}"),
        };
        packet += 1;
        time = Timestamp::from_nanos(time.as_nanos() + 1_000_000);
        let offset = &mut offsets[usize::from(direction == Direction::Server)];
        let length = bytes.len() as u64;
        if who.starts_with('?') {
            events.push(StreamEvent::Gap {
                direction,
                offset: *offset,
                length,
                packet,
                time,
            });
        } else if length > 0 {
            let bytes = bytes.to_vec();
            events.push(StreamEvent::Data {
                direction,
                offset: *offset,
                packet,
                time,
                bytes,
            });
        }
        *offset += length;
        if who.starts_with('-') {
            events.push(StreamEvent::Fin {
                direction,
                packet,
                time,
            });
            ended.push(direction);
        } else if who.starts_with('!') {
            events.push(StreamEvent::Reset {
                direction,
                packet,
                time,
            });
            reset = Some(direction);
        }
    }
    let closing = match (reset, ended.as_slice()) {
        (Some(direction), _) => Closing::Reset(direction),
        (None, []) => Closing::Open,
        (None, [direction]) => Closing::HalfClosed(*direction),
        (None, _) => Closing::Orderly,
    };
    let about = About {
        index: 0,
        client: SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 49152)),
        server: SocketAddr::from((Ipv4Addr::new(192, 0, 2, 25), 25)),
        opening: Opening::Handshake { syn: 0 },
        closing,
        start: Timestamp::from_nanos(1_700_000_000_000_000_000),
        end: time,
        first_packet: 1,
        last_packet: packet,
        packets: packet,
        given_up: None,
        notes: Vec::new(),
    };
    Conversation { about, events }
}

//! Both streams of a connection, followed: hellos cut anywhere, TLS of rustls with itself, and recordings of OpenSSL.

mod clear;
mod live;
mod recorded;
pub(crate) mod rustls_pair;

use std::sync::Arc;

use wire::Direction;

use super::{Follower, KeyLog, Plain, Seen, side};

/// What each side sent, turn by turn.
pub(crate) type Turns = Vec<(Direction, Vec<u8>)>;

/// Where the streams begin, in the tests: TLS need not be the first thing on a connection.
const STARTS: [u64; 2] = [100, 1000];

/// What a follower made of a connection.
struct Followed {
    seen: Seen,
    /// The plaintext, and the stream offset of each byte of it.
    plain: [(Vec<u8>, Vec<u64>); 2],
    /// Where the follower said that nothing more will come.
    ends: [Option<u64>; 2],
}

impl Followed {
    fn text(&self, direction: Direction) -> &[u8] {
        &self.plain[side(direction)].0
    }
}

/// Follows the turns in pieces of `step` bytes.
fn follow(keys: Option<&str>, turns: &Turns, step: usize) -> Followed {
    let pieces = turns
        .iter()
        .flat_map(|(direction, bytes)| bytes.chunks(step).map(|piece| (*direction, Ok(piece))));
    follow_pieces(keys, pieces)
}

/// Follows pieces of the streams; `Err` is a gap of that many bytes.
fn follow_pieces<'a>(
    keys: Option<&str>,
    pieces: impl Iterator<Item = (Direction, Result<&'a [u8], u64>)>,
) -> Followed {
    let keys = keys.map(|text| Arc::new(KeyLog::parse(text).expect("a key log")));
    let mut follower = Follower::new(keys);
    let mut offsets = STARTS;
    let mut plain: [(Vec<u8>, Vec<u64>); 2] = Default::default();
    let mut ends = [None; 2];
    for (direction, piece) in pieces {
        let offset = &mut offsets[side(direction)];
        let opened = match piece {
            Ok(piece) => {
                let opened = follower.feed(direction, piece, *offset);
                *offset += piece.len() as u64;
                opened
            }
            Err(length) => {
                follower.gap(direction, length);
                *offset += length;
                Vec::new()
            }
        };
        for one in opened {
            match one {
                Plain::Bytes {
                    direction,
                    offset,
                    bytes,
                } => {
                    let (text, places) = &mut plain[side(direction)];
                    places.extend((offset..).take(bytes.len()));
                    text.extend(bytes);
                }
                Plain::End { direction, offset } => {
                    let before = ends[side(direction)].replace(offset);
                    assert_eq!(before, None, "two ends");
                }
            }
        }
    }
    for (_, places) in &plain {
        assert!(places.is_sorted_by(|a, b| a < b), "offsets increase");
    }
    Followed {
        seen: follower.finish(),
        plain,
        ends,
    }
}

/// Sizes of pieces to cut the turns into: every small one, and some up to the longest turn.
fn steps(turns: &Turns) -> impl Iterator<Item = usize> {
    let longest = turns.iter().map(|turn| turn.1.len()).max();
    (1..longest.unwrap_or_default()).filter(|step| *step < 40 || step % 23 == 0)
}

/// All bytes of one side.
fn stream(turns: &Turns, direction: Direction) -> Vec<u8> {
    let own = turns.iter().filter(|(from, _)| *from == direction);
    own.flat_map(|(_, bytes)| bytes.iter().copied()).collect()
}

/// Header of each record of a stream, with its offset from the beginning of the stream.
fn headers(stream: &[u8]) -> Vec<(usize, [u8; 5])> {
    let mut all = Vec::new();
    let mut at = 0;
    while let Some(header) = stream.get(at..at + 5) {
        let header: [u8; 5] = header.try_into().expect("five");
        all.push((at, header));
        at += 5 + usize::from(u16::from_be_bytes([header[3], header[4]]));
    }
    all
}

//! TLS records in both directions, followed with a key log that knows the connection.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use smtp::tls::{Follower, KeyLog};
use wire::Direction;

fuzz_target!(|bytes: &[u8]| {
    // The first 32 bytes are the random number of the connection whose secrets are known.
    let Some((random, mut rest)) = bytes.split_first_chunk::<32>() else { return };
    let random: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let secret = "ab".repeat(32);
    let log = format!(
        "CLIENT_HANDSHAKE_TRAFFIC_SECRET {random} {secret}\nSERVER_HANDSHAKE_TRAFFIC_SECRET {random} {secret}\n\
         CLIENT_TRAFFIC_SECRET_0 {random} {secret}\nSERVER_TRAFFIC_SECRET_0 {random} {secret}\n\
         CLIENT_RANDOM {random} {}\n",
        "cd".repeat(48)
    );
    let keys = KeyLog::parse(&log).expect("a key log");
    let mut follower = Follower::new(Some(Arc::new(keys)));
    let mut offsets = [0_u64; 2];
    while let Some((&head, tail)) = rest.split_first() {
        let direction = if head & 1 == 0 { Direction::Client } else { Direction::Server };
        let length = usize::from(head >> 2) * 8 + 1;
        let (piece, after) = tail.split_at(tail.len().min(length));
        let offset = &mut offsets[usize::from(head & 1)];
        if head & 2 == 0 {
            follower.feed(direction, piece, *offset);
        } else {
            follower.gap(direction, piece.len() as u64);
        }
        *offset += piece.len() as u64;
        rest = after;
    }
    follower.finish();
});

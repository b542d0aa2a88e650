//! The SMTP reader: a conversation, cut into turns by its own bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smtp::session::{read, testing::dialogue};

const WHO: [&str; 8] = ["C", "S", "C", "S", "?C", "?S", "-C", "!S"];

fuzz_target!(|bytes: &[u8]| {
    // Every turn begins with a byte that says who speaks and how long.
    let mut rest = bytes;
    let mut turns = Vec::new();
    while let Some((&head, tail)) = rest.split_first() {
        let length = usize::from(head >> 3) * 4 + 3;
        let (text, after) = tail.split_at(tail.len().min(length));
        turns.push((WHO[usize::from(head & 7)], text));
        rest = after;
    }
    let timeline = read(&dialogue(&turns));
    for event in &timeline.events {
        timeline.packets(event.span);
    }
    let case = claims::Case::new(vec![timeline], claims::Given::default());
    for profile in claims::Profile::all() {
        claims::judge(&case, profile);
    }
});

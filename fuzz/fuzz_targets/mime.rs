//! Messages: sieved and whole, split into parts, searched.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smtp::message::Message;
use smtp::timeline::{Content, Keep};

fuzz_target!(|bytes: &[u8]| {
    let message = Message::read(bytes);
    message.find(b"needle");
    message.addresses("From");
    for part in message.parts() {
        message.bytes(part.range());
    }
    let keep = Keep {
        leaf: 16,
        cms: 64,
        message: 4096,
    };
    let mut content = Content::with(keep);
    let mut offset = 0;
    for piece in bytes.chunks(7) {
        content.push(piece, offset);
        offset += piece.len() as u64;
    }
    content.close();
    assert_eq!(content.octets(), bytes.len() as u64);
    let sieved = Message::read(content.bytes());
    for part in sieved.parts() {
        content.span(part.range());
        content.length(part.body.clone());
    }
});

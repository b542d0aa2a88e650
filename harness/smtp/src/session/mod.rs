//! Byte streams read into a [`Timeline`]: lines, commands, replies, message content, and what belongs to what.
//!
//! The state decides what bytes are, never their look: content begins with a 354 and nothing else, a base64 line is a
//! SASL response only while the server waits for one, and a reply belongs to the request that waits longest. Only where
//! the capture leaves the state open (one side missing, a gap, a start inside the connection) is the look of a line
//! asked, and then nothing is taken for a command or a reply that is not evidently one.

mod attempt;
mod body;
mod client;
mod command;
mod data;
mod detect;
mod encrypted;
mod envelope;
mod lines;
mod log;
mod look;
mod machine;
mod opened;
mod pending;
mod preamble;
mod reader;
mod reply;
mod server;
#[doc(hidden)]
pub mod testing;
#[cfg(test)]
mod tests;

pub use reader::{Options, Reader};

use crate::Timeline;

/// Reads a whole conversation.
pub fn read(conversation: &wire::Conversation) -> Timeline {
    read_with(Options::default(), conversation)
}

/// Reads a whole conversation with what the reader is told beforehand.
pub fn read_with(options: Options, conversation: &wire::Conversation) -> Timeline {
    let mut reader = Reader::new(options);
    wire::Consumer::begin(&mut reader, conversation.opening);
    for event in &conversation.events {
        reader.feed(event.arrival());
    }
    reader.finish(&conversation.about)
}

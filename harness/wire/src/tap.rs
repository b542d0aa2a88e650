//! The tap: what was read from and written to a socket becomes a capture file.
//!
//! A server that holds a conversation itself has the bytes and their order, but no packets. So that it is judged on the same
//! road as a capture from the field, [`TappedConversation`] makes up the packets that would have carried the bytes, and
//! [`CaptureWriter`] writes them to a pcapng file that Wireshark opens without a complaint: handshake, sequence numbers,
//! acknowledgments, checksums and close are all there. Nothing is random: the same conversation at the same times gives the
//! same file.

mod conversation;
mod frames;
mod writer;

pub use conversation::TappedConversation;
pub use writer::{CaptureWriter, Header, create_new_private, create_private};

#[cfg(test)]
mod tests;

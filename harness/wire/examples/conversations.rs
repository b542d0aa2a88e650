//! Prints one line for each TCP connection of each capture named on the command line.

use std::path::Path;
use std::process::ExitCode;

use smtpspec_wire::{Capture, Conversation, Direction, StreamEvent};

/// Bytes and missing bytes of one direction.
fn volume(conversation: &Conversation, side: Direction) -> (u64, u64) {
    conversation
        .events
        .iter()
        .fold((0, 0), |(seen, missing), event| match event {
            StreamEvent::Data {
                direction, bytes, ..
            } if *direction == side => (seen + bytes.len() as u64, missing),
            StreamEvent::Gap {
                direction, length, ..
            } if *direction == side => (seen, missing + length),
            _ => (seen, missing),
        })
}

fn main() -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for name in std::env::args().skip(1) {
        let capture = match Capture::read(Path::new(&name)) {
            Ok(capture) => capture,
            Err(error) => {
                println!("{error}");
                code = ExitCode::from(2);
                continue;
            }
        };
        println!(
            "{name}: {} packets, {} conversations",
            capture.packets,
            capture.conversations.len()
        );
        for conversation in &capture.conversations {
            let (sent, sent_missing) = volume(conversation, Direction::Client);
            let (received, received_missing) = volume(conversation, Direction::Server);
            println!(
                "  {}: {} > {}: {} packets, client {sent} bytes ({sent_missing} missing), server {received} bytes \
                 ({received_missing} missing), {:?}, {:?}",
                conversation.index,
                conversation.client,
                conversation.server,
                conversation.packets,
                conversation.opening,
                conversation.closing,
            );
            for note in &conversation.notes {
                println!("    {:?}: {note}", note.kind);
            }
        }
        for note in &capture.notes {
            println!("  {:?}: {note}", note.kind);
        }
        if capture.truncated.is_some() {
            code = ExitCode::from(2);
        }
    }
    code
}

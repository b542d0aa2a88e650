//! What a client sent, judged by its look, where the reply that would tell is missing: one-sided captures and gaps.

use wire::Direction;

use super::command;
use super::log::side;
use super::machine::{Machine, Matter, Mode, Waiting};
use crate::timeline::TlsStart;

/// How many client bytes wait for a reply, before their look decides what they are.
const MOST_HELD: u64 = 1 << 20;
/// How much of a line is looked at.
const LOOK: usize = 4096;

impl Machine {
    /// Decides by its look what the client sent before the reply was there, if that reply may never come. Whether the
    /// client waits no longer.
    pub(super) fn look(&mut self, at_the_end: bool) -> bool {
        let Mode::Waiting(waiting) = self.client.mode else {
            return true;
        };
        let Some(first) = self.client.held.front() else {
            return false;
        };
        let held = self.ends[side(Direction::Client)].saturating_sub(first.rest().1);
        if !(at_the_end || self.client.doubtful || held > MOST_HELD) {
            return false;
        }
        if matches!(first.matter, Matter::Gap(_)) {
            self.client.mode = match waiting {
                Waiting::Auth(attempt) => Mode::Sasl {
                    attempt,
                    holed: true,
                },
                _ => Mode::Lost,
            };
            return true;
        }
        let Some(line) = self.peek(at_the_end) else {
            return false;
        };
        let evident = command::is_evident(&line);
        self.client.mode = match waiting {
            Waiting::Data(exchange) if !evident => Mode::Expecting(exchange),
            Waiting::Auth(attempt) if !evident => Mode::Sasl {
                attempt,
                holed: true,
            },
            Waiting::StartTls(exchange) => {
                self.encrypted.allow(TlsStart::StartTls(exchange));
                Mode::Commands
            }
            _ => Mode::Commands,
        };
        true
    }

    /// The first line of what is held back, as far as it is there; `None` where its end is still to come.
    fn peek(&self, at_the_end: bool) -> Option<Vec<u8>> {
        let mut line = Vec::new();
        for piece in &self.client.held {
            if !matches!(piece.matter, Matter::Bytes { .. }) {
                return Some(line);
            }
            let (bytes, _) = piece.rest();
            let bytes = bytes.get(..LOOK - line.len()).unwrap_or(bytes);
            if let Some(end) = bytes.iter().position(|&b| b == b'\n') {
                line.extend_from_slice(&bytes[..end]);
                return Some(line.trim_ascii_end().to_vec());
            }
            line.extend_from_slice(bytes);
            if line.len() >= LOOK {
                return Some(line);
            }
        }
        at_the_end.then_some(line)
    }
}

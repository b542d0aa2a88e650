//! AUTH exchanges as commands and replies build them up (RFC 4954 section 4).

use wire::Span;

use super::lines::Line;
use crate::sasl::{self, Text, Turn};
use crate::timeline::{Authentication, Located, Outcome, Reply};

/// Turns that are kept. No mechanism needs ten; two hostile sides could go on for as long as the capture lasts.
const MAX_TURNS: usize = 64;

/// One AUTH command and what followed it.
#[derive(Debug)]
pub(super) struct Attempt {
    exchange: usize,
    mechanism: Located<String>,
    initial: Option<Text>,
    turns: Vec<Turn>,
    responses: Vec<Span>,
    challenges: Vec<usize>,
    outcome: Outcome,
}

impl Attempt {
    /// From the AUTH line: its words after the verb.
    pub(super) fn new(exchange: usize, line: &Line, words: Vec<Located<Vec<u8>>>) -> Self {
        let nothing = Span::new(wire::Direction::Client, line.start, line.start);
        let mut words = words.into_iter();
        let mechanism = words.next().map_or_else(
            || Located::new(String::new(), nothing),
            |word| {
                let name = String::from_utf8_lossy(&word.value).to_ascii_uppercase();
                Located::new(name, word.span)
            },
        );
        let initial = words.next().map(|word| Text::new(word.value, word.span));
        let responses = initial.iter().map(Text::span).collect();
        Self {
            exchange,
            mechanism,
            initial,
            turns: Vec::new(),
            responses,
            challenges: Vec::new(),
            outcome: Outcome::Unseen,
        }
    }

    /// A 334, which is event number `event`.
    pub(super) fn challenge(&mut self, event: usize, reply: &Reply) {
        self.challenges.push(event);
        if let (Some(text), Some(span)) = (reply.lines.first(), reply.spans.first()) {
            self.turn(Turn::Challenge(Text::new(text.as_bytes(), *span)));
        }
    }

    /// A line in answer to a challenge.
    pub(super) fn response(&mut self, bytes: &[u8], span: Span) {
        self.responses.push(span);
        if bytes.trim_ascii() == b"*" {
            self.outcome = Outcome::Cancelled;
        } else {
            self.turn(Turn::Response(Text::new(bytes, span)));
        }
    }

    fn turn(&mut self, turn: Turn) {
        if self.turns.len() < MAX_TURNS {
            self.turns.push(turn);
        }
    }

    /// The final reply. Any 2yz accepts, since clients judge by the first digit (RFC 5321 section 4.2.1).
    pub(super) fn end(&mut self, reply: &Reply) {
        if self.outcome == Outcome::Unseen && reply.code != 0 {
            self.outcome = if reply.is_positive() {
                Outcome::Accepted
            } else {
                Outcome::Refused(reply.code)
            };
        }
    }

    /// What it tells, decoded.
    pub(super) fn finish(self) -> Authentication {
        let identity = sasl::decode(&self.mechanism.value, self.initial.as_ref(), &self.turns);
        Authentication {
            exchange: self.exchange,
            mechanism: self.mechanism,
            responses: self.responses,
            challenges: self.challenges,
            outcome: self.outcome,
            identity,
        }
    }
}

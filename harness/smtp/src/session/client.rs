//! The client's side of a session: commands, SASL responses, content, TLS.

use wire::{Direction, Span, Timestamp};

use super::attempt::Attempt;
use super::body::Body;
use super::command;
use super::lines::Line;
use super::log::side;
use super::machine::{Machine, Matter, Mode, Piece, ServerMode, Waiting};
use super::pending::{Asked, Request};
use crate::Secret;
use crate::timeline::EventKind;

impl Machine {
    /// Deals with the next piece of the client's stream, or the next line of it. Whether there was one.
    pub(super) fn client_step(&mut self) -> bool {
        if matches!(self.client.mode, Mode::Waiting(_)) && !self.look(false) {
            return false;
        }
        let Some(mut piece) = self.client.held.pop_front() else {
            return false;
        };
        match piece.matter {
            Matter::Bytes { .. } => self.client_bytes(&mut piece),
            _ if self.undoubt(&piece) => {}
            Matter::Gap(length) => self.client_gap(&piece, length),
            Matter::Fin | Matter::Reset => {
                self.client_rest(false);
                self.mark(&piece);
            }
        }
        if piece.rest().0.is_empty() {
            self.reuse(piece);
        } else {
            self.client.held.push_front(piece);
        }
        if let Some(again) = self.client.again.take() {
            self.client.held.push_front(again);
        }
        true
    }

    fn client_bytes(&mut self, piece: &mut Piece) {
        match std::mem::replace(&mut self.client.mode, Mode::Commands) {
            mode @ (Mode::Commands | Mode::Lost) => {
                let lost = matches!(mode, Mode::Lost);
                self.client.mode = mode;
                match self.take(piece) {
                    Some(line) if lost => self.lost_line(line),
                    Some(line) => {
                        self.command(&line, true);
                        self.client.lines.reuse(line);
                    }
                    None => {}
                }
            }
            Mode::Sasl { attempt, holed } => {
                self.client.mode = Mode::Sasl { attempt, holed };
                if let Some(line) = self.plain_line(piece) {
                    self.sasl_line(&line, attempt, holed);
                }
            }
            Mode::Expecting(command) => {
                let body = Box::new(Body::stuffed(command, self.keep));
                self.body_bytes(body, piece);
            }
            Mode::Content(body) => self.body_bytes(body, piece),
            Mode::Doubt(body) => {
                let line = self.plain_line(piece);
                self.client.mode = Mode::Doubt(body);
                if let Some(line) = line {
                    self.doubtful_line(line);
                }
            }
            // Not reached: `client_step` takes no piece while the client waits.
            mode @ Mode::Waiting(_) => self.client.mode = mode,
            Mode::Tls => {
                self.client.mode = Mode::Tls;
                let (bytes, offset) = piece.rest();
                self.tls_bytes(Direction::Client, bytes, offset, piece.time);
                piece.exhaust();
            }
            Mode::Opaque => {
                self.client.mode = Mode::Opaque;
                let (bytes, offset) = piece.rest();
                self.log
                    .unparsed(bytes, offset, Direction::Client, piece.time);
                piece.exhaust();
            }
        }
    }

    /// A line where TLS cannot begin.
    fn plain_line(&mut self, piece: &mut Piece) -> Option<Line> {
        let (bytes, offset) = piece.rest();
        let (used, line) = self.client.lines.take(bytes, offset, piece.time);
        piece.advance(used);
        line
    }

    fn unparsed_line(&mut self, line: Line) {
        let (start, time) = (line.start, line.time);
        self.log
            .unparsed(&line.into_raw(), start, Direction::Client, time);
    }

    fn lost_line(&mut self, line: Line) {
        if !line.continued && command::is_evident(&line.bytes) {
            self.client.mode = Mode::Commands;
            self.command(&line, true);
        } else {
            self.unparsed_line(line);
        }
    }

    /// A line of the client, outside content and SASL. `asks`: it is whole, so that the server will answer it.
    pub(super) fn command(&mut self, line: &Line, asks: bool) {
        if line.continued {
            self.unparsed_line(line.clone());
            return;
        }
        if self.server.mode == ServerMode::AwaitTls {
            self.no_tls(line.time);
        }
        let span = Span::new(Direction::Client, line.start, line.end);
        let command = command::parse(line);
        let verb = command.verb.clone();
        let event = self.log.push(span, line.time, EventKind::Command(command));
        let exchange = self.log.ask(event);
        let packet = self.log.events[event]
            .packets
            .first()
            .copied()
            .unwrap_or_default();
        let asked = self.asked(&verb, line, exchange, asks);
        if asks {
            self.pending.push(Request {
                exchange,
                packet,
                asked,
            });
        }
    }

    /// The client goes on in clear after the 220 to STARTTLS, with a line that began at `time`. What the server sent
    /// before that cannot answer it.
    fn no_tls(&mut self, time: Timestamp) {
        self.server.mode = ServerMode::Replies;
        let earlier = |piece: &Piece| piece.time <= time;
        while self.server.held.front().is_some_and(earlier) && self.server_step() {}
    }

    /// What a command asks for, with its effect on the state.
    fn asked(&mut self, verb: &str, line: &Line, exchange: usize, asks: bool) -> Asked {
        self.lmtp |= verb == "LHLO";
        match verb {
            "EHLO" | "LHLO" | "HELO" => Asked::Hello {
                capabilities: verb != "HELO",
                ends: self.envelope.current(),
            },
            "MAIL" => {
                let (transaction, before) =
                    self.envelope.open(exchange, command::path(line, "FROM"));
                Asked::Mail {
                    transaction,
                    before,
                }
            }
            "RCPT" => match self.envelope.recipient(exchange, command::path(line, "TO")) {
                Ok((transaction, recipient)) => Asked::Rcpt {
                    transaction,
                    recipient,
                },
                Err(recipient) => Asked::StrayRcpt(Box::new(recipient)),
            },
            "RSET" => {
                self.envelope.close();
                Asked::Plain
            }
            "DATA" => {
                self.wait(asks, Waiting::Data(exchange));
                Asked::Data
            }
            "BDAT" => self.chunk(line, exchange),
            "AUTH" => {
                self.attempts
                    .push(Attempt::new(exchange, line, command::arguments(line)));
                let attempt = self.attempts.len() - 1;
                self.wait(asks, Waiting::Auth(Some(attempt)));
                Asked::Auth(attempt)
            }
            "STARTTLS" => {
                self.wait(asks, Waiting::StartTls(exchange));
                Asked::StartTls
            }
            _ => Asked::Plain,
        }
    }

    fn wait(&mut self, asks: bool, waiting: Waiting) {
        if asks {
            self.client.mode = Mode::Waiting(waiting);
            self.client.doubtful = self.client.deserted;
        }
    }

    /// BDAT. One whose size cannot be read is a command like any other: it has a reply, and no bytes follow it.
    fn chunk(&mut self, line: &Line, exchange: usize) -> Asked {
        let Some(chunk) = command::chunk(line) else {
            return Asked::Plain;
        };
        let mut body = Body::counted(exchange, chunk);
        if chunk.size > 0 {
            self.client.mode = Mode::Content(Box::new(body));
        } else if chunk.last {
            let packet = self
                .log
                .events
                .last()
                .and_then(|e| e.packets.last().copied());
            self.begin_body(&mut body, line.end, line.time, packet.unwrap_or_default());
            self.end_body(body, true, false);
        }
        Asked::Chunk
    }

    /// A line in answer to a 334.
    fn sasl_line(&mut self, line: &Line, attempt: Option<usize>, holed: bool) {
        if holed && command::is_evident(&line.bytes) {
            self.client.mode = Mode::Commands;
            self.command(line, true);
            return;
        }
        self.sasl_response(line, attempt);
        self.wait(true, Waiting::Auth(attempt));
    }

    fn sasl_response(&mut self, line: &Line, attempt: Option<usize>) {
        let span = Span::new(Direction::Client, line.start, line.end);
        let secret = Secret::new(line.bytes.clone());
        self.log
            .push(span, line.time, EventKind::SaslResponse(secret));
        if let Some(attempt) = attempt.and_then(|at| self.attempts.get_mut(at)) {
            let text = Span::new(span.direction, line.start, line.text_end());
            attempt.response(&line.bytes, text);
        }
    }

    /// The first line after a reply that only makes sense if the content had ended.
    fn doubtful_line(&mut self, line: Line) {
        let Mode::Doubt(body) = std::mem::replace(&mut self.client.mode, Mode::Commands) else {
            return;
        };
        if !line.continued && command::is_evident(&line.bytes) {
            self.end_body_as_shown(*body);
            self.command(&line, true);
            return;
        }
        let (start, time) = (line.start, line.time);
        self.back_to_content(body, line.into_raw(), start, time);
    }

    /// The content was not over after all.
    fn back_to_content(&mut self, body: Box<Body>, bytes: Vec<u8>, start: u64, time: Timestamp) {
        self.client.mode = Mode::Content(body);
        if bytes.is_empty() {
            return;
        }
        let packets = self.log.provenance[side(Direction::Client)].packets(start..start + 1);
        let packet = packets.first().copied().unwrap_or_default();
        let matter = Matter::Bytes { bytes, at: 0 };
        self.client.again = Some(Piece {
            direction: Direction::Client,
            offset: start,
            packet,
            time,
            matter,
        });
    }

    fn client_gap(&mut self, piece: &Piece, length: u64) {
        self.client_rest(true);
        self.pending.miss();
        self.client.mode = match std::mem::replace(&mut self.client.mode, Mode::Lost) {
            Mode::Sasl { attempt, .. } => Mode::Sasl {
                attempt,
                holed: true,
            },
            Mode::Tls => {
                self.encrypted.gap(Direction::Client, length);
                Mode::Tls
            }
            Mode::Opaque => Mode::Opaque,
            Mode::Expecting(command) => {
                self.body_gap(Box::new(Body::stuffed(command, self.keep)), piece, length)
            }
            Mode::Content(body) => self.body_gap(body, piece, length),
            Mode::Doubt(body) => match self.body_gap(body, piece, length) {
                Mode::Content(body) => Mode::Doubt(body),
                mode => mode,
            },
            Mode::Commands | Mode::Lost | Mode::Waiting(_) => Mode::Lost,
        };
        self.mark(piece);
    }

    /// A gap or an end inside the line that was to settle the doubt: its bytes are content. Whether there were any; then
    /// they come again, and after them `piece`.
    fn undoubt(&mut self, piece: &Piece) -> bool {
        if !matches!(self.client.mode, Mode::Doubt(_)) || self.client.lines.pending().is_empty() {
            return false;
        }
        let Mode::Doubt(body) = std::mem::replace(&mut self.client.mode, Mode::Commands) else {
            return false;
        };
        let (bytes, start, time) = self.client.lines.surrender();
        let matter = match piece.matter {
            Matter::Gap(length) => Matter::Gap(length),
            Matter::Reset => Matter::Reset,
            Matter::Fin | Matter::Bytes { .. } => Matter::Fin,
        };
        self.client.held.push_front(Piece { matter, ..*piece });
        self.back_to_content(body, bytes, start, time);
        true
    }

    /// The line in progress will not be ended: by a gap, or by the end of the stream.
    fn client_rest(&mut self, gap: bool) {
        if matches!(self.client.mode, Mode::Doubt(_)) {
            return;
        }
        let Some(line) = self.client.lines.flush() else {
            return;
        };
        match self.client.mode {
            Mode::Commands => self.command(&line, !gap),
            Mode::Sasl { attempt, .. } => self.sasl_response(&line, attempt),
            _ => self.unparsed_line(line),
        }
    }

    /// The capture has ended.
    pub(super) fn end_client(&mut self) {
        if let Mode::Doubt(_) = self.client.mode
            && let Mode::Doubt(body) = std::mem::replace(&mut self.client.mode, Mode::Commands)
        {
            let (bytes, start, time) = self.client.lines.surrender();
            self.back_to_content(body, bytes, start, time);
            self.client.held.extend(self.client.again.take());
            self.drive();
        }
        self.client_rest(false);
        // Nothing comes after this, so that the mode need not be kept.
        if let Mode::Content(body) = std::mem::replace(&mut self.client.mode, Mode::Commands) {
            self.end_body(*body, false, false);
        }
    }
}

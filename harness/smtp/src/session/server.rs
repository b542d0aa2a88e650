//! The server's side of a session: replies, and what they mean for the requests that wait for them.

use wire::Direction;

use super::body::Body;
use super::lines::Line;
use super::machine::{Machine, Matter, Mode, Piece, ServerMode, Waiting};
use super::pending::{Asked, Request};
use super::reply::{self, Assembled, Step};
use crate::timeline::{Capabilities, EventKind, Keyword, Located, Reply, TlsStart};
use crate::tls;

/// How many server bytes wait for the client to begin TLS.
const MOST_HELD: u64 = 64 << 10;

impl Machine {
    /// Deals with the next piece of the server's stream, or the next line of it. Whether there was one.
    pub(super) fn server_step(&mut self) -> bool {
        let Some(first) = self.server.held.front() else {
            return false;
        };
        if self.server.mode == ServerMode::AwaitTls {
            if self.ends[1].saturating_sub(first.rest().1) <= MOST_HELD {
                return false;
            }
            self.server.mode = ServerMode::Replies;
        }
        let Some(mut piece) = self.server.held.pop_front() else {
            return false;
        };
        match piece.matter {
            Matter::Bytes { .. } => self.server_bytes(&mut piece),
            Matter::Gap(_) | Matter::Fin | Matter::Reset => self.server_mark(&piece),
        }
        if piece.rest().0.is_empty() {
            self.reuse(piece);
        } else {
            self.server.held.push_front(piece);
        }
        true
    }

    fn server_mark(&mut self, piece: &Piece) {
        if let Matter::Gap(length) = piece.matter {
            self.server_gap(piece, length);
            return;
        }
        self.server_rest();
        self.mark(piece);
        self.client.deserted = true;
        self.client.doubtful = true;
    }

    fn server_bytes(&mut self, piece: &mut Piece) {
        match self.server.mode {
            ServerMode::Replies | ServerMode::AwaitTls => {
                if let Some(line) = self.take(piece) {
                    self.server_line(&line);
                    self.server.lines.reuse(line);
                }
            }
            ServerMode::Tls => {
                let (bytes, offset) = piece.rest();
                self.tls_bytes(Direction::Server, bytes, offset, piece.time);
                piece.exhaust();
            }
            ServerMode::Opaque => {
                let (bytes, offset) = piece.rest();
                self.log
                    .unparsed(bytes, offset, Direction::Server, piece.time);
                piece.exhaust();
            }
        }
    }

    fn server_line(&mut self, line: &Line) {
        if line.continued || (self.server.after_gap && reply::code(&line.bytes).is_none()) {
            self.unparsed_server_line(line);
            return;
        }
        self.server.after_gap = false;
        if self.server.replies.is_overtaken_by(line)
            && let Some(unfinished) = self.server.replies.close()
        {
            self.reply(unfinished);
        }
        match self.server.replies.line(line) {
            Step::Done(reply) => self.reply(reply),
            Step::Excess => self.unparsed_server_line(line),
            Step::More => {}
        }
    }

    fn unparsed_server_line(&mut self, line: &Line) {
        let (start, time) = (line.start, line.time);
        self.log
            .unparsed(&line.clone().into_raw(), start, Direction::Server, time);
    }

    fn server_gap(&mut self, piece: &Piece, length: u64) {
        self.server_rest();
        self.mark(piece);
        match self.server.mode {
            ServerMode::Tls => self.encrypted.gap(Direction::Server, length),
            ServerMode::Opaque => {}
            ServerMode::Replies | ServerMode::AwaitTls => {
                self.server.greeted = true;
                self.server.after_gap = true;
                self.client.doubtful |= matches!(self.client.mode, Mode::Waiting(_));
                self.pending.doubt();
            }
        }
    }

    /// The line and the reply in progress will not be ended: by a gap, or by the end of the stream.
    pub(super) fn server_rest(&mut self) {
        if let Some(line) = self.server.lines.flush() {
            self.server_line(&line);
        }
        if let Some(unfinished) = self.server.replies.close() {
            self.reply(unfinished);
        }
    }

    /// The client began TLS: what the server sent in clear behind its 220 fits nothing, up to its first record.
    pub(super) fn injected(&mut self) {
        self.server.mode = ServerMode::Replies;
        for mut piece in std::mem::take(&mut self.server.held) {
            if self.server.mode == ServerMode::Tls {
                self.server.held.push_back(piece);
                continue;
            }
            if !matches!(piece.matter, Matter::Bytes { .. }) {
                self.server_mark(&piece);
                continue;
            }
            let (bytes, offset) = piece.rest();
            let record = bytes
                .windows(3)
                .position(tls::is_record_start)
                .unwrap_or(bytes.len());
            self.log
                .unparsed(&bytes[..record], offset, Direction::Server, piece.time);
            piece.advance(record);
            if !piece.rest().0.is_empty() {
                self.server.mode = ServerMode::Tls;
                self.server.held.push_back(piece);
            }
        }
    }

    /// The client spoke again: a line that was no reply was all the reply it got.
    pub(super) fn settle_junk(&mut self) {
        if !std::mem::take(&mut self.server.junk) {
            return;
        }
        self.pending.pop();
        if matches!(self.client.mode, Mode::Waiting(_)) {
            self.client.mode = Mode::Commands;
        }
    }

    /// Writes a reply down and finds what it answers.
    fn reply(&mut self, assembled: Assembled) {
        let Assembled { reply, span, time } = assembled;
        // Its place comes before those of what follows from it. Until that is found its text is here and not there, so that
        // it need not be copied.
        let without_text = Reply {
            lines: Vec::new(),
            spans: Vec::new(),
            ..reply
        };
        let event = self.log.push(span, time, EventKind::Reply(without_text));
        self.follow_from(&reply, event, span.start);
        self.log.events[event].kind = EventKind::Reply(reply);
    }

    /// Finds what a reply answers, and what follows from it.
    fn follow_from(&mut self, reply: &Reply, event: usize, start: u64) {
        if reply.code == 0 {
            self.junk(event);
            return;
        }
        if self.is_greeting(reply, start) {
            return;
        }
        self.server.junk = false;
        if self.waits_for(Waiting::Auth(None)) {
            self.stray_auth_answered(reply.code);
            return;
        }
        let Some(request) = self.pending.answer(reply.code) else {
            self.unasked(reply.code);
            return;
        };
        self.answer(request, event, reply);
    }

    /// The first reply greets, unless the capture begins too late for it or the server never greeted.
    fn is_greeting(&mut self, reply: &Reply, start: u64) -> bool {
        if std::mem::replace(&mut self.server.greeted, true) {
            return false;
        }
        let front = self.pending.front();
        if self.midstream {
            let starttls = front.is_some_and(|request| matches!(request.asked, Asked::StartTls));
            return reply.code == 220 && !starttls;
        }
        (start == 0 || self.encrypted.is_opened())
            && (front.is_none() || reply.code == 220 || reply.is_negative())
    }

    /// A line that is no reply. It counts as one only where a single request waits, and no real reply follows.
    fn junk(&mut self, event: usize) {
        if !self.server.greeted || matches!(self.client.mode, Mode::Content(_) | Mode::Doubt(_)) {
            return;
        }
        if let Some(request) = self.pending.only() {
            self.log.exchanges[request.exchange].reply = Some(event);
            self.server.junk = true;
        }
    }

    /// A reply that no known request asked for tells what the client is about to send, where that is not known.
    fn unasked(&mut self, code: u16) {
        if !matches!(self.client.mode, Mode::Lost) || !self.client.lines.pending().is_empty() {
            return;
        }
        if code == 334 {
            self.client.mode = Mode::Sasl {
                attempt: None,
                holed: true,
            };
        } else if code == 354
            && let Some(transaction) = self.envelope.current()
        {
            let mail = self.envelope.transactions[transaction].mail;
            self.client.mode = Mode::Expecting(mail);
        }
    }

    /// The reply to a response of an exchange whose AUTH command is not known.
    fn stray_auth_answered(&mut self, code: u16) {
        self.client.mode = match code {
            334 => Mode::Sasl {
                attempt: None,
                holed: true,
            },
            _ => Mode::Commands,
        };
    }

    fn answer(&mut self, request: Request, event: usize, reply: &Reply) {
        let positive = reply.is_positive();
        let exchange = request.exchange;
        match request.asked {
            Asked::Auth(at) if reply.code == 334 => {
                if let Some(attempt) = self.attempts.get_mut(at) {
                    attempt.challenge(event, reply);
                }
                if self.waits_for(Waiting::Auth(Some(at))) {
                    self.client.mode = Mode::Sasl {
                        attempt: Some(at),
                        holed: false,
                    };
                }
                self.pending.put_back(request);
                return;
            }
            Asked::Again { transaction } => {
                // One recipient that got the message is enough for it to have been accepted.
                if let Some(data) = self.envelope.data(transaction) {
                    data.accepted = Some(positive || data.accepted == Some(true));
                }
                return;
            }
            // An intermediate reply does not end content.
            Asked::Content { .. } if reply.code / 100 == 3 => {
                self.pending.put_back(request);
                return;
            }
            _ => self.log.exchanges[exchange].reply = Some(event),
        }
        match request.asked {
            Asked::Hello { capabilities, ends } => {
                if positive {
                    self.envelope.close_if(ends);
                }
                if capabilities && reply.code == 250 && reply.complete {
                    self.capabilities.push(offered(exchange, reply));
                }
            }
            Asked::Mail {
                transaction,
                before,
            } if !positive => {
                self.envelope.refuse(transaction, before);
            }
            Asked::Rcpt {
                transaction,
                recipient,
            } => {
                self.envelope.answer(transaction, recipient, positive);
            }
            Asked::StrayRcpt(recipient) if positive => self.envelope.adopt(*recipient),
            Asked::Plain | Asked::Mail { .. } | Asked::StrayRcpt(_) | Asked::Again { .. } => {}
            Asked::Data => self.data_answered(exchange, reply.code),
            Asked::Content { transaction } => self.content_answered(transaction, positive),
            Asked::Chunk => {
                self.chunk_answered(exchange, event);
                self.doubt_if(reply.is_negative(), |body| body.is_of(exchange));
            }
            Asked::Auth(at) => self.auth_answered(at, reply),
            Asked::StartTls => self.starttls_answered(exchange, reply.code),
        }
    }

    fn waits_for(&self, waiting: Waiting) -> bool {
        matches!(self.client.mode, Mode::Waiting(now) if now == waiting)
    }

    /// Content follows a 354. Another 3yz is one to some clients and not to others: what they send will tell.
    fn data_answered(&mut self, exchange: usize, code: u16) {
        if !self.waits_for(Waiting::Data(exchange)) {
            return;
        }
        match code {
            354 => self.client.mode = Mode::Expecting(exchange),
            300..=399 => self.client.doubtful = true,
            _ => self.client.mode = Mode::Commands,
        }
    }

    fn content_answered(&mut self, transaction: usize, positive: bool) {
        if let Some(data) = self.envelope.data(transaction) {
            data.accepted = Some(positive);
        }
        if !positive {
            self.doubt_if(true, |body| {
                body.is_in(transaction) && body.may_have_ended()
            });
            return;
        }
        match std::mem::replace(&mut self.client.mode, Mode::Commands) {
            Mode::Content(body) if body.is_in(transaction) && body.may_have_ended() => {
                self.end_body_as_shown(*body);
            }
            mode => self.client.mode = mode,
        }
    }

    /// Lets the next line of the client tell whether the content in progress is over.
    fn doubt_if(&mut self, refused: bool, concerns: impl Fn(&Body) -> bool) {
        match std::mem::replace(&mut self.client.mode, Mode::Commands) {
            Mode::Content(body) if refused && concerns(&body) => {
                self.client.mode = Mode::Doubt(body);
            }
            mode => self.client.mode = mode,
        }
    }

    fn auth_answered(&mut self, at: usize, reply: &Reply) {
        if let Some(attempt) = self.attempts.get_mut(at) {
            attempt.end(reply);
        }
        let open = match self.client.mode {
            Mode::Waiting(Waiting::Auth(attempt)) | Mode::Sasl { attempt, .. } => {
                attempt == Some(at)
            }
            _ => false,
        };
        if open {
            self.client.mode = Mode::Commands;
        }
    }

    fn starttls_answered(&mut self, exchange: usize, code: u16) {
        if code == 220 && !self.encrypted.is_allowed() {
            self.encrypted.allow(TlsStart::StartTls(exchange));
            self.server.mode = ServerMode::AwaitTls;
        }
        if self.waits_for(Waiting::StartTls(exchange)) {
            self.client.mode = Mode::Commands;
        }
    }
}

/// What an EHLO reply offers (RFC 5321 section 4.1.1.1).
fn offered(exchange: usize, reply: &Reply) -> Capabilities {
    let lines = reply.lines.iter().zip(&reply.spans).skip(1);
    let keywords = lines
        .filter_map(|(text, span)| {
            let mut words = text.split_ascii_whitespace();
            let word = words.next()?;
            // Before the RFC, AUTH was offered as `AUTH=LOGIN`.
            let (name, first) = match word.split_once('=') {
                Some((name, first)) if name.eq_ignore_ascii_case("AUTH") => (name, first),
                _ => (word, ""),
            };
            let first = Some(first).filter(|first| !first.is_empty());
            let parameters = first.into_iter().chain(words).map(str::to_owned).collect();
            let name = name.to_ascii_uppercase();
            Some(Located::new(Keyword { name, parameters }, *span))
        })
        .collect();
    Capabilities { exchange, keywords }
}

//! A transcript being played: every line in its place, or the play is over.

use std::sync::atomic::Ordering;

use super::connection::Connection;
use super::content::EndOfData;
use super::inbox;
use super::link::End;
use super::script::Played;
use crate::scenario::{Act, Chunk, Command, Ending, Line, Reply};

/// Commands that are still answered after a client left the transcript, so that it can end in order.
const LAST_WORDS: usize = 20;

const OFF_SCRIPT: &str = "503 5.5.1 not what the transcript has here";

/// What comes of a line.
enum Turn {
    /// It came true.
    Next,
    /// This came instead.
    Astray(String),
    /// The transcript ends the connection.
    Ended(Ending),
}

impl Connection {
    /// Plays a dialogue, and notes how far that went.
    pub(super) async fn follow(&mut self, lines: &[Line]) -> Result<(), End> {
        let Some(first) = lines.first() else {
            self.link
                .write(&Reply::lines(
                    "421 4.3.2 the transcript has no such connection, closing",
                ))
                .await?;
            return Err(End::Close);
        };
        // What stays if the connection is taken away in the middle.
        self.note(deviated(first, "the connection lasted too long"));
        for (place, line) in lines.iter().enumerate() {
            let before = lines.get(..place).unwrap_or_default();
            self.link.before_tls = leads_to_tls(lines.get(place..).unwrap_or_default());
            match self.play(line, before).await {
                Ok(Turn::Next) => {}
                Ok(Turn::Ended(ending)) => {
                    self.note(Played::Whole);
                    return Err(ending.into());
                }
                Ok(Turn::Astray(came)) => {
                    self.note(deviated(line, &came));
                    return self.refuse().await;
                }
                Err(end) => {
                    self.note(deviated(line, &came_instead(&line.act, &end)));
                    return Err(end);
                }
            }
        }
        self.say(lines).await.inspect_err(|end| {
            if let Some(last) = lines.last() {
                self.note(deviated(last, &came_instead(&last.act, end)));
            }
        })?;
        self.note(Played::Whole);
        Err(End::Close)
    }

    fn note(&self, how_far: Played) {
        self.shared.options.script.note(self.number, how_far);
    }

    /// Plays one line; `before` are those that came before it.
    async fn play(&mut self, line: &Line, before: &[Line]) -> Result<Turn, End> {
        if matches!(line.act, Act::Send(_)) {
            // Said together with its neighbours, by whatever comes behind them.
            return Ok(Turn::Next);
        }
        self.say(before).await?;
        match &line.act {
            Act::Send(_) | Act::Flush => {}
            Act::Wait(duration) => {
                let chunks = vec![Chunk::Wait(*duration)];
                self.link.write(&Reply { chunks }).await?;
            }
            Act::Expect(pattern) => {
                return Ok(match self.link.line().await? {
                    inbox::Line::Text(text) if pattern.matches(&text) => Turn::Next,
                    inbox::Line::Text(text) => Turn::Astray(describe(&text)),
                    inbox::Line::TooLong => Turn::Astray("a line that is too long came".to_owned()),
                });
            }
            Act::Content => return self.swallow_content().await,
            Act::Read(count) => self.link.skip(*count, None).await?,
            Act::Tls => self.handshake().await?,
            Act::End(ending) => return Ok(Turn::Ended(*ending)),
        }
        Ok(Turn::Next)
    }

    /// Says what stands at the end of these lines.
    async fn say(&mut self, before: &[Line]) -> Result<(), End> {
        let mut parts: Vec<&[u8]> = Vec::new();
        let mut rest = before;
        while let Some((last, others)) = rest.split_last()
            && let Act::Send(bytes) = &last.act
        {
            parts.push(bytes);
            rest = others;
        }
        if parts.is_empty() {
            return Ok(());
        }
        parts.reverse();
        let reply = Reply {
            chunks: vec![Chunk::Send(parts.concat())],
        };
        self.link.write(&reply).await?;
        let after_content = rest.last().is_some_and(|line| line.act == Act::Content);
        let good = reply.code().is_some_and(|code| code / 100 == 2);
        let accepted = u32::from(after_content && good);
        self.session.accepted += accepted;
        let counts = &self.shared.whole.counts;
        counts.accepted.fetch_add(accepted, Ordering::Relaxed);
        Ok(())
    }

    /// Reads message content up to its end.
    async fn swallow_content(&mut self) -> Result<Turn, End> {
        let mut end = EndOfData::new();
        while !self.link.inbox.feed(|bytes| end.feed(bytes, &mut |_| {})) {
            if end.size() > self.hopeless() {
                return Ok(Turn::Astray("content without an end came".to_owned()));
            }
            self.link.fill().await?;
        }
        Ok(Turn::Next)
    }

    /// Answers a client that has left the transcript, so that it neither hangs nor takes anything for done.
    async fn refuse(&mut self) -> Result<(), End> {
        self.link.write(&Reply::lines(OFF_SCRIPT)).await?;
        for _ in 0..LAST_WORDS {
            let quits = match self.link.line().await? {
                inbox::Line::Text(text) => is_quit(&text),
                inbox::Line::TooLong => false,
            };
            let reply = if quits {
                "221 2.0.0 closing"
            } else {
                OFF_SCRIPT
            };
            self.link.write(&Reply::lines(reply)).await?;
            if quits {
                break;
            }
        }
        Err(End::Close)
    }
}

/// Whether the next thing that the client does is the TLS handshake.
fn leads_to_tls(lines: &[Line]) -> bool {
    let mut acts = lines.iter().map(|line| &line.act);
    let next = acts.find(|act| !matches!(act, Act::Send(_) | Act::Flush | Act::Wait(_)));
    next == Some(&Act::Tls)
}

fn is_quit(line: &[u8]) -> bool {
    Command::of_verb(line.trim_ascii()) == Command::Quit
}

fn deviated(line: &Line, came: &str) -> Played {
    let expected = match &line.act {
        Act::Send(_) => "a client that reads the reply".to_owned(),
        Act::Expect(pattern) => format!("`{}`", pattern.text),
        Act::Content => "message content".to_owned(),
        Act::Read(count) => format!("{count} bytes"),
        Act::Flush | Act::Wait(_) => "a client that waits".to_owned(),
        Act::Tls => "a TLS handshake".to_owned(),
        Act::End(_) => "a client that is there to the end".to_owned(),
    };
    Played::Up {
        to: line.span.clone(),
        why: format!("{expected} was expected, and {came}"),
    }
}

/// What ended the connection where a line of the transcript was due.
fn came_instead(act: &Act, end: &End) -> String {
    match end {
        End::Eof => "the client closed the connection",
        End::Limit(limit) => return format!("a limit ended the connection: {limit}"),
        End::Stopped => "the case was over",
        End::Failed => "the connection broke",
        End::Close if *act == Act::Tls => "something else came",
        End::Close | End::Reset | End::HalfClose => "the connection ended",
    }
    .to_owned()
}

/// A line that came, without what it says: it may be a secret.
fn describe(line: &[u8]) -> String {
    let (verb, argument) = match line.iter().position(|byte| *byte == b' ') {
        Some(space) => line.split_at(space),
        None => (line, &[][..]),
    };
    match Command::of_verb(verb) {
        Command::Unknown => format!("a line of {} octets came", line.len()),
        command if argument.is_empty() => format!("`{}` came", command.name()),
        command => format!(
            "`{}` with an argument of {} octets came",
            command.name(),
            argument.len() - 1
        ),
    }
}

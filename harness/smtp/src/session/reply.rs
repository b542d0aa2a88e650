//! Server lines put together into replies (RFC 5321 section 4.2).

use wire::{Direction, Span, Timestamp};

use super::lines::Line;
use crate::lenient::lossy;
use crate::timeline::{Reply, Terminator};

/// The most lines and the most bytes that one reply may have. An endless one is cut, and what follows is not kept.
const MOST_LINES: usize = 4096;
const MOST_BYTES: u64 = 1 << 20;

/// A reply with its place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Assembled {
    /// The reply.
    pub(super) reply: Reply,
    /// From its first line to its last.
    pub(super) span: Span,
    /// When its first byte was captured.
    pub(super) time: Timestamp,
}

/// One reply line taken apart.
struct Parts {
    /// `None` where it does not begin with a code of three digits.
    code: Option<u16>,
    /// Whether more lines follow.
    more: bool,
    text: String,
}

fn take_apart(bytes: &[u8]) -> Parts {
    let text = |from: usize| lossy(bytes.get(from..).unwrap_or_default());
    let digits = bytes
        .iter()
        .take(4)
        .take_while(|b| b.is_ascii_digit())
        .count();
    if digits != 3 {
        return Parts {
            code: None,
            more: false,
            text: text(0),
        };
    }
    let code = bytes[..3]
        .iter()
        .fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
    let separator = bytes.get(3).copied();
    let from = if matches!(separator, Some(b' ' | b'-' | b'\t')) {
        4
    } else {
        3
    };
    Parts {
        code: Some(code),
        more: separator == Some(b'-'),
        text: text(from),
    }
}

/// The code of a line that looks like a reply: three digits, then a space, a hyphen or nothing.
pub(super) fn code(bytes: &[u8]) -> Option<u16> {
    let parts = take_apart(bytes);
    parts
        .code
        .filter(|_| matches!(bytes.get(3), None | Some(b' ' | b'-' | b'\r' | b'\n')))
}

/// What became of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// More lines of the reply are to come.
    More,
    /// The reply ends here.
    Done(Assembled),
    /// The line belongs to a reply that is already too long: not kept.
    Excess,
}

/// Collects the lines of the reply in progress.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    open: Option<Assembled>,
    excess: bool,
    interrupted: bool,
}

impl Assembler {
    /// Notes that the client spoke. A server that then goes on with another code has begun a new reply.
    pub(super) fn interrupt(&mut self) {
        self.interrupted = self.open.is_some() || self.excess;
    }

    /// Whether `line` shows that the reply in progress will get no further line.
    pub(super) fn is_overtaken_by(&self, line: &Line) -> bool {
        let open = self.open.as_ref().map(|open| open.reply.code);
        self.interrupted && open.is_some() && code(&line.bytes).is_some_and(|new| Some(new) != open)
    }

    /// Takes one line.
    pub(super) fn line(&mut self, line: &Line) -> Step {
        let parts = take_apart(&line.bytes);
        if self.excess {
            self.excess = parts.code.is_none() || parts.more;
            return Step::Excess;
        }
        let span = Span::new(Direction::Server, line.start, line.end);
        let mut all = self.open.take().unwrap_or_else(|| {
            // Most replies have one line, and need room for no more.
            let room = if parts.more { 4 } else { 1 };
            Assembled {
                reply: Reply {
                    code: parts.code.unwrap_or(0),
                    lines: Vec::with_capacity(room),
                    spans: Vec::with_capacity(room),
                    complete: false,
                    agrees: true,
                },
                span,
                time: line.time,
            }
        });
        let first = all.reply.lines.is_empty();
        let agrees = parts.code == Some(all.reply.code);
        // A line that disagrees keeps its own code in its text, so that nothing of it is lost.
        let text = if first || agrees {
            parts.text
        } else {
            lossy(&line.bytes)
        };
        all.reply.agrees &= first || agrees;
        all.reply.lines.push(text);
        all.reply.spans.push(span);
        all.span = all.span.join(span);
        if parts.more || (parts.code.is_none() && !first) {
            if all.reply.lines.len() < MOST_LINES && all.span.len() < MOST_BYTES {
                self.open = Some(all);
                return Step::More;
            }
            self.excess = true;
            return Step::Done(all);
        }
        self.interrupted = false;
        all.reply.complete = parts.code.is_some() && line.terminator != Terminator::Missing;
        Step::Done(all)
    }

    /// The reply in progress, whose end will not come.
    pub(super) fn close(&mut self) -> Option<Assembled> {
        self.excess = false;
        self.interrupted = false;
        self.open.take()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn lines(texts: &[&str]) -> Vec<Line> {
        let mut start = 0;
        texts
            .iter()
            .map(|text| {
                let end = start + text.len() as u64 + 2;
                let line = Line {
                    bytes: text.as_bytes().to_vec(),
                    start,
                    end,
                    time: Timestamp::default(),
                    terminator: Terminator::CrLf,
                    continued: false,
                };
                start = end;
                line
            })
            .collect()
    }

    fn assemble(texts: &[&str]) -> Vec<Assembled> {
        let mut assembler = Assembler::default();
        let mut replies = Vec::new();
        for line in lines(texts) {
            if let Step::Done(reply) = assembler.line(&line) {
                replies.push(reply);
            }
        }
        replies.extend(assembler.close());
        replies
    }

    #[rstest]
    #[case(&["250 ok"], 250, &["ok"], true)]
    #[case(&["250"], 250, &[""], true)]
    #[case(&["250 "], 250, &[""], true)]
    #[case(&["250-"], 250, &[""], false)]
    #[case(&["250-a", "250-", "250 c"], 250, &["a", "", "c"], true)]
    #[case(&["250-a", "junk", "250 c"], 250, &["a", "junk", "c"], true)]
    #[case(&["250-a", "550 b"], 250, &["a", "550 b"], true)]
    #[case(&["099 x"], 99, &["x"], true)]
    #[case(&["2500 ok"], 0, &["2500 ok"], false)]
    #[case(&["OK"], 0, &["OK"], false)]
    #[case(&[""], 0, &[""], false)]
    #[case(&["4.7.0 later"], 0, &["4.7.0 later"], false)]
    fn reads_odd_replies(
        #[case] texts: &[&str],
        #[case] code: u16,
        #[case] expected: &[&str],
        #[case] complete: bool,
    ) {
        let replies = assemble(texts);
        assert_eq!(replies.len(), 1, "{replies:?}");
        let reply = &replies[0].reply;
        assert_eq!((reply.code, reply.complete), (code, complete));
        let disagree = expected.contains(&"550 b") || expected.contains(&"junk");
        assert_eq!(reply.agrees, !disagree);
        assert_eq!(reply.lines, expected);
        assert_eq!(reply.spans.len(), expected.len());
    }

    #[test]
    fn an_endless_reply_is_cut_and_the_next_one_read() {
        let mut texts = vec!["250-x"; MOST_LINES + 10];
        texts.push("250 end");
        texts.push("221 bye");
        let replies = assemble(&texts);
        assert_eq!(replies.len(), 2);
        assert_eq!(
            (replies[0].reply.lines.len(), replies[0].reply.complete),
            (MOST_LINES, false)
        );
        assert_eq!(replies[1].reply.code, 221);
    }

    #[test]
    fn a_new_code_after_client_speech_begins_a_new_reply() {
        let mut assembler = Assembler::default();
        let lines = lines(&["220-hello", "250 ok"]);
        assert_eq!(assembler.line(&lines[0]), Step::More);
        assert!(!assembler.is_overtaken_by(&lines[1]));
        assembler.interrupt();
        assert!(assembler.is_overtaken_by(&lines[1]));
    }
}

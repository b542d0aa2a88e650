//! `transcript`: a whole dialogue, line by line, as RFCs write it. Nothing but it is played.

use std::ops::Range;
use std::time::Duration;

use super::decode::{Problems, Value, nearest, quoted};
use super::rule::ENDINGS;
use super::values::{parse_duration, text};
use super::{Code, Command, Ending, TlsMode};

/// What one connection after the other plays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcript {
    /// The first is that of the first connection; never empty.
    pub dialogues: Vec<Dialogue>,
}

/// The dialogue of one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialogue {
    /// Its lines, in order; never empty.
    pub lines: Vec<Line>,
    /// Where it begins.
    pub span: Range<usize>,
}

/// A line of a dialogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What happens.
    pub act: Act,
    /// Where it is written.
    pub span: Range<usize>,
}

/// What happens at a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// `S:`. Neighbours go out in one segment.
    Send(Vec<u8>),
    /// `C:`. The client must send such a line.
    Expect(Pattern),
    /// `(content)`. The client must send message content, up to the line with one dot.
    Content,
    /// `(read 100)`. The client must send so many bytes, whatever they are.
    Read(u64),
    /// `(flush)`. What was said so far is sent now, in a segment of its own.
    Flush,
    /// `(wait 2s)`. Nothing is said for so long.
    Wait(Duration),
    /// `(tls)`. The TLS handshake.
    Tls,
    /// `(close)`, `(reset)`, `(half-close)`. The connection ends.
    End(Ending),
}

/// What a line of the client must look like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// As it is written.
    pub text: String,
    /// The verb, in any case of letters; `None` where the line does not begin with one.
    verb: Option<String>,
    /// The rest, between its wildcards.
    pieces: Vec<Vec<u8>>,
}

impl Pattern {
    /// A verb of SMTP is meant in any case of letters, everything else exactly as it stands. `*` and `…` stand for any
    /// bytes, or none; `\*` is a star.
    fn new(text: &str) -> Self {
        let word = text.split([' ', '*', '…']).next().unwrap_or_default();
        let is_verb = Command::of_verb(word.as_bytes()) != Command::Unknown;
        let (verb, rest) = text.split_at(if is_verb { word.len() } else { 0 });
        let mut pieces = vec![Vec::new()];
        let mut letters = rest.chars().peekable();
        while let Some(letter) = letters.next() {
            match letter {
                '*' | '…' => pieces.push(Vec::new()),
                '\\' if letters.peek() == Some(&'*') => {
                    letters.next();
                    push(&mut pieces, '*');
                }
                other => push(&mut pieces, other),
            }
        }
        Self {
            text: text.to_owned(),
            verb: is_verb.then(|| verb.to_owned()),
            pieces,
        }
    }

    /// Whether a line, without its end, is such a one.
    pub fn matches(&self, line: &[u8]) -> bool {
        let rest = match &self.verb {
            None => line,
            Some(verb) => match line.split_at_checked(verb.len()) {
                Some((head, rest)) if head.eq_ignore_ascii_case(verb.as_bytes()) => rest,
                _ => return false,
            },
        };
        let Some(((first, last), between)) = self
            .pieces
            .split_first()
            .and_then(|(first, rest)| Some((first, rest.split_last()?)))
            .map(|(first, (last, between))| ((first, last), between))
        else {
            return self.pieces.first().is_some_and(|whole| whole == rest);
        };
        let Some(mut rest) = rest
            .strip_prefix(first.as_slice())
            .and_then(|rest| rest.strip_suffix(last.as_slice()))
        else {
            return false;
        };
        // The earliest place of each piece leaves the most room for those behind it.
        for piece in between.iter().filter(|piece| !piece.is_empty()) {
            let Some(at) = rest
                .windows(piece.len())
                .position(|window| window == *piece)
            else {
                return false;
            };
            rest = rest.get(at + piece.len()..).unwrap_or_default();
        }
        true
    }
}

fn push(pieces: &mut [Vec<u8>], letter: char) {
    if let Some(piece) = pieces.last_mut() {
        piece.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

/// The words in parentheses.
const DIRECTIVES: [&str; 10] = [
    "content",
    "read",
    "hex",
    "flush",
    "wait",
    "tls",
    "close",
    "reset",
    "half-close",
    "connection",
];

/// Reads a transcript; `file` is the text of the whole file, to say where in it a line stands.
pub(super) fn read(value: &Value<'_>, file: &str, problems: &mut Problems) -> Option<Transcript> {
    let text = text(value, problems)?;
    let before = problems.len();
    let mut dialogues = vec![Vec::new()];
    for (written, span) in lines(&text.value, &text.span, file) {
        match line(&written, &span, problems) {
            Some(Parsed::Line(act)) => {
                if let Some(dialogue) = dialogues.last_mut() {
                    dialogue.push(Line { act, span });
                }
            }
            Some(Parsed::Connection) if dialogues.last().is_some_and(Vec::is_empty) => {
                problems.add(
                    Code::BadValue,
                    span,
                    "nothing is played before this connection",
                );
            }
            Some(Parsed::Connection) => dialogues.push(Vec::new()),
            Some(Parsed::Nothing) | None => {}
        }
    }
    if dialogues.last().is_some_and(Vec::is_empty) && problems.len() == before {
        problems
            .add(
                Code::BadValue,
                text.span,
                "a connection of this transcript has no line",
            )
            .help("write lines as RFCs do: `S: 220 hello` and `C: EHLO *`");
    }
    for dialogue in &dialogues {
        reject_unreachable(dialogue, problems);
    }
    let dialogues = dialogues.into_iter().filter_map(|lines| {
        let span = lines.first()?.span.clone();
        Some(Dialogue { lines, span })
    });
    let transcript = Transcript {
        dialogues: dialogues.collect(),
    };
    (problems.len() == before).then_some(transcript)
}

/// What a line is.
enum Parsed {
    Line(Act),
    Connection,
    /// Empty, or a comment.
    Nothing,
}

fn line(written: &str, span: &Range<usize>, problems: &mut Problems) -> Option<Parsed> {
    if written.is_empty() || written.starts_with('#') {
        return Some(Parsed::Nothing);
    }
    let said = |rest: &str| rest.strip_prefix(' ').unwrap_or(rest).to_owned();
    if let Some(rest) = written.strip_prefix("S:") {
        return Some(Parsed::Line(Act::Send(
            format!("{}\r\n", said(rest)).into_bytes(),
        )));
    }
    if let Some(rest) = written.strip_prefix("C:") {
        let pattern = said(rest);
        // `C: (content)` reads as in an RFC, and means the same as the directive.
        let Some(inner) = in_parentheses(&pattern) else {
            return Some(Parsed::Line(Act::Expect(Pattern::new(&pattern))));
        };
        if inner != "content" {
            problems
                .add(
                    Code::BadValue,
                    span.clone(),
                    format!("a client does not send `({inner})`"),
                )
                .help("directives stand on lines of their own; only `(content)` may follow `C:`");
            return None;
        }
        return Some(Parsed::Line(Act::Content));
    }
    let Some(inner) = in_parentheses(written) else {
        problems
            .add(
                Code::BadValue,
                span.clone(),
                "a line of a transcript is `S: …`, `C: …` or a directive in parentheses",
            )
            .help(format!(
                "the directives are {}; a comment begins with `#`",
                quoted(&DIRECTIVES)
            ));
        return None;
    };
    directive(inner, span, problems)
}

fn in_parentheses(text: &str) -> Option<&str> {
    Some(text.strip_prefix('(')?.strip_suffix(')')?.trim())
}

fn directive(inner: &str, span: &Range<usize>, problems: &mut Problems) -> Option<Parsed> {
    let (word, argument) = inner.split_once(' ').unwrap_or((inner, ""));
    let argument = argument.trim();
    let ending = ENDINGS.iter().find(|(name, _)| *name == word);
    let act = match (word, argument) {
        ("connection", "") => return Some(Parsed::Connection),
        ("content", "") => Some(Act::Content),
        ("flush", "") => Some(Act::Flush),
        ("tls", "") => Some(Act::Tls),
        ("wait", duration) => parse_duration(duration).map(Act::Wait),
        ("read", count) => count.parse().ok().map(Act::Read),
        ("hex", digits) => bytes(digits).map(Act::Send),
        (_, "") => ending.map(|(_, ending)| Act::End(*ending)),
        _ => None,
    };
    if act.is_none() {
        let help = match word {
            "wait" => "write how long: `(wait 2s)`, `(wait 150ms)`".to_owned(),
            "read" => "write how many bytes: `(read 1000)`".to_owned(),
            "hex" => "write bytes, two digits for each: `(hex 32 35 30 0d 0a)`".to_owned(),
            _ if DIRECTIVES.contains(&word) => format!("`({word})` takes nothing"),
            _ => nearest(word, &DIRECTIVES).map_or_else(
                || format!("known: {}", quoted(&DIRECTIVES)),
                |near| format!("did you mean `{near}`?"),
            ),
        };
        problems
            .add(
                Code::BadValue,
                span.clone(),
                format!("there is no directive `({inner})`"),
            )
            .help(help);
    }
    act.map(Parsed::Line)
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let digits: String = digits.split_ascii_whitespace().collect();
    hex::decode(digits).ok().filter(|bytes| !bytes.is_empty())
}

/// What stands behind the end of a connection is never played.
fn reject_unreachable(lines: &[Line], problems: &mut Problems) {
    let end = lines
        .iter()
        .position(|line| matches!(line.act, Act::End(_)));
    if let Some(end) = end
        && let (Some(last), Some(next)) = (lines.get(end), lines.get(end + 1))
    {
        problems
            .add(
                Code::NeverMatches,
                next.span.clone(),
                "the connection has ended before this line: it is never played",
            )
            .help("the dialogue of the next connection begins with `(connection)`")
            .related(last.span.clone(), "it ends here");
    }
}

/// A handshake needs a server that does TLS. `tls` is unknown where that key itself was wrong.
pub(super) fn check_tls(transcript: &Transcript, tls: Option<TlsMode>, problems: &mut Problems) {
    let lines = transcript
        .dialogues
        .iter()
        .flat_map(|dialogue| &dialogue.lines);
    for line in lines.filter(|line| line.act == Act::Tls) {
        let (message, help) = match tls {
            Some(TlsMode::None) => (
                "the server does no TLS",
                "write `[server]` `tls = \"starttls\"`",
            ),
            Some(TlsMode::Implicit) => (
                "TLS is up from the first byte",
                "leave the line out, or write `[server]` `tls = \"starttls\"`",
            ),
            _ => continue,
        };
        problems
            .add(Code::Conflict, line.span.clone(), message)
            .help(help);
    }
}

/// The lines of the text without the spaces around them, with their places in the file.
///
/// A TOML string stands in the file as it is, but for escapes. Where there are any, all lines have the place of the whole
/// string: a wrong place would be worse than a wide one.
fn lines(text: &str, span: &Range<usize>, file: &str) -> Vec<(String, Range<usize>)> {
    let raw = file.get(span.clone()).unwrap_or_default();
    let start = raw.find(text).map(|at| span.start + at);
    let mut offset = 0;
    let mut all = Vec::new();
    for line in text.split_inclusive('\n') {
        let written = line.trim();
        let place = start.map_or_else(
            || span.clone(),
            |start| {
                let indent = line.len() - line.trim_start().len();
                let first = start + offset + indent;
                first..first + written.len().max(1)
            },
        );
        offset += line.len();
        all.push((written.to_owned(), place));
    }
    all
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("EHLO *", "ehlo client.example.test", true)]
    #[case("EHLO *", "EHLO", false)]
    #[case("EHLO*", "EHLO", true)]
    #[case("EHLO …", "EHLO x", true)]
    #[case("DATA", "data", true)]
    #[case("DATA", "DATA ", false)]
    #[case("DATA", "DATAX", false)]
    #[case("MAIL FROM:<a@b>", "mail FROM:<a@b>", true)]
    #[case("MAIL FROM:<a@b>", "MAIL from:<a@b>", false)]
    #[case("MAIL FROM:<*@*> SIZE=*", "MAIL FROM:<a@b> SIZE=10", true)]
    #[case("MAIL FROM:<*@*> SIZE=*", "MAIL FROM:<ab> SIZE=10", false)]
    #[case("RCPT *<a>*", "RCPT <a<a>", true)]
    #[case("*", "anything at all", true)]
    #[case("*", "", true)]
    #[case("\\*", "*", true)]
    #[case("\\*", "x", false)]
    #[case("dXNlcg==", "dXNlcg==", true)]
    #[case("dXNlcg==", "DXNlcg==", false)]
    #[case("a*a", "a", false)]
    #[case("", "", true)]
    fn lines_are_matched(#[case] pattern: &str, #[case] line: &str, #[case] matches: bool) {
        assert_eq!(Pattern::new(pattern).matches(line.as_bytes()), matches);
    }

    proptest::proptest! {
        #[test]
        fn a_line_matches_itself_with_parts_left_out(
            line in "[a-c ]{0,20}", from in 0usize..20, to in 0usize..20,
        ) {
            let (from, to) = (from.min(line.len()), to.min(line.len()));
            let (from, to) = (from.min(to), from.max(to));
            let pattern = format!("{}*{}", &line[..from], &line[to..]);
            proptest::prop_assert!(Pattern::new(&pattern).matches(line.as_bytes()));
            proptest::prop_assert!(Pattern::new(&line).matches(line.as_bytes()));
        }

        #[test]
        fn no_pattern_and_no_line_make_it_panic(
            pattern in "(EHLO|a|\\*|\\\\|…| ){0,12}",
            line in proptest::collection::vec(proptest::num::u8::ANY, 0..12),
        ) {
            let _ = Pattern::new(&pattern).matches(&line);
        }
    }
}

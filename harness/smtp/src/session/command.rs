//! Client lines, read as leniently as servers in the field read them (RFC 5321 section 4.1).

use std::ops::Range;

use wire::{Direction, Span};

use super::lines::Line;
use crate::lenient::lossy;
use crate::timeline::{Command, Located, Parameter};

/// Makes a command out of a line. Every line is one, whatever it says.
pub(super) fn parse(line: &Line) -> Command {
    let bytes = &line.bytes;
    let verb = verb_range(bytes);
    let argument = bytes.get(verb.end + 1..).unwrap_or_default();
    Command {
        verb: String::from_utf8_lossy(&bytes[verb]).to_ascii_uppercase(),
        argument: lossy(argument),
        raw: bytes.clone(),
        terminator: line.terminator,
    }
}

/// Where the verb stands: after blanks at the beginning, up to the next blank.
fn verb_range(bytes: &[u8]) -> Range<usize> {
    let start = skip_blanks(bytes, 0);
    start..word_end(bytes, start)
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn skip_blanks(bytes: &[u8], from: usize) -> usize {
    bytes[from..]
        .iter()
        .position(|&b| !is_blank(b))
        .map_or(bytes.len(), |at| from + at)
}

fn word_end(bytes: &[u8], from: usize) -> usize {
    bytes[from..]
        .iter()
        .position(|&b| is_blank(b))
        .map_or(bytes.len(), |at| from + at)
}

/// The words of a line after its verb, as ranges of the line.
fn words(bytes: &[u8]) -> Vec<Range<usize>> {
    words_from(bytes, verb_range(bytes).end)
}

fn words_from(bytes: &[u8], from: usize) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = skip_blanks(bytes, from);
    while at < bytes.len() {
        let end = word_end(bytes, at);
        found.push(at..end);
        at = skip_blanks(bytes, end);
    }
    found
}

fn place(line: &Line, range: &Range<usize>) -> Span {
    Span::new(
        Direction::Client,
        line.start + range.start as u64,
        line.start + range.end as u64,
    )
}

/// The words after the verb, each with its place.
pub(super) fn arguments(line: &Line) -> Vec<Located<Vec<u8>>> {
    words(&line.bytes)
        .into_iter()
        .map(|range| {
            let span = place(line, &range);
            Located::new(line.bytes[range].to_vec(), span)
        })
        .collect()
}

/// What a MAIL or RCPT command names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Path {
    /// The mailbox, without angle brackets and source route.
    pub(super) address: Located<String>,
    /// The ESMTP parameters.
    pub(super) parameters: Vec<Located<Parameter>>,
}

/// Reads what follows `FROM:` or `TO:`; the keyword, the colon and the angle brackets may each be missing.
pub(super) fn path(line: &Line, keyword: &str) -> Path {
    let bytes = &line.bytes;
    let mut at = skip_blanks(bytes, verb_range(bytes).end);
    if let Some(word) = bytes.get(at..at + keyword.len())
        && word.eq_ignore_ascii_case(keyword.as_bytes())
    {
        at = skip_blanks(bytes, at + keyword.len());
    }
    if bytes.get(at) == Some(&b':') {
        at = skip_blanks(bytes, at + 1);
    }
    let (address, after) = mailbox(bytes, at);
    let address = Located::new(lossy(&bytes[address.clone()]), place(line, &address));
    let parameters = words_from(bytes, after)
        .into_iter()
        .map(|range| Located::new(parameter(&bytes[range.clone()]), place(line, &range)))
        .collect();
    Path {
        address,
        parameters,
    }
}

/// The range of the mailbox that begins at `at`, and where the parameters begin.
fn mailbox(bytes: &[u8], at: usize) -> (Range<usize>, usize) {
    let bracketed = bytes.get(at) == Some(&b'<');
    let start = if bracketed { at + 1 } else { at };
    let mut end = start;
    let mut quoted = false;
    while let Some(&byte) = bytes.get(end) {
        match byte {
            b'\\' if quoted => end += 1,
            b'"' => quoted = !quoted,
            b'>' if bracketed && !quoted => break,
            _ if !bracketed && !quoted && is_blank(byte) => break,
            _ => {}
        }
        end += 1;
    }
    let mut end = end.min(bytes.len());
    let closed = bracketed && bytes.get(end) == Some(&b'>');
    if bracketed && !closed {
        end = word_end(bytes, start);
    }
    let after = if closed { end + 1 } else { end };
    (without_route(bytes, start..end), after)
}

/// Leaves out a source route, `@one,@two:` (RFC 5321 appendix C).
fn without_route(bytes: &[u8], range: Range<usize>) -> Range<usize> {
    let inner = &bytes[range.clone()];
    match (inner.first(), inner.iter().position(|&b| b == b':')) {
        (Some(b'@'), Some(colon)) => range.start + colon + 1..range.end,
        _ => range,
    }
}

fn parameter(word: &[u8]) -> Parameter {
    let text = String::from_utf8_lossy(word);
    match text.split_once('=') {
        Some((name, value)) => Parameter {
            name: name.to_ascii_uppercase(),
            value: Some(value.to_owned()),
        },
        None => Parameter {
            name: text.to_ascii_uppercase(),
            value: None,
        },
    }
}

/// The argument of BDAT (RFC 3030 section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    /// How many bytes follow the command line.
    pub(super) size: u64,
    /// Whether it is the last one of its message.
    pub(super) last: bool,
}

/// Reads `BDAT size [LAST]`; `None` where a server could not tell how many bytes follow.
pub(super) fn chunk(line: &Line) -> Option<Chunk> {
    let words = words(&line.bytes);
    let size = std::str::from_utf8(&line.bytes[words.first()?.clone()]).ok()?;
    let size = size
        .bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| size.parse().ok())??;
    match words.get(1..)? {
        [] => Some(Chunk { size, last: false }),
        [word] if line.bytes[word.clone()].eq_ignore_ascii_case(b"LAST") => {
            Some(Chunk { size, last: true })
        }
        _ => None,
    }
}

/// How far a line proves, by itself, that an SMTP client said it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Likeness {
    /// A command that no other protocol has.
    Smtp,
    /// A well-formed command that other protocols have too.
    Shared,
    /// A command of FTP or POP3 that SMTP does not have.
    Foreign,
    /// None of these.
    None,
}

/// Judges a line by its look alone: for finding one's way where the state is not known.
pub(super) fn likeness(bytes: &[u8]) -> Likeness {
    let verb = verb_range(bytes);
    let words = words(bytes);
    let word = |at: usize| words.get(at).map_or(&[][..], |range| &bytes[range.clone()]);
    let begins = |text: &str| {
        bytes[verb.end..]
            .trim_ascii_start()
            .get(..text.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(text.as_bytes()))
    };
    let verb = bytes[verb.clone()].to_ascii_uppercase();
    let sure = |held: bool, kind: Likeness| if held { kind } else { Likeness::None };
    match verb.as_slice() {
        b"EHLO" | b"HELO" | b"LHLO" => sure(words.len() <= 2, Likeness::Smtp),
        b"MAIL" => sure(begins("FROM"), Likeness::Smtp),
        b"RCPT" => sure(begins("TO"), Likeness::Smtp),
        b"STARTTLS" => sure(words.is_empty(), Likeness::Smtp),
        b"BDAT" => sure(word(0).iter().any(u8::is_ascii_digit), Likeness::Smtp),
        b"DATA" | b"RSET" | b"QUIT" | b"NOOP" | b"HELP" => sure(words.is_empty(), Likeness::Shared),
        b"VRFY" | b"EXPN" => sure(words.len() == 1, Likeness::Shared),
        b"AUTH" if matches!(word(0).to_ascii_uppercase().as_slice(), b"TLS" | b"SSL") => {
            Likeness::Foreign
        }
        b"AUTH" => sure(matches!(words.len(), 1 | 2), Likeness::Shared),
        b"USER" | b"PASS" | b"ACCT" | b"APOP" | b"CAPA" | b"CLNT" | b"FEAT" | b"OPTS" | b"PBSZ"
        | b"STLS" | b"SYST" => Likeness::Foreign,
        _ => Likeness::None,
    }
}

/// Whether the line is a well-formed SMTP command by its look.
pub(super) fn is_evident(bytes: &[u8]) -> bool {
    matches!(likeness(bytes), Likeness::Smtp | Likeness::Shared)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use wire::Timestamp;

    use super::*;
    use crate::timeline::Terminator;

    fn line(text: &[u8]) -> Line {
        Line {
            bytes: text.to_vec(),
            start: 100,
            end: 102 + text.len() as u64,
            time: Timestamp::default(),
            terminator: Terminator::CrLf,
            continued: false,
        }
    }

    #[rstest]
    #[case(b"MAIL FROM:<a@b>", "a@b", 111)]
    #[case(b"mail from: <a@b>", "a@b", 112)]
    #[case(b"Mail From : < a@b >", " a@b ", 113)]
    #[case(b"MAIL FROM:a@b", "a@b", 110)]
    #[case(b"MAIL <a@b>", "a@b", 106)]
    #[case(b"MAIL FROM:<@x,@y:a@b>", "a@b", 117)]
    #[case(b"MAIL FROM:<\"a > b\"@c>", "\"a > b\"@c", 111)]
    #[case(b"MAIL FROM:<\"a\\\" b\"@c>", "\"a\\\" b\"@c", 111)]
    #[case(b"MAIL FROM:<a@b SIZE=3", "a@b", 111)]
    #[case(b"MAIL FROM:<>", "", 111)]
    #[case(b"MAIL", "", 104)]
    fn reads_paths_as_clients_write_them(
        #[case] text: &[u8],
        #[case] address: &str,
        #[case] start: u64,
    ) {
        let path = path(&line(text), "FROM");
        assert_eq!(path.address.value, address);
        assert_eq!(path.address.span.start, start);
        assert_eq!(path.address.span.len(), address.len() as u64);
    }

    #[test]
    fn reads_parameters_with_their_places() {
        let path = path(&line(b"MAIL FROM:<a@b> size=10  AUTH=<> SMTPUTF8"), "FROM");
        let seen: Vec<_> = path
            .parameters
            .iter()
            .map(|p| {
                (
                    p.value.name.as_str(),
                    p.value.value.as_deref(),
                    p.span.start,
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("SIZE", Some("10"), 116),
                ("AUTH", Some("<>"), 125),
                ("SMTPUTF8", None, 133)
            ]
        );
    }

    #[rstest]
    #[case(b"BDAT 10", Some(Chunk { size: 10, last: false }))]
    #[case(b"bdat 0 last", Some(Chunk { size: 0, last: true }))]
    #[case(b"BDAT", None)]
    #[case(b"BDAT +1", None)]
    #[case(b"BDAT 1 LAST LAST", None)]
    #[case(b"BDAT 99999999999999999999", None)]
    fn reads_chunk_sizes(#[case] text: &[u8], #[case] expected: Option<Chunk>) {
        assert_eq!(chunk(&line(text)), expected);
    }

    #[rstest]
    #[case(b"EHLO a", Likeness::Smtp)]
    #[case(b"mail from:<a>", Likeness::Smtp)]
    #[case(b"Mail is late today", Likeness::None)]
    #[case(b"Data follows below", Likeness::None)]
    #[case(b"QUIT", Likeness::Shared)]
    #[case(b"AUTH TLS", Likeness::Foreign)]
    #[case(b"AUTH PLAIN", Likeness::Shared)]
    #[case(b"USER x", Likeness::Foreign)]
    #[case(b"", Likeness::None)]
    fn judges_lines_by_their_look(#[case] text: &[u8], #[case] expected: Likeness) {
        assert_eq!(likeness(text), expected);
    }

    #[test]
    fn a_verb_is_upper_case_and_the_argument_untouched() {
        let command = parse(&line(b" ehlo  A b"));
        assert_eq!(
            (command.verb.as_str(), command.argument.as_str()),
            ("EHLO", " A b")
        );
    }

    proptest! {
        #[test]
        fn any_line_can_be_read(text in proptest::collection::vec(any::<u8>(), 0..80)) {
            let line = line(&text);
            let path = path(&line, "TO");
            prop_assert!(path.address.span.start >= 100 && path.address.span.end <= line.end);
            parse(&line);
            chunk(&line);
            likeness(&text);
            arguments(&line);
        }
    }
}

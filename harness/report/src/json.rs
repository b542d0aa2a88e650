//! JSON: the result itself.
//!
//! [`open`], [`conversation`] and [`close`] write the same document piece by piece, so that whoever judges a long capture
//! need not hold its conversations: one `open`, a `conversation` for each, one `close`, joined, are one valid result.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, BufWriter, Write as _};

use claims::baseline::Comparison;
use claims::controls::FrameworkOutcome;
use claims::result::{
    CaseOutcome, ClaimText, ClientText, ConversationOutcome, Outcome, ProfileText, Tool,
};
use claims::{Answer, Verdict, steers};
use serde::Serialize;

use crate::Style;

/// How much is held on the way to a file.
const BUFFER: usize = 64 << 10;

/// The result, indented, with a line end.
pub(crate) fn render(outcome: &Outcome, _: Style) -> String {
    let mut text = Vec::new();
    write(outcome, &mut text).expect("a result holds only strings, numbers and lists");
    String::from_utf8(text).expect("JSON is text")
}

/// Writes the same, without holding it as a whole.
///
/// # Errors
///
/// Those of the writer.
pub fn write(outcome: &Outcome, out: impl io::Write) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(BUFFER, Inert(out));
    serde_json::to_writer_pretty(&mut out, outcome)?;
    out.write_all(b"\n")?;
    out.flush()
}

/// The beginning of a result that is written piece by piece.
pub fn open() -> String {
    "{\"conversations\":[\n".to_owned()
}

/// One conversation of it. `first`: none came before.
pub fn conversation(first: bool, conversation: &ConversationOutcome) -> String {
    let separator = if first { "" } else { ",\n" };
    format!("{separator}{}", line(conversation))
}

/// The end of it: everything but the conversations. Those that `outcome` holds are not written again.
pub fn close(outcome: &Outcome) -> String {
    let rest = line(&Rest::of(outcome));
    format!("\n],{}\n", rest.trim_start_matches('{'))
}

/// A result without its conversations.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Rest<'a> {
    schema: &'a str,
    tool: &'a Tool,
    command: &'a str,
    profile: &'a str,
    #[serde(skip_serializing_if = "<[ProfileText]>::is_empty")]
    profiles: &'a [ProfileText],
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<&'a ClientText>,
    claims: &'a [ClaimText],
    cases: &'a [CaseOutcome],
    summary: &'a BTreeMap<Verdict, usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<&'a Answer>,
    #[serde(skip_serializing_if = "<[FrameworkOutcome]>::is_empty")]
    controls: &'a [FrameworkOutcome],
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    made: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline: Option<&'a Comparison>,
}

impl<'a> Rest<'a> {
    pub(crate) fn of(outcome: &'a Outcome) -> Self {
        // Spelled out, so that a field that is added to the result is missed here when this is compiled.
        let Outcome {
            schema,
            tool,
            command,
            profile,
            profiles,
            client,
            claims,
            cases,
            conversations: _,
            summary,
            answer,
            controls,
            coverage,
            made,
            baseline,
        } = outcome;
        Self {
            schema,
            tool,
            command,
            profile,
            profiles,
            client: client.as_ref(),
            claims,
            cases,
            summary,
            answer: answer.as_ref(),
            controls,
            coverage: coverage.as_deref(),
            made: made.as_deref(),
            baseline: baseline.as_ref(),
        }
    }
}

/// A value on one line.
pub(crate) fn line(value: &impl Serialize) -> String {
    let text = serde_json::to_string(value);
    let text = text.expect("a result holds only strings, numbers and lists");
    inert(&text).into_owned()
}

/// JSON that drives no terminal: characters that could are written as `\u` escapes. Outside of strings there are none.
fn inert(text: &str) -> Cow<'_, str> {
    let odd = |character: char| character != '\n' && (character.is_control() || steers(character));
    // Nearly all of it is plain through and through, which is quicker to see byte by byte.
    let plain = |byte: u8| byte == b'\n' || matches!(byte, b' '..=b'~');
    if text.bytes().all(plain) || !text.contains(odd) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if odd(character) {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

/// Writes JSON on as [`inert`] makes it. What it is given begins and ends between characters.
struct Inert<W>(W);

impl<W: io::Write> io::Write for Inert<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = std::str::from_utf8(bytes).map_err(io::Error::other)?;
        self.0.write_all(inert(text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn the_pieces_make_the_whole() {
        let whole = sample::audit();
        for count in 0..=whole.conversations.len() {
            let mut outcome = whole.clone();
            outcome.conversations.truncate(count);
            let mut text = open();
            for (number, one) in outcome.conversations.iter().enumerate() {
                text.push_str(&conversation(number == 0, one));
            }
            text.push_str(&close(&outcome));
            assert_eq!(
                serde_json::from_str::<Outcome>(&text).expect("one document"),
                outcome
            );
        }
    }

    #[test]
    fn a_long_result_is_cut_nowhere() {
        let mut outcome = sample::audit();
        // Characters of two to four bytes, at many offsets of the buffer, and one that is to be escaped.
        let odd =
            |number: usize| format!("{}\u{e9}\u{20ac}\u{1f600}\u{202e}", "x".repeat(number % 97));
        outcome.claims[0].statement = (0..9000).map(odd).collect::<Vec<_>>().join(" ");
        outcome.cases[0].problems = (0..9000).map(odd).collect();
        let text = render(&outcome, Style::default());
        assert!(text.len() > 16 * BUFFER && !text.contains('\u{202e}'));
        let read = serde_json::from_str::<Outcome>(&text).expect("one document");
        assert_eq!(read, outcome);
    }

    #[test]
    fn what_drives_a_terminal_is_escaped_and_means_the_same() {
        let odd = "a\u{9b}31m\u{202e}b\u{7f}\u{1b}\nc\u{1f600}";
        let text = line(&odd);
        assert!(!text.chars().any(|c| c.is_control() || steers(c)), "{text}");
        assert_eq!(
            serde_json::from_str::<String>(&text).expect("a string"),
            odd
        );
    }
}

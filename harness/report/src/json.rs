//! JSON: the result itself.
//!
//! [`open`], [`conversation`] and [`close`] write the same document piece by piece, so that whoever judges a long capture
//! need not hold its conversations: one `open`, a `conversation` for each, one `close`, joined, are one valid result.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use claims::baseline::Comparison;
use claims::controls::FrameworkOutcome;
use claims::result::{
    CaseOutcome, ClaimText, ClientText, ConversationOutcome, Outcome, ProfileText, Tool,
};
use claims::{Answer, Verdict};
use serde::Serialize;

use crate::{Style, steers};

/// The result, indented, with a line end.
pub(crate) fn render(outcome: &Outcome, _: Style) -> String {
    let text = serde_json::to_string_pretty(outcome);
    let mut text = inert(text.expect("a result holds only strings, numbers and lists"));
    text.push('\n');
    text
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
    inert(text.expect("a result holds only strings, numbers and lists"))
}

/// JSON that drives no terminal: characters that could are written as `\u` escapes. Outside of strings there are none.
fn inert(text: String) -> String {
    let odd = |character: char| character != '\n' && (character.is_control() || steers(character));
    // Nearly all of them are plain through and through, which is quicker to see byte by byte.
    let plain = text
        .bytes()
        .all(|byte| byte == b'\n' || matches!(byte, b' '..=b'~'));
    if plain || !text.contains(odd) {
        return text;
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
    out
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

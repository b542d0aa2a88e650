//! Verdicts shown: one file per format.
//!
//! Every format is a pure function of the result. None knows where the result came from, and none may show what the
//! result does not hold: secrets were left out before it was made. What came from the wire (names, addresses) is
//! escaped here, for the sink that it goes to.

mod grid;
mod json;
mod markdown;
mod seen;
mod text;

use claims::result::Outcome;

/// What a renderer may adapt to.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// ANSI colours. The words stay the same without them.
    pub color: bool,
    /// Every verdict of every conversation, with transcripts.
    pub verbose: bool,
    /// Columns of the terminal.
    pub width: usize,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            color: false,
            verbose: false,
            width: 80,
        }
    }
}

/// A report format.
pub struct Format {
    /// Its name on the command line.
    pub name: &'static str,
    /// The extension of its files.
    pub extension: &'static str,
    /// What it is for.
    pub summary: &'static str,
    /// The renderer.
    pub render: fn(&Outcome, Style) -> String,
}

/// Every format.
pub static FORMATS: &[Format] = &[
    Format {
        name: "text",
        extension: "txt",
        summary: "for a terminal",
        render: text::render,
    },
    Format {
        name: "json",
        extension: "json",
        summary: "for programs; schema smtpspec.result/1",
        render: json::render,
    },
    Format {
        name: "md",
        extension: "md",
        summary: "Markdown, for a pull request or a step summary",
        render: markdown::render,
    },
];

/// The format with this name.
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

/// Control characters as escapes: what was read from the wire must not drive the reader's terminal.
fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
    }
    out
}

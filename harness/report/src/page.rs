//! What all pages share: the base of their style, the look of a verdict, and text that stays text.

use claims::Verdict;

use crate::printable;

/// Colours (light and dark, all of WCAG AA contrast), type, tables, controls.
pub(crate) const STYLE: &str = include_str!("page.css");

/// Class, mark and word of a verdict.
pub(crate) const fn look(verdict: Option<Verdict>) -> (&'static str, &'static str, &'static str) {
    match verdict {
        Some(Verdict::Pass) => ("pass", "✓", "pass"),
        Some(Verdict::Fail) => ("fail", "✗", "fail"),
        Some(Verdict::Inconclusive) => ("unclear", "?", "inconclusive"),
        Some(Verdict::Recorded) => ("other", "•", "recorded"),
        Some(Verdict::NotApplicable) => ("other", "–", "not applicable"),
        Some(Verdict::Error) | None => ("fail", "!", "error"),
    }
}

/// Text between tags and in attributes. Control and bidirectional characters are spelled out.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in printable(text).chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// Lines that stay lines.
pub(crate) fn escape_lines(lines: &[String]) -> String {
    let lines: Vec<_> = lines.iter().map(|line| escape(line)).collect();
    lines.join("\n")
}

//! Verdicts and headings in colour, where that is wanted.

use anstyle::{AnsiColor, Style as Ansi};
use claims::Verdict;

use crate::{Style, grid};

/// The word for a verdict, as wide as the longest.
pub(crate) fn word(verdict: Verdict, style: Style) -> String {
    let text = match verdict {
        Verdict::Pass => "pass        ",
        Verdict::Fail => "FAIL        ",
        Verdict::Inconclusive => "inconclusive",
        Verdict::Recorded => "recorded    ",
        Verdict::NotApplicable => "n/a         ",
        Verdict::Error => "ERROR       ",
    };
    paint(text, color_of(verdict), style)
}

/// The mark for a verdict, or for none.
pub(super) fn colored(verdict: Option<Verdict>, style: Style) -> String {
    let mark = grid::mark(verdict).to_string();
    verdict.map_or(mark.clone(), |verdict| {
        paint(&mark, color_of(verdict), style)
    })
}

const fn color_of(verdict: Verdict) -> Ansi {
    let color = match verdict {
        Verdict::Pass => AnsiColor::Green,
        Verdict::Fail | Verdict::Error => AnsiColor::Red,
        Verdict::Inconclusive => AnsiColor::Yellow,
        Verdict::Recorded => AnsiColor::Cyan,
        Verdict::NotApplicable => return Ansi::new().dimmed(),
    };
    color.on_default()
}

pub(crate) fn bold(text: &str, style: Style) -> String {
    paint(text, Ansi::new().bold(), style)
}

fn paint(text: &str, ansi: Ansi, style: Style) -> String {
    if style.color {
        format!("{}{text}{}", ansi.render(), ansi.render_reset())
    } else {
        text.to_owned()
    }
}

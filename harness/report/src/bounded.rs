//! Markdown where it may not be longer than so much: the summary of a step of GitHub Actions (1 MiB) and a comment on a
//! pull request (65,536 characters).
//!
//! A report tells what matters most first, so that what is left out is what stands last. That something is left out is
//! said in its place.

use std::fmt::Write as _;

use claims::result::Outcome;

use crate::{Style, markdown};

/// The most bytes of a step's summary on GitHub: 1 MiB. More is not shown at all.
pub(crate) const SUMMARY: usize = 1 << 20;

/// The most characters of a comment. In bytes there are never fewer.
pub(crate) const COMMENT: usize = 65_536;

/// Room for what is said at the end.
const ENDING: usize = 256;

/// The whole report, as far as a step's summary has room for it.
pub(crate) fn summary(outcome: &Outcome, style: Style) -> String {
    cut(markdown::render(outcome, style), SUMMARY)
}

/// The whole report, as far as a comment has room for it.
pub(crate) fn comment(outcome: &Outcome, style: Style) -> String {
    cut(markdown::render(outcome, style), COMMENT)
}

/// At most so many bytes of a document: whole lines, no code block left open.
fn cut(text: String, most: usize) -> String {
    if text.len() <= most {
        return text;
    }
    let room = most.saturating_sub(ENDING);
    let mut end = 0;
    let mut open = false;
    for line in text.split_inclusive('\n') {
        if end + line.len() > room {
            break;
        }
        end += line.len();
        open ^= line.starts_with("```");
    }
    let left = text[end..].lines().count();
    let mut out = text[..end].to_owned();
    if open {
        out.push_str("```\n");
    }
    let _ = write!(
        out,
        "\n**{left} more lines are left out, since no more than {most} bytes have room here.** `smtpspec report` makes \
         the whole report of the result.\n"
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_short_report_stays_as_it_is() {
        let outcome = sample::audit();
        let style = Style::default();
        assert_eq!(summary(&outcome, style), markdown::render(&outcome, style));
    }

    #[test]
    fn a_long_report_fits_and_says_what_it_lacks() {
        let mut outcome = sample::audit();
        let one = outcome.conversations[0].clone();
        outcome.conversations.extend(vec![one; 3_000]);
        let style = Style::default();
        let whole = markdown::render(&outcome, style);
        assert!(whole.len() > SUMMARY, "{}", whole.len());
        for (text, most) in [
            (summary(&outcome, style), SUMMARY),
            (comment(&outcome, style), COMMENT),
        ] {
            assert!(
                text.len() <= most && text.len() > most / 2,
                "{}",
                text.len()
            );
            let fences = text.lines().filter(|line| line.starts_with("```")).count();
            assert_eq!(fences % 2, 0, "a code block is left open");
            assert!(text.ends_with("the whole report of the result.\n"));
            assert!(text.contains("more lines are left out"));
            assert!(text.starts_with(whole.lines().next().expect("a title")));
        }
    }

    #[test]
    fn every_place_to_cut_gives_whole_lines_and_closed_blocks() {
        let text = "# a\n\n```text\nü\n```\n\n| x |\n".repeat(40);
        for most in 0..text.len() {
            let short = cut(text.clone(), most);
            assert!(short.len() <= most.max(ENDING), "{most}: {}", short.len());
            let fences = short.lines().filter(|line| line.starts_with("```")).count();
            assert_eq!(fences % 2, 0, "{most}");
        }
        assert_eq!(cut(text.clone(), text.len()), text);
    }
}

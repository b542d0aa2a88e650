//! Words and numbers set into lines of a terminal.

pub(super) fn counted(number: usize, noun: &str) -> String {
    format!("{number} {}", plural(number, noun))
}

pub(super) fn plural(number: usize, noun: &str) -> String {
    if number == 1 {
        noun.to_owned()
    } else {
        format!("{noun}s")
    }
}

/// Exactly `width` characters: cut with a tilde, or filled with spaces.
pub(super) fn pad(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length > width {
        let mut cut: String = text.chars().take(width.saturating_sub(1)).collect();
        cut.push('~');
        return cut;
    }
    format!("{text}{}", " ".repeat(width - length))
}

/// Breaks `text` at spaces, and words that are longer than a line wherever they must be, so that it fits; lines after the
/// first are indented.
pub(crate) fn wrap(text: &str, indent: usize, width: usize) -> String {
    let room = width.saturating_sub(indent).max(20);
    let mut out = String::with_capacity(text.len() + text.len() / room * (indent + 1));
    let mut column = 0;
    let begin_line = |out: &mut String| {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', indent));
    };
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let length = if word.is_ascii() {
            word.len()
        } else {
            word.chars().count()
        };
        if column > 0 && column + 1 + length > room {
            begin_line(&mut out);
            column = 0;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        if column + length <= room {
            out.push_str(word);
            column += length;
            continue;
        }
        for character in word.chars() {
            if column >= room {
                begin_line(&mut out);
                column = 0;
            }
            out.push(character);
            column += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapped_lines_keep_within_the_width() {
        let text = wrap("one two three four five six seven eight nine ten", 4, 24);
        assert_eq!(
            text,
            "one two three four\n    five six seven eight\n    nine ten"
        );
    }

    #[test]
    fn a_word_without_end_is_broken() {
        assert_eq!(
            wrap(&"x".repeat(45), 2, 22),
            format!("{0}\n  {0}\n  xxxxx", "x".repeat(20))
        );
    }

    #[test]
    fn a_long_title_is_cut_and_a_short_one_filled() {
        assert_eq!(pad("abcdef", 4), "abc~");
        assert_eq!(pad("ab", 4), "ab  ");
    }
}

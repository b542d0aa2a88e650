//! Replies made out of the default one: templates with places for its code and its text.

use super::decode::{Problems, nearest, quoted};
use super::{Code, Spanned};

const CODE: &str = "{default-code}";
const TEXT: &str = "{default-text}";

/// What a template can hold.
pub(super) const PLACEHOLDERS: [&str; 2] = [CODE, TEXT];

/// Whether a text has a place for something of the default reply.
pub(super) fn is_template(text: &str) -> bool {
    PLACEHOLDERS.iter().any(|word| text.contains(word))
}

/// Reports places that look like those of a template and are none: they would be sent as they stand.
pub(super) fn check(text: &Spanned<String>, problems: &mut Problems) -> bool {
    let mut sound = true;
    for (start, _) in text.value.match_indices("{default") {
        let rest = &text.value[start..];
        let word = rest.find('}').map_or(rest, |end| &rest[..=end]);
        if PLACEHOLDERS.contains(&word) {
            continue;
        }
        sound = false;
        let help = nearest(word, &PLACEHOLDERS).map_or_else(
            || format!("known: {}", quoted(&PLACEHOLDERS)),
            |near| format!("did you mean `{near}`?"),
        );
        problems
            .add(
                Code::BadValue,
                text.span.clone(),
                format!("there is no placeholder `{}`", word.escape_debug()),
            )
            .help(help);
    }
    sound
}

/// Fills a template from the default reply, whose lines are joined with LF.
///
/// A line of the template that holds `{default-text}` stands for all lines of the default reply: it is repeated for
/// each, with a hyphen after the code in all copies but the last. So the keywords of EHLO survive.
pub(super) fn expand(template: &str, default: &str) -> Vec<u8> {
    let code = default.get(..3).unwrap_or_default();
    let texts: Vec<_> = default
        .split('\n')
        .map(|line| line.get(4..).unwrap_or_default())
        .collect();
    let mut out = String::new();
    for line in template.split_inclusive('\n') {
        if !line.contains(TEXT) {
            out.push_str(&line.replace(CODE, code));
            continue;
        }
        let body = line.trim_end_matches('\n').trim_end_matches('\r');
        let end = &line[body.len()..];
        for (place, text) in texts.iter().enumerate() {
            let last = place + 1 == texts.len();
            let copy = if last {
                body.replace(CODE, code)
            } else {
                body.replacen("{default-code} ", &format!("{code}-"), 1)
                    .replace(CODE, code)
            };
            out.push_str(&copy.replace(TEXT, text));
            out.push_str(match end {
                "" if !last => "\r\n",
                end => end,
            });
        }
    }
    out.into_bytes()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::another_text("{default-code} failed\r\n", "250 ok", "250 failed\r\n")]
    #[case::no_text("{default-code}\r\n", "250 ok", "250\r\n")]
    #[case::several_lines(
        "{default-code}-\r\n{default-code} {default-text}\r\n",
        "354 go",
        "354-\r\n354 go\r\n"
    )]
    #[case::every_line_of_the_default(
        "{default-code}-first\r\n{default-code} {default-text}\r\n",
        "250-mail\n250-SIZE 1\n250 DSN",
        "250-first\r\n250-mail\r\n250-SIZE 1\r\n250 DSN\r\n"
    )]
    #[case::other_line_ends(
        "{default-code} {default-text}\n",
        "250-mail\n250 DSN",
        "250-mail\n250 DSN\n"
    )]
    #[case::without_an_end("{default-code} {default-text}", "250-a\n250 b", "250-a\r\n250 b")]
    #[case::an_empty_challenge("{default-code} {default-text}\r\n", "334 ", "334 \r\n")]
    #[case::twice("{default-text} {default-text}", "250 a", "a a")]
    fn templates_are_filled(#[case] template: &str, #[case] default: &str, #[case] filled: &str) {
        assert_eq!(String::from_utf8_lossy(&expand(template, default)), filled);
    }

    proptest::proptest! {
        #[test]
        fn no_template_and_no_default_make_it_panic(
            template in "(\\{default-code\\}|\\{default-text\\}|\r|\n| |-|ö|\\{){0,12}",
            default in "(250|ö| |-|\n){0,6}",
        ) {
            let filled = expand(&template, &default);
            proptest::prop_assert!(filled.len() <= template.len() * (default.len() + 3) * 8);
        }
    }
}

//! Readers for single values: each reports what is wrong and then gives nothing.

use std::time::Duration;

use super::decode::{Problems, Value, nearest, quoted, wrong_type};
use super::{Code, Spanned};

/// Canary placeholders that texts may hold; the runner puts the texts of the run in their place.
const PLACEHOLDERS: [&str; 4] = [
    "{body-canary}",
    "{subject-canary}",
    "{attachment-canary}",
    "{text-canary}",
];

pub(crate) fn text(value: &Value<'_>, problems: &mut Problems) -> Option<Spanned<String>> {
    let Some(text) = value.get_ref().as_str() else {
        wrong_type(value, "a string", problems);
        return None;
    };
    Some(Spanned {
        value: text.to_owned(),
        span: value.span(),
    })
}

/// A text in which canary placeholders are looked for; a misspelt one would be sent as it stands.
pub(crate) fn canary_text(value: &Value<'_>, problems: &mut Problems) -> Option<Spanned<String>> {
    let text = text(value, problems)?;
    let mut sound = true;
    for (start, _) in text.value.match_indices('{') {
        let rest = &text.value[start..];
        let Some(end) = rest.find('}') else { break };
        let word = &rest[..=end];
        if word.ends_with("canary}") && !PLACEHOLDERS.contains(&word) {
            sound = false;
            let help = nearest(word, &PLACEHOLDERS).map_or_else(
                || format!("known: {}", quoted(&PLACEHOLDERS)),
                |near| format!("did you mean `{near}`?"),
            );
            problems
                .add(
                    Code::BadValue,
                    text.span.clone(),
                    format!("there is no placeholder `{word}`"),
                )
                .help(help);
        }
    }
    sound.then_some(text)
}

pub(crate) fn boolean(value: &Value<'_>, problems: &mut Problems) -> Option<Spanned<bool>> {
    let Some(flag) = value.get_ref().as_bool() else {
        wrong_type(value, "a boolean", problems);
        return None;
    };
    Some(Spanned {
        value: flag,
        span: value.span(),
    })
}

/// A whole number that fits `T`.
pub(crate) fn integer<T: TryFrom<i64>>(
    value: &Value<'_>,
    problems: &mut Problems,
) -> Option<Spanned<T>> {
    let Some(integer) = value.get_ref().as_integer() else {
        wrong_type(value, "an integer", problems);
        return None;
    };
    let number = i64::from_str_radix(integer.as_str(), integer.radix())
        .ok()
        .and_then(|n| T::try_from(n).ok());
    if number.is_none() {
        problems.add(
            Code::BadValue,
            value.span(),
            format!("the number {integer} is out of range here"),
        );
    }
    Some(Spanned {
        value: number?,
        span: value.span(),
    })
}

/// A duration: a number and its unit, `"150ms"` or `"2s"`.
pub(crate) fn duration(value: &Value<'_>, problems: &mut Problems) -> Option<Spanned<Duration>> {
    let text = text(value, problems)?;
    let Some(duration) = parse_duration(&text.value) else {
        problems
            .add(
                Code::BadValue,
                text.span,
                format!("`{}` is not a duration", text.value),
            )
            .help("write a whole number and its unit, `ms` or `s`: \"150ms\", \"2s\"");
        return None;
    };
    Some(Spanned {
        value: duration,
        span: text.span,
    })
}

/// A whole number and its unit, `ms` or `s`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let number: u32 = if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        digits.parse().ok()?
    } else {
        return None;
    };
    match text.get(digits.len()..)? {
        "ms" => Some(Duration::from_millis(number.into())),
        "s" => Some(Duration::from_secs(number.into())),
        _ => None,
    }
}

/// One of a fixed set of words.
pub(crate) fn choice<'c, T: Copy>(
    words: &'c [(&'static str, T)],
) -> impl Fn(&Value<'_>, &mut Problems) -> Option<Spanned<T>> + 'c {
    move |value, problems| {
        let text = text(value, problems)?;
        if let Some((_, meant)) = words.iter().find(|(word, _)| *word == text.value) {
            return Some(Spanned {
                value: *meant,
                span: text.span,
            });
        }
        let names: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        problems
            .add(
                Code::BadValue,
                text.span,
                format!("`{}` is not one of {}", text.value, quoted(&names)),
            )
            .help = nearest(&text.value, &names).map(|near| format!("did you mean `{near}`?"));
        None
    }
}

/// A list whose items are all read by the same reader. Items that are wrong are left out, having been reported.
pub(crate) fn list<T>(
    read: impl Fn(&Value<'_>, &mut Problems) -> Option<Spanned<T>>,
) -> impl FnOnce(&Value<'_>, &mut Problems) -> Option<Vec<Spanned<T>>> {
    move |value, problems| {
        let Some(items) = value.get_ref().as_array() else {
            wrong_type(value, "a list", problems);
            return None;
        };
        Some(
            items
                .iter()
                .filter_map(|item| read(item, problems))
                .collect(),
        )
    }
}

/// The values alone.
pub(crate) fn plain<T>(items: Vec<Spanned<T>>) -> Vec<T> {
    items.into_iter().map(|item| item.value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_whole_number_and_a_unit() {
        assert_eq!(parse_duration("150ms"), Some(Duration::from_millis(150)));
        assert_eq!(parse_duration("2s"), Some(Duration::from_secs(2)));
        for wrong in [
            "",
            "ms",
            "1.5s",
            "-1s",
            "+1s",
            "2 s",
            "10",
            "1h",
            "99999999999s",
            "5ſ",
        ] {
            assert_eq!(parse_duration(wrong), None, "{wrong}");
        }
    }
}

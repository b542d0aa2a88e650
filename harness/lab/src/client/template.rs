//! Texts with places to fill in, and the arguments that are made of them.

use std::collections::BTreeMap;

/// How deep a setting may be made of other settings. More than any definition needs, and an end to those that go round.
const DEPTH: u32 = 8;

/// A text with places, `{host}` or `{password:quoted}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Place { name: String, quoted: bool },
}

/// One item of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// One argument.
    One(Template),
    /// A group, repeated for each recipient where it names `{recipient}`.
    Group(Vec<Template>),
    /// `{mode...}` and its like: the arguments of a block, none or several.
    Several(Splice),
}

/// What [`Item::Several`] stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Splice {
    /// The arguments of the mode of authentication.
    Mode,
    /// Those of the mechanism of mode basic.
    Mechanism,
    /// Those of TLS.
    Tls,
    /// Those of delivery receipts, where they are asked for.
    Receipt,
    /// Those of trying again, where that is asked for.
    Retry,
    /// The recipients, an argument each.
    Recipients,
}

impl Splice {
    /// Each with the word that definitions write.
    pub const ALL: [(&'static str, Self); 6] = [
        ("mode...", Self::Mode),
        ("mechanism...", Self::Mechanism),
        ("tls...", Self::Tls),
        ("receipt...", Self::Receipt),
        ("retry...", Self::Retry),
        ("recipients...", Self::Recipients),
    ];
}

/// What the places of a template mean.
pub type Values = BTreeMap<String, Template>;

impl Template {
    /// Reads a text. A brace that opens no place, as in `${x{y}}`, is a brace.
    pub fn parse(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('{') {
            plain.push_str(&rest[..at]);
            rest = &rest[at..];
            if let Some((name, quoted, length)) = place(rest) {
                if !plain.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut plain)));
                }
                pieces.push(Piece::Place {
                    name: name.to_owned(),
                    quoted,
                });
                rest = &rest[length..];
            } else {
                plain.push('{');
                rest = &rest[1..];
            }
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Self(pieces)
    }

    /// A text that has no places, whatever it looks like.
    pub fn verbatim(text: impl Into<String>) -> Self {
        Self(vec![Piece::Text(text.into())])
    }

    /// The names of its places.
    pub fn places(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Place { name, .. } => Some(name.as_str()),
        })
    }

    /// The text with its places filled. What has no value is empty.
    pub fn fill(&self, values: &Values) -> String {
        let mut out = String::new();
        self.fill_into(values, DEPTH, &mut out);
        out
    }

    fn fill_into(&self, values: &Values, depth: u32, out: &mut String) {
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Place { name, quoted } => {
                    let Some(value) = values.get(name).filter(|_| depth > 0) else {
                        continue;
                    };
                    if *quoted {
                        let mut inner = String::new();
                        value.fill_into(values, depth - 1, &mut inner);
                        out.push_str(&quote(&inner));
                    } else {
                        value.fill_into(values, depth - 1, out);
                    }
                }
            }
        }
    }

    /// Whether filling it may come to a place of this name, through settings, too.
    pub fn reaches(&self, wanted: &str, values: &[&Values]) -> bool {
        self.reaches_within(wanted, values, DEPTH)
    }

    fn reaches_within(&self, wanted: &str, values: &[&Values], depth: u32) -> bool {
        self.places().any(|name| {
            name == wanted
                || depth > 0
                    && values
                        .iter()
                        .filter_map(|values| values.get(name))
                        .any(|value| value.reaches_within(wanted, values, depth - 1))
        })
    }
}

/// The place that a text beginning with a brace opens: its name, whether it is quoted, and its length.
fn place(text: &str) -> Option<(&str, bool, usize)> {
    let end = text.find('}')?;
    let inner = &text[1..end];
    let (name, quoted) = match inner.strip_suffix(":quoted") {
        Some(name) => (name, true),
        None => (inner, false),
    };
    let word = name.strip_suffix("...").unwrap_or(name);
    let sound = word.starts_with(|letter: char| letter.is_ascii_lowercase())
        && word
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    sound.then_some((name, quoted, end + 1))
}

/// Puts a backslash before what ends a text in double quotes.
fn quote(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(pairs: &[(&str, &str)]) -> Values {
        pairs
            .iter()
            .map(|(name, text)| ((*name).to_owned(), Template::parse(text)))
            .collect()
    }

    #[test]
    fn places_are_filled_and_other_braces_stay() {
        let values = values(&[("host", "127.0.0.1"), ("password-file", "/w/password")]);
        let filled = |text: &str| Template::parse(text).fill(&values);
        assert_eq!(filled("smtp://{host}/"), "smtp://127.0.0.1/");
        assert_eq!(
            filled("${readfile{{password-file}}{}}"),
            "${readfile{/w/password}{}}"
        );
        assert_eq!(filled("{Host} {} { host} {"), "{Host} {} { host} {");
    }

    #[test]
    fn quoting_keeps_a_value_within_its_quotes() {
        let values = values(&[("password", r#"a"b\c"#)]);
        assert_eq!(
            Template::parse(r#""{password:quoted}""#).fill(&values),
            r#""a\"b\\c""#
        );
    }

    #[test]
    fn settings_are_made_of_settings_but_not_for_ever() {
        let values = values(&[
            ("login", "user {user}"),
            ("user", "alice"),
            ("round", "{round}x"),
        ]);
        assert_eq!(Template::parse("{login}").fill(&values), "user alice");
        assert_eq!(
            Template::parse("{round}").fill(&values),
            "x".repeat(DEPTH as usize)
        );
        assert!(Template::parse("{login}").reaches("user", &[&values]));
        assert!(!Template::parse("{login}").reaches("password", &[&values]));
    }

    #[test]
    fn what_a_verbatim_value_holds_is_never_filled_again() {
        let mut values = values(&[("port", "25")]);
        values.insert("subject".to_owned(), Template::verbatim("{port}"));
        assert_eq!(Template::parse("{subject}").fill(&values), "{port}");
    }
}

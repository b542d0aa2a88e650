//! Walking a TOML document: every key asked for is known, every other key is a mistake.

use std::ops::Range;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::{Code, Diagnostic, Diagnostics, Source};

/// A TOML value that knows where it stands.
pub(crate) type Value<'i> = toml::Spanned<DeValue<'i>>;

/// The problems found so far. Reading goes on after each, so that all are reported at once.
#[derive(Default)]
pub(crate) struct Problems(Vec<Diagnostic>);

impl Problems {
    pub(crate) fn add(
        &mut self,
        code: Code,
        span: Range<usize>,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        let new = Diagnostic::new(code, span, message);
        self.0.push(new);
        let last = self.0.len() - 1;
        &mut self.0[last]
    }

    /// Takes over what was found elsewhere and is not known yet.
    pub(super) fn merge(&mut self, found: Self) {
        for problem in found.0 {
            if !self.0.contains(&problem) {
                self.0.push(problem);
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn into_diagnostics(self, source: Arc<Source>) -> Diagnostics {
        Diagnostics::new(source, self.0)
    }
}

/// The files that have a schema.
const SCENARIO: &str = "the scenario";

/// A table being read. The keys that are asked for are the keys that exist.
pub(crate) struct Table<'t, 'i> {
    /// What to call it in messages: `[server]`; `None` for the top of the file.
    name: Option<&'static str>,
    /// What kind of file it stands in.
    file: &'static str,
    span: Range<usize>,
    entries: &'t DeTable<'i>,
    known: Vec<&'static str>,
    #[cfg(test)]
    required: Vec<&'static str>,
}

impl<'t, 'i> Table<'t, 'i> {
    pub(crate) fn root(entries: &'t DeTable<'i>) -> Self {
        Self::top(SCENARIO, entries)
    }

    /// The top of a file of another kind.
    pub(crate) fn top(file: &'static str, entries: &'t DeTable<'i>) -> Self {
        Self {
            name: None,
            file,
            span: 0..0,
            entries,
            known: Vec::new(),
            #[cfg(test)]
            required: Vec::new(),
        }
    }

    /// Takes a value for a table; anything else is a problem.
    pub(crate) fn open(
        name: &'static str,
        value: &'t Value<'i>,
        problems: &mut Problems,
    ) -> Option<Self> {
        Self::open_in(SCENARIO, name, value, problems)
    }

    /// As [`Table::open`], in a file of another kind.
    pub(crate) fn open_in(
        file: &'static str,
        name: &'static str,
        value: &'t Value<'i>,
        problems: &mut Problems,
    ) -> Option<Self> {
        let Some(entries) = value.get_ref().as_table() else {
            wrong_type(value, "a table", problems);
            return None;
        };
        Some(Self {
            name: Some(name),
            file,
            span: value.span(),
            entries,
            known: Vec::new(),
            #[cfg(test)]
            required: Vec::new(),
        })
    }

    /// The bytes of the file that the table was opened with.
    pub(crate) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Reads a key that may be absent. `None` too where its value is wrong, which has then been reported.
    pub(crate) fn optional<T>(
        &mut self,
        key: &'static str,
        problems: &mut Problems,
        read: impl FnOnce(&Value<'i>, &mut Problems) -> Option<T>,
    ) -> Option<T> {
        self.known.push(key);
        read(self.entries.get(key)?, problems)
    }

    /// Reads a key that must be there.
    pub(crate) fn required<T>(
        &mut self,
        key: &'static str,
        problems: &mut Problems,
        read: impl FnOnce(&Value<'i>, &mut Problems) -> Option<T>,
    ) -> Option<T> {
        #[cfg(test)]
        self.required.push(key);
        if !self.entries.contains_key(key) {
            let place = self
                .name
                .map_or_else(|| self.file.to_owned(), |name| format!("`{name}`"));
            problems.add(
                Code::MissingKey,
                self.span(),
                format!("{place} needs the key `{key}`"),
            );
        }
        self.optional(key, problems, read)
    }

    /// Where the key itself is written, if it is.
    pub(crate) fn key_span(&self, key: &str) -> Option<Range<usize>> {
        self.entries.get_key_value(key).map(|(key, _)| key.span())
    }

    /// Holds what was asked for against what the schema and the documentation say there is.
    #[cfg(test)]
    fn compare(&self) {
        if self.file != SCENARIO {
            return;
        }
        let name = self.name.unwrap_or_default();
        let mut asked: Vec<_> = self
            .known
            .iter()
            .map(|key| (*key, self.required.contains(key)))
            .collect();
        let mut listed = super::schema::names_of(name).unwrap_or_default();
        asked.sort_unstable();
        listed.sort_unstable();
        assert_eq!(
            asked, listed,
            "schema/keys.rs has other keys for `{name}` than its reader"
        );
    }

    /// Reports every key that was not asked for.
    pub(crate) fn finish(self, problems: &mut Problems) {
        #[cfg(test)]
        self.compare();
        for (key, _) in self.entries {
            let written: &str = key.get_ref();
            if self.known.contains(&written) {
                continue;
            }
            let place = self
                .name
                .map(|name| format!(" in `{name}`"))
                .unwrap_or_default();
            let help = nearest(written, &self.known).map_or_else(
                || format!("known here: {}", quoted(&self.known)),
                |near| format!("did you mean `{near}`?"),
            );
            problems
                .add(
                    Code::UnknownKey,
                    key.span(),
                    format!("unknown key `{written}`{place}"),
                )
                .help(help);
        }
    }
}

/// Reports a value of the wrong TOML type.
pub(crate) fn wrong_type(value: &Value<'_>, wanted: &str, problems: &mut Problems) {
    let found = match value.get_ref().type_str() {
        "string" => "a string",
        "integer" => "an integer",
        "float" => "a float",
        "boolean" => "a boolean",
        "datetime" => "a date",
        "array" => "a list",
        _ => "a table",
    };
    problems.add(
        Code::WrongType,
        value.span(),
        format!("expected {wanted}, found {found}"),
    );
}

/// The names in backquotes, with commas.
pub(crate) fn quoted(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// The name that was probably meant, if one is near enough.
pub(crate) fn nearest<'n>(written: &str, names: &[&'n str]) -> Option<&'n str> {
    let written = written.to_ascii_lowercase();
    let budget = (written.chars().count() / 3).max(1);
    names
        .iter()
        .map(|name| (distance(&written, &name.to_ascii_lowercase()), *name))
        .filter(|(distance, _)| *distance <= budget)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// How many letters have to be put in, taken out, changed, or swapped with their neighbour to make one of the other.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    // Rows of the table for the last two beginnings of `a`, and for the one at hand.
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, to) in b.iter().enumerate() {
            let mut best = (last[j] + usize::from(from != to))
                .min(last[j + 1] + 1)
                .min(row[j] + 1);
            if i > 0 && j > 0 && *from == b[j - 1] && a[i - 1] == *to {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_only_when_it_is_near() {
        let names = ["extensions", "require_tls", "require_auth"];
        assert_eq!(nearest("extention", &names), Some("extensions"));
        assert_eq!(nearest("REQUIRE_TLS", &names), Some("require_tls"));
        assert_eq!(nearest("colour", &names), None);
    }

    #[test]
    fn distance_counts_letters_and_swaps() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("rctp", "rcpt"), 1);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("same", "same"), 0);
    }
}

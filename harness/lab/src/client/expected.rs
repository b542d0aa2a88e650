//! Failures that are known: which client fails which case, why, and what the finding says.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::read::DefinitionError;
use crate::scenario::decode::{Problems, Table, Value};
use crate::scenario::values::{list, text};
use crate::scenario::{Code, Diagnostic, Diagnostics, Source, Spanned};

/// What this kind of file is called in messages.
const FILE: &str = "the file of expected failures";

/// One failure that is known.
#[derive(Clone, Debug)]
pub struct ExpectedFailure {
    /// Id of the client.
    pub client: Spanned<String>,
    /// Id of the case.
    pub case: Spanned<String>,
    /// Why it is left as it is.
    pub reason: String,
    /// A part of what the finding says.
    pub finding: String,
    /// The last day on which it is excused (UTC); for ever where there is none.
    pub until: Option<jiff::civil::Date>,
}

/// All of a file.
#[derive(Clone, Debug)]
pub struct ExpectedFailures {
    list: Vec<ExpectedFailure>,
    source: Arc<Source>,
}

impl ExpectedFailures {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is not valid.
    pub fn load(path: &Path) -> Result<Self, DefinitionError> {
        let text = fs::read_to_string(path).map_err(|cause| DefinitionError::Unreadable {
            path: path.to_owned(),
            cause,
        })?;
        Self::parse(&path.display().to_string(), &text).map_err(DefinitionError::Invalid)
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it.
    pub fn parse(name: &str, text: &str) -> Result<Self, Diagnostics> {
        let source = Arc::new(Source {
            name: name.to_owned(),
            text: text.to_owned(),
        });
        let mut problems = Problems::default();
        let (root, syntax) = toml::de::DeTable::parse_recoverable(text);
        for error in syntax {
            problems.add(Code::Toml, error.span().unwrap_or(0..0), error.message());
        }
        let mut failures = Vec::new();
        if problems.is_empty() {
            let mut table = Table::top(FILE, root.get_ref());
            failures = table
                .optional("failure", &mut problems, list(failure))
                .unwrap_or_default();
            table.finish(&mut problems);
        }
        if !problems.is_empty() {
            return Err(problems.into_diagnostics(source));
        }
        Ok(Self {
            list: failures.into_iter().map(|one| one.value).collect(),
            source,
        })
    }

    /// What is known of a client in a case. An entry for the file of several cases is one for each of them.
    pub fn find(&self, client: &str, case: &str) -> Option<&ExpectedFailure> {
        let of = |name: &str| {
            self.list
                .iter()
                .find(|one| one.client.value == client && one.case.value == name)
        };
        of(case).or_else(|| of(file_id(case)))
    }

    /// The entries whose case is none of these, as problems of the file: they would never be looked at.
    ///
    /// # Errors
    ///
    /// There are such entries.
    pub fn check(&self, cases: &[&str]) -> Result<(), Diagnostics> {
        let unknown: Vec<_> = self
            .list
            .iter()
            .filter(|one| {
                let name = one.case.value.as_str();
                !cases
                    .iter()
                    .any(|case| *case == name || file_id(case) == name)
            })
            .map(|one| {
                let message = format!("there is no case `{}`", one.case.value);
                Diagnostic::new(Code::BadValue, one.case.span.clone(), message)
            })
            .collect();
        if unknown.is_empty() {
            return Ok(());
        }
        Err(Diagnostics::new(Arc::clone(&self.source), unknown))
    }
}

/// The id of the file that a case stands in: `DAT-03` of `DAT-03[4096]`.
fn file_id(case: &str) -> &str {
    case.split_once('[').map_or(case, |(file, _)| file)
}

fn failure(value: &Value<'_>, problems: &mut Problems) -> Option<Spanned<ExpectedFailure>> {
    let mut table = Table::open_in(FILE, "[[failure]]", value, problems)?;
    let client = table.required("client", problems, text);
    let case = table.required("case", problems, text);
    let reason = table.required("reason", problems, text);
    let finding = table.required("finding", problems, text);
    for one in [&reason, &finding].into_iter().flatten() {
        if one.value.trim().is_empty() {
            problems.add(
                Code::BadValue,
                one.span.clone(),
                "an empty text says nothing",
            );
        }
    }
    let until = table.optional("until", problems, date);
    table.finish(problems);
    Some(Spanned {
        value: ExpectedFailure {
            until: until.map(|one| one.value),
            client: client?,
            case: case?,
            reason: reason?.value,
            finding: finding?.value,
        },
        span: value.span(),
    })
}

/// A day: `2027-01-31`, as text.
fn date(value: &Value<'_>, problems: &mut Problems) -> Option<Spanned<jiff::civil::Date>> {
    let said = text(value, problems)?;
    // The parser takes more than a day, such as a time behind it.
    let day = said.value.parse::<jiff::civil::Date>().ok();
    let Some(day) = day.filter(|day| day.to_string() == said.value) else {
        problems.add(
            Code::BadValue,
            said.span,
            "expected a day, as in \"2027-01-31\"",
        );
        return None;
    };
    Some(Spanned {
        value: day,
        span: said.span,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &str = "[[failure]]\nclient = \"curl\"\ncase = \"TLS-03\"\nreason = \"--ssl goes by what is offered\"\n\
                         finding = \"in clear after 454\"\n";

    #[test]
    fn a_known_failure_is_found_by_client_and_case() {
        let known = ExpectedFailures::parse("known.toml", KNOWN).expect("it is valid");
        let one = known.find("curl", "TLS-03").expect("it is there");
        assert_eq!(one.finding, "in clear after 454");
        assert!(known.find("swaks", "TLS-03").is_none());
        assert!(known.find("curl", "TLS-03[454]").is_some());
        assert!(known.find("curl", "TLS-031").is_none());
        assert!(known.check(&["TLS-03"]).is_ok());
    }

    #[test]
    fn an_entry_may_have_a_last_day() {
        let known = format!("{KNOWN}until = \"2027-01-31\"\n");
        let known = ExpectedFailures::parse("known.toml", &known).expect("it is valid");
        let one = known.find("curl", "TLS-03").expect("it is there");
        assert_eq!(one.until, Some(jiff::civil::date(2027, 1, 31)));
        for bad in [
            "\"2027-02-30\"",
            "\"31.1.2027\"",
            "\"2027-01-31T00:00:00\"",
            "\"\"",
            "2027",
        ] {
            let text = format!("{KNOWN}until = {bad}\n");
            let shown = ExpectedFailures::parse("known.toml", &text)
                .expect_err(bad)
                .to_string();
            assert!(shown.contains("known.toml:6:9"), "{shown}");
        }
    }

    #[test]
    fn a_case_that_does_not_exist_is_shown_in_its_place() {
        let known = ExpectedFailures::parse("known.toml", KNOWN).expect("it is valid");
        let shown = known
            .check(&["TLS-01"])
            .expect_err("no such case")
            .to_string();
        assert!(shown.contains("known.toml:3:8"), "{shown}");
    }

    #[test]
    fn an_entry_without_its_finding_would_excuse_everything() {
        let text = KNOWN.replace("in clear after 454", " ");
        assert!(ExpectedFailures::parse("known.toml", &text).is_err());
        let text = "[[failure]]\nclient = \"curl\"\ncase = \"TLS-03\"\nreason = \"x\"\n";
        let shown = ExpectedFailures::parse("known.toml", text)
            .expect_err("no finding")
            .to_string();
        assert!(shown.contains("needs the key `finding`"), "{shown}");
    }
}

//! Cases against claims, one character a verdict.

use claims::Verdict;
use claims::result::{CaseOutcome, Outcome};

/// The character for a verdict. Legends print [`LEGEND`].
pub(crate) const fn mark(verdict: Option<Verdict>) -> char {
    match verdict {
        Some(Verdict::Pass) => 'P',
        Some(Verdict::Fail) => 'F',
        Some(Verdict::Inconclusive) => '?',
        Some(Verdict::Recorded) => 'r',
        Some(Verdict::NotApplicable) => '.',
        Some(Verdict::Error) => 'E',
        None => ' ',
    }
}

/// What the characters mean.
pub(crate) const LEGEND: &str = "P pass, F fail, ? inconclusive (not provoked, or not to be seen), r recorded, . not applicable, E error";

/// Claims in groups that fit beside a label of `label` columns within `width`.
pub(crate) fn columns(outcome: &Outcome, label: usize, width: usize) -> Vec<Vec<&str>> {
    let room = width.saturating_sub(label).max(8);
    let ids: Vec<&str> = outcome
        .claims
        .iter()
        .map(|claim| claim.id.as_str())
        .collect();
    ids.chunks(room).map(<[&str]>::to_vec).collect()
}

/// What all ids begin with, up to a hyphen.
fn stem<'a>(ids: &[&'a str]) -> Option<&'a str> {
    let first = ids.first()?;
    let stem = &first[..=first.rfind('-')?];
    ids.iter().all(|id| id.starts_with(stem)).then_some(stem)
}

/// Which claim stands in which column, where the heading has numbers.
pub(crate) fn key(ids: &[&str]) -> Option<String> {
    if stem(ids).is_some() {
        return None;
    }
    let columns = ids.iter().enumerate();
    let columns: Vec<_> = columns.map(|(at, id)| format!("{}={id}", at + 1)).collect();
    Some(columns.join(", "))
}

/// The common stem of the ids (`ADP-`) and the heading lines that spell the rest downwards. Ids of several documents
/// have no stem: their columns are numbered, and [`key`] says which is which.
pub(crate) fn heading(ids: &[&str]) -> (String, Vec<String>) {
    let stem = stem(ids);
    let rests: Vec<String> = match stem {
        Some(stem) => ids
            .iter()
            .map(|id| id.strip_prefix(stem).unwrap_or(id).to_owned())
            .collect(),
        None => (1..=ids.len())
            .map(|number| format!("{number:>2}"))
            .collect(),
    };
    let stem = stem.unwrap_or_default();
    let depth = rests
        .iter()
        .map(|rest| rest.chars().count())
        .max()
        .unwrap_or(0);
    let lines = (0..depth)
        .map(|row| {
            rests
                .iter()
                .map(|rest| rest.chars().nth(row).unwrap_or(' '))
                .collect()
        })
        .collect();
    (stem.to_owned(), lines)
}

/// The verdicts of one case on these claims.
pub(crate) fn row(case: &CaseOutcome, ids: &[&str]) -> Vec<Option<Verdict>> {
    ids.iter()
        .map(|id| case.verdicts.get(*id).copied())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_spelled_downwards_under_their_stem() {
        let (stem, lines) = heading(&["ADP-01", "ADP-16", "ADP-62"]);
        assert_eq!(stem, "ADP-");
        assert_eq!(lines, ["016", "162"]);
        assert_eq!(key(&["ADP-01", "ADP-16"]), None);
    }

    #[test]
    fn ids_of_several_documents_are_numbered() {
        let mut ids = vec!["RFC3207-4"; 9];
        ids.push("RFC4954-4");
        let (stem, lines) = heading(&ids);
        assert_eq!(stem, "");
        assert_eq!(lines, ["         1", "1234567890"]);
        let key = key(&ids).expect("numbers need one");
        assert!(
            key.starts_with("1=RFC3207-4, ") && key.ends_with(", 10=RFC4954-4"),
            "{key}"
        );
    }
}

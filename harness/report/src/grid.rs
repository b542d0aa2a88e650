//! Cases against claims, one character a verdict.

use claims::Verdict;
use claims::result::{CaseOutcome, Outcome};

/// The character for a verdict. Legends print [`LEGEND`].
pub(crate) const fn mark(verdict: Option<Verdict>) -> char {
    match verdict {
        Some(Verdict::Pass) => 'P',
        Some(Verdict::Fail) => 'F',
        Some(Verdict::Inconclusive) => '?',
        Some(Verdict::NotApplicable) => '.',
        Some(Verdict::Error) => 'E',
        None => ' ',
    }
}

/// What the characters mean.
pub(crate) const LEGEND: &str =
    "P pass, F fail, ? inconclusive (not provoked, or not to be seen), . not applicable, E error";

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

/// The common stem of the ids (`ADP-`) and the heading lines that spell the rest downwards.
pub(crate) fn heading(ids: &[&str]) -> (String, Vec<String>) {
    let stem = ids
        .first()
        .and_then(|id| id.rfind('-').map(|at| &id[..=at]))
        .unwrap_or_default();
    let rests: Vec<&str> = ids
        .iter()
        .map(|id| id.strip_prefix(stem).unwrap_or(id))
        .collect();
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
    }
}

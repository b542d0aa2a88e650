//! The rows of the grid: the cases of all columns, by family, each with its cells.

use claims::Verdict;
use claims::result::{CaseOutcome, Requirement};

use super::Column;

/// One case over all clients.
pub(super) struct Row<'a> {
    pub(super) id: &'a str,
    pub(super) title: &'a str,
    pub(super) family: &'a str,
    pub(super) requirement: &'a Requirement,
    /// One for each column; `None` where the client was not put to the case.
    pub(super) cells: Vec<Option<&'a CaseOutcome>>,
}

/// Every case that asks something of any client, in the order in which the columns have them.
pub(super) fn rows(columns: &[Column]) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = Vec::new();
    for (place, column) in columns.iter().enumerate() {
        // Where in the rows the last case of this column stands: what others do not have goes behind it.
        let mut last = 0;
        for case in &column.outcome.cases {
            let Some(requirement) = &case.requirement else {
                continue;
            };
            let found = rows.iter().position(|row| row.id == case.id);
            let at = found.unwrap_or_else(|| {
                let row = Row {
                    id: &case.id,
                    title: &case.title,
                    family: &case.family,
                    requirement,
                    cells: vec![None; columns.len()],
                };
                rows.insert(last, row);
                last
            });
            rows[at].cells[place] = Some(case);
            last = at + 1;
        }
    }
    rows
}

/// The rows of each family, in order.
pub(super) fn families<'r, 'a>(rows: &'r [Row<'a>]) -> impl Iterator<Item = &'r [Row<'a>]> {
    rows.chunk_by(|one, next| one.family == next.family)
}

/// The word in a cell.
pub(super) fn verdict(cell: Option<&CaseOutcome>) -> Option<Verdict> {
    cell?.verdict
}

/// How many cases of a column got which word.
pub(super) fn count(rows: &[Row<'_>], column: usize, wanted: Verdict) -> usize {
    let cells = rows.iter().map(|row| verdict(row.cells[column]));
    cells.filter(|word| *word == Some(wanted)).count()
}

/// How many cases of a level a column passed, and how many of that level were decided one way or the other.
pub(super) fn passed(rows: &[Row<'_>], column: usize, level: &str) -> (usize, usize) {
    let of_level = rows.iter().filter(|row| row.requirement.level == level);
    let words: Vec<_> = of_level.map(|row| verdict(row.cells[column])).collect();
    let count = |wanted| words.iter().filter(|word| **word == Some(wanted)).count();
    (
        count(Verdict::Pass),
        count(Verdict::Pass) + count(Verdict::Fail),
    )
}

/// The levels that occur, the gravest first.
pub(super) fn levels(rows: &[Row<'_>]) -> Vec<&'static str> {
    ["must", "should", "hardening", "claim", "information"]
        .into_iter()
        .filter(|level| rows.iter().any(|row| row.requirement.level == *level))
        .collect()
}

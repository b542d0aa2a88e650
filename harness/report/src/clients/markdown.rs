//! The grid as Markdown: a table for each family, and the failures one by one.

use std::fmt::Write as _;

use claims::Verdict;

use super::Column;
use super::rows::{self, Row};
use crate::markdown::escape;
use crate::seen;
use crate::uri::uri;

/// The whole grid. Cells lead to the captures, which lie in the folders of their columns.
pub fn markdown(columns: &[Column]) -> String {
    let rows = rows::rows(columns);
    let mut out = String::from("# Clients and cases\n\n");
    totals(&mut out, columns, &rows);
    for family in rows::families(&rows) {
        let _ = writeln!(out, "## {}\n", escape(family[0].family));
        let names: Vec<_> = columns.iter().map(|column| escape(&column.name)).collect();
        let _ = writeln!(out, "| case | level | about | {} |", names.join(" | "));
        let _ = writeln!(out, "| --- | --- | --- |{}", " --- |".repeat(columns.len()));
        for row in family {
            let cells = columns.iter().zip(&row.cells);
            let cells = cells.map(|(column, cell)| match cell {
                None => String::new(),
                Some(case) => {
                    let word = word(case.verdict);
                    let capture = super::html::capture(column, case);
                    if capture.is_empty() {
                        word.to_owned()
                    } else {
                        format!("[{word}](<{}>)", uri(&capture))
                    }
                }
            });
            let cells: Vec<_> = cells.collect();
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} |",
                escape(row.id),
                escape(&row.requirement.level),
                escape(row.title),
                cells.join(" | ")
            );
        }
        let _ = writeln!(out);
    }
    failures(&mut out, columns, &rows);
    out
}

fn totals(out: &mut String, columns: &[Column], rows: &[Row<'_>]) {
    let levels = rows::levels(rows);
    let _ = writeln!(
        out,
        "| client | {} | failed | undecided | not applicable |",
        levels.join(" | ")
    );
    let _ = writeln!(out, "| --- |{}", " ---: |".repeat(levels.len() + 3));
    for (place, column) in columns.iter().enumerate() {
        let passed = levels.iter().map(|level| {
            let (passed, decided) = rows::passed(rows, place, level);
            format!("{passed} of {decided}")
        });
        let count = |word| rows::count(rows, place, word);
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            escape(&column.title),
            passed.collect::<Vec<_>>().join(" | "),
            count(Verdict::Fail) + count(Verdict::Error),
            count(Verdict::Inconclusive),
            count(Verdict::NotApplicable),
        );
    }
    let _ = writeln!(out);
}

/// Every cell that is not a pass, with what was seen and, where somebody looked into it, why.
fn failures(out: &mut String, columns: &[Column], rows: &[Row<'_>]) {
    let _ = writeln!(out, "## What failed, and why\n");
    for (place, column) in columns.iter().enumerate() {
        let _ = writeln!(out, "### {}\n", escape(&column.title));
        let mut none = true;
        for row in rows {
            let Some(case) = row.cells[place] else {
                continue;
            };
            if !matches!(
                case.verdict,
                Some(Verdict::Fail | Verdict::Error | Verdict::Inconclusive)
            ) {
                continue;
            }
            none = false;
            let place = case
                .decisive()
                .and_then(|finding| seen::place(&finding.evidence))
                .map(|place| format!(" ({place})"))
                .unwrap_or_default();
            let _ = write!(
                out,
                "- {} {}: {}{place}",
                escape(row.id),
                word(case.verdict),
                escape(case.why())
            );
            match column.reasons.get(row.id) {
                Some(reason) => {
                    let _ = writeln!(out, ". *{}*", escape(reason));
                }
                None => {
                    let _ = writeln!(out);
                }
            }
        }
        if none {
            let _ = writeln!(out, "Nothing.");
        }
        let _ = writeln!(out);
    }
}

fn word(verdict: Option<Verdict>) -> &'static str {
    match verdict {
        Some(Verdict::NotApplicable) => "n/a",
        Some(Verdict::Inconclusive) => "?",
        Some(verdict) => crate::markdown::word(verdict),
        None => "",
    }
}

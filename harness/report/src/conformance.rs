//! Cases that ask something of any client: a line for each, and why where it is not met.

use std::fmt::Write as _;

use claims::Verdict;
use claims::result::{CaseOutcome, CheckOutcome, Outcome};

use crate::text::{bold, word, wrap};
use crate::{Style, markdown, printable, seen};

/// Columns before the title: the word, the id and the level.
const INDENT: usize = 35;

/// One family for a terminal.
pub(crate) fn text(out: &mut String, family: &[CaseOutcome], style: Style) {
    let name = family.first().map_or("", |case| case.family.as_str());
    let _ = writeln!(
        out,
        "\n{}",
        bold(&format!("{name} ({})", family.len()), style)
    );
    for case in family {
        let Some(requirement) = &case.requirement else {
            continue;
        };
        let verdict = case.verdict.unwrap_or(Verdict::Error);
        let _ = writeln!(
            out,
            "{}  {:<8} {:<11} {}",
            word(verdict, style),
            case.id,
            requirement.level,
            wrap(&printable(&case.title), INDENT, style.width)
        );
        if verdict != Verdict::Pass {
            let asked = format!("asked: {}", requirement.text);
            let _ = writeln!(out, "    {}", wrap(&printable(&asked), 4, style.width));
        }
        // Where the case is not met, a list at the end of the report has them.
        for problem in case.problems.iter().filter(|_| case.met) {
            let told = |finding: &CheckOutcome| problem.starts_with(&finding.check);
            if !case.findings.iter().any(told) {
                let _ = writeln!(out, "    {}", wrap(&printable(problem), 4, style.width));
            }
        }
        if let Some(reason) = &case.expected_failure {
            let line = format!("known to fail: {reason}");
            let _ = writeln!(out, "    {}", wrap(&printable(&line), 4, style.width));
        }
        for finding in &case.findings {
            if finding.verdict != Verdict::Pass || style.verbose {
                let line = format!("{}: {}", finding.check, found(finding));
                let _ = writeln!(out, "    {}", wrap(&printable(&line), 4, style.width));
            }
        }
    }
}

/// All of them, for Markdown; `detailed` adds what each check found.
pub(crate) fn markdown(out: &mut String, outcome: &Outcome, detailed: bool) {
    let mut family = None;
    for case in &outcome.cases {
        let Some(requirement) = &case.requirement else {
            continue;
        };
        if family != Some(&case.family) {
            family = Some(&case.family);
            let _ = writeln!(
                out,
                "## {}\n\n| case | level | about | verdict |\n| --- | --- | --- | --- |",
                markdown::escape(&case.family)
            );
        }
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} |",
            markdown::escape(&case.id),
            markdown::escape(&requirement.level),
            markdown::escape(&case.title),
            markdown::word(case.verdict.unwrap_or(Verdict::Error))
        );
        let next = outcome
            .cases
            .iter()
            .skip_while(|one| one.id != case.id)
            .nth(1);
        if next.is_none_or(|next| next.family != case.family) {
            let _ = writeln!(out);
        }
    }
    for case in outcome.cases.iter().filter(|_| detailed) {
        let Some(requirement) = &case.requirement else {
            continue;
        };
        let _ = writeln!(
            out,
            "**{}** asks: {} ({})\n\n| check | wanted | verdict | seen |\n| --- | --- | --- | --- |",
            markdown::escape(&case.id),
            markdown::escape(&requirement.text),
            markdown::escape(&requirement.references.join(", "))
        );
        for finding in &case.findings {
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} |",
                markdown::escape(&finding.check),
                markdown::escape(&finding.wanted),
                markdown::word(finding.verdict),
                markdown::escape(&found(finding))
            );
        }
        let _ = writeln!(out);
    }
}

/// What a check found, and where.
fn found(finding: &CheckOutcome) -> String {
    let place = seen::place(&finding.evidence);
    let place = place.map(|place| format!(", {place}")).unwrap_or_default();
    match &finding.conversation {
        Some(conversation) => format!("{} ({conversation}{place})", finding.reason),
        None => finding.reason.clone(),
    }
}

//! Markdown: for a pull request, a step summary, or a document.

use std::fmt::Write as _;

use claims::result::{CaseOutcome, ConversationOutcome, Outcome};
use claims::{Answer, Verdict};

use crate::{Style, conformance, controls, grid, leaked, printable, seen, totals};

/// The whole report.
pub(crate) fn render(outcome: &Outcome, style: Style) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "# {} {}: profile {}\n",
        escape(&outcome.tool.name),
        escape(&outcome.tool.version),
        code(&outcome.profile)
    );
    let unmet = outcome.cases.iter().filter(|case| !case.met).count();
    let all = outcome.cases.len();
    let what = match (outcome.command == "run", all) {
        (true, 1) => "case",
        (true, _) => "cases",
        (false, 1) => "capture",
        (false, _) => "captures",
    };
    let _ = match unmet {
        0 => writeln!(out, "**Every expectation was met** in {all} {what}.\n"),
        _ => writeln!(
            out,
            "**{unmet} of {all} {what} did not meet an expectation.**\n"
        ),
    };
    baseline(&mut out, outcome);
    if let Some(answer) = &outcome.answer {
        whole(&mut out, outcome, answer);
    }
    let detailed = style.verbose || outcome.command != "run";
    if outcome.cases.iter().any(|case| case.requirement.is_none()) {
        counts(&mut out, outcome);
    }
    // With a single conversation its own table says the same.
    if (!detailed || outcome.conversations.len() != 1)
        && !outcome
            .conversations
            .iter()
            .all(|one| one.verdicts.is_empty())
    {
        claims(&mut out, outcome);
    }
    controls::markdown(&mut out, outcome);
    cases(&mut out, outcome);
    conformance::markdown(&mut out, outcome, detailed);
    problems(&mut out, outcome);
    evidence(&mut out, outcome);
    if detailed {
        for conversation in &outcome.conversations {
            transcript(&mut out, conversation);
        }
    }
    out
}

/// What the whole capture comes to: sentences, then a row for each client host, then one for each account.
fn whole(out: &mut String, outcome: &Outcome, answer: &Answer) {
    for sentence in answer
        .sentences()
        .into_iter()
        .chain(totals::sampled(outcome))
    {
        let _ = writeln!(out, "- {}", escape(&sentence));
    }
    table(
        out,
        "Client hosts",
        totals::CLIENTS,
        &totals::clients(answer),
    );
    table(out, "Accounts", totals::ACCOUNTS, &totals::accounts(answer));
    let _ = writeln!(out);
}

fn table<const N: usize>(out: &mut String, title: &str, heading: [&str; N], rows: &[[String; N]]) {
    if rows.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n## {title}\n\n| {} |", heading.join(" | "));
    let _ = writeln!(out, "|{}", " --- |".repeat(N));
    for row in rows {
        let cells = row.each_ref().map(|cell| escape(cell));
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
}

fn counts(out: &mut String, outcome: &Outcome) {
    let _ = writeln!(
        out,
        "| {} |\n|{}",
        Verdict::ALL.map(|verdict| verdict.to_string()).join(" | "),
        " ---: |".repeat(Verdict::ALL.len())
    );
    let cells: Vec<_> = Verdict::ALL
        .iter()
        .map(|verdict| {
            outcome
                .summary
                .get(verdict)
                .copied()
                .unwrap_or(0)
                .to_string()
        })
        .collect();
    let _ = writeln!(out, "| {} |\n", cells.join(" | "));
}

fn claims(out: &mut String, outcome: &Outcome) {
    let _ = writeln!(
        out,
        "## Claims\n\n| claim | verdict | statement | seen | where |\n| --- | --- | --- | --- | --- |"
    );
    for claim in &outcome.claims {
        let Some(seen) = seen::over(outcome, &outcome.cases, &claim.id) else {
            continue;
        };
        let place = seen::place(&seen.outcome.evidence)
            .map(|place| format!(", {place}"))
            .unwrap_or_default();
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {}{place} |",
            escape(&claim.id),
            word(seen.outcome.verdict),
            escape(&claim.statement),
            escape(&seen.outcome.reason),
            escape(&seen.conversation.id),
        );
    }
    let _ = writeln!(out);
}

fn cases(out: &mut String, outcome: &Outcome) {
    let mut family = None;
    for case in outcome.cases.iter().filter(|c| c.requirement.is_none()) {
        if family != Some(&case.family) {
            family = Some(&case.family);
            let title = match case.family.as_str() {
                "" => "captures".to_owned(),
                family => escape(family),
            };
            let _ = writeln!(
                out,
                "## {}\n\n| case | about | met | {} |",
                title,
                Verdict::ALL.map(|v| v.to_string()).join(" | ")
            );
            let _ = writeln!(
                out,
                "| --- | --- | --- |{}",
                " ---: |".repeat(Verdict::ALL.len())
            );
        }
        let count = |verdict: Verdict| {
            case.verdicts
                .values()
                .filter(|v| **v == verdict)
                .count()
                .to_string()
        };
        let met = if case.met { "yes" } else { "**no**" };
        let _ = writeln!(
            out,
            "| {} | {} | {met} | {} |",
            escape(&case.id),
            escape(&case.title),
            Verdict::ALL.map(count).join(" | ")
        );
        let last = outcome
            .cases
            .iter()
            .rfind(|other| other.family == case.family);
        if last.is_some_and(|last| last.id == case.id) {
            grid_of(out, outcome, &case.family);
        }
    }
}

fn grid_of(out: &mut String, outcome: &Outcome, family: &str) {
    let _ = writeln!(out, "\n```text");
    for ids in grid::columns(outcome, 8, 100) {
        let (stem, lines) = grid::heading(&ids);
        for (number, line) in lines.iter().enumerate() {
            let _ = writeln!(
                out,
                "{:>7} {line}",
                if number == 0 { stem.as_str() } else { "" }
            );
        }
        for case in outcome.cases.iter().filter(|case| case.family == family) {
            let marks: String = grid::row(case, &ids).into_iter().map(grid::mark).collect();
            let _ = writeln!(out, "{:>7} {marks}", short(case));
        }
        if let Some(key) = grid::key(&ids) {
            let _ = writeln!(out, "{key}");
        }
    }
    let _ = writeln!(out, "{}\n```\n", grid::LEGEND);
}

/// At most seven characters of a case's id.
fn short(case: &CaseOutcome) -> String {
    case.id.chars().take(7).collect()
}

/// What differs from an earlier result.
fn baseline(out: &mut String, outcome: &Outcome) {
    let Some(comparison) = &outcome.baseline else {
        return;
    };
    let _ = writeln!(out, "**Against the baseline: {}.**\n", comparison.counts());
    for (name, list) in comparison.lists() {
        for one in list {
            let line = format!("{} {}", one.case, one.problem);
            let _ = writeln!(out, "- {name}: {}", escape(line.trim()));
        }
    }
    let _ = writeln!(out);
}

fn problems(out: &mut String, outcome: &Outcome) {
    let unmet: Vec<_> = outcome.cases.iter().filter(|case| !case.met).collect();
    if unmet.is_empty() {
        return;
    }
    let _ = writeln!(out, "## Not met\n");
    for case in unmet {
        for problem in &case.problems {
            let _ = writeln!(out, "- {}: {}", escape(&case.id), escape(problem));
        }
    }
    let _ = writeln!(out);
}

fn evidence(out: &mut String, outcome: &Outcome) {
    let _ = writeln!(
        out,
        "## Evidence\n\n| capture | packets | SHA-256 |\n| --- | ---: | --- |"
    );
    for case in &outcome.cases {
        let _ = writeln!(
            out,
            "| {} | {} | {} |",
            escape(&case.capture.path),
            case.capture.packets,
            code(&case.capture.sha256)
        );
        for (path, text) in totals::more_captures(case) {
            let _ = writeln!(out, "| {} | {text} | |", escape(path));
        }
        for note in &case.capture.notes {
            let _ = writeln!(
                out,
                "| {} | | note: {} |",
                escape(&case.capture.path),
                escape(note)
            );
        }
    }
    let _ = writeln!(out);
}

fn transcript(out: &mut String, conversation: &ConversationOutcome) {
    let _ = writeln!(
        out,
        "## {}: {} to {}\n\n```text",
        escape(&conversation.id),
        escape(&conversation.client),
        escape(&conversation.server)
    );
    for line in seen::transcript(conversation) {
        let _ = writeln!(out, "{}", line.replace("```", "` ` `"));
    }
    let _ = writeln!(out, "```\n");
    for (about, text) in conversation.leaks.iter().flat_map(leaked::lines) {
        let _ = writeln!(out, "- {}: {}", escape(&about), escape(&text));
    }
    if conversation.leaks.is_some() {
        let _ = writeln!(out);
    }
    if conversation.verdicts.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "| claim | verdict | seen | where |\n| --- | --- | --- | --- |"
    );
    for judged in &conversation.verdicts {
        let place = seen::place(&judged.evidence).unwrap_or_default();
        let _ = writeln!(
            out,
            "| {} | {} | {} | {place} |",
            escape(&judged.claim),
            word(judged.verdict),
            escape(&judged.reason)
        );
    }
    let _ = writeln!(out);
}

pub(crate) const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Fail => "**FAIL**",
        Verdict::Error => "**ERROR**",
        other => other.as_str(),
    }
}

/// Text from the wire or from a file, as one table cell that stays text.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in printable(text).chars() {
        if matches!(
            character,
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#'
        ) {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

/// A word that stands as code. Nothing in it is escaped there, so what would end it is left out.
fn code(text: &str) -> String {
    format!("`{}`", printable(text).replace(['`', '|'], "?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_from_the_wire_cannot_leave_its_table_cell() {
        assert_eq!(escape("a|b\n<script>"), r"a\|b\\n\<script\>");
    }
}

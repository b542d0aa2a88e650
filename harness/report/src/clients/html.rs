//! The grid as one HTML page.

use std::fmt::Write as _;

use claims::Verdict;
use claims::result::{CaseOutcome, CheckOutcome};

use super::Column;
use super::rows::{self, Row};
use crate::page::{escape, escape_lines, look};
use crate::uri::uri;
use crate::{hexdump, page, seen};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// The whole page. It loads nothing, and can be read without script.
pub fn html(columns: &[Column]) -> String {
    let rows = rows::rows(columns);
    let mut out = String::new();
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n\
         <title>SMTP clients and cases</title>\n<style>{}{STYLE}</style>\n</head>\n<body>\n<header>\n\
         <h1>SMTP clients and cases</h1>\n<p>{}</p>\n</header>\n",
        page::STYLE,
        sentence(columns, &rows)
    );
    totals(&mut out, columns, &rows);
    controls(&mut out, &rows);
    grid(&mut out, columns, &rows);
    let _ = writeln!(out, "<main>\n<h2>Case by case</h2>");
    for row in &rows {
        for (column, cell) in columns.iter().zip(&row.cells) {
            if let Some(case) = cell {
                detail(&mut out, column, row, case);
            }
        }
    }
    let tool = columns.first().map(|column| &column.outcome.tool);
    let made = tool.map_or_else(String::new, |tool| {
        format!("{} {}", tool.name, tool.version)
    });
    let _ = write!(
        out,
        "</main>\n<footer>Made by {}. Packet numbers are those of Wireshark. What a cell says was read from the capture \
         that it names, and from nothing else.</footer>\n<script>{SCRIPT}</script>\n</body>\n</html>\n",
        escape(&made)
    );
    out
}

/// What the page comes to, in a sentence.
fn sentence(columns: &[Column], rows: &[Row<'_>]) -> String {
    let clean = columns
        .iter()
        .enumerate()
        .filter(|(place, _)| rows::count(rows, *place, Verdict::Fail) == 0)
        .count();
    format!(
        "{} {} put to {} {}; {} failed none.",
        columns.len(),
        if columns.len() == 1 {
            "client was"
        } else {
            "clients were"
        },
        rows.len(),
        if rows.len() == 1 { "case" } else { "cases" },
        clean
    )
}

fn totals(out: &mut String, columns: &[Column], rows: &[Row<'_>]) {
    let levels = rows::levels(rows);
    let _ = write!(
        out,
        "<table class=\"totals\">\n<thead><tr><th scope=\"col\">client</th>"
    );
    for level in &levels {
        let _ = write!(out, "<th scope=\"col\">{level}</th>");
    }
    let _ = writeln!(
        out,
        "<th scope=\"col\">failed</th><th scope=\"col\">undecided</th><th scope=\"col\">not applicable</th></tr></thead>\n<tbody>"
    );
    for (place, column) in columns.iter().enumerate() {
        let _ = write!(out, "<tr><th scope=\"row\">{}</th>", escape(&column.title));
        for level in &levels {
            let (passed, decided) = rows::passed(rows, place, level);
            let _ = write!(out, "<td>{passed} of {decided}</td>");
        }
        let count = |word| rows::count(rows, place, word);
        let _ = writeln!(
            out,
            "<td>{}</td><td>{}</td><td>{}</td></tr>",
            count(Verdict::Fail) + count(Verdict::Error),
            count(Verdict::Inconclusive),
            count(Verdict::NotApplicable)
        );
    }
    let _ = writeln!(out, "</tbody>\n</table>");
}

/// Shown by the script alone: without it everything is there to be read.
fn controls(out: &mut String, rows: &[Row<'_>]) {
    let _ = write!(
        out,
        "<form class=\"controls\" hidden><label>Find <input type=\"search\" name=\"text\" placeholder=\"case, title, requirement\"></label>\
         <label>Level <select name=\"level\"><option value=\"\">all</option>"
    );
    for level in rows::levels(rows) {
        let _ = write!(out, "<option>{level}</option>");
    }
    let _ = writeln!(
        out,
        "</select></label><label><input type=\"checkbox\" name=\"failed\"> only rows with a failure</label></form>"
    );
}

fn grid(out: &mut String, columns: &[Column], rows: &[Row<'_>]) {
    let _ = write!(
        out,
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Clients and cases\">\n<table class=\"grid\">\n\
         <thead><tr><th scope=\"col\">case</th><th scope=\"col\">level</th>"
    );
    for column in columns {
        let _ = write!(
            out,
            "<th scope=\"col\" title=\"{}\">{}</th>",
            escape(&column.title),
            escape(&column.name)
        );
    }
    let _ = writeln!(out, "</tr></thead>");
    for family in rows::families(rows) {
        let _ = writeln!(
            out,
            "<tbody><tr class=\"family\"><th scope=\"rowgroup\" colspan=\"{}\">{}</th></tr>",
            columns.len() + 2,
            escape(family[0].family)
        );
        for row in family {
            let failed = row
                .cells
                .iter()
                .any(|cell| rows::verdict(*cell) == Some(Verdict::Fail));
            let _ = write!(
                out,
                "<tr class=\"case\" data-level=\"{level}\" data-failed=\"{failed}\"><th scope=\"row\"><b>{id}</b> <span>{title}</span></th><td class=\"level\">{level}</td>",
                level = escape(&row.requirement.level),
                id = escape(row.id),
                title = escape(row.title)
            );
            for (column, cell) in columns.iter().zip(&row.cells) {
                let _ = match cell {
                    None => write!(out, "<td></td>"),
                    Some(case) => {
                        let (class, mark, word) = look(case.verdict);
                        write!(
                            out,
                            "<td class=\"{class}\"><a href=\"#{}\" title=\"{}: {word}\" aria-label=\"{} {}: {word}\">{mark}</a></td>",
                            anchor(column, row),
                            escape(&column.name),
                            escape(&column.name),
                            escape(row.id)
                        )
                    }
                };
            }
            let _ = writeln!(out, "</tr>");
        }
        let _ = writeln!(out, "</tbody>");
    }
    let _ = writeln!(
        out,
        "</table>\n</div>\n<p class=\"legend\"><span class=\"pass\">✓ pass</span> <span class=\"fail\">✗ fail</span> \
         <span class=\"unclear\">? inconclusive: not provoked, or not to be seen</span> <span class=\"other\">– not applicable</span></p>"
    );
}

/// One cell in full: what was asked, what was found, the dialogue, the capture.
fn detail(out: &mut String, column: &Column, row: &Row<'_>, case: &CaseOutcome) {
    let (class, _, word) = look(case.verdict);
    let _ = writeln!(
        out,
        "<details class=\"detail\" id=\"{}\"><summary><b>{}</b> {} <span class=\"{class}\">{word}</span></summary>\n\
         <p class=\"about\">{}</p>\n<p>Asked: {} <i>({}; {})</i></p>",
        anchor(column, row),
        escape(row.id),
        escape(&column.name),
        escape(row.title),
        escape(&row.requirement.text),
        escape(&row.requirement.level),
        escape(&row.requirement.references.join(", "))
    );
    if let Some(reason) = column.reasons.get(row.id) {
        let _ = writeln!(
            out,
            "<p class=\"reason\">Looked into: {}</p>",
            escape(reason)
        );
    }
    if !case.findings.is_empty() {
        let _ = writeln!(out, "<ul>");
        for finding in &case.findings {
            found(out, finding);
        }
        let _ = writeln!(out, "</ul>");
    }
    let told: Vec<_> = case.findings.iter().map(told_as).collect();
    for problem in case
        .problems
        .iter()
        .filter(|problem| !told.contains(problem))
    {
        let _ = writeln!(out, "<p class=\"problem\">{}</p>", escape(problem));
    }
    for conversation in column.outcome.conversations_of(case) {
        let _ = write!(
            out,
            "<h3>{}: {} to {}</h3>\n<pre>",
            escape(&conversation.id),
            escape(&conversation.client),
            escape(&conversation.server)
        );
        for line in seen::transcript(conversation) {
            let by = if line[seen::TRANSCRIPT_HEAD - 3..].starts_with(['C', 'c']) {
                "client"
            } else {
                "server"
            };
            let _ = writeln!(out, "<span class=\"{by}\">{}</span>", escape(&line));
        }
        let _ = writeln!(out, "</pre>");
    }
    let capture = capture(column, case);
    if !capture.is_empty() {
        let _ = writeln!(
            out,
            "<p class=\"capture\">Capture: <a href=\"{}\">{}</a>, {} packets, SHA-256 <code>{}</code></p>",
            uri(&capture),
            escape(&capture),
            case.capture.packets,
            escape(&case.capture.sha256)
        );
    }
    let _ = writeln!(out, "<p><a href=\"#\">back to the grid</a></p>\n</details>");
}

fn found(out: &mut String, finding: &CheckOutcome) {
    let (class, _, word) = look(Some(finding.verdict));
    let _ = write!(
        out,
        "<li><span class=\"{class}\">{word}</span> <code>{}</code>, wanted {}: {}",
        escape(&finding.check),
        escape(&finding.wanted),
        escape(&finding.reason)
    );
    for piece in &finding.evidence {
        let place = seen::place(std::slice::from_ref(piece)).unwrap_or_default();
        let _ = write!(
            out,
            "<br><small>{}: {}</small>",
            escape(&place),
            escape(&piece.what)
        );
        let rows = hexdump::rows(piece);
        if !rows.is_empty() {
            let _ = write!(out, "<pre class=\"hex\">{}</pre>", escape_lines(&rows));
        }
    }
    let _ = writeln!(out, "</li>");
}

/// As the problems of a case tell a finding.
fn told_as(finding: &CheckOutcome) -> String {
    format!("{}: {}", finding.check, finding.reason)
}

/// Where a capture lies, seen from the page; empty where there is none.
pub(super) fn capture(column: &Column, case: &CaseOutcome) -> String {
    let name = case
        .capture
        .path
        .rsplit(['/', '\\'])
        .next()
        .unwrap_or_default();
    if name.is_empty() || column.folder.is_empty() {
        return name.to_owned();
    }
    format!("{}/{name}", column.folder)
}

fn anchor(column: &Column, row: &Row<'_>) -> String {
    let mut id = format!("{}.{}", column.name, row.id);
    id.retain(|c| {
        c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '=' | '[' | ']' | ',')
    });
    id
}

//! What the profile expects and what was found: a row for each claim, and for each case that asks something.

use std::fmt::Write as _;

use claims::Verdict;
use claims::result::{ClaimText, Outcome};

use super::conversation::anchor;
use crate::page::{escape, look};
use crate::seen;

pub(super) fn write(out: &mut String, outcome: &Outcome) {
    claims(out, outcome);
    requirements(out, outcome);
}

/// Confirmed, refuted, or not provoked.
const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "confirmed",
        Verdict::Fail => "refuted",
        Verdict::Inconclusive => "not provoked",
        Verdict::Recorded => "recorded",
        Verdict::NotApplicable => "not applicable",
        Verdict::Error => "error",
    }
}

fn claims(out: &mut String, outcome: &Outcome) {
    let mut rows: Vec<_> = outcome
        .claims
        .iter()
        .filter_map(|claim| Some((claim, seen::over(outcome, &outcome.cases, &claim.id)?)))
        .collect();
    if rows.is_empty() {
        return;
    }
    let weight = |verdict: Verdict| match verdict {
        Verdict::Error | Verdict::Fail => 0,
        Verdict::Inconclusive => 1,
        Verdict::Pass => 2,
        Verdict::Recorded => 3,
        Verdict::NotApplicable => 4,
    };
    rows.sort_by_key(|(_, seen)| weight(seen.outcome.verdict));
    let _ = writeln!(
        out,
        "<section>\n<h2>What is expected, and what was found</h2>\n<p>Profile <code>{}</code>. A claim is confirmed only where it was \
         really put to the test.</p>\n<div class=\"scroll\"><table class=\"posture\">\n<thead><tr><th scope=\"col\">claim</th>\
         <th scope=\"col\">found</th><th scope=\"col\">statement</th><th scope=\"col\">because</th></tr></thead>\n<tbody>",
        escape(&outcome.profile)
    );
    for (claim, seen) in rows {
        let verdict = seen.outcome.verdict;
        let (class, _, _) = look(Some(verdict));
        let place = seen::place(&seen.outcome.evidence).unwrap_or_default();
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td><span class=\"{class}\">{}</span></td><td>{}{}</td><td>{}<br><a href=\"#{}\">{}</a> <small>{}</small></td></tr>",
            escape(&claim.id),
            word(verdict),
            escape(&claim.statement),
            weakness(claim, verdict),
            escape(&seen.outcome.reason),
            anchor(&seen.conversation.id),
            escape(&seen.conversation.id),
            escape(&place)
        );
    }
    let _ = writeln!(out, "</tbody>\n</table></div>\n</section>");
}

/// CWE and ATT&CK ids, where what was found is the weak side of the claim.
fn weakness(claim: &ClaimText, verdict: Verdict) -> String {
    let seen = claim
        .weakness
        .iter()
        .filter(|one| one.seen_when == Some(verdict));
    let ids = seen.flat_map(|one| one.cwe.iter().chain(&one.attack));
    let ids: Vec<_> = ids.map(|id| escape(id)).collect();
    if ids.is_empty() {
        return String::new();
    }
    format!(" <small>{}</small>", ids.join(", "))
}

fn requirements(out: &mut String, outcome: &Outcome) {
    let cases: Vec<_> = outcome
        .cases
        .iter()
        .filter_map(|case| Some((case, case.requirement.as_ref()?)))
        .collect();
    if cases.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "<section>\n<h2>What was asked of the client</h2>\n<div class=\"scroll\"><table class=\"posture\">\n<thead><tr><th scope=\"col\">case</th>\
         <th scope=\"col\">found</th><th scope=\"col\">asked</th><th scope=\"col\">because</th></tr></thead>\n<tbody>"
    );
    for (case, asked) in cases {
        let (class, _, word) = look(case.verdict);
        let finding = case.decisive();
        let conversation = finding
            .and_then(|finding| finding.conversation.as_deref())
            .or_else(|| case.conversations.first().map(String::as_str));
        let link = conversation.map_or_else(String::new, |id| {
            format!("<br><a href=\"#{}\">{}</a>", anchor(id), escape(id))
        });
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td><span class=\"{class}\">{word}</span></td><td>{}<br><small>{}; {}; {}</small></td><td>{}{link}</td></tr>",
            escape(&case.id),
            escape(&asked.text),
            escape(&asked.level),
            escape(&case.title),
            escape(&asked.references.join(", ")),
            escape(case.why())
        );
    }
    let _ = writeln!(out, "</tbody>\n</table></div>\n</section>");
}

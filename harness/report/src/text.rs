//! The terminal: a grid for each family, then a line for each claim with what was seen and where.

mod layout;
mod paint;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt::Write as _;

use claims::baseline::Comparison;
use claims::result::{CaseOutcome, ConversationOutcome, Outcome};
use claims::{Answer, Verdict};

use self::layout::{counted, pad, plural};
use self::paint::colored;
use crate::seen::TRANSCRIPT_HEAD;
use crate::{Style, conformance, controls, grid, leaked, printable, seen, totals};

pub(crate) use self::layout::wrap;
pub(crate) use self::paint::{bold, word};

/// Columns of the case's id and title beside the grid.
const LABEL: usize = 46;

/// Up to so many conversations of a capture are shown claim by claim, however much alike they are.
const MOST_IN_FULL: usize = 12;

/// The whole report.
pub(crate) fn render(outcome: &Outcome, style: Style) -> String {
    let mut out = String::new();
    let cases = totals::captures(outcome);
    let _ = writeln!(
        out,
        "{} {}  profile {}  {cases} {}, {}",
        outcome.tool.name,
        outcome.tool.version,
        outcome.profile,
        if outcome.command == "run" {
            plural(cases, "case")
        } else {
            plural(cases, "capture")
        },
        counted(outcome.conversations.len(), "conversation"),
    );
    if let Some(client) = &outcome.client {
        let version = client.version.as_deref().unwrap_or("version unknown");
        let line = format!("client {}: {} ({version})", client.id, client.title);
        let _ = writeln!(out, "{}", wrap(&printable(&line), 0, style.width));
    }
    if let Some(answer) = &outcome.answer {
        whole(&mut out, outcome, answer, style);
    }
    families(&mut out, outcome, style);
    if outcome.command == "run" {
        let of_claims = outcome.cases.iter().filter(|c| c.requirement.is_none());
        claims(&mut out, outcome, &of_claims.collect::<Vec<_>>(), style);
    } else {
        for case in &outcome.cases {
            captured(&mut out, outcome, case, style);
        }
    }
    controls::terminal(&mut out, outcome, style);
    if style.verbose {
        conversations(&mut out, outcome, style);
    }
    problems(&mut out, outcome, style);
    summary(&mut out, outcome, style);
    out
}

fn families(out: &mut String, outcome: &Outcome, style: Style) {
    let mut rest: &[CaseOutcome] = &outcome.cases;
    let mut judged = false;
    while let Some(first) = rest.first() {
        let many = rest
            .iter()
            .take_while(|case| case.family == first.family)
            .count();
        let (family, tail) = rest.split_at(many);
        rest = tail;
        if first.requirement.is_some() {
            conformance::text(out, family, style);
            continue;
        }
        judged = true;
        for ids in grid::columns(outcome, LABEL + 2, style.width) {
            let (stem, heading) = grid::heading(&ids);
            let title = if first.family.is_empty() {
                "captures".to_owned()
            } else {
                format!("{} ({many})", first.family)
            };
            for (number, line) in heading.iter().enumerate() {
                let left = match number {
                    0 => {
                        let room = LABEL - stem.len();
                        format!("{}{stem}", bold(&pad(&title, room), style))
                    }
                    _ => " ".repeat(LABEL),
                };
                let _ = writeln!(out, "{}{left}  {line}", if number == 0 { "\n" } else { "" });
            }
            for case in family {
                let label = format!("{}  {}", case.id, case.title);
                let marks: String = grid::row(case, &ids)
                    .into_iter()
                    .map(|verdict| colored(verdict, style))
                    .collect();
                let unmet = if case.met { "  " } else { "! " };
                let _ = writeln!(out, "{}{unmet}{marks}", pad(&printable(&label), LABEL));
            }
            if let Some(key) = grid::key(&ids) {
                let _ = writeln!(out, "{}", wrap(&key, 0, style.width));
            }
        }
    }
    if judged {
        let _ = writeln!(out, "\n{}", wrap(grid::LEGEND, 0, style.width));
    }
}

/// One entry for each claim: the word, how often, the statement, and the first place that shows it.
fn claims(out: &mut String, outcome: &Outcome, cases: &[&CaseOutcome], style: Style) {
    let _ = writeln!(out);
    for claim in &outcome.claims {
        let Some(seen) = seen::over(outcome, cases.iter().copied(), &claim.id) else {
            continue;
        };
        let verdict = seen.outcome.verdict;
        let times = seen::tally(cases.iter().copied(), &claim.id, verdict);
        let count = if cases.len() > 1 {
            format!(" {times:>2}/{}", cases.len())
        } else {
            String::new()
        };
        let head = format!("{}  {}{count}  ", claim.id, word(verdict, style));
        let indent = claim.id.len() + 2 + 12 + count.len() + 2;
        let _ = writeln!(out, "{head}{}", wrap(&claim.statement, indent, style.width));
        let mut what = printable(&seen.outcome.reason);
        let place = seen::place(&seen.outcome.evidence);
        if cases.len() > 1 || outcome.conversations.len() > 1 {
            what = format!(
                "{}{}: {what}",
                seen.conversation.id,
                place.map(|p| format!(", {p}")).unwrap_or_default()
            );
        } else if let Some(place) = place {
            what = format!("{place}: {what}");
        }
        let _ = writeln!(out, "          {}", wrap(&what, 10, style.width));
    }
}

/// A capture that was audited: its conversations, each claim by claim.
fn captured(out: &mut String, outcome: &Outcome, case: &CaseOutcome, style: Style) {
    let capture = &case.capture;
    let _ = writeln!(out, "\n{}", bold(&printable(&capture.path), style));
    let packets = usize::try_from(capture.packets).unwrap_or(usize::MAX);
    let _ = writeln!(out, "  {}", counted(packets, "packet"));
    if !capture.sha256.is_empty() {
        let _ = writeln!(out, "  sha256 {}", capture.sha256);
    }
    for (path, text) in totals::more_captures(case) {
        let line = printable(&format!("{path}: {text}"));
        let _ = writeln!(out, "  {}", wrap(&line, 4, style.width));
    }
    let short = !style.verbose && outcome.conversations_of(case).count() > MOST_IN_FULL;
    if short {
        let line = "One that got the same verdicts as one before it is shown in a line, and with what failed; -v shows \
                    each whole.";
        let _ = writeln!(out, "  {}", wrap(line, 2, style.width));
    }
    let mut full: HashMap<Vec<Verdict>, &str> = HashMap::new();
    let mut after_full = true;
    for conversation in outcome.conversations_of(case) {
        let words = conversation.verdicts.iter().map(|judged| judged.verdict);
        let like = match full.entry(words.collect()) {
            Entry::Occupied(first) if short => Some(*first.get()),
            Entry::Occupied(_) => None,
            Entry::Vacant(place) => {
                place.insert(&conversation.id);
                None
            }
        };
        if after_full || like.is_none() {
            let _ = writeln!(out);
        }
        after_full = like.is_none();
        judged(out, outcome, conversation, like, style);
    }
    if !capture.notes.is_empty() {
        let _ = writeln!(out);
    }
    for note in &capture.notes {
        let _ = writeln!(out, "  note: {}", wrap(&printable(note), 8, style.width));
    }
}

/// A conversation, claim by claim. Where it got the same verdicts as one before it, `like`, only what failed.
fn judged(
    out: &mut String,
    outcome: &Outcome,
    conversation: &ConversationOutcome,
    like: Option<&str>,
    style: Style,
) {
    let verdicts = like.map_or(String::new(), |like| format!("  verdicts as {like}"));
    let _ = writeln!(
        out,
        "{}  {} -> {}  {}{verdicts}",
        conversation.id, conversation.client, conversation.server, conversation.protocol
    );
    for judged in &conversation.verdicts {
        if like.is_some() && judged.verdict != Verdict::Fail {
            continue;
        }
        let statement = outcome
            .claims
            .iter()
            .find(|claim| claim.id == judged.claim)
            .map_or("", |c| &c.statement);
        let indent = judged.claim.len() + 16;
        let _ = writeln!(
            out,
            "{}  {}  {}",
            judged.claim,
            word(judged.verdict, style),
            wrap(statement, indent, style.width)
        );
        let reason = printable(&judged.reason);
        let what = seen::place(&judged.evidence)
            .map_or(reason.clone(), |place| format!("{place}: {reason}"));
        let _ = writeln!(out, "          {}", wrap(&what, 10, style.width));
    }
}

/// What the whole capture comes to: sentences, then a row for each client host, then one for each account.
fn whole(out: &mut String, outcome: &Outcome, answer: &Answer, style: Style) {
    let _ = writeln!(out);
    for (number, sentence) in answer.sentences().into_iter().enumerate() {
        let line = wrap(&sentence, 0, style.width);
        let line = if number < 2 { bold(&line, style) } else { line };
        let _ = writeln!(out, "{line}");
    }
    if let Some(sampled) = totals::sampled(outcome) {
        let _ = writeln!(out, "{}", wrap(&sampled, 0, style.width));
    }
    table(
        out,
        totals::CLIENTS,
        [24, 6, 6, 6, 17, 16],
        &totals::clients(answer),
        style,
    );
    table(
        out,
        totals::ACCOUNTS,
        [24, 10, 23, 6, 13],
        &totals::accounts(answer),
        style,
    );
}

/// A table with these widths. Columns of six hold numbers, and end where their heading ends.
fn table<const N: usize>(
    out: &mut String,
    heading: [&str; N],
    widths: [usize; N],
    rows: &[[String; N]],
    style: Style,
) {
    if rows.is_empty() {
        return;
    }
    let line = |cells: [&str; N]| {
        let cells = cells.iter().zip(widths).map(|(cell, width)| {
            let cell = printable(cell);
            if width == 6 {
                format!("{cell:>6}")
            } else {
                pad(&cell, width)
            }
        });
        cells.collect::<Vec<_>>().join(" ").trim_end().to_owned()
    };
    let _ = writeln!(out, "\n{}", bold(&line(heading), style));
    for row in rows {
        let _ = writeln!(out, "{}", line(row.each_ref().map(String::as_str)));
    }
}

fn conversations(out: &mut String, outcome: &Outcome, style: Style) {
    for conversation in &outcome.conversations {
        let _ = writeln!(
            out,
            "\n{}",
            bold(
                &format!(
                    "{}  {} -> {}",
                    conversation.id, conversation.client, conversation.server
                ),
                style
            )
        );
        for line in seen::transcript(conversation) {
            // What precedes the text is as wide as the indent of the lines that follow.
            let (head, text) = line.split_at(line.find(": ").map_or(0, |colon| colon + 2));
            let _ = writeln!(
                out,
                "  {head}{}",
                wrap(text, TRANSCRIPT_HEAD + 2, style.width)
            );
        }
        for (about, text) in conversation.leaks.iter().flat_map(leaked::lines) {
            let line = wrap(&printable(&format!("{about}: {text}")), 6, style.width);
            let _ = writeln!(out, "    {line}");
        }
        if outcome.command == "run" {
            for judged in &conversation.verdicts {
                let what = seen::place(&judged.evidence)
                    .map(|p| format!("{p}: "))
                    .unwrap_or_default();
                let _ = writeln!(
                    out,
                    "  {}  {}  {}",
                    judged.claim,
                    word(judged.verdict, style),
                    wrap(
                        &format!("{what}{}", printable(&judged.reason)),
                        24,
                        style.width
                    )
                );
            }
        }
    }
}

fn problems(out: &mut String, outcome: &Outcome, style: Style) {
    for case in outcome.cases.iter().filter(|case| !case.met) {
        let _ = writeln!(out);
        for problem in &case.problems {
            let head = format!("{} ", case.id);
            let _ = writeln!(
                out,
                "{head}{}",
                wrap(&printable(problem), head.len(), style.width)
            );
        }
    }
}

fn summary(out: &mut String, outcome: &Outcome, style: Style) {
    let tally = |count: &dyn Fn(Verdict) -> usize| {
        let words = Verdict::ALL.map(|verdict| format!("{} {verdict}", count(verdict)));
        words.join(", ")
    };
    let claims = tally(&|verdict| outcome.summary.get(&verdict).copied().unwrap_or(0));
    let asking: Vec<_> = outcome
        .cases
        .iter()
        .filter(|case| case.requirement.is_some())
        .collect();
    let _ = writeln!(out);
    if !asking.is_empty() {
        let count = |verdict| asking.iter().filter(|c| c.verdict == Some(verdict)).count();
        let text = format!("requirements: {}", tally(&count));
        let _ = writeln!(out, "{}", wrap(&text, 0, style.width));
    }
    if asking.len() < outcome.cases.len() {
        let _ = writeln!(
            out,
            "{}",
            wrap(&format!("verdicts: {claims}"), 0, style.width)
        );
    }
    let unmet = outcome.cases.iter().filter(|case| !case.met).count();
    let what = if outcome.command == "run" {
        "case"
    } else {
        "capture"
    };
    let end = match unmet {
        0 => format!(
            "every expectation met, in {}",
            counted(outcome.cases.len(), what)
        ),
        _ => format!("{} with an expectation not met", counted(unmet, what)),
    };
    let _ = writeln!(out, "{}", bold(&end, style));
    if let Some(comparison) = &outcome.baseline {
        baseline(out, comparison, style);
    }
}

/// What differs from an earlier result.
fn baseline(out: &mut String, comparison: &Comparison, style: Style) {
    let end = format!("against the baseline: {}", comparison.counts());
    let _ = writeln!(out, "{}", bold(&wrap(&end, 0, style.width), style));
    for (name, list) in comparison.lists() {
        // What fails as it did stands above.
        if name == "unchanged" && !style.verbose {
            continue;
        }
        for one in list {
            let line = format!("{name}: {} {}", one.case, one.problem);
            let _ = writeln!(out, "  {}", wrap(&printable(&line), 4, style.width));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sample's conversations again and again, under other ids.
    fn many() -> Outcome {
        let mut outcome = crate::sample::audit();
        let first = outcome.conversations.clone();
        for turn in 1..MOST_IN_FULL {
            for conversation in &first {
                let mut again = conversation.clone();
                again.id = format!("{}-{turn}", again.id);
                outcome.cases[0].conversations.push(again.id.clone());
                outcome.conversations.push(again);
            }
        }
        outcome
    }

    #[test]
    fn of_many_that_are_alike_one_is_shown_whole_and_of_each_what_failed() {
        let outcome = many();
        let first = &crate::sample::audit();
        let lines = |style| {
            let text = render(&outcome, style);
            let fails = text
                .lines()
                .filter(|line| line.contains("  FAIL  "))
                .count();
            (
                text.matches("  verdicts as C").count(),
                fails,
                text.lines().count(),
            )
        };
        let (alike, fails, short) = lines(Style::default());
        assert_eq!(alike, first.conversations.len() * (MOST_IN_FULL - 1));
        let failed = |outcome: &Outcome| -> usize {
            let all = outcome.conversations.iter().flat_map(|one| &one.verdicts);
            all.filter(|judged| judged.verdict == Verdict::Fail).count()
        };
        assert!(failed(first) > 0, "the sample has something to show");
        assert_eq!(fails, failed(&outcome));
        let verbose = Style {
            verbose: true,
            ..Style::default()
        };
        let (alike, fails, whole) = lines(verbose);
        assert_eq!((alike, fails), (0, failed(&outcome)));
        assert!(whole > 3 * short, "{whole} {short}");
    }
}

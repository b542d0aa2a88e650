//! Controls of compliance, for a terminal, for Markdown, and as a table for a spreadsheet.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use claims::controls::{ControlOutcome, ControlVerdict, FrameworkOutcome};
use claims::result::Outcome;

use crate::csv::inert;
use crate::markdown::escape;
use crate::{Style, printable, seen, text};

/// What every table of controls says of itself.
pub(crate) const CAVEAT: &str = "What crossed the wire relates to these controls; it applies to one where the profile says what \
    is in scope. Traffic can show that a control is not met. That it is met, or that anybody complies, nothing here says.";

/// The words of a standard, counted: `3 not satisfied, 4 not tested, 2 satisfied by what was seen`.
pub(crate) fn counts(standard: &FrameworkOutcome) -> String {
    let words = ControlVerdict::ALL.iter().filter_map(|verdict| {
        let all = standard.controls.iter();
        let count = all.filter(|one| one.verdict == *verdict).count();
        (count > 0).then(|| format!("{count} {verdict}"))
    });
    words.collect::<Vec<_>>().join(", ")
}

/// Where the deciding ground can be seen: `C1/2, packets 4, 11`.
pub(crate) fn place(control: &ControlOutcome) -> String {
    let ground = control.decisive().find(|one| one.conversation.is_some());
    ground.map_or_else(String::new, |ground| {
        let conversation = ground.conversation.as_deref().unwrap_or_default();
        if ground.packets.is_empty() {
            return conversation.to_owned();
        }
        let packets = seen::numbers(&ground.packets);
        let word = if ground.packets.len() == 1 {
            "packet"
        } else {
            "packets"
        };
        format!("{conversation}, {word} {packets}")
    })
}

/// CWE and ATT&CK ids.
pub(crate) fn ids(control: &ControlOutcome) -> String {
    let all: Vec<_> = control
        .cwe
        .iter()
        .chain(&control.attack)
        .map(String::as_str)
        .collect();
    all.join(", ")
}

/// Controls that a claim speaks against: claim id to names, with how it stands to each.
pub(crate) fn by_claim(outcome: &Outcome) -> BTreeMap<&str, Vec<String>> {
    let mut all: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for standard in &outcome.controls {
        for control in &standard.controls {
            let refuted = control.grounds.iter().filter(|one| one.state == "refuted");
            for ground in refuted {
                let name = format!(
                    "{} {} {}",
                    control.citation.as_str(),
                    standard.name(),
                    control.id
                );
                all.entry(&ground.ground).or_default().push(name);
            }
        }
    }
    all
}

/// For a terminal.
pub(crate) fn terminal(out: &mut String, outcome: &Outcome, style: Style) {
    for standard in &outcome.controls {
        let heading = printable(&format!("{}: {}", standard.name(), counts(standard)));
        let heading = text::wrap(&heading, 0, style.width);
        let _ = writeln!(out, "\n{}", text::bold(&heading, style));
        for control in &standard.controls {
            let head = format!("{}  ", control.id);
            let line = format!(
                "{}: {}",
                control.verdict.as_str().to_uppercase(),
                control.asks
            );
            let line = match control.verdict {
                ControlVerdict::NotSatisfied => line,
                other => format!("{other}: {}", control.asks),
            };
            let _ = writeln!(
                out,
                "{}{}",
                printable(&head),
                text::wrap(&printable(&line), head.chars().count(), style.width)
            );
            let mut because = control.why();
            let place = place(control);
            if !place.is_empty() {
                let _ = write!(because, " ({place})");
            }
            let ids = ids(control);
            if !ids.is_empty() {
                let _ = write!(because, " [{ids}]");
            }
            let _ = writeln!(
                out,
                "          {}",
                text::wrap(&printable(&because), 10, style.width)
            );
            if style.verbose {
                let line = format!("not tested: {}", control.not_tested);
                let line = text::wrap(&printable(&line), 10, style.width);
                let _ = writeln!(out, "          {line}");
            }
        }
    }
    if !outcome.controls.is_empty() {
        let _ = writeln!(out, "\n{}", text::wrap(CAVEAT, 0, style.width));
        if let Some(coverage) = &outcome.coverage {
            let line = printable(&format!("Coverage, as stated: {coverage}"));
            let _ = writeln!(out, "{}", text::wrap(&line, 0, style.width));
        }
    }
}

/// For Markdown.
pub(crate) fn markdown(out: &mut String, outcome: &Outcome) {
    if outcome.controls.is_empty() {
        return;
    }
    let _ = writeln!(out, "## Controls\n\n{CAVEAT}\n");
    if let Some(coverage) = &outcome.coverage {
        let _ = writeln!(out, "Coverage, as stated: {}\n", escape(coverage));
    }
    for standard in &outcome.controls {
        let _ = writeln!(
            out,
            "### {}\n\n{}.\n\n| control | word | asks | because | where | CWE, ATT&CK |\n| --- | --- | --- | --- | --- | --- |",
            escape(&standard.name()),
            counts(standard)
        );
        for control in &standard.controls {
            let word = match control.verdict {
                ControlVerdict::NotSatisfied => "**NOT SATISFIED**",
                other => other.as_str(),
            };
            let _ = writeln!(
                out,
                "| {} | {word} | {} | {} | {} | {} |",
                escape(&control.id),
                escape(&control.asks),
                escape(&control.why()),
                escape(&place(control)),
                escape(&ids(control))
            );
        }
        let _ = writeln!(out);
    }
}

const HEADING: [&str; 12] = [
    "standard",
    "edition",
    "control",
    "asks",
    "verdict",
    "finding",
    "because",
    "conversation",
    "packets",
    "CWE",
    "ATT&CK",
    "not tested",
];

/// A row for each control.
pub(crate) fn table(outcome: &Outcome, _style: Style) -> String {
    let mut table = ::csv::Writer::from_writer(Vec::new());
    let written = "writing to memory does not fail";
    table.write_record(HEADING).expect(written);
    for standard in &outcome.controls {
        for control in &standard.controls {
            let ground = control.decisive().find(|one| one.conversation.is_some());
            let row = [
                standard.title.clone(),
                standard.edition.clone(),
                control.id.clone(),
                control.asks.clone(),
                control.verdict.as_str().to_owned(),
                control.citation.as_str().to_owned(),
                control.why(),
                ground
                    .and_then(|one| one.conversation.clone())
                    .unwrap_or_default(),
                ground.map_or_else(String::new, |one| seen::numbers(&one.packets)),
                control.cwe.join(" "),
                control.attack.join(" "),
                control.not_tested.clone(),
            ];
            table
                .write_record(row.map(|cell| inert(&cell)))
                .expect(written);
        }
    }
    let bytes = table.into_inner().expect(written);
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn every_format_for_people_names_each_control_and_its_word() {
        let outcome = sample::controls();
        let mut terminal_text = String::new();
        terminal(&mut terminal_text, &outcome, Style::default());
        let mut document = String::new();
        markdown(&mut document, &outcome);
        let table = table(&outcome, Style::default());
        let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        for control in outcome.controls.iter().flat_map(|one| &one.controls) {
            let word = control.verdict.as_str();
            let upper = word.to_uppercase();
            for text in [&terminal_text, &document, &table] {
                let text = flat(text);
                assert!(text.contains(&control.id), "{}", control.id);
                assert!(
                    text.contains(word) || text.contains(&upper),
                    "{}",
                    control.id
                );
            }
        }
        for text in [&terminal_text, &document] {
            assert!(flat(text).contains("nothing here says"));
        }
        assert!(terminal_text.lines().all(|line| line.chars().count() <= 80));
    }

    #[test]
    fn without_controls_nothing_is_said_of_them() {
        let outcome = sample::audit();
        let mut text = String::new();
        terminal(&mut text, &outcome, Style::default());
        markdown(&mut text, &outcome);
        assert_eq!(text, "");
        assert_eq!(table(&outcome, Style::default()).lines().count(), 1);
    }

    #[test]
    fn each_row_has_its_cells() {
        let outcome = sample::controls();
        let text = table(&outcome, Style::default());
        let mut reader = ::csv::Reader::from_reader(text.as_bytes());
        let rows: Vec<_> = reader.records().map(|row| row.expect("cells")).collect();
        let controls = outcome.controls.iter().flat_map(|one| &one.controls);
        assert_eq!(rows.len(), controls.count());
        let password = rows.iter().find(|row| &row[2] == "IA-5(1)(c)").expect("it");
        assert_eq!(&password[4], "not satisfied");
        assert_eq!((&password[7], &password[8]), ("C1/1", "4"));
    }
}

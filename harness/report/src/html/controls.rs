//! The controls that the profile is held against: a table for each standard, each row with what it rests on.

use std::fmt::Write as _;

use claims::controls::{ControlOutcome, ControlVerdict, GroundOutcome};
use claims::result::Outcome;

use super::conversation::anchor;
use crate::page::escape;
use crate::{controls, seen};

pub(super) fn write(out: &mut String, outcome: &Outcome) {
    if outcome.controls.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "<section>\n<h2>Controls</h2>\n<p>{}</p>",
        escape(controls::CAVEAT)
    );
    if let Some(coverage) = &outcome.coverage {
        let _ = writeln!(out, "<p>Coverage, as stated: {}</p>", escape(coverage));
    }
    for standard in &outcome.controls {
        let _ = writeln!(
            out,
            "<h3>{}: {}</h3>\n<div class=\"scroll\"><table class=\"posture\">\n<thead><tr><th scope=\"col\">control</th>\
             <th scope=\"col\">found</th><th scope=\"col\">it asks</th><th scope=\"col\">because</th></tr></thead>\n<tbody>",
            escape(&standard.name()),
            escape(&controls::counts(standard))
        );
        for control in &standard.controls {
            row(out, outcome, control);
        }
        let _ = writeln!(out, "</tbody>\n</table></div>");
    }
    let _ = writeln!(out, "</section>");
}

fn row(out: &mut String, outcome: &Outcome, control: &ControlOutcome) {
    let class = match control.verdict {
        ControlVerdict::NotSatisfied => "fail",
        ControlVerdict::NotTested => "unclear",
        ControlVerdict::SatisfiedByWhatWasSeen => "pass",
    };
    let _ = write!(
        out,
        "<tr><th scope=\"row\">{}</th><td><span class=\"{class}\">{}</span></td><td>{}</td><td>{}",
        escape(&control.id),
        control.verdict,
        escape(&control.asks),
        escape(&control.why())
    );
    let ids = controls::ids(control);
    if !ids.is_empty() {
        let _ = write!(out, " <small>{}</small>", escape(&ids));
    }
    let _ = write!(out, "<details><summary>rests on</summary><ul>");
    for ground in &control.grounds {
        let _ = write!(
            out,
            "<li><code>{}</code> {}: {}{}</li>",
            escape(&ground.ground),
            escape(&ground.state),
            escape(&ground.reason),
            place(outcome, ground)
        );
    }
    let _ = writeln!(
        out,
        "</ul><p>What was found {} this control. {}</p><p>Not tested: {}</p></details></td></tr>",
        control.citation.as_str(),
        escape(&control.cite),
        escape(&control.not_tested)
    );
}

/// A link to the conversation, where the page has it, with its packets.
fn place(outcome: &Outcome, ground: &GroundOutcome) -> String {
    let Some(id) = &ground.conversation else {
        return String::new();
    };
    let packets = if ground.packets.is_empty() {
        String::new()
    } else {
        format!(" <small>#{}</small>", seen::numbers(&ground.packets))
    };
    if outcome.conversations.iter().any(|one| one.id == *id) {
        let (to, id) = (anchor(id), escape(id));
        format!(" <a href=\"#{to}\">{id}</a>{packets}")
    } else {
        format!(" {}{packets}", escape(id))
    }
}

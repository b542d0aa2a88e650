//! Each conversation: the dialogue between two lines, what leaked, and the claims with the bytes that decided them.

use std::fmt::Write as _;

use claims::Verdict;
use claims::result::{
    CheckOutcome, ClaimOutcome, ConversationOutcome, EvidenceOutcome, Line, Outcome,
};

use crate::page::{escape, escape_lines, look};
use crate::{hexdump, leaked, seen};

/// The conversations as they stand in the page, one under the other.
pub(super) fn write(out: &mut String, outcome: &Outcome) {
    open(out);
    for conversation in &outcome.conversations {
        one(out, conversation, &findings(outcome, conversation));
    }
    close(out);
}

/// What stands above them.
pub(super) fn open(out: &mut String) {
    let _ = writeln!(
        out,
        "<section>\n<h2>Conversations</h2>\n<form class=\"controls\" hidden><label>Find <input type=\"search\" name=\"text\" \
         placeholder=\"address, command, claim\"></label><label><input type=\"checkbox\" name=\"failed\"> only with a failure</label>\
         <output name=\"count\"></output></form>\n<p class=\"legend\"><span class=\"wire clear\">in clear</span> \
         <span class=\"wire encoded\">encoded: anyone can undo it</span> <span class=\"wire sealed\">encrypted</span></p>"
    );
}

/// What stands below them.
pub(super) fn close(out: &mut String) {
    let _ = writeln!(out, "</section>");
}

/// What the checks of a case found in a conversation.
pub(super) fn findings<'a>(
    outcome: &'a Outcome,
    conversation: &ConversationOutcome,
) -> Vec<&'a CheckOutcome> {
    outcome
        .cases
        .iter()
        .flat_map(|case| &case.findings)
        .filter(|finding| finding.conversation.as_ref() == Some(&conversation.id))
        .collect()
}

/// Whether something in it is not as it should be.
pub(super) fn failed(conversation: &ConversationOutcome, findings: &[&CheckOutcome]) -> bool {
    let verdicts = conversation.verdicts.iter().map(|one| one.verdict);
    let found = findings.iter().map(|one| one.verdict);
    verdicts.chain(found).any(|word| word == Verdict::Fail)
}

/// When it began, to the second.
pub(super) fn began(conversation: &ConversationOutcome) -> &str {
    let start = &conversation.start;
    start.get(..19).unwrap_or(start)
}

/// The name of a conversation's place in the page.
pub(super) fn anchor(id: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    id.chars().map(|c| if safe(c) { c } else { '_' }).collect()
}

fn one(out: &mut String, conversation: &ConversationOutcome, findings: &[&CheckOutcome]) {
    let failed = failed(conversation, findings);
    let mark = if failed {
        " <span class=\"fail\">failed</span>"
    } else {
        ""
    };
    let _ = writeln!(
        out,
        "<details class=\"conversation\" id=\"{}\" data-failed=\"{failed}\"><summary><b>{}</b> {} to {}{mark} <small>{}</small></summary>",
        anchor(&conversation.id),
        escape(&conversation.id),
        escape(&conversation.client),
        escape(&conversation.server),
        escape(began(conversation))
    );
    body(out, conversation, findings);
    let _ = writeln!(out, "</details>");
}

/// What is behind its heading.
pub(super) fn body(
    out: &mut String,
    conversation: &ConversationOutcome,
    findings: &[&CheckOutcome],
) {
    dialogue(out, conversation);
    if let Some(leaks) = &conversation.leaks {
        let _ = writeln!(out, "<h3>What it gives away</h3>\n<dl>");
        for (about, text) in leaked::lines(leaks) {
            let _ = writeln!(out, "<dt>{}</dt><dd>{}</dd>", escape(&about), escape(&text));
        }
        let _ = writeln!(out, "</dl>");
    }
    for finding in findings {
        let (class, _, word) = look(Some(finding.verdict));
        let _ = writeln!(
            out,
            "<p class=\"claim\"><span class=\"{class}\">{word}</span> <code>{}</code>, wanted {}: {}</p>",
            escape(&finding.check),
            escape(&finding.wanted),
            escape(&finding.reason)
        );
        evidence(out, conversation, &finding.evidence);
    }
    claims(out, conversation);
}

/// Client on the left, server on the right, and what crossed between them.
fn dialogue(out: &mut String, conversation: &ConversationOutcome) {
    let _ = writeln!(
        out,
        "<div class=\"dialogue\">\n<div class=\"ends\"><b>client</b><b>server</b></div>\n<ol>"
    );
    for line in &conversation.transcript {
        let first = line.packets.first().copied().unwrap_or_default();
        let _ = write!(
            out,
            "<li class=\"{}\" id=\"{}.{first}\"><span class=\"packet\">{}</span><span class=\"wire {}\">",
            if line.direction == "client" {
                "client"
            } else {
                "server"
            },
            anchor(&conversation.id),
            escape(&seen::numbers(&line.packets)),
            protection(line)
        );
        for (number, text) in line.text.split('\n').enumerate() {
            let _ = write!(
                out,
                "{}{}",
                if number > 0 { "<br>" } else { "" },
                escape(text)
            );
        }
        let _ = writeln!(out, "</span></li>");
    }
    let _ = writeln!(out, "</ol>\n</div>");
}

/// In clear, in an encoding that anyone undoes, or encrypted.
fn protection(line: &Line) -> &'static str {
    if line.under_tls || line.text.starts_with("<TLS") {
        return "sealed";
    }
    let encoded = ["<SASL response", "334 <challenge", "AUTH "];
    if encoded.iter().any(|start| line.text.starts_with(start)) {
        "encoded"
    } else {
        "clear"
    }
}

fn claims(out: &mut String, conversation: &ConversationOutcome) {
    let told: Vec<&ClaimOutcome> = conversation
        .verdicts
        .iter()
        .filter(|one| one.verdict != Verdict::NotApplicable)
        .collect();
    if told.is_empty() {
        return;
    }
    let _ = writeln!(out, "<h3>Claims</h3>");
    for judged in told {
        let (class, _, word) = look(Some(judged.verdict));
        let _ = writeln!(
            out,
            "<p class=\"claim\"><span class=\"{class}\">{word}</span> <b>{}</b> {}</p>",
            escape(&judged.claim),
            escape(&judged.reason)
        );
        evidence(out, conversation, &judged.evidence);
    }
}

/// Pieces of evidence: where, what, and the bytes.
fn evidence(out: &mut String, conversation: &ConversationOutcome, pieces: &[EvidenceOutcome]) {
    for piece in pieces {
        let place = seen::place(std::slice::from_ref(piece)).unwrap_or_default();
        let first = piece.packets.first().copied().unwrap_or_default();
        let _ = write!(
            out,
            "<p class=\"evidence\"><a href=\"#{}.{first}\" title=\"frame.number == {first}\">{}</a>: {}</p>",
            anchor(&conversation.id),
            escape(&place),
            escape(&piece.what)
        );
        let rows = hexdump::rows(piece);
        if !rows.is_empty() {
            let _ = write!(out, "<pre class=\"hex\">{}</pre>", escape_lines(&rows));
        }
        let _ = writeln!(out);
    }
}

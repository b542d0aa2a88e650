//! JSON Lines: one object a line, each complete by itself, for programs that read while the audit goes on.
//!
//! The key `type` comes first: `conversation`, `note`, and at the end one `summary`. A stream without it was cut short.

use claims::result::{ConversationOutcome, Outcome};

use crate::{Style, json};

/// Every conversation of the result, then the summary.
pub(crate) fn render(outcome: &Outcome, _: Style) -> String {
    let mut out: String = outcome.conversations.iter().map(conversation).collect();
    out.push_str(&summary(outcome));
    out
}

/// A conversation, with its line end.
pub fn conversation(conversation: &ConversationOutcome) -> String {
    typed("conversation", &json::line(conversation))
}

/// Everything of the result but the conversations, with its line end.
pub fn summary(outcome: &Outcome) -> String {
    typed("summary", &json::line(&json::Rest::of(outcome)))
}

/// A remark on the capture `path`, with its line end.
pub fn note(path: &str, text: &str) -> String {
    let fields = serde_json::json!({ "capture": path, "text": text });
    typed("note", &json::line(&fields))
}

/// An object with its type before its other keys.
fn typed(kind: &str, object: &str) -> String {
    let rest = object.trim_start_matches('{');
    format!("{{\"type\":\"{kind}\",{rest}\n")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::sample;

    #[test]
    fn each_line_is_an_object_that_begins_with_its_type() {
        let outcome = sample::audit();
        let text = format!(
            "{}{}",
            note("a.pcap", "cut\nshort"),
            render(&outcome, Style::default())
        );
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), outcome.conversations.len() + 2);
        for (number, line) in lines.iter().enumerate() {
            let kind = match number {
                0 => "note",
                last if last + 1 == lines.len() => "summary",
                _ => "conversation",
            };
            assert!(
                line.starts_with(&format!("{{\"type\":\"{kind}\",")),
                "{line}"
            );
            let object: Value = serde_json::from_str(line).expect("an object");
            assert_eq!(object["type"], kind);
        }
        let first: ConversationOutcome = serde_json::from_str(lines[1]).expect("a conversation");
        assert_eq!(first, outcome.conversations[0]);
        let end: Value = serde_json::from_str(lines[lines.len() - 1]).expect("the summary");
        assert!(end.get("conversations").is_none());
        assert_eq!(end["answer"]["conversations"], 300);
    }
}

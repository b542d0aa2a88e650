//! The page itself: three files that are built in, and the part of the HTML report that shows one session.

use claims::result::ConversationOutcome;

/// What the page may do: load its own two files, and ask where it came from.
pub(super) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                                 img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) const HTML: &str = include_str!("live.html");
pub(super) const SCRIPT: &str = include_str!("live.js");

/// The style of the reports, and what only this page has.
pub(super) fn style() -> String {
    format!("{}{}", report::html::style(), include_str!("live.css"))
}

/// What the HTML report shows of a conversation.
pub(super) fn section(json: &[u8]) -> Option<String> {
    let conversation: ConversationOutcome = serde_json::from_slice(json).ok()?;
    Some(report::html::section(&conversation))
}

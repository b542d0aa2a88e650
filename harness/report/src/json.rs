//! JSON: the result itself.

use claims::result::Outcome;

use crate::Style;

/// The result, indented, with a line end.
pub(crate) fn render(outcome: &Outcome, _: Style) -> String {
    let mut text = serde_json::to_string_pretty(outcome)
        .expect("a result holds only strings, numbers and lists");
    text.push('\n');
    text
}

//! What a check is.

use crate::{Finding, Subject};

/// A fact that can be observed in a conversation.
///
/// Each lives in a file of its own under `checks/`, with its documentation and tests, and is listed once in
/// [`crate::checks::ALL`].
pub struct Check {
    /// Stable name, by what is observed: `starttls-issued`.
    pub id: &'static str,
    /// What is observed, as the end of "observed when …".
    pub observed_when: &'static str,
    /// What must have happened for a "not observed" (or "observed") to mean anything.
    pub trigger: &'static str,
    /// How it is read from the wire, for `smtpspec explain`: one paragraph.
    pub method: &'static str,
    /// Sources, as `RFC 3207 4`.
    pub references: &'static [&'static str],
    /// The function itself.
    pub run: fn(&Subject<'_>) -> Finding,
}

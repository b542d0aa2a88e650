//! Where conversations go as soon as they are judged.

use claims::result::ConversationOutcome;

/// Takes conversations one by one.
pub trait Sink {
    /// Takes the next one.
    fn conversation(&mut self, conversation: &ConversationOutcome);

    /// Whether a sample is to be kept for the end.
    fn wants_sample(&self) -> bool;
}

/// For reports that are made at the end.
pub struct AtTheEnd;

impl Sink for AtTheEnd {
    fn conversation(&mut self, _: &ConversationOutcome) {}

    fn wants_sample(&self) -> bool {
        true
    }
}

//! One connection's line into a recorder.

use wire::TappedConversation;

use super::Recorder;
use super::queue::Event;

/// Where the events of a connection go.
#[derive(Debug)]
pub(super) enum Line {
    /// Into the file as they happen. The state of the connection is here, so that nothing of it is left behind when it
    /// ends, and the bytes of an event are not copied on the way.
    Live {
        recorder: Recorder,
        conversation: Box<TappedConversation>,
        /// Its number, where the capture goes on from file to file.
        number: Option<u64>,
    },
    /// Into a queue, until all earlier connections are in the file.
    HeldBack { recorder: Recorder, index: usize },
}

impl Line {
    pub(super) fn record(&mut self, event: Event<&[u8]>) {
        match self {
            Self::Live {
                recorder,
                conversation,
                ..
            } => recorder.write(conversation, Some(event)),
            Self::HeldBack { recorder, index } => recorder.hold_back(*index, event),
        }
    }

    /// Whether it shows how the system joined what was written: as events happen, and not where they are the same in every
    /// run.
    pub(super) const fn shows_joining(&self) -> bool {
        matches!(self, Self::Live { .. })
    }

    /// What was written so far is a segment. As events happen, each write is one anyway.
    pub(super) fn cut(&self) {
        if let Self::HeldBack { recorder, index } = self {
            recorder.cut(*index);
        }
    }

    /// The connection has nothing more to tell.
    pub(super) fn end(&self) {
        match self {
            Self::HeldBack { recorder, index } => recorder.end(*index),
            Self::Live {
                recorder,
                number: Some(number),
                ..
            } => recorder.ended(*number),
            Self::Live { .. } => {}
        }
    }

    /// Where the TLS secrets of the connection go.
    pub(super) fn secrets(&self) -> Secrets {
        match self {
            Self::Live {
                recorder, number, ..
            } => Secrets {
                recorder: recorder.clone(),
                index: None,
                number: *number,
            },
            Self::HeldBack { recorder, index } => Secrets {
                recorder: recorder.clone(),
                index: Some(*index),
                number: None,
            },
        }
    }
}

/// Takes TLS secrets on their way into a capture.
pub(super) struct Secrets {
    recorder: Recorder,
    /// The connection, where its events are held back.
    index: Option<usize>,
    /// The connection, where the capture goes on from file to file.
    number: Option<u64>,
}

impl Secrets {
    /// Takes a line of a key log.
    pub(super) fn record(&self, line: &str) {
        match self.index {
            Some(index) => self
                .recorder
                .hold_back(index, Event::Secrets(line.as_bytes())),
            None => self.recorder.secrets(self.number, line),
        }
    }
}

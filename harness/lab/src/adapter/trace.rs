//! What `deliver` tells about itself. Never the ground of a verdict: those are made from the capture.

use smtp::Secret;

/// How a delivery ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The server took responsibility for the message: it answered 2yz to the end of the content.
    Sent,
    /// The message waits for an administrator; the reason, without secrets.
    Suspended(String),
}

/// A delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// How it ended.
    pub outcome: Outcome,
    /// Connections that were tried for this message; 0 where it was suspended before any.
    pub attempts: u32,
    /// What each attempt said and heard.
    pub trace: Vec<Attempt>,
}

impl Delivery {
    /// Both as one: sent where both were.
    #[must_use]
    pub(crate) fn and(self, other: Self) -> Self {
        let outcome = match self.outcome {
            Outcome::Sent => other.outcome,
            failed @ Outcome::Suspended(_) => failed,
        };
        Self {
            outcome,
            attempts: self.attempts.saturating_add(other.attempts),
            trace: [self.trace, other.trace].concat(),
        }
    }

    /// All of it as text, as a log would show it.
    pub(crate) fn told(&self) -> Secret {
        let mut text = match &self.outcome {
            Outcome::Sent => "sent\n".to_owned(),
            Outcome::Suspended(reason) => format!("suspended: {reason}\n"),
        };
        for attempt in &self.trace {
            for step in &attempt.steps {
                let code = step.code.map(|code| code.to_string()).unwrap_or_default();
                text.extend([&step.sent, " ", &code, "\n"]);
            }
            text.extend([attempt.failure.as_deref().unwrap_or_default(), "\n"]);
        }
        Secret::new(text)
    }
}

/// One attempt to transmit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The dialogue.
    pub steps: Vec<Step>,
    /// Why it failed, without secrets; `None` where the message was accepted.
    pub failure: Option<String>,
}

impl Attempt {
    /// Whether the server answered the last word, QUIT.
    pub(super) fn ended_well(&self) -> bool {
        self.steps
            .last()
            .is_some_and(|step| step.sent == "QUIT" && step.code.is_some())
    }
}

/// One thing said, and the code of the reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The command line. Credentials are left out, content is given by its size, and a reply without a command, such as
    /// the greeting, has nothing here.
    pub sent: String,
    /// The code of the reply; `None` where none came.
    pub code: Option<u16>,
}

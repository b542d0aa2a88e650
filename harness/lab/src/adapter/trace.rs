//! What `deliver` tells about itself. Never the ground of a verdict: those are made from the capture.

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

/// One attempt to transmit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The dialogue.
    pub steps: Vec<Step>,
    /// Why it failed, without secrets; `None` where the message was accepted.
    pub failure: Option<String>,
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

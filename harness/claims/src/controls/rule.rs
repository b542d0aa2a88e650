//! The grounds that rules are made of.

use std::fmt::{self, Write as _};

use serde::Deserialize;

use crate::{Answer, Claim};

/// Something that is to be so.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Ground {
    /// The claim with this id holds.
    Claim(String),
    /// This exposure is not there. Written as `no message-in-clear`.
    No(Exposed),
}

/// What can be exposed, counted over all conversations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposed {
    /// A message whose body anybody on the path could read.
    MessageInClear,
    /// A login in clear, with a password or token that can be read.
    PasswordReadable,
    /// A login in clear, with a proof against which passwords can be tried off line.
    PasswordGuessable,
}

/// How it stands with a ground.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It was put to the test, and is as it should be.
    Held,
    /// It is not.
    Refuted,
    /// It could not be decided.
    Open,
}

impl Exposed {
    /// All of them.
    pub const ALL: [Self; 3] = [
        Self::MessageInClear,
        Self::PasswordReadable,
        Self::PasswordGuessable,
    ];

    /// The word in rules and tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MessageInClear => "message-in-clear",
            Self::PasswordReadable => "password-readable",
            Self::PasswordGuessable => "password-guessable",
        }
    }

    /// What it is, as a noun phrase.
    pub const fn about(self) -> &'static str {
        match self {
            Self::MessageInClear => "a message whose body anybody on the path could read",
            Self::PasswordReadable => {
                "a login in clear with a password or token that could be read"
            }
            Self::PasswordGuessable => {
                "a login in clear with a proof against which passwords can be tried off line"
            }
        }
    }

    /// How it stands with it in what was seen, and how many times of how many.
    pub fn state(self, answer: &Answer) -> (State, String) {
        let tls = answer.tls.implicit + answer.tls.upgraded;
        let (seen, all, undecided, what) = match self {
            Self::MessageInClear => (
                answer.messages.in_clear,
                answer.messages.sent,
                answer.messages.undecided,
                "messages",
            ),
            Self::PasswordReadable => (
                answer.logins.recoverable,
                answer.logins.all,
                answer.logins.unknown,
                "logins",
            ),
            Self::PasswordGuessable => (
                answer.logins.guessable,
                answer.logins.all,
                answer.logins.unknown,
                "logins",
            ),
        };
        let state = match seen {
            // Under TLS that nobody opened there is nothing to count, and nothing to be read.
            0 if undecided == 0 && (all > 0 || tls > 0) => State::Held,
            0 => State::Open,
            _ => State::Refuted,
        };
        let mut text = format!("{seen} of {all} {what} that could be seen");
        if tls > 0 {
            let _ = write!(text, "; {tls} conversations under TLS");
        }
        if undecided > 0 {
            let _ = write!(text, "; {undecided} undecided");
        }
        (state, text)
    }
}

impl fmt::Display for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Claim(id) => f.write_str(id),
            Self::No(exposed) => write!(f, "no {}", exposed.as_str()),
        }
    }
}

impl TryFrom<String> for Ground {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if let Some(word) = text.strip_prefix("no ") {
            let known = Exposed::ALL.into_iter().find(|one| one.as_str() == word);
            return known.map(Self::No).ok_or_else(|| {
                let all = Exposed::ALL.map(Exposed::as_str).join(", ");
                format!("there is no exposure `{word}`; there is {all}")
            });
        }
        if Claim::all().iter().any(|claim| claim.id == text) {
            return Ok(Self::Claim(text));
        }
        Err(format!(
            "there is no claim `{text}`; `smtpspec list claims` shows what there is"
        ))
    }
}

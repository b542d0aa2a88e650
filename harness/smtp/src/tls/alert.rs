//! Alerts (RFC 8446 section 6).

use std::fmt;

use super::names::alert_name;

/// An alert that could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Level 2: the connection ends. Level 1 is a warning.
    pub fatal: bool,
    /// The number of its description, e.g. 40.
    pub description: u8,
    /// Whether it was encrypted, and a key log opened it.
    pub opened: bool,
}

impl Alert {
    pub(super) fn read(body: &[u8], opened: bool) -> Option<Self> {
        match *body {
            [level @ (1 | 2), description] => Some(Self {
                fatal: level == 2,
                description,
                opened,
            }),
            _ => None,
        }
    }

    /// Its registered name, e.g. `handshake_failure`.
    pub fn name(self) -> String {
        alert_name(self.description)
    }
}

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = if self.fatal { "fatal" } else { "warning" };
        write!(f, "{level} alert {}", self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encrypted_alert_is_not_read() {
        let alert = Alert::read(&[2, 48], false).map(|alert| alert.to_string());
        assert_eq!(alert.as_deref(), Some("fatal alert unknown_ca"));
        assert_eq!(Alert::read(&[9; 26], false), None);
        assert_eq!(Alert::read(&[9, 48], false), None);
    }
}

//! LOGIN (MS-XLOGIN).

use smtp::Secret;

use super::{Context, MALFORMED, Progress, REFUSED};

/// The exchange: the user name once it came.
#[derive(Debug, Default)]
pub(in crate::server) struct Login {
    user: Option<String>,
}

impl Login {
    /// Asks for what is still missing.
    pub(super) fn prompt(&self) -> Progress {
        match self.user {
            None => Progress::challenge(b"Username:"),
            Some(_) => Progress::challenge(b"Password:"),
        }
    }

    pub(super) fn respond(&mut self, context: &Context<'_>, response: Vec<u8>) -> Progress {
        let Some(user) = &self.user else {
            let Ok(user) = String::from_utf8(response) else {
                return Progress::Failed(MALFORMED);
            };
            self.user = Some(user);
            return self.prompt();
        };
        let password = Secret::new(response);
        context.judge(REFUSED, || context.knows(user, &password))
    }
}

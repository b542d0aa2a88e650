//! What a person is told, who sets a client going.

use std::fmt::Write as _;

use lab::runner::outside::Notice;

use crate::commands::output;

/// Tells a person what to send.
pub(super) fn tell(notice: &Notice) {
    output::say(&text(notice));
}

fn text(notice: &Notice) -> String {
    let job = &notice.job;
    let mut text = String::new();
    let _ = writeln!(text, "\n{}  {}", job.case, notice.title);
    let _ = writeln!(
        text,
        "  within {} s, connect to {}, TLS {}, authentication {}",
        notice.wait.as_secs(),
        job.server,
        job.tls(),
        job.mode()
    );
    if let Some(file) = &notice.password {
        let (user, file) = (&job.user, file.display());
        let _ = writeln!(text, "  as {user}, with the password in {file}");
    }
    let _ = writeln!(text, "  send {}", notice.message.display());
    let recipients = job.recipients.join(">, <");
    let _ = writeln!(text, "  from <{}> to <{recipients}>", job.sender);
    let _ = writeln!(
        text,
        "  with {} in its Subject, or in the address of a recipient",
        notice.token
    );
    text
}

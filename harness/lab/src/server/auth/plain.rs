//! PLAIN (RFC 4616).

use smtp::Secret;

use super::{Context, MALFORMED, Progress, REFUSED};

/// Takes `[authzid] NUL authcid NUL password`.
pub(super) fn respond(context: &Context<'_>, response: Vec<u8>) -> Progress {
    let response = Secret::new(response);
    let mut parts = response.expose().split(|byte| *byte == 0);
    let (Some(acting_for), Some(user), Some(password), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Progress::Failed(MALFORMED);
    };
    let (Ok(acting_for), Ok(user)) = (std::str::from_utf8(acting_for), std::str::from_utf8(user))
    else {
        return Progress::Failed(MALFORMED);
    };
    if user.is_empty() || password.is_empty() {
        return Progress::Failed(MALFORMED);
    }
    let password = Secret::new(password);
    context.judge(REFUSED, || {
        // Nobody may act for somebody else here; some clients name themselves twice.
        (acting_for.is_empty() || acting_for == user) && context.knows(user, &password)
    })
}

//! Where a known text can be read in what the client sent, without any key.

use smtp::timeline::{EventKind, Identity};

use crate::subject::Sent;
use crate::{Evidence, Subject};

/// Every place of one message where `needle` can be read, at every depth that opens without a key.
pub(super) fn in_message(sent: &Sent<'_>, needle: &[u8], what: &str) -> Vec<Evidence> {
    sent.message
        .find(needle)
        .into_iter()
        .map(|sighting| {
            let how = format!("{what} readable in {} ({})", sighting.layer, sighting.encoding);
            sent.evidence(sighting.range, how)
        })
        .collect()
}

/// Every place of the conversation where `needle` can be read: commands, SASL exchanges, messages.
pub(super) fn in_conversation(subject: &Subject<'_>, needle: &[u8], what: &str) -> Vec<Evidence> {
    let timeline = subject.timeline();
    let mut found = Vec::new();
    for event in &timeline.events {
        let raw = match &event.kind {
            EventKind::Command(command) => &command.raw,
            EventKind::Unparsed(bytes) => bytes,
            _ => continue,
        };
        if !needle.is_empty() && raw.windows(needle.len()).any(|window| window == needle) {
            found.push(Evidence::event(event, format!("{what} in clear")));
        }
    }
    for authentication in &timeline.authentications {
        let (user, password) = match &authentication.identity {
            Identity::Plain { authcid, password, .. } => (Some(authcid.clone()), Some(password)),
            Identity::Login { user, password } => (user.clone(), password.as_ref()),
            Identity::CramMd5 { user, .. } => (user.clone(), None),
            Identity::Ntlm(ntlm) => {
                let user = ntlm.authenticate.as_ref().map(|a| {
                    smtp::timeline::Located::new(a.value.user.clone(), a.span)
                });
                (user, None)
            }
            Identity::Undecoded | Identity::Malformed(_) => (None, None),
        };
        let mechanism = &authentication.mechanism.value;
        if let Some(user) = user
            && user.value.as_bytes().eq_ignore_ascii_case(needle)
        {
            found.push(Evidence::bytes(timeline, user.span, format!("{what} as user of AUTH {mechanism}")));
        }
        if let Some(password) = password
            && password.value.expose() == needle
        {
            found.push(Evidence::bytes(timeline, password.span, format!("{what} as password of AUTH {mechanism}")));
        }
    }
    for sent in subject.sent() {
        found.extend(in_message(&sent, needle, what));
    }
    found
}

//! Does what the sender submits cross under TLS?

use super::{SUBMITS, in_clear};
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "sent-under-tls",
    observed_when: "the TLS handshake came to its end, and neither a login nor mail was said before it in clear",
    trigger: "the sender logged in, sent mail, or began TLS",
    method: "The commands that were said in clear are searched for AUTH, MAIL, RCPT, DATA and BDAT. TLS counts once \
             application data went both ways. What is said under it cannot be seen, and need not be.",
    references: &["RFC 8314 3", "RFC 3207 4"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let timeline = subject.timeline();
    if let Some((_, event, command)) = in_clear(timeline).find(|(_, _, c)| SUBMITS.contains(&c.verb.as_str())) {
        let verb = command.verb.as_str();
        return Finding::not_observed(
            format!("{verb} crossed in clear"),
            vec![Evidence::event(event, format!("{verb} in clear"))],
        );
    }
    let Some(tls) = &timeline.tls else {
        let nothing = || Finding::undetermined(subject.blind().unwrap_or_else(|| "the sender submitted nothing".to_owned()));
        return subject.nothing_said().unwrap_or_else(nothing);
    };
    if !tls.established {
        return Finding::undetermined("the TLS handshake did not come to its end");
    }
    // Before a STARTTLS that was granted, a hole could hide a command.
    if let Some(reason) = subject.hidden_in_clear() {
        return Finding::undetermined(format!("what was said before TLS is not known: {reason}"));
    }
    Finding::observed(
        "everything that was submitted crossed under TLS",
        vec![Evidence::bytes(timeline, tls.client, "TLS records of the sender")],
    )
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, find, plain};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk, Given::default())
    }

    #[test]
    fn under_tls_from_the_first_byte_or_after_starttls() {
        seen(Talk::silent().tls()).observed("under TLS", &["\u{16}…"]);
        let upgraded = Talk::ehlo(&["STARTTLS"]).cs("STARTTLS", "220 go").tls();
        seen(upgraded).observed("under TLS", &["\u{16}…"]);
    }

    #[test]
    fn mail_or_a_login_in_clear() {
        let quote = "MAIL FROM:<sender@contoso.example>\r\n";
        seen(Talk::ehlo(&["STARTTLS"]).message(&plain("", "x")).quit()).not_observed("MAIL crossed", &[quote]);
        let early = Talk::ehlo(&["AUTH PLAIN", "STARTTLS"]).cs("AUTH PLAIN AGEAYg==", "235 ok");
        let early = early.cs("STARTTLS", "220 go").tls();
        seen(early).not_observed("AUTH crossed", &["AUTH PLAIN AGEAYg==\r\n"]);
    }

    #[test]
    fn nothing_submitted_or_not_to_be_seen() {
        seen(Talk::ehlo(&[]).quit()).undetermined("submitted nothing");
        seen(Talk::silent()).undetermined("without a word");
        seen(Talk::ehlo(&[]).gap().quit()).undetermined("does not hold");
        let holed = Talk::ehlo(&["STARTTLS"]).gap().cs("STARTTLS", "220 go").tls();
        seen(holed).undetermined("before TLS");
        let hello = super::super::testing::client_hello();
        let half = Talk::ehlo(&["STARTTLS"]).cs("STARTTLS", "220 go").turn("C", hello);
        seen(half.quit()).undetermined("did not come to its end");
    }
}

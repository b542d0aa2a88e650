//! Does the client ask for TLS inside TLS?

use crate::leaks::is_under_tls;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "starttls-under-tls",
    observed_when: "the client says STARTTLS although the connection is under TLS already",
    trigger: "the client went on to mail under TLS, and what it said there can be read",
    method: "The commands under TLS are searched for STARTTLS. A server that offers it there again gives the occasion.",
    references: &["RFC 3207 4.2"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let timeline = subject.timeline();
    let under_tls = || timeline.commands().filter(|(_, event, _)| is_under_tls(timeline, event.span));
    if let Some((_, event, _)) = under_tls().find(|(_, _, command)| command.verb == "STARTTLS") {
        return Finding::observed("STARTTLS was said under TLS", vec![Evidence::event(event, "STARTTLS under TLS")]);
    }
    if timeline.tls.is_none() {
        return Finding::undetermined("the conversation is not under TLS");
    }
    if let Some(reason) = subject.unheard() {
        return Finding::undetermined(reason);
    }
    match under_tls().find(|(_, _, command)| command.verb == "MAIL") {
        Some((_, event, _)) => {
            let mail = Evidence::event(event, "MAIL under TLS");
            Finding::not_observed("the client went on under TLS without asking for it again", vec![mail])
        }
        None => Finding::undetermined("the client got to no mail under TLS"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, find, plain};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk, Given::default())
    }

    fn upgraded() -> Talk {
        Talk::ehlo(&["STARTTLS"]).cs("STARTTLS", "220 go").opened().again(&["STARTTLS"])
    }

    #[test]
    fn asked_for_again_or_not() {
        seen(upgraded().cs("STARTTLS", "503 no").quit()).observed("said under TLS", &["STARTTLS\r\n"]);
        seen(upgraded().message(&plain("", "x")).quit()).not_observed("went on", &["MAIL FROM…"]);
    }

    #[test]
    fn no_occasion() {
        seen(upgraded().quit()).undetermined("no mail");
        seen(Talk::ehlo(&["STARTTLS"]).message(&plain("", "x"))).undetermined("not under TLS");
        seen(Talk::ehlo(&["STARTTLS"]).cs("STARTTLS", "220 go").tls()).undetermined("no key");
    }
}

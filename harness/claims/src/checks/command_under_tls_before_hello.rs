//! Does the client introduce itself again under TLS?

use smtp::timeline::TlsStart;

use crate::leaks::is_under_tls;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "command-under-tls-before-hello",
    observed_when: "after STARTTLS the first command under TLS is neither EHLO nor HELO",
    trigger: "the connection was upgraded, and what the client said under TLS can be read",
    method: "The handshake takes the session back to its beginning: what was said and offered in clear may have been changed \
             on the way and is forgotten. The first command under TLS shows whether the client asks again. QUIT asks for \
             nothing and tells nothing.",
    references: &["RFC 3207 4.2"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let timeline = subject.timeline();
    let upgraded = timeline.tls.as_ref().is_some_and(|tls| matches!(tls.start, TlsStart::StartTls(_)));
    if !upgraded {
        return Finding::undetermined("the connection was not upgraded to TLS");
    }
    if let Some(reason) = subject.unheard() {
        return Finding::undetermined(reason);
    }
    let first = timeline.commands().find(|(_, event, _)| is_under_tls(timeline, event.span));
    match first {
        None => Finding::undetermined("the client said nothing under TLS"),
        Some((_, _, command)) if command.verb == "QUIT" => Finding::undetermined("the client only took its leave"),
        Some((_, event, command)) if matches!(command.verb.as_str(), "EHLO" | "HELO" | "LHLO") => Finding::not_observed(
            format!("the first command under TLS is {}", command.verb),
            vec![Evidence::event(event, "the first command under TLS")],
        ),
        Some((_, event, _)) => Finding::observed(
            "the first command under TLS is not EHLO",
            vec![Evidence::event(event, "the first command under TLS")],
        ),
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
        Talk::ehlo(&["STARTTLS"]).cs("STARTTLS", "220 go").opened()
    }

    #[test]
    fn mail_at_once_or_a_new_hello() {
        seen(upgraded().message(&plain("", "x")).quit()).observed("is not EHLO", &["MAIL FROM…"]);
        seen(upgraded().again(&[]).quit()).not_observed("is EHLO", &["EHLO host.contoso.example\r\n"]);
    }

    #[test]
    fn nothing_under_tls() {
        seen(upgraded().quit()).undetermined("took its leave");
        seen(upgraded()).undetermined("said nothing");
        seen(Talk::ehlo(&["STARTTLS"]).quit()).undetermined("not upgraded");
        seen(Talk::ehlo(&["STARTTLS"]).cs("STARTTLS", "220 go").tls()).undetermined("no key");
    }
}

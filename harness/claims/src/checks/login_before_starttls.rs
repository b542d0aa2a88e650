//! Does the client log in in clear although TLS was to be had?

use smtp::timeline::TlsStart;

use super::in_clear;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "login-before-starttls",
    observed_when: "AUTH is said in clear after the server offered STARTTLS",
    trigger: "the server offered STARTTLS and AUTH in clear, and the client logged in or began TLS",
    method: "The place of the first AUTH is held against that of the first TLS record. The offer of a mechanism in clear is no \
             invitation to use it there; what AUTH gives away then is for other checks to say.",
    references: &["RFC 3207 4", "RFC 3207 6", "RFC 4954 9"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let timeline = subject.timeline();
    let offer = timeline.capabilities.iter().find(|offer| offer.get("STARTTLS").is_some());
    let Some((offer, line)) = offer.and_then(|offer| Some((offer, offer.get("STARTTLS")?))) else {
        return Finding::undetermined("STARTTLS was not offered");
    };
    let offered = Evidence::bytes(timeline, line.span, "STARTTLS offered");
    let login = in_clear(timeline).find(|(number, _, command)| *number > offer.exchange && command.verb == "AUTH");
    if let Some((_, event, _)) = login {
        return Finding::observed(
            "the client logged in in clear although STARTTLS was offered",
            vec![Evidence::event(event, "AUTH in clear"), offered],
        );
    }
    if offer.get("AUTH").is_none() {
        return Finding::undetermined("AUTH was not offered in clear, so that nothing tempted the client");
    }
    if let Some(reason) = subject.hidden_in_clear() {
        return Finding::undetermined(reason);
    }
    match timeline.tls.as_ref().filter(|tls| matches!(tls.start, TlsStart::StartTls(_))) {
        Some(tls) => Finding::not_observed(
            "the client began TLS, and had not logged in before",
            vec![Evidence::bytes(timeline, tls.client, "TLS records of the client"), offered],
        ),
        None => Finding::undetermined("the client neither logged in nor began TLS"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, find, plain};
    use super::*;
    use crate::Given;

    const BOTH: &[&str] = &["STARTTLS", "AUTH PLAIN"];

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk, Given::default())
    }

    #[test]
    fn a_login_in_clear() {
        let login = Talk::ehlo(BOTH).cs("AUTH PLAIN AGEAYg==", "235 ok");
        let quotes = ["AUTH PLAIN AGEAYg==\r\n", "250-STARTTLS\r\n"];
        seen(login.clone().quit()).observed("although STARTTLS", &quotes);
        seen(login.cs("STARTTLS", "220 go").tls()).observed("although STARTTLS", &quotes);
    }

    #[test]
    fn tls_before_the_login() {
        let upgraded = Talk::ehlo(BOTH).cs("STARTTLS", "220 go").opened().again(&["AUTH PLAIN"]);
        seen(upgraded.cs("AUTH PLAIN AGEAYg==", "235 ok").quit()).not_observed("had not logged in", &["EHLO…"]);
    }

    #[test]
    fn nothing_to_choose_or_nothing_chosen() {
        seen(Talk::ehlo(&["AUTH PLAIN"]).cs("AUTH PLAIN AGEAYg==", "235 ok")).undetermined("was not offered");
        let untempted = Talk::ehlo(&["STARTTLS"]).cs("STARTTLS", "220 go").tls();
        seen(untempted).undetermined("AUTH was not offered");
        seen(Talk::ehlo(BOTH).message(&plain("", "x")).quit()).undetermined("neither");
        seen(Talk::ehlo(BOTH).gap().quit()).undetermined("does not hold");
    }
}

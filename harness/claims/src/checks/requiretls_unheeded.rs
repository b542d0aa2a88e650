//! Does a message that may only go on under TLS go to a server that promises that, and only to such a one?

use super::has_ended;
use crate::leaks::is_under_tls;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "requiretls-unheeded",
    observed_when: "MAIL has the parameter REQUIRETLS in clear or where the last EHLO reply does not offer it, or a client that \
                    was told to require TLS all the way sends MAIL without it",
    trigger: "the client used the parameter, or was told to require TLS all the way and the session came to an end",
    method: "Each MAIL is looked at: its parameters, whether it crossed under TLS, and the EHLO reply before it. An offer in \
             clear is worth nothing, since whoever is on the path can make it.",
    references: &["RFC 8689 2", "RFC 8689 4.2.1"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let timeline = subject.timeline();
    let told = subject.given().requires_onward_tls;
    let mut good = Vec::new();
    for transaction in &timeline.transactions {
        let Some(event) = timeline.request(transaction.mail) else { continue };
        let mail = |what: &'static str| vec![Evidence::event(event, what)];
        let asked = transaction.parameters.iter().any(|parameter| parameter.value.name == "REQUIRETLS");
        let offer = timeline.capabilities.iter().rev().find(|offer| offer.exchange < transaction.mail);
        match (asked, told) {
            (true, _) if !is_under_tls(timeline, event.span) => {
                return Finding::observed("MAIL asks for TLS all the way, and crosses in clear", mail("MAIL in clear"));
            }
            (true, _) if offer.is_none_or(|offer| offer.get("REQUIRETLS").is_none()) => {
                return Finding::observed("MAIL asks for REQUIRETLS, which is not offered", mail("MAIL with REQUIRETLS"));
            }
            (true, _) => good.extend(mail("MAIL with REQUIRETLS, under TLS")),
            (false, true) => {
                return Finding::observed(
                    "the message was to go on under TLS only, and MAIL does not ask for that",
                    mail("MAIL without REQUIRETLS"),
                );
            }
            (false, false) => {}
        }
    }
    if !good.is_empty() {
        return Finding::not_observed("MAIL asks for REQUIRETLS where it is offered under TLS", good);
    }
    if !told {
        return Finding::undetermined("the client did not ask for REQUIRETLS, and was not told to");
    }
    if let Some(reason) = subject.unheard() {
        return Finding::undetermined(reason);
    }
    let said = timeline.commands().last();
    match (said, has_ended(timeline)) {
        (Some((_, event, _)), true) => Finding::not_observed(
            "the client left, and kept the message that was to go on under TLS only",
            vec![Evidence::event(event, "the last that the client said")],
        ),
        _ => Finding::undetermined("the capture does not show the session end"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, find};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk, told: bool) -> Seen {
        let given = Given { requires_onward_tls: told, ..Given::default() };
        find(&CHECK, talk, given)
    }

    fn upgraded(offer: &[&str]) -> Talk {
        Talk::ehlo(&["STARTTLS", "REQUIRETLS"]).cs("STARTTLS", "220 go").opened().again(offer)
    }

    const MAIL: &str = "MAIL FROM:<a@b.example> REQUIRETLS";

    #[test]
    fn asked_for_in_the_wrong_place() {
        seen(Talk::ehlo(&["REQUIRETLS"]).cs(MAIL, "250 ok").quit(), false).observed("in clear", &["MAIL FROM…"]);
        seen(upgraded(&[]).cs(MAIL, "250 ok").quit(), false).observed("not offered", &["MAIL FROM…"]);
    }

    #[test]
    fn told_and_forgotten() {
        let mail = upgraded(&["REQUIRETLS"]).cs("MAIL FROM:<a@b.example>", "250 ok");
        seen(mail.clone().quit(), true).observed("does not ask", &["MAIL FROM:<a@b.example>\r\n"]);
        seen(mail.quit(), false).undetermined("was not told");
    }

    #[test]
    fn asked_for_where_it_is_offered_or_kept() {
        seen(upgraded(&["REQUIRETLS"]).cs(MAIL, "250 ok").quit(), true).not_observed("offered under TLS", &["MAIL FROM…"]);
        seen(upgraded(&[]).quit(), true).not_observed("kept the message", &["QUIT\r\n"]);
        seen(upgraded(&[]), true).undetermined("session end");
    }
}

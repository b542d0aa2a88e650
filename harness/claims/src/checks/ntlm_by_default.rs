//! Is NTLM what a sender does that nobody told how to authenticate?

use smtp::timeline::EventKind;

use super::said_after;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "ntlm-by-default",
    observed_when: "a sender whose authentication was left alone issues AUTH NTLM, and no reply demanded an authentication before",
    trigger: "the configuration leaves authentication alone at every level, the server offers AUTH NTLM, and the sender goes on after the offer",
    method: "The offer is no demand: a server that lists mechanisms can do without. A 530 before the AUTH command would be one. What the sender \
             does first shows what its default is; a default that proves the service account to whatever server is named deserves to be \
             known.",
    references: &["RFC 4954 3", "RFC 4954 6", "MS-SMTPNTLM 3.1"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if !subject.given().mode_untouched {
        return Finding::undetermined("the sender's authentication is not known to have been left alone");
    }
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let timeline = subject.timeline();
    let offers = |one: &&smtp::timeline::Capabilities| one.mechanisms().iter().any(|name| name == "NTLM");
    let Some(offer) = timeline.capabilities.iter().find(offers) else {
        return Finding::undetermined("AUTH NTLM was not offered");
    };
    let mut evidence: Vec<_> = subject.offer("AUTH").into_iter().collect();
    if let Some(first) = timeline.authentications.first() {
        let mechanism = &first.mechanism.value;
        evidence.insert(0, Evidence::bytes(timeline, first.mechanism.span, format!("AUTH {mechanism}")));
        let asked = timeline.exchanges.get(first.exchange).map_or(0, |exchange| exchange.request);
        let mut before = timeline.events.iter().take(asked);
        let demanded = before.find(|event| matches!(&event.kind, EventKind::Reply(reply) if reply.code == 530));
        if let Some(demand) = demanded {
            evidence.push(Evidence::event(demand, "530 before it"));
            return Finding::undetermined("the server demanded an authentication before").with(evidence);
        }
        return if mechanism == "NTLM" {
            Finding::observed("AUTH NTLM was issued, and nobody had asked for it", evidence)
        } else {
            Finding::not_observed(format!("AUTH {mechanism} was issued, with NTLM on offer"), evidence)
        };
    }
    if let Some(reason) = subject.unheard() {
        return Finding::undetermined(reason);
    }
    let Some((event, _)) = said_after(timeline, offer.exchange, &["MAIL"]) else {
        return Finding::undetermined("the sender did not go on after NTLM was offered");
    };
    evidence.insert(0, Evidence::event(event, "MAIL without authentication"));
    Finding::not_observed("NTLM was on offer, and the sender went on without it", evidence)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, find, plain};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk, Given { mode_untouched: true, ..Given::default() })
    }

    fn offered() -> Talk {
        Talk::ehlo(&["AUTH NTLM LOGIN"])
    }

    #[test]
    fn unasked() {
        let talk = offered().ntlm("CORP", "svc", "pw", "235 ok").message(&plain("", "x")).quit();
        seen(talk).observed("nobody had asked", &["NTLM", "250 AUTH NTLM LOGIN\r\n"]);
    }

    #[test]
    fn something_else_or_nothing() {
        let login = offered().cs("AUTH LOGIN", "334 x").cs("*", "501 no").quit();
        seen(login).not_observed("AUTH LOGIN was issued", &["LOGIN"]);
        seen(offered().message(&plain("", "x")).quit()).not_observed("went on without it", &["MAIL…"]);
    }

    #[test]
    fn what_shows_no_default() {
        let asked = offered().cs("MAIL FROM:<a@b.example>", "530 first").ntlm("CORP", "svc", "pw", "235 ok").quit();
        seen(asked).undetermined("demanded");
        seen(Talk::ehlo(&["AUTH LOGIN"]).message(&plain("", "x")).quit()).undetermined("not offered");
        seen(offered().quit()).undetermined("did not go on");
        seen(offered().gap().quit()).undetermined("does not hold");
        find(&CHECK, offered().quit(), Given::default()).undetermined("left alone");
    }
}

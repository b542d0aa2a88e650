//! Does the sender get its mail to a server that insists on TLS?

use smtp::timeline::{Event, Protocol};

use super::{has_ended, implicit_tls_used};
use crate::given::ServerTls;
use crate::leaks::is_under_tls;
use crate::{Check, Evidence, Finding, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "delivered-to-tls-only-server",
    observed_when: "the sender meets a server's demand for TLS, or gets a message accepted in spite of it",
    trigger: "the server demanded TLS: 530 or 538 to a command, or a port that speaks TLS only; and the session came to its end",
    method: "The demand is a 538, a 530 that names TLS or comes from a server known to require it, or a TLS-only \
             port. After it (or before it, where the server is known to require TLS), TLS that begins, or content that is accepted, means that the sender can deliver \
             there; a session that ends without either means that it cannot.",
    references: &["RFC 3207 4", "RFC 4954 6", "RFC 8314 3.3"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if subject.implicit_tls_port() {
        return on_implicit_tls(subject);
    }
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let timeline = subject.timeline();
    let required = subject.given().server_tls == Some(ServerTls::Required);
    let demand = demand(subject, required);
    if let Some(tls) = timeline.tls.as_ref().filter(|_| required || demand.is_some()) {
        let mut evidence = vec![Evidence::bytes(timeline, tls.client, "TLS records of the sender")];
        if !tls.established {
            let reason = "STARTTLS was issued, but the handshake did not complete";
            return Finding::undetermined(reason).with(evidence);
        }
        let met = match demand {
            Some((_, event, code)) => {
                evidence.push(demanded(event, code));
                "the sender met the demand with STARTTLS"
            }
            None => "the sender used STARTTLS before the server had to demand it",
        };
        return Finding::observed(met, evidence);
    }
    let Some((number, event, code)) = demand else {
        return Finding::undetermined("the server did not demand TLS");
    };
    let evidence = vec![demanded(event, code)];
    let mut after = subject.sent().filter(|sent| sent.data.command > number);
    if let Some(sent) = after.find(|sent| sent.data.accepted == Some(true)) {
        let accepted = sent.all("message accepted after the demand");
        return Finding::observed(
            "a message was accepted although TLS was demanded",
            vec![accepted, demanded(event, code)],
        );
    }
    if let Some(reason) = subject.blind() {
        return Finding::undetermined(reason);
    }
    if subject.sent().any(|sent| sent.data.accepted.is_none()) || !has_ended(timeline) {
        return Finding::undetermined("the capture ends before the session does");
    }
    Finding::not_observed(
        format!("the server demanded TLS ({code}), and no message was delivered"),
        evidence,
    )
}

fn on_implicit_tls(subject: &Subject<'_>) -> Finding {
    let timeline = subject.timeline();
    if let (Protocol::ImplicitTls, Some(tls)) = (timeline.protocol, &timeline.tls) {
        let evidence = vec![Evidence::bytes(timeline, tls.client, "TLS records of the sender")];
        if tls.established {
            return Finding::observed(
                "the sender completed a TLS handshake with a TLS-only port",
                evidence,
            );
        }
        return Finding::undetermined("the TLS handshake did not complete").with(evidence);
    }
    let used = (implicit_tls_used::CHECK.run)(subject);
    if used.observation != Observation::NotObserved {
        return Finding::undetermined(used.reason);
    }
    Finding::not_observed("nothing was delivered to the TLS-only port", used.evidence)
}

/// The first reply that demands TLS: its exchange, its event and its code. 538 is about nothing else (RFC 2554
/// section 6); 530 may also ask for authentication.
fn demand<'a>(subject: &Subject<'a>, required: bool) -> Option<(usize, &'a Event, u16)> {
    let timeline = subject.timeline();
    (0..timeline.exchanges.len()).find_map(|number| {
        let (event, reply) = timeline.reply(number)?;
        // What is said under TLS demands something else.
        if is_under_tls(timeline, event.span) {
            return None;
        }
        let names_tls = || reply.lines.iter().any(|line| line.to_ascii_uppercase().contains("TLS"));
        let demands = reply.code == 538 || reply.code == 530 && (required || names_tls());
        demands.then_some((number, event, reply.code))
    })
}

fn demanded(event: &Event, code: u16) -> Evidence {
    Evidence::event(event, format!("{code}: TLS demanded"))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, client_hello, find, plain};
    use super::*;
    use crate::Given;

    const DEMAND: &str = "530 5.7.0 Must issue a STARTTLS command first";

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk, Given::default())
    }

    fn with(talk: Talk, tls: ServerTls) -> Seen {
        find(&CHECK, talk, Given { server_tls: Some(tls), ..Given::default() })
    }

    fn refused() -> Talk {
        Talk::ehlo(&["STARTTLS"]).cs("MAIL FROM:<a@b>", DEMAND)
    }

    #[test]
    fn tls_after_the_demand_or_before_it() {
        let start = format!("{}…", String::from_utf8_lossy(&client_hello()));
        let met = refused().cs("STARTTLS", "220 go").tls();
        seen(met).observed("met the demand", &[&start, &format!("{DEMAND}\r\n")]);
        let before = Talk::ehlo(&["STARTTLS"]).cs("STARTTLS", "220 go").tls();
        with(before.clone(), ServerTls::Required).observed("before the server had to", &[&start]);
        seen(before).undetermined("did not demand TLS");
        with(Talk::silent().tls(), ServerTls::Implicit).observed("TLS-only port", &[&start]);
    }

    #[test]
    fn a_message_accepted_in_spite_of_the_demand() {
        let talk = refused().message(&plain("", "x")).gap().quit();
        seen(talk).observed("although TLS was demanded", &["From: …", "530 5.7.0…"]);
    }

    #[test]
    fn the_sender_gives_up() {
        let quote = format!("{DEMAND}\r\n");
        seen(refused().quit()).not_observed("demanded TLS (530)", &[&quote]);
        seen(refused().closed()).not_observed("no message was delivered", &[&quote]);
        let auth = Talk::ehlo(&["AUTH LOGIN"]).cs("AUTH LOGIN", "538 5.7.11 no").quit();
        seen(auth).not_observed("(538)", &["538 5.7.11 no\r\n"]);
        let bare = Talk::ehlo(&["STARTTLS"]).cs("MAIL FROM:<a@b>", "530 no").quit();
        with(bare.clone(), ServerTls::Required).not_observed("(530)", &["530 no\r\n"]);
        seen(bare).undetermined("did not demand TLS");
        let silent = Talk::silent().closed();
        with(silent, ServerTls::Implicit).not_observed("nothing was delivered", &["packet 0"]);
    }

    #[test]
    fn without_a_demand_nothing_is_shown() {
        seen(Talk::ehlo(&["STARTTLS"]).message(&plain("", "x")).quit()).undetermined("not demand");
        seen(Talk::silent().closed()).undetermined("without a word");
        let greeting = Talk::ehlo(&[]).message(&plain("", "x")).quit();
        with(greeting, ServerTls::Implicit).undetermined("greeted in clear");
    }

    #[test]
    fn an_end_that_was_not_captured() {
        seen(refused()).undetermined("ends before the session");
        seen(refused().gap().quit()).undetermined("does not hold");
        let open = refused().envelope("<a@b>", &["<c@d>"]).turn("C", "x\r\n.\r\n").closed();
        seen(open).undetermined("ends before the session");
        let failed = refused().cs("STARTTLS", "220 go").turn("C", client_hello()).turn("!S", "");
        seen(failed).undetermined("did not complete");
        let failed = Talk::silent().turn("C", client_hello()).turn("!S", "");
        with(failed, ServerTls::Implicit).undetermined("did not complete");
    }
}

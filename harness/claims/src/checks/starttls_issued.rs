//! Does the sender use STARTTLS where it is offered?

use smtp::timeline::{Protocol, TlsStart};

use super::said_after;
use crate::leaks::is_under_tls;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "starttls-issued",
    observed_when: "the sender issues STARTTLS",
    trigger: "the server offered STARTTLS in an EHLO reply, and the sender went on after it",
    method: "The EHLO replies are searched for the STARTTLS keyword and the commands for STARTTLS itself. A server \
             that does not offer it proves nothing, and neither does a sender that leaves after the offer, or that had sent all it said before it could \
             read it.",
    references: &["RFC 3207 4", "RFC 5321 4.1.1.1"],
    run,
};

/// What a sender says that goes on: not what only asks about the session, or ends it.
const GOES_ON: [&str; 11] = [
    "AUTH", "MAIL", "RCPT", "DATA", "BDAT", "SEND", "SOML", "SAML", "VRFY", "EXPN", "ETRN",
];

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let timeline = subject.timeline();
    let offered = timeline.capabilities.iter().find(|c| c.get("STARTTLS").is_some());
    // An offer under TLS is nothing to take up.
    let offered = offered.filter(|c| timeline.reply(c.exchange).is_some_and(|(event, _)| !is_under_tls(timeline, event.span)));
    let offer = offered.and_then(|_| subject.offer("STARTTLS"));
    if let Some((number, event, _)) = timeline.commands().find(|(_, _, c)| c.verb == "STARTTLS") {
        let upgraded = timeline
            .tls
            .as_ref()
            .is_some_and(|tls| tls.start == TlsStart::StartTls(number));
        let reply = timeline.reply(number);
        let answer = match reply {
            Some(_) if upgraded => "the connection was upgraded to TLS".to_owned(),
            Some((_, reply)) => format!("it was answered {}", reply.code),
            None => "its reply was not captured".to_owned(),
        };
        let mut evidence = vec![Evidence::event(event, "STARTTLS command")];
        evidence.extend(reply.map(|(e, reply)| Evidence::event(e, format!("{} reply", reply.code))));
        evidence.extend(offer);
        return Finding::observed(format!("STARTTLS was issued; {answer}"), evidence);
    }
    let Some(offer) = offer else {
        let why = if timeline.protocol == Protocol::ImplicitTls {
            "the conversation is under TLS from the first byte on: there was nothing to upgrade"
        } else if timeline.capabilities.is_empty() {
            "no EHLO reply was seen"
        } else {
            "STARTTLS was not offered"
        };
        return Finding::undetermined(why);
    };
    if let Some(reason) = subject.unheard() {
        return Finding::undetermined(reason);
    }
    match offered.and_then(|c| said_after(timeline, c.exchange, &GOES_ON)) {
        Some((event, command)) => {
            let verb = command.verb.as_str();
            Finding::not_observed(
                format!("STARTTLS was offered and not used; {verb} followed in clear"),
                vec![offer, Evidence::event(event, format!("{verb} in clear"))],
            )
        }
        None => Finding::undetermined("the sender did not go on after STARTTLS was offered"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Talk, find, plain};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> super::super::testing::Seen {
        find(&CHECK, talk, Given::default())
    }

    #[test]
    fn issued_and_granted_refused_or_unanswered() {
        let offered = Talk::ehlo(&["STARTTLS"]);
        let quotes = ["STARTTLS\r\n", "220 go\r\n", "250 STARTTLS\r\n"];
        let granted = offered.clone().cs("STARTTLS", "220 go").tls();
        seen(granted).observed("upgraded to TLS", &quotes);
        let refused = offered.clone().gap().cs("starttls", "454 not now").quit();
        seen(refused).observed("answered 454", &["starttls\r\n", "454 not now\r\n"]);
        seen(offered.c("STARTTLS")).observed("not captured", &["STARTTLS\r\n", "250 STARTTLS\r\n"]);
        let unasked = Talk::ehlo(&[]).cs("STARTTLS", "502 no").quit();
        seen(unasked).observed("answered 502", &["STARTTLS\r\n"]);
    }

    #[test]
    fn offered_and_passed_over() {
        let talk = Talk::ehlo(&["SIZE", "STARTTLS", "DSN"]);
        let quotes = ["250-STARTTLS\r\n", "MAIL FROM:<sender@contoso.example>\r\n"];
        seen(talk.message(&plain("", "x")).quit()).not_observed("MAIL followed", &quotes);
    }

    #[test]
    fn lines_that_end_with_a_bare_line_feed_are_commands_too() {
        let talk = Talk::ehlo(&["STARTTLS"]).turn("C", "MAIL FROM:<a@b>\n").s("250 ok").quit();
        seen(talk).not_observed("MAIL followed", &["250 STARTTLS\r\n", "MAIL FROM:<a@b>\n"]);
    }

    #[test]
    fn without_an_offer_that_was_read_nothing_is_shown() {
        seen(Talk::ehlo(&["DSN"]).message(&plain("", "x")).quit()).undetermined("not offered");
        let helo = Talk::silent().s("220 mx").cs("HELO a", "250 mx").message(&plain("", "x"));
        seen(helo.clone().quit()).undetermined("no EHLO reply");
        let late = helo.again(&["STARTTLS"]);
        seen(late.clone().quit()).undetermined("did not go on");
        seen(late.cs("RSET", "250 ok").cs("NOOP", "250 ok").quit()).undetermined("did not go on");
        let pipelined = Talk::silent()
            .s("220 mx")
            .turn("C", "EHLO a\r\nMAIL FROM:<a@b>\r\n")
            .turn("S", "250-mx\r\n250 STARTTLS\r\n250 ok\r\n")
            .quit();
        seen(pipelined).undetermined("did not go on");
    }

    #[test]
    fn a_gap_may_hide_it() {
        let talk = Talk::ehlo(&["STARTTLS"]).gap().message(&plain("", "x")).quit();
        seen(talk).undetermined("does not hold 6 bytes");
    }

    #[test]
    fn a_gap_in_what_the_server_said_hides_no_command() {
        let talk = Talk::ehlo(&["STARTTLS"]).turn("?S", "250 ok\r\n").message(&plain("", "x"));
        seen(talk.quit()).not_observed("MAIL followed", &["250 STARTTLS\r\n", "MAIL FROM…"]);
    }
}

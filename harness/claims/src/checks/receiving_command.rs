//! Does the sender ask for mail, or answer as a server?

use wire::Opening;

use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "receiving-command",
    observed_when: "the sender asks its peer for mail: ETRN, TURN or ATRN",
    trigger: "the sender opened the connection and offered a message (MAIL)",
    method: "Every command of the conversation is read. A sender that also receives would ask for its queue with ETRN \
             (RFC 1985), TURN or ATRN (RFC 2645); one that only sends never does. The capture must show who opened the \
             connection. A listener on the sender's own port 25 cannot be seen from here: probe it as well.",
    references: &["RFC 5321 3.3", "RFC 1985", "RFC 2645"],
    run,
};

const RECEIVING: [&str; 3] = ["ETRN", "TURN", "ATRN"];

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let timeline = subject.timeline();
    let asked: Vec<_> = timeline
        .commands()
        .filter(|(_, _, command)| RECEIVING.contains(&command.verb.as_str()))
        .map(|(_, event, command)| Evidence::event(event, format!("{} command", command.verb)))
        .collect();
    if !asked.is_empty() {
        return Finding::observed("the sender asks its peer for mail", asked);
    }
    let opened = match timeline.opening {
        Opening::Handshake { syn } => Evidence::packet(syn, "SYN from the sender"),
        Opening::Answer { syn_ack } => Evidence::packet(syn_ack, "SYN-ACK to the sender"),
        Opening::Midstream => {
            return Finding::undetermined(
                "the capture starts inside the connection: who opened it is not shown",
            );
        }
    };
    if let Some(reason) = subject.unheard() {
        return Finding::undetermined(reason);
    }
    let Some((_, mail, _)) = timeline.commands().find(|(_, _, command)| command.verb == "MAIL")
    else {
        return Finding::undetermined("no message was offered");
    };
    Finding::not_observed(
        "the sender opened the connection, offered mail, and never asked for any",
        vec![opened, Evidence::event(mail, "MAIL command")],
    )
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Talk, find, plain};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> super::super::testing::Seen {
        find(&CHECK, talk, Given::default())
    }

    fn sending() -> Talk {
        Talk::ehlo(&[]).message(&plain("", "x"))
    }

    #[test]
    fn asking_for_mail_is_seen_even_beside_a_gap() {
        for (line, quote) in [
            ("ETRN contoso.example", "ETRN contoso.example\r\n"),
            ("turn", "turn\r\n"),
            ("ATRN a,b", "ATRN a,b\r\n"),
        ] {
            let talk = sending().cs(line, "500 no").gap().quit();
            seen(talk).observed("asks its peer for mail", &[quote]);
        }
    }

    #[test]
    fn a_sender_that_only_sends() {
        let quotes = ["packet 0", "MAIL FROM:<sender@contoso.example>\r\n"];
        seen(sending().quit()).not_observed("offered mail", &quotes);
        seen(sending().answered().quit()).not_observed("offered mail", &quotes);
    }

    #[test]
    fn without_mail_it_was_not_put_to_the_test() {
        seen(Talk::ehlo(&[]).quit()).undetermined("no message was offered");
        seen(Talk::ehlo(&[]).cs("RCPT TO:<a@b>", "503 no").quit()).undetermined("no message");
        seen(Talk::silent().closed()).undetermined("without a word");
    }

    #[test]
    fn what_the_capture_does_not_hold_may_have_been_a_request() {
        seen(sending().gap().quit()).undetermined("does not hold 6 bytes");
        seen(sending().midstream().quit()).undetermined("starts inside the connection");
        seen(Talk::ehlo(&["STARTTLS"]).cs("STARTTLS", "220 go").tls()).undetermined("under TLS");
    }
}

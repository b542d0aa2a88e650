//! Is everything between sender and server readable?

use smtp::timeline::EventKind;

use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "readable-without-key",
    observed_when: "every byte of both directions is read as SMTP without a key",
    trigger: "a message was sent, so that commands and content both crossed the wire",
    method: "The whole conversation is parsed from the packets alone: commands, replies, SASL exchanges and message \
             content. TLS, or bytes that fit nothing, mean that it is not readable; missing bytes mean that it cannot \
             be known. A capture taken behind an IPsec gateway or a TLS-terminating proxy is not the sender's wire.",
    references: &["RFC 5321 2.3.1", "RFC 3207 6"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let timeline = subject.timeline();
    if let Some(tls) = &timeline.tls {
        let evidence = vec![Evidence::bytes(timeline, tls.client, "TLS records of the sender")];
        if tls.established {
            return Finding::not_observed(
                format!("from client byte {} on the conversation is under TLS", tls.client.start),
                evidence,
            );
        }
        return Finding::undetermined("a TLS handshake was begun and not completed").with(evidence);
    }
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    if let Some(reason) = subject.holes() {
        return Finding::undetermined(reason);
    }
    let unparsed = |event: &&smtp::timeline::Event| matches!(event.kind, EventKind::Unparsed(_));
    if let Some(event) = timeline.events.iter().find(unparsed) {
        return Finding::undetermined("some bytes are not SMTP")
            .with(vec![Evidence::event(event, "bytes that fit nothing")]);
    }
    let Some(sent) = subject.sent().find(|sent| sent.incomplete().is_none()) else {
        let torn = subject.sent().find_map(|sent| sent.incomplete());
        return Finding::undetermined(torn.unwrap_or_else(|| "no message was sent".to_owned()));
    };
    let [client, server] = timeline.octets;
    Finding::observed(
        subject.reason(|| format!("all {client} client and {server} server bytes are read as SMTP")),
        vec![sent.all("message content")],
    )
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, client_hello, find, plain};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk, Given::default())
    }

    #[test]
    fn everything_is_read() {
        let talk = Talk::silent().s("220 mx").cs("HELO a", "250 mx").message("From: a\n\nx\n");
        seen(talk.quit()).observed(
            "all 108 client and 60 server bytes",
            &["From: a\r\n\r\nx\r\n.\r\n"],
        );
    }

    #[test]
    fn under_tls() {
        let start = format!("{}…", String::from_utf8_lossy(&client_hello()));
        let talk = Talk::ehlo(&["STARTTLS"]).cs("STARTTLS", "220 go").tls();
        seen(talk).not_observed("from client byte 37 on", &[&start]);
        seen(Talk::silent().tls()).not_observed("from client byte 0 on", &[&start]);
    }

    #[test]
    fn without_a_message_too_little_was_said() {
        seen(Talk::ehlo(&[]).quit()).undetermined("no message was sent");
        seen(Talk::silent().closed()).undetermined("without a word");
        let begun = Talk::silent().turn("C", client_hello()).turn("!S", "");
        seen(begun).undetermined("not completed");
    }

    #[test]
    fn what_is_missing_or_fits_nothing_is_not_read() {
        let talk = Talk::ehlo(&[]).message(&plain("", "x"));
        seen(talk.clone().gap().quit()).undetermined("does not hold");
        seen(Talk::ehlo(&[]).torn("From: a\n\nbcd\n", "c").quit()).undetermined("does not hold");
        let cut = Talk::ehlo(&[]).envelope("<a@b>", &["<c@d>"]).turn("C", "From: a\r\n").closed();
        seen(cut).undetermined("the whole message");
    }
}

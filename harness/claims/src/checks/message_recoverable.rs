//! Can the audited server show each message, whole and once?

use crate::{Check, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "message-recoverable",
    observed_when: "each accepted message can be read back, with its envelope and header, and was accepted once",
    trigger: "the server accepted a message (2yz after the end of data)",
    method: "The envelope is taken from MAIL and RCPT, the message from DATA or BDAT after undoing dot-stuffing. A \
             message is known again by its Message-ID field, or, where it has none, by its bytes. It is looked for in \
             every conversation of the case: the same message accepted twice means that the audit store counts it \
             twice.",
    references: &["RFC 5321 3.3", "RFC 5321 4.5.2", "RFC 5322 3.6.4"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let accepted = || subject.sent().filter(|sent| sent.data.accepted == Some(true));
    let mut evidence = Vec::new();
    for sent in accepted() {
        let copies = sent.copies().filter(|other| other.data.accepted == Some(true)).count();
        if copies > 1 && sent.message.header("Message-ID").is_none() && sent.data.content.elided() > 0 {
            return Finding::undetermined(
                "messages begin alike and have no Message-ID: only the first bytes of their long parts were kept",
            );
        }
        if copies > 1 && sent.incomplete().is_none() {
            return Finding::not_observed(
                format!("the same message was accepted {copies} times"),
                vec![sent.all("a message that was accepted more than once")],
            );
        }
        evidence.push(sent.all("an accepted message"));
    }
    let unreadable = subject.unheard().or_else(|| accepted().find_map(|sent| sent.incomplete()));
    if let Some(reason) = unreadable {
        return Finding::undetermined(reason);
    }
    let without = accepted().find(|sent| {
        let reached = sent.transaction.recipients.iter().any(|r| r.accepted != Some(false));
        !reached || sent.message.header("From").is_none()
    });
    if let Some(sent) = without {
        return Finding::not_observed(
            "a message was accepted that has no recipient or no From field",
            vec![sent.all("the message")],
        );
    }
    let count = match evidence.len() {
        0 => return Finding::undetermined("no message was accepted"),
        1 => "the message is".to_owned(),
        many => format!("the {many} messages are"),
    };
    Finding::observed(
        subject.reason(|| format!("{count} in the capture whole, with envelope, and once")),
        evidence,
    )
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Talk, case, find, plain};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> super::super::testing::Seen {
        find(&CHECK, talk, Given::default())
    }

    #[test]
    fn each_accepted_message_whole_and_once() {
        let talk = Talk::ehlo(&[]).message(&plain("Message-ID: <1@a>\n", ".x"));
        let (first, second) = ("From: sender@…", "From: sender@contoso.example\r\n…");
        seen(talk.clone().quit()).observed("the message is", &[first]);
        let two = talk.message(&plain("Message-ID: <2@a>\n", "x"));
        let both = seen(two.quit());
        both.observed("the 2 messages are", &[first, second]);
        assert!(both.quotes[0].ends_with("\r\n..x\r\n.\r\n"), "as it stood on the wire");
    }

    #[test]
    fn the_same_message_twice() {
        for id in ["Message-ID: <1@a>\n", ""] {
            let talk = Talk::ehlo(&[]).message(&plain(id, "x"));
            let twice = talk.clone().message(&plain(id, "x")).gap().quit();
            seen(twice).not_observed("accepted 2 times", &["From: …"]);
            let tested = case(vec![talk.clone().quit(), talk.quit()], Given::default());
            for index in [0, 1] {
                tested.find(&CHECK, index).not_observed("accepted 2 times", &["From: …"]);
            }
        }
    }

    #[test]
    fn a_refused_attempt_does_not_count() {
        let refused = Talk::ehlo(&[])
            .envelope("<a@b>", &["<c@d>"])
            .turn("C", plain("", "x").replace('\n', "\r\n") + ".\r\n")
            .s("451 later");
        seen(refused.clone().quit()).undetermined("no message was accepted");
        seen(refused.message(&plain("", "x")).quit()).observed("once", &["From: …"]);
    }

    #[test]
    fn a_message_without_sender_or_recipient() {
        let nameless = Talk::ehlo(&[]).message("Subject: x\n\nx\n").quit();
        seen(nameless).not_observed("no From field", &["Subject: x\r\n\r\nx\r\n.\r\n"]);
    }

    #[test]
    fn nothing_sent_and_bytes_missing() {
        seen(Talk::ehlo(&[]).quit()).undetermined("no message was accepted");
        let torn = Talk::ehlo(&[]).torn(&plain("", "abcdef"), "cde");
        seen(torn.quit()).undetermined("does not hold 3 bytes");
        seen(Talk::ehlo(&[]).message(&plain("", "x")).gap().quit()).undetermined("does not hold");
    }
}

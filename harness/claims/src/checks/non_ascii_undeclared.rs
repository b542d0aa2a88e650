//! Does MAIL say SMTPUTF8 where the message needs it?

use super::offers;
use crate::{Check, Evidence, Finding, Subject};

pub(super) static CHECK: Check = Check {
    id: "non-ascii-undeclared",
    observed_when: "the envelope or the header of a message holds an octet above 127, and its MAIL does not have SMTPUTF8, or has it with a \
                    value",
    trigger: "the server offered SMTPUTF8, with or without parameters, and such a message was begun",
    method: "Each transaction under an offer of SMTPUTF8 is looked at: the paths of MAIL and RCPT as they crossed, and the header of \
             its message. What the offer has behind the keyword means nothing.",
    references: &["RFC 6531 3.4", "RFC 6531 3.1"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let timeline = subject.timeline();
    let mut declared = Vec::new();
    for (transaction, sent) in subject.mails() {
        let offered = offers::has(timeline, transaction.mail, "SMTPUTF8");
        if !offered {
            continue;
        }
        let path = transaction.paths().find(|path| !path.value.is_ascii());
        let path = path.map(|path| Evidence::bytes(timeline, path.span, "an address outside ASCII"));
        let field = sent.and_then(|sent| {
            let header = sent.data.content.bytes().get(..sent.message.root.body.start)?;
            let at = header.iter().position(|byte| *byte > 127)?;
            Some(sent.evidence(at..at + 1, "the first octet above 127 in the header"))
        });
        let Some(need) = path.or(field) else { continue };
        let wrong = match transaction.parameter("SMTPUTF8") {
            None => "MAIL does not have SMTPUTF8",
            Some(one) if one.value.value.is_some() => "MAIL has SMTPUTF8 with a value",
            Some(one) => {
                declared.extend([Evidence::bytes(timeline, one.span, "SMTPUTF8"), need]);
                continue;
            }
        };
        return Finding::observed(format!("{wrong}, and the message is not all ASCII"), vec![need]);
    }
    match subject.blind() {
        Some(reason) => Finding::undetermined(reason),
        None if declared.is_empty() => Finding::undetermined("no message that needs SMTPUTF8 was begun where it is offered"),
        None => Finding::not_observed("MAIL has SMTPUTF8 where the message needs it", declared),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FROM, Seen, TO, Talk, find, plain};
    use super::*;
    use crate::Given;

    fn seen(keyword: &str, parameters: &str, to: &str, header: &str) -> Seen {
        let talk = Talk::ehlo(&["8BITMIME", keyword]);
        let talk = talk.sent(&format!("<{FROM}>{parameters}"), &[&format!("<{to}>")], &plain(header, "x"));
        find(&CHECK, talk.quit(), Given::default())
    }

    #[test]
    fn undeclared() {
        seen("SMTPUTF8", "", "dépôt@b.example", "").observed("does not have SMTPUTF8", &["dépôt@b.example"]);
        seen("SMTPUTF8", " SMTPUTF8=YES", "dépôt@b.example", "").observed("with a value", &["dépôt@b.example"]);
        seen("SMTPUTF8", "", TO, "Subject: é\n").observed("does not have SMTPUTF8", &["\u{fffd}"]);
    }

    #[test]
    fn declared() {
        for keyword in ["SMTPUTF8", "SMTPUTF8 LATER"] {
            seen(keyword, " SMTPUTF8", "dépôt@b.example", "").not_observed("where the message needs it", &["SMTPUTF8", "dépôt@b.example"]);
        }
        seen("SMTPUTF8", " SMTPUTF8", TO, "Subject: é\n").not_observed("needs it", &["SMTPUTF8", "\u{fffd}"]);
    }

    #[test]
    fn no_question() {
        seen("SMTPUTF8", "", TO, "").undetermined("no message that needs SMTPUTF8");
        seen("SIZE", "", "dépôt@b.example", "").undetermined("no message that needs SMTPUTF8");
        find(&CHECK, Talk::ehlo(&["SMTPUTF8"]).quit(), Given::default()).undetermined("no message");
    }
}

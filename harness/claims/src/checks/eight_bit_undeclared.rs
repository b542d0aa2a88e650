//! Is content in eight bits announced in MAIL?

use super::attempts::mail;
use super::each;
use super::offers;
use crate::subject::Sent;
use crate::{Check, Evidence, Finding, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "eight-bit-undeclared",
    observed_when: "content holds an octet above 127, and its MAIL has no BODY parameter although the server offered 8BITMIME",
    trigger: "the server offered 8BITMIME, and a message with octets above 127 was sent",
    method: "BODY=8BITMIME and BODY=BINARYMIME announce such octets. A message that SMTPUTF8 announces needs BODY as well where its \
             body holds them; its header does not count.",
    references: &["RFC 6152 3", "RFC 3030 3"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    each::message(subject, Observation::Observed, judge)
}

fn judge(sent: &Sent<'_>) -> Finding {
    if !offers::has(sent.timeline, sent.transaction.mail, "8BITMIME") {
        return Finding::not_applicable("the server did not offer 8BITMIME");
    }
    let content = sent.data.content.bytes();
    let from = sent.message.root.body.start;
    let Some(at) = content.iter().skip(from).position(|byte| *byte > 127) else {
        let reason = sent.unsearched().unwrap_or_else(|| "the body of the message is ASCII".to_owned());
        return Finding::undetermined(reason);
    };
    let at = from + at;
    let octet = sent.evidence(at..at + 1, "the first octet above 127 in the body");
    let announced = sent.transaction.parameter("BODY").filter(|one| {
        let value = one.value.value.as_deref().unwrap_or_default();
        ["8BITMIME", "BINARYMIME"].iter().any(|word| value.eq_ignore_ascii_case(word))
    });
    if let Some(one) = announced {
        let evidence = vec![Evidence::bytes(sent.timeline, one.span, "BODY"), octet];
        return Finding::not_observed("the octets above 127 are announced in MAIL", evidence);
    }
    let mail = mail(sent.timeline, sent.transaction, "MAIL without BODY");
    let evidence = std::iter::once(octet).chain(mail).collect();
    Finding::observed("the body holds octets above 127, and MAIL does not announce them", evidence)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FROM, Seen, TO, Talk, find, plain};
    use super::*;
    use crate::Given;

    fn seen(keywords: &[&str], mail: &str, text: &str) -> Seen {
        let talk = Talk::ehlo(keywords).sent(mail, &[&format!("<{TO}>")], text);
        find(&CHECK, talk.quit(), Given::default())
    }

    #[test]
    fn not_announced() {
        let evidence = ["\u{fffd}", "MAIL…"];
        seen(&["8BITMIME"], &format!("<{FROM}>"), &plain("", "é")).observed("does not announce", &evidence);
        seen(&["8BITMIME"], &format!("<{FROM}> BODY=7BIT"), &plain("", "é")).observed("does not announce", &evidence);
    }

    #[test]
    fn announced() {
        for body in ["8BITMIME", "8bitmime", "BINARYMIME"] {
            let mail = format!("<{FROM}> BODY={body}");
            seen(&["8BITMIME", "BINARYMIME"], &mail, &plain("", "é")).not_observed("are announced", &["BODY…", "\u{fffd}"]);
        }
    }

    #[test]
    fn no_question() {
        let mail = format!("<{FROM}>");
        seen(&["8BITMIME"], &mail, &plain("", "e")).undetermined("is ASCII");
        seen(&["8BITMIME"], &mail, &plain("Subject: é\n", "e")).undetermined("is ASCII");
        seen(&[], &mail, &plain("", "é")).not_applicable("did not offer");
    }
}

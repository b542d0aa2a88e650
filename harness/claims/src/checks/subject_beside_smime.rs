//! Does the Subject stand in clear outside an encrypted body?

use super::each;
use crate::subject::Sent;
use crate::{Check, Finding, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "subject-beside-smime",
    observed_when: "the body is encrypted with S/MIME, and the outer Subject says something",
    trigger: "the body of a message is encrypted with S/MIME",
    method: "S/MIME covers the body and not the header of the message, unless the sender puts a copy of the header inside \
             and takes it out outside (RFC 8551 section 3.1, RFC 9788). A Subject that is missing, empty, or one of the \
             usual stand-ins (`[...]`, `...`, `Encrypted message`) says nothing. TLS around it covers it as far as the \
             next server, and changes nothing about the message.",
    references: &["RFC 8551 3.1", "RFC 9788"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    each::message(subject, Observation::Observed, judge)
}

/// How the Subject crossed.
fn state(sent: &Sent<'_>) -> &'static str {
    if sent.under_tls() {
        "protected by TLS alone, to the next server"
    } else {
        "in clear"
    }
}

fn judge(sent: &Sent<'_>) -> Finding {
    let Some(blob) = sent.encrypted() else {
        return match sent.incomplete().or_else(|| sent.unlisted()) {
            Some(reason) => Finding::undetermined(reason),
            None => Finding::not_applicable("about an encrypted message; this one is not encrypted"),
        };
    };
    match sent.message.headers("Subject").find(|field| each::says_something(&field.decoded)) {
        Some(field) => Finding::observed(
            format!("the body is {}, and the Subject beside it is {}", blob.name(), state(sent)),
            vec![sent.evidence(field.range.clone(), format!("Subject field, {}", state(sent)))],
        ),
        None => Finding::not_observed(
            format!("the body is {}, and no Subject beside it says anything", blob.name()),
            vec![sent.evidence(blob.range.clone(), format!("CMS {}", blob.name()))],
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, base64_body, find, plain, smime};
    use super::*;
    use crate::Given;

    const FILE: &str = "enveloped-aes128.der";

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk.quit(), Given::default())
    }

    #[test]
    fn a_subject_that_tells() {
        let talk = Talk::ehlo(&[]).message(&smime("Subject: merger\n", FILE));
        seen(talk).observed("in clear", &["Subject: merger\r\n"]);
    }

    #[test]
    fn a_subject_that_does_not() {
        for header in ["", "Subject: \n", "Subject: [...]\n", "Subject: Encrypted Message\n"] {
            let talk = Talk::ehlo(&[]).message(&smime(header, FILE));
            seen(talk).not_observed("says anything", &[&base64_body(FILE)]);
        }
    }

    #[test]
    fn a_hole_or_no_encryption() {
        let torn = Talk::ehlo(&[]).torn(&plain("Subject: x\n", "abcdef"), "cde");
        seen(torn).undetermined("the whole message");
        seen(Talk::ehlo(&[])).undetermined("no message was sent");
        seen(Talk::ehlo(&[]).message(&plain("Subject: x\n", "y"))).not_applicable("not encrypted");
    }
}

//! Does anything stand in clear beside the encrypted blob?

use super::{each, exposure};
use crate::subject::Sent;
use crate::{Check, Finding, Given, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "text-beside-blob",
    observed_when: "the configured body text or an attachment is readable beside the encrypted blob",
    trigger: "the message is encrypted, and a body text or attachment with a known text is configured",
    method: "The known texts of EmailBodyText and of attachments are searched at every depth that opens without a key. \
             An already encoded message is to pass the adapter untouched, so neither may be added to it in clear.",
    references: &["RFC 8551 3.3"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let given = subject.given();
    each::message(subject, Observation::Observed, |sent| judge(given, sent))
}

fn judge(given: &Given, sent: &Sent<'_>) -> Finding {
    let Some(blob) = sent.encrypted() else {
        return match sent.incomplete().or_else(|| sent.unlisted()) {
            Some(reason) => Finding::undetermined(reason),
            None => Finding::not_applicable("about an encrypted message; this one is not encrypted"),
        };
    };
    let beside = &given.beside;
    if beside.is_empty() {
        return Finding::undetermined(
            "no body text or attachment is configured beside the encrypted part",
        );
    }
    let seen: Vec<_> = beside
        .iter()
        .flat_map(|(what, text)| exposure::in_message(sent, text.expose(), what))
        .collect();
    if let Some(first) = seen.first() {
        return Finding::observed(format!("beside the encrypted blob, {}", first.what), seen);
    }
    if let Some(reason) = sent.unsearched() {
        return Finding::undetermined(reason);
    }
    let names: Vec<_> = beside.iter().map(|(what, _)| what.as_str()).collect();
    Finding::not_observed(
        format!("{} not readable beside the encrypted blob", names.join(" and ")),
        vec![sent.evidence(blob.range.clone(), format!("CMS {}", blob.name()))],
    )
}

#[cfg(test)]
mod tests {
    use smtp::Secret;

    use super::super::testing::{Seen, Talk, base64_body, find, plain, smime};
    use super::*;

    const FILE: &str = "enveloped-aes128.der";

    fn given() -> Given {
        Given {
            beside: vec![
                ("the configured body text".to_owned(), Secret::new(*b"Canary-Note")),
                ("the configured attachment".to_owned(), Secret::new(*b"Canary-File")),
            ],
            ..Given::default()
        }
    }

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk.quit(), given())
    }

    fn alone() -> Talk {
        Talk::ehlo(&[]).message(&smime("", FILE))
    }

    /// A multipart message with a text and the blob.
    fn mixed(text: &str) -> String {
        let blob = base64_body(FILE).replace("\r\n", "\n");
        format!(
            "From: a@b\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\n{text}\n--x\n\
             Content-Type: application/pkcs7-mime\nContent-Transfer-Encoding: base64\n\n{blob}--x--\n"
        )
    }

    #[test]
    fn a_text_or_attachment_beside_the_blob() {
        let talk = Talk::ehlo(&[]).message(&mixed("a Canary-Note b")).gap();
        seen(talk).observed("the configured body text is readable in part 1", &["Canary-Note"]);
        let second = alone().message(&mixed("Q2FuYXJ5LUZpbGU="));
        seen(second).observed("the configured attachment is readable", &["Q2FuYXJ5LUZpbGU…"]);
        let torn = Talk::ehlo(&[]).torn(&mixed("Canary-Note and lost"), "lost");
        seen(torn).observed("the configured body text", &["Canary-Note"]);
    }

    #[test]
    fn the_blob_alone() {
        let reason = "the configured body text and the configured attachment not readable";
        seen(alone()).not_observed(reason, &[&base64_body(FILE)]);
        let other = Talk::ehlo(&[]).message(&mixed("another text"));
        seen(other).not_observed(reason, &["MII…"]);
    }

    #[test]
    fn with_nothing_configured_nothing_is_shown() {
        find(&CHECK, alone().quit(), Given::default()).undetermined("is configured beside");
        seen(Talk::ehlo(&[])).undetermined("no message was sent");
    }

    #[test]
    fn a_message_with_a_hole_in_it() {
        seen(Talk::ehlo(&[]).torn(&mixed("some lost text"), "lost")).undetermined("the whole message");
        let late = alone().torn(&mixed("some lost text"), "lost");
        seen(late).undetermined("the whole message");
    }

    #[test]
    fn a_message_that_is_not_encrypted() {
        seen(Talk::ehlo(&[]).message(&plain("", "Canary-Note"))).not_applicable("not encrypted");
    }
}

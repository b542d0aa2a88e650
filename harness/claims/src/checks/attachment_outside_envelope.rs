//! Does an attachment that the adapter adds stay outside the envelope?

use super::{each, exposure};
use crate::subject::Sent;
use crate::{Check, Finding, Given, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "attachment-outside-envelope",
    observed_when: "the configured attachment is in the message and readable, although the body is encrypted",
    trigger: "the message is encrypted, and an attachment with a known text is configured",
    method: "The pipeline runs before the adapter, so that what the adapter adds would come too late to be encrypted. The known \
             text is searched at every depth that opens without a key, and then in what the recipient's key opens. An \
             attachment that is in neither was left out.",
    references: &["RFC 8551 3.3"],
    run,
};

/// What [`Given::beside`] calls attachments.
const ATTACHMENT: &str = "attachment";

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
    let Some((what, text)) = given.beside.iter().find(|(what, _)| what.contains(ATTACHMENT)) else {
        return Finding::undetermined("no attachment with a known text is configured");
    };
    let seen = exposure::in_message(sent, text.expose(), what);
    if let Some(first) = seen.first() {
        return Finding::observed(format!("outside the envelope, {}", first.what), seen);
    }
    if let Some(reason) = sent.unsearched() {
        return Finding::undetermined(reason);
    }
    let opened = sent.tries.tried.iter().filter_map(|tried| tried.result.as_ref().ok());
    let inside = opened.map(|opened| &opened.message).any(|message| !message.find(text.expose()).is_empty());
    let closed = sent.tries.left_out > 0 || sent.tries.tried.is_empty() || sent.tries.tried.iter().any(|t| t.result.is_err());
    let place = match (inside, closed) {
        (true, _) => "it is inside the envelope",
        (false, true) => "whether it is inside the envelope is not known",
        (false, false) => "it is not inside the envelope either: it was left out",
    };
    let evidence = vec![sent.evidence(blob.range.clone(), format!("CMS {}", blob.name()))];
    Finding::not_observed(format!("{what} is not readable outside the envelope; {place}"), evidence)
}

#[cfg(test)]
mod tests {
    use smtp::Secret;

    use super::super::testing::{BODY, Seen, Talk, base64_body, beside, find, plain, recipient_key, smime};
    use super::*;

    fn given(text: &str) -> Given {
        Given {
            beside: vec![
                ("the configured body text".to_owned(), Secret::new(*b"Canary-Note")),
                ("the configured attachment".to_owned(), Secret::new(text.as_bytes())),
            ],
            keys: vec![recipient_key()],
            ..Given::default()
        }
    }

    fn seen(talk: Talk, text: &str) -> Seen {
        find(&CHECK, talk.quit(), given(text))
    }

    fn blob() -> Talk {
        Talk::ehlo(&[]).message(&smime("", "enveloped-aes128.der"))
    }

    #[test]
    fn it_can_be_read_beside_the_blob() {
        let talk = Talk::ehlo(&[]).message(&beside("enveloped-aes128.der", "a Canary-File"));
        seen(talk, "Canary-File").observed("outside the envelope, the configured attachment is", &["Canary-File"]);
        // Base64 hides nothing.
        let encoded = blob().message(&beside("enveloped-aes128.der", "Q2FuYXJ5LUZpbGU="));
        seen(encoded, "Canary-File").observed("outside the envelope", &["Q2FuYXJ5LUZpbGU…"]);
    }

    #[test]
    fn it_cannot() {
        let quote = base64_body("enveloped-aes128.der");
        seen(blob(), "Canary-File").not_observed("it was left out", &[&quote]);
        seen(blob(), BODY).not_observed("it is inside the envelope", &[&quote]);
        let closed = Given { keys: Vec::new(), ..given("Canary-File") };
        find(&CHECK, blob().quit(), closed).not_observed("whether it is inside", &[&quote]);
        // A text beside the blob is no attachment.
        let note = Talk::ehlo(&[]).message(&beside("enveloped-aes128.der", "Canary-Note"));
        seen(note, "Canary-File").not_observed("it was left out", &["MI…"]);
    }

    #[test]
    fn what_is_not_known() {
        find(&CHECK, blob().quit(), Given::default()).undetermined("no attachment");
        seen(Talk::ehlo(&[]), "Canary-File").undetermined("no message was sent");
        let torn = blob().torn(&beside("enveloped-aes128.der", "some lost text"), "lost");
        seen(torn, "Canary-File").undetermined("the whole message");
        seen(Talk::ehlo(&[]).message(&plain("", "Canary-File")), "Canary-File").not_applicable("not encrypted");
    }
}

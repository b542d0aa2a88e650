//! Is the body of an unprotected message readable?

use crate::given::Protection;
use crate::{Check, Finding, Subject};

use super::exposure;

pub(super) static CHECK: Check = Check {
    id: "body-readable",
    observed_when: "the body of a message that nothing was to protect is read from the capture",
    trigger: "a whole message was sent, and a text of its body is known or a text part is there to be read",
    method: "The known text is searched at every depth that opens without a key: raw, after quoted-printable and \
             base64, inside signed blobs. A raw search alone would prove nothing, since base64 hides a text from it. \
             Where no text is known, a text part that decodes and is not CMS counts as readable.",
    references: &["RFC 2045 6", "RFC 5321 4.5.2"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    match subject.given().protection {
        Some(Protection::None) | None => {}
        Some(_) => return Finding::not_applicable("about a message that nothing was to protect"),
    }
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let Some(sent) = subject.sent().next() else {
        return Finding::undetermined(subject.blind().unwrap_or_else(|| "no message was sent".to_owned()));
    };
    let encrypted = sent.encrypted();
    if let Some(blob) = &encrypted
        && subject.given().protection == Some(Protection::None)
    {
        return Finding::not_observed(
            "the message was encrypted although nothing was to protect it",
            vec![sent.evidence(blob.range.clone(), "CMS blob in the place of the body")],
        );
    }
    if encrypted.is_some() {
        return Finding::not_applicable("the message is encrypted with S/MIME");
    }
    if let Some(reason) = sent.incomplete() {
        return Finding::undetermined(reason);
    }
    if let Some(body) = &subject.given().body {
        let seen = exposure::in_message(&sent, body.expose(), "the body's text");
        return match seen.first() {
            Some(first) => Finding::observed(first.what.clone(), seen),
            None => Finding::not_observed(
                "the body's text is not in the message at any depth",
                vec![sent.all("the message")],
            ),
        };
    }
    let text = sent.message.parts().into_iter().find(|part| {
        part.children.is_empty() && part.content_type.starts_with("text/") && !part.decoded.trim_ascii().is_empty()
    });
    match text {
        Some(part) => Finding::observed(
            format!("{} of {} bytes is readable ({})", part.content_type, part.decoded.len(), part.transfer_encoding.name()),
            vec![sent.evidence(part.body.clone(), format!("{} part", part.content_type))],
        ),
        None => Finding::undetermined("the message has no text part, and no text of its body is known"),
    }
}

//! Does the S/MIME encoder encrypt without being told to?

use crate::given::Protection;
use crate::{Check, Finding, Subject};

use super::exposure;

pub(super) static CHECK: Check = Check {
    id: "encoder-alone-encrypts",
    observed_when: "with an encoder that is told neither to encrypt nor to sign, the body is encrypted",
    trigger: "the encoder is in the pipeline with its defaults, and a text of the body is known",
    method: "The known text is searched after undoing transfer encodings. The encoder's default is base64, so a raw \
             search would take an encoded body for an encrypted one.",
    references: &["RFC 8551 3.1", "RFC 2045 6.8"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    match subject.given().protection {
        Some(Protection::EncoderOnly) => {}
        Some(_) => return Finding::not_applicable("about an encoder that is told neither to encrypt nor to sign"),
        None => return Finding::undetermined("whether an encoder is configured is not known"),
    }
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let Some(sent) = subject.sent().next() else {
        return Finding::undetermined(subject.blind().unwrap_or_else(|| "no message was sent".to_owned()));
    };
    if let Some(blob) = sent.encrypted() {
        return Finding::observed(
            format!("the body is {}", blob.name()),
            vec![sent.evidence(blob.range.clone(), format!("CMS {}", blob.name()))],
        );
    }
    if let Some(reason) = sent.incomplete() {
        return Finding::undetermined(reason);
    }
    let Some(body) = &subject.given().body else {
        return Finding::undetermined("no text of the body is known");
    };
    let seen = exposure::in_message(&sent, body.expose(), "the body's text");
    match seen.first() {
        Some(first) => Finding::not_observed(first.what.clone(), seen),
        None => Finding::undetermined("the body's text is not in the message at any depth, and no encryption is seen"),
    }
}

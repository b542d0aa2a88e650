//! Does an opaque signature hide anything?

use smtp::cms::Cms;

use crate::given::Protection;
use crate::subject::Blob;
use crate::{Check, Finding, Subject};

use super::exposure;

pub(super) static CHECK: Check = Check {
    id: "blob-signed-readable",
    observed_when: "the message is an opaque SignedData blob, and its text is read out of it without a key",
    trigger: "the message was to be blob-signed, and a text of its body is known",
    method: "The blob is opened after base64 as CMS SignedData (OID 1.2.840.113549.1.7.2), whose content needs no key. \
             Its MIME label, and the fact that a raw search finds nothing, make it look encrypted; it is not.",
    references: &["RFC 8551 3.5.2", "RFC 5652 5.1"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let given = subject.given();
    match given.protection {
        Some(Protection::BlobSigned) | None => {}
        Some(_) => return Finding::not_applicable("about a message signed as a blob"),
    }
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let Some(sent) = subject.sent().next() else {
        return Finding::undetermined(subject.blind().unwrap_or_else(|| "no message was sent".to_owned()));
    };
    let blob = sent.blobs().into_iter().find(|blob| matches!(blob.cms, Cms::Signed(s) if s.content.is_some()));
    let Some(blob) = blob else {
        if given.protection.is_none() {
            return Finding::not_applicable("about a message signed as a blob; this one is not");
        }
        if let Some(reason) = sent.incomplete() {
            return Finding::undetermined(reason);
        }
        let what = sent.blobs().first().map_or("no CMS at all", Blob::name);
        return Finding::not_observed(
            format!("the message was to be signed as a blob; it is {what}"),
            vec![sent.all("the message")],
        );
    };
    let Some(body) = &given.body else {
        return Finding::undetermined("no text of the body is known")
            .with(vec![sent.evidence(blob.range.clone(), "CMS SignedData")]);
    };
    let mut evidence = exposure::in_message(&sent, body.expose(), "the body's text");
    if evidence.is_empty() {
        return Finding::not_observed(
            "the body's text is not readable in the signed blob",
            vec![sent.evidence(blob.range.clone(), "CMS SignedData")],
        );
    }
    evidence.push(sent.evidence(blob.range.clone(), "CMS SignedData"));
    Finding::observed(evidence[0].what.clone(), evidence)
}

//! Does an opaque signature hide anything?

use smtp::cms::Cms;

use super::{each, exposure};
use crate::given::Protection;
use crate::subject::{Blob, Sent};
use crate::{Check, Finding, Given, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "blob-signed-readable",
    observed_when: "the message is an opaque SignedData blob, and its text is read out of it without a key",
    trigger: "the message was to be blob-signed, and a text of its body is known",
    method: "The blob is opened after base64 as CMS SignedData (OID 1.2.840.113549.1.7.2), whose content needs no key. \
             Its MIME label, and the fact that a raw search finds nothing, make it look encrypted; it is not. TLS around \
             it is no property of the blob and does not count.",
    references: &["RFC 8551 3.5.2", "RFC 5652 5.1"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let given = subject.given();
    match given.protection {
        Some(Protection::BlobSigned) | None => {}
        Some(_) => return Finding::not_applicable("about a message signed as a blob"),
    }
    each::message(subject, Observation::NotObserved, |sent| judge(given, sent))
}

fn judge(given: &Given, sent: &Sent<'_>) -> Finding {
    let opaque = |blob: &Blob<'_>| matches!(blob.cms, Cms::Signed(s) if s.content.is_some());
    let Some(blob) = sent.blobs().into_iter().find(opaque) else {
        if let Some(reason) = sent.incomplete().or_else(|| sent.unlisted()) {
            return Finding::undetermined(reason);
        }
        if given.protection.is_none() {
            return Finding::not_applicable("about a message signed as a blob; this one is not");
        }
        let blobs = sent.blobs();
        let what = blobs.first().map_or("no CMS at all", Blob::name);
        return Finding::not_observed(
            format!("the message was to be signed as a blob; it is {what}"),
            vec![sent.all("the message")],
        );
    };
    let shown = || sent.evidence(blob.range.clone(), "CMS SignedData");
    let Some(body) = &given.body else {
        return Finding::undetermined("no text of the body is known").with(vec![shown()]);
    };
    let mut evidence = exposure::in_message(sent, body.expose(), "the body's text");
    if evidence.is_empty() {
        return match sent.encrypted() {
            Some(_) => Finding::not_observed("what is signed is encrypted", vec![shown()]),
            None => Finding::undetermined(
                sent.unkept()
                    .unwrap_or_else(|| "the body's text is not in the signed blob".to_owned()),
            )
            .with(vec![shown()]),
        };
    }
    evidence.push(shown());
    Finding::observed(evidence[0].what.clone(), evidence)
}

#[cfg(test)]
mod tests {
    use smtp::Secret;

    use super::super::testing::{BODY, Seen, Talk, base64_body, find, plain, smime};
    use super::*;

    fn given(protection: Option<Protection>) -> Given {
        let body = Some(Secret::new(BODY.as_bytes()));
        Given { body, protection, ..Given::default() }
    }

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk.quit(), given(Some(Protection::BlobSigned)))
    }

    fn sent(file: &str) -> Talk {
        Talk::ehlo(&[]).message(&smime("", file))
    }

    #[test]
    fn the_text_is_read_out_of_the_blob() {
        for file in ["signed-opaque.der", "signed-sha1.der", "signed-noattr.der"] {
            let quote = base64_body(file);
            let found = seen(sent(file).gap());
            found.observed("CMS signed-data", &[&quote]);
            assert_eq!(found.quotes.last(), Some(&quote));
            find(&CHECK, sent(file).quit(), given(None)).observed("CMS signed-data", &[&quote]);
        }
    }

    #[test]
    fn something_else_in_its_place() {
        seen(sent("enveloped-aes128.der")).not_observed("it is EnvelopedData", &["From: …"]);
        let clear = Talk::ehlo(&[]).message(&plain("", BODY));
        seen(clear).not_observed("it is no CMS at all", &["From: …"]);
        let second = sent("signed-opaque.der").message(&smime("", "enveloped-aes128.der"));
        seen(second).not_observed("it is EnvelopedData", &["From: …"]);
    }

    #[test]
    fn without_a_known_text_nothing_is_shown() {
        let talk = || sent("signed-opaque.der").quit();
        find(&CHECK, talk(), Given::default()).undetermined("no text of the body is known");
        let other = Given { body: Some(Secret::new(*b"another")), ..Given::default() };
        find(&CHECK, talk(), other).undetermined("is not in the signed blob");
        seen(Talk::ehlo(&[])).undetermined("no message was sent");
    }

    #[test]
    fn a_blob_with_a_hole_in_it() {
        let text = smime("", "signed-opaque.der");
        let middle = &text[text.len() / 2..text.len() / 2 + 10];
        seen(Talk::ehlo(&[]).torn(&text, middle)).undetermined("the whole message");
    }

    #[test]
    fn a_message_that_was_not_to_be_blob_signed() {
        let clear = Talk::ehlo(&[]).message(&plain("", BODY)).quit();
        find(&CHECK, clear, given(None)).not_applicable("this one is not");
        let other = given(Some(Protection::Encrypted));
        find(&CHECK, sent("signed-opaque.der").quit(), other).not_applicable("signed as a blob");
    }
}

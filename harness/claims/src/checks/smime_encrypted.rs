//! Is the body really encrypted?

use smtp::cms;

use crate::given::Protection;
use crate::subject::Blob;
use crate::{Check, Finding, Subject};

use super::exposure;

pub(super) static CHECK: Check = Check {
    id: "smime-encrypted",
    observed_when: "the body is CMS EnvelopedData (or AuthEnvelopedData), opens with the recipient's key, and only so",
    trigger: "a text of the body is known, and the recipient's key opens the blob and shows it",
    method: "The content type is read from the OID in the CMS ContentInfo, never from the MIME label. The known text \
             must be absent at every depth that opens without a key (a signed blob and a base64 label open without \
             one) and present after decryption with the recipient's key.",
    references: &["RFC 5652 6.1", "RFC 5083 2.1", "RFC 8551 3.3", "RFC 8551 3.4"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let given = subject.given();
    match given.protection {
        Some(Protection::Encrypted) | None => {}
        Some(_) => return Finding::not_applicable("about a message that was to be encrypted"),
    }
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let Some(sent) = subject.sent().next() else {
        return Finding::undetermined(subject.blind().unwrap_or_else(|| "no message was sent".to_owned()));
    };
    if let Some(reason) = sent.incomplete() {
        return Finding::undetermined(reason);
    }
    let exposed = given
        .body
        .as_ref()
        .map(|body| exposure::in_message(&sent, body.expose(), "the body's text"))
        .unwrap_or_default();
    let blob = sent.blobs().into_iter().next();
    let Some(encrypted) = sent.encrypted() else {
        if given.protection.is_none() {
            return match blob {
                Some(other) => Finding::not_applicable(format!("the blob is {}, which is not encryption", other.name())),
                None => Finding::not_applicable("the message is not S/MIME"),
            };
        }
        let what = blob.as_ref().map_or("not S/MIME at all", Blob::name);
        let mut evidence = exposed;
        evidence.extend(blob.map(|other| sent.evidence(other.range.clone(), format!("CMS {}", other.name()))));
        if evidence.is_empty() {
            evidence.push(sent.all("the message"));
        }
        return Finding::not_observed(format!("the body was to be encrypted; it is {what}"), evidence);
    };
    let evidence = vec![sent.evidence(encrypted.range.clone(), format!("CMS {}", encrypted.name()))];
    if !exposed.is_empty() {
        let reason = format!("there is {}, and yet {}", encrypted.name(), exposed[0].what);
        return Finding::not_observed(reason, exposed);
    }
    let Some(body) = &given.body else {
        return Finding::undetermined(format!("{}; no text of the body is known", encrypted.name())).with(evidence);
    };
    if given.keys.is_empty() {
        return Finding::undetermined(format!("{}; the recipient's key is not at hand", encrypted.name())).with(evidence);
    }
    match cms::open(&encrypted.part.cms_bytes().unwrap_or_default(), &given.keys) {
        Ok(plain) if smtp::message::Message::read(&plain).find(body.expose()).is_empty() => {
            Finding::undetermined("the recipient's key opens the blob, but the known text is not in it").with(evidence)
        }
        Ok(_) => Finding::observed(
            format!(
                "{} with {}; opens with the recipient's key only",
                encrypted.name(),
                encrypted.cipher().map_or("an unnamed cipher", |cipher| cipher.name.as_str())
            ),
            evidence,
        ),
        Err(error) => Finding::undetermined(format!("the recipient's key does not open the blob: {error}")).with(evidence),
    }
}

//! Is a clear-signed message readable by all?

use smtp::cms::{Cms, SignatureCheck};

use crate::given::Protection;
use crate::{Check, Finding, Subject};

use super::exposure;

pub(super) static CHECK: Check = Check {
    id: "clear-signed-readable",
    observed_when: "the message is multipart/signed, its text is readable, and the signer can be read",
    trigger: "the message was to be clear-signed, and a text of its body is known",
    method: "The top entity must be multipart/signed with a pkcs7-signature part that parses as detached SignedData. \
             The known text must be readable outside the signature, and the signer's certificate shows whose it is.",
    references: &["RFC 8551 3.5.3", "RFC 1847 2.1", "RFC 5652 5.1"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let given = subject.given();
    match given.protection {
        Some(Protection::ClearSigned) | None => {}
        Some(_) => return Finding::not_applicable("about a clear-signed message"),
    }
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let Some(sent) = subject.sent().next() else {
        return Finding::undetermined(subject.blind().unwrap_or_else(|| "no message was sent".to_owned()));
    };
    let root = &sent.message.root;
    if root.content_type != "multipart/signed" {
        if given.protection.is_none() {
            return Finding::not_applicable("about a clear-signed message; this one is not");
        }
        return Finding::not_observed(
            format!("the message was to be clear-signed; it is {}", root.content_type),
            vec![sent.evidence(root.body.clone(), format!("{} body", root.content_type))],
        );
    }
    if let Some(reason) = sent.incomplete() {
        return Finding::undetermined(reason);
    }
    let signature = sent.blobs().into_iter().find_map(|blob| match blob.cms {
        Cms::Signed(signed) if signed.content.is_none() => Some((blob.range, blob.part, signed)),
        _ => None,
    });
    let Some((range, part, signed)) = signature else {
        return Finding::not_observed(
            "multipart/signed without a detached CMS signature",
            vec![sent.evidence(root.body.clone(), "multipart/signed body")],
        );
    };
    let mut evidence = match &given.body {
        Some(body) => exposure::in_message(&sent, body.expose(), "the body's text"),
        None => return Finding::undetermined("no text of the body is known"),
    };
    if evidence.is_empty() {
        return Finding::not_observed("the body's text is not readable", vec![sent.all("the message")]);
    }
    evidence.push(sent.evidence(range, "detached CMS SignedData"));
    let check = match sent.message.check_signature(part) {
        Some(SignatureCheck::Valid) => "the signature is valid".to_owned(),
        Some(SignatureCheck::Invalid(why)) => {
            return Finding::not_observed(format!("the signature does not fit the text: {why}"), evidence);
        }
        Some(SignatureCheck::NotVerifiable(reason)) => format!("the signature was not verified: {reason}"),
        None => "the signature was not verified".to_owned(),
    };
    let signer = signed.certificates.first().map_or("a signer without a certificate", |c| c.subject.as_str());
    Finding::observed(format!("multipart/signed by {signer}; {check}; {}", evidence[0].what), evidence)
}

//! Is a clear-signed message readable by all?

use smtp::cms::{Cms, SignatureCheck};

use super::{each, exposure};
use crate::given::Protection;
use crate::subject::Sent;
use crate::{Check, Finding, Given, Observation, Subject};

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
    each::message(subject, Observation::NotObserved, |sent| judge(given, sent))
}

fn judge(given: &Given, sent: &Sent<'_>) -> Finding {
    if let Some(reason) = sent.incomplete() {
        return Finding::undetermined(reason);
    }
    let root = &sent.message.root;
    let body = |what: String| vec![sent.evidence(root.body.clone(), what)];
    if root.content_type != "multipart/signed" {
        if given.protection.is_none() {
            return Finding::not_applicable("about a clear-signed message; this one is not");
        }
        let what = &root.content_type;
        let reason = format!("the message was to be clear-signed; it is {what}");
        return Finding::not_observed(reason, body(format!("{what} body")));
    }
    let detached = sent.blobs().into_iter().find_map(|blob| match blob.cms {
        Cms::Signed(signed) if signed.content.is_none() => Some((blob, signed)),
        _ => None,
    });
    let Some((blob, signed)) = detached else {
        if let Some(reason) = sent.unkept() {
            return Finding::undetermined(reason);
        }
        return Finding::not_observed(
            "multipart/signed without a detached CMS signature",
            body("multipart/signed body".to_owned()),
        );
    };
    if let Some(finding) = sent.hidden_by_tls() {
        return finding;
    }
    let Some(text) = &given.body else {
        return Finding::undetermined("no text of the body is known");
    };
    let mut evidence = exposure::in_message(sent, text.expose(), "the body's text");
    if evidence.is_empty() {
        return match sent.encrypted() {
            Some(inner) => Finding::not_observed(
                "what is signed is encrypted",
                vec![sent.evidence(inner.range.clone(), format!("CMS {}", inner.name()))],
            ),
            None => Finding::undetermined(
                sent.unkept()
                    .unwrap_or_else(|| "the body's text is not in the message at any depth".to_owned()),
            ),
        };
    }
    evidence.push(sent.evidence(blob.range, "detached CMS SignedData"));
    let check = match sent.message.check_signature(blob.part) {
        Some(SignatureCheck::Valid) => "the signature is valid".to_owned(),
        Some(SignatureCheck::Invalid(why)) => {
            let reason = format!("the signature does not fit the text: {why}");
            return Finding::not_observed(reason, evidence);
        }
        Some(SignatureCheck::NotVerifiable(reason)) => {
            format!("the signature was not verified: {reason}")
        }
        None => "the signature was not verified".to_owned(),
    };
    let by = signed
        .certificates
        .first()
        .map_or("a signer without a certificate", |c| c.subject.as_str());
    let reason = format!("multipart/signed by {by}; {check}; {}", evidence[0].what);
    Finding::observed(reason, evidence)
}

#[cfg(test)]
mod tests {
    use smtp::Secret;

    use super::super::testing::{BODY, Seen, Talk, find, mail_fixture, plain, smime};
    use super::*;

    fn given(protection: Option<Protection>) -> Given {
        let body = Some(Secret::new(BODY.as_bytes()));
        Given { body, protection, ..Given::default() }
    }

    fn seen(text: &str) -> Seen {
        let talk = Talk::ehlo(&[]).message(text).quit();
        find(&CHECK, talk, given(Some(Protection::ClearSigned)))
    }

    fn signed() -> String {
        mail_fixture("signed-clear.eml")
    }

    #[test]
    fn text_and_signer_are_readable() {
        let found = seen(&signed());
        found.observed("Sender", &["Canary=2DBody=2D7731 stands here.…"]);
        assert!(found.finding.reason.contains("the signature is valid"), "{found:?}");
        assert!(found.quotes.last().is_some_and(|quote| quote.starts_with("MII")), "{found:?}");
        let talk = Talk::ehlo(&[]).message(&signed()).gap().quit();
        find(&CHECK, talk, given(None)).observed("multipart/signed by", &["Canary=2DBody…"]);
    }

    #[test]
    fn something_else_in_its_place() {
        let opaque = seen(&smime("", "signed-opaque.der"));
        opaque.not_observed("it is application/pkcs7-mime", &["MII…"]);
        seen(&plain("", BODY)).not_observed("it is text/plain", &["Canary-Body-7731\r\n"]);
        let forged = signed().replace("stands here", "stood there");
        seen(&forged).not_observed("does not fit the text", &["Canary=2DBody=2D7731 stood there.…"]);
        let unsigned = signed().replace("MII", "!!!");
        seen(&unsigned).not_observed("without a detached CMS signature", &["This is an S/MIME…"]);
    }

    #[test]
    fn a_later_message_that_is_not_signed() {
        let talk = Talk::ehlo(&[]).message(&signed()).message(&plain("", BODY)).quit();
        let found = find(&CHECK, talk, given(Some(Protection::ClearSigned)));
        found.not_observed("it is text/plain", &["Canary-Body-7731\r\n"]);
    }

    #[test]
    fn without_a_known_text_nothing_is_shown() {
        let talk = || Talk::ehlo(&[]).message(&signed()).quit();
        find(&CHECK, talk(), Given::default()).undetermined("no text of the body is known");
        let other = Given { body: Some(Secret::new(*b"another")), ..Given::default() };
        find(&CHECK, talk(), other).undetermined("not in the message");
        find(&CHECK, Talk::ehlo(&[]).quit(), Given::default()).undetermined("no message was sent");
    }

    #[test]
    fn a_message_with_a_hole_in_it() {
        let torn = Talk::ehlo(&[]).torn(&signed(), "stands").quit();
        find(&CHECK, torn, given(Some(Protection::ClearSigned))).undetermined("the whole message");
    }

    #[test]
    fn a_message_that_was_not_to_be_clear_signed() {
        let talk = || Talk::ehlo(&[]).message(&plain("", BODY)).quit();
        find(&CHECK, talk(), given(None)).not_applicable("this one is not");
        find(&CHECK, talk(), given(Some(Protection::None))).not_applicable("about a clear-signed");
    }
}

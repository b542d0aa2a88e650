//! With encryption, is the signature an opaque one inside the envelope?

use super::wrappings::{Kind, Wrappings};
use super::each;
use crate::subject::Sent;
use crate::{Check, Finding, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "signature-inside-envelope",
    observed_when: "the message was signed before it was encrypted: inside the envelope, and in no other place, stands opaque \
                    SignedData",
    trigger: "the message is signed and encrypted, and the recipient's key opens it",
    method: "The wrappings are taken off from the outside in. A signature around the envelope, beside it or not, was made after \
             encryption; a multipart/signed inside is a clear signature. Without the key nobody knows what is inside.",
    references: &["RFC 8551 3.6", "RFC 8551 3.5.2", "RFC 5652 5.1"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    each::message(subject, Observation::NotObserved, |sent| judge(subject, sent))
}

fn judge(subject: &Subject<'_>, sent: &Sent<'_>) -> Finding {
    let wrappings = Wrappings::of(sent);
    let Some(envelope) = wrappings.encryption() else {
        return match sent.incomplete().or_else(|| sent.unlisted()) {
            Some(reason) => Finding::undetermined(reason),
            None if sent.encrypted().is_some() => {
                Finding::undetermined("the encrypted object does not stand by itself in the message")
            }
            None => Finding::not_applicable("about a message that is signed and encrypted; this one is not encrypted"),
        };
    };
    let shown = || vec![envelope.evidence(sent)];
    let signatures = || wrappings.all.iter().filter(|one| one.signed().is_some());
    if let Some(outside) = signatures().find(|one| !one.inside) {
        let reason = format!("{} stands around what is encrypted: signed after encryption", outside.name());
        return Finding::not_observed(reason, vec![outside.evidence(sent), envelope.evidence(sent)]);
    }
    let clear = signatures().find(|one| matches!(one.kind, Kind::Clear(_)));
    if let Some(clear) = clear {
        return Finding::not_observed("inside the envelope stands a clear signature", vec![clear.evidence(sent)]);
    }
    if let Some(opaque) = signatures().next() {
        let evidence = vec![opaque.evidence(sent)];
        return Finding::observed("inside the envelope stands an opaque signature, and none around it", evidence);
    }
    match (&wrappings.payload, subject.given().pipeline.signs) {
        (Err(reason), _) => Finding::undetermined(reason.clone()).with(shown()),
        (Ok(_), Some(true)) => Finding::not_observed("the message was to be signed, and what is encrypted is not", shown()),
        (Ok(_), _) => Finding::not_applicable("about a signed message; what is encrypted is not signed"),
    }
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD as BASE64, Engine as _};

    use super::super::testing::{
        Seen, Talk, base64_body, beside, find, fixture, mail_fixture, other_key, plain, recipient_key, smime,
    };
    use super::*;
    use crate::Given;
    use crate::given::Pipeline;

    fn given(signs: Option<bool>) -> Given {
        let pipeline = Pipeline { signs, ..Pipeline::default() };
        Given { keys: vec![recipient_key()], pipeline, ..Given::default() }
    }

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk.quit(), given(Some(true)))
    }

    fn sent(text: &str) -> Talk {
        Talk::ehlo(&[]).message(text)
    }

    #[test]
    fn an_opaque_signature_inside() {
        seen(sent(&mail_fixture("sign-encrypt.eml"))).observed("an opaque signature", &["MI…"]);
        find(&CHECK, sent(&mail_fixture("sign-encrypt.eml")).quit(), given(None)).observed("an opaque", &["MI…"]);
    }

    #[test]
    fn a_clear_signature_inside() {
        seen(sent(&mail_fixture("sealed-hp.eml"))).not_observed("a clear signature", &["MI…"]);
    }

    /// The encrypted part of a fixture with a detached signature beside it, valid or not.
    fn signed_around() -> String {
        let signature = BASE64.encode(fixture("signed-detached.der"));
        format!(
            "From: a@b\nContent-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; boundary=s\n\n--s\n\
             Content-Type: application/pkcs7-mime\nContent-Transfer-Encoding: base64\n\n{}\n--s\n\
             Content-Type: application/pkcs7-signature\nContent-Transfer-Encoding: base64\n\n{signature}\n--s--\n",
            base64_body("enveloped-aes128.der").replace("\r\n", "\n")
        )
    }

    #[test]
    fn a_signature_around_the_envelope() {
        seen(sent(&signed_around())).not_observed("signed after encryption", &["MI…", "MI…"]);
        // Nothing has to be opened to see it.
        find(&CHECK, sent(&signed_around()).quit(), Given::default()).not_observed("multipart/signed", &["MI…"]);
    }

    #[test]
    fn no_signature_where_one_was_to_be() {
        let quote = base64_body("enveloped-aes128.der");
        seen(sent(&smime("", "enveloped-aes128.der"))).not_observed("and what is encrypted is not", &[&quote]);
        for signs in [None, Some(false)] {
            let talk = sent(&smime("", "enveloped-aes128.der")).quit();
            find(&CHECK, talk, given(signs)).not_applicable("what is encrypted is not signed");
        }
    }

    #[test]
    fn what_is_not_opened_is_not_known() {
        let talk = || sent(&mail_fixture("sign-encrypt.eml")).quit();
        find(&CHECK, talk(), Given::default()).undetermined("key is not at hand");
        let other = Given { keys: vec![other_key()], ..given(Some(true)) };
        find(&CHECK, talk(), other).undetermined("does not open the blob");
        seen(sent(&mail_fixture("sealed-bare.eml"))).undetermined("not a MIME entity");
        seen(sent(&mail_fixture("sealed-twice.eml"))).undetermined("once more");
        seen(sent(&beside("enveloped-aes128.der", "note"))).undetermined("not stand by itself");
        seen(Talk::ehlo(&[])).undetermined("no message was sent");
        let torn = Talk::ehlo(&[]).torn(&plain("", "some lost text"), "lost");
        seen(torn).undetermined("the whole message");
    }

    #[test]
    fn a_message_that_is_only_signed() {
        for file in ["signed-opaque.der", "signed-sha1.der"] {
            seen(sent(&smime("", file))).not_applicable("not encrypted");
        }
        seen(sent(&mail_fixture("signed-clear.eml"))).not_applicable("not encrypted");
    }
}

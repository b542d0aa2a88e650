//! Would a change to an encrypted message go unnoticed?

use super::wrappings::{Kind, Wrappings};
use super::each;
use crate::subject::Sent;
use crate::{Check, Finding, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "changes-unnoticed",
    observed_when: "what is encrypted is EnvelopedData with nothing signed around or inside it",
    trigger: "the message is encrypted and not signed, as the recipient's key shows",
    method: "EnvelopedData has no integrity of its own: whoever holds the bytes can flip bits of the plain text without the key, \
             and it still decrypts. AuthEnvelopedData and a signature would tell. What is inside is known only with the key.",
    references: &["RFC 5652 6.1", "RFC 5083 1", "RFC 8551 6"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    each::message(subject, Observation::NotObserved, |sent| judge(subject, sent))
}

fn judge(subject: &Subject<'_>, sent: &Sent<'_>) -> Finding {
    let Some(blob) = sent.encrypted() else {
        return match sent.incomplete().or_else(|| sent.unlisted()) {
            Some(reason) => Finding::undetermined(reason),
            None => Finding::not_applicable("about an encrypted message; this one is not encrypted"),
        };
    };
    let wrappings = Wrappings::of(sent);
    let evidence = || vec![sent.evidence(blob.range.clone(), format!("CMS {}", blob.name()))];
    let Some(envelope) = wrappings.encryption() else {
        return Finding::undetermined("the encrypted object does not stand by itself in the message").with(evidence());
    };
    if let Kind::AuthEnveloped(data) = envelope.kind {
        let reason = format!("AuthEnvelopedData with {}: a change makes decryption fail", data.cipher.name);
        return Finding::not_observed(reason, evidence());
    }
    if let Some(signature) = wrappings.all.iter().find(|one| one.signed().is_some()) {
        if subject.given().pipeline.signs == Some(false) {
            let reason = "the message was not to be signed, and a signature would show a change";
            return Finding::not_observed(reason, vec![signature.evidence(sent)]);
        }
        return Finding::not_applicable("about a message that is encrypted only; this one is signed too");
    }
    if let Err(reason) = wrappings.payload {
        return Finding::undetermined(format!("EnvelopedData; whether it is signed inside is not known: {reason}"))
            .with(evidence());
    }
    let cipher = blob.cipher().map_or("an unnamed cipher", |cipher| cipher.name.as_str());
    Finding::observed(format!("EnvelopedData with {cipher}, not signed: a change would go unnoticed"), evidence())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{
        Seen, Talk, base64_body, beside, find, mail_fixture, other_key, plain, recipient_key, smime,
    };
    use super::*;
    use crate::Given;
    use crate::given::Pipeline;

    fn given(signs: Option<bool>) -> Given {
        let pipeline = Pipeline { signs, ..Pipeline::default() };
        Given { keys: vec![recipient_key()], pipeline, ..Given::default() }
    }

    fn seen(text: &str) -> Seen {
        find(&CHECK, Talk::ehlo(&[]).message(text).quit(), given(None))
    }

    #[test]
    fn encrypted_only() {
        let quote = base64_body("enveloped-aes128.der");
        seen(&smime("", "enveloped-aes128.der")).observed("with AES-128-CBC, not signed", &[&quote]);
        seen(&mail_fixture("sealed-wrapped.eml")).observed("would go unnoticed", &["MI…"]);
    }

    #[test]
    fn what_would_show_a_change() {
        let quote = base64_body("enveloped-gcm256.der");
        seen(&smime("", "enveloped-gcm256.der")).not_observed("a change makes decryption fail", &[&quote]);
        let second = Talk::ehlo(&[])
            .message(&smime("", "enveloped-aes128.der"))
            .message(&smime("", "enveloped-gcm256.der"));
        find(&CHECK, second.quit(), given(None)).not_observed("AES-256-GCM", &[&quote]);
        for (signs, file) in [(None, "sign-encrypt.eml"), (Some(true), "sealed-hp.eml")] {
            let talk = Talk::ehlo(&[]).message(&mail_fixture(file)).quit();
            find(&CHECK, talk, given(signs)).not_applicable("this one is signed too");
        }
        let unasked = Talk::ehlo(&[]).message(&mail_fixture("sign-encrypt.eml")).quit();
        find(&CHECK, unasked, given(Some(false))).not_observed("was not to be signed", &["MI…"]);
    }

    #[test]
    fn what_is_inside_is_not_known() {
        let talk = || Talk::ehlo(&[]).message(&smime("", "enveloped-aes128.der")).quit();
        find(&CHECK, talk(), Given::default()).undetermined("key is not at hand");
        let other = Given { keys: vec![other_key()], ..Given::default() };
        find(&CHECK, talk(), other).undetermined("whether it is signed inside");
        seen(&mail_fixture("sealed-bare.eml")).undetermined("not a MIME entity");
        seen(&beside("enveloped-aes128.der", "note")).undetermined("not stand by itself");
        find(&CHECK, Talk::ehlo(&[]).quit(), given(None)).undetermined("no message was sent");
    }

    #[test]
    fn a_message_that_is_not_encrypted() {
        seen(&smime("", "signed-opaque.der")).not_applicable("not encrypted");
        let torn = Talk::ehlo(&[]).torn(&plain("", "some lost text"), "lost").quit();
        find(&CHECK, torn, given(None)).undetermined("the whole message");
    }
}

//! Does the envelope hold a protected copy of the header?

use smtp::message::{Field, ProtectionForm};

use super::each;
use crate::subject::Sent;
use crate::{Check, Finding, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "header-protected-inside",
    observed_when: "inside the envelope stand header fields of the message, under an `hp` parameter or in a message/rfc822",
    trigger: "the message is encrypted, and the recipient's key opens it",
    method: "After decryption, and behind the signatures inside, the part is looked at for the `hp` parameter (RFC 9788) and for \
             a wrapped message (RFC 8551). A Subject of `[...]` outside shows nothing: it says that something is hidden, not \
             that it is inside. A forwarded message says that it is another one.",
    references: &["RFC 9788 2.1", "RFC 8551 3.1"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    each::message(subject, Observation::Observed, judge)
}

fn judge(sent: &Sent<'_>) -> Finding {
    let Some(blob) = sent.encrypted() else {
        return match sent.incomplete().or_else(|| sent.unlisted()) {
            Some(reason) => Finding::undetermined(reason),
            None => Finding::not_applicable("about an encrypted message; this one is not encrypted"),
        };
    };
    let evidence = || vec![sent.evidence(blob.range.clone(), format!("CMS {}", blob.name()))];
    let mut closed = None;
    for tried in &sent.tries.tried {
        match &tried.result {
            Ok(opened) => {
                let Some(protection) = opened.header_protection() else {
                    continue;
                };
                let form = match protection.form {
                    ProtectionForm::Cipher => "hp=\"cipher\" (RFC 9788)",
                    ProtectionForm::Clear => "hp=\"clear\" (RFC 9788)",
                    ProtectionForm::Wrapped => "a wrapped message (RFC 8551)",
                };
                let fields = names(&protection.fields);
                let hidden = names(&protection.hidden());
                let told = match hidden.as_str() {
                    "" => String::new(),
                    hidden => format!("; by HP-Outer, these do not stand outside as they are: {hidden}"),
                };
                let reason = format!("inside the envelope stand header fields as {form}: {fields}{told}");
                return Finding::observed(reason, evidence());
            }
            Err(error) => closed = Some(format!("the recipient's key does not open the blob: {error}")),
        }
    }
    if sent.tries.tried.is_empty() {
        closed = Some("the recipient's key is not at hand".to_owned());
    }
    if sent.tries.left_out > 0 {
        closed = Some("more parts are encrypted than are opened".to_owned());
    }
    let strange = sent.tries.tried.iter().any(|tried| tried.result.as_ref().is_ok_and(|opened| !opened.is_entity));
    if strange {
        closed = Some("what the recipient's key makes of the blob is not a MIME entity".to_owned());
    }
    match sent.unsearched().or(closed) {
        Some(reason) => Finding::undetermined(reason).with(evidence()),
        None => Finding::not_observed("the envelope holds the body and no header fields of the message", evidence()),
    }
}

fn names(fields: &[&Field]) -> String {
    let names: Vec<_> = fields.iter().take(16).map(|field| field.name.as_str()).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, base64_body, find, mail_fixture, other_key, plain, recipient_key, smime};
    use super::*;
    use crate::Given;

    fn given() -> Given {
        Given { keys: vec![recipient_key()], ..Given::default() }
    }

    fn seen(text: &str) -> Seen {
        find(&CHECK, Talk::ehlo(&[]).message(text).quit(), given())
    }

    #[test]
    fn both_ways_of_protecting_a_header() {
        for (file, form) in [
            ("sealed-hp.eml", "hp=\"cipher\" (RFC 9788): From, To, Subject"),
            ("sealed-hp.eml", "not stand outside as they are: From, To, Subject"),
            ("sealed-hp-clear.eml", "hp=\"clear\""),
            ("sealed-wrapped.eml", "a wrapped message"),
        ] {
            seen(&mail_fixture(file)).observed(form, &["MI…"]);
        }
        let second = Talk::ehlo(&[]).message(&smime("", "enveloped-aes128.der")).message(&mail_fixture("sealed-hp.eml"));
        find(&CHECK, second.quit(), given()).observed("hp=", &["MI…"]);
    }

    #[test]
    fn a_body_alone() {
        let quote = base64_body("enveloped-aes128.der");
        seen(&smime("", "enveloped-aes128.der")).not_observed("no header fields", &[&quote]);
        // A Subject that says that it is protected is none that is.
        seen(&smime("Subject: [...]\n", "enveloped-aes128.der")).not_observed("no header fields", &[&quote]);
        for file in ["sign-encrypt.eml", "sealed-forwarded.eml", "sealed-twice.eml"] {
            seen(&mail_fixture(file)).not_observed("no header fields", &["MI…"]);
        }
    }

    #[test]
    fn what_is_not_opened_is_not_known() {
        let talk = || Talk::ehlo(&[]).message(&mail_fixture("sealed-hp.eml")).quit();
        find(&CHECK, talk(), Given::default()).undetermined("key is not at hand");
        let other = Given { keys: vec![other_key()], ..Given::default() };
        find(&CHECK, talk(), other).undetermined("does not open");
        seen(&mail_fixture("sealed-bare.eml")).undetermined("not a MIME entity");
        find(&CHECK, Talk::ehlo(&[]).quit(), given()).undetermined("no message was sent");
    }

    #[test]
    fn a_message_that_is_not_encrypted() {
        seen(&smime("", "signed-opaque.der")).not_applicable("not encrypted");
        let torn = Talk::ehlo(&[]).torn(&plain("", "some lost text"), "lost").quit();
        find(&CHECK, torn, given()).undetermined("the whole message");
    }
}

//! Does the S/MIME encoder encrypt without being told to?

use super::{each, exposure};
use crate::given::Protection;
use crate::{Check, Finding, Observation, Subject};

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
        Some(_) => {
            return Finding::not_applicable("about an encoder that is told neither to encrypt nor to sign");
        }
        None => return Finding::undetermined("whether an encoder is configured is not known"),
    }
    each::message(subject, Observation::Observed, |sent| {
        if let Some(blob) = sent.encrypted() {
            let what = format!("CMS {}", blob.name());
            let evidence = vec![sent.evidence(blob.range.clone(), what)];
            return Finding::observed(format!("the body is {}", blob.name()), evidence);
        }
        if let Some(reason) = sent.incomplete() {
            return Finding::undetermined(reason);
        }
        let Some(body) = &subject.given().body else {
            return Finding::undetermined("no text of the body is known");
        };
        let seen = exposure::in_message(sent, body.expose(), "the body's text");
        match seen.first() {
            Some(first) => Finding::not_observed(first.what.clone(), seen),
            None => Finding::undetermined(sent.unkept().unwrap_or_else(|| {
                "the body's text is not in the message at any depth, and no encryption is seen".to_owned()
            })),
        }
    })
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD as BASE64, Engine as _};
    use smtp::Secret;

    use super::super::testing::{Seen, Talk, base64_body, find, plain, smime};
    use super::*;
    use crate::Given;

    fn given(protection: Option<Protection>) -> Given {
        Given { protection, body: Some(Secret::new(*b"Canary-Text")), ..Given::default() }
    }

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk.quit(), given(Some(Protection::EncoderOnly)))
    }

    fn encoded() -> Talk {
        let text = plain("Content-Transfer-Encoding: base64\n", &BASE64.encode("Canary-Text"));
        Talk::ehlo(&[]).message(&text)
    }

    #[test]
    fn an_encrypted_body_wherever_it_stands() {
        let blob = smime("", "enveloped-aes128.der");
        let quote = base64_body("enveloped-aes128.der");
        seen(Talk::ehlo(&[]).message(&blob)).observed("the body is EnvelopedData", &[&quote]);
        seen(encoded().message(&blob).gap()).observed("the body is EnvelopedData", &[&quote]);
    }

    #[test]
    fn base64_is_not_encryption() {
        seen(encoded()).not_observed("in part 1, base64 (UTF-8)", &["Q2FuYXJ5LVRleHQ=\r\n"]);
    }

    #[test]
    fn without_the_text_nothing_is_shown() {
        seen(Talk::ehlo(&[]).message(&plain("", "x"))).undetermined("not in the message");
        seen(Talk::ehlo(&[])).undetermined("no message was sent");
        let unknown = Given { body: None, ..given(Some(Protection::EncoderOnly)) };
        find(&CHECK, encoded().quit(), unknown).undetermined("no text of the body is known");
        find(&CHECK, encoded().quit(), given(None)).undetermined("whether an encoder");
    }

    #[test]
    fn a_message_with_a_hole_in_it() {
        let torn = plain("", "Canary-Text");
        seen(Talk::ehlo(&[]).torn(&torn, "Can")).undetermined("the whole message");
        seen(encoded().torn(&torn, "Can")).undetermined("the whole message");
    }

    #[test]
    fn an_encoder_that_is_told_to_encrypt() {
        find(&CHECK, encoded().quit(), given(Some(Protection::Encrypted))).not_applicable("neither");
    }
}

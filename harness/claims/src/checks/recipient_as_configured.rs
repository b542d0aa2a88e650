//! Is the message encrypted to the certificate of the send port, and to nobody else?

use smtp::cms::Cms;

use super::wrappings::who;
use super::each;
use crate::subject::Sent;
use crate::{Check, Finding, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "recipient-as-configured",
    observed_when: "each encrypted object names the certificate of the send port as its one and only recipient",
    trigger: "the message is encrypted, and the port's certificate is known",
    method: "Issuer and serial number, or key identifier, of every RecipientInfo are compared with those of the certificate. \
             Whoever else is named can read the message too. An object that breaks off among its recipients may name more.",
    references: &["RFC 5652 6.2", "RFC 5652 10.2.4"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    each::message(subject, Observation::NotObserved, |sent| judge(subject, sent))
}

fn judge(subject: &Subject<'_>, sent: &Sent<'_>) -> Finding {
    if each::is_control(subject, sent) {
        return Finding::not_applicable("the control message has a certificate of its own");
    }
    let known = subject.given().pipeline.recipient.as_ref();
    let mut good = None;
    let mut open = None;
    for blob in sent.blobs() {
        let (Cms::Enveloped(data) | Cms::AuthEnveloped(data)) = blob.cms else {
            continue;
        };
        let evidence = vec![sent.evidence(blob.range.clone(), format!("CMS {}", blob.name()))];
        let Some(known) = known else {
            let names: Vec<_> = data.recipients.iter().map(|to| who(&to.id)).collect();
            let reason = format!("readable by {}; the port's certificate is not known", names.join(" and "));
            return Finding::undetermined(reason).with(evidence);
        };
        let mut untold = false;
        for to in &data.recipients {
            match known.is(&to.id) {
                Some(true) => {}
                Some(false) => {
                    let reason = format!("encrypted to {}, which is not the port's certificate", who(&to.id));
                    return Finding::not_observed(reason, evidence);
                }
                None => untold = true,
            }
        }
        if untold {
            open.get_or_insert(("a recipient is named in a way that does not tell the certificate", evidence));
        } else if !blob.part.tells_all_algorithms() {
            open.get_or_insert(("the encrypted object breaks off, and may name more recipients", evidence));
        } else if data.recipients.is_empty() {
            return Finding::not_observed("encrypted to nobody", evidence);
        } else {
            let reason = format!("encrypted to {} only, the port's certificate", who(&data.recipients[0].id));
            good.get_or_insert_with(|| Finding::observed(reason, evidence));
        }
    }
    if let Some((reason, evidence)) = open {
        return Finding::undetermined(reason).with(evidence);
    }
    if let Some(reason) = sent.incomplete().or_else(|| sent.unlisted()) {
        return Finding::undetermined(reason);
    }
    good.unwrap_or_else(|| Finding::not_applicable("about an encrypted message; this one is not encrypted"))
}

#[cfg(test)]
mod tests {
    use smtp::cms::Identifier;
    use smtp::timeline::Keep;

    use super::super::testing::{Seen, Talk, base64_body, find, fixture, parts, plain, smime};
    use super::*;
    use crate::Given;
    use crate::given::{KnownCertificate, Pipeline, Withheld};

    /// The certificate that a fixture is encrypted to.
    fn certificate(file: &str) -> KnownCertificate {
        let Ok(Cms::Enveloped(data)) = Cms::read(&fixture(file)) else {
            panic!("{file} is EnvelopedData")
        };
        match &data.recipients[0].id {
            Identifier::IssuerAndSerial { issuer, serial } => {
                KnownCertificate { issuer: issuer.clone(), serial: serial.clone(), key_identifier: None }
            }
            Identifier::KeyIdentifier(id) => KnownCertificate {
                issuer: String::new(),
                serial: String::new(),
                key_identifier: Some(id.clone()),
            },
            other => panic!("{other:?}"),
        }
    }

    fn given(recipient: Option<KnownCertificate>) -> Given {
        Given { pipeline: Pipeline { recipient, ..Pipeline::default() }, ..Given::default() }
    }

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk.quit(), given(Some(certificate("enveloped-aes128.der"))))
    }

    fn sent(file: &str) -> Talk {
        Talk::ehlo(&[]).message(&smime("", file))
    }

    #[test]
    fn to_the_certificate_and_to_nobody_else() {
        for file in ["enveloped-aes128.der", "enveloped-3des.der", "enveloped-gcm256.der"] {
            seen(sent(file)).observed("only, the port's certificate", &[&base64_body(file)]);
        }
        let by_key = given(Some(certificate("enveloped-keyid.der")));
        find(&CHECK, sent("enveloped-keyid.der").quit(), by_key).observed("with key identifier", &["MI…"]);
    }

    #[test]
    fn to_somebody_else_alone_or_beside() {
        let other = given(Some(KnownCertificate {
            serial: "00".to_owned(),
            ..certificate("enveloped-aes128.der")
        }));
        let quote = base64_body("enveloped-aes128.der");
        find(&CHECK, sent("enveloped-aes128.der").quit(), other).not_observed("not the port's", &[&quote]);
        seen(sent("enveloped-two.der")).not_observed("not the port's", &[&base64_body("enveloped-two.der")]);
        seen(sent("enveloped-aes128.der").message(&smime("", "enveloped-many.der")))
            .not_observed("not the port's", &["MI…"]);
        let second = Talk::ehlo(&[]).message(&parts(&["enveloped-aes128.der", "enveloped-two.der"]));
        seen(second).not_observed("not the port's", &["MI…"]);
    }

    #[test]
    fn what_cannot_be_compared() {
        find(&CHECK, sent("enveloped-two.der").quit(), Given::default())
            .undetermined("; the port's certificate is not known");
        seen(sent("enveloped-keyid.der")).undetermined("does not tell the certificate");
        let cut = plain("Content-Transfer-Encoding: base64\n", &base64_body("enveloped-aes128.der")[..120]);
        seen(Talk::ehlo(&[]).message(&cut)).undetermined("may name more recipients");
        let short = Keep { cms: 100, leaf: 100, ..Keep::default() };
        seen(sent("enveloped-aes128.der").kept(short)).undetermined("may name more recipients");
        seen(Talk::ehlo(&[])).undetermined("no message was sent");
    }

    #[test]
    fn the_control_message_is_none_of_its_business() {
        let text = smime("Subject: ctrl-77\n", "enveloped-two.der");
        let withheld = Some(Withheld { control: "ctrl-77".to_owned() });
        let given = Given { withheld, ..given(Some(certificate("enveloped-aes128.der"))) };
        find(&CHECK, Talk::ehlo(&[]).message(&text).quit(), given).not_applicable("the control message");
    }

    #[test]
    fn a_message_that_is_not_encrypted() {
        seen(sent("signed-opaque.der")).not_applicable("not encrypted");
        seen(Talk::ehlo(&[]).message(&plain("", "x"))).not_applicable("not encrypted");
        let torn = Talk::ehlo(&[]).torn(&plain("", "some lost text"), "lost");
        seen(torn).undetermined("the whole message");
    }
}

//! Is the signer's certificate in the message?

use super::signed_with_sha1::unsigned;
use super::wrappings::{Wrappings, signers};
use super::each;
use crate::subject::Sent;
use crate::{Check, Finding, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "signer-certificate-included",
    observed_when: "the certificate of every signer is among the certificates of the signature",
    trigger: "the message is signed, in clear or inside an envelope that the recipient's key opens, and the encoder was not told \
              to leave the certificate out",
    method: "Issuer and serial number, or key identifier, of each SignerInfo are looked for in the certificates field. What is \
             found there tells subject, issuer and mail addresses to anybody who sees the signature.",
    references: &["RFC 5652 5.1", "RFC 8551 2.3"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    if subject.given().pipeline.adds_certificate == Some(false) {
        return Finding::not_applicable("about an encoder that was not told to leave the certificate out");
    }
    each::message(subject, Observation::NotObserved, |sent| judge(subject, sent))
}

fn judge(subject: &Subject<'_>, sent: &Sent<'_>) -> Finding {
    let wrappings = Wrappings::of(sent);
    if let Some(finding) = unsigned(subject, sent, &wrappings) {
        return finding;
    }
    let mut included = None;
    for (wrapping, signed, signer) in signers(&wrappings) {
        let evidence = vec![wrapping.evidence(sent)];
        let Some(certificate) = signed.certificate(signer) else {
            return Finding::not_observed("the signature is without the signer's certificate", evidence);
        };
        let mail = match certificate.emails.as_slice() {
            [] => "without a mail address".to_owned(),
            some => format!("with the mail address {}", some.join(" and ")),
        };
        let place = match () {
            () if wrapping.inside => "inside the envelope",
            () if sent.under_tls() => "under TLS",
            () => "for all to read",
        };
        let reason = format!("the signer's certificate is in it {place}: {}, {mail}", certificate.subject);
        included.get_or_insert_with(|| Finding::observed(reason, evidence));
    }
    included.unwrap_or_else(|| Finding::undetermined("the signature names no signer"))
}

#[cfg(test)]
mod tests {
    use smtp::timeline::Keep;

    use super::super::testing::{Seen, Talk, base64_body, find, mail_fixture, plain, recipient_key, smime};
    use super::*;
    use crate::Given;
    use crate::given::Pipeline;

    fn given() -> Given {
        Given { keys: vec![recipient_key()], ..Given::default() }
    }

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk.quit(), given())
    }

    fn sent(text: &str) -> Talk {
        Talk::ehlo(&[]).message(text)
    }

    #[test]
    fn the_certificate_is_there() {
        let quote = base64_body("signed-opaque.der");
        seen(sent(&smime("", "signed-opaque.der"))).observed("for all to read: ", &[&quote]);
        seen(sent(&mail_fixture("signed-clear.eml"))).observed("for all to read: ", &["MI…"]);
        seen(sent(&mail_fixture("sign-encrypt.eml"))).observed("inside the envelope: ", &["MI…"]);
    }

    #[test]
    fn the_certificate_is_left_out() {
        let quote = base64_body("signed-nocert.der");
        let bare = || smime("", "signed-nocert.der");
        seen(sent(&bare())).not_observed("without the signer's certificate", &[&quote]);
        seen(sent(&smime("", "signed-opaque.der")).message(&bare())).not_observed("without", &[&quote]);
        let pipeline = Pipeline { adds_certificate: Some(false), ..Pipeline::default() };
        let told = Given { pipeline, ..given() };
        find(&CHECK, sent(&bare()).quit(), told).not_applicable("not told to leave");
    }

    #[test]
    fn what_is_not_here() {
        let short = Keep { cms: 300, leaf: 300, ..Keep::default() };
        seen(sent(&smime("", "signed-nocert.der")).kept(short)).undetermined("breaks off");
        find(&CHECK, sent(&mail_fixture("sign-encrypt.eml")).quit(), Given::default()).undetermined("not at hand");
        seen(Talk::ehlo(&[])).undetermined("no message was sent");
        seen(Talk::ehlo(&[]).torn(&plain("", "some lost text"), "lost")).undetermined("the whole message");
        seen(sent(&plain("", "x"))).not_applicable("not signed");
    }
}

//! Are signatures made with SHA-1?

use super::wrappings::{Wrappings, signers};
use super::each;
use crate::subject::Sent;
use crate::{Check, Finding, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "signed-with-sha1",
    observed_when: "every signer of the message states SHA-1 as digest algorithm",
    trigger: "the message is signed, in clear or inside an envelope that the recipient's key opens",
    method: "The digest algorithm is read from each SignerInfo, never from the micalg parameter, which is a label. One page says \
             SHA-1, another that SHA-2 is supported from 2016 on; the reason tells the object identifier that was seen.",
    references: &["RFC 5652 5.3", "RFC 8551 2.1"],
    run,
};

/// SHA-1.
const SHA_1: &str = "1.3.14.3.2.26";

fn run(subject: &Subject<'_>) -> Finding {
    each::message(subject, Observation::NotObserved, |sent| judge(subject, sent))
}

fn judge(subject: &Subject<'_>, sent: &Sent<'_>) -> Finding {
    let wrappings = Wrappings::of(sent);
    let signers = signers(&wrappings);
    let seen = |digest: &smtp::cms::Algorithm| format!("signed with digest {} ({})", digest.name, digest.oid);
    let other = signers.iter().find(|(_, _, signer)| signer.digest.oid != SHA_1);
    if let Some((wrapping, _, signer)) = other {
        return Finding::not_observed(seen(&signer.digest), vec![wrapping.evidence(sent)]);
    }
    if let Some(finding) = unsigned(subject, sent, &wrappings) {
        return finding;
    }
    match signers.first() {
        Some((wrapping, _, signer)) => Finding::observed(seen(&signer.digest), vec![wrapping.evidence(sent)]),
        None => Finding::undetermined("the signature breaks off before its signers"),
    }
}

/// The finding on a message whose signatures cannot all be seen, or that has none.
pub(super) fn unsigned(subject: &Subject<'_>, sent: &Sent<'_>, wrappings: &Wrappings<'_>) -> Option<Finding> {
    if let Some(reason) = sent.incomplete().or_else(|| sent.unlisted()) {
        return Some(Finding::undetermined(reason));
    }
    let shown = wrappings.all.first().map(|one| vec![one.evidence(sent)]).unwrap_or_default();
    if let Some(cut) = wrappings.all.iter().find(|one| one.signed().is_some() && !one.whole) {
        let reason = "the signature breaks off, and may name other signers";
        return Some(Finding::undetermined(reason).with(vec![cut.evidence(sent)]));
    }
    if let Err(reason) = &wrappings.payload {
        return Some(Finding::undetermined(reason.clone()).with(shown));
    }
    if wrappings.all.iter().any(|one| one.signed().is_some()) {
        return None;
    }
    Some(match subject.given().pipeline.signs {
        Some(true) => Finding::undetermined("the message was to be signed, and is not").with(shown),
        _ => Finding::not_applicable("about a signed message; this one is not signed"),
    })
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
    fn the_digest_that_was_seen_is_named() {
        let quote = base64_body("signed-sha1.der");
        seen(sent(&smime("", "signed-sha1.der"))).observed("SHA-1 (1.3.14.3.2.26)", &[&quote]);
        let sha2 = "SHA-256 (2.16.840.1.101.3.4.2.1)";
        let quote = base64_body("signed-opaque.der");
        seen(sent(&smime("", "signed-opaque.der"))).not_observed(sha2, &[&quote]);
        seen(sent(&mail_fixture("signed-clear.eml"))).not_observed(sha2, &["MI…"]);
        seen(sent(&smime("", "signed-md5.der"))).not_observed("MD5", &["MI…"]);
        let second = sent(&smime("", "signed-sha1.der")).message(&smime("", "signed-opaque.ber"));
        seen(second).not_observed(sha2, &["MI…"]);
    }

    #[test]
    fn a_signature_inside_the_envelope() {
        let talk = || sent(&mail_fixture("sign-encrypt.eml")).quit();
        find(&CHECK, talk(), given()).not_observed("SHA-256", &["MI…"]);
        find(&CHECK, talk(), Given::default()).undetermined("key is not at hand");
    }

    #[test]
    fn what_is_not_here() {
        let short = Keep { cms: 300, leaf: 300, ..Keep::default() };
        seen(sent(&smime("", "signed-sha1.der")).kept(short)).undetermined("breaks off");
        let text = smime("", "signed-sha1.der");
        let torn = Talk::ehlo(&[]).torn(&text, &text[text.len() - 100..text.len() - 80]);
        seen(torn).undetermined("the whole message");
        seen(Talk::ehlo(&[])).undetermined("no message was sent");
    }

    #[test]
    fn a_message_without_a_signature() {
        seen(sent(&plain("", "x"))).not_applicable("not signed");
        seen(sent(&smime("", "enveloped-aes128.der"))).not_applicable("not signed");
        let pipeline = Pipeline { signs: Some(true), ..Pipeline::default() };
        let to_be = Given { pipeline, ..given() };
        find(&CHECK, sent(&plain("", "x")).quit(), to_be).undetermined("was to be signed");
    }
}

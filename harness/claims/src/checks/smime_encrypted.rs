//! Is the body really encrypted?

use super::{each, exposure};
use crate::given::Protection;
use crate::leaks::Body;
use crate::subject::{Blob, Sent};
use crate::{Check, Evidence, Finding, Given, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "smime-encrypted",
    observed_when: "the body is CMS EnvelopedData (or AuthEnvelopedData), opens with the recipient's key, and only so",
    trigger: "the recipient's key opens the blob, and shows the text of the body that is known; where none is, a well-formed \
              MIME entity, with no other part in the message that can be read",
    method: "The content type is read from the OID in the CMS ContentInfo, never from the MIME label. The known text \
             must be absent at every depth that opens without a key (a signed blob and a base64 label open without \
             one) and present after decryption with the recipient's key. Where no text is known, each encrypted part must open \
             with the key into a MIME entity, which a wrong key does not make, and nothing may stand beside them.",
    references: &["RFC 5652 6.1", "RFC 5083 2.1", "RFC 8551 3.3", "RFC 8551 3.4"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    let given = subject.given();
    match given.protection {
        Some(Protection::Encrypted) | None => {}
        Some(_) => return Finding::not_applicable("about a message that was to be encrypted"),
    }
    each::message(subject, Observation::NotObserved, |sent| judge(given, sent))
}

fn judge(given: &Given, sent: &Sent<'_>) -> Finding {
    let body = given.body.as_ref();
    let exposed = body
        .map(|body| exposure::in_message(sent, body.expose(), "the body's text"))
        .unwrap_or_default();
    match sent.encrypted() {
        None => unencrypted(given, sent, exposed),
        Some(encrypted) if !exposed.is_empty() => {
            let reason = format!("there is {}, and yet {}", encrypted.name(), exposed[0].what);
            Finding::not_observed(reason, exposed)
        }
        Some(encrypted) => opened(given, sent, &encrypted),
    }
}

/// The finding on a message without encryption, in which `exposed` can be read.
fn unencrypted(given: &Given, sent: &Sent<'_>, exposed: Vec<Evidence>) -> Finding {
    let blob = sent.blobs().into_iter().next();
    if given.protection.is_none() {
        if let Some(reason) = sent.incomplete().or_else(|| sent.unlisted()) {
            return Finding::undetermined(reason);
        }
        return Finding::not_applicable(match blob {
            Some(other) => format!("the blob is {}, which is not encryption", other.name()),
            None => "the message is not S/MIME".to_owned(),
        });
    }
    if exposed.is_empty()
        && let Some(reason) = sent.unsearched()
    {
        return Finding::undetermined(reason);
    }
    let what = blob.as_ref().map_or("not S/MIME at all", Blob::name);
    let mut evidence = exposed;
    evidence.extend(blob.map(|other| cms_evidence(sent, &other)));
    if evidence.is_empty() {
        evidence.push(sent.all("the message"));
    }
    Finding::not_observed(format!("the body was to be encrypted; it is {what}"), evidence)
}

/// The finding on a message with an encrypted blob, after a try to open it.
fn opened(given: &Given, sent: &Sent<'_>, encrypted: &Blob<'_>) -> Finding {
    let name = encrypted.name();
    let evidence = vec![cms_evidence(sent, encrypted)];
    let undecided = |why: String| Finding::undetermined(why).with(vec![cms_evidence(sent, encrypted)]);
    if let Some(reason) = sent.unsearched() {
        return undecided(reason);
    }
    let Some(body) = &given.body else {
        if given.keys.is_empty() {
            return undecided(format!("{name}; no text of the body is known"));
        }
        return match unproven(sent) {
            Some(reason) => undecided(reason),
            None => only_with_the_key(encrypted, ", into a well-formed MIME entity", evidence),
        };
    };
    if given.keys.is_empty() {
        return undecided(format!("{name}; the recipient's key is not at hand"));
    }
    match sent.opened(encrypted.part) {
        Some(Ok(opened)) if opened.message.find(body.expose()).is_empty() => {
            undecided("the recipient's key opens the blob, but the known text is not in it".to_owned())
        }
        Some(Ok(_)) => only_with_the_key(encrypted, "", evidence),
        Some(Err(error)) => undecided(format!("the recipient's key does not open the blob: {error}")),
        None => undecided(TOO_MANY.to_owned()),
    }
}

const TOO_MANY: &str = "more parts are encrypted than are opened";

fn only_with_the_key(blob: &Blob<'_>, what: &str, evidence: Vec<Evidence>) -> Finding {
    let cipher = blob.cipher().map_or("an unnamed cipher", |cipher| cipher.name.as_str());
    let reason = format!("{} with {cipher}; opens with the recipient's key only{what}", blob.name());
    Finding::observed(reason, evidence)
}

/// Why a key does not prove of a body, of which no text is known, that it is all encrypted.
fn unproven(sent: &Sent<'_>) -> Option<String> {
    if sent.tries.left_out > 0 {
        return Some(TOO_MANY.to_owned());
    }
    for tried in sent.tries.tried.iter().filter(|tried| !tried.inside) {
        match &tried.result {
            Err(error) => return Some(format!("the recipient's key does not open the blob: {error}")),
            Ok(opened) if !opened.is_entity => {
                return Some("what the recipient's key makes of the blob is not a MIME entity".to_owned());
            }
            Ok(_) => {}
        }
    }
    (Body::of(sent) != Body::Encrypted).then(|| {
        "the recipient's key opens the blob, but other parts stand beside it, and no text of the body is known".to_owned()
    })
}

fn cms_evidence(sent: &Sent<'_>, blob: &Blob<'_>) -> Evidence {
    sent.evidence(blob.range.clone(), format!("CMS {}", blob.name()))
}

#[cfg(test)]
mod tests {
    use smtp::Secret;
    use smtp::cms::RecipientKey;
    use smtp::timeline::Keep;

    use super::super::testing::{
        BODY, Seen, Talk, base64_body, beside, find, mail_fixture, other_key, parts, plain, recipient_key, smime,
    };
    use super::*;

    fn given(protection: Option<Protection>) -> Given {
        Given {
            protection,
            body: Some(Secret::new(BODY.as_bytes())),
            keys: vec![recipient_key()],
            ..Given::default()
        }
    }

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk.quit(), given(Some(Protection::Encrypted)))
    }

    fn sent(file: &str) -> Talk {
        Talk::ehlo(&[]).message(&smime("", file))
    }

    #[test]
    fn what_opens_with_the_key_and_only_so() {
        for (file, how) in [
            ("enveloped-aes128.der", "EnvelopedData with AES-128-CBC"),
            ("enveloped-3des.der", "EnvelopedData with DES-EDE3-CBC"),
            ("enveloped-gcm256.der", "AuthEnvelopedData with AES-256-GCM"),
        ] {
            seen(sent(file)).observed(how, &[&base64_body(file)]);
            find(&CHECK, sent(file).gap().quit(), given(None)).observed(how, &["MI…"]);
        }
        let signed_inside = Talk::ehlo(&[]).message(&mail_fixture("sign-encrypt.eml"));
        seen(signed_inside).observed("opens with the recipient's key only", &["MI…"]);
    }

    #[test]
    fn a_signature_or_nothing_in_the_place_of_encryption() {
        let blob = seen(sent("signed-opaque.der"));
        blob.not_observed("it is SignedData", &[&base64_body("signed-opaque.der")]);
        let text = plain("", BODY);
        seen(Talk::ehlo(&[]).message(&text)).not_observed("not S/MIME at all", &[BODY]);
        let torn = Talk::ehlo(&[]).torn(&plain("X-Lost: lost\n", BODY), "lost");
        seen(torn).not_observed("not S/MIME at all", &[BODY]);
        seen(Talk::ehlo(&[]).message(&plain("", "x"))).not_observed("not S/MIME", &["From: …"]);
    }

    #[test]
    fn a_later_message_in_clear_is_seen() {
        let talk = sent("enveloped-aes128.der").message(&plain("", BODY));
        seen(talk).not_observed("not S/MIME at all", &[BODY]);
    }

    #[test]
    fn the_text_in_clear_beside_the_blob() {
        let talk = Talk::ehlo(&[]).message(&smime(&format!("Subject: {BODY}\n"), "enveloped-aes128.der"));
        seen(talk).not_observed("there is EnvelopedData, and yet the body's text", &[BODY]);
    }

    #[test]
    fn without_text_or_key_nothing_is_shown() {
        let talk = || sent("enveloped-aes128.der").quit();
        let all = || given(Some(Protection::Encrypted));
        let neither = Given { body: None, keys: Vec::new(), ..all() };
        find(&CHECK, talk(), neither).undetermined("no text of the body");
        find(&CHECK, talk(), Given { keys: Vec::new(), ..all() }).undetermined("key is not at hand");
        let other = Given { body: Some(Secret::new(*b"another")), ..all() };
        find(&CHECK, talk(), other).undetermined("is not in it");
        seen(Talk::ehlo(&[])).undetermined("no message was sent");
    }

    /// An auditor with a key, who knows nothing else.
    fn with_key(talk: Talk, key: RecipientKey) -> Seen {
        find(&CHECK, talk.quit(), Given { keys: vec![key], ..Given::default() })
    }

    #[test]
    fn a_key_alone_shows_that_the_body_is_encrypted() {
        for (file, how) in [
            ("enveloped-aes128.der", "EnvelopedData with AES-128-CBC; opens with the recipient's key only, into a well-formed"),
            ("enveloped-gcm256.der", "AuthEnvelopedData with AES-256-GCM; opens"),
        ] {
            with_key(sent(file), recipient_key()).observed(how, &[&base64_body(file)]);
        }
        for file in ["sign-encrypt.eml", "sealed-hp.eml", "sealed-twice.eml", "sealed-wrapped.eml"] {
            let talk = Talk::ehlo(&[]).message(&mail_fixture(file));
            with_key(talk, recipient_key()).observed("opens with the recipient's key only", &["MI…"]);
        }
    }

    #[test]
    fn a_key_that_does_not_fit_shows_nothing() {
        let blob = || sent("enveloped-aes128.der");
        with_key(blob(), other_key()).undetermined("does not open the blob");
        with_key(sent("enveloped-cfb.der"), recipient_key()).undetermined("1.3.14.3.2.9 is not supported");
        let bare = Talk::ehlo(&[]).message(&mail_fixture("sealed-bare.eml"));
        with_key(bare, recipient_key()).undetermined("not a MIME entity");
        let both = Talk::ehlo(&[]).message(&beside("enveloped-aes128.der", "note"));
        with_key(both, recipient_key()).undetermined("other parts stand beside it");
        let short = Keep { cms: 100, leaf: 100, ..Keep::default() };
        with_key(blob().kept(short), recipient_key()).undetermined("only the first bytes");
    }

    #[test]
    fn more_parts_than_are_opened() {
        let many = "enveloped-aes128.der ".repeat(9);
        let talk = |number: usize| {
            let files: Vec<_> = many.split_ascii_whitespace().take(number).collect();
            Talk::ehlo(&[]).message(&parts(&files))
        };
        with_key(talk(8), recipient_key()).observed("opens with the recipient's key only", &["MI…"]);
        with_key(talk(9), recipient_key()).undetermined("more parts are encrypted");
        let strange = Talk::ehlo(&[]).message(&parts(&["enveloped-aes128.der", "enveloped-rsa1024.der"]));
        with_key(strange, recipient_key()).undetermined("does not open the blob");
    }

    #[test]
    fn a_blob_with_a_hole_in_it() {
        let text = smime("", "enveloped-aes128.der");
        let middle = &text[text.len() / 2..text.len() / 2 + 10];
        seen(Talk::ehlo(&[]).torn(&text, middle)).undetermined("the whole message");
        let late = sent("enveloped-aes128.der").torn(&text, middle);
        seen(late).undetermined("the whole message");
    }

    #[test]
    fn a_message_that_was_not_to_be_encrypted() {
        let none = Given { protection: Some(Protection::None), ..given(None) };
        find(&CHECK, sent("enveloped-aes128.der").quit(), none).not_applicable("was to be encrypted");
        find(&CHECK, sent("signed-opaque.der").quit(), given(None)).not_applicable("SignedData");
        let text = Talk::ehlo(&[]).message(&plain("", "x")).quit();
        find(&CHECK, text, given(None)).not_applicable("not S/MIME");
    }
}

//! Is the content cipher one of those on the encoder's list?

use super::each;
use crate::given::Protection;
use crate::subject::Sent;
use crate::{Check, Finding, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "documented-cipher",
    observed_when: "the content-encryption algorithm is DES, 3DES, RC2 or AES in CBC mode",
    trigger: "the message is encrypted",
    method: "The algorithm OID is read from the EncryptedContentInfo. Anything outside the list (an AEAD cipher, say) \
             did not come from the documented encoder.",
    references: &["RFC 5652 6.1", "RFC 8551 2.7"],
    run,
};

/// The OIDs that the encoder's algorithm property can mean.
const OFFERED: [&str; 6] = [
    "1.3.14.3.2.7",             // DES-CBC
    "1.2.840.113549.3.7",       // DES-EDE3-CBC
    "1.2.840.113549.3.2",       // RC2-CBC
    "2.16.840.1.101.3.4.1.2",   // AES-128-CBC
    "2.16.840.1.101.3.4.1.22",  // AES-192-CBC
    "2.16.840.1.101.3.4.1.42",  // AES-256-CBC
];

fn run(subject: &Subject<'_>) -> Finding {
    each::message(subject, Observation::NotObserved, |sent| judge(subject, sent))
}

fn judge(subject: &Subject<'_>, sent: &Sent<'_>) -> Finding {
    let mut documented = None;
    let mut unread = None;
    for blob in sent.blobs().into_iter().filter(|blob| blob.cms.is_encrypted()) {
        let evidence = vec![sent.evidence(blob.range.clone(), format!("CMS {}", blob.name()))];
        let Some(cipher) = blob.cipher() else {
            unread.get_or_insert(evidence);
            continue;
        };
        let name = format!("{} ({})", cipher.name, cipher.oid);
        if !OFFERED.contains(&cipher.oid.as_str()) {
            let reason = format!("encrypted with {name}, which the encoder does not offer");
            return Finding::not_observed(reason, evidence);
        }
        documented.get_or_insert_with(|| Finding::observed(format!("encrypted with {name}"), evidence));
    }
    if let Some(evidence) = unread {
        return Finding::undetermined("an encrypted object ends before its cipher").with(evidence);
    }
    if let Some(finding) = documented {
        return finding;
    }
    if let Some(reason) = sent.incomplete() {
        return Finding::undetermined(reason);
    }
    if subject.given().protection == Some(Protection::Encrypted) {
        Finding::undetermined("the message was to be encrypted, and is not")
    } else {
        Finding::not_applicable("about an encrypted message; none was sent")
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, base64_body, find, plain, smime};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk.quit(), Given::default())
    }

    fn sent(file: &str) -> Talk {
        Talk::ehlo(&[]).message(&smime("", file))
    }

    #[test]
    fn a_cipher_of_the_list() {
        for (file, name) in [
            ("enveloped-aes128.der", "AES-128-CBC (2.16.840.1.101.3.4.1.2)"),
            ("enveloped-aes192.der", "2.16.840.1.101.3.4.1.22"),
            ("enveloped-aes256.ber", "2.16.840.1.101.3.4.1.42"),
            ("enveloped-3des.der", "1.2.840.113549.3.7"),
        ] {
            seen(sent(file).gap()).observed(name, &[&base64_body(file)]);
        }
    }

    #[test]
    fn any_other_cipher_wherever_it_stands() {
        let quote = base64_body("enveloped-gcm256.der");
        let reason = "which the encoder does not offer";
        seen(sent("enveloped-gcm256.der")).not_observed(reason, &[&quote]);
        let second = sent("enveloped-3des.der").message(&smime("", "enveloped-gcm256.der"));
        seen(second).not_observed(reason, &[&quote]);
    }

    #[test]
    fn without_encryption_nothing_is_shown() {
        let given = Given { protection: Some(Protection::Encrypted), ..Given::default() };
        find(&CHECK, sent("signed-opaque.der").quit(), given).undetermined("and is not");
        seen(Talk::ehlo(&[])).undetermined("no message was sent");
    }

    #[test]
    fn a_blob_with_a_hole_in_it() {
        let text = smime("", "enveloped-aes128.der");
        let torn = Talk::ehlo(&[]).torn(&text, &text[text.len() - 100..text.len() - 80]);
        seen(torn.clone()).undetermined("the whole message");
        seen(torn.message(&plain("", "x"))).undetermined("the whole message");
    }

    #[test]
    fn a_blob_that_ends_before_its_cipher() {
        let cut = plain("Content-Transfer-Encoding: base64\n", &base64_body("enveloped-gcm256.der")[..240]);
        let talk = Talk::ehlo(&[]).message(&cut);
        seen(talk.clone()).undetermined("ends before its cipher");
        let other = talk.message(&smime("", "enveloped-gcm256.der"));
        seen(other).not_observed("which the encoder does not offer", &[&base64_body("enveloped-gcm256.der")]);
    }

    #[test]
    fn a_message_that_is_not_encrypted() {
        seen(sent("signed-opaque.der")).not_applicable("about an encrypted message");
        seen(Talk::ehlo(&[]).message(&plain("", "x"))).not_applicable("about an encrypted message");
    }
}

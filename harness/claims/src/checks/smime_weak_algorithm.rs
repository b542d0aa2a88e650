//! Is S/MIME used with an algorithm that no longer protects?

use smtp::cms::{Algorithm, Cms, Enveloped, Signed};

use super::each;
use crate::leaks::is_rsa_transport;
use crate::subject::{Blob, Sent};
use crate::{Check, Finding, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "smime-weak-algorithm",
    observed_when: "a CMS object names RC2, RC4, DES, 3DES, MD5 or SHA-1, or an RSA key of less than 2048 bits",
    trigger: "a message holds a CMS object that is encrypted or signed",
    method: "Algorithms are known by object identifier: the content cipher of EnvelopedData and AuthEnvelopedData, digest \
             and signature algorithm of SignedData. The size of a recipient's RSA key is that of the encrypted content \
             key.",
    references: &["RFC 8551 2.7", "RFC 8551 2.1", "RFC 8551 2.3", "RFC 8551 B"],
    run,
};

const WEAK: [&str; 11] = [
    "1.2.840.113549.3.2",     // RC2-CBC
    "1.2.840.113549.3.4",     // RC4
    "1.3.14.3.2.7",           // DES-CBC
    "1.2.840.113549.3.7",     // DES-EDE3-CBC
    "1.2.840.113549.2.2",     // MD2
    "1.2.840.113549.2.5",     // MD5
    "1.3.14.3.2.26",          // SHA-1
    "1.2.840.113549.1.1.4",   // MD5 with RSA
    "1.2.840.113549.1.1.5",   // SHA-1 with RSA
    "1.2.840.10045.4.1",      // ECDSA with SHA-1
    "1.2.840.10040.4.3",      // DSA with SHA-1
];

/// The least size of an RSA key, in octets of what it encrypts.
const LEAST_RSA: usize = 2048 / 8;

fn run(subject: &Subject<'_>) -> Finding {
    each::message(subject, Observation::Observed, judge)
}

fn judge(sent: &Sent<'_>) -> Finding {
    let mut good = None;
    for blob in sent.blobs() {
        let weak = match blob.cms {
            Cms::Enveloped(data) | Cms::AuthEnveloped(data) => in_envelope(data),
            Cms::Signed(data) => in_signature(data),
            _ => continue,
        };
        let evidence = vec![sent.evidence(blob.range.clone(), format!("CMS {}", blob.name()))];
        if let Some(weak) = weak {
            return Finding::observed(format!("{} with {weak}", blob.name()), evidence);
        }
        good.get_or_insert_with(|| Finding::not_observed(described(&blob), evidence));
    }
    if let Some(reason) = sent.incomplete() {
        return Finding::undetermined(reason);
    }
    good.unwrap_or_else(|| Finding::not_applicable("about S/MIME; the message holds none that can be read"))
}

fn in_envelope(data: &Enveloped) -> Option<String> {
    let small = |recipient: &&smtp::cms::Recipient| {
        is_rsa_transport(&recipient.key_encryption.oid)
            && (1..LEAST_RSA).contains(&recipient.encrypted_key_length)
    };
    let key = || data.recipients.iter().find(small);
    weak(&data.cipher).or_else(|| Some(format!("an RSA key of {} bits", 8 * key()?.encrypted_key_length)))
}

fn in_signature(data: &Signed) -> Option<String> {
    let of_signers = data.signers.iter().flat_map(|signer| [&signer.digest, &signer.signature]);
    data.digests.iter().chain(of_signers).find_map(weak)
}

fn weak(algorithm: &Algorithm) -> Option<String> {
    WEAK.contains(&algorithm.oid.as_str()).then(|| format!("{} ({})", algorithm.name, algorithm.oid))
}

fn described(blob: &Blob<'_>) -> String {
    match blob.cipher() {
        Some(cipher) => format!("{} with {}", blob.name(), cipher.name),
        None => format!("{} names no weak algorithm", blob.name()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, base64_body, find, mail_fixture, plain, smime};
    use super::*;
    use crate::Given;

    fn seen(talk: Talk) -> Seen {
        find(&CHECK, talk.quit(), Given::default())
    }

    fn sent(file: &str) -> Talk {
        Talk::ehlo(&[]).message(&smime("", file))
    }

    #[test]
    fn weak_ciphers_and_digests() {
        for (file, what) in [
            ("enveloped-3des.der", "1.2.840.113549.3.7"),
            ("signed-sha1.der", "1.3.14.3.2.26"),
        ] {
            seen(sent(file)).observed(what, &[&base64_body(file)]);
        }
    }

    #[test]
    fn small_keys() {
        let recipient = |length| smtp::cms::Recipient {
            id: smtp::cms::Identifier::Password,
            key_encryption: Algorithm { oid: "1.2.840.113549.1.1.1".to_owned(), name: "RSA".to_owned(), key_bits: None },
            encrypted_key_length: length,
        };
        let data = |length| Enveloped {
            cipher: Algorithm { oid: "2.16.840.1.101.3.4.1.42".to_owned(), name: "AES".to_owned(), key_bits: Some(256) },
            recipients: vec![recipient(256), recipient(length)],
            inner_content_type: String::new(),
            content_length: None,
            iv_length: Some(16),
        };
        assert_eq!(in_envelope(&data(128)).as_deref(), Some("an RSA key of 1024 bits"));
        assert_eq!(in_envelope(&data(256)), None);
    }

    #[test]
    fn strong_ones() {
        for file in ["enveloped-aes256.ber", "enveloped-gcm256.der", "signed-opaque.der"] {
            seen(sent(file)).not_observed("", &[&base64_body(file)]);
        }
        let clear = Talk::ehlo(&[]).message(&mail_fixture("signed-clear.eml"));
        seen(clear).not_observed("SignedData", &["MII…"]);
    }

    #[test]
    fn a_hole_or_no_smime() {
        let text = smime("", "enveloped-aes128.der");
        let torn = Talk::ehlo(&[]).torn(&text, &text[text.len() - 100..text.len() - 80]);
        seen(torn).undetermined("the whole message");
        seen(Talk::ehlo(&[])).undetermined("no message was sent");
        seen(Talk::ehlo(&[]).message(&plain("", "x"))).not_applicable("about S/MIME");
    }
}

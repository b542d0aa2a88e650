//! Is S/MIME used with an algorithm that no longer protects?

use smtp::cms::{Cms, Grade};

use super::each;
use crate::subject::{Blob, Sent};
use crate::{Check, Finding, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "smime-weak-algorithm",
    observed_when: "a CMS object names RC2, RC4, DES, 3DES, MD5 or SHA-1, or an RSA key of less than 2048 bits",
    trigger: "a message holds a CMS object that is encrypted or signed",
    method: "Algorithms are known by object identifier: the content cipher of EnvelopedData and AuthEnvelopedData, digest \
             and signature algorithm of SignedData, keys and signatures of its certificates. The size of a recipient's RSA \
             key is that of the encrypted content key.",
    references: &["RFC 8551 2.7", "RFC 8551 2.1", "RFC 8551 2.3", "RFC 8551 B"],
    run,
};

fn run(subject: &Subject<'_>) -> Finding {
    each::message(subject, Observation::Observed, judge)
}

fn judge(sent: &Sent<'_>) -> Finding {
    let mut good = None;
    for blob in sent.blobs() {
        if !matches!(blob.cms, Cms::Enveloped(_) | Cms::AuthEnveloped(_) | Cms::Signed(_)) {
            continue;
        }
        // The worst comes first; what is sound and only worth a remark comes last.
        let weak = blob.cms.weaknesses().into_iter().find(|weakness| weakness.grade >= Grade::Historic);
        let evidence = vec![sent.evidence(blob.range.clone(), format!("CMS {}", blob.name()))];
        if let Some(weak) = weak {
            return Finding::observed(format!("{}: {}", blob.name(), weak.why), evidence);
        }
        good.get_or_insert_with(|| Finding::not_observed(described(&blob), evidence));
    }
    if let Some(reason) = sent.incomplete() {
        return Finding::undetermined(reason);
    }
    good.unwrap_or_else(|| Finding::not_applicable("about S/MIME; the message holds none that can be read"))
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
            ("enveloped-3des.der", "EnvelopedData: Triple DES is historic"),
            ("signed-sha1.der", "SignedData: SHA-1 is historic"),
        ] {
            seen(sent(file)).observed(what, &[&base64_body(file)]);
        }
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

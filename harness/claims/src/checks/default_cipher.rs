//! Is the content cipher the default of the sender's version?

use super::each;
use crate::given::Generation;
use crate::subject::Sent;
use crate::{Check, Finding, Observation, Subject};

pub(super) static CHECK: Check = Check {
    id: "default-cipher",
    observed_when: "an encryption whose cipher was left at its default uses the one that is documented for the sender's \
                    version: 3DES before 2016, AES-128 from 2016 on",
    trigger: "the message is encrypted, the cipher is known to be left alone, and the version of the sender is known",
    method: "The algorithm OID is read from the EncryptedContentInfo and compared with the default of that version. Pages \
             disagree on the list, so that without the version only the OID is told.",
    references: &["RFC 5652 6.1", "RFC 8551 2.7"],
    run,
};

/// DES-EDE3-CBC.
const TRIPLE_DES: &str = "1.2.840.113549.3.7";
/// AES-128-CBC.
const AES_128: &str = "2.16.840.1.101.3.4.1.2";

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
    let evidence = vec![sent.evidence(blob.range.clone(), format!("CMS {}", blob.name()))];
    let Some(cipher) = blob.cipher() else {
        return Finding::undetermined("the encrypted object ends before its cipher").with(evidence);
    };
    let seen = format!("encrypted with {} ({})", cipher.name, cipher.oid);
    let pipeline = &subject.given().pipeline;
    match pipeline.cipher_chosen {
        Some(false) => {}
        Some(true) => return Finding::not_applicable(format!("{seen}, which was chosen and is no default")),
        None => {
            let reason = format!("{seen}; whether the cipher was left at its default is not known");
            return Finding::undetermined(reason).with(evidence);
        }
    }
    let (default, version) = match pipeline.generation {
        Some(Generation::Before2016) => (TRIPLE_DES, "before 2016"),
        Some(Generation::From2016) => (AES_128, "from 2016 on"),
        None => {
            let reason = format!("{seen}; the version of the sender is not known");
            return Finding::undetermined(reason).with(evidence);
        }
    };
    if cipher.oid == default {
        Finding::observed(format!("{seen}, the default {version}"), evidence)
    } else {
        Finding::not_observed(format!("{seen}, which is not the default {version}"), evidence)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Seen, Talk, base64_body, find, plain, smime};
    use super::*;
    use crate::Given;
    use crate::given::Pipeline;

    fn given(generation: Option<Generation>, chosen: Option<bool>) -> Given {
        let pipeline = Pipeline { generation, cipher_chosen: chosen, ..Pipeline::default() };
        Given { pipeline, ..Given::default() }
    }

    fn seen(file: &str, generation: Option<Generation>) -> Seen {
        let talk = Talk::ehlo(&[]).message(&smime("", file)).quit();
        find(&CHECK, talk, given(generation, Some(false)))
    }

    #[test]
    fn the_default_of_the_version() {
        let (old, new) = (Some(Generation::Before2016), Some(Generation::From2016));
        let des = base64_body("enveloped-3des.der");
        let aes = base64_body("enveloped-aes128.der");
        seen("enveloped-3des.der", old).observed("the default before 2016", &[&des]);
        seen("enveloped-aes128.der", new).observed("the default from 2016 on", &[&aes]);
        seen("enveloped-3des.der", new).not_observed("not the default from 2016 on", &[&des]);
        seen("enveloped-aes128.der", old).not_observed("not the default before 2016", &[&aes]);
        seen("enveloped-gcm128.ber", new).not_observed("AES-128-GCM (2.16.840.1.101.3.4.1.6)", &["MI…"]);
    }

    #[test]
    fn a_later_message_counts_too() {
        let talk = Talk::ehlo(&[])
            .message(&smime("", "enveloped-aes128.der"))
            .message(&smime("", "enveloped-aes192.der"));
        let given = given(Some(Generation::From2016), Some(false));
        find(&CHECK, talk.quit(), given).not_observed("AES-192-CBC", &[&base64_body("enveloped-aes192.der")]);
    }

    #[test]
    fn without_the_version_only_the_cipher_is_told() {
        seen("enveloped-aes128.der", None).undetermined("AES-128-CBC (2.16.840.1.101.3.4.1.2); the version");
        let talk = || Talk::ehlo(&[]).message(&smime("", "enveloped-3des.der")).quit();
        let unknown = given(Some(Generation::Before2016), None);
        find(&CHECK, talk(), unknown).undetermined("DES-EDE3-CBC (1.2.840.113549.3.7); whether");
        find(&CHECK, talk(), Given::default()).undetermined("whether the cipher was left");
        let chosen = given(Some(Generation::Before2016), Some(true));
        find(&CHECK, talk(), chosen).not_applicable("which was chosen");
    }

    #[test]
    fn what_is_not_encrypted_or_not_here() {
        let new = || given(Some(Generation::From2016), Some(false));
        seen("signed-opaque.der", Some(Generation::From2016)).not_applicable("not encrypted");
        let cut = plain("Content-Transfer-Encoding: base64\n", &base64_body("enveloped-gcm256.der")[..240]);
        find(&CHECK, Talk::ehlo(&[]).message(&cut).quit(), new()).undetermined("before its cipher");
        let text = smime("", "enveloped-aes128.der");
        let torn = Talk::ehlo(&[]).torn(&text, &text[text.len() - 100..text.len() - 80]);
        find(&CHECK, torn.quit(), new()).undetermined("the whole message");
        find(&CHECK, Talk::ehlo(&[]).quit(), new()).undetermined("no message was sent");
    }
}

//! Is the content cipher one of those on the encoder's list?

use crate::given::Protection;
use crate::{Check, Finding, Subject};

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
    if let Some(finding) = subject.nothing_said() {
        return finding;
    }
    let Some((sent, blob)) = subject.sent().find_map(|sent| Some((sent, sent.encrypted()?))) else {
        return if subject.given().protection == Some(Protection::Encrypted) {
            Finding::undetermined(subject.blind().unwrap_or_else(|| "no encrypted message was seen".to_owned()))
        } else {
            Finding::not_applicable("about an encrypted message; none was sent")
        };
    };
    let Some(cipher) = blob.cipher() else {
        return Finding::undetermined("the blob does not name its cipher");
    };
    let evidence = vec![sent.evidence(blob.range.clone(), format!("CMS {}", blob.name()))];
    let name = format!("{} ({})", cipher.name, cipher.oid);
    if OFFERED.contains(&cipher.oid.as_str()) {
        Finding::observed(format!("encrypted with {name}"), evidence)
    } else {
        Finding::not_observed(format!("encrypted with {name}, which the encoder does not offer"), evidence)
    }
}

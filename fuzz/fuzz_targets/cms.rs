//! CMS objects: read, verified, opened.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use smtp::cms::{self, Cms, RecipientKey};

static KEY: LazyLock<RecipientKey> = LazyLock::new(|| {
    RecipientKey::from_pem(include_str!("../../harness/smtp/tests/data/smime/recipient-key.pem"))
        .or_else(|_| {
            RecipientKey::from_pem(&format!(
                "{}{}",
                include_str!("../../harness/smtp/tests/data/smime/recipient-cert.pem"),
                include_str!("../../harness/smtp/tests/data/smime/recipient-key.pem")
            ))
        })
        .expect("the key is a key")
});

fuzz_target!(|bytes: &[u8]| {
    if let Ok(read) = Cms::read(bytes) {
        read.weaknesses();
    }
    if let Some((read, cut)) = cms::read_cut(bytes) {
        read.weaknesses();
        cut.spares_algorithms(&read);
    }
    cms::sniff(bytes);
    let _ = cms::verify_signature(bytes, None);
    let _ = cms::verify_signature(bytes, Some(b"detached"));
    let _ = cms::open(bytes, std::slice::from_ref(&KEY));
});

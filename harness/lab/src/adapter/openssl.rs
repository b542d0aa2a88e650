//! The openssl program as an independent opinion on what the S/MIME encoder made. For tests only.

use std::process::{Command, Output};

use super::keys;

/// Runs `openssl cms` in a new folder that holds the test certificates, the recipient's key and `files`.
///
/// `None` where there is no such program. That is said loudly, and is a failure where `CI` is set.
pub(super) fn cms(files: &[(&str, &[u8])], arguments: &[&str]) -> Option<Output> {
    let folder = tempfile::tempdir().unwrap();
    let keys = [
        ("recipient.cert.pem", keys::RECIPIENT_CERTIFICATE.as_bytes()),
        ("recipient.key.pem", keys::RECIPIENT_KEY.as_bytes()),
        ("signer.cert.pem", keys::SIGNER_CERTIFICATE.as_bytes()),
    ];
    for (name, content) in keys.iter().chain(files) {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    match Command::new("openssl")
        .arg("cms")
        .args(arguments)
        .current_dir(folder.path())
        .output()
    {
        Ok(output) => Some(output),
        Err(error) => {
            assert!(
                std::env::var_os("CI").is_none(),
                "the openssl program cannot be run: {error}"
            );
            eprintln!(
                "SKIPPED: the openssl program cannot be run, so nothing independent opened this: {error}"
            );
            None
        }
    }
}

/// Opens a message that is encrypted to the test recipient.
pub(super) fn decrypt(message: &[u8]) -> Option<Vec<u8>> {
    let arguments = [
        "-decrypt",
        "-in",
        "message",
        "-recip",
        "recipient.cert.pem",
        "-inkey",
        "recipient.key.pem",
    ];
    opened(message, &arguments)
}

/// Verifies a message that is signed by the test signer, and gives what was signed.
pub(super) fn verify(message: &[u8]) -> Option<Vec<u8>> {
    opened(
        message,
        &["-verify", "-in", "message", "-CAfile", "signer.cert.pem"],
    )
}

fn opened(message: &[u8], arguments: &[&str]) -> Option<Vec<u8>> {
    let output = cms(&[("message", message)], arguments)?;
    succeeded(&output);
    Some(output.stdout)
}

/// Fails with what OpenSSL said, where it did not succeed. Its status counts and not its output: it prints what it
/// decrypted before it knows whether that is authentic.
pub(super) fn succeeded(output: &Output) {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

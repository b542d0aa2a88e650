//! openssl, of other hands, opens what the reference adapter encrypts and signs, and checks the certificates of the server.

mod support;

use std::path::{Path, PathBuf};

use claims::Verdict;
use lab::runner::PINNED_SEED;
use lab::runner::canary::Canaries;
use lab::scenario::Scenario;
use lab::server::{Options, Server};
use smtp::message::Message;
use support::{
    audit, folder, good, have, judged, named, only, openssl, pinned, text, timeline, write,
};

/// A scenario that was replayed: its folder, its message and the canaries in it.
struct Case {
    _folder: tempfile::TempDir,
    capture: PathBuf,
    message: Message,
    body: String,
    verdict: Verdict,
}

/// Replays a scenario and reads the message back from its capture.
fn case(id: &str) -> Case {
    let folder = folder();
    let outcome = pinned(named(&[id]), folder.path());
    assert!(outcome.met(), "{:?}", outcome.cases[0].problems);
    let capture = folder.path().join(format!("{id}.pcapng"));
    let timeline = timeline(&capture);
    let messages: Vec<_> = timeline.messages().collect();
    assert_eq!(messages.len(), 1);
    Case {
        message: Message::read(messages[0].1.content.bytes()),
        body: Canaries::new(PINNED_SEED).body,
        verdict: judged(only(&outcome), "ADP-34").verdict,
        capture,
        _folder: folder,
    }
}

impl Case {
    /// The DER bytes of its S/MIME part.
    fn blob(&self) -> Vec<u8> {
        let parts = self.message.parts();
        let part = parts
            .into_iter()
            .find(|part| part.content_type.ends_with("pkcs7-mime"))
            .expect("an S/MIME part");
        part.decoded.clone()
    }
}

fn recipient_key() -> String {
    let key = Path::new(env!("CARGO_MANIFEST_DIR")).join("../lab/keys/recipient.key.pem");
    key.display().to_string()
}

/// What openssl finds inside EnvelopedData with the key of the test recipient.
fn decrypted(blob: &[u8]) -> Vec<u8> {
    let key = recipient_key();
    let output = openssl(&["cms", "-decrypt", "-inform", "DER", "-inkey", &key], blob);
    good(&output, "openssl cms -decrypt")
}

/// What openssl prints about the structure.
fn structure(blob: &[u8]) -> String {
    let output = openssl(&["cms", "-cmsout", "-print", "-inform", "DER"], blob);
    text(&good(&output, "openssl cms -print"))
}

/// Whether an entity that openssl gave out holds the text, behind its transfer encoding.
fn shows(entity: &[u8], needle: &str) -> bool {
    !Message::read(entity).find(needle.as_bytes()).is_empty()
}

#[test]
fn openssl_decrypts_every_cipher_of_the_encoder() {
    if !have(&["openssl"]) {
        return;
    }
    for (id, cipher) in [
        ("SMI-02", "aes-128-cbc"),
        ("SMI-03", "des-ede3-cbc"),
        ("SMI-04", "aes-256-cbc"),
    ] {
        let case = case(id);
        assert_eq!(case.verdict, Verdict::Pass, "{id}");
        let without_key = case.message.find(case.body.as_bytes());
        assert!(without_key.is_empty(), "{id}: readable without a key");
        let blob = case.blob();
        assert!(shows(&decrypted(&blob), &case.body), "{id}");
        let printed = structure(&blob);
        assert!(printed.contains("pkcs7-envelopedData"), "{id}: {printed}");
        assert!(printed.contains(cipher), "{id}: {printed}");
    }
}

#[test]
fn openssl_finds_a_signature_inside_what_it_decrypts() {
    if !have(&["openssl"]) {
        return;
    }
    let case = case("SMI-05");
    assert_eq!(case.verdict, Verdict::Pass);
    let inner = decrypted(&case.blob());
    let signed = openssl(&["cms", "-verify", "-noverify", "-inform", "SMIME"], &inner);
    let content = good(&signed, "openssl cms -verify");
    assert!(shows(&content, &case.body));
    assert!(text(&signed.stderr).contains("CMS Verification successful"));
}

#[test]
fn openssl_reads_a_signed_blob_without_any_key() {
    if !have(&["openssl"]) {
        return;
    }
    let case = case("SMI-07");
    let mut blob = case.blob();
    let verify = ["cms", "-verify", "-noverify", "-inform", "DER"];
    let content = good(&openssl(&verify, &blob), "openssl cms -verify");
    assert!(shows(&content, &case.body));
    assert_ne!(case.verdict, Verdict::Pass);
    let in_the_field = audit(&case.capture);
    assert_ne!(judged(only(&in_the_field), "ADP-34").verdict, Verdict::Pass);

    // The signature covers the text: with one bit of it changed, openssl refuses.
    let place = blob
        .windows(content.len())
        .position(|window| window == content)
        .expect("the text stands in the blob");
    blob[place + content.len() / 2] ^= 1;
    assert!(!openssl(&verify, &blob).status.success());
}

#[test]
fn openssl_verifies_a_clear_signed_message_as_a_whole() {
    if !have(&["openssl"]) {
        return;
    }
    let case = case("SMI-06");
    let whole = case.message.content();
    let verify = ["cms", "-verify", "-noverify", "-inform", "SMIME"];
    let content = good(&openssl(&verify, whole), "openssl cms -verify");
    assert!(shows(&content, &case.body));

    // The first part begins with its label, which the signature covers too.
    let changed = text(whole).replacen("text/plain", "text/html", 1);
    assert_ne!(changed.as_bytes(), whole);
    assert!(!openssl(&verify, changed.as_bytes()).status.success());
}

/// What openssl, told to be strict, says of the certificate that a server of a kind shows to a client of `localhost`.
fn verified(kind: &str) -> String {
    let text_of = format!(
        "id = \"TLS-01\"\ntitle = \"t\"\n[server]\ntls = \"implicit\"\ncertificate = \"{kind}\"\n"
    );
    let scenario = Scenario::parse("x.toml", &text_of).expect("a scenario");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let _inside = runtime.enter();
    let server = Server::bind(address, Options::new(&scenario)).expect("a server");
    let folder = folder();
    let write = |name, bytes| write(folder.path(), name, bytes).display().to_string();
    let authority = write("ca.pem", server.ca_pem().as_bytes());
    let shown = server.certificate().expect("it does TLS");
    let der = write("shown.der", &shown);
    let pem = good(
        &openssl(&["x509", "-inform", "DER", "-in", &der], b""),
        "openssl x509",
    );
    let shown = write("shown.pem", &pem);
    let output = openssl(
        &[
            "verify",
            "-x509_strict",
            "-purpose",
            "sslserver",
            "-verify_hostname",
            "localhost",
            "-CAfile",
            &authority,
            &shown,
        ],
        b"",
    );
    text(&output.stdout) + &text(&output.stderr)
}

/// The numbers are the codes of openssl-verify(1).
#[test]
fn openssl_finds_the_one_flaw_of_each_certificate_and_no_other() {
    if !have(&["openssl"]) {
        return;
    }
    assert!(verified("good").contains("shown.pem: OK"));
    for (kind, error) in [
        ("self-signed", "error 18 at 0 depth"),
        ("wrong-name", "error 62 at 0 depth"),
        ("expired", "error 10 at 0 depth"),
        ("not-yet-valid", "error 9 at 0 depth"),
    ] {
        let said = verified(kind);
        assert!(said.contains(error), "{kind}: {said}");
        assert_eq!(said.matches(" depth lookup").count(), 1, "{kind}: {said}");
    }
}

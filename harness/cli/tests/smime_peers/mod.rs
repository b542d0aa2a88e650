//! Implementations of S/MIME by other hands, driven as programs, and the forms that are tried on them.

pub(crate) mod bouncy;
pub(crate) mod gpgsm;
pub(crate) mod openssl;
pub(crate) mod table;

use std::path::{Path, PathBuf};

use smtp::message::{Message, Part};

/// How a message is protected.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Form {
    /// The content cipher, in the words of `[client.encoder]`; those of old products besides. Empty: not encrypted.
    pub(crate) cipher: &'static str,
    /// The ways to the recipients, joined with `+`: `pkcs1`, `oaep-sha1`, `oaep-sha256`, `p256`, `p384`.
    pub(crate) to: &'static str,
    /// Whether recipients are named by key identifier.
    pub(crate) by_key: bool,
    /// `clear`, `blob`, or empty.
    pub(crate) signature: &'static str,
    /// The digest of the signature.
    pub(crate) digest: &'static str,
    /// `signer` or `signer-p256`.
    pub(crate) signer: &'static str,
    /// The transfer encoding, where it is not base64.
    pub(crate) encoding: &'static str,
    /// `CompressedData`, and nothing else.
    pub(crate) compressed: bool,
}

impl Form {
    /// The names of the recipients, as in the folder of keys.
    pub(crate) fn recipients(&self) -> Vec<&'static str> {
        let name = |way| match way {
            "p256" => "recipient-p256",
            "p384" => "recipient-p384",
            _ => "recipient",
        };
        self.to
            .split('+')
            .filter(|way| !way.is_empty())
            .map(name)
            .collect()
    }

    pub(crate) fn is_gcm(&self) -> bool {
        self.cipher.ends_with("-gcm")
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        !self.cipher.is_empty()
    }

    /// Whether the ECDSA key signs.
    pub(crate) fn is_ecdsa(&self) -> bool {
        self.signer == "signer-p256"
    }
}

/// What came of a job: bytes, or what the program complained of.
pub(crate) type Done = Result<Vec<u8>, String>;

/// A program that makes and opens S/MIME.
pub(crate) trait Peer {
    fn name(&self) -> &'static str;

    /// Makes a message, header and all, out of a MIME entity.
    fn make(&self, forms: &[Form], entity: &[u8]) -> Vec<Done>;

    /// Opens messages with the key of each recipient, and verifies what is signed; gives the entity inside.
    fn open(&self, messages: &[(Form, Vec<u8>)]) -> Vec<Done>;

    /// Why it can do nothing with a form; `None` where it must.
    fn limit(&self, form: &Form, making: bool) -> Option<&'static str>;
}

/// The folder with the test keys.
pub(crate) fn keys() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../lab/keys")
}

pub(crate) fn key_file(name: &str, kind: &str) -> String {
    keys()
        .join(format!("{name}.{kind}.pem"))
        .display()
        .to_string()
}

/// The S/MIME object in a message, or the second part of a `multipart/signed`.
pub(crate) fn blob(message: &[u8]) -> Vec<u8> {
    let message = Message::read(message);
    let part = message.cms().map(|(part, _)| part);
    part.and_then(Part::cms_bytes)
        .expect("CMS in the message")
        .into_owned()
}

/// The bytes that a clear signature is over.
pub(crate) fn signed_part(message: &[u8]) -> Vec<u8> {
    let message = Message::read(message);
    let first = message.root.children.first().expect("two parts");
    message.bytes(first.range()).to_vec()
}

/// Lines that end with CR LF, as mail has them: some programs write a bare LF.
pub(crate) fn as_mail(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(line) => {
                out.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
                out.extend_from_slice(b"\r\n");
            }
            None => out.extend_from_slice(line),
        }
    }
    out
}

//! The tables inside `[client]`: account, encoder, retry, and where bodies and attachments come from.

use std::path::PathBuf;
use std::time::Duration;

use claims::given::Generation;
use smtp::Secret;

use super::client::set;
use super::decode::{Problems, Table, Value, wrong_type};
use super::values::{boolean, canary_text, choice, duration, integer, list, plain, text};
use super::{Code, Spanned};
use crate::adapter::config::{
    Account, Certificate, Cipher, Digest, Encoder, FileSource, KeyTransport, Recipient,
    RecipientNaming, Retry, SignatureType, Signer, TransferEncoding, Unassigned,
};

/// `account`: the account of the host instance.
#[derive(Clone, Debug, Default)]
pub struct AccountTable {
    /// `domain`.
    pub domain: Option<Spanned<String>>,
    /// `user`.
    pub user: Option<Spanned<String>>,
    /// `password`. A case that leaves it out gets a canary of the run.
    pub password: Option<Spanned<Secret>>,
    /// `workstation`.
    pub workstation: Option<Spanned<String>>,
}

impl AccountTable {
    pub(crate) fn read(value: &Value<'_>, problems: &mut Problems) -> Option<Self> {
        let mut table = Table::open("account", value, problems)?;
        let account = Self {
            domain: table.optional("domain", problems, text),
            user: table.optional("user", problems, text),
            password: table.optional("password", problems, secret),
            workstation: table.optional("workstation", problems, text),
        };
        table.finish(problems);
        Some(account)
    }

    /// Puts what the case says over an account.
    pub fn apply(&self, account: &mut Account) {
        set(&mut account.domain, self.domain.as_ref());
        set(&mut account.user, self.user.as_ref());
        set(&mut account.password, self.password.as_ref());
        set(&mut account.workstation, self.workstation.as_ref());
    }
}

/// `[client.encoder]`: the MIME/SMIME encoder of the send pipeline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncoderTable {
    /// `encrypt`.
    pub encrypt: Option<Spanned<bool>>,
    /// `cipher`.
    pub cipher: Option<Spanned<Cipher>>,
    /// `signature`.
    pub signature: Option<Spanned<SignatureType>>,
    /// `transfer_encoding`.
    pub transfer_encoding: Option<Spanned<TransferEncoding>>,
    /// `certificate`.
    pub certificate: Option<Spanned<Certificate>>,
    /// `version`: which generation of the product it is.
    pub generation: Option<Spanned<Generation>>,
    /// `unassigned`: what follows where no certificate is assigned.
    pub unassigned: Option<Spanned<Unassigned>>,
    /// `add_signing_certificate`.
    pub add_signing_certificate: Option<Spanned<bool>>,
    /// `check_revocation`.
    pub check_revocation: Option<Spanned<bool>>,
    /// `body_as_attachment`.
    pub body_as_attachment: Option<Spanned<bool>>,
    /// `attachments_added`.
    pub attachments_added: Option<Spanned<bool>>,
    /// `key_transport`.
    pub key_transport: Option<Spanned<KeyTransport>>,
    /// `recipients`.
    pub recipients: Option<Vec<Spanned<Recipient>>>,
    /// `recipient_naming`.
    pub recipient_naming: Option<Spanned<RecipientNaming>>,
    /// `digest`.
    pub digest: Option<Spanned<Digest>>,
    /// `signer`.
    pub signer: Option<Spanned<Signer>>,
}

pub(super) const CIPHERS: [(&str, Cipher); 6] = [
    ("des3", Cipher::Des3),
    ("aes128", Cipher::Aes128),
    ("aes192", Cipher::Aes192),
    ("aes256", Cipher::Aes256),
    ("aes128-gcm", Cipher::Aes128Gcm),
    ("aes256-gcm", Cipher::Aes256Gcm),
];

pub(super) const SIGNATURES: [(&str, SignatureType); 3] = [
    ("none", SignatureType::NoSign),
    ("clear", SignatureType::ClearSign),
    ("blob", SignatureType::BlobSign),
];

pub(super) const ENCODINGS: [(&str, TransferEncoding); 6] = [
    ("base64", TransferEncoding::Base64),
    ("quoted-printable", TransferEncoding::QuotedPrintable),
    ("7bit", TransferEncoding::SevenBit),
    ("8bit", TransferEncoding::EightBit),
    ("binary", TransferEncoding::Binary),
    ("uuencode", TransferEncoding::UuEncode),
];

pub(super) const CERTIFICATES: [(&str, Certificate); 5] = [
    ("found", Certificate::Found),
    ("not-found", Certificate::NotFound),
    ("not-assigned", Certificate::NotAssigned),
    ("expired", Certificate::Expired),
    ("revoked", Certificate::Revoked),
];

pub(super) const VERSIONS: [(&str, Generation); 2] = [
    ("2013R2", Generation::Before2016),
    ("2016", Generation::From2016),
];

pub(super) const UNASSIGNED: [(&str, Unassigned); 2] = [
    ("suspends", Unassigned::Suspends),
    ("sends-in-clear", Unassigned::SendsInClear),
];

pub(super) const KEY_TRANSPORTS: [(&str, KeyTransport); 3] = [
    ("pkcs1", KeyTransport::Pkcs1v15),
    ("oaep-sha1", KeyTransport::OaepSha1),
    ("oaep-sha256", KeyTransport::OaepSha256),
];

pub(super) const RECIPIENTS: [(&str, Recipient); 3] = [
    ("port", Recipient::Port),
    ("p256", Recipient::P256),
    ("p384", Recipient::P384),
];

pub(super) const RECIPIENT_NAMINGS: [(&str, RecipientNaming); 2] = [
    ("issuer-and-serial", RecipientNaming::IssuerAndSerial),
    ("key-identifier", RecipientNaming::KeyIdentifier),
];

pub(super) const DIGESTS: [(&str, Digest); 4] = [
    ("sha1", Digest::Sha1),
    ("sha256", Digest::Sha256),
    ("sha384", Digest::Sha384),
    ("sha512", Digest::Sha512),
];

pub(super) const SIGNERS: [(&str, Signer); 2] = [("group", Signer::Group), ("p256", Signer::P256)];

impl EncoderTable {
    pub(crate) fn read(value: &Value<'_>, problems: &mut Problems) -> Option<Self> {
        let mut table = Table::open("[client.encoder]", value, problems)?;
        let encoder = Self {
            encrypt: table.optional("encrypt", problems, boolean),
            cipher: table.optional("cipher", problems, choice(&CIPHERS)),
            signature: table.optional("signature", problems, choice(&SIGNATURES)),
            transfer_encoding: table.optional("transfer_encoding", problems, choice(&ENCODINGS)),
            certificate: table.optional("certificate", problems, choice(&CERTIFICATES)),
            generation: table.optional("version", problems, choice(&VERSIONS)),
            unassigned: table.optional("unassigned", problems, choice(&UNASSIGNED)),
            add_signing_certificate: table.optional("add_signing_certificate", problems, boolean),
            check_revocation: table.optional("check_revocation", problems, boolean),
            body_as_attachment: table.optional("body_as_attachment", problems, boolean),
            attachments_added: table.optional("attachments_added", problems, boolean),
            key_transport: table.optional("key_transport", problems, choice(&KEY_TRANSPORTS)),
            recipients: table.optional("recipients", problems, list(choice(&RECIPIENTS))),
            recipient_naming: table.optional(
                "recipient_naming",
                problems,
                choice(&RECIPIENT_NAMINGS),
            ),
            digest: table.optional("digest", problems, choice(&DIGESTS)),
            signer: table.optional("signer", problems, choice(&SIGNERS)),
        };
        table.finish(problems);
        Some(encoder)
    }

    /// Puts what the case says over an encoder.
    pub fn apply(&self, encoder: &mut Encoder) {
        set(&mut encoder.encrypt, self.encrypt.as_ref());
        if let Some(generation) = &self.generation {
            encoder.generation = generation.value;
            encoder.cipher = Cipher::default_of(generation.value);
        }
        set(&mut encoder.cipher, self.cipher.as_ref());
        set(&mut encoder.signature, self.signature.as_ref());
        set(
            &mut encoder.transfer_encoding,
            self.transfer_encoding.as_ref(),
        );
        set(&mut encoder.certificate, self.certificate.as_ref());
        set(&mut encoder.unassigned, self.unassigned.as_ref());
        set(
            &mut encoder.add_signing_certificate,
            self.add_signing_certificate.as_ref(),
        );
        set(
            &mut encoder.check_revocation,
            self.check_revocation.as_ref(),
        );
        set(
            &mut encoder.body_as_attachment,
            self.body_as_attachment.as_ref(),
        );
        set(
            &mut encoder.attachments_added,
            self.attachments_added.as_ref(),
        );
        let cms = &mut encoder.cms;
        set(&mut cms.key_transport, self.key_transport.as_ref());
        if let Some(recipients) = &self.recipients {
            cms.recipients = plain(recipients.clone());
        }
        set(&mut cms.recipient_naming, self.recipient_naming.as_ref());
        set(&mut cms.digest, self.digest.as_ref());
        set(&mut cms.signer, self.signer.as_ref());
    }
}

/// `[client.retry]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RetryTable {
    /// `count`: tries after the first.
    pub count: Option<Spanned<u32>>,
    /// `interval`.
    pub interval: Option<Spanned<Duration>>,
}

impl RetryTable {
    pub(crate) fn read(value: &Value<'_>, problems: &mut Problems) -> Option<Self> {
        let mut table = Table::open("[client.retry]", value, problems)?;
        let retry = Self {
            count: table.optional("count", problems, integer::<u32>),
            interval: table.optional("interval", problems, duration),
        };
        table.finish(problems);
        Some(retry)
    }

    /// Puts what the case says over a retry policy.
    pub fn apply(&self, retry: &mut Retry) {
        set(&mut retry.count, self.count.as_ref());
        set(&mut retry.interval, self.interval.as_ref());
    }
}

/// A password.
pub(super) fn secret(value: &Value<'_>, problems: &mut Problems) -> Option<Spanned<Secret>> {
    let text = text(value, problems)?;
    Some(Spanned {
        value: Secret::new(text.value),
        span: text.span,
    })
}

/// `body_file`: a path as text, or a table as an attachment has it.
pub(super) fn file(value: &Value<'_>, problems: &mut Problems) -> Option<Spanned<FileSource>> {
    if let Some(path) = value.get_ref().as_str() {
        return Some(Spanned {
            value: FileSource::Path(PathBuf::from(path)),
            span: value.span(),
        });
    }
    if value.get_ref().is_table() {
        return attachment(value, problems);
    }
    wrong_type(value, "a path or a table", problems);
    None
}

/// `{ name = …, text = … }` or `{ path = … }`.
pub(super) fn attachment(
    value: &Value<'_>,
    problems: &mut Problems,
) -> Option<Spanned<FileSource>> {
    let mut table = Table::open("attachments", value, problems)?;
    let name = table.optional("name", problems, canary_text);
    let content = table.optional("text", problems, canary_text);
    let path = table.optional("path", problems, text);
    let written = ["name", "text", "path"].map(|key| table.key_span(key).is_some());
    table.finish(problems);
    let source = match written {
        [false, false, true] => FileSource::Path(PathBuf::from(path?.value)),
        [true, true, false] => FileSource::Inline {
            name: name?.value,
            bytes: content?.value.into_bytes(),
        },
        _ => {
            problems
                .add(
                    Code::Conflict,
                    value.span(),
                    "a file is given either by its `path` or by `name` and `text`",
                )
                .help("`{ path = \"/data/in.xml\" }` or `{ name = \"in.xml\", text = \"<a/>\" }`");
            return None;
        }
    };
    Some(Spanned {
        value: source,
        span: value.span(),
    })
}

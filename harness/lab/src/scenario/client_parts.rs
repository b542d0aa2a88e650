//! The tables inside `[client]`: account, encoder, retry, and where bodies and attachments come from.

use std::path::PathBuf;
use std::time::Duration;

use smtp::Secret;

use super::client::set;
use super::decode::{Problems, Table, Value, wrong_type};
use super::values::{boolean, canary_text, choice, duration, integer, text};
use super::{Code, Spanned};
use crate::adapter::config::{
    Account, Certificate, Cipher, Encoder, FileSource, Retry, SignatureType, TransferEncoding,
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
}

pub(super) const CIPHERS: [(&str, Cipher); 4] = [
    ("des3", Cipher::Des3),
    ("aes128", Cipher::Aes128),
    ("aes192", Cipher::Aes192),
    ("aes256", Cipher::Aes256),
];

pub(super) const SIGNATURES: [(&str, SignatureType); 3] = [
    ("none", SignatureType::NoSign),
    ("clear", SignatureType::ClearSign),
    ("blob", SignatureType::BlobSign),
];

pub(super) const ENCODINGS: [(&str, TransferEncoding); 4] = [
    ("base64", TransferEncoding::Base64),
    ("quoted-printable", TransferEncoding::QuotedPrintable),
    ("7bit", TransferEncoding::SevenBit),
    ("8bit", TransferEncoding::EightBit),
];

pub(super) const CERTIFICATES: [(&str, Certificate); 2] = [
    ("found", Certificate::Found),
    ("not-found", Certificate::NotFound),
];

impl EncoderTable {
    pub(crate) fn read(value: &Value<'_>, problems: &mut Problems) -> Option<Self> {
        let mut table = Table::open("[client.encoder]", value, problems)?;
        let encoder = Self {
            encrypt: table.optional("encrypt", problems, boolean),
            cipher: table.optional("cipher", problems, choice(&CIPHERS)),
            signature: table.optional("signature", problems, choice(&SIGNATURES)),
            transfer_encoding: table.optional("transfer_encoding", problems, choice(&ENCODINGS)),
            certificate: table.optional("certificate", problems, choice(&CERTIFICATES)),
        };
        table.finish(problems);
        Some(encoder)
    }

    /// Puts what the case says over an encoder.
    pub fn apply(&self, encoder: &mut Encoder) {
        set(&mut encoder.encrypt, self.encrypt.as_ref());
        set(&mut encoder.cipher, self.cipher.as_ref());
        set(&mut encoder.signature, self.signature.as_ref());
        set(
            &mut encoder.transfer_encoding,
            self.transfer_encoding.as_ref(),
        );
        set(&mut encoder.certificate, self.certificate.as_ref());
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

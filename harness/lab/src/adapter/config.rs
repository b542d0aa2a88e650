//! The documented properties of the adapter, of the handler it runs in, and of the S/MIME encoder before it.

use std::path::PathBuf;
use std::time::Duration;

use claims::given::{ClientTls, Generation};
use smtp::Secret;

mod cms;

pub use cms::{CmsChoices, Digest, KeyTransport, Recipient, RecipientNaming, Signer};

use super::host::{BadHost, HostPort};
use super::readings::Readings;

/// `SMTPAuthenticate`: how the adapter says who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMode {
    /// 0: it does not.
    None,
    /// 1: with the configured user name and password, in clear text.
    Basic,
    /// 2: with NTLM, as the account that the host instance runs under. The documented default of the handler.
    Ntlm,
}

/// Which SASL mechanism "Basic" is. The documentation does not say, so both exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BasicMechanism {
    /// AUTH LOGIN.
    Login,
    /// AUTH PLAIN.
    Plain,
}

/// The account that the host instance runs under: what NTLM proves.
#[derive(Clone, Debug)]
pub struct Account {
    /// `NetBIOS` domain, or computer name for a local account.
    pub domain: String,
    /// Account name.
    pub user: String,
    /// Its password.
    pub password: Secret,
    /// `NetBIOS` name of the machine.
    pub workstation: String,
}

impl Account {
    /// No account at all.
    pub fn nobody() -> Self {
        Self {
            domain: String::new(),
            user: String::new(),
            password: Secret::new(""),
            workstation: String::new(),
        }
    }
}

/// Where a body or attachment comes from.
#[derive(Clone, Debug)]
pub enum FileSource {
    /// A file, read when the message is sent, under the account of the host instance.
    Path(PathBuf),
    /// Bytes given by the scenario, with the name they are attached under.
    Inline {
        /// File name.
        name: String,
        /// Content.
        bytes: Vec<u8>,
    },
}

/// `Signature type` of the S/MIME encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureType {
    /// Not signed; the documented default.
    NoSign,
    /// `multipart/signed`: readable by all. Not allowed together with encryption.
    ClearSign,
    /// An opaque `SignedData` blob: encoded, not encrypted.
    BlobSign,
}

/// Content-encryption algorithm of the S/MIME encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cipher {
    /// DES-EDE3-CBC: the default before 2016.
    Des3,
    /// AES-128-CBC: the default from 2016.
    Aes128,
    /// AES-192-CBC.
    Aes192,
    /// AES-256-CBC.
    Aes256,
    /// AES-128-GCM, which the encoder does not offer: the content is protected against change, too (RFC 5084).
    Aes128Gcm,
    /// AES-256-GCM, which it does not offer either.
    Aes256Gcm,
}

impl Cipher {
    /// The documented default of a generation of the product.
    pub const fn default_of(generation: Generation) -> Self {
        match generation {
            Generation::Before2016 => Self::Des3,
            Generation::From2016 => Self::Aes128,
        }
    }

    /// Whether it protects the content against change, so that the message is `AuthEnvelopedData` (RFC 5083).
    pub const fn is_authenticated(self) -> bool {
        matches!(self, Self::Aes128Gcm | Self::Aes256Gcm)
    }
}

/// Transfer encoding of the encoder's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferEncoding {
    /// The documented default.
    Base64,
    /// Quoted-printable.
    QuotedPrintable,
    /// 7bit.
    SevenBit,
    /// 8bit.
    EightBit,
    /// Bytes as they are, which takes a server with BINARYMIME and CHUNKING (RFC 3030).
    Binary,
    /// The encoding of uuencode, which MIME knows by private names only.
    UuEncode,
}

/// Whether the certificate that encryption needs is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certificate {
    /// Assigned to the port and found in the store.
    Found,
    /// Assigned to the port, absent from the store. Documented: the message is suspended.
    NotFound,
    /// None is assigned to the port. What follows is documented in two ways: [`Unassigned`].
    NotAssigned,
    /// Found, and its time has run out.
    Expired,
    /// Found, and on the list of those that its authority revoked.
    Revoked,
}

/// What happens to a message that is to be encrypted where the port has no certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unassigned {
    /// It is suspended, as where the certificate is not found.
    Suspends,
    /// It is sent in clear text, as the page on removing a certificate from a port has it.
    SendsInClear,
}

/// The MIME/SMIME encoder of the send pipeline.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a documented property"
)]
#[derive(Clone, Debug)]
pub struct Encoder {
    /// `Enable encryption`.
    pub encrypt: bool,
    /// `Encryption algorithm`.
    pub cipher: Cipher,
    /// `Signature type`.
    pub signature: SignatureType,
    /// `Content transfer encoding`.
    pub transfer_encoding: TransferEncoding,
    /// State of the encryption certificate.
    pub certificate: Certificate,
    /// The generation of the product: it decides the default cipher.
    pub generation: Generation,
    /// Which reading of the documentation holds where no certificate is assigned.
    pub unassigned: Unassigned,
    /// `Add signing cert to message`.
    pub add_signing_certificate: bool,
    /// `Check revocation list`.
    pub check_revocation: bool,
    /// `Send body part as attachment`.
    pub body_as_attachment: bool,
    /// Whether the adapter adds its attachments to what the pipeline encoded. A report says that an encoded message stays
    /// untouched; the order of pipeline and adapter lets one expect the other.
    pub attachments_added: bool,
    /// What the documentation leaves open.
    pub cms: CmsChoices,
}

impl Default for Encoder {
    /// As the documentation has it: in the pipeline, it encodes and neither encrypts nor signs.
    fn default() -> Self {
        Self {
            encrypt: false,
            cipher: Cipher::Aes128,
            signature: SignatureType::NoSign,
            transfer_encoding: TransferEncoding::Base64,
            certificate: Certificate::Found,
            generation: Generation::From2016,
            unassigned: Unassigned::Suspends,
            add_signing_certificate: true,
            check_revocation: true,
            body_as_attachment: false,
            attachments_added: false,
            cms: CmsChoices::default(),
        }
    }
}

/// How often and how soon a failed transmission is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// `Retry count`: tries after the first.
    pub count: u32,
    /// `Retry interval`. The documented default is five minutes; scenarios compress it.
    pub interval: Duration,
}

impl Default for Retry {
    /// As documented: three times, five minutes apart.
    fn default() -> Self {
        Self {
            count: 3,
            interval: Duration::from_mins(5),
        }
    }
}

/// Extensions for getting mail across. The documentation says nothing of them, so that the adapter uses none by itself; the
/// cases about them need a client that can.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a separate extension"
)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Transfer {
    /// Whether the envelope goes in one group (RFC 2920).
    pub pipelining: bool,
    /// Whether the message goes in chunks (RFC 3030).
    pub chunking: bool,
    /// Whether the message may only go on under TLS, to a server that takes it upon itself to see to that (RFC 8689).
    pub require_tls_onward: bool,
    /// Whether MAIL declares how long the message is, where the server offers SIZE (RFC 1870).
    pub declare_size: bool,
}

/// Everything that configures one send port and its handler.
#[expect(clippy::struct_excessive_bools, reason = "each is a separate property")]
#[derive(Clone, Debug)]
pub struct Config {
    /// `SMTPAuthenticate`.
    pub auth: AuthMode,
    /// Which mechanism Basic uses. It is used only if the server offers it; the other Basic mechanism is not tried.
    pub mechanism: BasicMechanism,
    /// Whether the first SASL message goes in the AUTH line (RFC 4954 section 4). For NTLM: variant B.
    pub initial_response: bool,
    /// What it does about TLS. The documentation says that it does none; one page of it (the feature pack) says
    /// otherwise, and the cases about TLS need a client that can.
    pub tls: ClientTls,
    /// `UserName`: for Basic only.
    pub username: Option<String>,
    /// `Password`: for Basic only.
    pub password: Option<Secret>,
    /// The account of the host instance: for NTLM only.
    pub account: Account,
    /// `SMTPHost`, as written. Who delivers says where to; this is what is configured.
    pub smtp_host: Option<String>,
    /// The argument of EHLO: the machine's name.
    pub ehlo: String,
    /// `From`: header and reverse-path.
    pub from: String,
    /// `To`, each address by itself.
    pub to: Vec<String>,
    /// `CC`, each address by itself.
    pub cc: Vec<String>,
    /// Blind copies: one RCPT each, and no header field. The documentation has no such property; the case about blind
    /// copies needs a client that can.
    pub bcc: Vec<String>,
    /// `Subject`, macros unexpanded; `None` leaves the default, `%MessageID%`.
    pub subject: Option<String>,
    /// `ReadReceipt`.
    pub read_receipt: bool,
    /// `DeliveryReceipt`.
    pub delivery_receipt: bool,
    /// `EmailBodyText`.
    pub body_text: Option<String>,
    /// `EmailBodyTextCharset`: what the text is converted to. Empty is not set.
    pub body_text_charset: Option<String>,
    /// `EmailBodyFile`.
    pub body_file: Option<FileSource>,
    /// `EmailBodyFileCharset`: what the file is said to be in. It is not converted. UTF-8 where not set.
    pub body_file_charset: Option<String>,
    /// `Attachments`.
    pub attachments: Vec<FileSource>,
    /// `MessagePartsAttachments`: 0, 1 or 2.
    pub message_parts_attachments: u8,
    /// `ReplyBy`, an RFC 3339 time.
    pub reply_by: Option<String>,
    /// The encoder, where the send pipeline has one.
    pub encoder: Option<Encoder>,
    /// Which extensions it uses where they are offered.
    pub transfer: Transfer,
    /// Retry.
    pub retry: Retry,
    /// How long to wait for the connection and for each reply.
    pub timeout: Duration,
    /// How contradictions of the documentation are read.
    pub readings: Readings,
    /// Whether the documented limits of the properties are not kept. Cases that are not about the properties need longer ones.
    pub unlimited: bool,
}

impl Config {
    /// Nothing set: every property at its documented default. An account, a machine's name, and the properties that are
    /// required without a default (`From`, `To`, `SMTPHost`) are empty.
    ///
    /// The documentation says nothing of a time limit; CDO, which is thought to be under the adapter, has 30 s.
    pub fn documented() -> Self {
        Self {
            auth: AuthMode::Ntlm,
            mechanism: BasicMechanism::Login,
            initial_response: false,
            tls: ClientTls::Never,
            username: None,
            password: None,
            account: Account::nobody(),
            smtp_host: None,
            ehlo: "localhost".to_owned(),
            from: String::new(),
            to: Vec::new(),
            cc: Vec::new(),
            bcc: Vec::new(),
            subject: None,
            read_receipt: false,
            delivery_receipt: false,
            body_text: None,
            body_text_charset: None,
            body_file: None,
            body_file_charset: None,
            attachments: Vec::new(),
            message_parts_attachments: 0,
            reply_by: None,
            encoder: None,
            transfer: Transfer::default(),
            retry: Retry::default(),
            timeout: Duration::from_secs(30),
            readings: Readings::default(),
            unlimited: false,
        }
    }

    /// The server that `SMTPHost` names.
    ///
    /// # Errors
    /// It is not allowed to be what it is.
    pub fn server(&self) -> Result<Option<HostPort>, BadHost> {
        let host = self.smtp_host.as_deref();
        host.map(|host| HostPort::parse(host, self.readings.smtp_host))
            .transpose()
    }
}

/// What BizTalk hands to the adapter: the message out of the MessageBox, before any pipeline.
#[derive(Clone, Debug)]
pub struct Payload {
    /// `BTS.MessageID`, in the registry form without braces: `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`.
    pub message_id: String,
    /// The body part.
    pub body: Vec<u8>,
    /// Its content type.
    pub content_type: String,
    /// `%SourceParty%`, where set.
    pub source_party: Option<String>,
    /// `%SourcePartyQualifier%`, where set.
    pub source_party_qualifier: Option<String>,
    /// `%DestinationParty%`, where set.
    pub destination_party: Option<String>,
    /// `%DestinationPartyQualifier%`, where set.
    pub destination_party_qualifier: Option<String>,
    /// Its other parts, beside the body part.
    pub parts: Vec<Part>,
    /// MIME properties of its context.
    pub mime: MimeProperties,
}

impl Payload {
    /// A message with a body part and nothing else.
    pub fn new(message_id: String, content_type: &str, body: Vec<u8>) -> Self {
        Self {
            message_id,
            body,
            content_type: content_type.to_owned(),
            source_party: None,
            source_party_qualifier: None,
            destination_party: None,
            destination_party_qualifier: None,
            parts: Vec::new(),
            mime: MimeProperties::default(),
        }
    }
}

/// A part of a message, other than its body part.
#[derive(Clone, Debug)]
pub struct Part {
    /// The name that it is attached under.
    pub name: String,
    /// Its content type.
    pub content_type: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// The MIME context properties of a message part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MimeProperties {
    /// `FileName`.
    pub file_name: Option<String>,
    /// `ContentID`.
    pub content_id: Option<String>,
    /// `ContentDescription`.
    pub content_description: Option<String>,
    /// `ContentLocation`.
    pub content_location: Option<String>,
    /// `ContentTransferEncoding`: that of the part, over the encoder's.
    pub transfer_encoding: Option<TransferEncoding>,
    /// `IsMIMEEncoded`: the body is a MIME entity already, header and all, and stays as it is.
    pub is_mime_encoded: bool,
    /// `IsMultipartRelated`.
    pub is_multipart_related: bool,
}

//! Why a message is suspended before any connection is made.

/// Why a message cannot be sent as configured. The texts never hold credentials or content.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error(transparent)]
    TooLong(#[from] super::limits::Limit),
    #[error(transparent)]
    Host(#[from] super::host::BadHost),
    #[error(
        "EmailBodyText is set and EmailBodyTextCharset is not, which is documented to suspend the message"
    )]
    NoCharset,
    #[error("{0} names no character set that is known (the WHATWG Encoding Standard lists them)")]
    Charset(&'static str),
    #[error("EmailBodyText has characters that {0} does not have")]
    Unconvertible(&'static str),
    #[error("the message/rfc822 part cannot be sent as the mail itself: {0}")]
    Rfc822(&'static str),
    #[error("{0} is not set and has no default; set it on the port or on the handler")]
    Missing(&'static str),
    #[error(
        "{0} holds a line break or another control character, which would end its header field or command"
    )]
    ControlCharacter(&'static str),
    #[error(
        "{0} is not an address that SMTP can carry (RFC 5321 section 4.1.2): use `local@domain`"
    )]
    Address(&'static str),
    #[error("the macro %{name}% in {property} has no value there")]
    Macro {
        property: &'static str,
        name: String,
    },
    #[error("ReplyBy is not a time in the form of RFC 3339, such as 2026-01-31T12:00:00Z")]
    ReplyBy,
    #[error("{property} cannot be read: {reason}")]
    File {
        property: &'static str,
        reason: String,
    },
    #[error("MessagePartsAttachments is {0}; it can be 0, 1 or 2")]
    MessageParts(u8),
    #[error("the content type of the message body is not a media type (RFC 2045 section 5.1)")]
    ContentType,
    #[error(
        "the body does not fit the content transfer encoding {0}: choose base64 or quoted-printable"
    )]
    TransferEncoding(&'static str),
    #[error("the encryption certificate assigned to the port is not in the certificate store")]
    CertificateNotFound,
    #[error("ClearSign cannot be used together with encryption; use BlobSign")]
    ClearSignWithEncryption,
    #[error("encryption is enabled, and no certificate is assigned to the port")]
    CertificateNotAssigned,
    #[error("the encryption certificate assigned to the port is not valid at this time")]
    CertificateOutOfTime,
    #[error("the encryption certificate assigned to the port was revoked by its authority")]
    CertificateRevoked,
    #[error(
        "whether the encryption certificate was revoked cannot be told: no current list of its authority is at hand"
    )]
    RevocationUnknown,
    #[error(
        "the message part is said to be MIME encoded, and is no MIME entity of Content fields and a body"
    )]
    NotAnEntity,
    #[error("the S/MIME encoder failed: {0}")]
    Smime(#[from] super::smime::SmimeError),
}
